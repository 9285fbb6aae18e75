/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/volume/volume.h"
#include "util/str.h"
#include "util/strv.h"

struct create_args {
	char *driver;
	char **labels;
	char **options;
	char *uid, *gid;
	char *name;
	bool ignore;
};

static const struct opt create_opts[] = {
	{ 'd', "driver", NULL, OPT_T_STR,
	  OPT_CHECK_(struct create_args, driver, char *), OPT_NO_GIVEN,
	  "string", "local", "Volume driver", 0 },
	OPT_BOOL(0, "ignore", struct create_args, ignore,
		 "Do not fail if the volume is there already"),
	OPT_STRV('l', "label", struct create_args, labels, "KEY=VALUE",
		 "Set metadata of the volume"),
	OPT_STRV('o', "opt", struct create_args, options, "KEY=VALUE",
		 "Set a driver option: type, device, o"),
	{ 0, "name", NULL, OPT_T_STR,
	  OPT_CHECK_(struct create_args, name, char *), OPT_NO_GIVEN,
	  "string", NULL, "Name of the volume", OPT_HIDDEN },
	OPT_STR(0, "gid", struct create_args, gid, "uint",
		"Group that owns the volume"),
	OPT_STR(0, "uid", struct create_args, uid, "uint",
		"User that owns the volume"),
	OPT_END,
};

static int create_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct create_args *args = p;
	auto_volume struct volume *v = NULL;
	autostrv char **options = NULL;
	int r = 0;

	if (args->name && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "conflicting options: either specify --name or "
			       "provide positional arg, not both");
	if (streq(args->driver, "image"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "volume driver \"image\" is not supported yet: "
			       "--mount type=image,source=IMAGE,target=DIR of "
			       "run and create mounts an image");
	if (args->driver && !streq(args->driver, "local"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "volume driver \"%s\" is not supported yet",
			       args->driver);
	options = strv_copy(args->options);
	if (args->uid)
		strv_addf(&options, "UID=%s", args->uid);
	if (args->gid)
		strv_addf(&options, "GID=%s", args->gid);
	r = volume_create(rt, args->name ? args->name : argv[0], args->labels,
			  options, args->ignore, &v, err);
	if (r < 0)
		return r;
	printf("%s\n", v->name);
	return 0;
}

const struct cmd cmd_volume_create = {
	.path = "volume create",
	.usage = "[options] [NAME]",
	.summary = "Create a new volume",
	.text = "Without a name the volume gets a random one of 64 digits.",
	.examples = (const char *const[]){ "volume create myvol",
					   "volume create",
					   "volume create --label foo=bar "
					   "myvol", NULL },
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ create_opts, NULL },
	.args_size = sizeof(struct create_args),
	.run = create_run,
};
