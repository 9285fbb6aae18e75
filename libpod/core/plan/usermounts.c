/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user mounts: -v, --mount, --tmpfs and the image's VOLUMEs.
 *
 * Theory of operation.  Each struct ctr_mount becomes one struct oci_mount.
 * Sources are opened here, as the user.  An overlay (:O, type=image) has
 * directories of its own below the container's, "overlay-N": what was written
 * there in an earlier run is thrown away, unless the user named the upper
 * directory himself.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/plan.h"
#include "storage/store.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

static uint64_t user_attr(const struct ctr_mount *m)
{
	uint64_t attr = 0;

	if (m->ro)
		attr |= MOUNT_ATTR_RDONLY;
	if (!m->suid)
		attr |= MOUNT_ATTR_NOSUID;
	if (!m->dev)
		attr |= MOUNT_ATTR_NODEV;
	if (m->noexec)
		attr |= MOUNT_ATTR_NOEXEC;
	return attr;
}

/* ---- owners ------------------------------------------------------------ */

struct give {
	int dir;
	const char *const *names;
	uint32_t uid, gid;
};

static int give_names(void *arg, struct err *err)
{
	const struct give *g = arg;

	for (const char *const *n = g->names; *n; n++)
		if (fchownat(g->dir, *n, g->uid, g->gid,
			     AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(err, "chown");
	return 0;
}

/* @names in @dir ("": itself) go to the container's root: in U, as he may be
 * somebody else than we. */
static int give_root(struct plan *p, int dir, const char *const *names,
		     struct err *err)
{
	struct give g = { .dir = dir, .names = names };

	if (!idmap_to_outside(&p->spec.uid_map, 0, &g.uid) ||
	    !idmap_to_outside(&p->spec.gid_map, 0, &g.gid))
		return 0;
	return userns_run(p->rt, give_names, &g, err);
}

/* Places that many others share: nobody means to give all of them away. */
static const char *const shared_places[] = {
	"/", "/bin", "/boot", "/dev", "/etc", "/etc/group", "/etc/passwd",
	"/etc/shadow", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt",
	"/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr",
	"/usr/bin", "/usr/lib", "/usr/sbin", "/usr/share", "/var", "/var/lib",
	"/var/log", "/var/tmp",
};

static bool is_at(const struct stat *st, const char *path)
{
	struct stat there;

	return stat(path, &there) == 0 && st->st_dev == there.st_dev &&
	       st->st_ino == there.st_ino;
}

/* Option U: @fd is not such a place, nor the caller's home. */
static int check_giveable(const struct ctr_mount *m, int fd, uid_t uid,
			  struct err *err)
{
	autofree char *home = user_home(uid);
	struct stat st;
	bool shared;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", m->source);
	shared = home && is_at(&st, home);
	for (size_t i = 0; !shared && i < ARRAY_LEN(shared_places); i++)
		shared = is_at(&st, shared_places[i]);
	if (!shared)
		return 0;
	return err_set(err, ERR_INVALID, EPERM,
		       "chowning host path \"%s\" is not allowed: option U "
		       "would give all that is in it to the container's user",
		       m->source);
}

/* ---- overlays ---------------------------------------------------------- */

struct stale {
	int dir;
	const char *name;
};

static int drop_stale(void *arg, struct err *err)
{
	const struct stale *s = arg;

	return tree_remove_at(s->dir, s->name, err);
}

/* all of an overlay's directory; "": itself, as the last */
static const char *const work_names[] = { "upper", "work", "mnt", "", NULL };

/* "upper" and "work" are ours, or links to the user's own. */
static int fill_work(int dir, const struct ctr_mount *m, struct err *err)
{
	const char *const given[] = { m->upperdir, m->workdir };

	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		const char *name = work_names[i];
		int r = given[i] ? symlinkat(given[i], dir, name) :
				   mkdirat(dir, name, 0700);

		if (r < 0)
			return err_sys(err, "make the %s directory", name);
	}
	if (mkdirat(dir, "mnt", 0700) < 0)
		return err_sys(err, "make a mount point");
	return 0;
}

static int make_work(struct plan *p, size_t i, struct oci_mount *out,
		     struct err *err)
{
	const char *name = plan_text(p, xasprintf("overlay-%zu", i));
	struct stale stale = { p->dir, name };
	int r = 0;

	if (path_is_at(p->dir, name))
		r = userns_run(p->rt, drop_stale, &stale, err);
	if (r < 0)
		return r;
	if (mkdirat(p->dir, name, 0700) < 0)
		return err_sys(err, "make the overlay's directory");
	autoclose int dir = dir_open_at(p->dir, name);

	if (dir < 0)
		return err_code(err, dir, "open the overlay's directory");
	out->kind = OCI_MOUNT_OVERLAY;
	out->work = name;
	r = fill_work(dir, &p->c->config.mounts[i], err);
	if (r < 0 || !plan_own_root(p))
		return r;
	return give_root(p, dir, work_names, err);
}

/* ---- by type ----------------------------------------------------------- */

static int add_symlink(struct plan *p, const struct ctr_mount *m,
		       struct oci_mount *out, struct err *err)
{
	char text[PATH_MAX];
	ssize_t n = readlink(m->source, text, sizeof(text) - 1);

	if (n < 0)
		return err_sys(err, "read the link %s", m->source);
	text[n] = '\0';
	out->kind = OCI_MOUNT_SYMLINK;
	out->data = plan_text(p, xstrdup(text));
	return 0;
}

static bool is_symlink(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int add_bind(struct plan *p, size_t i, struct oci_mount *out,
		    struct err *err)
{
	const struct ctr_mount *m = &p->c->config.mounts[i];
	struct stat st;
	int fd;

	if (m->nofollow && is_symlink(m->source))
		return add_symlink(p, m, out, err);
	out->kind = OCI_MOUNT_BIND;
	out->data = NULL;
	fd = open(m->source, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return ctr_err_source(err, m->source);
	out->source_fd = plan_fd(p, fd);
	if (!m->overlay)
		return m->chown ? check_giveable(m, fd, p->rt->ids.uid, err) :
				  0;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", m->source);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, ENOTDIR,
			       "volume option O needs a directory, %s is none",
			       m->source);
	return make_work(p, i, out, err);
}

/* A new volume belongs to the container's root, whoever that is; init, which
 * is he, could not take it from us. */
static int own_volume(struct plan *p, const char *name, int fd,
		      struct err *err)
{
	static const char *const itself[] = { "", NULL };
	int r = plan_own_root(p) ? give_root(p, fd, itself, err) : 0;

	return r < 0 ? err_wrap(err, r, "volume %s", name) : 0;
}

static int add_volume(struct plan *p, size_t i, struct oci_mount *out,
		      struct err *err)
{
	const struct ctr_mount *m = &p->c->config.mounts[i];
	struct volume_source src = { .fd = -EBADF };
	int r = volume_source(p->rt, m->source, &src, err);

	if (r < 0)
		return r;
	out->attr |= src.attr;
	out->data = plan_text(p, src.data);
	if (src.fd < 0) {
		out->kind = OCI_MOUNT_TMPFS;
		out->copy_up = !m->nocopy;
		return 0;
	}
	out->kind = OCI_MOUNT_BIND;
	out->source_fd = plan_fd(p, src.fd);
	if (src.fresh && !src.owned)
		r = own_volume(p, m->source, src.fd, err);
	if (r < 0)
		return r;
	out->volume_copy = src.fresh && !m->nocopy && !m->subpath;
	out->own_new = out->volume_copy && !src.owned;
	if (out->volume_copy)
		strv_add(&p->filled, m->source);
	return m->overlay ? make_work(p, i, out, err) : 0;
}

/* Layers for an overlay, or (other drivers) a tree made once for it. */
static int add_image(struct plan *p, size_t i, struct oci_mount *out,
		     struct err *err)
{
	const struct ctr_mount *m = &p->c->config.mounts[i];
	autofree char *name = xasprintf("image-%zu", i);
	auto_image struct image *img = NULL;
	autostrv char **lower = NULL;
	struct store *store;
	int fd;
	int r;

	r = runtime_store(p->rt, &store, err);
	if (r == 0)
		r = image_find(store, m->image_id, &img, err);
	if (r < 0)
		return r;
	if (streq(p->c->config.driver, store_driver_name(STORE_OVERLAY))) {
		r = image_lower(store, img, &lower, err);
		if (r < 0)
			return r;
		fd = fcntl(store_layers_fd(store), F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return err_sys(err, "duplicate a descriptor");
		out->source_fd = plan_fd(p, fd);
		out->lower = plan_strv(p, take_ptr(lower));
		return make_work(p, i, out, err);
	}
	if (!path_is_at(p->dir, name))
		r = store_tree_make(store, img, p->dir, name, err);
	if (r < 0)
		return r;
	fd = openat(p->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
					  O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the tree of image %s", m->source);
	out->kind = OCI_MOUNT_BIND;
	out->source_fd = plan_fd(p, fd);
	return 0;
}

int plan_user_mount(struct plan *p, size_t i, struct err *err)
{
	const struct ctr_mount *m = &p->c->config.mounts[i];
	struct oci_mount out = {
		.source = m->source,
		.source_fd = -EBADF,
		.target = m->target,
		.data = m->options,
		.attr = user_attr(m),
		.propagation = m->propagation,
		/* once: what the container chowns later stays */
		.chown = m->chown && p->c->start_n <= 1,
		.nonrecursive = m->nonrecursive,
		.idmap = m->idmap,
		.subpath = m->subpath,
	};
	int r = 0;

	switch (m->type) {
	case MNT_BIND:
		r = add_bind(p, i, &out, err);
		break;
	case MNT_VOLUME:
		r = add_volume(p, i, &out, err);
		break;
	case MNT_IMAGE:
		r = add_image(p, i, &out, err);
		break;
	case MNT_RAMFS:
	case MNT_TMPFS:
		out.kind = m->type == MNT_RAMFS ? OCI_MOUNT_RAMFS :
						  OCI_MOUNT_TMPFS;
		out.copy_up = !m->nocopy;
		out.chown = m->chown;
		break;
	case MNT_DEVPTS:
		out.kind = OCI_MOUNT_DEVPTS;
		break;
	}
	if (r < 0)
		return r;
	plan_mount(p, &out);
	return 0;
}
