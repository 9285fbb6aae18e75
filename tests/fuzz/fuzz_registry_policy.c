/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.json and daemon.json, by the first byte.  A policy that has no word
 * "insecureAcceptAnything" in it never lets an image in, and a daemon.json
 * without "insecure-registries" makes no host insecure.
 */
#include <stdlib.h>

#include "storage/daemon_json.h"
#include "storage/policy.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_policy(const char *text, size_t size)
{
	static const char *const names[][2] = {
		{ "docker", "quay.io/team/app:1" },
		{ "docker", "a.b.example.com/x@sha256:00" },
		{ "oci", "/a/b" },
		{ "dir", NULL },
	};
	auto_policy struct policy *p = NULL;
	struct err err = ERR_INIT;

	if (policy_parse(text, size, "policy.json", &p, &err) < 0) {
		if (!err.code || !err.msg[0] || p)
			abort();
		return;
	}
	autofree char *copy = xstrndup(text, size);
	bool may = strstr(copy, "insecureAcceptAnything") ||
		   strchr(copy, '\\');

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (policy_allows(p, names[i][0], names[i][1], NULL) == 0 &&
		    !may)
			abort();
	}
}

static void fuzz_daemon(const char *text, size_t size)
{
	struct daemon_json d = { NULL, NULL };
	struct err err = ERR_INIT;
	bool bad = daemon_json_parse(text, size, &d, &err) < 0;

	if (bad != (err.code != 0))
		abort();
	if (daemon_json_insecure(&d, "10.0.0.7:5000") && !d.insecure)
		abort();
	for (char **m = d.mirrors; !bad && m && *m; m++)
		if (!str_starts(*m, "https://") && !str_starts(*m, "http://"))
			abort();
	daemon_json_done(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size < 1)
		return 0;
	if (data[0] % 2)
		fuzz_daemon(text, size - 1);
	else
		fuzz_policy(text, size - 1);
	return 0;
}
