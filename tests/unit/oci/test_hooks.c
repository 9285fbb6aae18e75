/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/hooks.h"
#include "util/str.h"
#include "util/strv.h"

#define HEAD "{\"version\":\"1.0.0\",\"hook\":{\"path\":\"/h\"},"

static char annotation_1[] = "a=1";
static char annotation_2[] = "long.key=x y";
static char *const annotations[] = { annotation_1, annotation_2, NULL };

static const struct hook_match typed = { annotations, "/bin/sh", true };
static const struct hook_match plain = { NULL, "sh", false };

/* ---- conditions -------------------------------------------------------- */

static const struct {
	const char *when;
	int typed, plain;
} whens[] = {
	{ "{\"always\":true}", 1, 1 },
	{ "{\"always\":false}", 0, 0 },
	{ "{\"hasBindMounts\":true}", 1, 0 },
	{ "{\"hasBindMounts\":false}", 1, 1 },
	{ "{\"commands\":[\"^/bin/sh$\"]}", 1, 0 },
	{ "{\"commands\":[\"x\",\"sh\"]}", 1, 1 },
	{ "{\"commands\":[\"bash\"]}", 0, 0 },
	{ "{\"annotations\":{\"^a$\":\"^1$\"}}", 1, 0 },
	{ "{\"annotations\":{\"^a$\":\"^2$\"}}", 0, 0 },
	{ "{\"annotations\":{\"key\":\"y$\",\"a\":\".\"}}", 1, 0 },
	{ "{\"annotations\":{\"key\":\"y$\",\"b\":\".\"}}", 0, 0 },
	{ "{\"annotations\":{\"^a$\":\"y\"}}", 0, 0 },
	{ "{\"always\":true,\"hasBindMounts\":true}", 1, 0 },
	{ "{\"hasBindMounts\":true,\"commands\":[\"bash\"]}", 0, 0 },
};

static void test_conditions(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(whens); i++) {
		struct hooks h cleanup(hooks_done) = { .n = 0 };
		autofree char *text = xasprintf(
			HEAD "\"when\":%s,\"stages\":[\"poststop\"]}",
			whens[i].when);

		print_message("case: %s\n", whens[i].when);
		assert_int_equal(hooks_parse_conf(text, strlen(text), &typed,
						  &h, NULL), whens[i].typed);
		assert_int_equal(h.n, whens[i].typed);
		assert_int_equal(hooks_parse_conf(text, strlen(text), &plain,
						  &h, NULL), whens[i].plain);
		assert_int_equal(h.n, whens[i].typed + whens[i].plain);
		assert_int_equal(h.stages, h.n ? 1U << HOOK_POSTSTOP : 0);
	}
}

static const char *const bad[] = {
	"", "[]", "{}", "{\"version\":\"1.0.0\"}",
	HEAD "\"when\":{\"always\":1},\"stages\":[\"prestart\"]}",
	HEAD "\"when\":{\"other\":true},\"stages\":[\"prestart\"]}",
	HEAD "\"when\":{\"always\":false,\"commands\":[\"(\"]},"
	"\"stages\":[\"prestart\"]}",
	HEAD "\"when\":{\"commands\":[]},\"stages\":[\"prestart\"]}",
	HEAD "\"when\":{\"commands\":[1]},\"stages\":[\"prestart\"]}",
	HEAD "\"when\":{\"annotations\":[]},\"stages\":[\"prestart\"]}",
	HEAD "\"when\":{\"annotations\":{\"a\":1}},\"stages\":[\"prestart\"]}",
	HEAD "\"when\":{\"always\":true},\"stages\":[\"Prestart\"]}",
	HEAD "\"when\":{\"always\":true},\"stages\":[1]}",
	HEAD "\"when\":{\"always\":true},\"stages\":\"prestart\"}",
	"{\"version\":\"1.0.0\",\"hook\":{\"path\":\"/h\",\"args\":\"x\"},"
	"\"when\":{\"always\":true},\"stages\":[\"prestart\"]}",
	"{\"version\":\"1.0.0\",\"hook\":{\"path\":\"/h\",\"args\":[1]},"
	"\"when\":{\"always\":true},\"stages\":[\"prestart\"]}",
	"{\"version\":\"1.0.0\",\"hook\":{\"path\":\"/h\",\"timeout\":0},"
	"\"when\":{\"always\":true},\"stages\":[\"prestart\"]}",
	"{\"version\":\"1.0.0\",\"hook\":{\"path\":\"/h\",\"timeout\":\"1\"},"
	"\"when\":{\"always\":true},\"stages\":[\"prestart\"]}",
};

static void test_bad(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct hooks h cleanup(hooks_done) = { .n = 0 };

		print_message("case: %s\n", bad[i]);
		assert_fails(hooks_parse_conf(bad[i], strlen(bad[i]), &typed,
					      &h, err), EINVAL);
		assert_int_equal(h.n, 0);
	}
}

/* ---- the file ---------------------------------------------------------- */

