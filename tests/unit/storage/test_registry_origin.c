/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "storage/registry/origin.h"
#include "util/cleanup.h"
#include "util/str.h"

/* Each row: a URL and its origin, or NULL when it is refused. */
static const struct {
	const char *url;
	const char *want;
} origins[] = {
	{ "https://a.io/x", "https a.io 443" },
	{ "http://A.io:80", "http a.io 80" },
	{ "https://a.io:5000/v2/", "https a.io 5000" },
	{ "https://[::1]:5000/", "https [::1] 5000" },
	{ "https://a.io./x", "https a.io. 443" },
	{ "https://user@a.io/", NULL },
	{ "https://user:pw@a.io/", NULL },
	{ "ftp://a.io/", NULL },
	{ "file:///etc/passwd", NULL },
	{ "gopher://a.io/", NULL },
	{ "https://", NULL },
	/* libcurl forgives a third slash: what it connects to counts */
	{ "https:///x", "https x 443" },
	{ "https://a.io:0/", NULL },
	{ "https://a.io:70000/", NULL },
	{ "https://a.io:/x", "https a.io 443" },
	{ "a.io/x", NULL },
	{ "https://a.io\r\nX: y/", NULL },
	{ "https://a io/", NULL },
	{ "", NULL },
};

static void test_origin(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		struct err err = ERR_INIT;
		struct origin o;
		int r = origin_parse(origins[i].url, &o, &err);

		print_message("case: %s\n", origins[i].url);
		if (!origins[i].want) {
			assert_int_equal(r, -EINVAL);
			assert_true(err.msg[0]);
			continue;
		}
		assert_int_equal(r, 0);
		autofree char *text =
			xasprintf("%s %s %u", o.https ? "https" : "http",
				  o.host, (unsigned int)o.port);

		assert_string_equal(text, origins[i].want);
	}
}

/* Each row: base, Location, and where it leads (NULL: refused). */
static const struct {
	const char *base;
	const char *location;
	const char *want;
} locations[] = {
	{ "https://a.io/v2/x/blobs/1", "/y", "https://a.io/y" },
	{ "https://a.io/v2/x", "?n=1", "https://a.io/v2/x?n=1" },
	{ "https://a.io/v2/x", "https://b.io/z?s=1", "https://b.io/z?s=1" },
	{ "https://a.io/v2/x", "//b.io/z", "https://b.io/z" },
	{ "https://a.io/v2/x", "https://u:p@b.io/", NULL },
	{ "https://a.io/v2/x", "//u@b.io/", NULL },
	{ "https://a.io/v2/x", "file:///etc/passwd", NULL },
	{ "https://a.io/v2/x", "ftp://b.io/", NULL },
	{ "https://a.io/v2/x", "javascript:1", NULL },
	{ "https://a.io/v2/x", "https://b.io\\@a.io/", NULL },
	{ "https://a.io/v2/x", "https://b.io#@a.io/", "https://b.io/#@a.io/" },
};

static void test_resolve(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(locations); i++) {
		autofree char *url = NULL;
		struct err err = ERR_INIT;
		int r = url_resolve(locations[i].base, locations[i].location,
				    &url, &err);

		print_message("case: %s\n", locations[i].location);
		if (!locations[i].want) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(url, locations[i].want);
	}
}

static void test_loopback(void **state)
{
	static const char *const yes[] = { "localhost", "127.0.0.1",
					   "127.1.2.3", "[::1]" };
	static const char *const no[] = {
		"localhost.",
		"LOCALHOST",
		"localhost.evil",
		"128.0.0.1",
		"127.0.0.1.evil.io",
		"127",
		"127.1",
		"0.0.0.0",
		"[::]",
		"[::ffff:127.0.0.1]",
		"2130706433",
		"0x7f000001",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(host_is_loopback(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		print_message("case: %s\n", no[i]);
		assert_false(host_is_loopback(no[i]));
	}
}

static const struct {
	const char *registry;
	const char *realm;
	bool want;
} sites[] = {
	{ "quay.io", "quay.io", true },
	{ "registry-1.docker.io", "auth.docker.io", true },
	{ "registry.gitlab.com", "gitlab.com", true },
	{ "registry.example.co.uk", "auth.example.co.uk", true },
	{ "ghcr.io", "token.ghcr.io", true },
	{ "dhi.io", "auth.docker.io", true },
	{ "quay.io", "evil.io", false },
	{ "docker.io", "docker.io.evil", false },
	{ "registry.docker.io", "evildocker.io", false },
	{ "example.co.uk", "evil.co.uk", false },
	{ "example.com", "evil.com", false },
	{ "registry.com", "com", false },
	{ "localhost", "evil.localhost", false },
	{ "127.0.0.1", "127.0.0.1", true },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "10.0.0.1", "20.0.0.1", false },
	{ "[::1]", "[::2]", false },
};

static void test_here(void **state)
{
	static const char *const yes[] = {
		"localhost",	      "LOCALHOST", "localhost.", "a.localhost",
		"127.9.9.9",	      "0.0.0.0",   "[::]",	 "[::1]",
		"[0:0:0:0:0:0:0:1]",  "[::1%lo]",  "[::ffff:127.0.0.1]",
		"[::ffff:0.0.0.0]",
	};
	static const char *const no[] = {
		"localhost.evil", "192.0.2.1", "[::ffff:192.0.2.1]",
		"[2001:db8::1]",  "",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		print_message("case: %s\n", yes[i]);
		assert_true(host_is_here(yes[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		print_message("case: %s\n", no[i]);
		assert_false(host_is_here(no[i]));
	}
}

static void test_same_site(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
		print_message("case: %s %s\n", sites[i].registry,
			      sites[i].realm);
		assert_int_equal(
			host_is_same_site(sites[i].registry, sites[i].realm),
			sites[i].want);
	}
}

static void test_query(void **state)
{
	autofree char *url = xstrdup("https://a.io/t?x=1");

	(void)state;
	assert_ok(url_add_query(&url, "service", "a b&c=d", err));
	assert_string_equal(url, "https://a.io/t?x=1&service=a+b%26c%3dd");
}

UNIT_TESTS(unit_test(test_origin), unit_test(test_resolve),
	   unit_test(test_loopback), unit_test(test_here),
	   unit_test(test_same_site),
	   unit_test(test_query));
