/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response headers: the first byte chooses the parser.  Of a challenge the
 * realm goes on through the policy: a realm that parses as a URL has a host,
 * and only hosts of our site may see credentials.  A redirect that resolves is
 * http or https and parses again to the same origin.
 */
#include <stdlib.h>

#include "storage/registry/headers.h"
#include "storage/registry/origin.h"
#include "util/cleanup.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_challenge(const char *text)
{
	auto_challenge struct challenge c = { 0 };
	struct origin o;

	if (challenge_add(&c, text) < 0 || !c.realm)
		return;
	if (!c.bearer)
		abort();
	if (origin_parse(c.realm, &o, NULL) < 0)
		return;
	if (!o.host[0] || strpbrk(o.host, "/@ \r\n"))
		abort();
	if (host_is_same_site("registry.example.com", o.host) &&
	    !streq(o.host, "example.com") && !str_ends(o.host, ".example.com"))
		abort();
	if (host_is_same_site("quay.io", o.host) && !streq(o.host, "quay.io") &&
	    !str_ends(o.host, ".quay.io"))
		abort();
}

static void fuzz_location(const char *text)
{
	autofree char *url = NULL;
	struct origin o;

	if (url_resolve("https://registry.example.com/v2/a/blobs/b", text, &url,
			NULL) < 0)
		return;
	/* libcurl takes the same URL apart when it connects */
	if (origin_parse(url, &o, NULL) < 0)
		return;
	if (strpbrk(url, " \t\r\n") || strlen(url) > URL_MAX)
		abort();
}

static void fuzz_range(const char *text)
{
	uint64_t first, last, size;

	if (content_range(text, &first, &last, &size) == 0 &&
	    (first > last || last >= size))
		abort();
}

static void fuzz_upload_range(const char *text)
{
	uint64_t have = 0;

	if (upload_range(text, &have) == 0 && have == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t seconds;

	if (size < 1)
		return 0;
	autofree char *text = xstrndup((const char *)data + 1, size - 1);
	autofree char *out = NULL;

	switch (data[0] % 8) {
	case 0:
		fuzz_challenge(text);
		break;
	case 1:
		fuzz_location(text);
		break;
	case 2:
		fuzz_range(text);
		break;
	case 3:
		seconds = retry_after(text, 1000000000, 3600);
		if (seconds < -1 || seconds > 3600)
			abort();
		break;
	case 6:
		fuzz_upload_range(text);
		break;
	case 4:
		out = link_next(text);
		break;
	default:
		out = media_type(text);
		if (strlen(out) > 255 || strpbrk(out, "\r\n\x1b "))
			abort();
	}
	return 0;
}
