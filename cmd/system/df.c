/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Disk space by kind: images (layers and blobs), containers (what they wrote,
 * and their logs), volumes.  Sizes are those of the disk, as du counts, so
 * that the rows add up to what the data directory occupies, but for the
 * database.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/ps.h"
#include "cmd/format.h"
#include "libpod/core/container.h"
#include "libpod/core/runtime.h"
#include "libpod/core/volume/volume.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

struct df_args {
	char *format;
	bool verbose;
};

static const struct opt df_opts[] = {
	OPT_STR(0, "format", struct df_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL('v', "verbose", struct df_args, verbose,
		 "Print a line per image, container and volume"),
	OPT_END,
};

/**
 * struct df - all that is known; owned
 * @ctr_disk, @vol_disk: one number per element of the lists
 */
struct df {
	struct store_df images;
	struct image_list image_list;
	struct ctr_list ctrs;
	uint64_t *ctr_disk;
	struct volume_list volumes;
	uint64_t *vol_disk;
};

static void df_done(struct df *df)
{
	store_df_done(&df->images);
	image_list_done(&df->image_list);
	ctr_list_done(&df->ctrs);
	volume_list_done(&df->volumes);
	free(df->ctr_disk);
	free(df->vol_disk);
}

static int usage_of(struct store *store, int dirfd, const char *const *names,
		    size_t n, uint64_t **ret, struct err *err)
{
	autofree struct store_usage *u = xcalloc(n ? n : 1, sizeof(*u));
	autofree struct store_usage **v =
		xcalloc(n ? n : 1, sizeof(struct store_usage *));
	int r;

	for (size_t i = 0; i < n; i++) {
		u[i] = (struct store_usage){ .dirfd = dirfd,
					     .name = names[i] };
		v[i] = &u[i];
	}
	r = store_usage(store, v, n, err);
	*ret = xcalloc(n ? n : 1, sizeof(**ret));
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = u[i].disk;
	return r;
}

static int measure_ctrs(struct runtime *rt, struct store *store,
			struct df *df, struct err *err)
{
	autofree const char **names =
		xcalloc(df->ctrs.n + 1, sizeof(const char *));

	for (size_t i = 0; i < df->ctrs.n; i++)
		names[i] = df->ctrs.v[i]->id;
	return usage_of(store, rt->ctrs_fd, names, df->ctrs.n, &df->ctr_disk,
			err);
}

static int measure_volumes(struct runtime *rt, struct store *store,
			   struct df *df, struct err *err)
{
	autofree const char **names =
		xcalloc(df->volumes.n + 1, sizeof(const char *));

	for (size_t i = 0; i < df->volumes.n; i++)
		names[i] = df->volumes.v[i]->name;
	return usage_of(store, rt->volumes_fd, names, df->volumes.n,
			&df->vol_disk, err);
}

static int collect(struct runtime *rt, struct df *df, struct err *err)
{
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = store_df(store, &df->images, err);
	if (r == 0)
		r = image_list(store, &df->image_list, err);
	if (r == 0)
		r = ctr_list(rt, &df->ctrs, err);
	if (r == 0)
		r = measure_ctrs(rt, store, df, err);
	if (r == 0)
		r = volume_list(rt, &df->volumes, err);
	if (r == 0)
		r = measure_volumes(rt, store, df, err);
	return r;
}

/* ---- the summary -------------------------------------------------------- */

struct row {
	const char *type;
	size_t total;
	size_t active;
	uint64_t size;
	uint64_t reclaimable;
};

static struct json_object *row_object(const struct row *row)
{
	struct json_object *o = json_object_new_object();
	uint64_t percent = row->size ? row->reclaimable * 100 / row->size : 0;
	char size[SIZE_TEXT_MAX], free_size[SIZE_TEXT_MAX];
	autofree char *reclaimable = NULL;

	size_human(row->size, false, size);
	size_human(row->reclaimable, false, free_size);
	reclaimable = xasprintf("%s (%u%%)", free_size, (unsigned int)percent);
	json_set_str(o, "Type", row->type);
	json_set_u64(o, "Total", row->total);
	json_set_u64(o, "TotalCount", row->total);
	json_set_u64(o, "Active", row->active);
	json_set_u64(o, "RawSize", row->size);
	json_set_u64(o, "RawReclaimable", row->reclaimable);
	json_set_str(o, "Size", size);
	json_set_str(o, "Reclaimable", reclaimable);
	return o;
}

static bool runs(const struct ctr *c)
{
	return c->state != CTR_CREATED && c->state != CTR_EXITED;
}

static struct json_object *summary(const struct df *df)
{
	struct row rows[] = { { .type = "Images" }, { .type = "Containers" },
			      { .type = "Local Volumes" } };
	struct json_object *list = json_object_new_array();

	rows[0].total = df->images.n;
	rows[0].size = df->images.total + df->images.other;
	rows[0].reclaimable = rows[0].size - df->images.needed;
	for (size_t i = 0; i < df->images.n; i++)
		rows[0].active += df->images.v[i].users > 0;
	rows[1].total = df->ctrs.n;
	for (size_t i = 0; i < df->ctrs.n; i++) {
		rows[1].size += df->ctr_disk[i];
		rows[1].active += runs(df->ctrs.v[i]);
		rows[1].reclaimable +=
			runs(df->ctrs.v[i]) ? 0 : df->ctr_disk[i];
	}
	rows[2].total = df->volumes.n;
	for (size_t i = 0; i < df->volumes.n; i++) {
		bool used = strv_len(df->volumes.v[i]->users) > 0;

		rows[2].size += df->vol_disk[i];
		rows[2].active += used;
		rows[2].reclaimable += used ? 0 : df->vol_disk[i];
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_object_array_add(list, row_object(&rows[i]));
	return list;
}

/* ---- the three tables --------------------------------------------------- */

static void set_size(struct json_object *o, const char *key, uint64_t n)
{
	char text[SIZE_TEXT_MAX];

	json_set_str(o, key, size_human(n, false, text));
}

static void set_ago(struct json_object *o, const char *key, int64_t ns)
{
	char text[TIME_TEXT_MAX];
	autofree char *ago = xasprintf(
		"%s ago", time_human(clock_now_ns() - ns, text));

	json_set_str(o, key, ago);
}

/* "host/path:tag" of the first name, or "<none>" twice */
static void set_name(struct json_object *o, const struct image *img)
{
	const char *name = strv_len(img->names) ? img->names[0] : NULL;
	const char *colon = name ? strrchr(name, ':') : NULL;
	autofree char *repo = colon ?
				      xstrndup(name, (size_t)(colon - name)) :
				      xstrdup("<none>");

	json_set_str(o, "Repository", repo);
	json_set_str(o, "Tag", colon ? colon + 1 : "<none>");
}

static int image_table(const struct df *df, struct err *err)
{
	static const struct column columns[] = {
		{ "Repository", "REPOSITORY" },
		{ "Tag", "TAG" },
		{ "ImageID", "IMAGE ID" },
		{ "Created", "CREATED" },
		{ "Size", "SIZE" },
		{ "SharedSize", "SHARED SIZE" },
		{ "UniqueSize", "UNIQUE SIZE" },
		{ "Containers", "CONTAINERS" },
		{ NULL, NULL },
	};
	autojson struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < df->image_list.n; i++) {
		const struct image *img = df->image_list.v[i];
		struct json_object *o = json_object_new_object();
		autofree char *id = xstrndup(img->id, 12);

		set_name(o, img);
		json_set_str(o, "ImageID", id);
		set_ago(o, "Created", img->created_ns);
		for (size_t k = 0; k < df->images.n; k++) {
			const struct store_df_image *d = &df->images.v[k];

			if (!streq(d->id, img->id))
				continue;
			set_size(o, "Size", d->size);
			set_size(o, "SharedSize", d->shared);
			set_size(o, "UniqueSize", d->size - d->shared);
			json_set_u64(o, "Containers", d->users);
		}
		json_object_array_add(rows, o);
	}
	printf("Images space usage:\n\n");
	return print_rows(NULL, rows, NULL, columns, false, err);
}

static int ctr_table(const struct df *df, struct err *err)
{
	static const struct column columns[] = {
		{ "ID", "CONTAINER ID" },
		{ "Image", "IMAGE" },
		{ "Command", "COMMAND" },
		{ "LocalVolumes", "LOCAL VOLUMES" },
		{ "Size", "SIZE" },
		{ "CreatedHuman", "CREATED" },
		{ "Status", "STATUS" },
		{ "Names", "NAMES" },
		{ NULL, NULL },
	};
	autojson struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < df->ctrs.n; i++) {
		const struct ctr *c = df->ctrs.v[i];
		struct json_object *o = ps_row(c, clock_now_ns(), false);
		uint64_t volumes = 0;

		for (size_t k = 0; k < c->config.n_mounts; k++)
			volumes += c->config.mounts[k].type == MNT_VOLUME;
		json_set_u64(o, "LocalVolumes", volumes);
		set_size(o, "Size", df->ctr_disk[i]);
		json_object_array_add(rows, o);
	}
	printf("\nContainers space usage:\n\n");
	return print_rows(NULL, rows, NULL, columns, false, err);
}

