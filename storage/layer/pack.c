/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storage/layer/stream.h"
#include "storage/layer/tarhdr.h"
#include "storage/layer/tree.h"
#include "storage/layer/xattr.h"
#include "util/fd.h"
#include "util/safe.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Walks the directory by descriptors, names of each directory sorted, and
 * writes one member per name: the same tree gives the same bytes.  The tree
 * may be a container's upper directory, so it is as hostile as an archive:
 * nothing is followed, depth is limited, a file that shrinks while it is read
 * is filled up with zeros as its header promised.
 *
 * What hides lower layers comes out in the form of the OCI image format,
 * whichever driver wrote it: 0:0 devices and .wh. files as .wh.NAME,
 * user.overlay.opaque and user.fuseoverlayfs.opaque as .wh..wh..opq right
 * behind the directory.  Sockets are left out and counted.
 */

/* The first name of an inode that has several. */
struct seen {
	dev_t dev;
	ino_t ino;
	char *path;	/* owned */
};

struct packer {
	const struct pack *conf;
	struct layer_result *res;
	struct sha256 *hash;
	struct sb out;		/* what is not written yet */
	struct sb path;		/* of the current member, "a/b" */
	void *seen;		/* tsearch tree of owned struct seen */
	size_t depth;
};

/* ---- output -------------------------------------------------------------- */

static int flush(struct packer *p, struct err *err)
{
	int r;

	sha256_add(p->hash, p->out.buf, p->out.len);
	p->res->diff_size += p->out.len;
	r = fd_write_full(p->conf->out, p->out.buf, p->out.len);
	sb_trunc(&p->out, 0);
	return r < 0 ? err_code(err, r, "write the layer") : 0;
}

static int flush_full(struct packer *p, struct err *err)
{
	return p->out.len < STREAM_BLOCK ? 0 : flush(p, err);
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
static void read_owner_xattr(int fd, struct tar_member *m)
{
	unsigned int uid, gid, mode;
	char text[64];
	ssize_t n = fgetxattr(fd, XATTR_OWNER, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%u:%u:%o", &uid, &gid, &mode) != 3)
		return;
	m->uid = uid;
	m->gid = gid;
	m->mode = mode & 07777;
}

/* What the open file adds to @m; @pax holds it. */
static int add_fd_meta(struct packer *p, int fd, struct tar_member *m,
		       struct sb *pax, struct err *err)
{
	if (p->conf->single_id)
		read_owner_xattr(fd, m);
	if (add_xattrs(fd, pax, err) < 0)
		return -err->code;
	m->pax = pax->buf;
	m->pax_len = pax->len;
	return 0;
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

/* ---- members ------------------------------------------------------------- */

static int pack_file(struct packer *p, int at, const char *name,
		     const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, '0', p->path.buf);
	autosb struct sb pax = SB_INIT;

	autoclose int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
						    O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open");
	if (add_fd_meta(p, fd, &m, &pax, err) < 0)
		return -err->code;
	p->res->setid |= (m.mode & 06000) || has_xattr(fd, XATTR_CAPS);
	m.size = (uint64_t)st->st_size;
	if (put_member(p, &m, err) < 0)
		return -err->code;
	return put_content(p, fd, m.size, err);
}

static int pack_symlink(struct packer *p, int at, const char *name,
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

/* An empty file ".wh.X" beside @path, or in it */
static int pack_whiteout(struct packer *p, const char *dir, size_t dir_len,
			 const char *name, struct err *err)
{
	autofree char *full = xasprintf("%.*s%s" "%s", (int)dir_len, dir,
					dir_len ? "/" : "", name);
	const struct tar_member m = {
		.type = '0', .name = full, .link = "", .mode = 0644,
	};

	return put_member(p, &m, err);
}

static int pack_device(struct packer *p, const char *name,
		       const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, S_ISCHR(st->st_mode) ? '3' : '4',
					p->path.buf);
	size_t dir_len = p->path.len - strlen(name);

	if (m.type == '3' && st->st_rdev == makedev(0, 0)) {
		autofree char *wh = xasprintf(WHITEOUT_PREFIX "%s", name);

		return pack_whiteout(p, p->path.buf, dir_len ? dir_len - 1 : 0,
				     wh, err);
	}
	m.dev_major = major(st->st_rdev);
	m.dev_minor = minor(st->st_rdev);
	return put_member(p, &m, err);
}

static int pack_fifo(struct packer *p, const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, '6', p->path.buf);

	return put_member(p, &m, err);
}

static int pack_link(struct packer *p, const char *target,
		     const struct stat *st, struct err *err)
{
	struct tar_member m = member_of(st, '1', p->path.buf);

	m.link = target;
	return put_member(p, &m, err);
}

static int pack_tree(struct packer *p, int at, const char *name,
		     struct err *err);

static int pack_typed(struct packer *p, int at, const char *name,
		      const struct stat *st, struct err *err)
{
	const char *first = NULL;

	if (!S_ISDIR(st->st_mode) && !S_ISCHR(st->st_mode))
		first = seen_before(p, st);
	if (first)
		return pack_link(p, first, st, err);
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return pack_file(p, at, name, st, err);
	case S_IFDIR:
		return pack_tree(p, at, name, err);
	case S_IFLNK:
		return pack_symlink(p, at, name, st, err);
	case S_IFCHR:
	case S_IFBLK:
		return pack_device(p, name, st, err);
	case S_IFIFO:
		return pack_fifo(p, st, err);
	default:
		p->res->skipped++;
		return 0;
	}
}

