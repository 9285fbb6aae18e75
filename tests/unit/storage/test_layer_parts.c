/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/layer/budget.h"
#include "storage/layer/idmap.h"
#include "storage/layer/stream.h"
#include "storage/layer/tarhdr.h"
#include "storage/layer/tree.h"
#include "storage/layer/xattr.h"
#include "util/cleanup.h"

/* The pieces of bryo-layer that need no sandbox. */

static const struct {
	const char *name;
	const char *want;
	int code;
} name_cases[] = {
	{ "a", "a", 0 },
	{ "/a", "a", 0 },
	{ "./a/b/", "a/b", 0 },
	{ "//a//./b", "a/b", 0 },
	{ ".", "", 0 },
	{ "/", "", 0 },
	{ "./", "", 0 },
	{ "a/.b", "a/.b", 0 },
	{ "...", "...", 0 },
	{ "a/..b", "a/..b", 0 },
	{ "", NULL, EINVAL },
	{ "..", NULL, EINVAL },
	{ "a/..", NULL, EINVAL },
	{ "../a", NULL, EINVAL },
	{ "a/../b", NULL, EINVAL },
	{ "/..", NULL, EINVAL },
};

static void test_tree_name(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(name_cases); i++) {
		autosb struct sb out = SB_INIT;

		print_message("case: '%s'\n", name_cases[i].name);
		if (name_cases[i].code) {
			assert_fails(tree_name(name_cases[i].name, &out, err),
				     name_cases[i].code);
			continue;
		}
		assert_ok(tree_name(name_cases[i].name, &out, err));
		assert_string_equal(out.buf, name_cases[i].want);
	}
}

static void test_tree_name_limits(void **state unused_attr)
{
	autosb struct sb out = SB_INIT;
	autosb struct sb deep = SB_INIT;
	char name[TREE_PATH_MAX + 1];

	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	assert_fails(tree_name(name, &out, err), ENAMETOOLONG);
	assert_ok(tree_name(name + 1, &out, err));
	for (int i = 0; i < TREE_DEPTH_MAX; i++)
		sb_add(&deep, "d/");
	assert_ok(tree_name(deep.buf, &out, err));
	sb_add(&deep, "d");
	assert_fails(tree_name(deep.buf, &out, err), ENAMETOOLONG);
	memset(name, '/', sizeof(name));
	name[TREE_PATH_MAX] = '\0';
	assert_fails(tree_name(name, &out, err), ENAMETOOLONG);
}

static void test_idmap(void **state unused_attr)
{
	struct idmap map;

	assert_ok(idmap_parse("         0       1000          1\n"
			      "         1     100000      65536\n", &map, err));
	assert_int_equal(map.n, 2);
	assert_int_equal(idmap_total(&map), 65537);
	assert_true(idmap_has(&map, 0));
	assert_true(idmap_has(&map, 65536));
	assert_false(idmap_has(&map, 65537));
	assert_false(idmap_has(&map, -1));
	assert_false(idmap_has(&map, INT64_C(1) << 32));
	assert_ok(idmap_parse("0 0 4294967295\n", &map, err));
	assert_true(idmap_has(&map, 4294967294));
	assert_false(idmap_has(&map, 4294967295));
	assert_fails(idmap_parse("", &map, err), EINVAL);
	assert_fails(idmap_parse("x", &map, err), EINVAL);
}

static void test_xattr_is_kept(void **state unused_attr)
{
	assert_true(xattr_is_kept("user.a"));
	assert_true(xattr_is_kept("user.overlayfs"));
	assert_true(xattr_is_kept("security.capability"));
	assert_false(xattr_is_kept("user."));
	assert_false(xattr_is_kept("user"));
	assert_false(xattr_is_kept("user.overlay.opaque"));
	assert_false(xattr_is_kept("user.fuseoverlayfs.opaque"));
	assert_false(xattr_is_kept("user.containers.override_stat"));
	assert_false(xattr_is_kept("user.bryo.x"));
	assert_false(xattr_is_kept("trusted.overlay.opaque"));
	assert_false(xattr_is_kept("security.capabilityx"));
	assert_false(xattr_is_kept(""));
}

/* A record's length counts its own digits: 9 + 1 is 11, not 10. */
static void test_pax_record(void **state unused_attr)
{
	char value[1100];

	memset(value, 'v', sizeof(value));
	for (size_t len = 0; len < sizeof(value); len++) {
		autosb struct sb out = SB_INIT;

		tar_pax_record(&out, "k", value, len);
		assert_int_equal(strtoull(out.buf, NULL, 10), out.len);
		assert_int_equal(out.buf[out.len - 1], '\n');
	}
}

static void test_tar_header(void **state unused_attr)
{
	struct tar_member m = {
		.type = '0', .name = "f", .link = "", .mode = 04755,
		.uid = 1, .size = 513,
		.mtime = { .tv_sec = 8 },
	};
	autosb struct sb out = SB_INIT;
	unsigned int sum = 0;

	tar_header(&out, &m);
	assert_int_equal(out.len, TAR_BLOCK);
	assert_string_equal(out.buf, "f");
	assert_string_equal(out.buf + 100, "0004755");
	assert_string_equal(out.buf + 124, "00000001001");
	assert_string_equal(out.buf + 136, "00000000010");
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)out.buf[i];
	assert_int_equal(strtoul(out.buf + 148, NULL, 8), sum);
	assert_int_equal(tar_padding(513), 511);
	assert_int_equal(tar_padding(512), 0);

	/* nanoseconds need a pax header: two blocks more */
	sb_trunc(&out, 0);
	m.mtime.tv_nsec = 500000000;
	tar_header(&out, &m);
	assert_int_equal(out.len, 3 * TAR_BLOCK);
	assert_string_equal(out.buf + TAR_BLOCK, "13 mtime=8.5\n");
}

