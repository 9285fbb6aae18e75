/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/digest.h"
#include "storage/image/ref.h"
#include "storage/transport.h"
#include "tests/unit/unit.h"
#include "util/str.h"

#define HEX64 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A16 "aaaaaaaaaaaaaaaa"

/* What is typed, and the full name it means on a registry. */
static const struct {
	const char *typed;
	const char *full;
} good[] = {
	{ "nginx", "docker.io/library/nginx:latest" },
	{ "nginx:1.25", "docker.io/library/nginx:1.25" },
	{ "me/app", "docker.io/me/app:latest" },
	{ "docker.io/nginx", "docker.io/library/nginx:latest" },
	{ "index.docker.io/nginx", "docker.io/library/nginx:latest" },
	{ "localhost/x", "localhost/x:latest" },
	{ "localhost:5000/x/y:z", "localhost:5000/x/y:z" },
	{ "host.example/x", "host.example/x:latest" },
	{ "LOCALHOST:5000/x", "LOCALHOST:5000/x:latest" },
	{ "[::1]:5000/x", "[::1]:5000/x:latest" },
	{ "x/a__b.c-d--e/f_g", "docker.io/x/a__b.c-d--e/f_g:latest" },
	{ "x:Tag_1.2-3", "docker.io/library/x:Tag_1.2-3" },
	{ "x@sha256:" HEX64, "docker.io/library/x@sha256:" HEX64 },
	/* the digest wins */
	{ "x:tag@sha256:" HEX64, "docker.io/library/x@sha256:" HEX64 },
	{ "docker.io.evil/x", "docker.io.evil/x:latest" },
};

static const char *const bad[] = {
	"",
	"UPPER",
	"host.example/UPPER",
	"a b",
	"/x",
	"x/",
	"a//b",
	"a/../b",
	"..",
	".x",
	"x.",
	"a___b",
	"a._b",
	"-x",
	"x:",
	"x:.tag",
	"x:-tag",
	"x:a/b:",
	"x:" A16 A16 A16 A16 A16 A16 A16 A16 "a",
	"x@",
	"x@sha256:",
	"x@sha256:123",
	"x@md5:" HEX64,
	"x@sha256:" HEX64 "0",
	"x@sha256:" HEX64 "@sha256:" HEX64,
	"host.example:0/x",
	"host.example:99999/x",
	"host.example:/x",
	"user@host.example/x",
	"host..example/x",
	"-host.example/x",
	"host.example./x",
	"[::1/x",
	"x\n",
	"x\033[31m",
};

static void test_full(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		autofree char *full = NULL;

		print_message("case: %s\n", good[i].typed);
		assert_ok(ref_full(good[i].typed, "docker.io", &full, err));
		assert_string_equal(full, good[i].full);
	}
}

static void test_fixed_point(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_ref struct ref ref = REF_INIT;
		autofree char *text = NULL;

		assert_ok(ref_parse(good[i].full, &ref, err));
		text = ref_text(&ref);
		assert_string_equal(text, good[i].full);
	}
}

static void test_refused(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_ref struct ref ref = REF_INIT;

		print_message("case: %s\n", bad[i]);
		assert_fails(ref_parse(bad[i], &ref, err), EINVAL);
		assert_null(ref.path);
	}
}

static void test_long(void **state unused_attr)
{
	auto_ref struct ref ref = REF_INIT;
	autofree char *name = xmalloc(100001);

	memset(name, 'a', 100000);
	name[100000] = '\0';
	assert_fails(ref_parse(name, &ref, err), EINVAL);
	/* docker.io/library/ is put in front of it */
	name[238] = '\0';
	assert_fails(ref_parse(name, &ref, err), EINVAL);
	name[237] = '\0';
	assert_ok(ref_parse(name, &ref, err));
}

