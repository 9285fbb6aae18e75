/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Where the files of a container are, for those who look at them from
 * outside: storage/changes.c walks its own directory together with the layers
 * of its image.  Nothing is mounted, so it is the same for a container that
 * runs and one that does not.
 *
 * Left out are the mount points that the engine made: those of the bundle
 * that the last start wrote, and /etc/mtab.
 */
#include "libpod/core/files/commit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/files/changes.h"
#include "storage/store.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define BUNDLE_MAX ((size_t)8 << 20)

void ctr_top_done(struct ctr_top *t)
{
	free(t->path);
	strv_free(t->omit);
	image_free(t->image);
}

/* "/etc/hosts" of config.json as "etc/hosts"; no bundle, no mounts. */
static void find_mounts(int dir, char ***ret)
{
	autojson struct json_object *doc = NULL;
	autosb struct sb text = SB_INIT;
	struct json_object *mounts;

	strv_add(ret, "etc/mtab");
	if (file_read_at(dir, "config.json", BUNDLE_MAX, &text) < 0)
		return;
	doc = json_parse(text.buf, text.len, NULL);
	mounts = json_arr(doc, "mounts");
	for (size_t i = 0; mounts && i < json_object_array_length(mounts);
	     i++) {
		const char *at = json_str(
			json_object_array_get_idx(mounts, i), "destination");

		if (at && *at == '/' && at[1])
			strv_add(ret, at + 1);
	}
}

/* When the tree of the vfs driver was complete; see make_root() */
static int64_t made_ns(int dir)
{
	struct stat st;

	if (fstatat(dir, "tree.made", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

int ctr_top(struct runtime *rt, struct ctr *c, struct store **ret_store,
	    struct ctr_top *ret, struct err *err)
{
	auto_ctr_top struct ctr_top t = { .path = NULL };
	int r = ctr_config_load(rt, c, err);

	if (r == 0)
		r = runtime_store(rt, ret_store, err);
	if (r == 0 && c->config.rootfs)
		r = err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			    "container %s has a root file system of its own "
			    "(--rootfs), no image to compare it with",
			    c->name);
	if (r == 0)
		r = store_driver_parse(c->config.driver, &t.top.driver, err);
	if (r == 0)
		r = image_find(*ret_store, c->config.image_id, &t.image, err);
	if (r < 0)
		return r;
	autoclose int dir = ctr_dir(rt, c, err);
	if (dir < 0)
		return dir;
	find_mounts(dir, &t.omit);
	t.path = xasprintf("containers/%s/%s", c->id,
			   config_files(&c->config));
	t.top.path = t.path;
	t.top.omit = t.omit;
	t.top.since_ns = made_ns(dir);
	*ret = t;
	t = (struct ctr_top){ .path = NULL };
	return 0;
}

int ctr_changes(struct runtime *rt, struct ctr *c,
		void (*fn)(char kind, const char *path, void *arg), void *arg,
		struct err *err)
{
	auto_ctr_top struct ctr_top t = { .path = NULL };
	struct store *store;
	int r = ctr_top(rt, c, &store, &t, err);

	if (r == 0)
		r = store_changes(store, t.image, &t.top, fn, arg, err);
	if (r < 0)
		r = err_wrap(err, r, "changes of container %.12s", c->id);
	return r < 0 ? ctr_err_gone(rt, c->id, r, err) : 0;
}

static int export_rootfs(struct runtime *rt, const struct ctr *c, int out,
			 struct err *err)
{
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r < 0)
		return r;
	autoclose int dir = open(c->config.rootfs, O_PATH | O_DIRECTORY |
							   O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "open %s", c->config.rootfs);
	return store_pack_dir(store, dir, false, out, err);
}

int ctr_export(struct runtime *rt, struct ctr *c, int out, struct err *err)
{
	auto_ctr_top struct ctr_top t = { .path = NULL };
	struct store *store;
	int r = ctr_config_load(rt, c, err);

	if (r == 0 && c->config.rootfs) {
		r = export_rootfs(rt, c, out, err);
	} else if (r == 0) {
		r = ctr_top(rt, c, &store, &t, err);
		if (r == 0)
			r = store_export(store, t.image, &t.top, out, err);
	}
	if (r < 0) {
		r = err_wrap(err, r, "export container %.12s", c->id);
		return ctr_err_gone(rt, c->id, r, err);
	}
	(void)event_ctr(rt, c, EVENT_EXPORT, NULL, NULL);
	return 0;
}