static void test_budget(void **state unused_attr)
{
	struct budget b;

	autoclose int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_ok(budget_init(&b, fd, 100, err));
	assert_ok(budget_content(&b, 60, err));
	assert_ok(budget_content(&b, 40, err));
	assert_fails(budget_content(&b, 1, err), EFBIG);
	assert_ok(budget_size(&b, 100, err));
	assert_fails(budget_size(&b, 101, err), EFBIG);
	assert_fails(budget_content(&b, UINT64_MAX, err), EFBIG);
}

/* ---- streams ------------------------------------------------------------ */

/* One gzip member of "hello hello hello\n" */
static const unsigned char hello_gz[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
	0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x90, 0x5c,
	0x00, 0x3b, 0x7c, 0x8a, 0xdf, 0x12, 0x00, 0x00, 0x00,
};

static int run_stream(const void *data, size_t len, struct sb *out,
		      struct err *err)
{
	struct stream s = { .resume = -EBADF, .blob = -EBADF,
			    .tar_max = 1 << 20 };
	const void *block;
	size_t n;
	int pair[2];
	int r;

	if (pipe2(pair, O_CLOEXEC) < 0 ||
	    write(pair[1], data, len) != (ssize_t)len)
		return err_sys(err, "pipe");
	close(pair[1]);
	s.input = pair[0];
	r = stream_open(&s, err);
	while (r == 0) {
		r = stream_next(&s, &block, &n, err);
		if (r <= 0)
			break;
		sb_addn(out, block, n);
		r = 0;
	}
	stream_close(&s);
	close(pair[0]);
	return r;
}

static void test_stream_gzip(void **state unused_attr)
{
	unsigned char twice[2 * sizeof(hello_gz) + 3];
	autosb struct sb out = SB_INIT;

	assert_ok(run_stream(hello_gz, sizeof(hello_gz), &out, err));
	assert_string_equal(out.buf, "hello hello hello\n");

	/* two members and padding */
	memset(twice, 0, sizeof(twice));
	memcpy(twice, hello_gz, sizeof(hello_gz));
	memcpy(twice + sizeof(hello_gz), hello_gz, sizeof(hello_gz));
	sb_trunc(&out, 0);
	assert_ok(run_stream(twice, sizeof(twice), &out, err));
	assert_string_equal(out.buf, "hello hello hello\nhello hello hello\n");
	/* garbage instead of padding */
	twice[sizeof(twice) - 1] = 'x';
	assert_fails(run_stream(twice, sizeof(twice), &out, err), EBADMSG);
	/* every way of being cut */
	for (size_t i = 2; i < sizeof(hello_gz); i++)
		assert_fails(run_stream(hello_gz, i, &out, err), ENODATA);
}

static void test_stream_plain(void **state unused_attr)
{
	autosb struct sb out = SB_INIT;

	assert_ok(run_stream("abc", 3, &out, err));
	assert_string_equal(out.buf, "abc");
	sb_trunc(&out, 0);
	assert_ok(run_stream("", 0, &out, err));
	assert_int_equal(out.len, 0);
}

static const struct {
	const char *name;
	bool plain;
	bool no_raw;
	bool no_tar;
} digest_cases[] = {
	{ "gzip, both", false, false, false },
	{ "gzip, the input's", false, false, true },
	{ "gzip, the output's", false, true, false },
	{ "gzip, none", false, true, true },
	{ "tar, both", true, false, false },
	{ "tar, the input's is the output's", true, false, true },
	{ "tar, the output's", true, true, false },
	{ "tar, none", true, true, true },
};

/* What was asked for is right, what was not is empty. */
static void test_stream_digests(void **state unused_attr)
{
	static const char text[] = "hello hello hello\n";

	for (size_t i = 0; i < ARRAY_LEN(digest_cases); i++) {
		bool plain = digest_cases[i].plain;
		const void *data = plain ? (const void *)text : hello_gz;
		size_t len = plain ? strlen(text) : sizeof(hello_gz);
		bool no_raw = digest_cases[i].no_raw;
		bool no_tar = digest_cases[i].no_tar;
		char raw[SHA256_HEX], tar[SHA256_HEX];
		char want_raw[SHA256_HEX], want_tar[SHA256_HEX];
		struct stream s = { .resume = -EBADF, .blob = -EBADF,
				    .tar_max = 1 << 20, .no_raw_hash = no_raw,
				    .no_tar_hash = no_tar };
		const void *block;
		size_t n;
		int pair[2];

		print_message("case: %s\n", digest_cases[i].name);
		assert_ok(sha256_data(data, len, want_raw, err));
		assert_ok(sha256_data(text, strlen(text), want_tar, err));
		assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
		assert_int_equal(write(pair[1], data, len), len);
		close(pair[1]);
		s.input = pair[0];
		assert_ok(stream_open(&s, err));
		while (stream_next(&s, &block, &n, NULL) > 0)
			continue;
		stream_digests(&s, raw, tar);
		stream_close(&s);
		close(pair[0]);
		assert_string_equal(raw, no_raw ? "" : want_raw);
		assert_string_equal(tar, no_tar && (!plain || no_raw) ?
						 "" : want_tar);
	}
}

UNIT_TESTS(unit_test(test_tree_name), unit_test(test_tree_name_limits),
	   unit_test(test_idmap), unit_test(test_xattr_is_kept),
	   unit_test(test_pax_record), unit_test(test_tar_header),
	   unit_test(test_budget), unit_test(test_stream_gzip),
	   unit_test(test_stream_plain), unit_test(test_stream_digests));
