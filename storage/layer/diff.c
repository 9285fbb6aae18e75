/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/diff.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storage/layer/merge.h"
#include "storage/layer/packer.h"
#include "storage/layer/stream.h"
#include "storage/layer/tree.h"
#include "util/fd.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * What a container (or a layer) changed: its own directory, "new", walked
 * together with what lies below, "old".  Both are read directory by directory
 * with sorted names, like two lists that are merged.  How a name is judged
 * depends on how much of the old state shows through here:
 *
 *   VIEW_UPPER   an overlay's upper directory: what it does not name is as it
 *                was, a file that it has was written, a whiteout deletes
 *   VIEW_OPAQUE  the same below an opaque directory: what is missing is gone
 *   VIEW_FULL    a whole tree (vfs): the same, but a file may be unchanged
 *
 * A directory that holds a change is listed as changed; so it comes out as
 * late as its first change does, unless it changed itself.  Its time alone
 * does not count where the only thing that happened in it is a mount point
 * that the engine made.
 *
 * Nothing is followed, and nothing of the attributes that overlayfs and
 * fuse-overlayfs keep for themselves comes out.
 */

enum view { VIEW_UPPER, VIEW_OPAQUE, VIEW_FULL };

/**
 * struct frame - a directory on the way down
 * @up:     its parent, NULL for the root
 * @fd:     of the new state, borrowed
 * @len:    bytes of the path
 * @kind:   'A' or 'C'
 * @listed: it came out
 */
struct frame {
	struct frame *up;
	int fd;
	size_t len;
	char kind;
	bool listed;
	unsigned int depth;
};

struct diff {
	const struct pack *conf;
	struct packer *p;
};

/* ---- mount points -------------------------------------------------------- */

/* @path, or one that begins with it, is to be left out when it is empty. */
static bool leads_to_omitted(const struct diff *d, const char *path)
{
	size_t len = strlen(path);

	for (char *const *o = d->conf->omit; o && *o; o++)
		if (strncmp(*o, path, len) == 0 &&
		    (!(*o)[len] || (*o)[len] == '/'))
			return true;
	return false;
}

static bool is_omitted(const struct diff *d, const char *path,
		       const struct stat *st)
{
	/* /etc/mtab is made as a symlink */
	if ((!S_ISREG(st->st_mode) || st->st_size) && !S_ISLNK(st->st_mode))
		return false;
	for (char *const *o = d->conf->omit; o && *o; o++)
		if (streq(*o, path))
			return true;
	return false;
}

/* ---- output -------------------------------------------------------------- */

static int put_line(struct diff *d, char kind, struct err *err)
{
	struct sb *out = &d->p->out;

	sb_addch(out, kind);
	sb_addch(out, '/');
	sb_addn(out, d->p->path.buf, d->p->path.len);
	sb_addch(out, '\0');
	d->p->res->entries++;
	return out->len < STREAM_BLOCK ? 0 : packer_flush(d->p, err);
}

static int put_dir(struct diff *d, const struct frame *f, struct err *err)
{
	if (d->conf->kind != PACK_LIST)
		return packer_dir(d->p, f->fd, err);
	return f->up ? put_line(d, f->kind, err) : 0;
}

/* The directories above a change, outermost first; never the root. */
static int put_parents(struct diff *d, struct frame *f, struct err *err)
{
	int r;

	if (!f->up || f->listed)
		return 0;
	r = put_parents(d, f->up, err);
	if (r < 0)
		return r;
	autofree char *below = xstrdup(d->p->path.buf + f->len);

	sb_trunc(&d->p->path, f->len);
	r = put_dir(d, f, err);
	sb_add(&d->p->path, below);
	f->listed = true;
	return r;
}

static int put_gone(struct diff *d, struct frame *f, const char *name,
		    struct err *err)
{
	int r = put_parents(d, f, err);

	if (r < 0)
		return r;
	if (d->conf->kind == PACK_LIST)
		return put_line(d, 'D', err);
	autofree char *mark = xasprintf(WHITEOUT_PREFIX "%s", name);

