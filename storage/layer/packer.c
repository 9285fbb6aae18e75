/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/packer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storage/layer/stream.h"
#include "storage/layer/tarhdr.h"
#include "storage/layer/tree.h"
#include "storage/layer/xattr.h"
#include "util/fd.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Turns files into members of a tar stream, in the order in which a walk
 * (pack.c, diff.c) hands them over; p->path is the name of the member.  The
 * files may be a container's, so they are as hostile as an archive: nothing
 * is followed, and a file that shrinks while it is read is filled up with
 * zeros as its header promised.  Sockets are left out and counted.
 */

/* The first name of an inode that has several. */
struct seen {
	dev_t dev;
	ino_t ino;
	char *path;	/* owned */
};

/* ---- output -------------------------------------------------------------- */

int packer_flush(struct packer *p, struct err *err)
{
	int r;

	if (p->hash)
		sha256_add(p->hash, p->out.buf, p->out.len);
	p->res->diff_size += p->out.len;
	r = fd_write_full(p->fd, p->out.buf, p->out.len);
	sb_trunc(&p->out, 0);
	return r < 0 ? err_code(err, r, "write the layer") : 0;
}

static int flush_full(struct packer *p, struct err *err)
{
	return p->out.len < STREAM_BLOCK ? 0 : packer_flush(p, err);
}

static int put_member(struct packer *p, const struct tar_member *m,
		      struct err *err)
{
	tar_header(&p->out, m);
	p->res->entries++;
	return flush_full(p, err);
}

static int put_zeros(struct packer *p, uint64_t n, struct err *err)
{
	static const char zeros[TAR_BLOCK];

	while (n) {
		size_t some = MIN(n, sizeof(zeros));

		sb_addn(&p->out, zeros, some);
		if (flush_full(p, err) < 0)
			return -err->code;
		n -= some;
	}
	return 0;
}

static int put_content(struct packer *p, int fd, uint64_t size,
		       struct err *err)
{
	uint64_t left = size;

	while (left) {
		size_t want = MIN(left, (uint64_t)STREAM_BLOCK);
		ssize_t n = fd_read_full(fd, sb_reserve(&p->out, want), want);

		if (n < 0)
			return err_code(err, (int)n, "read");
		if (n == 0)
			break;
		sb_grow(&p->out, (size_t)n);
		left -= (uint64_t)n;
		if (flush_full(p, err) < 0)
			return -err->code;
	}
	p->res->bytes += size;
	return put_zeros(p, left + tar_padding(size), err);
}

/* ---- attributes ---------------------------------------------------------- */

static bool has_xattr(int fd, const char *name)
{
	char value[4];

	return fgetxattr(fd, name, value, sizeof(value)) > 0;
}

static int add_xattr(int fd, const char *name, struct sb *pax,
		     struct err *err)
{
	autofree char *key = xasprintf(XATTR_TAR "%s", name);
	ssize_t size = fgetxattr(fd, name, NULL, 0);
	autofree char *value = xmalloc(size > 0 ? (size_t)size : 1);

