/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent gives away when init asks: what the spec says, no more. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/oci.h"
#include "libpod/oci/steps.h"
#include "libpod/oci/sync.h"
#include "tests/unit/unit.h"
#include "util/cleanup.h"
#include "util/compiler.h"

static const struct {
	const char *name;
	int32_t mount;
	const char *text;
	int want;
} cases[] = {
	{ "what was asked for", 1, "5:6", 0 },
	{ "a mount without U", 0, "5:6", EPROTO },
	{ "a mount without a source", 2, "5:6", EPROTO },
	{ "before the first mount", -1, "5:6", EPROTO },
	{ "behind the last mount", 3, "5:6", EPROTO },
	{ "an uid that is not mapped", 1, "7:6", EPROTO },
	{ "a gid that is not mapped", 1, "5:7", EPROTO },
	{ "no gid", 1, "5", EPROTO },
	{ "nothing", 1, "", EPROTO },
	{ "more than a gid", 1, "5:6:7", EPROTO },
};

static void test_owner_give(void **state unused_attr)
{
	char dir[] = "/tmp/bryo-owner.XXXXXX";
	struct oci_mount mounts[3] = {
		{ .source_fd = -EBADF, .target = "/a" },
		{ .source_fd = -EBADF, .target = "/b", .chown = true },
		{ .source_fd = -EBADF, .target = "/c", .chown = true },
	};
	/* ids of the container that are ours out here */
	const struct oci_spec spec = {
		.uid_map = { { { 5, getuid(), 1 } }, 1 },
		.gid_map = { { { 6, getgid(), 1 } }, 1 },
		.mounts = mounts,
		.n_mounts = ARRAY_LEN(mounts),
	};

	assert_non_null(mkdtemp(dir));
	autoclose int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(fd, "d", 0700), 0);
	/* to a place that does not belong to us: it is not followed */
	assert_int_equal(symlinkat("/", fd, "root"), 0);
	mounts[0].source_fd = mounts[1].source_fd = fd;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sync_msg msg = { .type = SYNC_CHOWN,
					.value = cases[i].mount };

		print_message("case: %s\n", cases[i].name);
		memcpy(msg.text, cases[i].text, strlen(cases[i].text));
		msg.text_len = (uint32_t)strlen(cases[i].text);
		if (cases[i].want)
			assert_fails(owner_give(&spec, &msg, err),
				     cases[i].want);
		else
			assert_ok(owner_give(&spec, &msg, err));
	}
	assert_int_equal(unlinkat(fd, "root", 0), 0);
	assert_int_equal(unlinkat(fd, "d", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(dir), 0);
}

UNIT_TESTS(unit_test(test_owner_give));
