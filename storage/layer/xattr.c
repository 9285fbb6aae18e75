/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/xattr.h"

#include <string.h>

#include "util/str.h"

bool xattr_is_kept(const char *name)
{
	static const char *const interpreted[] = {
		"user.overlay.",    "user.fuseoverlayfs.",
		"user.containers.", "user.bryo.",
	};

	if (streq(name, XATTR_CAPS))
		return true;
	/* the kernel's limit for a name */
	if (!str_starts(name, "user.") || !name[5] || strlen(name) > 255)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(interpreted); i++)
		if (str_starts(name, interpreted[i]))
			return false;
	return true;
}
