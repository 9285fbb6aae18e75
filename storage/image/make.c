/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Images that are made here: commit and import.  First the layer: a tar
 * stream (from a bryo-layer that walks a container, or from the user) goes
 * through a second bryo-layer into a staging directory, which also keeps the
 * bytes as the layer's blob and finds out both digests; synced, it is renamed
 * into place like a pulled one.  Then the documents: config and manifest are
 * written from the base's, and the image is stored by the same code that
 * stores a pulled one (incoming_store), all of whose layers are there.
 *
 * The same tree gives the same layer, byte for byte; the image differs by the
 * time of its creation.
 */

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "storage/blob.h"
#include "storage/changes.h"
#include "storage/compression.h"
#include "storage/image/commit.h"
#include "storage/image/desc.h"
#include "storage/image/manifest.h"
#include "storage/image/ref.h"
#include "storage/layers.h"
#include "storage/source.h"
#include "storage/store_int.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/* ---- the layer ---------------------------------------------------------- */

static struct layer_apply apply_of(struct store *s, int input, int dir)
{
	return (struct layer_apply){
		.input = input,
		.staging = dir,
		.blob = -EBADF,
		.resume = -EBADF,
		.max_bytes = s->conf.layer_max,
		.single_id = s->conf.single_id,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};
}

static int job_run(struct layer_job *job, struct layer_result *res,
		   struct err *err)
{
	int r;

	do {
		r = layer_job_read(job, res, err);
	} while (r == 0);
	layer_job_end(job);
	return r < 0 ? r : 0;
}

/* The reader of a pipe failed: because the writer did?  EPIPE is only the
 * echo of our own failure. */
static int blame_feeder(struct layer_job *feeder, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	struct err why = ERR_INIT;
	int r = feeder ? job_run(feeder, &res, &why) : 0;

	if (r < 0 && r != -EPIPE) {
		err_clear(err);
		return err_set(err, why.kind, why.code, "%s", why.msg);
	}
	return 0;
}

static int unpack(struct store *s, struct staging *st, int input, int blob,
		  enum layer_format format, struct layer_job *feeder,
		  struct layer_result *res, struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	struct err why = ERR_INIT;
	int r;

	if (mkdirat(st->fd, "diff", 0755) < 0)
		return err_sys(err, "make a staging directory");
	autoclose int diff = openat(st->fd, "diff", O_PATH | O_DIRECTORY |
				    O_NOFOLLOW | O_CLOEXEC);
	if (diff < 0)
		return err_sys(err, "open a staging directory");
	struct layer_apply apply = apply_of(s, input, diff);

	apply.blob = blob;
	apply.format = format;
	r = layer_job_start(&apply, &job, err);
	/* ours must not keep the pipe open when the job is gone */
	close(input);
	if (r < 0)
		return r;
	r = job_run(&job, res, &why);
	if (blame_feeder(feeder, &why) < 0)
		r = -why.code;
	return r < 0 ? err_set(err, why.kind, why.code, "%s", why.msg) : 0;
}

/* The blob again, without its compression. */
static int inflate(struct store *s, struct staging *st, int blob,
		   struct layer_result *res, struct err *err)
{
	auto_layer_result struct layer_result plain = { 0 };
	int r;

	if (mkdirat(st->fd, "empty", 0700) < 0 || lseek(blob, 0, SEEK_SET) < 0)
		return err_sys(err, "make a staging directory");
	autoclose int dir = dir_open_at(st->fd, "empty");
	autoclose int out = openat(st->fd, "plain", O_WRONLY | O_CREAT |
				   O_EXCL | O_CLOEXEC, 0600);
	if (dir < 0 || out < 0)
		return err_sys(err, "create the layer's blob");
	struct layer_apply apply = apply_of(s, blob, dir);

	apply.diff_id = res->diff_id;
	r = layer_inflate(&apply, out, &plain, err);
	if (r < 0)
		return r;
	if (renameat(st->fd, "plain", st->fd, "blob") < 0 ||
	    unlinkat(st->fd, "empty", AT_REMOVEDIR) < 0)
		return err_sys(err, "rename the layer's blob");
	memcpy(res->digest, res->diff_id, sizeof(res->digest));
	res->size = res->diff_size;
	return 0;
}

