/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `system check`: is what lies under a hash still what the hash says, and do
 * rows and files agree?  In this order, as each step relies on those before:
 *
 *   database   SQLite's own check
 *   blobs      hashed; a damaged one leaves its name (repair)
 *   layers     their blob is unpacked beside them, and both trees compared;
 *              what was unpacked takes the place of a damaged layer (repair)
 *   strays     rows of images that are not there (check_rows.c)
 *   images     each has its documents, layers, blobs; a layer that is missing
 *              is unpacked again (repair), an image without its documents or
 *              layers is removed (repair) and named: it has to be pulled
 *   orphans    layers and blobs that no image has, old ones only
 *
 * A layer is only ever replaced by a rename; containers that run on it keep
 * the old one until they end.
 */
#include "storage/check.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "storage/blob.h"
#include "storage/check_int.h"
#include "storage/image/digest.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/safe.h"
#include "util/sha256.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define BUF_SIZE ((size_t)256 << 10)
#define LIST_MAX ((size_t)64 << 20)

void check_found(struct check *ck, bool fixed, const char *fmt, ...)
{
	autosb struct sb line = SB_INIT;
	va_list ap;

	va_start(ap, fmt);
	sb_addv(&line, fmt, ap);
	va_end(ap);
	ck->found++;
	ck->repaired += fixed;
	ck->tell(line.buf, ck->arg);
}

/* ---- the database ------------------------------------------------------- */

static int check_db(struct store *s, struct check *ck, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, ck->quick ? "PRAGMA quick_check" :
						     "PRAGMA integrity_check",
			"");
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		if (!streq(db_str(st, 0), "ok"))
			check_found(ck, false, "database: %s", db_str(st, 0));
	return r;
}

/* ---- blobs -------------------------------------------------------------- */

static int hash_file(int fd, char ret[SHA256_HEX], struct err *err)
{
	auto_sha256 struct sha256 *h = NULL;
	autofree char *buf = xmalloc(BUF_SIZE);
	ssize_t n;
	int r = sha256_new(&h, err);

	if (r < 0)
		return r;
	while ((n = fd_read_full(fd, buf, BUF_SIZE)) > 0)
		sha256_add(h, buf, (size_t)n);
	if (n < 0)
		return err_code(err, (int)n, "read");
	sha256_hex(h, ret);
	return 0;
}

static int check_blob(struct store *s, struct check *ck, const char *hex,
		      struct err *err)
{
	char found[SHA256_HEX];
	struct err why = ERR_INIT;
	int r;

	autoclose int fd = blob_open(s, hex, NULL);
	if (fd == -ENOENT)
		return 0;	/* removed meanwhile */
	r = fd < 0 ? fd : hash_file(fd, found, &why);
	if (r == 0 && streq(found, hex))
		return 0;
	r = 0;
	if (ck->repair)
		r = store_trash_move(s, s->dir[STORE_BLOBS], hex, err);
	if (r == 0)
		check_found(ck, ck->repair, "blob %s: damaged%s", hex,
			    ck->repair ? ", dropped" : "");
	return r;
}

static int check_blobs(struct store *s, struct check *ck, struct err *err)
{
	autostrv char **blobs = store_hashes(s, STORE_BLOBS);
	int r = 0;

	for (char **hex = blobs; r == 0 && !ck->quick && hex && *hex; hex++)
		r = check_blob(s, ck, *hex, err);
	return r;
}

/* ---- layers ------------------------------------------------------------- */

/* The n-th diff id of the config goes with the n-th layer of the manifest. */
static bool blob_of_image(struct store *s, const struct image *img,
			  const char *hex, char ret[65])
{
	autojson struct json_object *manifest = NULL;
	autojson struct json_object *config = NULL;
	autostrv char **diff_ids = NULL;
	struct json_object *layers;

	if (image_config(s, img, &config, NULL) < 0 ||
	    image_manifest(s, img, &manifest, NULL) < 0)
		return false;
	diff_ids = json_strv(json_obj(config, "rootfs"), "diff_ids");
	layers = json_arr(manifest, "layers");
	for (size_t i = 0; layers && diff_ids && diff_ids[i]; i++) {
		const char *digest = json_str(
			json_object_array_get_idx(layers, i), "digest");

		if (!streq(str_after(diff_ids[i], "sha256:"), hex) ||
		    !digest_is_valid(digest) ||
		    !blob_exists(s, digest_hex(digest)))
			continue;
		memcpy(ret, digest_hex(digest), 65);
		return true;
	}
	return false;
}

