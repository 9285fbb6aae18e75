/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Rows and blobs of manifest lists.  A change reads the index, makes a new one
 * from it, writes that as a blob, and puts its digest into the list's row in a
 * transaction that demands the old digest to be there still; when somebody
 * else was faster it begins again.  The old blob is doomed in the same
 * transaction.
 */
#include "storage/image/list.h"

#include "storage/blob.h"
#include "storage/image/digest.h"
#include "storage/image/manifest.h"
#include "storage/image/names.h"
#include "storage/image/ref.h"
#include "storage/store_int.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/* Somebody else can be faster only so often. */
#define TRIES 100

void list_done(struct list *l)
{
	l->img = image_free(l->img);
	json_object_put(l->index);
	l->index = NULL;
	l->sources = strv_free(l->sources);
}

/* ---- reading ------------------------------------------------------------ */

static int load_index(struct store *s, struct list *l, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	sb_limit(&text, MANIFEST_MAX + 4096);
	r = blob_read(s, digest_hex(l->img->digest), MANIFEST_MAX, &text, err);
	if (r < 0)
		return r;
	l->index = json_parse(text.buf, text.len, err);
	if (!l->index || !json_arr(l->index, "manifests"))
		return err_set(err, ERR_FAIL, EBADMSG,
			       "the index of manifest list %.12s is damaged",
			       l->img->id);
	return 0;
}

/* Who changes the list removes the index that it had: what the row names may
 * have gone since the row was read. */
static int load_latest(struct store *s, const char *name, struct list *l,
		       struct err *err)
{
	for (int i = 0;; i++) {
		auto_image struct image *now = NULL;
		struct err why = ERR_INIT;
		int r = load_index(s, l, &why);

		if (r == 0)
			return 0;
		if (r != -ENOENT || i == TRIES ||
		    image_find(s, name, &now, NULL) < 0 || !now->is_list ||
		    streq(now->digest, l->img->digest))
			return err_set(err, why.kind, why.code, "%s", why.msg);
		image_free(l->img);
		l->img = take_ptr(now);
	}
}

static int load_sources(struct store *s, struct list *l, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT digest, source"
			" FROM list_source WHERE list = ? ORDER BY digest",
			"s", l->img->id);
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		strv_addf(&l->sources, "%s=%s", db_str(st, 0), db_str(st, 1));
	return r;
}

int list_load(struct store *s, const char *name, struct list *ret,
	      struct err *err)
{
	auto_list struct list l = LIST_INIT;
	int r = image_find(s, name, &l.img, err);

	if (r < 0)
		return r;
	if (!l.img->is_list)
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s: image is not a manifest list", name);
	r = load_latest(s, name, &l, err);
	if (r == 0)
		r = load_sources(s, &l, err);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct list)LIST_INIT;
	return 0;
}

/* ---- entries ------------------------------------------------------------ */

static int entry_at(const struct list *l, const char *digest)
{
	struct json_object *v = json_arr(l->index, "manifests");
	size_t n = json_object_array_length(v);

	for (size_t i = 0; i < n; i++)
		if (streq(json_str(json_object_array_get_idx(v, i), "digest"),
			  digest))
			return (int)i;
	return -1;
}

struct json_object *list_entry(const struct list *l, const char *digest)
{
	int i = entry_at(l, digest);

	return i < 0 ? NULL :
		       json_object_array_get_idx(json_arr(l->index,
							  "manifests"),
						 (size_t)i);
}

void list_put(struct list *l, struct json_object *entry, const char *source)
{
	struct json_object *v = json_arr(l->index, "manifests");
	const char *digest = json_str(entry, "digest");
	int i = entry_at(l, digest);

	strv_env_set(&l->sources, digest, source);
	if (i < 0)
		json_object_array_add(v, entry);
	else
		json_object_array_put_idx(v, (size_t)i, entry);
}

int list_drop(struct list *l, const char *digest, struct err *err)
{
	int i = entry_at(l, digest);

	if (i < 0)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%s: no entry of the manifest list has this "
			       "digest", digest);
	strv_env_unset(l->sources, digest);
	json_object_array_del_idx(json_arr(l->index, "manifests"), (size_t)i,
				  1);
	return 0;
}

