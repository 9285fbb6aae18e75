/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Runs in a child of `bryo cp` that is root inside the container (ctr_visit)
 * and has one descriptor of the other side.  See cp_tree.h for what it trusts:
 * nothing.  A name that is taken is removed first, so that a new file never
 * writes through a hard link or a symbolic link that somebody put there; only
 * a mount point (/etc/hosts) is written in place.  Names of one file stay names
 * of one file (cp_links.h).
 */
#include "libpod/core/files/cp_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/core/files/cp_links.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/filecopy.h"
#include "util/str.h"

#define DEPTH_MAX 400	/* three descriptors each */

struct copy {
	const struct cp_rules *rules;
	struct sb path;		/* of the destination, for messages */
	unsigned int depth;
	struct cp_links links;
};

static int fail(const struct copy *c, int code, struct err *err)
{
	return err_code(err, code, "copy to %s", c->path.buf);
}

/* podman's words, which scripts look for */
static int fail_exists(const struct copy *c, const char *verb,
		       struct err *err)
{
	return err_set(err, ERR_EXISTS, EEXIST,
		       "error creating \"%s\": %s %s: file exists",
		       c->path.buf, verb, c->path.buf);
}

/* ---- owner, mode, times ------------------------------------------------ */

static mode_t mode_of(const struct copy *c, const struct stat *st)
{
	return st->st_mode & (c->rules->plain ? 01777 : 07777);
}

static int set_owner(const struct copy *c, int fd, const struct stat *st)
{
	const struct cp_rules *r = c->rules;
	uid_t uid = r->uid != CP_NO_ID ? r->uid : st->st_uid;
	gid_t gid = r->gid != CP_NO_ID ? r->gid : st->st_gid;

	if (r->plain && r->uid == CP_NO_ID)
		return 0;
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0)
		return 0;
	/* an id that does not exist in here: whoever is root then */
	return errno == EINVAL ? 0 : -errno;
}

/* chown first: it drops setuid bits and file capabilities. */
static int set_meta(const struct copy *c, int from, int fd,
		    const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	int r = set_owner(c, fd, st);

	if (r == 0 && !c->rules->plain)
		r = file_copy_xattrs(from, fd);
	if (r == 0 && fchmod(fd, mode_of(c, st)) < 0)
		r = -errno;
	if (r == 0 && futimens(fd, times) < 0)
		r = -errno;
	return r;
}

/* ---- one file ---------------------------------------------------------- */

