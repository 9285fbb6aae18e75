/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libpod/oci/user.h"
#include "util/cleanup.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "USER\n" then passwd, 0xff, group */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nl = size ? memchr(text, '\n', size) : NULL;
	struct user u cleanup(user_done) = { .home = NULL };
	struct err err = ERR_INIT;
	const char *mark;
	size_t left;

	if (!nl)
		return 0;
	autofree char *spec = xstrndup(text, (size_t)(nl - text));
	char *const add[] = { spec, NULL };
	nl++;
	left = size - (size_t)(nl - text);
	mark = left ? memchr(nl, 0xff, left) : NULL;
	if (!mark)
		mark = nl + left;
	(void)user_find(nl, (size_t)(mark - nl), mark,
			left - (size_t)(mark - nl), spec,
			spec[0] == 'g' ? add : NULL, &u, &err);
	return 0;
}
