/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "libpod/core/container.h"
#include "libpod/core/files/commit.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/json.h"
#include "util/sb.h"
#include "util/str.h"

/*
 * diff, container diff, image diff: one list of changes, printed as lines
 * "A /path", as one JSON object with a list per kind, or by a template.
 */
struct diff_args {
	char *format;
	bool latest;
};

static const struct opt diff_opts[] = {
	OPT_STR(0, "format", struct diff_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL('l', "latest", struct diff_args, latest,
		 "The container that was created last"),
	OPT_END,
};

static const struct opt image_diff_opts[] = {
	OPT_STR(0, "format", struct diff_args, format, "string",
		"Print with a Go template, or json"),
	OPT_END,
};

/**
 * struct changes - what was found; owned
 * @list: the paths of each kind, for json
 */
struct changes {
	struct sb lines;
	struct json_object *json;
};

static const struct {
	char kind;
	const char *key;
} kinds[] = { { 'C', "changed" }, { 'A', "added" }, { 'D', "deleted" } };

static void changes_done(struct changes *ch)
{
	sb_done(&ch->lines);
	json_object_put(ch->json);
}

static struct json_object *list_of(struct changes *ch, const char *key)
{
	struct json_object *list = json_arr(ch->json, key);

	if (!list) {
		list = json_object_new_array();
		json_set(ch->json, key, list);
	}
	return list;
}

static void add_change(char kind, const char *path, void *arg)
{
	struct changes *ch = arg;

	sb_addf(&ch->lines, "%c %s\n", kind, path);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == kind)
			json_object_array_add(list_of(ch, kinds[i].key),
					      json_object_new_string(path));
}

/* podman's templates see one row per change. */
static struct json_object *rows_of(struct changes *ch)
{
	struct json_object *rows = json_object_new_array();

	for (char *line = ch->lines.buf; *line;) {
		struct json_object *row = json_object_new_object();
		char *end = strchr(line, '\n');
		autofree char *path = xstrndup(line + 2,
					       (size_t)(end - line) - 2);
		char kind[2] = { *line, '\0' };

		json_set_str(row, "Kind", kind);
		json_set_str(row, "Path", path);
		json_object_array_add(rows, row);
		line = end + 1;
	}
	return rows;
}

static int print(struct changes *ch, const char *format, struct err *err)
{
	static const struct column columns[] = { { "Kind", "KIND" },
						 { "Path", "PATH" },
						 { NULL, NULL } };
	autojson struct json_object *rows = NULL;
	autosb struct sb text = SB_INIT;

	if (!format) {
		print_text(ch->lines.buf, ch->lines.len);
		return out_flush(err);
	}
	if (format_is_json(format)) {
		json_pretty(ch->json, 5, &text);
		sb_addch(&text, '\n');
		print_text(text.buf, text.len);
		return out_flush(err);
	}
	rows = rows_of(ch);
	return print_rows(format, rows, NULL, columns, false, err);
}

static int image_changes(struct runtime *rt, const char *name,
			 struct changes *ch, struct err *err)
{
	auto_image struct image *img = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_find(store, name, &img, err);
	if (r == 0)
		r = store_changes(store, img, NULL, add_change, ch, err);
	return r;
}

static int find_ctr(struct runtime *rt, const struct diff_args *args,
		    char **argv, struct ctr **ret, struct err *err)
{
	if (args->latest && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and containers cannot be used "
			       "together");
	if (!args->latest && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "container must be specified: diff [options] "
			       "CONTAINER|IMAGE");
	return args->latest ? ctr_latest(rt, ret, err) :
			      ctr_find(rt, argv[0], ret, err);
}

static int container_diff_run(struct runtime *rt, const void *p, char **argv,
			      struct err *err)
{
	cleanup(changes_done) struct changes ch = { SB_INIT, NULL };
	const struct diff_args *args = p;
	auto_ctr struct ctr *c = NULL;
	int r = find_ctr(rt, args, argv, &c, err);

	ch.json = json_object_new_object();
	if (r == 0)
		r = ctr_changes(rt, c, add_change, &ch, err);
	return r < 0 ? r : print(&ch, args->format, err);
}

static int image_diff_run(struct runtime *rt, const void *p, char **argv,
			  struct err *err)
{
	cleanup(changes_done) struct changes ch = { SB_INIT, NULL };
	const struct diff_args *args = p;
	int r;

	ch.json = json_object_new_object();
	r = image_changes(rt, argv[0], &ch, err);
	return r < 0 ? r : print(&ch, args->format, err);
}

/* A container's name wins over an image's. */
static int diff_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct diff_args *args = p;
	auto_ctr struct ctr *c = NULL;
	struct err why = ERR_INIT;

	if (!args->latest && argv[0] &&
	    ctr_find(rt, argv[0], &c, &why) == -ENOENT) {
		int r = image_diff_run(rt, p, argv, err);

		if (r == -ENOENT && err->kind == ERR_NOT_FOUND) {
			err_clear(err);
			return err_set(err, ERR_NOT_FOUND, ENOENT,
				       "%s not found: no such container or "
				       "image", argv[0]);
		}
		return r;
	}
	return container_diff_run(rt, p, argv, err);
}

static const struct opt *const diff_tables[] = { diff_opts, NULL };
static const struct opt *const image_tables[] = { image_diff_opts, NULL };

const struct cmd cmd_diff = {
	.path = "diff",
	.usage = "[options] [CONTAINER|IMAGE]",
	.summary = "List what a container or the last layer of an image "
		   "changed",
	.text = "A line per path: A for added, C for changed, D for deleted. "
		"Mount points of the container are not listed.",
	.examples = (const char *const[]){ "diff ctrID",
					   "diff --format json ctrID",
					   "diff imageID", NULL },
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = diff_tables,
	.args_size = sizeof(struct diff_args),
	.run = diff_run,
};

const struct cmd cmd_container_diff = {
	.path = "container diff",
	.usage = "[options] [CONTAINER]",
	.summary = "List what a container changed",
	.text = "A line per path: A for added, C for changed, D for deleted. "
		"Mount points of the container are not listed.",
	.examples = (const char *const[]){ "container diff ctrID",
					   "container diff --latest", NULL },
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = diff_tables,
	.args_size = sizeof(struct diff_args),
	.run = container_diff_run,
};

const struct cmd cmd_image_diff = {
	.path = "image diff",
	.usage = "[options] IMAGE",
	.summary = "List what the last layer of an image changed",
	.text = "A line per path: A for added, C for changed, D for deleted.",
	.examples = (const char *const[]){ "image diff alpine",
					   "image diff --format json alpine",
					   NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = image_tables,
	.args_size = sizeof(struct diff_args),
	.run = image_diff_run,
};
