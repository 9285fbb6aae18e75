/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/pullopts.h"
#include "cmd/registry/registry.h"
#include "storage/auth.h"
#include "storage/auth_store.h"
#include "storage/registries_conf.h"

struct logout_args {
	bool all;
	char *authfile;
	char *compat_auth_file;
};

static const struct opt logout_opts[] = {
	OPT_BOOL('a', "all", struct logout_args, all,
		 "Remove the credentials of all registries"),
	OPT_STR(0, "authfile", struct logout_args, authfile, "path",
		"File with the credentials"),
	OPT_STR(0, "compat-auth-file", struct logout_args, compat_auth_file,
		"path", "Docker's config.json with the credentials"),
	OPT_END,
};

/* Nothing in our file: docker's may have some, which are not ours to drop */
static int not_ours(const struct logout_args *args,
		    const struct registries_conf *conf, const char *key,
		    const char *host, struct err *err)
{
	auto_auth_cred struct auth_cred cred = { 0 };
	const char *slash = strchr(key, '/');
	const struct auth_query q = {
		.env = environ,
		.helpers = registries_conf_helpers(conf),
		.host = host,
		.repo = slash ? slash + 1 : "",
	};
	int r = 0;

	if (!args->authfile && !args->compat_auth_file)
		r = auth_find(&q, &cred, err);
	if (r < 0)
		return r;
	if (!auth_cred_is_set(&cred))
		return err_set(err, ERR_FAIL, ENOENT, "not logged into %s",
			       key);
	printf("Not logged into %s with current tool. Existing credentials "
	       "were established via docker login. Please use docker logout "
	       "instead.\n", key);
	return 0;
}

static int logout_run(struct runtime *rt unused_attr, const void *p,
		      char **argv, struct err *err)
{
	const struct logout_args *args = p;
	auto_registries_conf struct registries_conf *conf = NULL;
	auto_auth_target struct auth_target t = { .path = NULL };
	autofree char *key = NULL;
	autofree char *host = NULL;
	int r = authfile_check(args->authfile, err);

	if (r == 0 && args->all && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all takes no arguments");
	if (r == 0)
		r = authfile_check(args->compat_auth_file, err);
	if (r == 0)
		r = registries_conf_load(environ, &conf, err);
	if (r == 0)
		r = auth_target_find(environ, args->authfile,
				     args->compat_auth_file, &t, err);
	if (r < 0)
		return r;
	t.helpers = registries_conf_helpers(conf);
	if (args->all) {
		r = auth_erase_all(&t, err);
		if (r == 0)
			printf("Removed login credentials for all "
			       "registries\n");
		return r;
	}
	r = registry_argument(conf, argv[0], &key, &host, err);
	if (r == 0)
		r = auth_erase(&t, key, err);
	if (r == 0)
		return not_ours(args, conf, key, host, err);
	if (r > 0)
		printf("Removed login credentials for %s\n", key);
	return r < 0 ? r : 0;
}

const struct cmd cmd_registry_logout = {
	.path = "logout",
	.usage = "[options] [REGISTRY]",
	.summary = "Log out of a container registry",
	.text = "Removes the credentials that login kept. Without REGISTRY, "
		"those of the first registry of the search list.",
	.examples = (const char *const[]){ "logout quay.io", "logout --all",
					   NULL },
	.min_args = 0,
	.max_args = 1,
	.opts = (const struct opt *const[]){ logout_opts, NULL },
	.args_size = sizeof(struct logout_args),
	.run = logout_run,
};
