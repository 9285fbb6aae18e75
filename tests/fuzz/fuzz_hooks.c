/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of a hooks directory (JSON), and the list that a container keeps.
 * A hook that is accepted has an absolute path, arguments and a stage.
 */
#include <stdlib.h>

#include "libpod/oci/hooks.h"
#include "util/cleanup.h"
#include "util/strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hooks(const struct hooks *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (!h->v[i].path || h->v[i].path[0] != '/' ||
		    strv_len(h->v[i].args) == 0 ||
		    h->v[i].stages >> HOOK_STAGES ||
		    (h->v[i].stages & ~h->stages))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char annotation[] = "key=value";
	char *const annotations[] = { annotation, NULL };
	const struct hook_match match = { annotations, "/bin/sh", true };
	struct hooks conf cleanup(hooks_done) = { .n = 0 };
	struct hooks list cleanup(hooks_done) = { .n = 0 };
	struct err err = ERR_INIT;
	int r = hooks_parse_conf((const char *)data, size, &match, &conf,
				 &err);

	if (r < 0 && !err.msg[0])
		abort();
	if ((size_t)(r > 0) != conf.n)
		abort();
	check_hooks(&conf);
	if (hooks_parse((const char *)data, size, &list, NULL) == 0)
		check_hooks(&list);
	return 0;
}