static int publish(struct store *s, struct staging *st,
		   const struct layer_result *res, struct err *err)
{
	const char *blob = digest_hex(res->digest);
	const char *layer = digest_hex(res->diff_id);
	autostrv char **hashes = NULL;
	int layers = store_dir(s, STORE_LAYERS, err);
	int r;

	if (layers < 0)
		return layers;
	if (syncfs(layers) < 0)
		return err_sys(err, "sync the layer");
	strv_add(&hashes, blob);
	strv_add(&hashes, layer);
	r = lease_add(s, hashes, err);
	if (r == 0 && FAULT("layer.synced") < 0)
		r = err_sys(err, "layer %s", layer);
	if (r == 0)
		r = blob_take(s, st->fd, "blob", blob, err);
	if (r == 0 && FAULT("layer.blob") < 0)
		r = err_sys(err, "layer %s", layer);
	if (r == 0)
		r = layer_publish(s, st, layer, err);
	if (r == 0 && FAULT("layer.published") < 0)
		r = err_sys(err, "layer %s", layer);
	return r;
}

static int layer_store(struct store *s, struct staging *st, int input,
		       struct layer_job *feeder, struct layer_result *res,
		       enum compression *ret, struct err *err)
{
	enum layer_format format;
	int r = store_format(s, &format, err);

	if (r < 0) {
		close(input);
		return r;
	}
	autoclose int blob = openat(st->fd, "blob", O_RDWR | O_CREAT | O_EXCL |
				    O_CLOEXEC, 0600);
	if (blob < 0) {
		r = err_sys(err, "create the layer's blob");
		close(input);
		return r;
	}
	r = unpack(s, st, input, blob, format, feeder, res, err);
	if (r < 0)
		return r;
	*ret = compression_of(blob);
	if (*ret == COMPRESSION_OTHER) {
		*ret = COMPRESSION_NONE;
		r = inflate(s, st, blob, res, err);
	}
	if (r == 0)
		r = layer_describe(st, res, format, true, err);
	if (r == 0 && FAULT("layer.unpacked") < 0)
		r = err_sys(err, "unpack the layer");
	return r < 0 ? r : publish(s, st, res, err);
}

/*
 * A tar stream becomes a layer of the store, blob and directory.
 * @input:  compressed or not; taken
 * @feeder: writes into the other end of @input: its failure is the reason of
 *          ours; NULL: none
 * @ret:    digest, size, media type (OCI's) and diff id; d.type is owned
 *
 * The caller drops the lease when an image has the layer.
 */
static int layer_new(struct store *s, int input, struct layer_job *feeder,
		     struct fetch_layer *ret, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	auto_staging struct staging st = STAGING_INIT;
	enum compression compression;
	int r = staging_new(s, &st, err);

	TRACE("store", "new layer");
	if (r < 0) {
		close(input);
		return r;
	}
	r = layer_store(s, &st, input, feeder, &res, &compression, err);
	if (r < 0)
		return r;
	*ret = (struct fetch_layer){ .d = { .size = res.size },
				     .made = true };
	memcpy(ret->d.digest, res.digest, sizeof(ret->d.digest));
	memcpy(ret->diff_id, res.diff_id, sizeof(ret->diff_id));
	ret->d.type = xstrdup(compression_layer_type(compression, false));
	return 0;
}

/* ---- the documents ------------------------------------------------------ */

/* "...tar+gzip" of OCI is "...tar.gzip" of docker */
static char *layer_type(const char *type, bool docker)
{
	const char *how = strrchr(type, '+');
	const char *dot = str_after(type, TYPE_DOCKER_LAYER ".");

	how = how ? how + 1 : dot;
	if (!how)
		return xstrdup(docker ? TYPE_DOCKER_LAYER : TYPE_OCI_LAYER);
	return xasprintf(docker ? TYPE_DOCKER_LAYER ".%s" :
				  TYPE_OCI_LAYER "+%s", how);
}

