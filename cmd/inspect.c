/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `inspect NAME` looks for a container, an image and a volume of that name,
 * in this order, and shows the first.  What each object looks like is the
 * business of `container inspect`, `image inspect` and `volume inspect`.
 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/object.h"
#include "cmd/image/inspect.h"
#include "cmd/objects.h"
#include "cmd/volume/volume.h"
#include "libpod/core/container.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

struct inspect_args {
	char *format;
	bool latest;
	bool size;
	bool security;
	char *type;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", struct inspect_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL('l', "latest", struct inspect_args, latest,
		 "Use the container created last"),
	OPT_BOOL(0, "security", struct inspect_args, security,
		 "Show how a running container is confined"),
	{ 't', "type", NULL, OPT_T_STR,
	  OPT_CHECK_(struct inspect_args, type, char *), OPT_NO_GIVEN,
	  "string", "all", "Kind of object: all, container, image or volume",
	  0 },
	OPT_BOOL('s', "size", struct inspect_args, size,
		 "Of a container: show the bytes that it wrote, and those "
		 "with its image"),
	OPT_END,
};

static int image_by_name(struct runtime *rt, const char *name,
			 bool size unused_attr, struct json_object **ret,
			 struct err *err)
{
	return image_object(rt, name, ret, err);
}

static int volume_by_name(struct runtime *rt, const char *name,
			  bool size unused_attr, struct json_object **ret,
			  struct err *err)
{
	auto_volume struct volume *v = NULL;
	int r = volume_find(rt, name, &v, err);

	if (!r)
		*ret = volume_object(v);
	return r;
}

static const struct kind {
	const char *name;
	int (*find)(struct runtime *rt, const char *name, bool size,
		    struct json_object **ret, struct err *err);
	const char *missing[2];	/* around the name; NULL: the finder's text */
} kinds[] = {
	{ "container", ctr_object, { "no such container \"", "\"" } },
	{ "image", image_by_name, { NULL, NULL } },
	{ "volume", volume_by_name, { "no such volume ", "" } },
};

/* What is looked for. */
struct search {
	const struct kind *only;	/* or NULL */
	bool size;
};

static int find(struct runtime *rt, const char *name, void *data,
		struct json_object **ret, struct err *err)
{
	const struct search *what = data;
	const struct kind *only = what->only;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct err why = ERR_INIT;
		int r = 0;

		if (only && only != &kinds[i])
			continue;
		r = kinds[i].find(rt, name, what->size, ret, &why);
		if (!r)
			return 0;
		if (why.kind != ERR_NOT_FOUND || (only && !only->missing[0])) {
			*err = why;
			return r;
		}
	}
	if (only)
		return err_set(err, ERR_NOT_FOUND, ENOENT, "%s%s%s",
			       only->missing[0], name, only->missing[1]);
	return err_set(err, ERR_NOT_FOUND, ENOENT, "no such object: \"%s\"",
		       name);
}

static int find_kind(const char *type, const struct kind **ret,
		     struct err *err)
{
	*ret = NULL;
	if (!type || streq(type, "all"))
		return 0;
	if (streq(type, "network") || streq(type, "pod"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--type %s is not supported yet", type);
	for (size_t i = 0; i < ARRAY_LEN(kinds) && !*ret; i++)
		if (streq(type, kinds[i].name))
			*ret = &kinds[i];
	if (*ret)
		return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "invalid type \"%s\": must be \"image\", "
		       "\"container\", \"pod\", \"network\", \"volume\", or "
		       "\"all\"", type);
}

static int inspect_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct inspect_args *args = p;
	autostrv char **names = strv_copy(argv);
	struct search what = { NULL, args->size };
	auto_ctr struct ctr *c = NULL;
	int r = find_kind(args->type, &what.only, err);

	if (r < 0)
		return r;
	if (args->security && what.only && !streq(what.only->name, "container"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--security is for containers");
	if (args->latest && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and arguments cannot be used "
			       "together");
	if (!args->latest && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "no names or ids specified");
	if (args->latest)
		r = ctr_latest(rt, &c, err);
	if (r < 0)
		return r;
	if (c)
		strv_add(&names, c->id);
	return objects_inspect(rt, names, args->format,
			       args->security ? posture_object : find, &what,
			       err);
}

const struct cmd cmd_inspect = {
	.path = "inspect",
	.usage = "[options] {CONTAINER|IMAGE|VOLUME} "
		 "[{CONTAINER|IMAGE|VOLUME}...]",
	.summary = "Display the configuration of an object denoted by name or "
		   "id",
	.text = "Looks for a container, then an image, then a volume.",
	.examples = (const char *const[]){ "inspect myctr",
					   "inspect --type image nginx",
					   "inspect --format "
					   "'{{.State.Status}}' myctr", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ inspect_opts, NULL },
	.args_size = sizeof(struct inspect_args),
	.run = inspect_run,
};