static int volume_table(const struct df *df, struct err *err)
{
	static const struct column columns[] = {
		{ "VolumeName", "VOLUME NAME" },
		{ "Links", "LINKS" },
		{ "Size", "SIZE" },
		{ NULL, NULL },
	};
	autojson struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < df->volumes.n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "VolumeName", df->volumes.v[i]->name);
		json_set_u64(o, "Links", strv_len(df->volumes.v[i]->users));
		set_size(o, "Size", df->vol_disk[i]);
		json_object_array_add(rows, o);
	}
	printf("\nLocal Volumes space usage:\n\n");
	return print_rows(NULL, rows, NULL, columns, false, err);
}

static int df_run(struct runtime *rt, const void *p, char **argv unused_attr,
		  struct err *err)
{
	static const struct column columns[] = {
		{ "Type", "TYPE" },
		{ "Total", "TOTAL" },
		{ "Active", "ACTIVE" },
		{ "Size", "SIZE" },
		{ "Reclaimable", "RECLAIMABLE" },
		{ NULL, NULL },
	};
	const struct df_args *args = p;
	cleanup(df_done) struct df df = { .ctr_disk = NULL };
	autojson struct json_object *rows = NULL;
	int r;

	if (args->format && args->verbose)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot combine --format and --verbose flags");
	r = collect(rt, &df, err);
	if (r < 0)
		return r;
	if (!args->verbose) {
		rows = summary(&df);
		return print_rows(args->format, rows, NULL, columns, false,
				  err);
	}
	r = image_table(&df, err);
	if (r == 0)
		r = ctr_table(&df, err);
	return r < 0 ? r : volume_table(&df, err);
}

const struct cmd cmd_system_df = {
	.path = "system df",
	.usage = "[options]",
	.summary = "Show how much disk space images, containers and volumes "
		   "take",
	.text = "Sizes are disk space, as du counts it.",
	.examples = (const char *const[]){ "system df", "system df -v",
					   "system df --format "
					   "'{{.Type}} {{.Size}}'", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ df_opts, NULL },
	.args_size = sizeof(struct df_args),
	.run = df_run,
};
