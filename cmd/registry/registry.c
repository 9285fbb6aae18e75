/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/registry/registry.h"

#include <errno.h>

#include "storage/auth.h"
#include "storage/registries_conf.h"
#include "util/cleanup.h"
#include "util/str.h"

int registry_argument(const struct registries_conf *conf, const char *typed,
		      char **ret_key, char **ret_host, struct err *err)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._-:/[]";
	char *const *search = registries_conf_search(conf);
	autofree char *key = NULL;

	if (!typed)
		typed = search ? search[0] : NULL;
	if (!typed)
		return err_set(err, ERR_USAGE, EINVAL,
			       "no registry was given, and "
			       "unqualified-search-registries is empty");
	key = auth_host_of(typed);
	if (!*key || *key == '/' || strlen(key) > 1024 ||
	    strspn(key, set) != strlen(key))
		return err_set(err, ERR_USAGE, EINVAL,
			       "'%s' is not a registry", typed);
	*ret_host = xstrndup(key, strcspn(key, "/"));
	*ret_key = take_ptr(key);
	return 0;
}
