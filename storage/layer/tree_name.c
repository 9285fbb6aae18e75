/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/tree.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int add_component(struct sb *ret, const char *c, size_t len,
			 struct err *err)
{
	if (len == 2 && c[0] == '.' && c[1] == '.')
		return err_set(err, ERR_INVALID, EINVAL,
			       "name has a '..' component");
	if (len > NAME_MAX)
		return err_set(err, ERR_LIMIT, ENAMETOOLONG,
			       "name has a component of %zu bytes", len);
	if (ret->len)
		sb_addch(ret, '/');
	sb_addn(ret, c, len);
	return 0;
}

int tree_name(const char *name, struct sb *ret, struct err *err)
{
	size_t depth = 0;

	sb_trunc(ret, 0);
	if (!*name)
		return err_set(err, ERR_INVALID, EINVAL, "name is empty");
	if (strlen(name) >= TREE_PATH_MAX)
		return err_set(err, ERR_LIMIT, ENAMETOOLONG,
			       "name is longer than %d bytes",
			       TREE_PATH_MAX - 1);
	while (*name) {
		size_t len = strcspn(name, "/");

		if (len && !(len == 1 && *name == '.')) {
			if (add_component(ret, name, len, err) < 0)
				return -err->code;
			depth++;
		}
		name += len;
		name += *name == '/';
	}
	if (depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ENAMETOOLONG,
			       "more than %d directories deep",
			       TREE_DEPTH_MAX);
	return 0;
}
