/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/tree_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storage/layer/xattr.h"
#include "util/safe.h"

static int check_id(const struct tree *t, const struct idmap *map,
		    const char *what, const char *file, int64_t id,
		    struct err *err)
{
	if (t->single_id ? id >= 0 && id < UINT32_MAX : idmap_has(map, id))
		return 0;
	return err_set(err, ERR_INVALID, EOVERFLOW,
		       "%s %lld is not among the %llu ids that /etc/%s gives",
		       what, (long long)id,
		       (unsigned long long)idmap_total(map), file);
}

int tree_check_owner(const struct tree *t, const struct tree_meta *m,
		     struct err *err)
{
	int r = check_id(t, t->uids, "uid", "subuid", m->uid, err);

	return r < 0 ? r : check_id(t, t->gids, "gid", "subgid", m->gid, err);
}

/* New files are 0:0 already, but below a setgid directory. */
static bool needs_chown(const struct tree *t, const struct tree_meta *m)
{
	bool setgid = t->depth && t->dir[t->depth - 1].setgid;

	return setgid || (!t->single_id && (m->uid || m->gid));
}

static uid_t owner_uid(const struct tree *t, const struct tree_meta *m)
{
	return t->single_id ? 0 : (uid_t)m->uid;
}

static gid_t owner_gid(const struct tree *t, const struct tree_meta *m)
{
	return t->single_id ? 0 : (gid_t)m->gid;
}

/*
 * When the root directory of a layer has this, fuse-overlayfs wants it of
 * every file and directory below; a symlink cannot have one and needs none.
 */
static int set_owner_xattr(const struct tree *t, int fd,
			   const struct tree_meta *m, struct err *err)
{
	char text[48];
	int len;

	if (!t->single_id)
		return 0;
	len = snprintf(text, sizeof(text), "%lld:%lld:0%o", (long long)m->uid,
		       (long long)m->gid, (unsigned int)m->mode & 07777);
	if (fsetxattr(fd, XATTR_OWNER, text, (size_t)len, 0) < 0 &&
	    errno != ENOTSUP)
		return err_sys(err, "record the owner");
	return 0;
}

static int set_xattrs(int fd, const struct tree_meta *m, struct err *err)
{
	for (size_t i = 0; i < m->n_xattr; i++) {
		const struct tree_xattr *x = &m->xattr[i];

		/* A file system without them keeps the file itself */
		if (fsetxattr(fd, x->name, x->value, x->size, 0) < 0 &&
		    errno != ENOTSUP) {
			autofree char *name = safe_line(x->name);

			return err_sys(err, "set attribute %s", name);
		}
	}
	return 0;
}

/*
 * Order: chown clears setuid bits and file capabilities, so it comes first.
 */
int tree_set_meta(const struct tree *t, int fd, bool made,
		  const struct tree_meta *m, struct err *err)
{
	if ((!made || needs_chown(t, m)) &&
	    fchown(fd, owner_uid(t, m), owner_gid(t, m)) < 0)
		return err_sys(err, "change the owner to %lld:%lld",
			       (long long)m->uid, (long long)m->gid);
	if ((!made || m->mode & 06000) && fchmod(fd, m->mode & 07777) < 0)
		return err_sys(err, "change the mode");
	if (set_xattrs(fd, m, err) < 0)
		return -err->code;
	return set_owner_xattr(t, fd, m, err);
}

int tree_set_times(int fd, struct timespec mtime, struct err *err)
{
	const struct timespec both[2] = { mtime, mtime };

	if (futimens(fd, both) < 0)
		return err_sys(err, "change the times");
	return 0;
}

int tree_set_name_meta(struct tree *t, const char *base,
		       const struct tree_meta *m, struct err *err)
{
	const struct timespec both[2] = { m->mtime, m->mtime };
	int at = t->dir[t->depth - 1].fd;

	if (needs_chown(t, m) &&
	    fchownat(at, base, owner_uid(t, m), owner_gid(t, m),
		     AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "change the owner to %lld:%lld",
			       (long long)m->uid, (long long)m->gid);
	if (utimensat(at, base, both, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "change the times");
	return 0;
}
