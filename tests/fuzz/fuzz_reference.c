/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references, transports, digests and platforms.  What is accepted
 * prints as itself, and is fit for a path and a URL.
 */
#include <stdint.h>
#include <stdlib.h>

#include "storage/image/digest.h"
#include "storage/image/platform.h"
#include "storage/image/ref.h"
#include "storage/transport.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reference(const char *text)
{
	auto_ref struct ref ref = REF_INIT;
	autofree char *full = NULL;
	autofree char *again = NULL;
	autofree char *repo = NULL;
	autofree char *repo_of = NULL;

	if (ref_parse(text, &ref, NULL) < 0)
		return;
	ref_complete(&ref, "docker.io");
	full = ref_text(&ref);
	if (ref_full(full, "other.example", &again, NULL) < 0 ||
	    !streq(full, again))
		abort();
	repo = ref_repo(&ref);
	repo_of = ref_repo_of(full);
	if (!streq(repo, repo_of) || !*ref.host)
		abort();
	for (const char *p = full; *p; p++)
		if (*p <= ' ' || *p >= 127)
			abort();
	if (strstr(ref.path, "..") || *ref.path == '/')
		abort();
}

static void check_platform(const char *text)
{
	struct platform p, again;
	autofree char *printed = NULL;

	if (platform_parse(text, &p, NULL) < 0)
		return;
	printed = platform_text(&p);
	if (platform_parse(printed, &again, NULL) < 0 ||
	    !streq(p.os, again.os) || !streq(p.arch, again.arch))
		abort();
}

/* A path or a name, never both; what follows it is a part of the text. */
static void check_transport(const char *text)
{
	auto_transport struct transport t = { .name = NULL };

	transport_parse(text, &t);
	if (!t.name == !t.path || (t.ref && !t.path))
		abort();
	if (t.ref && !str_ends(text, t.ref))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xstrndup((const char *)data, size);

	check_reference(text);
	check_transport(text);
	check_platform(text);
	if (digest_is_valid(text) && strlen(digest_hex(text)) != 64)
		abort();
	return 0;
}
