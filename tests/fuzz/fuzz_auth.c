/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.json (or .dockercfg, by the first byte) and the output of a credential
 * helper.  No error text may hold a piece of the input that could be a secret:
 * the marker "hunter2", alone or in base64, stands for one.
 */
#include <stdlib.h>

#include "storage/auth.h"
#include "util/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct err *err)
{
	static const char *const secrets[] = { "hunter2", "aHVudGVyMg",
					       "h1bnRlcjI", "odW50ZXIy" };

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		if (strstr(err->msg, secrets[i]))
			abort();
	}
}

static void fuzz_file(const char *text, size_t size, bool legacy)
{
	autojson struct json_object *o = json_parse(text, size, NULL);
	static const char *const names[][2] = {
		{ "quay.io", "team/app" },
		{ "docker.io", "library/nginx" },
		{ "localhost:5000", "x" },
	};

	if (!o || !json_object_is_type(o, json_type_object))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_auth_cred struct auth_cred cred = { 0 };
		autofree char *helper = NULL;
		struct err err = ERR_INIT;
		int r = auth_lookup(o, legacy, names[i][0], names[i][1], &cred,
				    &helper, &err);

		check_error(&err);
		if ((r < 0) != (err.code != 0) ||
		    (r == 1) != auth_cred_is_set(&cred) ||
		    (cred.user && !cred.password))
			abort();
	}
}

static void fuzz_helper(const char *text, size_t size)
{
	auto_auth_cred struct auth_cred cred = { 0 };
	struct err err = ERR_INIT;
	int r = auth_parse_helper(text, size, &cred, &err);

	check_error(&err);
	if ((r == 0) != auth_cred_is_set(&cred))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size < 1)
		return 0;
	if (data[0] % 3 == 2)
		fuzz_helper(text, size - 1);
	else
		fuzz_file(text, size - 1, data[0] % 3 == 1);
	return 0;
}
