/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/auth.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* base64: a:1, b:2, c:3, d:x:y */
static const char file[] =
	"{\"auths\":{"
	"\"quay.io\":{\"auth\":\"YToxMQ==\"},"
	"\"quay.io/team\":{\"auth\":\"YjoyMg==\"},"
	"\"quay.io/team/app\":{\"auth\":\"YzozMw==\"},"
	"\"https://index.docker.io/v1/\":{\"auth\":\"ZDp4Onk=\"},"
	"\"https://url.io/v2/\":{\"auth\":\"YToxMQ==\"},"
	"\"port.io:5000\":{\"auth\":\"YToxMQ==\"},"
	"\"token.io\":{\"auth\":\"\",\"identitytoken\":\"refresh\"},"
	"\"stored.io\":{},"
	"\"both.io\":{\"auth\":\"YToxMQ==\"},"
	"\"broken.io\":{\"auth\":\"!!!\"},"
	"\"nocolon.io\":{\"auth\":\"YWJj\"}},"
	"\"credHelpers\":{\"both.io\":\"other\",\"helped.io\":\"fake\"},"
	"\"credsStore\":\"store\"}";

/* Each row: whose credentials, "user password identity helper". */
static const struct {
	const char *host;
	const char *repo;
	const char *want;
	int r;
} lookup_cases[] = {
	{ "quay.io", "other", "a 11 - -", 1 },
	{ "quay.io", "team/x", "b 22 - -", 1 },
	{ "quay.io", "team/app", "c 33 - -", 1 },
	{ "quay.io", "team/app/deep", "c 33 - -", 1 },
	{ "quay.io", "teamwork", "a 11 - -", 1 },
	{ "quay.io.evil", "team/app", "- - - -", 0 },
	{ "docker.io", "library/nginx", "d x:y - -", 1 },
	{ "docker.io.evil", "library/nginx", "- - - -", 0 },
	{ "url.io", "x", "a 11 - -", 1 },
	{ "port.io:5000", "x", "a 11 - -", 1 },
	{ "port.io", "x", "- - - -", 0 },
	{ "port.io:5001", "x", "- - - -", 0 },
	{ "token.io", "x", "- - refresh -", 1 },
	{ "stored.io", "x", "- - - store", 0 },
	{ "unknown.io", "x", "- - - -", 0 },
	{ "both.io", "x", "a 11 - other", 1 },
	{ "helped.io", "x", "- - - fake", 0 },
	{ "broken.io", "x", "- - - -", -EINVAL },
	{ "nocolon.io", "x", "- - - -", -EINVAL },
};

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

static void test_lookup(void **state)
{
	autojson struct json_object *o = json_parse(file, strlen(file), NULL);

	(void)state;
	assert_non_null(o);
	for (size_t i = 0; i < ARRAY_LEN(lookup_cases); i++) {
		auto_auth_cred struct auth_cred cred = { 0 };
		autofree char *helper = NULL;
		autofree char *text = NULL;
		struct err err = ERR_INIT;
		int r;

		print_message("case: %s/%s\n", lookup_cases[i].host,
			      lookup_cases[i].repo);
		r = auth_lookup(o, false, lookup_cases[i].host,
				lookup_cases[i].repo, &cred, &helper, &err);
		assert_int_equal(r, lookup_cases[i].r);
		text = xasprintf("%s %s %s %s", or_dash(cred.user),
				 or_dash(cred.password), or_dash(cred.identity),
				 or_dash(helper));
		assert_string_equal(text, lookup_cases[i].want);
		assert_null(strstr(err.msg, "YWJj"));
	}
}

static void test_legacy(void **state)
{
	static const char text[] = "{\"quay.io\":{\"auth\":\"YToxMQ==\"}}";
	autojson struct json_object *o = json_parse(text, strlen(text), NULL);
	auto_auth_cred struct auth_cred cred = { 0 };
	autofree char *helper = NULL;

	(void)state;
	assert_ok(auth_lookup(o, true, "quay.io", "x", &cred, &helper, err));
	assert_string_equal(cred.user, "a");
}

static void test_pair(void **state)
{
	auto_auth_cred struct auth_cred cred = { 0 };

	(void)state;
	assert_ok(auth_parse_pair("me:pa:ss", &cred, err));
	assert_string_equal(cred.user, "me");
	assert_string_equal(cred.password, "pa:ss");
	assert_fails(auth_parse_pair("me", &cred, err), EINVAL);
	assert_fails(auth_parse_pair(":x", &cred, err), EINVAL);
}

