/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What a container's files are, seen as a stack of directories below the data
 * directory: its own on top (an upper directory, or the tree of the vfs
 * driver), then the layers of its image.  bryo-layer walks the stack, in its
 * sandbox, and lists, exports or packs it; this file only names the
 * directories and holds a lease on the layers meanwhile.
 *
 * Below the container's own directory comes an upper directory as a new
 * container would get it (store_upper_make): it has the directories that the
 * image's layers merely imply, with their real owners and modes, so that none
 * of them looks changed.
 */
#include <stdlib.h>

#include "storage/changes.h"

#include "storage/image/names.h"
#include "storage/store_int.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define LIST_MAX ((size_t)1 << 30)

void stack_done(struct stack *st)
{
	strv_free(st->tops);
	strv_free(st->below);
	staging_done(&st->fresh);
}

static struct layer_walk walk_of(struct store *s, const struct stack *st,
				 enum layer_walk_kind kind)
{
	return (struct layer_walk){
		.kind = kind,
		.root = s->conf.data_fd,
		.tops = st->tops,
		.below = st->below,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};
}

/* "layers/HEX/diff", from the @skip-th on */
static int add_layers(struct store *s, const struct image *img, size_t skip,
		      char ***ret, struct err *err)
{
	autostrv char **layers = NULL;
	int r = image_layers(s, img->id, &layers, err);

	if (r == 0)
		r = lease_add(s, layers, err);
	for (size_t i = skip; r == 0 && layers && i < strv_len(layers); i++)
		strv_addf(ret, "layers/%s/diff", layers[i]);
	return r;
}

/* What the container began with. */
static int add_fresh(struct store *s, const struct image *img,
		     struct stack *st, struct err *err)
{
	int r = staging_new(s, &st->fresh, err);

	if (r == 0)
		r = store_upper_make(s, img, st->fresh.fd, "upper", err);
	if (r == 0)
		strv_addf(&st->below, "staging/%s/upper", st->fresh.name);
	return r;
}

int stack_changes(struct store *s, const struct image *img,
		  const struct store_top *top, struct stack *ret,
		  struct layer_walk *walk, struct err *err)
{
	int r = store_userns(s, err);

	if (r == 0 && !top) {
		autostrv char **all = NULL;

		/* the image's own last layer */
		r = add_layers(s, img, 0, &all, err);
		if (r == 0 && !all)
			return err_set(err, ERR_INVALID, ENODATA,
				       "image %.12s has no layers", img->id);
		if (r == 0) {
			strv_add(&ret->tops, all[0]);
			strv_extend(&ret->below, all + 1);
		}
		*walk = walk_of(s, ret, LAYER_CHANGES);
		return r;
	}
	if (r == 0)
		r = add_fresh(s, img, ret, err);
	if (r == 0)
		r = add_layers(s, img, 0, &ret->below, err);
	if (r < 0)
		return r;
	strv_add(&ret->tops, top->path);
	*walk = walk_of(s, ret, LAYER_CHANGES);
	walk->omit = top->omit;
	walk->plain = walk->full = top->driver == STORE_VFS;
	walk->since_ns = top->since_ns;
	return 0;
}

int stack_merged(struct store *s, const struct image *img,
		 const struct store_top *top, struct stack *ret,
		 struct layer_walk *walk, struct err *err)
{
	int r = store_userns(s, err);

	strv_add(&ret->tops, top->path);
	if (r == 0 && top->driver != STORE_VFS)
		r = add_layers(s, img, 0, &ret->tops, err);
	*walk = walk_of(s, ret, LAYER_MERGED);
	walk->plain = top->driver == STORE_VFS;
	return r;
}

/* ---- the list ----------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

/* "A/path" texts with their NULs, sorted by path. */
static void each_sorted(const struct sb *text,
			void (*fn)(char kind, const char *path, void *arg),
			void *arg)
{
	autofree char **v = NULL;
	size_t n = 0, cap = 0;

	for (char *p = text->buf; p < text->buf + text->len;
	     p += strlen(p) + 1) {
		if (n == cap) {
			cap = cap ? cap * 2 : 256;
			v = xreallocarray(v, cap, sizeof(*v));
		}
		v[n++] = p;
	}
	if (n)
		qsort(v, n, sizeof(*v), by_path);
	for (size_t i = 0; i < n; i++)
		fn(v[i][0], v[i] + 1, arg);
}

int store_changes(struct store *s, const struct image *img,
		  const struct store_top *top,
		  void (*fn)(char kind, const char *path, void *arg),
		  void *arg, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	auto_stack struct stack st = STACK_INIT;
	autosb struct sb text = SB_INIT;
	struct layer_walk walk;
	int r = stack_changes(s, img, top, &st, &walk, err);

	TRACE("store", "changes");
	if (r < 0) {
		lease_drop(s);
		return r;
	}
	autoclose int fd = fd_memory("bryo-changes", err);
	if (fd < 0)
		r = fd;
	else
		r = layer_walk_run(&walk, fd, &res, err);
	lease_drop(s);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read the changes");
	r = fd_read_all(fd, LIST_MAX, &text);
	if (r < 0)
		return err_code(err, r, "read the changes");
	each_sorted(&text, fn, arg);
	return 0;
}

/* ---- tars --------------------------------------------------------------- */

int store_export(struct store *s, const struct image *img,
		 const struct store_top *top, int out, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	auto_stack struct stack st = STACK_INIT;
	struct layer_walk walk;
	int r = stack_merged(s, img, top, &st, &walk, err);

	TRACE("store", "export");
	if (r == 0)
		r = layer_walk_run(&walk, out, &res, err);
	lease_drop(s);
	return r;
}

int store_pack_dir(struct store *s, int dir, bool with_root, int out,
		   struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	static char here[] = ".";
	char *tops[] = { here, NULL };
	const struct layer_walk walk = {
		.kind = LAYER_MERGED,
		.root = dir,
		.tops = tops,
		.plain = true,
		.with_root = with_root,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};
	int r = store_userns(s, err);

	return r < 0 ? r : layer_walk_run(&walk, out, &res, err);
}

int store_unpack_dir(struct store *s, int dir, int input, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	struct layer_job job = LAYER_JOB_INIT;
	const struct layer_apply apply = {
		.input = input,
		.staging = dir,
		.blob = -EBADF,
		.resume = -EBADF,
		.max_bytes = s->conf.layer_max,
		.format = LAYER_PLAIN,
		.raw = true,
		.unhashed = true,
		.single_id = s->conf.single_id,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};
	int r = store_userns(s, err);

	TRACE("store", "unpack");
	if (r == 0)
		r = layer_job_start(&apply, &job, err);
	while (r == 0)
		r = layer_job_read(&job, &res, err);
	layer_job_end(&job);
	return r < 0 ? r : 0;
}
