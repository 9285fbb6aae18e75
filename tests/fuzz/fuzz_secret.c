/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --secret.  What is accepted survives the way through a container's config
 * unchanged, and a file has a clean absolute path.
 */
#include <stdlib.h>

#include "cmd/opt.h"
#include "libpod/core/secret/secret.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct secret_use *u)
{
	struct secret_use again cleanup(secret_use_done) = { 0 };
	autofree char *text = NULL;

	/* a name with a comma is that of no secret */
	if (strchr(u->name, ','))
		return;
	str_set(&u->id, "0123456789012345678901234");
	text = secret_use_pack(u);
	if (secret_use_unpack(text, &again) < 0 ||
	    !streq(again.name, u->name) || !streq(again.target, u->target) ||
	    again.env != u->env || again.uid != u->uid ||
	    again.gid != u->gid || again.mode != u->mode)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xstrndup((const char *)data, size);
	struct secret_use u cleanup(secret_use_done) = { 0 };
	struct secret_use raw cleanup(secret_use_done) = { 0 };
	autostrv char **fields = NULL;
	struct err err = ERR_INIT;
	int r;

	(void)secret_use_unpack(text, &raw);
	opt_csv(text, &fields);
	r = secret_use_parse(fields, &u, &err);
	if ((r < 0) != (err.code != 0))
		abort();
	if (r < 0)
		return 0;
	if (!u.env) {
		autofree char *clean = path_clean(u.target);

		if (!streq(clean, u.target) || streq(clean, "/"))
			abort();
	}
	check_again(&u);
	return 0;
}