void list_note_set(struct json_object *o, char *const *annotations)
{
	struct json_object *map = json_obj(o, "annotations");

	if (!annotations)
		return;
	if (!map) {
		map = json_object_new_object();
		json_set(o, "annotations", map);
	}
	for (; *annotations; annotations++) {
		const char *eq = strchr(*annotations, '=');
		size_t len = eq ? (size_t)(eq - *annotations) :
				  strlen(*annotations);
		autofree char *key = xstrndup(*annotations, len);

		json_set_str(map, key, eq ? eq + 1 : "");
	}
}

void list_note_entry(struct json_object *entry, const struct list_note *note)
{
	struct json_object *p = json_obj(entry, "platform");

	if (!p) {
		p = json_object_new_object();
		json_set(entry, "platform", p);
	}
	json_set_str(p, "architecture", note->arch);
	json_set_str(p, "os", note->os);
	json_set_str(p, "variant", note->variant);
	json_set_str(p, "os.version", note->os_version);
	if (note->os_features)
		json_set_strv(p, "os.features", note->os_features);
	if (note->features)
		json_set_strv(p, "features", note->features);
	list_note_set(entry, note->annotations);
}

/* ---- writing ------------------------------------------------------------ */

/* The index as a blob, under a lease until its row is there. */
static int put_index(struct store *s, struct json_object *index,
		     char digest[DIGEST_MAX], uint64_t *ret_size,
		     struct err *err)
{
	const char *text = json_text(index);
	size_t len = strlen(text);
	char hex[65];
	char *hashes[] = { hex, NULL };
	int r;

	if (len > MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "the manifest list is larger than %zu bytes",
			       MANIFEST_MAX);
	r = digest_of(text, len, digest, err);
	if (r < 0)
		return r;
	memcpy(hex, digest_hex(digest), sizeof(hex));
	*ret_size = len;
	r = lease_add(s, hashes, err);
	if (r == 0)
		r = blob_put(s, hex, text, len, err);
	return r < 0 ? r : blob_sync(s, err);
}

static int put_sources(struct store *s, const struct list *l, struct err *err)
{
	int r = db_exec(s->conf.db, err,
			"DELETE FROM list_source WHERE list = ?", "s",
			l->img->id);

	for (char **one = l->sources; r >= 0 && one && *one; one++) {
		autofree char *digest = xstrndup(*one, strcspn(*one, "="));

		r = db_exec(s->conf.db, err,
			    "INSERT INTO list_source VALUES (?, ?, ?)", "sss",
			    l->img->id, digest,
			    *one + strlen(digest) + 1);
	}
	return r < 0 ? r : 0;
}

static int put_blob_row(struct store *s, const char *id, const char *digest,
			struct err *err)
{
	int r = db_exec(s->conf.db, err, "INSERT OR IGNORE INTO store_doomed"
			" SELECT digest FROM image_blob WHERE image = ?", "s",
			id);

	if (r >= 0)
		r = db_exec(s->conf.db, err,
			    "DELETE FROM image_blob WHERE image = ?", "s", id);
	if (r >= 0)
		r = db_exec(s->conf.db, err,
			    "INSERT INTO image_blob VALUES (?, ?)", "ss", id,
			    digest_hex(digest));
	if (r >= 0)
		r = db_exec(s->conf.db, err,
			    "DELETE FROM store_doomed WHERE hash = ?", "s",
			    digest_hex(digest));
	return r < 0 ? r : 0;
}

/* 1 changed, 0 somebody else was faster, -errno */
static int update_rows(struct store *s, const struct list *l,
		       const char *digest, uint64_t size, struct err *err)
{
	struct db *db = s->conf.db;
	int r = db_exec(db, err, "UPDATE image SET digest = ?, size = ?"
			" WHERE id = ? AND digest = ?", "siss", digest,
			(int64_t)size, l->img->id, l->img->digest);

	if (r <= 0)
		return r;
	r = db_exec(db, err, "UPDATE image_name SET digest = ?"
		    " WHERE image = ?", "ss", digest, l->img->id);
	if (r >= 0)
		r = put_blob_row(s, l->img->id, digest, err);
	if (r >= 0)
		r = put_sources(s, l, err);
	return r < 0 ? r : 1;
}

