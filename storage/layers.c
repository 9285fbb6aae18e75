/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layers.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "storage/store_int.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* 200000 implied paths of 4096 bytes are the helper's limit, not ours. */
#define LAYER_JSON_MAX ((size_t)64 << 20)

bool layer_exists(struct store *s, const char *hex)
{
	autofree char *path = xasprintf("%s/diff", hex);
	int dir = store_dir(s, STORE_LAYERS, NULL);

	return dir >= 0 && path_is_at(dir, path);
}

int layer_open(struct store *s, const char *hex)
{
	int dir = store_dir(s, STORE_LAYERS, NULL);

	autoclose int fd = dir < 0 ? dir : dir_open_at(dir, hex);
	if (fd < 0)
		return fd;
	int diff = openat(fd, "diff", O_PATH | O_DIRECTORY | O_NOFOLLOW |
			  O_CLOEXEC);
	return diff < 0 ? -errno : diff;
}

void layer_info_done(struct layer_info *info)
{
	info->implied = strv_free(info->implied);
}

static void from_json(struct json_object *o, struct layer_info *ret)
{
	const char *digest = json_str(o, "digest");
	const char *packed = json_str(o, "packed");

	if (digest_is_valid(digest))
		memcpy(ret->digest, digest, strlen(digest) + 1);
	if (digest_is_valid(packed))
		memcpy(ret->packed, packed, strlen(packed) + 1);
	ret->size = (uint64_t)json_i64(o, "size", 0);
	ret->diff_size = (uint64_t)json_i64(o, "diffSize", 0);
	ret->bytes = (uint64_t)json_i64(o, "bytes", 0);
	ret->format = streq(json_str(o, "whiteouts"), "plain") ?
			      LAYER_PLAIN :
			      LAYER_OVERLAY;
	ret->local = json_flag(o, "local", false);
	ret->setid = json_flag(o, "setid", false);
	ret->implied = json_strv(o, "implied");
}

/* The document; owned */
static int read_json(struct store *s, const char *hex,
		     struct json_object **ret, struct err *err)
{
	autofree char *path = xasprintf("%s/layer.json", hex);
	int dir = store_dir(s, STORE_LAYERS, err);
	autosb struct sb text = SB_INIT;
	int r;

	if (dir < 0)
		return dir;
	r = file_read_at(dir, path, LAYER_JSON_MAX, &text);
	if (r < 0)
		return err_code(err, r, "read layer %.12s", hex);
	*ret = json_parse(text.buf, text.len, err);
	return *ret ? 0 :
		      err_wrap(err, -EINVAL, "layer %.12s is damaged", hex);
}

int layer_read(struct store *s, const char *hex, struct layer_info *ret,
	       struct err *err)
{
	autojson struct json_object *o = NULL;
	int r = read_json(s, hex, &o, err);

	if (r < 0)
		return r;
	*ret = (struct layer_info){ 0 };
	from_json(o, ret);
	return 0;
}

int layer_note_packed(struct store *s, const char *hex, const char *digest,
		      struct err *err)
{
	autojson struct json_object *o = NULL;
	const char *text;
	int r = read_json(s, hex, &o, err);

	if (r < 0)
		return r;
	autoclose int fd = dir_open_at(store_dir(s, STORE_LAYERS, NULL), hex);
	if (fd < 0)
		return err_code(err, fd, "open layer %.12s", hex);
	json_set_str(o, "packed", digest);
	text = json_text(o);
	/* whole after a power cut: the layer is of no use without it */
	return file_write_at(fd, "layer.json", text, strlen(text), 0600, true,
			     err);
}

int layer_describe(struct staging *st, const struct layer_result *res,
		   enum layer_format format, bool local, struct err *err)
{
	autojson struct json_object *o = json_object_new_object();
	const char *text;

	json_set_str(o, "diffId", res->diff_id);
	json_set_str(o, "digest", res->digest);
	json_set_u64(o, "size", res->size);
	json_set_u64(o, "diffSize", res->diff_size);
	json_set_u64(o, "bytes", res->bytes);
	json_set_u64(o, "entries", res->entries);
	json_set_str(o, "whiteouts",
		     format == LAYER_PLAIN ? "plain" : "overlay");
	json_set_bool(o, "setid", res->setid);
	if (local)
		json_set_bool(o, "local", true);
	if (res->implied)
		json_set_strv(o, "implied", res->implied);
	text = json_text(o);
	return file_write_at(st->fd, "layer.json", text, strlen(text), 0600,
			     false, err);
}

static bool is_sound(struct store *s, const char *hex)
{
	auto_layer_info struct layer_info info = { 0 };

	return layer_exists(s, hex) && layer_read(s, hex, &info, NULL) == 0;
}

/* 0, -EEXIST, -errno */
static int publish_new(struct store *s, struct staging *st, const char *hex,
		       struct err *err)
{
	int staging = store_dir(s, STORE_STAGING, err);
	int layers = store_dir(s, STORE_LAYERS, err);

	if (staging < 0 || layers < 0)
		return -EIO;
	if (renameat2(staging, st->name, layers, hex, RENAME_NOREPLACE) == 0) {
		*st->name = '\0';
		close_fd(st->fd);
		return 0;
	}
	if (errno == EEXIST || errno == ENOTEMPTY)
		return -EEXIST;
	return err_sys(err, "rename layer %.12s into place", hex);
}

int layer_publish(struct store *s, struct staging *st, const char *hex,
		  struct err *err)
{
	int r = publish_new(s, st, hex, err);

	/* what is left of a layer, and what nobody can read, makes room */
	if (r == -EEXIST && !is_sound(s, hex)) {
		r = store_trash_move(s, s->dir[STORE_LAYERS], hex, err);
		if (r == 0)
			r = publish_new(s, st, hex, err);
	}
	if (r != -EEXIST)
		return r;
	staging_done(st);
	return 0;
}