static void add_layer(struct incoming *in, const struct fetch_layer *l,
		      bool docker)
{
	in->layers = xreallocarray(in->layers, in->n + 1,
				   sizeof(*in->layers));
	in->layers[in->n] = *l;
	in->layers[in->n].d.name = NULL;
	in->layers[in->n++].d.type = layer_type(l->d.type, docker);
}

/* Those of the base, with the digests that its manifest gives. */
static int add_base(struct store *s, struct incoming *in,
		    const struct image *base, bool docker, struct err *err)
{
	auto_manifest struct manifest m = { 0 };
	autojson struct json_object *config = NULL;
	autosb struct sb text = SB_INIT;
	autostrv char **diff_ids = NULL;
	int r = image_config(s, base, &config, err);

	if (r == 0)
		r = blob_read(s, digest_hex(base->digest), MANIFEST_MAX, &text,
			      err);
	if (r == 0)
		r = manifest_parse(text.buf, text.len, NULL, &m, err);
	if (r < 0)
		return r;
	diff_ids = json_strv(json_obj(config, "rootfs"), "diff_ids");
	if (strv_len(diff_ids) != m.n)
		return err_set(err, ERR_INVALID, EINVAL,
			       "image %.12s: config and manifest do not agree",
			       base->id);
	for (size_t i = 0; r == 0 && i < m.n; i++) {
		struct fetch_layer l = { .d = { .size = m.v[i].size } };

		memcpy(l.d.digest, m.v[i].digest, sizeof(l.d.digest));
		l.d.type = m.v[i].type;
		r = digest_set(l.diff_id, diff_ids[i], "diff id", err);
		if (r == 0)
			add_layer(in, &l, docker);
	}
	return r;
}

/* Each entry of the history without a layer of its own, when the layers of
 * the base are not there any more. */
static void mark_empty(struct json_object *history)
{
	size_t n = json_object_array_length(history);

	for (size_t i = 0; i < n; i++)
		json_set_bool(json_object_array_get_idx(history, i),
			      "empty_layer", true);
}

static void write_config(struct incoming *in, const struct image_new *new,
			 bool keep_history)
{
	struct json_object *rootfs = json_object_new_object();
	struct json_object *ids = json_object_new_array();
	struct json_object *entry = json_object_new_object();
	struct json_object *history = json_arr(new->config, "history");
	char time[TIME_TEXT_MAX];

	time_rfc3339(clock_now_ns(), time);
	json_set_str(new->config, "created", time);
	json_set_str(rootfs, "type", "layers");
	for (size_t i = 0; i < in->n; i++)
		json_object_array_add(ids, json_object_new_string(
						   in->layers[i].diff_id));
	json_set(rootfs, "diff_ids", ids);
	json_set(new->config, "rootfs", rootfs);
	json_set_str(entry, "created", time);
	json_set_str(entry, "created_by", new->created_by);
	json_set_str(entry, "author", new->author);
	json_set_str(entry, "comment", new->comment);
	if (!history) {
		history = json_object_new_array();
		json_set(new->config, "history", history);
	} else if (!keep_history) {
		mark_empty(history);
	}
	json_object_array_add(history, entry);
	sb_add(&in->raw, json_text(new->config));
}

static void write_manifest(struct incoming *in, bool docker)
{
	autojson struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	char id[DIGEST_MAX];

	digest_from_hex(id, in->id);
	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType",
		     docker ? TYPE_DOCKER_MANIFEST : TYPE_OCI_MANIFEST);
	json_set(o, "config",
		 desc_json(docker ? TYPE_DOCKER_CONFIG : TYPE_OCI_CONFIG, id,
			   in->raw.len));
	for (size_t i = 0; i < in->n; i++)
		json_object_array_add(layers,
				      desc_json(in->layers[i].d.type,
						in->layers[i].d.digest,
						in->layers[i].d.size));
	json_set(o, "layers", layers);
	sb_add(&in->manifest, json_text(o));
}