/* An index that was written in vain; it may be that of the other one. */
static void forget(struct store *s, const char *digest)
{
	if (db_begin(s->conf.db, false, NULL) < 0)
		return;
	if (gc_doom(s, digest_hex(digest), NULL) < 0 ||
	    db_commit(s->conf.db, NULL) < 0)
		db_rollback(s->conf.db);
}

static int commit_update(struct store *s, const struct list *l,
			 struct err *err)
{
	char digest[DIGEST_MAX];
	uint64_t size;
	int r = put_index(s, l->index, digest, &size, err);

	if (r == 0)
		r = db_begin(s->conf.db, true, err);
	if (r < 0)
		return r;
	r = update_rows(s, l, digest, size, err);
	if (r == 1 && db_commit(s->conf.db, err) == 0)
		return 1;
	db_rollback(s->conf.db);
	if (r == 0)
		forget(s, digest);
	return r == 1 ? -EIO : r;
}

int list_update(struct store *s, const char *name,
		int (*change)(struct list *l, void *arg, struct err *err),
		void *arg, char **ret_id, struct err *err)
{
	int r = 0;

	TRACE("store", "list update");
	for (int i = 0; r == 0 && i < TRIES; i++) {
		auto_list struct list l = LIST_INIT;

		r = list_load(s, name, &l, err);
		if (r == 0)
			r = change(&l, arg, err);
		if (r == 0)
			r = commit_update(s, &l, err);
		if (r == 1)
			str_set(ret_id, l.img->id);
	}
	lease_drop(s);
	if (r == 0)
		return err_set(err, ERR_FAIL, EAGAIN,
			       "%s: others change the manifest list all the "
			       "time", name);
	gc_run(s, NULL);
	return r < 0 ? r : 0;
}

/* ---- a new one ---------------------------------------------------------- */

static int create_rows(struct store *s, const char *id, const char *full,
		       const char *digest, uint64_t size, struct err *err)
{
	autofree char *taken = NULL;
	int r = image_resolve(s, full, &taken, NULL, NULL);

	if (r == 0)
		return err_set(err, ERR_INVALID, EEXIST,
			       "creating manifest list: that name is already "
			       "in use: %s", full);
	r = db_exec(s->conf.db, err, "INSERT INTO image (id, digest, arch, os,"
		    " variant, created, size, layers, root_mode, kind)"
		    " VALUES (?, ?, '', '', '', ?, ?, 0, 0, ?)", "ssiii", id,
		    digest, clock_now_ns(), (int64_t)size,
		    (int64_t)STORE_LIST);
	if (r >= 0)
		r = put_blob_row(s, id, digest, err);
	return r < 0 ? r : image_name_set(s, full, id, digest, "", err);
}

static struct json_object *empty_index(void)
{
	struct json_object *o = json_object_new_object();

	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", TYPE_OCI_INDEX);
	json_set(o, "manifests", json_object_new_array());
	return o;
}

static int create_new(struct store *s, const char *full, char **ret_id,
		      struct err *err)
{
	autojson struct json_object *index = empty_index();
	char digest[DIGEST_MAX];
	uint64_t size;
	char id[65];
	int r = put_index(s, index, digest, &size, err);

	id_random(id);
	if (r == 0)
		r = db_begin(s->conf.db, true, err);
	if (r < 0)
		return r;
	r = create_rows(s, id, full, digest, size, err);
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	else
		str_set(ret_id, id);
	return r;
}

int list_create(struct store *s, const char *name, bool amend, char **ret_id,
		struct err *err)
{
	auto_list struct list l = LIST_INIT;
	autofree char *full = NULL;
	struct err why = ERR_INIT;
	int r = ref_full(name, "localhost", &full, err);

	if (r < 0)
		return r;
	if (amend) {
		r = list_load(s, full, &l, &why);
		if (r == 0) {
			str_set(ret_id, l.img->id);
			return 0;
		}
		if (why.kind != ERR_NOT_FOUND)
			return err_set(err, why.kind, why.code, "%s", why.msg);
	}
	r = create_new(s, full, ret_id, err);
	lease_drop(s);
	return r;
}