	if (size >= 0)
		size = fgetxattr(fd, name, value, (size_t)size);
	if (size < 0)
		return err_sys(err, "read attribute %s", name);
	tar_pax_record(pax, key, value, (size_t)size);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The attributes that a layer carries, sorted. */
static int add_xattrs(int fd, struct sb *pax, struct err *err)
{
	/* not on the stack: pack_tree() recurses around this */
	autofree char *list = xmalloc(XATTR_LIST_MAX);
	autofree const char **names = NULL;
	size_t n = 0;
	ssize_t len = flistxattr(fd, list, XATTR_LIST_MAX);

	if (len < 0 && errno == ENOTSUP)
		return 0;
	if (len < 0)
		return err_sys(err, "list the attributes");
	if (len == 0)
		return 0;
	/* a name has at least two bytes with its end */
	names = xcalloc((size_t)len, sizeof(*names));
	for (const char *s = list; s < list + len; s += strlen(s) + 1)
		if (xattr_is_kept(s))
			names[n++] = s;
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		if (add_xattr(fd, names[i], pax, err) < 0)
			return -err->code;
	return 0;
}

/* Single id: "uid:gid:mode", as tree.c and fuse-overlayfs write it. */
static void read_owner_xattr(int fd, struct stat *st)
{
	unsigned int uid, gid, mode;
	char text[64];
	ssize_t n = fgetxattr(fd, XATTR_OWNER, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%u:%u:%o", &uid, &gid, &mode) != 3)
		return;
	st->st_uid = uid;
	st->st_gid = gid;
	st->st_mode = (st->st_mode & S_IFMT) | (mode & 07777);
}

int packer_meta(int fd, bool single_id, struct stat *ret,
		struct sb *ret_xattrs, struct err *err)
{
	if (fstat(fd, ret) < 0)
		return err_sys(err, "stat");
	if (single_id)
		read_owner_xattr(fd, ret);
	return add_xattrs(fd, ret_xattrs, err);
}

static struct tar_member member_of(const struct stat *st, char type,
				   const char *name)
{
	return (struct tar_member){
		.type = type,
		.name = name,
		.link = "",
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = st->st_mtim,
	};
}

/* ---- hard links ---------------------------------------------------------- */

static int compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static void free_seen(void *p)
{
	struct seen *s = p;

	free(s->path);
	free(s);
}

/* The name under which the inode was packed before, else NULL: noted now. */
static const char *seen_before(struct packer *p, const struct stat *st)
{
	struct seen key = { st->st_dev, st->st_ino, NULL };
	struct seen *new;
	void *node;

	if (st->st_nlink < 2)
		return NULL;
	node = tfind(&key, &p->seen, compare_seen);
	if (node)
		return (*(struct seen **)node)->path;
	new = xmalloc(sizeof(*new));
	*new = key;
	new->path = xstrdup(p->path.buf);
	if (!tsearch(new, &p->seen, compare_seen))
		die_oom();
	return NULL;
}

void packer_descend(struct packer *p, const char *name)
{
	if (p->path.len)
		sb_addch(&p->path, '/');
	sb_add(&p->path, name);
}

/* ---- members ------------------------------------------------------------- */

static int put_file(struct packer *p, int at, const char *name,
		    struct err *err)
{
	autosb struct sb pax = SB_INIT;
	struct tar_member m;
	struct stat st;

	autoclose int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
						    O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open");
	if (packer_meta(fd, p->single_id, &st, &pax, err) < 0)
		return -err->code;
	m = member_of(&st, '0', p->path.buf);
	m.pax = pax.buf;
	m.pax_len = pax.len;
	m.size = (uint64_t)st.st_size;
	p->res->setid |= (m.mode & 06000) || has_xattr(fd, XATTR_CAPS);
	if (put_member(p, &m, err) < 0)
		return -err->code;
	return put_content(p, fd, m.size, err);
}

static int put_symlink(struct packer *p, int at, const char *name,
			const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, '2', p->path.buf);
	autofree char *target = xmalloc(TREE_PATH_MAX + 1);
	ssize_t n = readlinkat(at, name, target, TREE_PATH_MAX);

	if (n < 0)
		return err_sys(err, "read the symlink");
	target[n] = '\0';
	m.link = target;
	m.mode = 0777;
	return put_member(p, &m, err);
}

int packer_whiteout(struct packer *p, const char *dir, size_t dir_len,
		    const char *name, struct err *err)
{
	autofree char *full = xasprintf("%.*s%s" "%s", (int)dir_len, dir,
					dir_len ? "/" : "", name);
	const struct tar_member m = {
		.type = '0', .name = full, .link = "", .mode = 0644,
	};

	return put_member(p, &m, err);
}

static int put_device(struct packer *p, const char *name,
		       const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, S_ISCHR(st->st_mode) ? '3' : '4',
					p->path.buf);
	size_t dir_len = p->path.len - strlen(name);

	if (m.type == '3' && st->st_rdev == makedev(0, 0)) {
		autofree char *wh = xasprintf(WHITEOUT_PREFIX "%s", name);

		return packer_whiteout(p, p->path.buf,
				       dir_len ? dir_len - 1 : 0, wh, err);
	}
	m.dev_major = major(st->st_rdev);
	m.dev_minor = minor(st->st_rdev);
	return put_member(p, &m, err);
}

static int put_fifo(struct packer *p, const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, '6', p->path.buf);

	return put_member(p, &m, err);
}

static int put_link(struct packer *p, const char *target,
		     const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, '1', p->path.buf);

	m.link = target;
	return put_member(p, &m, err);
}

int packer_entry(struct packer *p, int at, const char *name,
		 const struct stat *st, struct err *err)
{
	const char *first = S_ISCHR(st->st_mode) ? NULL : seen_before(p, st);

	if (first)
		return put_link(p, first, st, err);
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return put_file(p, at, name, err);
	case S_IFLNK:
		return put_symlink(p, at, name, st, err);
	case S_IFCHR:
	case S_IFBLK:
		return put_device(p, name, st, err);
	case S_IFIFO:
		return put_fifo(p, st, err);
	default:
		p->res->skipped++;
		return 0;
	}
}

int packer_dir(struct packer *p, int fd, struct err *err)
{
	autosb struct sb pax = SB_INIT;
	autofree char *name = xasprintf("%s/", p->path.len ? p->path.buf : ".");
	struct tar_member m;
	struct stat st;

	if (packer_meta(fd, p->single_id, &st, &pax, err) < 0)
		return -err->code;
	m = member_of(&st, '5', name);
	m.pax = pax.buf;
	m.pax_len = pax.len;
	return put_member(p, &m, err);
}

/* ---- begin and end ------------------------------------------------------- */

int packer_hash(struct packer *p, struct err *err)
{
	return sha256_new(&p->hash, err);
}

int packer_end(struct packer *p, char ret_hex[SHA256_HEX], struct err *err)
{
	if (put_zeros(p, 2 * TAR_BLOCK, err) < 0 || packer_flush(p, err) < 0)
		return -err->code;
	*ret_hex = '\0';
	if (p->hash)
		sha256_hex(p->hash, ret_hex);
	return 0;
}

void packer_done(struct packer *p)
{
	sha256_free(p->hash);
	sb_done(&p->out);
	sb_done(&p->path);
	tdestroy(p->seen, free_seen);
}
