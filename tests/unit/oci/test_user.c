/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/user.h"
#include "util/cleanup.h"
#include "util/sb.h"
#include "util/strv.h"

static const char passwd[] =
	"# comment\n"
	"\n"
	"root:x:0:0:root:/root:/bin/sh\n"
	"www:x:33:34:www:/var/www:/bin/false\n"
	"1000:x:0:0:a name that is a number:/trap:/bin/sh\n"
	"nouid:x::0::/:\n"
	"overflow:x:4294967296:0::/:\n"
	"minusone:x:4294967295:0::/:\n"
	"relative:x:44:44::var:\n"
	"short:x:45\n"
	":x:46:46::/:\n"
	"last:x:50:50::/last:/bin/sh";

static const char group[] = "root:x:0:\n"
			    "adm:x:4:other,www\n"
			    "www-data:x:34:\n"
			    "tail:x:70:wwww,www\n"
			    "bad:x::www\n"
			    "wheel:x:10:root\n"
			    "8000:x:9:\n";

/* @want NULL: fails with @code; else "uid gid home groups" */
static const struct {
	const char *spec;
	const char *want;
	int code;
} cases[] = {
	{ "", "0 0 /root 0,10", 0 },
	{ "root", "0 0 /root 0,10", 0 },
	{ "0", "0 0 /root 0,10", 0 },
	{ "www", "33 34 /var/www 34,4,70", 0 },
	{ "33", "33 34 /var/www 34,4,70", 0 },
	{ "www:adm", "33 4 /var/www 4", 0 },
	{ "www:0", "33 0 /var/www 0", 0 },
	{ "www:", "33 34 /var/www 34,4,70", 0 },
	{ ":4", "0 4 /root 4", 0 },
	/* a number is an id, whatever passwd says */
	{ "1000", "1000 0 / 0", 0 },
	{ "1000:8000", "1000 8000 / 8000", 0 },
	{ "01", "1 0 / 0", 0 },
	{ "2147483648", "2147483648 0 / 0", 0 },
	{ "4294967294", "4294967294 0 / 0", 0 },
	{ "4294967295", NULL, EINVAL },
	{ "4294967296", NULL, EINVAL },
	{ "99999999999999999999", NULL, EINVAL },
	{ "0:4294967295", NULL, EINVAL },
	{ " 1", NULL, ENOENT },
	{ "+1", NULL, ENOENT },
	{ "-1", NULL, ENOENT },
	{ "0x0", NULL, ENOENT },
	{ "1:1:1", NULL, EINVAL },
	{ "nobody", NULL, ENOENT },
	{ "www:nogroup", NULL, ENOENT },
	{ "nouid", NULL, ENOENT },
	{ "overflow", NULL, ENOENT },
	{ "minusone", NULL, ENOENT },
	{ "short", NULL, ENOENT },
	{ "relative", "44 44 / 44", 0 },
	{ "last", "50 50 /last 50", 0 },
};

static char *describe(const struct user *u)
{
	autosb struct sb sb = SB_INIT;

	sb_addf(&sb, "%u %u %s ", (unsigned int)u->uid, (unsigned int)u->gid,
		u->home);
	for (size_t i = 0; i < u->n_groups; i++)
		sb_addf(&sb, "%s%u", i ? "," : "", (unsigned int)u->groups[i]);
	return sb_take(&sb);
}

static void test_find(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct user u cleanup(user_done) = { .home = NULL };
		autofree char *have = NULL;

		print_message("case: '%s'\n", cases[i].spec);
		if (!cases[i].want) {
			assert_fails(user_find(passwd, strlen(passwd), group,
					       strlen(group), cases[i].spec,
					       NULL, &u, err),
				     cases[i].code);
			continue;
		}
		assert_ok(user_find(passwd, strlen(passwd), group,
				    strlen(group), cases[i].spec, NULL, &u,
				    err));
		have = describe(&u);
		assert_string_equal(have, cases[i].want);
	}
}

static void test_messages(void **state unused_attr)
{
	struct user u cleanup(user_done) = { .home = NULL };
	struct err e = ERR_INIT;

	user_find(passwd, strlen(passwd), group, strlen(group), "x", NULL, &u,
		  &e);
	assert_string_equal(e.msg, "unable to find user x: no matching entries "
				   "in passwd file");
	assert_int_equal(e.kind, ERR_START);
	user_find(passwd, strlen(passwd), group, strlen(group), "0:x", NULL,
		  &u, &e);
	assert_string_equal(e.msg, "unable to find group x: no matching "
				   "entries in group file");
}

static void test_added_groups(void **state unused_attr)
{
	char *const add[] = { (char *)(uintptr_t)"wheel",
			      (char *)(uintptr_t)"8000",
			      (char *)(uintptr_t)"10", NULL };
	char *const bad[] = { (char *)(uintptr_t)"nosuch", NULL };
	struct user u cleanup(user_done) = { .home = NULL };
	struct user v cleanup(user_done) = { .home = NULL };
	autofree char *have = NULL;

	assert_ok(user_find(passwd, strlen(passwd), group, strlen(group),
			    "www:www-data", add, &u, err));
	have = describe(&u);
	assert_string_equal(have, "33 34 /var/www 34,10,8000");
	assert_fails(user_find(passwd, strlen(passwd), group, strlen(group),
			       "www", bad, &v, err), ENOENT);
}

/* A line with a NUL in it is no line; what follows counts. */
static void test_nul(void **state unused_attr)
{
	static const char text[] = "a:x:1:1::/\0:/\nb:x:2:2::/b:\n";
	struct user u cleanup(user_done) = { .home = NULL };
	struct user v cleanup(user_done) = { .home = NULL };

	assert_fails(user_find(text, sizeof(text) - 1, "", 0, "a", NULL, &u,
			       err), ENOENT);
	assert_ok(user_find(text, sizeof(text) - 1, "", 0, "b", NULL, &v, err));
	assert_int_equal(v.uid, 2);
}

/* Many groups: a bound, no crash. */
/* Not opened at all when it is no file: reading a fifo could wait for ever. */
static void test_odd_files(void **state unused_attr)
{
	char dir[] = "/tmp/bryo-user-XXXXXX";
	autosb struct sb text = SB_INIT;

	assert_non_null(mkdtemp(dir));
	autoclose int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkfifoat(root, "passwd", 0600), 0);
	assert_int_equal(user_file_read(root, "/passwd", &text), -EINVAL);
	assert_int_equal(unlinkat(root, "passwd", 0), 0);

	autoclose int fd = openat(root, "passwd",
				  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, USER_FILE_MAX + 1), 0);
	assert_int_equal(user_file_read(root, "/passwd", &text), -EFBIG);
	assert_int_equal(ftruncate(fd, 5), 0);
	assert_int_equal(user_file_read(root, "/passwd", &text), 0);
	assert_int_equal(text.len, 5);
	assert_int_equal(unlinkat(root, "passwd", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_many_groups(void **state unused_attr)
{
	struct user u cleanup(user_done) = { .home = NULL };
	autosb struct sb text = SB_INIT;

	for (int i = 0; i < 3000; i++)
		sb_addf(&text, "g%d:x:%d:root\n", i, i + 100);
	assert_ok(user_find(passwd, strlen(passwd), text.buf, text.len, "root",
			    NULL, &u, err));
	assert_int_equal(u.n_groups, USER_GROUPS_MAX);
}

UNIT_TESTS(unit_test(test_find), unit_test(test_messages),
	   unit_test(test_added_groups), unit_test(test_nul),
	   unit_test(test_odd_files), unit_test(test_many_groups));
