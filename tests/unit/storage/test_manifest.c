/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/docker.h"
#include "storage/image/config.h"
#include "storage/image/manifest.h"
#include "storage/image/platform.h"
#include "tests/unit/unit.h"
#include "util/sb.h"
#include "util/strv.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "\"sha256:" HEX "\""
#define OCI_CONFIG "\"application/vnd.oci.image.config.v1+json\""
#define CONFIG \
	"\"config\":{\"mediaType\":" OCI_CONFIG ",\"size\":7,\"digest\":" \
	DIGEST "}"
#define LAYER "{\"mediaType\":\"x\",\"size\":9,\"digest\":" DIGEST "}"
#define V2 "\"schemaVersion\":2"

static const char oci[] = "{" V2 "," CONFIG ",\"layers\":[" LAYER "," LAYER
			  "]}";
static const char docker[] =
	"{" V2 ",\"mediaType\":\"" TYPE_DOCKER_MANIFEST "\",\"config\":{"
	"\"mediaType\":\"" TYPE_DOCKER_CONFIG "\",\"size\":7,\"digest\":" DIGEST
	"},\"layers\":[]}";
static const char list[] =
	"{" V2 ",\"mediaType\":\"" TYPE_DOCKER_LIST "\",\"manifests\":[" LAYER
	"]}";

static int parse(const char *text, const char *type, struct manifest *ret,
		 struct err *err)
{
	return manifest_parse(text, strlen(text), type, ret, err);
}

static void test_kinds(void **state unused_attr)
{
	auto_manifest struct manifest a = { 0 };
	auto_manifest struct manifest b = { 0 };
	auto_manifest struct manifest c = { 0 };

	assert_ok(parse(oci, NULL, &a, err));
	assert_string_equal(a.type, TYPE_OCI_MANIFEST);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.config.size, 7);
	assert_string_equal(a.v[1].digest, "sha256:" HEX);
	assert_ok(parse(docker, TYPE_DOCKER_MANIFEST "; charset=utf-8", &b,
			err));
	assert_int_equal(b.n, 0);
	assert_ok(parse(list, "application/json", &c, err));
	assert_true(c.is_index);
	assert_string_equal(c.type, TYPE_DOCKER_LIST);
}