static void test_upper_case_text(void **state unused_attr)
{
	auto_ref struct ref ref = REF_INIT;
	struct err why = ERR_INIT;

	assert_int_equal(ref_parse("Nginx", &ref, &why), -EINVAL);
	assert_non_null(strstr(why.msg, "repository name must be lowercase"));
}

static void test_repo_of(void **state unused_attr)
{
	static const struct {
		const char *full;
		const char *repo;
	} cases[] = {
		{ "localhost:5000/x:tag", "localhost:5000/x" },
		{ "docker.io/library/x:latest", "docker.io/library/x" },
		{ "h.example/x@sha256:" HEX64, "h.example/x" },
		{ "localhost:5000/x", "localhost:5000/x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *repo = ref_repo_of(cases[i].full);

		assert_string_equal(repo, cases[i].repo);
	}
}

static void test_digest(void **state unused_attr)
{
	static const char *const wrong[] = {
		"", "sha256:", HEX64, "sha256:" HEX64 "0", "SHA256:" HEX64,
		"sha512:" HEX64, "sha256:../../x", "sha256:%2e%2e/",
		"sha256: " HEX64, "sha256:" HEX64 "\n",
		"sha256:0123456789ABCDEF0123456789abcdef"
		"0123456789abcdef0123456789abcdef",
	};
	char d[DIGEST_MAX] = "";

	assert_true(digest_is_valid("sha256:" HEX64));
	assert_false(digest_is_valid(NULL));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_false(digest_is_valid(wrong[i]));
		assert_fails(digest_set(d, wrong[i], "layer", err), EINVAL);
		assert_string_equal(d, "");
	}
	assert_string_equal(digest_hex("sha256:" HEX64), HEX64);
}

static void test_digest_verify(void **state unused_attr)
{
	/* printf abc | sha256sum */
	static const char abc[] = "sha256:ba7816bf8f01cfea414140de5dae2223"
				  "b00361a396177a9cb410ff61f20015ad";

	assert_ok(digest_verify("abc", 3, abc, "config", err));
	assert_fails(digest_verify("abd", 3, abc, "config", err), EBADMSG);
}

static const struct {
	const char *text;
	enum transport_kind kind;
	const char *name;
	const char *path;
	const char *ref;
} transports[] = {
	{ "nginx:1", TRANSPORT_REGISTRY, "nginx:1", NULL, NULL },
	{ "docker://h:5/x:1", TRANSPORT_REGISTRY, "h:5/x:1", NULL, NULL },
	{ "containers-storage:x", TRANSPORT_STORE, "x", NULL, NULL },
	{ "oci:/d", TRANSPORT_OCI, NULL, "/d", NULL },
	{ "oci:/d:", TRANSPORT_OCI, NULL, "/d", NULL },
	{ "oci:/d:v", TRANSPORT_OCI, NULL, "/d", "v" },
	{ "oci-archive:a.tar:h:5/x/y:v", TRANSPORT_OCI_ARCHIVE, NULL, "a.tar",
	  "h:5/x/y:v" },
	{ "docker-archive:a:@1", TRANSPORT_DOCKER_ARCHIVE, NULL, "a", "@1" },
	{ "dir:/a:b", TRANSPORT_DIR, NULL, "/a:b", NULL },
	{ "dir:", TRANSPORT_DIR, NULL, "", NULL },
};

static void test_transport(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		auto_transport struct transport t = { .name = NULL };

		print_message("case: %s\n", transports[i].text);
		transport_parse(transports[i].text, &t);
		assert_int_equal(t.kind, transports[i].kind);
		assert_true(streq(t.name, transports[i].name));
		assert_true(streq(t.path, transports[i].path));
		assert_true(streq(t.ref, transports[i].ref));
	}
}

UNIT_TESTS(unit_test(test_full), unit_test(test_fixed_point),
	   unit_test(test_refused), unit_test(test_long),
	   unit_test(test_upper_case_text), unit_test(test_repo_of),
	   unit_test(test_digest), unit_test(test_digest_verify),
	   unit_test(test_transport));
