/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * image_save(): images as one archive or directory, written front to back: a
 * pipe will do for an archive.
 *
 * oci-archive, oci-dir: manifests, configs and compressed layers as they are
 * in blobs/, so the digests are those of the registry (save_oci.c).
 * docker-dir: the same in dir:'s layout, with a manifest in docker's form.
 * docker-archive: layers uncompressed; bryo-layer inflates blobs straight
 * into the archive (save_docker.c, save_plain.c).
 *
 * A layer that was here already when the image came has the blob of another
 * image: docker-archive uses that, the others a manifest that names it.
 */
#include "storage/archive/save.h"

#include "storage/image/names.h"
#include "storage/image/ref.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

static void cleanup_save(struct save *sv)
{
	for (size_t i = 0; i < sv->n; i++) {
		image_free(sv->v[i].img);
		strv_free(sv->v[i].names);
	}
	free(sv->v);
	strv_free(sv->done);
	save_plain_done(sv);
	sink_done(&sv->k);
	lease_drop(sv->s);
}

void save_tell(const struct save *sv, const char *what, const char *hash)
{
	const struct progress *p = sv->o->progress;
	autofree char *text = xasprintf("%s%s", what, hash);

	if (p && p->line)
		p->line(p->arg, text);
}

bool save_first_time(struct save *sv, const char *hash)
{
	if (strv_contains(sv->done, hash))
		return false;
	strv_add(&sv->done, hash);
	return true;
}

/* ---- what is wanted ----------------------------------------------------- */

static struct saved *saved_of(struct save *sv, const char *id)
{
	for (size_t i = 0; i < sv->n; i++)
		if (streq(sv->v[i].img->id, id))
			return &sv->v[i];
	return NULL;
}

static int name_as(struct saved *one, const char *as, struct err *err)
{
	char *full = NULL;
	int r = ref_full(as, "docker.io", &full, err);

	if (r == 0)
		strv_push(&one->names, full);
	return r;
}

static int want_one(struct save *sv, const char *typed, struct err *err)
{
	autofree char *full = NULL;
	autofree char *id = NULL;
	struct saved *found;
	int r = image_resolve(sv->s, typed, &id, &full, err);

	if (r < 0)
		return r;
	found = saved_of(sv, id);
	if (!found) {
		auto_image struct image *img = NULL;

		r = image_find(sv->s, id, &img, err);
		if (r < 0)
			return r;
		sv->v = xreallocarray(sv->v, sv->n + 1, sizeof(*sv->v));
		found = &sv->v[sv->n++];
		*found = (struct saved){ take_ptr(img), NULL };
	}
	if (sv->o->as)
		return name_as(found, sv->o->as, err);
	if (full && !strchr(full, '@') && !strv_contains(found->names, full))
		strv_push(&found->names, take_ptr(full));
	return 0;
}

/* Everything stays while it is read: rmi has to come after us. */
static int hold(struct save *sv, struct err *err)
{
	autostrv char **hashes = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sv->n; i++) {
		struct db_stmt *st =
			db_prep(sv->s->conf.db, err, "SELECT digest FROM"
				" image_blob WHERE image = ?1 UNION SELECT"
				" diff_id FROM image_layer WHERE image = ?1",
				"s", sv->v[i].img->id);

		if (!st)
			return -EIO;
		while ((r = db_step(st, err)) == 1)
			strv_add(&hashes, db_str(st, 0));
		db_done(st);
	}
	return r < 0 ? r : lease_add(sv->s, hashes, err);
}

/* ---- which form --------------------------------------------------------- */

static const struct form {
	const char *name;
	bool is_dir;
	int (*write)(struct save *sv, struct err *err);
} forms[] = {
	{ "docker-archive", false, save_docker },
	{ "oci-archive", false, save_oci },
	{ "oci-dir", true, save_oci },
	{ "docker-dir", true, save_dir },
};

static const struct form *form_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (streq(forms[i].name, name))
			return &forms[i];
	return NULL;
}

bool save_format_is_dir(const char *name)
{
	const struct form *form = form_of(name);

	return form && form->is_dir;
}

int save_format_check(const char *name, struct err *err)
{
	if (form_of(name))
		return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "unknown format \"%s\": must be docker-archive, "
		       "oci-archive, oci-dir or docker-dir", name);
}

int image_save(struct store *s, char *const *names,
	       const struct save_opts *opts, struct err *err)
{
	cleanup(cleanup_save) struct save sv = {
		.s = s, .o = opts, .k = SINK_INIT,
	};
	int r = save_format_check(opts->format, err);

	TRACE("store", "save");
	for (; r == 0 && names && *names; names++)
		r = want_one(&sv, *names, err);
	if (r == 0)
		r = hold(&sv, err);
	if (r < 0)
		return r;
	sv.k = save_format_is_dir(opts->format) ? sink_dir(opts->fd) :
						  sink_tar(opts->fd);
	r = form_of(opts->format)->write(&sv, err);
	return r < 0 ? r : sink_finish(&sv.k, err);
}
