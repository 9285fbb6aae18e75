/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/archive/sink.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/sb.h"

/* Places in an archive that others fill, and where there are none. */

static int temp_file(int flags)
{
	char path[] = "/tmp/bryo-sink.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC | flags);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static void assert_same(int a, int b)
{
	autosb struct sb x = SB_INIT;
	autosb struct sb y = SB_INIT;

	assert_int_equal(lseek(a, 0, SEEK_SET), 0);
	assert_int_equal(lseek(b, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_all(a, 1 << 20, &x), 0);
	assert_int_equal(fd_read_all(b, 1 << 20, &y), 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.buf, y.buf, x.len);
}

/* Filled in the wrong order, the archive is the one that is written in order,
 * sizes at and around a block included. */
static void test_reserve(void **state unused_attr)
{
	static const size_t sizes[] = { 700, 0, 512, 1, 1024 };
	autoclose int in_order = temp_file(0);
	autoclose int reserved = temp_file(0);
	struct sink a = sink_tar(in_order);
	struct sink b = sink_tar(reserved);
	int out[ARRAY_LEN(sizes)];
	char data[1024];

	assert_true(sink_can_reserve(&b));
	assert_ok(sink_file(&a, "first", "x", 1, err));
	assert_ok(sink_file(&b, "first", "x", 1, err));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		memset(data, 'a' + (int)i, sizeof(data));
		assert_ok(sink_file(&a, "f", data, sizes[i], err));
		assert_ok(out[i] = sink_reserve(&b, "f", sizes[i], err));
	}
	assert_ok(sink_file(&a, "last", "y", 1, err));
	assert_ok(sink_file(&b, "last", "y", 1, err));
	for (size_t i = ARRAY_LEN(sizes); i-- > 0;) {
		memset(data, 'a' + (int)i, sizeof(data));
		assert_int_equal(fd_write_full(out[i], data, sizes[i]), 0);
		close(out[i]);
	}
	assert_ok(sink_finish(&a, err));
	assert_ok(sink_finish(&b, err));
	assert_same(in_order, reserved);
}

static void test_cannot_reserve(void **state unused_attr)
{
	autoclose int append = temp_file(O_APPEND);
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int pair[2];
	struct sink k;

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	autoclose int rd = pair[0];
	autoclose int wr = pair[1];
	const int fds[] = { append, null, wr };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		k = sink_tar(fds[i]);
		assert_false(sink_can_reserve(&k));
	}
	autoclose int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	k = sink_dir(dir);
	assert_false(sink_can_reserve(&k));
	assert_true(rd >= 0);
}

static void test_copy(void **state unused_attr)
{
	autoclose int from = temp_file(0);
	autoclose int a = temp_file(0);
	autoclose int b = temp_file(0);
	struct sink ka = sink_tar(a);
	struct sink kb = sink_tar(b);

	assert_int_equal(fd_write_full(from, "0123456789", 10), 0);
	assert_ok(sink_copy(&ka, "f", from, 7, err));
	assert_ok(sink_file(&kb, "f", "0123456", 7, err));
	assert_same(a, b);
	assert_fails(sink_copy(&ka, "f", from, 11, err), EIO);
}

UNIT_TESTS(unit_test(test_reserve), unit_test(test_cannot_reserve),
	   unit_test(test_copy));