/* incoming_config() makes an empty list of layers: give it what we have. */
static int take_config(struct incoming *in, struct err *err)
{
	struct fetch_layer *layers = take_ptr(in->layers);
	size_t n = in->n;
	int r = incoming_config(in, n, err);

	if (in->layers)
		free(in->layers);
	in->layers = layers;
	in->n = n;
	return r;
}

static int full_name(const char *name, char ***ret, struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	int r;

	if (!name)
		return 0;
	r = ref_parse(name, &ref, err);
	if (r < 0)
		return r;
	if (ref.digest)
		return err_set(err, ERR_INVALID, EINVAL,
			       "'%s' has a digest, a tag cannot", name);
	ref_complete(&ref, "localhost");
	strv_push(ret, ref_text(&ref));
	return 0;
}

/* The image of @new: layers of its base (none: NULL), then @layer */
static int image_make(struct store *s, const struct image_new *new,
		      const struct image *base, const struct fetch_layer *layer,
		      char ret_id[65], struct err *err)
{
	auto_incoming struct incoming in = INCOMING_INIT;
	auto_source struct source *none = NULL;
	int r = full_name(new->name, &in.names, err);

	if (r == 0 && base)
		r = add_base(s, &in, base, new->docker, err);
	if (r < 0)
		return r;
	add_layer(&in, layer, new->docker);
	write_config(&in, new, base != NULL);
	r = take_config(&in, err);
	if (r < 0)
		return r;
	write_manifest(&in, new->docker);
	r = digest_of(in.manifest.buf, in.manifest.len, in.digest, err);
	if (r < 0)
		return r;
	/* all layers are there: nothing will be asked of it */
	none = source_dir(fcntl(store_dir(s, STORE_STAGING, NULL),
				F_DUPFD_CLOEXEC, 3), LAYOUT_DIR, false);
	if (FAULT("image.make") < 0)
		return err_sys(err, "store the image");
	r = incoming_store(s, &in, none, new->progress, err);
	if (r == 0)
		memcpy(ret_id, in.id, sizeof(in.id));
	return r;
}

/* ---- commit and import -------------------------------------------------- */

static int walk_into_layer(struct store *s, const struct layer_walk *walk,
			   struct fetch_layer *ret, struct err *err)
{
	struct layer_job feeder = LAYER_JOB_INIT;
	int pair[2];
	int r;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	r = layer_walk_start(walk, pair[1], &feeder, err);
	close(pair[1]);
	if (r < 0) {
		close(pair[0]);
		return r;
	}
	r = layer_new(s, pair[0], &feeder, ret, err);
	layer_job_end(&feeder);
	return r;
}

int image_commit(struct store *s, const struct image *base,
		 const struct store_top *top, const struct image_new *new,
		 bool squash, char ret_id[65], struct err *err)
{
	auto_stack struct stack st = STACK_INIT;
	struct fetch_layer layer = { .d = { .size = 0 } };
	struct layer_walk walk;
	int r;

	TRACE("store", "commit");
	if (squash)
		r = stack_merged(s, base, top, &st, &walk, err);
	else
		r = stack_changes(s, base, top, &st, &walk, err);
	if (!squash)
		walk.kind = LAYER_DIFF;
	walk.with_root = squash;
	if (r == 0)
		r = walk_into_layer(s, &walk, &layer, err);
	if (r == 0)
		r = image_make(s, new, squash ? NULL : base, &layer, ret_id,
			       err);
	free(layer.d.type);
	lease_end(s, r);
	return r;
}

int image_import(struct store *s, int fd, const struct image_new *new,
		 char ret_id[65], struct err *err)
{
	struct fetch_layer layer = { .d = { .size = 0 } };
	int input = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int r;

	TRACE("store", "import");
	if (input < 0)
		return err_sys(err, "dup");
	r = store_userns(s, err);
	if (r < 0)
		close(input);
	else
		r = layer_new(s, input, NULL, &layer, err);
	if (r == 0)
		r = image_make(s, new, NULL, &layer, ret_id, err);
	free(layer.d.type);
	lease_end(s, r);
	return r;
}