static void fill(struct hooks *h)
{
	h->n = 2;
	h->v = xcalloc(2, sizeof(*h->v));
	h->id = xstrdup("abc");
	h->state = xstrdup("\"bundle\":\"/b\\n\"}");
	h->v[0].path = xstrdup("/one");
	strv_add(&h->v[0].args, "one");
	strv_add(&h->v[0].args, "");
	strv_add(&h->v[0].args, "line\nbreak");
	strv_add(&h->v[0].env, "A=b c");
	h->v[0].stages = 1U << HOOK_PRESTART | 1U << HOOK_POSTSTOP;
	h->v[1].path = xstrdup("/two");
	strv_add(&h->v[1].args, "two");
	h->v[1].timeout_s = 7;
	h->v[1].stages = 1U << HOOK_POSTSTART;
}

static void test_file(void **state unused_attr)
{
	char name[] = "/tmp/bryo-hooks.XXXXXX";
	struct hooks h cleanup(hooks_done) = { .n = 0 };
	struct hooks back cleanup(hooks_done) = { .n = 0 };

	assert_non_null(mkdtemp(name));
	autoclose int dir = open(name, O_PATH | O_CLOEXEC);
	assert_ok(hooks_load(dir, &back, err));
	assert_int_equal(back.n, 0);
	fill(&h);
	assert_ok(hooks_save(dir, &h, err));
	assert_ok(hooks_load(dir, &back, err));
	assert_int_equal(back.n, 2);
	assert_string_equal(back.id, h.id);
	assert_string_equal(back.state, h.state);
	assert_int_equal(strv_len(back.v[0].args), 3);
	assert_string_equal(back.v[0].args[1], "");
	assert_string_equal(back.v[0].args[2], "line\nbreak");
	assert_string_equal(back.v[0].env[0], "A=b c");
	assert_null(back.v[1].env);
	assert_int_equal(back.v[1].timeout_s, 7);
	assert_int_equal(back.stages, h.v[0].stages | h.v[1].stages);
	hooks_done(&h);
	assert_ok(hooks_save(dir, &h, err));
	assert_int_equal(faccessat(dir, "hooks", F_OK, 0), -1);
	assert_int_equal(rmdir(name), 0);
}

/* Each beginning of a good file is a bad one, but at the end of a hook. */
static void test_file_cut(void **state unused_attr)
{
	static const char text[] = "v1\0id\0{}\0" "1\0" "0\0/p\0" "1\0a\0"
				   "1\0E=1\0";
	const size_t len = sizeof(text) - 1;
	size_t good = 0;

	for (size_t n = 0; n <= len; n++) {
		struct hooks h cleanup(hooks_done) = { .n = 0 };

		good += hooks_parse(text, n, &h, NULL) == 0;
	}
	/* without a hook, with the whole one */
	assert_int_equal(good, 2);
}

/* ---- running ----------------------------------------------------------- */

static void run_one(struct hooks *h, const char *script, uint32_t timeout)
{
	*h = (struct hooks){ .n = 1, .stages = 1U << HOOK_POSTSTART };
	h->v = xcalloc(1, sizeof(*h->v));
	h->id = xstrdup("abc");
	h->state = xstrdup("\"bundle\":\"/\"}");
	h->v->path = xstrdup("/bin/sh");
	strv_add(&h->v->args, "sh");
	strv_add(&h->v->args, "-c");
	strv_add(&h->v->args, script);
	h->v->stages = h->stages;
	h->v->timeout_s = timeout;
}

static void test_run(void **state unused_attr)
{
	static const char want[] =
		"l=$(cat); [ \"$l\" = "
		"'{\"ociVersion\":\"1.2.0\",\"id\":\"abc\","
		"\"status\":\"running\",\"pid\":42,\"bundle\":\"/\"}' ] || "
		"{ echo \"$l\" >&2; exit 1; }";
	struct hooks good cleanup(hooks_done) = { .n = 0 };
	struct hooks slow cleanup(hooks_done) = { .n = 0 };
	struct hooks bad_one cleanup(hooks_done) = { .n = 0 };
	struct err why = ERR_INIT;

	run_one(&good, want, 0);
	assert_ok(hooks_run(&good, HOOK_POSTSTART, 42, -EBADF, err));
	assert_ok(hooks_run(&good, HOOK_POSTSTOP, 0, -EBADF, err));
	assert_ok(hooks_run(NULL, HOOK_POSTSTOP, 0, -EBADF, err));
	run_one(&slow, "sleep 60", 1);
	assert_fails(hooks_run(&slow, HOOK_POSTSTART, 42, -EBADF, err),
		     ETIMEDOUT);
	run_one(&bad_one, "echo first >&2; echo last words >&2; exit 9", 0);
	assert_int_equal(hooks_run(&bad_one, HOOK_POSTSTART, 1, -EBADF, &why),
			 -EIO);
	assert_string_equal(why.msg, "error executing poststart hook "
				     "`/bin/sh` (exit code: 9): last words");
	assert_int_equal(why.kind, ERR_START);
}

UNIT_TESTS(unit_test(test_conditions), unit_test(test_bad),
	   unit_test(test_file), unit_test(test_file_cut), unit_test(test_run));
