/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storage/layer/packer.h"
#include "storage/layer/tree.h"
#include "storage/layer/xattr.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * A merged directory is the list of those layers' directories that show in
 * it.  Reading one reads them all and sorts the names; equal names are
 * neighbours then, the highest layer first, and that one decides: a whiteout
 * hides the rest, a file too, a directory is merged with the directories that
 * follow, up to the first that is something else or opaque.  So entering a
 * directory opens exactly the layers that have it.
 *
 * The trees may be a container's: nothing is followed.
 */

static bool has_xattr(int fd, const char *name)
{
	char value[4];

	return fgetxattr(fd, name, value, sizeof(value)) > 0;
}

bool merge_opaque(int fd)
{
	struct stat st;

	return has_xattr(fd, XATTR_OPAQUE) ||
	       has_xattr(fd, XATTR_OPAQUE_FUSE) ||
	       fstatat(fd, WHITEOUT_OPAQUE, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 1 it hides what follows, 0 go on, -errno */
static int add_layer(struct merge *m, int at, const char *name,
		     struct err *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					  O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open");
	m->fd = xreallocarray(m->fd, m->n + 1, sizeof(*m->fd));
	m->fd[m->n++] = fd;
	return m->marks && merge_opaque(fd);
}

int merge_root(const int *fds, size_t n, bool marks, struct merge *ret,
	       struct err *err)
{
	auto_merge struct merge m = { .marks = marks };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_layer(&m, fds[i], ".", err);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct merge)MERGE_INIT;
	return 0;
}

int merge_read(struct merge *m, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n; i++)
		r = names_add(&m->names, m->fd[i], i, m->marks, err);
	names_sort(&m->names);
	return r;
}

size_t merge_group(const struct merge *m, size_t i)
{
	size_t n = 1;

	while (i + n < m->names.n &&
	       streq(m->names.v[i].name, m->names.v[i + n].name))
		n++;
	return n;
}

bool merge_shows(const struct merge *m, size_t i)
{
	return m->names.v[i].kind != NAME_WHITEOUT;
}

int merge_enter(const struct merge *m, size_t i, struct merge *ret,
		struct err *err)
{
	auto_merge struct merge sub = { .marks = m->marks };
	size_t n = merge_group(m, i);
	int r = 0;

	for (size_t k = i; r == 0 && k < i + n; k++) {
		const struct name *name = &m->names.v[k];

		if (name->kind != NAME_DIR)
			break;
		r = add_layer(&sub, m->fd[name->layer], name->name, err);
	}
	if (r < 0)
		return r;
	*ret = sub;
	sub = (struct merge)MERGE_INIT;
	return 0;
}

void merge_done(struct merge *m)
{
	for (size_t i = 0; i < m->n; i++)
		close_fd(m->fd[i]);
	free(m->fd);
	names_done(&m->names);
	*m = (struct merge)MERGE_INIT;
}

/* ---- packing ------------------------------------------------------------- */

static int pack_below(struct packer *p, struct merge *m, unsigned int depth,
		      struct err *err);

static int pack_name(struct packer *p, const struct merge *m, size_t i,
		     unsigned int depth, struct err *err)
{
	const struct name *name = &m->names.v[i];
	int at = m->fd[name->layer];
	struct stat st;
	int r;

	if (name->kind == NAME_DIR) {
		auto_merge struct merge sub = MERGE_INIT;

		r = merge_enter(m, i, &sub, err);
		if (r == 0)
			r = packer_dir(p, sub.fd[0], err);
		return r < 0 ? r : pack_below(p, &sub, depth + 1, err);
	}
	if (fstatat(at, name->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "stat");
	return packer_entry(p, at, name->name, &st, err);
}

static int pack_below(struct packer *p, struct merge *m, unsigned int depth,
		      struct err *err)
{
	size_t len = p->path.len;
	int r = merge_read(m, err);

	if (depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ENAMETOOLONG,
			       "more than %d directories deep",
			       TREE_DEPTH_MAX);
	for (size_t i = 0; r == 0 && i < m->names.n; i += merge_group(m, i)) {
		if (!merge_shows(m, i))
			continue;
		packer_descend(p, m->names.v[i].name);
		r = pack_name(p, m, i, depth, err);
		if (r < 0)
			return r;	/* the path tells which */
		sb_trunc(&p->path, len);
	}
	return r;
}

int merge_pack(struct packer *p, struct merge *m, bool root, struct err *err)
{
	int r = root ? packer_dir(p, m->fd[0], err) : 0;

	return r < 0 ? r : pack_below(p, m, 0, err);
}
