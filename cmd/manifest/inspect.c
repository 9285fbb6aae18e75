/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/manifest/manifest.h"
#include "libpod/core/runtime.h"
#include "storage/image/list.h"
#include "storage/image/manifest.h"
#include "util/json.h"
#include "util/sb.h"
#include "util/str.h"

struct inspect_args {
	struct reach reach;
	bool verbose;
};

static const struct opt inspect_opts[] = {
	REACH_OPTS(struct inspect_args, reach),
	OPT_BOOL('v', "verbose", struct inspect_args, verbose,
		 "Show the manifests of the entries, with their descriptors"),
	OPT_END,
};

static void inspect_defaults(void *p)
{
	((struct inspect_args *)p)->reach.tls_verify = -1;
}

static int remote(const char *name, const struct pull_opts *pull,
		  struct json_object **ret, struct err *err)
{
	autofree char *text = NULL;
	autofree char *type = NULL;
	int r = list_remote(name, pull, &text, &type, err);

	if (r < 0)
		return r;
	*ret = json_parse(text, strlen(text), err);
	return *ret ? 0 : -EINVAL;
}

static int document(struct store *store, const char *name,
		    const struct pull_opts *pull, struct json_object **ret,
		    struct err *err)
{
	auto_list struct list l = LIST_INIT;
	struct err why = ERR_INIT;
	int r = str_starts(name, "docker://") ?
			-ENOENT :
			list_load(store, name, &l, &why);

	/* Not a list of the store: a registry may have one */
	if (r < 0 && (!why.code || why.kind == ERR_NOT_FOUND ||
		      why.kind == ERR_INVALID))
		return remote(name, pull, ret, err);
	if (r < 0)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	*ret = json_object_get(l.index);
	return 0;
}

/* docker's form: its key says of which kind a manifest is, and what is no list
 * is not in an array. */
static int verbose(struct store *store, const char *name,
		   const struct pull_opts *pull, struct json_object **ret,
		   struct err *err)
{
	autojson struct json_object *members = NULL;
	bool is_list;
	int r = list_members(store, name, pull, &members, &is_list, err);

	for (size_t i = 0; r == 0 && i < json_object_array_length(members);
	     i++) {
		struct json_object *o = json_object_array_get_idx(members, i);
		struct json_object *m = json_object_get(json_obj(o,
								 "Manifest"));
		const char *type = json_str(m, "mediaType");

		json_object_object_del(o, "Manifest");
		json_set(o, streq(type, TYPE_DOCKER_MANIFEST) ?
			 "SchemaV2Manifest" : "OCIManifest", m);
	}
	if (r == 0)
		*ret = json_object_get(
			is_list ? members :
				  json_object_array_get_idx(members, 0));
	return r;
}

static int inspect_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct inspect_args *args = p;
	autojson struct json_object *o = NULL;
	autosb struct sb text = SB_INIT;
	struct pull_opts pull;
	struct store *store;
	int r = reach_opts(&args->reach, &pull, err);

	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r == 0)
		r = args->verbose ?
			verbose(store, argv[0], &pull, &o, err) :
			document(store, argv[0], &pull, &o, err);
	if (r < 0)
		return r;
	json_pretty(o, 4, &text);
	sb_addch(&text, '\n');
	print_text(text.buf, text.len);
	return 0;
}

const struct cmd cmd_manifest_inspect = {
	.path = "manifest inspect",
	.usage = "[options] LIST",
	.summary = "Show a manifest list, or a manifest of a registry",
	.text = "Prints a manifest list of the store; where there is none, "
		"what a registry has under that name.",
	.examples = (const char *const[]){ "manifest inspect localhost/list",
					   "manifest inspect "
					   "docker://docker.io/library/fedora",
					   NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ inspect_opts, NULL },
	.args_size = sizeof(struct inspect_args),
	.defaults = inspect_defaults,
	.run = inspect_run,
};
