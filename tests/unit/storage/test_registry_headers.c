/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "storage/registry/headers.h"
#include "util/cleanup.h"
#include "util/str.h"

/* Each row is one header; "basic bearer realm service". */
static const struct {
	const char *text;
	const char *want;
	int r;
} challenges[] = {
	{ "Basic realm=\"x\"", "1 0 - -", 0 },
	{ "Bearer realm=\"https://a/t\",service=\"s\",scope=\"x:y:z\"",
	  "0 1 https://a/t s", 0 },
	{ "bearer REALM=\"https://a/t\" , Service = \"a b\"",
	  "0 1 https://a/t a b", 0 },
	{ "Bearer realm=https://a/t,service=s", "0 1 https://a/t s", 0 },
	{ "Basic realm=\"x\", Bearer realm=\"https://a\"", "1 1 https://a -",
	  0 },
	{ "Bearer realm=\"https://a\", Basic realm=\"evil\"", "1 1 https://a -",
	  0 },
	{ "Bearer realm=\"https://a\", Bearer realm=\"https://b\"",
	  "0 1 https://a -", 0 },
	{ "Bearer realm=\"https://a\",realm=\"https://b\"", "0 1 https://a -",
	  0 },
	{ "Bearer realm=\"a\\\"b\"", "0 1 a\"b -", 0 },
	{ "Digest realm=\"x\", nonce=\"y\"", "0 0 - -", 0 },
	{ "Bearer", "0 1 - -", 0 },
	{ "NTLM TlRM+/==, Bearer realm=\"https://a\"", "0 1 https://a -", 0 },
	{ "Negotiate, Bearer realm=\"https://a\"", "0 1 https://a -", 0 },
	{ "Negotiate YII=", "0 0 - -", 0 },
	{ "Bearer YII==", "0 1 - -", 0 },
	{ "", "0 0 - -", 0 },
	{ "Bearer realm=\"open", "0 1 - -", -EINVAL },
	{ "Bearer realm=\"open\\", "0 1 - -", -EINVAL },
	{ "Bearer realm=\"a\rb\"", "0 1 - -", -EINVAL },
	{ "=x", "0 0 - -", -EINVAL },
};

static void test_challenge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(challenges); i++) {
		auto_challenge struct challenge c = { 0 };
		autofree char *text = NULL;

		print_message("case: %s\n", challenges[i].text);
		assert_int_equal(challenge_add(&c, challenges[i].text),
				 challenges[i].r);
		text = xasprintf("%d %d %s %s", c.basic, c.bearer,
				 c.realm ? c.realm : "-",
				 c.service ? c.service : "-");
		assert_string_equal(text, challenges[i].want);
	}
}

static void test_retry_after(void **state)
{
	/* Sun, 06 Nov 1994 08:49:37 GMT is 784111777 */
	static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";

	(void)state;
	assert_int_equal(retry_after("0", 0, 60), 0);
	assert_int_equal(retry_after("7", 0, 60), 7);
	assert_int_equal(retry_after("31536000", 0, 60), 60);
	assert_int_equal(retry_after("99999999999999999999999", 0, 60), 60);
	assert_int_equal(retry_after("-1", 0, 60), -1);
	assert_int_equal(retry_after("soon", 0, 60), -1);
	assert_int_equal(retry_after("", 0, 60), -1);
	assert_int_equal(retry_after(date, 784111770, 60), 7);
	assert_int_equal(retry_after(date, 784111780, 60), 0);
	assert_int_equal(retry_after(date, 0, 60), 60);
}

static const struct {
	const char *text;
	int r;
} ranges[] = {
	{ "bytes 5-9/10", 0 },
	{ "Bytes 5-9/10", 0 },
	{ "bytes 5-9/*", -EINVAL },
	{ "bytes */10", -EINVAL },
	{ "bytes 9-5/10", -EINVAL },
	{ "bytes 5-10/10", -EINVAL },
	{ "bytes 5-9/10 ", -EINVAL },
	{ "bytes -9/10", -EINVAL },
	{ "bytes 5-9", -EINVAL },
	{ "bytes 5-9/99999999999999999999", -EINVAL },
	{ "5-9/10", -EINVAL },
	{ "bytes 0x5-9/10", -EINVAL },
	{ "", -EINVAL },
};

static const struct {
	const char *text;
	uint64_t have; /* 0 = refused */
} upload_ranges[] = {
	{ "0-0", 1 },
	{ "0-1048575", 1048576 },
	{ "bytes=0-9", 10 },
	{ "1-9", 0 },
	{ "0-18446744073709551615", 0 },
	{ "0-99999999999999999999", 0 },
	{ "0-", 0 },
	{ "-9", 0 },
	{ "0-9 ", 0 },
	{ "bytes 0-9/10", 0 },
	{ "", 0 },
};

static void test_upload_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(upload_ranges); i++) {
		uint64_t have = 0;
		int r = upload_range(upload_ranges[i].text, &have);

		print_message("case: %s\n", upload_ranges[i].text);
		assert_int_equal(r, upload_ranges[i].have ? 0 : -EINVAL);
		assert_int_equal(have, upload_ranges[i].have);
	}
}

static void test_content_range(void **state)
{
	uint64_t first, last, size;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		print_message("case: %s\n", ranges[i].text);
		assert_int_equal(
			content_range(ranges[i].text, &first, &last, &size),
			ranges[i].r);
		if (ranges[i].r)
			continue;
		assert_int_equal(first, 5);
		assert_int_equal(last, 9);
		assert_int_equal(size, 10);
	}
}

static const struct {
	const char *text;
	const char *want;
} links[] = {
	{ "</v2/x?n=1>; rel=\"next\"", "/v2/x?n=1" },
	{ "</a>; rel=prev, </b>; rel=next", "/b" },
	{ "</a>; REL=\"NEXT\"", "/a" },
	{ "</a>; rel=\"prev\"", NULL },
	{ "</a", NULL },
	{ "<>; rel=next", "" },
	{ "", NULL },
};

static void test_link(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		autofree char *next = link_next(links[i].text);

		print_message("case: %s\n", links[i].text);
		if (links[i].want)
			assert_string_equal(next, links[i].want);
		else
			assert_null(next);
	}
}

static void test_media_type(void **state)
{
	static const char *const cases[][2] = {
		{ "Text/HTML; charset=utf-8", "text/html" },
		{ "application/vnd.oci.image.manifest.v1+json",
		  "application/vnd.oci.image.manifest.v1+json" },
		{ " a/b ", "a/b" },
		{ "a b", "" },
		{ "a/b\x1b", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *type = media_type(cases[i][0]);

		assert_string_equal(type, cases[i][1]);
	}
}

UNIT_TESTS(unit_test(test_challenge), unit_test(test_retry_after),
	   unit_test(test_content_range), unit_test(test_upload_range),
	   unit_test(test_link),
	   unit_test(test_media_type));
