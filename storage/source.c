/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two kinds of source behind one table of calls: a registry, whose bytes
 * come through bryo-registry, and a directory (an OCI layout or an unpacked
 * archive), whose files are opened below its descriptor and never through a
 * link that leaves it.
 */
#include "storage/source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "storage/registry/registry.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/safe.h"
#include "util/str.h"

/* Fewer wake-ups between bryo-registry and bryo-layer. */
#define PIPE_BYTES (1 << 20)

void source_close(struct source *src)
{
	if (src)
		src->ops->close(src);
}

/* ---- a registry --------------------------------------------------------- */

struct registry_source {
	struct source src;
	struct registry *r; /* owned */
};

static struct registry *registry_of(struct source *src)
{
	return ((struct registry_source *)src)->r;
}

static int reg_manifest(struct source *src, const char *ref, struct sb *body,
			char **type, struct err *err)
{
	return registry_manifest(registry_of(src), ref, body, type, err);
}

static int reg_small(struct source *src, const struct desc *d, struct sb *body,
		     struct err *err)
{
	return registry_blob_small(registry_of(src), d->digest, d->size, body,
				   err);
}

static int reg_open(struct source *src, const struct desc *d, uint64_t offset,
		    uint32_t key, struct err *err)
{
	int pair[2];
	int r;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	autoclose int rd = pair[0];
	autoclose int wr = pair[1];
	/* Refused beyond the user's share of pipe memory: a small one works */
	(void)!fcntl(wr, F_SETPIPE_SZ, PIPE_BYTES);
	r = registry_blob_start(registry_of(src), d->digest, d->size, offset,
				wr, key, err);
	return r < 0 ? r : take_fd(rd);
}

static int reg_fd(struct source *src)
{
	return registry_fd(registry_of(src));
}

static int reg_event(struct source *src, struct source_event *ret,
		     struct err *err)
{
	struct registry_event ev;
	int r = registry_read(registry_of(src), &ev, err);

	if (r <= 0)
		return r;
	*ret = (struct source_event){
		.key = ev.key,
		.done = ev.done,
		.ended = ev.kind != REG_PROGRESS,
		.err = ERR_INIT,
	};
	if (ev.kind == REG_FAILED)
		ret->err = ev.err;
	return 1;
}

static void reg_close(struct source *src)
{
	registry_close(registry_of(src));
	free(src);
}

static const struct source_ops registry_ops = {
	.manifest = reg_manifest,
	.small = reg_small,
	.open = reg_open,
	.fd = reg_fd,
	.event = reg_event,
	.close = reg_close,
};

int source_registry(const struct registry_conf *conf, struct source **ret,
		    struct err *err)
{
	struct registry *r;
	struct registry_source *rs;
	int n = registry_open(conf, &r, err);

	if (n < 0)
		return n;
	rs = xcalloc(1, sizeof(*rs));
	rs->src.ops = &registry_ops;
	rs->r = r;
	*ret = &rs->src;
	return 0;
}

int source_registry_tags(struct source *src, char ***ret, struct err *err)
{
	return registry_tags(registry_of(src), ret, err);
}

/* ---- a directory -------------------------------------------------------- */

struct dir_source {
	struct source src;
	int root;
	enum source_layout layout;
};

static struct dir_source *dir_of(struct source *src)
{
	return (struct dir_source *)src;
}

static char *member_of(const struct dir_source *ds, const struct desc *d)
{
	if (ds->layout == LAYOUT_DOCKER)
		return xstrdup(d->name);
	if (ds->layout == LAYOUT_DIR)
		return xstrdup(digest_hex(d->digest));
	return xasprintf("blobs/sha256/%s", digest_hex(d->digest));
}

/*
 * A regular file beneath the root: symlinks lead nowhere else, and a fifo or
 * a device is not waited for.
 */
static int open_member(const struct dir_source *ds, const char *path,
		       struct err *err)
{
	autofree char *shown = safe_line(path);
	struct stat st;

	autoclose int fd = path_open(ds->root, path, O_RDONLY | O_NONBLOCK |
				     O_NOCTTY);
	if (fd < 0)
		return err_code(err, fd, "open %.200s", shown);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %.200s", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%.200s is not a regular file", shown);
	return take_fd(fd);
}

int source_dir_read(struct source *src, const char *path, size_t max,
		    struct sb *out, struct err *err)
{
	autoclose int fd = open_member(dir_of(src), path, err);
	int r;

	if (fd < 0)
		return fd;
	r = fd_read_all(fd, max, out);
	return r < 0 ? err_code(err, r, "read %s", path) : 0;
}

/* An index.json or a manifest.json names the rest by digest. */
static int dir_manifest(struct source *src, const char *ref, struct sb *body,
			char **type, struct err *err)
{
	struct dir_source *ds = dir_of(src);
	struct desc d = { .name = NULL };
	autofree char *path = NULL;
	int r;

	if (!ref) {
		path = xstrdup(ds->layout == LAYOUT_DIR ? "manifest.json" :
							  "index.json");
	} else {
		r = digest_set(d.digest, ref, "manifest digest", err);
		if (r < 0)
			return r;
		path = ds->layout == LAYOUT_DIR ?
			       xasprintf("%s.manifest.json", digest_hex(ref)) :
			       member_of(ds, &d);
	}
	*type = NULL;
	return source_dir_read(src, path, MANIFEST_MAX, body, err);
}

static int dir_small(struct source *src, const struct desc *d, struct sb *body,
		     struct err *err)
{
	autofree char *path = member_of(dir_of(src), d);

	return source_dir_read(src, path, CONFIG_MAX, body, err);
}

static int dir_open(struct source *src, const struct desc *d, uint64_t offset,
		    uint32_t key unused_attr, struct err *err)
{
	autofree char *path = member_of(dir_of(src), d);

	autoclose int fd = open_member(dir_of(src), path, err);
	if (fd < 0)
		return fd;
	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return err_sys(err, "seek in %s", path);
	return take_fd(fd);
}

static int dir_fd(struct source *src unused_attr)
{
	return -EBADF;
}

static int dir_event(struct source *src unused_attr,
		     struct source_event *ret unused_attr,
		     struct err *err unused_attr)
{
	return 0;
}

static int dir_give(struct source *src, const struct desc *d, int dirfd,
		    const char *name)
{
	struct dir_source *ds = dir_of(src);
	autofree char *path = member_of(ds, d);
	autofree char *last = NULL;
	struct stat st;

	autoclose int dir = path_parent(ds->root, path, &last);
	if (dir < 0)
		return dir;
	/* A link stands for a file that another layer may need */
	if (fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EXDEV;
	if (fchmodat(dir, last, 0600, 0) < 0 ||
	    renameat(dir, last, dirfd, name) < 0)
		return -errno;
	return 0;
}

static void dir_close(struct source *src)
{
	close_fd(dir_of(src)->root);
	free(src);
}

static const struct source_ops dir_ops = {
	.manifest = dir_manifest,
	.small = dir_small,
	.open = dir_open,
	.fd = dir_fd,
	.event = dir_event,
	.give = dir_give,
	.close = dir_close,
};

struct source *source_dir(int root, enum source_layout layout, bool ours)
{
	struct dir_source *ds = xcalloc(1, sizeof(*ds));

	ds->src.ops = &dir_ops;
	ds->root = root;
	ds->layout = layout;
	ds->src.gives = ours;
	return &ds->src;
}
