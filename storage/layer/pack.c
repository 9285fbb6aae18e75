/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/layer/diff.h"
#include "storage/layer/merge.h"
#include "storage/layer/names.h"
#include "storage/layer/packer.h"
#include "storage/layer/tree.h"
#include "util/safe.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Directories as tar streams; names are sorted, so the same tree gives the
 * same bytes.  A layer (pack_layer) is walked as it lies there: what hides
 * lower layers comes out in the form of the OCI image format, whichever
 * driver wrote it: 0:0 devices and .wh. files as .wh.NAME,
 * user.overlay.opaque and user.fuseoverlayfs.opaque as .wh..wh..opq right
 * behind the directory.  A merged tree is walked in merge.c, what changed
 * against one in diff.c.
 */

static int pack_tree(struct packer *p, int at, const char *name,
		     unsigned int depth, struct err *err);

/* One name of the directory @at, with the path put back afterwards. */
static int pack_name(struct packer *p, int at, const struct name *name,
		     unsigned int depth, struct err *err)
{
	size_t len = p->path.len;
	struct stat st;
	int r;

	/* the member for it comes from the attribute of the directory or,
	   with its content left out, as it is */
	if (streq(name->name, WHITEOUT_OPAQUE))
		return 0;
	packer_descend(p, name->name);
	if (str_starts(name->name, WHITEOUT_PREFIX))
		r = packer_whiteout(p, p->path.buf, len, name->name, err);
	else if (name->kind == NAME_DIR)
		r = pack_tree(p, at, name->name, depth + 1, err);
	else if (fstatat(at, name->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = err_sys(err, "stat");
	else
		r = packer_entry(p, at, name->name, &st, err);
	if (r < 0)
		return r;	/* the path stays: it is the one to blame */
	sb_trunc(&p->path, len);
	return 0;
}

static int pack_dir(struct packer *p, int fd, struct err *err)
{
	int r = packer_dir(p, fd, err);

	if (r < 0 || !merge_opaque(fd))
		return r;
	return packer_whiteout(p, p->path.buf, p->path.len, WHITEOUT_OPAQUE,
			       err);
}

static int pack_tree(struct packer *p, int at, const char *name,
		     unsigned int depth, struct err *err)
{
	auto_names struct names names = NAMES_INIT;
	int r;

	if (depth == TREE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ENAMETOOLONG,
			       "more than %d directories deep",
			       TREE_DEPTH_MAX);
	autoclose int fd = openat(at, name, O_RDONLY | O_DIRECTORY |
						    O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open");
	r = names_add(&names, fd, 0, false, err);
	names_sort(&names);
	if (r == 0)
		r = pack_dir(p, fd, err);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = pack_name(p, fd, &names.v[i], depth, err);
	return r;
}

/* ---- the three kinds ----------------------------------------------------- */

static int run_merged(const struct pack *conf, struct packer *p,
		      struct err *err)
{
	auto_merge struct merge top = MERGE_INIT;
	int r = merge_root(conf->trees, conf->n_tops, !conf->plain, &top, err);

	return r < 0 ? r : merge_pack(p, &top, conf->with_root, err);
}

static int run_kind(const struct pack *conf, struct packer *p, struct err *err)
{
	switch (conf->kind) {
	case PACK_LAYER:
		return pack_tree(p, conf->root, ".", 0, err);
	case PACK_MERGED:
		return run_merged(conf, p, err);
	case PACK_DIFF:
	case PACK_LIST:
	default:
		return diff_run(conf, p, err);
	}
}

static int finish(const struct pack *conf, struct packer *p,
		  char ret_hex[SHA256_HEX], struct err *err)
{
	*ret_hex = '\0';
	if (conf->kind == PACK_LIST)
		return packer_flush(p, err);
	return packer_end(p, ret_hex, err);
}

int pack_run(const struct pack *conf, struct layer_result *res,
	     char ret_hex[SHA256_HEX], struct err *err)
{
	cleanup(packer_done) struct packer p = {
		.fd = conf->out, .single_id = conf->single_id, .res = res,
		.out = SB_INIT, .path = SB_INIT,
	};
	/* the others are hashed by whoever stores them, if at all */
	int r = conf->kind == PACK_LAYER ? packer_hash(&p, err) : 0;

	if (r == 0)
		r = run_kind(conf, &p, err);
	if (r < 0 && p.path.len) {
		autofree char *safe = safe_line(p.path.buf);

		err_wrap(err, r, "pack '%.300s'", safe);
	}
	return r < 0 ? r : finish(conf, &p, ret_hex, err);
}