/* The blob of a layer: as layer.json says or, without that, the documents of
 * an image that has the layer; "" when there is none. */
static void find_blob(struct store *s, const char *hex, char ret[65])
{
	auto_layer_info struct layer_info info = { 0 };
	auto_image_list struct image_list list = { 0 };

	*ret = '\0';
	if (layer_read(s, hex, &info, NULL) == 0 && *info.digest &&
	    blob_exists(s, digest_hex(info.digest))) {
		memcpy(ret, digest_hex(info.digest), 65);
		return;
	}
	if (image_list(s, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		if (blob_of_image(s, list.v[i], hex, ret))
			return;
}

/* The blob unpacked into @st; the digest of what comes out is checked. */
static int unpack_blob(struct store *s, struct staging *st, const char *blob,
		       const char *hex, enum layer_format format,
		       struct layer_result *res, struct err *err)
{
	autofree char *digest = xasprintf("sha256:%s", blob);
	autofree char *diff_id = xasprintf("sha256:%s", hex);
	auto_layer_info struct layer_info info = { 0 };
	struct layer_job job = LAYER_JOB_INIT;
	int r = store_userns(s, err);

	if (r < 0)
		return r;
	autoclose int input = blob_open(s, blob, NULL);
	if (input < 0)
		return err_code(err, input, "open blob %s", blob);
	if (mkdirat(st->fd, "diff", 0755) < 0)
		return err_sys(err, "make a staging directory");
	autoclose int diff = openat(st->fd, "diff", O_PATH | O_DIRECTORY |
				    O_NOFOLLOW | O_CLOEXEC);
	if (diff < 0)
		return err_sys(err, "open a staging directory");
	const struct layer_apply apply = {
		.input = input,
		.staging = diff,
		.blob = -EBADF,
		.resume = -EBADF,
		.digest = digest,
		.diff_id = diff_id,
		.max_bytes = s->conf.layer_max,
		.format = format,
		.single_id = s->conf.single_id,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};

	r = layer_job_start(&apply, &job, err);
	while (r == 0)
		r = layer_job_read(&job, res, err);
	layer_job_end(&job);
	if (r < 0)
		return r;
	/* what a damaged layer.json said of this is lost */
	(void)layer_read(s, hex, &info, NULL);
	return layer_describe(st, res, format, info.local, err);
}

/* The first change itself, not the directories above it that come with it. */
static const char *first_change(const struct sb *text)
{
	const char *path = text->len ? text->buf + 1 : "";
	const char *end = text->buf + text->len;

	for (;;) {
		const char *next = path + strlen(path) + 1;
		const char *below = next < end ? str_after(next + 1, path) :
						 NULL;

		if (!below || *below != '/')
			return path;
		path = next + 1;
	}
}

/* The first path that differs, "" none; owned */
static int compare(struct store *s, const struct staging *st, const char *hex,
		   char **ret, struct err *err)
{
	autofree char *ours = xasprintf("layers/%s/diff", hex);
	autofree char *fresh = xasprintf("staging/%s/diff", st->name);
	char *tops[] = { ours, NULL };
	char *below[] = { fresh, NULL };
	const struct layer_walk walk = {
		.kind = LAYER_CHANGES,
		.root = s->conf.data_fd,
		.tops = tops,
		.below = below,
		.raw = true,
		.full = true,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};
	auto_layer_result struct layer_result res = { 0 };
	autosb struct sb text = SB_INIT;
	int r;

	autoclose int fd = fd_memory("bryo-check", err);
	if (fd < 0)
		return fd;
	r = layer_walk_run(&walk, fd, &res, err);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_sys(err, "read the changes");
	if (r == 0)
		r = fd_read_all(fd, LIST_MAX, &text);
	if (r < 0 && r != -EFBIG)
		return r;
	*ret = safe_line(first_change(&text));
	return 0;
}

/* What lies there, if anything, makes room for what is in @st. */
static int replace(struct store *s, struct staging *st, const char *hex,
		   struct err *err)
{
	int layers = store_dir(s, STORE_LAYERS, err);
	int r;

	if (layers < 0)
		return layers;
	if (syncfs(layers) < 0)
		return err_sys(err, "sync layer %.12s", hex);
	r = store_trash_move(s, layers, hex, err);
	if (r == 0 && FAULT("check.layer.moved") < 0)
		r = err_sys(err, "replace layer %.12s", hex);
	if (r == 0)
		r = layer_publish(s, st, hex, err);
	if (r == 0)
		r = blob_sync(s, err);
	return r;
}

static const char other_form[] = "in the form of another file system";

/* A layer whose blob is gone or damaged, too: nothing to make it of. */
static int give_up(struct store *s, struct check *ck, const char *hex,
		   const char *what, struct err *err)
{
	int r = 0;

	if (ck->repair)
		r = store_trash_move(s, store_dir(s, STORE_LAYERS, NULL), hex,
				     err);
	if (r == 0)
		check_found(ck, ck->repair, "layer %s: %s%s", hex, what,
			    ck->repair ? ", dropped" : "");
	return r;
}

static void found_damaged(struct check *ck, const char *hex,
			  const char *damage, const char *path)
{
	check_found(ck, ck->repair, "layer %s: %s%s%s", hex,
		    damage ? damage : "damaged at ", damage ? "" : path,
		    ck->repair ? ", unpacked again" : "");
}

/* The layer against its blob, or in place of a missing one. */
static int verify(struct store *s, struct check *ck, const char *hex,
		  const char *blob, const char *damage, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	auto_staging struct staging st = STAGING_INIT;
	autofree char *path = NULL;
	enum layer_format format;
	struct err why = ERR_INIT;
	int r = store_format(s, &format, err);

	if (r == 0)
		r = staging_new(s, &st, err);
	if (r < 0)
		return r;
	r = unpack_blob(s, &st, blob, hex, format, &res, &why);
	if (r < 0 && why.kind == ERR_INVALID)
		return damage && damage != other_form ?
			       give_up(s, ck, hex, damage, err) : 0;
	if (r < 0)
		return err_set(err, why.kind, why.code, "layer %.12s: %s", hex,
			       why.msg);
	if (!damage) {
		r = compare(s, &st, hex, &path, err);
		if (r < 0 || !*path)
			return r;
	}
	if (ck->repair)
		r = replace(s, &st, hex, err);
	if (r == 0)
		found_damaged(ck, hex, damage, path);
	return r;
}

/* A layer that came with the store from another kind of file system. */
static bool is_foreign(struct store *s, const struct layer_info *info)
{
	enum layer_format format;

	return store_format(s, &format, NULL) == 0 && info->format != format;
}

static int check_layer(struct store *s, struct check *ck, const char *hex,
		       struct err *err)
{
	auto_layer_info struct layer_info info = { 0 };
	const char *damage = NULL;
	char blob[65];

	if (!layer_exists(s, hex))
		damage = "its files are missing";
	else if (layer_read(s, hex, &info, NULL) < 0)
		damage = "its description is damaged";
	find_blob(s, hex, blob);
	if (!damage && ck->repair && *blob && is_foreign(s, &info))
		damage = other_form;
	if (ck->quick && !damage)
		return 0;
	if (!*blob)
		return damage ? give_up(s, ck, hex, damage, err) : 0;
	return verify(s, ck, hex, blob, damage, err);
}

static int check_layers(struct store *s, struct check *ck, struct err *err)
{
	autostrv char **layers = store_hashes(s, STORE_LAYERS);
	int r = ck->repair ? store_probe_again(s, err) : 0;

	for (char **hex = layers; r == 0 && hex && *hex; hex++)
		r = check_layer(s, ck, *hex, err);
	return r;
}

/* ---- images ------------------------------------------------------------- */

static int forget_blob(struct store *s, const struct image *img,
		       const char *hex, struct err *err)
{
	int r = db_begin(s->conf.db, true, err);

	if (r == 0)
		r = db_exec(s->conf.db, err, "DELETE FROM image_blob"
			    " WHERE image = ? AND digest = ?", "ss", img->id,
			    hex);
	if (r >= 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return MIN(r, 0);
}

/* The digests of the manifest that are said to be there. */
static int check_image_blobs(struct store *s, struct check *ck,
			     const struct image *img, char **ret_lost,
			     struct err *err)
{
	autostrv char **blobs = NULL;
	const char *manifest = digest_hex(img->digest);
	int r = check_query(s, "SELECT digest FROM image_blob WHERE image = ?",
		      img->id, &blobs, err);

	for (char **hex = blobs; r == 0 && hex && *hex; hex++) {
		if (blob_exists(s, *hex))
			continue;
		if (streq(*hex, img->id) || streq(*hex, manifest)) {
			str_set(ret_lost, *hex);
			continue;
		}
		/* the unpacked layer is what counts; a push will miss it */
		if (ck->repair)
			r = forget_blob(s, img, *hex, err);
		if (r == 0)
			check_found(ck, ck->repair,
				    "image %.12s: compressed layer %s is "
				    "missing", img->id, *hex);
	}
	return r;
}

static int check_image_layers(struct store *s, struct check *ck,
			      const struct image *img, char **ret_lost,
			      struct err *err)
{
	autostrv char **layers = NULL;
	int r = check_query(s, "SELECT DISTINCT diff_id FROM image_layer"
		      " WHERE image = ?", img->id, &layers, err);

	for (char **hex = layers; r == 0 && hex && *hex; hex++) {
		char blob[65];

		/* one that has lost its files was told of already */
		if (path_is_at(s->dir[STORE_LAYERS], *hex))
			continue;
		find_blob(s, *hex, blob);
		if (*blob)
			r = verify(s, ck, *hex, blob, "missing", err);
		if (r == 0 && !layer_exists(s, *hex) &&
		    (!*blob || ck->repair))
			str_set(ret_lost, *hex);
	}
	return r;
}

/* Rows of an image that cannot be used any more. */
static int drop_image(struct store *s, struct check *ck,
		      const struct image *img, bool *ret_gone, struct err *err)
{
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	struct err why = ERR_INIT;
	int r;

	*ret_gone = false;
	if (!ck->repair)
		return 0;
	r = image_remove(s, img->id, IMAGE_RM_FORCE, &untagged, &deleted,
			 &why);
	if (r == -EBUSY || r == -ENOENT)
		return 0;
	*ret_gone = r == 0;
	return r < 0 ? err_set(err, why.kind, why.code, "%s", why.msg) : 0;
}

static int check_image(struct store *s, struct check *ck,
		       const struct image *img, struct err *err)
{
	const char *name = strv_len(img->names) ? img->names[0] : img->id;
	autofree char *lost = NULL;
	bool gone;
	int r = check_image_blobs(s, ck, img, &lost, err);

	if (r == 0)
		r = check_lineage(s, ck, img, err);
	if (r == 0)
		r = check_image_layers(s, ck, img, &lost, err);
	if (r == 0 && !lost)
		check_pushable(s, ck, img);
	if (r < 0 || !lost)
		return r;
	r = drop_image(s, ck, img, &gone, err);
	if (r == 0)
		check_found(ck, gone, "image %.12s: %s is missing%s: pull %s "
			    "again", img->id, lost, gone ? ", removed" : "",
			    name);
	return r;
}

static int check_images(struct store *s, struct check *ck, struct err *err)
{
	auto_image_list struct image_list list = { 0 };
	int r = image_list(s, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = check_image(s, ck, list.v[i], err);
	return r;
}

/* ---- orphans ------------------------------------------------------------ */

static void tell_orphan(const char *what, const char *hash, void *arg)
{
	struct check *ck = arg;

	check_found(ck, ck->repair, "%s %s: no image has it%s", what, hash,
		    ck->repair ? ", removed" : "");
}

static int check_orphans(struct store *s, struct check *ck, struct err *err)
{
	int r = gc_each_orphan(s, ck->max_age_s, tell_orphan, ck, err);

	if (r == 0 && ck->repair)
		r = gc_orphans(s, ck->max_age_s, err);
	return r;
}

int store_check(struct store *s, struct check *ck, struct err *err)
{
	int (*const steps[])(struct store *s, struct check *ck,
			     struct err *err) = {
		check_db, check_blobs, check_layers, check_strays,
		check_images, check_orphans,
	};
	int r = 0;

	TRACE("store", "check");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(steps); i++)
		r = steps[i](s, ck, err);
	store_trash_empty(s);
	return r;
}

int store_prune_orphans(struct store *s, bool dry_run,
			void (*tell)(const char *what, const char *hash,
				     void *arg),
			void *arg, struct err *err)
{
	int r = gc_each_orphan(s, 0, tell, arg, err);

	if (r == 0 && !dry_run)
		r = gc_orphans(s, 0, err);
	if (r == 0 && !dry_run)
		store_trash_empty(s);
	return r;
}
