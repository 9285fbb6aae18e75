/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/files/cp_links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/str.h"

const struct cp_link *cp_links_find(const struct cp_links *l,
				    const struct stat *st)
{
	for (size_t i = 0; st->st_nlink > 1 && i < l->n; i++)
		if (l->v[i].ino == st->st_ino && l->v[i].dev == st->st_dev)
			return &l->v[i];
	return NULL;
}

void cp_links_add(struct cp_links *l, const struct stat *st, int dir,
		  const char *name)
{
	struct cp_link *new = &l->v[l->n];
	struct stat to = { 0 };

	if (st->st_nlink < 2 || l->n == CP_LINKS_MAX)
		return;
	if (dir >= 0 && fstatat(dir, name, &to, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	*new = (struct cp_link){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.name = xstrdup(name),
		.dir = dir < 0 ? -EBADF : fcntl(dir, F_DUPFD_CLOEXEC, 3),
		.to_dev = to.st_dev,
		.to_ino = to.st_ino,
	};
	l->n++;
}

/* The tree may change under our hands: what was linked is looked at. */
int cp_links_make(const struct cp_link *seen, int dir, const char *name)
{
	struct stat st;

	if (linkat(seen->dir, seen->name, dir, name, 0) < 0)
		return -errno;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == seen->to_dev && st.st_ino == seen->to_ino)
		return 0;
	(void)unlinkat(dir, name, 0);
	return -ESTALE;
}

void cp_links_done(struct cp_links *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		close_fd(l->v[i].dir);
	}
	l->n = 0;
}