	return packer_whiteout(d->p, d->p->path.buf, f->len, mark, err);
}

static int put_file(struct diff *d, struct frame *f, char kind,
		    const char *name, const struct stat *st, struct err *err)
{
	int r;

	if (d->conf->kind == PACK_LIST) {
		r = put_parents(d, f, err);
		return r < 0 ? r : put_line(d, kind, err);
	}
	/* a name that a layer cannot hold: it would be a whiteout there */
	if (str_starts(name, WHITEOUT_PREFIX)) {
		d->p->res->skipped++;
		return 0;
	}
	r = put_parents(d, f, err);
	return r < 0 ? r : packer_entry(d->p, f->fd, name, st, err);
}

/* ---- comparing ----------------------------------------------------------- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       a->st_gid == b->st_gid;
}

/* 1 mode, owner, attributes are equal; 0 not; -errno */
static int same_meta(struct diff *d, int a, int b, struct stat *sa,
		     struct stat *sb, struct err *err)
{
	autosb struct sb xa = SB_INIT;
	autosb struct sb xb = SB_INIT;
	bool single = d->p->single_id;

	if (packer_meta(a, single, sa, &xa, err) < 0 ||
	    packer_meta(b, single, sb, &xb, err) < 0)
		return -err->code;
	return same_stat(sa, sb) && xa.len == xb.len &&
	       memcmp(xa.buf, xb.buf, xa.len) == 0;
}

static int same_link(int at_a, int at_b, const char *name, struct err *err)
{
	autofree char *a = xmalloc(TREE_PATH_MAX);
	autofree char *b = xmalloc(TREE_PATH_MAX);
	ssize_t na = readlinkat(at_a, name, a, TREE_PATH_MAX);
	ssize_t nb = readlinkat(at_b, name, b, TREE_PATH_MAX);

	if (na < 0 || nb < 0)
		return err_sys(err, "read the symlink");
	return na == nb && memcmp(a, b, (size_t)na) == 0;
}

static int same_bytes(int a, int b, struct err *err)
{
	autofree char *x = xmalloc(STREAM_BLOCK);
	autofree char *y = xmalloc(STREAM_BLOCK);

	for (;;) {
		ssize_t n = fd_read_full(a, x, STREAM_BLOCK);
		ssize_t m = fd_read_full(b, y, STREAM_BLOCK);

		if (n < 0 || m < 0)
			return err_code(err, (int)MIN(n, m), "read");
		if (n != m || memcmp(x, y, (size_t)n) != 0)
			return 0;
		if (n == 0)
			return 1;
	}
}

static int open_file(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
					O_CLOEXEC);
}

static bool is_older(const struct diff *d, const struct stat *st)
{
	return st->st_ctim.tv_sec * INT64_C(1000000000) +
		       st->st_ctim.tv_nsec <= d->conf->since_ns;
}

static int same_regular(struct diff *d, int at_a, int at_b, const char *name,
			struct err *err)
{
	struct stat sa, sb;
	int r;

	autoclose int a = open_file(at_a, name);
	autoclose int b = open_file(at_b, name);
	if (a < 0 || b < 0)
		return err_sys(err, "open");
	r = same_meta(d, a, b, &sa, &sb, err);
	if (r <= 0)
		return r;
	if (sa.st_size != sb.st_size || !same_time(&sa.st_mtim, &sb.st_mtim))
		return 0;
	return is_older(d, &sa) ? 1 : same_bytes(a, b, err);
}