static void test_helper_output(void **state)
{
	static const char *const bad[] = {
		"",
		"hunter2",
		"[]",
		"{}",
		"{\"Username\":\"hunter2\"}",
		"{\"Username\":\"me\",\"Secret\":\"\"}",
		"{\"Username\":\"me\",\"Secret\":\"hunter2\"} x",
		"{\"Username\":1,\"Secret\":\"hunter2\"}",
	};
	static const char token[] = "{\"ServerURL\":\"x\",\"Username\":\"<"
				    "token>\",\"Secret\":\"t\"}";
	auto_auth_cred struct auth_cred cred = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;

		print_message("case: %s\n", bad[i]);
		assert_int_equal(
			auth_parse_helper(bad[i], strlen(bad[i]), &cred, &err),
			-EINVAL);
		assert_null(strstr(err.msg, "hunter2"));
		assert_false(auth_cred_is_set(&cred));
	}
	assert_ok(auth_parse_helper(token, strlen(token), &cred, err));
	assert_string_equal(cred.identity, "t");
	assert_null(cred.user);
}

/* ---- files and programs ------------------------------------------------ */

struct world {
	char dir[32];
	char **env;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/bryo-unit.XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	strv_env_set(&w->env, "HOME", w->dir);
	strv_env_set(&w->env, "XDG_RUNTIME_DIR", w->dir);
	autofree char *path = xasprintf("%s/bin:/usr/bin:/bin", w->dir);

	strv_env_set(&w->env, "PATH", path);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	tree_remove_at(AT_FDCWD, w->dir, NULL);
	strv_free(w->env);
	free(w);
	return 0;
}

static void put(const struct world *w, const char *dir, const char *name,
		mode_t mode, const char *text)
{
	autofree char *folder = xasprintf("%s/%s", w->dir, dir);
	autofree char *path = xasprintf("%s/%s", folder, name);

	mkdir(folder, 0700);
	autoclose int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
}

static struct auth_query query(const struct world *w, const char *host)
{
	return (struct auth_query){ .env = w->env, .host = host, .repo = "x" };
}

static void test_order(void **state)
{
	struct world *w = *state;
	auto_auth_cred struct auth_cred cred = { 0 };
	struct auth_query q = query(w, "quay.io");

	assert_ok(auth_find(&q, &cred, err));
	assert_false(auth_cred_is_set(&cred));

	put(w, ".", ".dockercfg", 0600,
	    "{\"quay.io\":{\"auth\":\"YToxMQ==\"}}");
	assert_ok(auth_find(&q, &cred, err));
	assert_string_equal(cred.user, "a");
	auth_cred_done(&cred);

	put(w, ".docker", "config.json", 0600,
	    "{\"auths\":{\"quay.io\":{\"auth\":\"YjoyMg==\"}}}");
	assert_ok(auth_find(&q, &cred, err));
	assert_string_equal(cred.user, "b");
	auth_cred_done(&cred);

	put(w, "containers", "auth.json", 0600,
	    "{\"auths\":{\"quay.io\":{\"auth\":\"YzozMw==\"}}}");
	assert_ok(auth_find(&q, &cred, err));
	assert_string_equal(cred.user, "c");
	auth_cred_done(&cred);

	/* A named file is the only one */
	put(w, ".", "mine", 0600, "{}");
	autofree char *mine = xasprintf("%s/mine", w->dir);

	q.authfile = mine;
	assert_ok(auth_find(&q, &cred, err));
	assert_false(auth_cred_is_set(&cred));
	q.authfile = "/nonexistent/a";
	assert_fails(auth_find(&q, &cred, err), ENOENT);
	q.authfile = NULL;
	strv_env_set(&w->env, "REGISTRY_AUTH_FILE", "/nonexistent/a");
	q.env = w->env;
	assert_ok(auth_find(&q, &cred, err));
	assert_false(auth_cred_is_set(&cred));
}

