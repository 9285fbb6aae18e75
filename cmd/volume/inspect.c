/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/objects.h"
#include "cmd/volume/volume.h"
#include "util/json.h"

struct inspect_args {
	bool all;
	char *format;
};

static const struct opt inspect_opts[] = {
	OPT_BOOL('a', "all", struct inspect_args, all, "Inspect all volumes"),
	OPT_STR('f', "format", struct inspect_args, format, "string",
		"Print with a Go template, or json"),
	OPT_END,
};

static int add_all(struct runtime *rt, struct json_object *list,
		   struct err *err)
{
	auto_volume_list struct volume_list all = { NULL, 0 };
	int r = volume_list(rt, &all, err);

	for (size_t i = 0; i < all.n; i++)
		json_object_array_add(list, volume_object(all.v[i]));
	return r;
}

static int find(struct runtime *rt, const char *name, void *data unused_attr,
		struct json_object **ret, struct err *err)
{
	auto_volume struct volume *v = NULL;
	int r = volume_find(rt, name, &v, err);

	if (r < 0 && err->kind == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND, ENOENT, "no such volume %s",
			       name);
	if (r < 0)
		return r;
	*ret = volume_object(v);
	return 0;
}

static int inspect_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct inspect_args *args = p;
	autojson struct json_object *list = json_object_new_array();
	int r = 0;

	if (args->all && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "you may not give volumes with --all");
	if (!args->all && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "provide one or more volume names or use --all");
	if (args->all) {
		r = add_all(rt, list, err);
		return r < 0 ? r : print_objects(args->format, list, err);
	}
	return objects_inspect(rt, argv, args->format, find, NULL, err);
}

const struct cmd cmd_volume_inspect = {
	.path = "volume inspect",
	.usage = "[options] VOLUME [VOLUME...]",
	.summary = "Display detailed information on one or more volumes",
	.examples = (const char *const[]){ "volume inspect myvol",
					   "volume inspect --all",
					   "volume inspect --format "
					   "'{{.Mountpoint}}' myvol", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ inspect_opts, NULL },
	.args_size = sizeof(struct inspect_args),
	.run = inspect_run,
};