/* Two names that are no directories: 1 the same, 0 not, -errno */
static int same_file(struct diff *d, int at_a, int at_b, const char *name,
		     const struct stat *sa, struct err *err)
{
	struct stat sb;

	if (fstatat(at_b, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "stat");
	if ((sa->st_mode & S_IFMT) != (sb.st_mode & S_IFMT))
		return 0;
	if (S_ISREG(sa->st_mode))
		return same_regular(d, at_a, at_b, name, err);
	if (!same_stat(sa, &sb) || sa->st_rdev != sb.st_rdev)
		return 0;
	return S_ISLNK(sa->st_mode) ? same_link(at_a, at_b, name, err) : 1;
}

/* A file or directory that overlayfs stored as a reference to another one: our
 * mounts do not ask for it, and what it means cannot be told from here. */
static int refuse_reference(int fd, struct err *err)
{
	static const char *const names[] = { "user.overlay.redirect",
					     "user.overlay.metacopy" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (fgetxattr(fd, names[i], NULL, 0) >= 0)
			return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
				       "it was written through a mount with "
				       "%s",
				       names[i] + strlen("user.overlay."));
	return 0;
}

/* ---- walking ------------------------------------------------------------- */

static int walk(struct diff *d, struct frame *f, struct merge *new,
		struct merge *old, enum view view, struct err *err);

/**
 * struct pair - one @name in both states; borrowed
 * @i, @j: where it is in @new and @old; SIZE_MAX: it does not show there
 */
struct pair {
	struct merge *new;
	struct merge *old;
	const char *name;
	size_t i;
	size_t j;
	enum view view;
};

static const struct name *new_name(const struct pair *x)
{
	return x->i == SIZE_MAX ? NULL : &x->new->names.v[x->i];
}

static const struct name *old_name(const struct pair *x)
{
	return x->j == SIZE_MAX ? NULL : &x->old->names.v[x->j];
}

static int walk_dir(struct diff *d, struct frame *up, const struct pair *x,
		    struct err *err)
{
	const struct name *was = old_name(x);
	auto_merge struct merge new = MERGE_INIT;
	auto_merge struct merge old = MERGE_INIT;
	struct frame f = { .up = up, .len = d->p->path.len,
			   .kind = was ? 'C' : 'A', .depth = up->depth + 1 };
	enum view view = x->view;
	int r = merge_enter(x->new, x->i, &new, err);

	if (r == 0 && was && was->kind == NAME_DIR)
		r = merge_enter(x->old, x->j, &old, err);
	if (r < 0)
		return r;
	if (f.depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ENAMETOOLONG,
			       "more than %d directories deep",
			       TREE_DEPTH_MAX);
	f.fd = new.fd[0];
	if (new.marks && refuse_reference(f.fd, err) < 0)
		return -err->code;
	if (view == VIEW_UPPER && new.marks && merge_opaque(f.fd))
		view = VIEW_OPAQUE;
	return walk(d, &f, &new, &old, view, err);
}

/* A file that only says where its content is in another layer. */
static int refuse_reference_at(int dir, const char *name, struct err *err)
{
	autoclose int fd = open_file(dir, name);

	return fd < 0 ? err_sys(err, "open") : refuse_reference(fd, err);
}

static int walk_file(struct diff *d, struct frame *f, const struct pair *x,
		     struct err *err)
{
	const struct name *now = new_name(x);
	const struct name *was = old_name(x);
	struct stat st;
	int r = 0;

	if (fstatat(f->fd, now->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "stat");
	if (!was && is_omitted(d, d->p->path.buf, &st))
		return 0;
	if (x->new->marks && S_ISREG(st.st_mode))
		r = refuse_reference_at(f->fd, now->name, err);
	if (r < 0)
		return r;
	/* a whiteout says nothing but its name */
	if (was && d->conf->raw && str_starts(now->name, WHITEOUT_PREFIX))
		return 0;
	if (was && was->kind == NAME_FILE && x->view == VIEW_FULL)
		r = same_file(d, f->fd, x->old->fd[was->layer], now->name,
			      &st, err);
	if (r != 0)
		return r < 0 ? r : 0;
	return put_file(d, f, was ? 'C' : 'A', now->name, &st, err);
}

static int walk_pair(struct diff *d, struct frame *f, const struct pair *x,
		     struct err *err)
{
	const struct name *now = new_name(x);
	const struct name *was = old_name(x);
	size_t len = d->p->path.len;
	int r = 0;

	packer_descend(d->p, x->name);
	if (now && now->kind == NAME_DIR)
		r = walk_dir(d, f, x, err);
	else if (now && now->kind == NAME_FILE)
		r = walk_file(d, f, x, err);
	else if (was && (now || x->view != VIEW_UPPER))
		r = put_gone(d, f, x->name, err);
	if (r < 0)
		return r;	/* the path tells which */
	sb_trunc(&d->p->path, len);
	return 0;
}

/* The next name of the two sorted lists; false at the end. */
static bool next_pair(struct pair *x, size_t *i, size_t *j)
{
	const struct names *a = &x->new->names, *b = &x->old->names;
	int order;

	if (*i >= a->n && *j >= b->n)
		return false;
	order = *i >= a->n ? 1 :
		*j >= b->n ? -1 :
			     strcmp(a->v[*i].name, b->v[*j].name);
	x->i = x->j = SIZE_MAX;
	x->name = order <= 0 ? a->v[*i].name : b->v[*j].name;
	if (order <= 0) {
		x->i = *i;
		*i += merge_group(x->new, *i);
	}
	if (order >= 0) {
		x->j = merge_shows(x->old, *j) ? *j : SIZE_MAX;
		*j += merge_group(x->old, *j);
	}
	return true;
}

/* Something that is not there in the old state, and is not ours to tell. */
static bool holds_omitted(struct diff *d, struct merge *new,
			  struct merge *old)
{
	struct pair x = { .new = new, .old = old };
	size_t len = d->p->path.len;
	size_t i = 0, j = 0;
	bool found = false;

	while (d->conf->omit && !found && next_pair(&x, &i, &j)) {
		if (x.i == SIZE_MAX || x.j != SIZE_MAX)
			continue;
		packer_descend(d->p, x.name);
		found = leads_to_omitted(d, d->p->path.buf);
		sb_trunc(&d->p->path, len);
	}
	return found;
}

/* Did the directory itself change?  1, 0, -errno */
static int dir_changed(struct diff *d, const struct frame *f,
		       struct merge *new, struct merge *old, struct err *err)
{
	struct stat now, was;
	int r;

	if (f->kind == 'A')
		return !leads_to_omitted(d, d->p->path.buf);
	if (!old->n)
		return 1;
	r = same_meta(d, new->fd[0], old->fd[0], &now, &was, err);
	if (r <= 0)
		return r < 0 ? r : 1;
	if (d->conf->raw && merge_opaque(new->fd[0]) !=
				    merge_opaque(old->fd[0]))
		return 1;
	/* an archive need not say the time of each directory */
	if (d->conf->raw)
		return 0;
	return f->up && !same_time(&now.st_mtim, &was.st_mtim) &&
	       !holds_omitted(d, new, old);
}

static int put_self(struct diff *d, struct frame *f, struct err *err)
{
	int r = f->up ? put_parents(d, f->up, err) : 0;

	if (r == 0)
		r = put_dir(d, f, err);
	f->listed = true;
	return r;
}

static int walk(struct diff *d, struct frame *f, struct merge *new,
		struct merge *old, enum view view, struct err *err)
{
	struct pair x = { .new = new, .old = old, .view = view };
	size_t i = 0, j = 0;
	int r = merge_read(new, err);

	if (r == 0)
		r = merge_read(old, err);
	if (r == 0)
		r = dir_changed(d, f, new, old, err);
	if (r > 0)
		r = put_self(d, f, err);
	while (r == 0 && next_pair(&x, &i, &j))
		r = walk_pair(d, f, &x, err);
	return r;
}

int diff_run(const struct pack *conf, struct packer *p, struct err *err)
{
	const int *below = conf->trees + conf->n_tops;
	auto_merge struct merge new = MERGE_INIT;
	auto_merge struct merge old = MERGE_INIT;
	struct diff d = { conf, p };
	struct frame f = { .kind = 'C' };
	int r = merge_root(conf->trees, conf->n_tops, !conf->plain, &new, err);

	if (r == 0)
		r = merge_root(below, conf->n_trees - conf->n_tops, !conf->raw,
			       &old, err);
	if (r < 0)
		return r;
	f.fd = new.fd[0];
	return walk(&d, &f, &new, &old, conf->full ? VIEW_FULL : VIEW_UPPER,
		    err);
}
