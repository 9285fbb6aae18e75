/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/secret/secret.h"
#include "util/fd.h"
#include "util/str.h"

struct create_args {
	char *driver;
	char **driver_opts;
	char **labels;
	bool env, replace, ignore;
};

static const struct opt create_opts[] = {
	OPT_STR('d', "driver", struct create_args, driver, "string",
		"Driver of the secret: file"),
	OPT_LIST(0, "driver-opts", struct create_args, driver_opts,
		 "KEY=VALUE", "Options of the driver, kept as a note"),
	OPT_BOOL(0, "env", struct create_args, env,
		 "The second argument is the name of a variable"),
	OPT_BOOL(0, "ignore", struct create_args, ignore,
		 "Leave one of that name as it is"),
	OPT_STRV('l', "label", struct create_args, labels, "KEY=VALUE",
		 "Set metadata of the secret"),
	OPT_BOOL(0, "replace", struct create_args, replace,
		 "Replace one of that name"),
	OPT_NOT_YET(0, "template-driver", "string", "Template driver"),
	OPT_END,
};

static int read_stdin(struct sb *ret, struct err *err)
{
	int r;

	if (isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE, EINVAL,
			       "if `-` is used, data must be passed into "
			       "stdin");
	r = (int)fd_read_all(STDIN_FILENO, SECRET_MAX, ret);
	return r < 0 ? err_code(err, r, "read the secret from stdin") : 0;
}

static int read_source(const struct create_args *a, const char *source,
		       struct sb *ret, struct err *err)
{
	const char *value = a->env ? getenv(source) : NULL;
	int r;

	if (value) {
		sb_add(ret, value);
		return 0;
	}
	if (a->env)
		return err_set(err, ERR_INVALID, ENOENT,
			       "cannot create store secret data: environment "
			       "variable %s is not set", source);
	if (streq(source, "-") || streq(source, "/dev/stdin"))
		return read_stdin(ret, err);
	autoclose int fd = open(source, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", source);
	r = (int)fd_read_all(fd, SECRET_MAX, ret);
	return r < 0 ? err_code(err, r, "read %s", source) : 0;
}

/* -l NAME is a label without a value, --driver-opts knows no such */
static int check_pairs(const struct create_args *args, struct err *err)
{
	for (char **l = args->labels; l && *l; l++)
		if (!**l || **l == '=')
			return err_set(err, ERR_INVALID, EINVAL,
				       "unable to process labels: invalid "
				       "label format: \"%s\"", *l);
	for (char **o = args->driver_opts; o && *o; o++)
		if (!strchr(*o, '='))
			return err_set(err, ERR_USAGE, EINVAL,
				       "invalid argument \"%s\" for "
				       "\"--driver-opts\" flag: %s must be "
				       "formatted as key=value", *o, *o);
	return 0;
}

static int create_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct create_args *args = p;
	autosb struct sb data = SB_INIT;
	struct secret s = { .name = argv[0], .labels = args->labels,
			    .options = args->driver_opts };
	unsigned int flags = (args->replace ? SECRET_REPLACE : 0) |
			     (args->ignore ? SECRET_IGNORE : 0);
	int r;

	if (args->driver && !streq(args->driver, "file"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "secret driver \"%s\" is not supported yet",
			       args->driver);
	if (args->replace && args->ignore)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--replace and --ignore cannot be set together");
	r = check_pairs(args, err);
	if (r == 0)
		r = read_source(args, argv[1], &data, err);
	if (r == 0)
		r = secret_create(rt, &s, data.buf, data.len, flags, err);
	if (r == 0)
		printf("%s\n", s.id);
	return r;
}

const struct cmd cmd_secret_create = {
	.path = "secret create",
	.usage = "[options] NAME FILE|-",
	.summary = "Create a new secret",
	.text = "Reads the secret from a file, from stdin (-) or, with --env, "
		"from a variable, and prints its ID.",
	.examples = (const char *const[]){ "secret create mysecret ./file",
					   "secret create --env mysecret VAR",
					   NULL },
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ create_opts, NULL },
	.args_size = sizeof(struct create_args),
	.run = create_run,
};