static void test_broken_file(void **state)
{
	struct world *w = *state;
	auto_auth_cred struct auth_cred cred = { 0 };
	struct auth_query q = query(w, "quay.io");
	struct err why = ERR_INIT;

	put(w, "containers", "auth.json", 0600, "{\"hunter2\":");
	assert_int_equal(auth_find(&q, &cred, &why), -EINVAL);
	assert_null(strstr(why.msg, "hunter2"));
	put(w, "containers", "auth.json", 0600, "\n");
	assert_ok(auth_find(&q, &cred, err));
}

#define HELPER "docker-credential-fake"

static void test_helper(void **state)
{
	struct world *w = *state;
	auto_auth_cred struct auth_cred cred = { 0 };
	struct auth_query q = query(w, "helped.io");
	struct err why = ERR_INIT;

	put(w, "containers", "auth.json", 0600,
	    "{\"credHelpers\":{\"helped.io\":\"fake\"}}");
	assert_fails(auth_find(&q, &cred, err), ENOENT);

	put(w, "bin", HELPER, 0700,
	    "#!/bin/sh\nread -r s\n[ \"$1 $s\" = 'get helped.io' ] &&\n"
	    "echo '{\"Username\":\"me\",\"Secret\":\"pw\"}'\n");
	assert_ok(auth_find(&q, &cred, err));
	assert_string_equal(cred.user, "me");
	assert_string_equal(cred.password, "pw");
	auth_cred_done(&cred);

	put(w, "bin", HELPER, 0700,
	    "#!/bin/sh\necho credentials not found in native keychain\nexit "
	    "1\n");
	assert_ok(auth_find(&q, &cred, err));
	assert_false(auth_cred_is_set(&cred));

	put(w, "bin", HELPER, 0700,
	    "#!/bin/sh\necho 'store \033[1mlocked'\nexit 1\n");
	assert_int_equal(auth_find(&q, &cred, &why), -EACCES);
	assert_non_null(strstr(why.msg, "store \\x1b[1mlocked"));

	put(w, "bin", HELPER, 0700, "#!/bin/sh\nexec cat /dev/zero\n");
	assert_fails(auth_find(&q, &cred, err), EFBIG);

	/* It ends, but a child of it keeps the pipe: killed with it */
	put(w, "bin", HELPER, 0700,
	    "#!/bin/sh\nhead -c 70000 /dev/zero; sleep 500 & \n");
	uint64_t start = clock_mono_ns();

	assert_fails(auth_find(&q, &cred, err), EFBIG);
	assert_true(clock_mono_ns() - start < 100ull * 1000 * 1000 * 1000);
}

/* The name of a program comes from a file: it cannot lead elsewhere. */
static void test_helper_name(void **state)
{
	struct world *w = *state;
	auto_auth_cred struct auth_cred cred = { 0 };
	struct auth_query q = query(w, "helped.io");

	put(w, "bin", HELPER, 0700, "#!/bin/sh\ntouch $HOME/ran\n");
	put(w, "containers", "auth.json", 0600,
	    "{\"credHelpers\":{\"helped.io\":\"x/../"
	    "docker-credential-fake\"}}");
	assert_fails(auth_find(&q, &cred, err), ENOENT);
}

/* credential-helpers of registries.conf decide what is asked, in order. */
static void test_helper_list(void **state)
{
	struct world *w = *state;
	char fake[] = "fake";
	char files[] = "containers-auth.json";
	char *list[] = { fake, files, NULL };
	auto_auth_cred struct auth_cred cred = { 0 };
	struct auth_query q = query(w, "quay.io");

	q.helpers = list;
	put(w, "containers", "auth.json", 0600,
	    "{\"auths\":{\"quay.io\":{\"auth\":\"YzozMw==\"}}}");
	put(w, "bin", HELPER, 0700,
	    "#!/bin/sh\necho credentials not found in native keychain\nexit "
	    "1\n");
	assert_ok(auth_find(&q, &cred, err));
	assert_string_equal(cred.user, "c");
	auth_cred_done(&cred);
	put(w, "bin", HELPER, 0700,
	    "#!/bin/sh\necho '{\"Username\":\"me\",\"Secret\":\"pw\"}'\n");
	assert_ok(auth_find(&q, &cred, err));
	assert_string_equal(cred.user, "me");
}

#define with_world(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

UNIT_TESTS(unit_test(test_lookup), unit_test(test_legacy), unit_test(test_pair),
	   unit_test(test_helper_output), with_world(test_order),
	   with_world(test_broken_file), with_world(test_helper),
	   with_world(test_helper_name), with_world(test_helper_list));