/* REG-01, REG-02, REG-08: each is refused, and says why. */
static const struct {
	const char *name;
	const char *type;
	const char *text;
	const char *why;
} refused[] = {
	{ "not JSON", NULL, "<html>", "invalid" },
	{ "an array", NULL, "[]", "not an object" },
	{ "empty", NULL, "{}", "schemaVersion" },
	{ "schema 1", NULL, "{\"schemaVersion\":1,\"fsLayers\":[]}",
	  "schema 1" },
	{ "schema 1 in disguise", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[],\"fsLayers\":[]}", "schema 1" },
	{ "index and image", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[],\"manifests\":[]}", "both" },
	{ "neither", NULL, "{" V2 "}", "neither" },
	{ "image called index", NULL,
	  "{" V2 ",\"mediaType\":\"" TYPE_OCI_INDEX "\"," CONFIG
	  ",\"layers\":[]}", "mediaType" },
	{ "delivered as another type", TYPE_OCI_INDEX,
	  "{" V2 ",\"mediaType\":\"" TYPE_OCI_MANIFEST "\"," CONFIG
	  ",\"layers\":[]}", "delivered" },
	{ "delivered as an index", TYPE_OCI_INDEX, oci, "mediaType" },
	{ "duplicate key", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[],\"layers\":[]}", "duplicate" },
	{ "other case", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[],\"Layers\":[]}", "Layers" },
	{ "only other case", NULL, "{" V2 "," CONFIG ",\"Layers\":[]}",
	  "Layers" },
	{ "digest in other case", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[{\"size\":1,\"Digest\":" DIGEST
	  "}]}", "Digest" },
	{ "unknown type", NULL,
	  "{" V2 ",\"mediaType\":\"text/x\"," CONFIG ",\"layers\":[]}",
	  "unsupported manifest type" },
	{ "artifact", NULL,
	  "{" V2 ",\"config\":{\"mediaType\":\"application/vnd.x\","
	  "\"size\":1,\"digest\":" DIGEST "},\"layers\":[]}", "artifact" },
	{ "no config", NULL, "{" V2 ",\"layers\":[]}", "config" },
	{ "path as digest", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[{\"size\":1,\"digest\":"
	  "\"sha256:../../../x\"}]}", "not a sha256" },
	{ "negative size", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[{\"size\":-1,\"digest\":" DIGEST
	  "}]}", "size" },
	{ "size is a text", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[{\"size\":\"1\",\"digest\":" DIGEST
	  "}]}", "size" },
	{ "layers is an object", NULL, "{" V2 "," CONFIG ",\"layers\":{}}",
	  "not an array" },
	{ "a layer is a number", NULL, "{" V2 "," CONFIG ",\"layers\":[1]}",
	  "not an object" },
	{ "huge config", NULL,
	  "{" V2 ",\"config\":{\"mediaType\":" OCI_CONFIG
	  ",\"size\":99999999,\"digest\":" DIGEST "},\"layers\":[]}",
	  "larger" },
	{ "encrypted", NULL,
	  "{" V2 "," CONFIG ",\"layers\":[{\"mediaType\":\"x+encrypted\","
	  "\"size\":1,\"digest\":" DIGEST "}]}", "encrypted" },
	{ "control bytes stay out of the text", NULL,
	  "{" V2 ",\"mediaType\":\"\\u001b[31m\"," CONFIG ",\"layers\":[]}",
	  "\\x1b" },
};

static void test_refused(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		auto_manifest struct manifest m = { 0 };
		struct err why = ERR_INIT;

		print_message("case: %s\n", refused[i].name);
		assert_true(parse(refused[i].text, refused[i].type, &m,
				  &why) < 0);
		if (!strstr(why.msg, refused[i].why))
			fail_msg("said: %s", why.msg);
		assert_int_equal(m.n, 0);
	}
}

static void test_limits(void **state unused_attr)
{
	auto_manifest struct manifest m = { 0 };
	autosb struct sb text = SB_INIT;

	sb_add(&text, "{" V2 "," CONFIG ",\"layers\":[" LAYER);
	for (size_t i = 1; i <= MANIFEST_LAYERS_MAX; i++)
		sb_add(&text, "," LAYER);
	sb_add(&text, "]}");
	assert_fails(manifest_parse(text.buf, text.len, NULL, &m, err), E2BIG);

	sb_trunc(&text, 0);
	sb_add(&text, oci);
	while (text.len <= MANIFEST_MAX)
		sb_add(&text, "                                        ");
	assert_fails(manifest_parse(text.buf, text.len, NULL, &m, err), EFBIG);
}

/* ---- platforms ---------------------------------------------------------- */

#define ENTRY(os, arch, variant, last)                                      \
	"{\"mediaType\":\"x\",\"size\":1,\"digest\":\"sha256:" last \
	"123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"," \
	"\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch \
	"\",\"variant\":\"" variant "\"}}"

static const char many[] =
	"{" V2 ",\"manifests\":["
	ENTRY("linux", "arm", "v5", "0") ","
	ENTRY("linux", "arm", "v7", "1") ","
	ENTRY("linux", "arm64", "v8", "2") ","
	ENTRY("linux", "amd64", "", "3") ","
	ENTRY("linux", "amd64", "v3", "4") ","
	ENTRY("windows", "amd64", "", "5") ","
	ENTRY("unknown", "unknown", "", "6") ","
	ENTRY("linux", "386", "", "7")
	"]}";

static const struct {
	const char *want;
	char first; /* digit of the digest, 0 = none */
} choices[] = {
	{ "linux/amd64", '3' },	   { "linux/amd64/v3", '4' },
	{ "linux/amd64/v2", '3' }, { "linux/arm64", '2' },
	{ "linux/arm64/v8", '2' }, { "linux/arm/v7", '1' },
	{ "linux/arm/v6", '0' },   { "linux/arm/v5", '0' },
	{ "linux/386", '7' },	   { "windows/amd64", '5' },
	{ "linux/aarch64", '2' },  { "linux/x86_64", '3' },
	{ "linux/s390x", 0 },	   { "windows/arm64", 0 },
};

static void test_choose(void **state unused_attr)
{
	auto_manifest struct manifest m = { 0 };

	assert_ok(parse(many, NULL, &m, err));
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		const struct desc *d = NULL;
		struct platform want;

		print_message("case: %s\n", choices[i].want);
		assert_ok(platform_parse(choices[i].want, &want, err));
		if (!choices[i].first) {
			assert_fails(manifest_choose(&m, &want, &d, err),
				     ENOEXEC);
			continue;
		}
		assert_ok(manifest_choose(&m, &want, &d, err));
		assert_int_equal(d->digest[7], choices[i].first);
	}
}

static void test_platform_texts(void **state unused_attr)
{
	static const char *const wrong[] = { "", "/", "linux/", "x/amd64",
					     "linux/x", "a/b/c/d",
					     "linux/amd64/",
					     "linux/arm/../.." };
	struct platform p;
	autofree char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		print_message("case: %s\n", wrong[i]);
		assert_fails(platform_parse(wrong[i], &p, err), EINVAL);
	}
	assert_ok(platform_parse("linux/armhf", &p, err));
	text = platform_text(&p);
	assert_string_equal(text, "linux/arm/v7");
}

/* ---- configs ------------------------------------------------------------ */

static int conf_parse(const char *text, struct image_conf *ret,
		      struct err *err)
{
	return image_conf_parse(text, strlen(text), ret, err);
}

static void test_config(void **state unused_attr)
{
	auto_image_conf struct image_conf c = { 0 };

	assert_ok(conf_parse("{\"os\":\"linux\",\"architecture\":\"arm64\","
			     "\"created\":\"2024-01-02T03:04:05Z\","
			     "\"config\":{\"Labels\":"
			     "{\"A\":\"1\",\"a\":\"2\"}},"
			     "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
			     DIGEST "]}}", &c, err));
	assert_int_equal(c.n, 1);
	assert_string_equal(c.arch, "arm64");
	assert_string_equal(c.variant, "");
	assert_int_equal(c.created_ns, 1704164645LL * 1000000000);
	assert_string_equal(c.diff_ids[0], "sha256:" HEX);
}

#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"

static void test_config_nulls(void **state unused_attr)
{
	auto_image_conf struct image_conf c = { 0 };

	assert_ok(conf_parse("{\"os\":null,\"author\":null,\"history\":null,"
			     "\"container\":5,\"config\":{\"Cmd\":null,"
			     "\"Env\":[],\"Labels\":{\"a\":null},"
			     "\"Volumes\":{\"/v\":null},\"Healthcheck\":"
			     "{\"Test\":[\"NONE\"],\"Interval\":30000000000}},"
			     ROOTFS, &c, err));
	assert_string_equal(c.os, "");
}

static void test_config_refused(void **state unused_attr)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{}",
		"{\"rootfs\":{}}",
		"{\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"x\"]}}",
		"{\"rootfs\":{\"type\":\"layers\",\"Diff_ids\":[]}}",
		"{\"RootFS\":{\"type\":\"layers\",\"diff_ids\":[]}}",
		"{\"os\":5," ROOTFS,
		"{\"created\":[]," ROOTFS,
		"{\"config\":[\"a\"]," ROOTFS,
		"{\"config\":{\"Cmd\":\"sh\"}," ROOTFS,
		"{\"config\":{\"Env\":[\"A=b\",null]}," ROOTFS,
		"{\"config\":{\"env\":[\"A=b\"]}," ROOTFS,
		"{\"config\":{\"User\":0}," ROOTFS,
		"{\"config\":{\"Labels\":{\"a\":1}}," ROOTFS,
		"{\"config\":{\"Volumes\":[\"/v\"]}," ROOTFS,
		"{\"config\":{\"ExposedPorts\":{\"80/tcp\":1}}," ROOTFS,
		"{\"config\":{\"Healthcheck\":{\"Test\":\"x\"}}," ROOTFS,
		"{\"config\":{\"Healthcheck\":{\"Retries\":1.5}}," ROOTFS,
		"{\"history\":{}," ROOTFS,
		"{\"history\":[null]," ROOTFS,
		"{\"history\":[{\"empty_layer\":\"no\"}]," ROOTFS,
		"{\"hi\u017ftory\":[]," ROOTFS,
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		auto_image_conf struct image_conf c = { 0 };

		print_message("case: %s\n", wrong[i]);
		assert_fails(conf_parse(wrong[i], &c, err), EINVAL);
	}
}

/* ---- docker-archive ----------------------------------------------------- */

static int index_parse(const char *text, struct docker_index *ret,
		       struct err *err)
{
	return docker_index_parse(text, strlen(text), ret, err);
}

static void test_docker_index(void **state unused_attr)
{
	auto_docker_index struct docker_index index = { 0 };

	assert_ok(index_parse("[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],"
			      "\"Layers\":[\"a/layer.tar\",\"..b\"]},"
			      "{\"Config\":\"blobs/sha256/x\","
			      "\"RepoTags\":null,\"Layers\":[]}]", &index,
			      err));
	assert_int_equal(index.n, 2);
	assert_string_equal(index.v[0].tags[0], "docker.io/library/x:1");
	assert_int_equal(strv_len(index.v[0].layers), 2);
	assert_null(index.v[1].tags);
}

static void test_docker_index_refused(void **state unused_attr)
{
	static const char *const wrong[] = {
		"{}",
		"[1]",
		"[{}]",
		"[{\"Config\":\"\"}]",
		"[{\"Config\":\"/etc/passwd\"}]",
		"[{\"Config\":\"../x\"}]",
		"[{\"Config\":\"a/../../x\"}]",
		"[{\"Config\":\"c\",\"Layers\":[\"a/..\"]}]",
		"[{\"Config\":\"c\",\"Layers\":[\"/x\"]}]",
		"[{\"Config\":\"c\",\"config\":\"d\"}]",
		"[{\"Config\":\"c\",\"RepoTags\":[\"UPPER\"]}]",
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		auto_docker_index struct docker_index index = { 0 };

		print_message("case: %s\n", wrong[i]);
		assert_fails(index_parse(wrong[i], &index, err), EINVAL);
		assert_int_equal(index.n, 0);
	}
}

UNIT_TESTS(unit_test(test_kinds), unit_test(test_refused),
	   unit_test(test_limits), unit_test(test_choose),
	   unit_test(test_platform_texts), unit_test(test_config),
	   unit_test(test_config_nulls),
	   unit_test(test_config_refused), unit_test(test_docker_index),
	   unit_test(test_docker_index_refused));