static int create(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
					   O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* A mount point cannot be removed; what is mounted there is written to. */
static int open_in_place(int dir, const char *name)
{
	struct stat st;

	autoclose int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NOCTTY |
						     O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBUSY;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return take_fd(fd);
}

/* Make room for something new: 0, or -errno with @err set */
static int make_room(const struct copy *c, int dir, const char *name,
		     const char *verb, struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(c, errno, err);
	if (S_ISDIR(st.st_mode)) {
		if (!c->rules->overwrite)
			return fail_exists(c, verb, err);
		return tree_remove_at(dir, name, err);
	}
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int put_file(const struct copy *c, int from, const struct stat *st,
		    int dir, const char *name, struct err *err)
{
	bool in_place = false;
	int fd = create(dir, name);
	int r = 0;

	if (fd == -EEXIST) {
		r = make_room(c, dir, name, "open", err);
		if (r == -EBUSY && !err_is_set(err))
			in_place = true;
		else if (r < 0)
			return err_is_set(err) ? r : fail(c, r, err);
		fd = in_place ? open_in_place(dir, name) : create(dir, name);
	}
	autoclose int to = fd;

	if (to < 0)
		return fail(c, to, err);
	r = file_copy_data(from, to, st);
	if (r == 0 && !in_place)
		r = set_meta(c, from, to, st);
	return r < 0 ? fail(c, r, err) : 0;
}

/* A further name of a file that is copied already, where that can be. */
static bool put_hard_link(const struct copy *c, const struct cp_link *seen,
			  int dir, const char *name)
{
	int r = cp_links_make(seen, dir, name);

	if (r == -EEXIST && make_room(c, dir, name, "link", NULL) == 0)
		r = cp_links_make(seen, dir, name);
	return r == 0;
}

static int put_regular(struct copy *c, int from, const struct stat *st,
		       int dir, const char *name, struct err *err)
{
	const struct cp_link *seen = cp_links_find(&c->links, st);
	int r;

	if (seen && put_hard_link(c, seen, dir, name))
		return 0;
	r = put_file(c, from, st, dir, name, err);
	if (r == 0 && !seen)
		cp_links_add(&c->links, st, dir, name);
	return r;
}

int cp_fill(int from, int to, const char *path, struct err *err)
{
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return err_sys(err, "stat the source");
	if (ftruncate(to, 0) < 0)
		return err_sys(err, "copy to %s", path);
	r = file_copy_data(from, to, &st);
	return r < 0 ? err_code(err, r, "copy to %s", path) : 0;
}

/* ---- what is neither file nor directory -------------------------------- */

static int link_owner(const struct copy *c, int dir, const char *name,
		      const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	autoclose int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : set_owner(c, fd, st);

	if (r == 0 && utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r;
}

static int put_link(const struct copy *c, int from_dir, const char *name,
		    const struct stat *st, int to_dir, struct err *err)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, text, sizeof(text) - 1);
	int r;

	if (n < 0)
		return fail(c, errno, err);
	text[n] = '\0';
	r = make_room(c, to_dir, name, "symlink", err);
	if (r < 0)
		return err_is_set(err) ? r : fail(c, r, err);
	r = symlinkat(text, to_dir, name) < 0 ? -errno :
						link_owner(c, to_dir, name, st);
	return r < 0 ? fail(c, r, err) : 0;
}

static int put_fifo(const struct copy *c, const char *name,
		    const struct stat *st, int to_dir, struct err *err)
{
	int r = make_room(c, to_dir, name, "mkfifo", err);

	if (r < 0)
		return err_is_set(err) ? r : fail(c, r, err);
	r = mkfifoat(to_dir, name, mode_of(c, st) & 0777) < 0 ?
		    -errno : link_owner(c, to_dir, name, st);
	return r < 0 ? fail(c, r, err) : 0;
}

/* ---- directories ------------------------------------------------------- */

static int merge(struct copy *c, int from, int to, struct err *err);

/* *ret_new: it was not there; its metadata is set when it is full */
static int open_dest(const struct copy *c, int dir, const char *name,
		     bool *ret_new, struct err *err)
{
	int fd;

	*ret_new = mkdirat(dir, name, 0700) == 0;
	if (!*ret_new && errno != EEXIST)
		return fail(c, errno, err);
	fd = dir_open_at(dir, name);
	if (fd >= 0 || *ret_new)
		return fd < 0 ? fail(c, fd, err) : fd;
	/* something else has the name: a file, a link */
	if (fd != -ENOTDIR && fd != -ELOOP)
		return fail(c, fd, err);
	if (!c->rules->overwrite)
		return fail_exists(c, "mkdir", err);
	if (unlinkat(dir, name, 0) < 0 || mkdirat(dir, name, 0700) < 0)
		return fail(c, errno, err);
	*ret_new = true;
	fd = dir_open_at(dir, name);
	return fd < 0 ? fail(c, fd, err) : fd;
}

static int put_dir(struct copy *c, int from, const struct stat *st, int to_dir,
		   const char *name, struct err *err)
{
	bool fresh;
	int r;

	if (c->depth == DEPTH_MAX)
		return fail(c, ELOOP, err);
	autoclose int to = open_dest(c, to_dir, name, &fresh, err);
	if (to < 0)
		return to;
	c->depth++;
	r = merge(c, from, to, err);
	c->depth--;
	if (r < 0 || !fresh)
		return r;
	r = set_meta(c, from, to, st);
	return r < 0 ? fail(c, r, err) : 0;
}

static int put_any(struct copy *c, int from, int to_dir, const char *name,
		   struct err *err)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return fail(c, errno, err);
	if (S_ISDIR(st.st_mode))
		return put_dir(c, from, &st, to_dir, name, err);
	if (S_ISREG(st.st_mode))
		return put_regular(c, from, &st, to_dir, name, err);
	return fail(c, ESTALE, err);
}

static int put_entry(struct copy *c, int from_dir, const char *name, int to_dir,
		     struct err *err)
{
	struct stat st;

	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(c, errno, err);
	if (S_ISLNK(st.st_mode))
		return put_link(c, from_dir, name, &st, to_dir, err);
	if (S_ISFIFO(st.st_mode))
		return put_fifo(c, name, &st, to_dir, err);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	autoclose int fd = openat(from_dir, name,
				  O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
					  O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fail(c, errno, err);
	return put_any(c, fd, to_dir, name, err);
}

static int merge(struct copy *c, int from, int to, struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(from, ".");
	size_t len = c->path.len;
	const struct dirent *e;
	int r = d ? 0 : fail(c, errno, err);

	while (r == 0 && (r = dir_next(d, &e, NULL)) != 0) {
		if (r < 0)
			return fail(c, -r, err);
		sb_addf(&c->path, "%s%s", str_ends(c->path.buf, "/") ? "" : "/",
			e->d_name);
		r = put_entry(c, from, e->d_name, to, err);
		sb_trunc(&c->path, len);
	}
	return r;
}

/* ---- the interface ----------------------------------------------------- */

int cp_put(int from, int to_dir, const char *name, const char *path,
	   const struct cp_rules *rules, struct err *err)
{
	struct copy c = { .rules = rules, .path = SB_INIT };
	int r;

	sb_add(&c.path, path);
	r = put_any(&c, from, to_dir, name, err);
	cp_links_done(&c.links);
	sb_done(&c.path);
	return r;
}

int cp_merge(int from, int to, const char *path, const struct cp_rules *rules,
	     struct err *err)
{
	struct copy c = { .rules = rules, .path = SB_INIT };
	int r;

	sb_add(&c.path, path);
	r = merge(&c, from, to, err);
	cp_links_done(&c.links);
	sb_done(&c.path);
	return r;
}