/* One name of the directory @at, with the path put back afterwards. */
static int pack_name(struct packer *p, int at, const char *name,
		     struct err *err)
{
	size_t len = p->path.len;
	struct stat st;
	int r;

	/* the member for it comes from the attribute of the directory or,
	   with its content left out, as it is */
	if (streq(name, WHITEOUT_OPAQUE))
		return 0;
	if (len)
		sb_addch(&p->path, '/');
	sb_add(&p->path, name);
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = err_sys(err, "stat");
	else if (str_starts(name, WHITEOUT_PREFIX))
		r = pack_whiteout(p, p->path.buf, len, name, err);
	else
		r = pack_typed(p, at, name, &st, err);
	if (r < 0)
		return r;	/* the path stays: it is the one to blame */
	sb_trunc(&p->path, len);
	return 0;
}

static int read_names(DIR *dir, char ***ret, size_t *ret_n, struct err *err)
{
	char **names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;

	for (errno = 0; (e = readdir(dir)); errno = 0) {
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 64;
			names = xreallocarray(names, cap, sizeof(*names));
		}
		names[n++] = xstrdup(e->d_name);
	}
	*ret = names;
	*ret_n = n;
	if (errno)
		return err_sys(err, "read the directory");
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	return 0;
}

static bool dir_is_opaque(int fd)
{
	struct stat st;

	return has_xattr(fd, XATTR_OPAQUE) ||
	       has_xattr(fd, XATTR_OPAQUE_FUSE) ||
	       fstatat(fd, WHITEOUT_OPAQUE, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The member of the directory itself: "a/b/", "./" for the root. */
static int pack_dir(struct packer *p, int fd, struct err *err)
{
	autosb struct sb pax = SB_INIT;
	autofree char *name = xasprintf("%s/", p->path.len ? p->path.buf : ".");
	struct tar_member m;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat");
	m = member_of(&st, '5', name);
	if (add_fd_meta(p, fd, &m, &pax, err) < 0 ||
	    put_member(p, &m, err) < 0)
		return -err->code;
	if (!dir_is_opaque(fd))
		return 0;
	return pack_whiteout(p, p->path.buf, p->path.len, WHITEOUT_OPAQUE, err);
}

static int pack_names(struct packer *p, int fd, char **names, size_t n,
		      struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (pack_name(p, fd, names[i], err) < 0)
			return -err->code;
	return 0;
}

static int pack_tree(struct packer *p, int at, const char *name,
		     struct err *err)
{
	char **names;
	size_t n;
	int r;

	if (p->depth == TREE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ENAMETOOLONG,
			       "more than %d directories deep",
			       TREE_DEPTH_MAX);

	autoclose int fd = openat(at, name, O_RDONLY | O_DIRECTORY |
						    O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open");

	autoclosedir DIR *dir = fdopendir(fd);
	if (!dir)
		return err_sys(err, "open");
	at = take_fd(fd);
	r = read_names(dir, &names, &n, err);
	if (r == 0)
		r = pack_dir(p, at, err);
	p->depth++;
	if (r == 0)
		r = pack_names(p, at, names, n, err);
	p->depth--;
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return r;
}

int pack_run(const struct pack *conf, struct layer_result *res,
	     char ret_hex[SHA256_HEX], struct err *err)
{
	struct packer p = {
		.conf = conf, .res = res, .out = SB_INIT, .path = SB_INIT,
	};
	int r = sha256_new(&p.hash, err);

	if (r == 0)
		r = pack_tree(&p, conf->root, ".", err);
	if (r < 0 && p.path.len) {
		autofree char *safe = safe_line(p.path.buf);

		err_wrap(err, r, "pack '%.300s'", safe);
	}
	if (r == 0)
		r = put_zeros(&p, 2 * TAR_BLOCK, err);
	if (r == 0)
		r = flush(&p, err);
	if (r == 0)
		sha256_hex(p.hash, ret_hex);
	sha256_free(p.hash);
	sb_done(&p.out);
	sb_done(&p.path);
	tdestroy(p.seen, free_seen);
	return r;
}
