/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A path of the host is opened here, as the user; a path of a container in a
 * child whose "/" is the container's root (ctr_visit), beneath a descriptor of
 * that root.  The child has one descriptor of the host's side: a file, a
 * directory, or the directory that the new name goes to.  So no path of a
 * container is ever looked up on the host, nor the reverse.
 *
 * A tar from stdin is anybody's: bryo-layer unpacks it in its sandbox, into a
 * directory below the container's own, and that is copied.  Between two
 * containers the same directory is the half-way house: each side is opened
 * with the ids and mounts of its own container.
 */
#include "libpod/core/files/cp.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/files/cp_tree.h"
#include "libpod/core/files/visit.h"
#include "libpod/core/user/usermap.h"
#include "libpod/oci/user.h"
#include "storage/layer.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

/* What is to be copied, opened. */
struct source {
	int fd;
	bool is_dir;
	bool contents;	/* what is in it, without itself */
	const char *base; /* its name; borrowed */
};

#define MAX_LINKS 40	/* the kernel's MAXSYMLINKS */

enum dest_kind { DEST_DIR, DEST_NEW, DEST_FILE };

/**
 * struct dest - where it goes on the host
 * @fd:   DEST_DIR, DEST_NEW: a directory; DEST_FILE: open for writing
 * @name: DEST_NEW: what is to be made in it
 */
struct dest {
	enum dest_kind kind;
	int fd;
	char *name;
};

/* ---- paths as they were typed ------------------------------------------- */

static bool wants_contents(const char *path)
{
	return streq(path, ".") || streq(path, "/") || str_ends(path, "/.");
}

static char *base_of(const char *absolute)
{
	autofree char *clean = path_clean(absolute);

	return xstrdup(strrchr(clean, '/') + 1);
}

/* Relative paths of a container begin at its working directory. */
static char *ctr_path(const struct cp_end *end)
{
	const char *dir = end->ctr->config.workdir;

	if (end->path[0] == '/')
		return xstrdup(end->path);
	return path_join(str_is_empty(dir) ? "/" : dir, end->path);
}

static int err_host(struct err *err, const char *path)
{
	if (errno != ENOENT)
		return err_sys(err, "%s", path);
	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "\"%s\" could not be found on the host", path);
}

static int err_ctr(struct err *err, const char *path, const char *name,
		   int code)
{
	if (code != -ENOENT)
		return err_code(err, code, "%s in container %s", path, name);
	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "\"%s\" could not be found on container %s: no such "
		       "file or directory", path, name);
}

static int err_need_dir(struct err *err)
{
	return err_set(err, ERR_INVALID, ENOTDIR,
		       "destination must be a directory when copying a "
		       "directory");
}

static int err_odd(struct err *err, const char *path)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid destination: \"%s\" must be a directory or a "
		       "regular file", path);
}

/* ---- the host's side ---------------------------------------------------- */

static int check_type(int fd, struct source *s, const char *path,
		      struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid source: \"%s\" must be a directory or "
			       "a regular file", path);
	s->is_dir = S_ISDIR(st.st_mode);
	if (s->contents && !s->is_dir)
		return err_set(err, ERR_INVALID, ENOTDIR,
			       "%s is not a directory", path);
	s->fd = fd;
	return 0;
}

static int host_source(const char *path, struct source *ret, struct err *err)
{
	int r;

	/* NONBLOCK: a fifo is refused below, not waited for */
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY |
					      O_CLOEXEC);
	if (fd < 0)
		return err_host(err, path);
	r = check_type(fd, ret, path, err);
	if (r == 0)
		(void)take_fd(fd);
	return r;
}

/* The directory that a new name goes to. */
static int host_parent(const char *path, struct dest *ret, struct err *err)
{
	autofree char *copy = xstrdup(path);
	size_t len = strlen(copy);
	char *slash;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	ret->name = xstrdup(slash ? slash + 1 : copy);
	if (slash)
		slash[slash == copy] = '\0';
	ret->fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret->kind = DEST_NEW;
	if (ret->fd < 0)
		return err_host(err, slash ? copy : path);
	return streq(ret->name, ".") || streq(ret->name, "..") ||
			       !*ret->name ?
		       err_host(err, path) : 0;
}

static int host_dest(const char *path, struct dest *ret, struct err *err)
{
	struct stat st;

	ret->fd = -EBADF;
	autoclose int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return host_parent(path, ret, err);
	if (fd < 0)
		return err_sys(err, "%s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_odd(err, path);
	ret->kind = S_ISDIR(st.st_mode) ? DEST_DIR : DEST_FILE;
	ret->fd = open(path, ret->kind == DEST_DIR ?
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC :
				     O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return ret->fd < 0 ? err_sys(err, "%s", path) : 0;
}

static void dest_done(struct dest *d)
{
	close_fd(d->fd);
	free(d->name);
}

/* ---- the container's side: in the child --------------------------------- */

static int open_root(struct err *err)
{
	struct rlimit l;
	int fd;

	umask(0);
	/* three descriptors for each level of a tree */
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open the container's root") : fd;
}

/* By type first: opening a device or a fifo of the container's is an act. */
static int open_typed(int root, const char *path, int dir_flags,
		      int file_flags, struct stat *st)
{
	struct stat again;

	autoclose int what = path_open(root, path, O_PATH);
	if (what < 0)
		return what;
	if (fstat(what, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return take_fd(what);
	autoclose int fd = path_open(root, path, S_ISDIR(st->st_mode) ?
				     dir_flags : file_flags);
	if (fd < 0)
		return fd;
	if (fstat(fd, &again) < 0)
		return -errno;
	if (again.st_ino != st->st_ino || again.st_dev != st->st_dev)
		return -ESTALE;
	return take_fd(fd);
}

static int ctr_source(int root, const char *path, const char *name,
		      struct source *ret, struct err *err)
{
	struct stat st;
	int r;

	autoclose int fd = open_typed(root, path, O_RDONLY | O_DIRECTORY,
				      O_RDONLY | O_NONBLOCK | O_NOCTTY, &st);
	if (fd < 0)
		return err_ctr(err, path, name, fd);
	r = check_type(fd, ret, path, err);
	if (r == 0)
		(void)take_fd(fd);
	return r;
}

/* Where the link in the place of the new name leads; NULL: there is none */
static char *link_text(const struct dest *d, const char *path)
{
	char text[PATH_MAX];
	autofree char *dir = xstrdup(path);
	size_t len = strlen(dir);
	ssize_t n = readlinkat(d->fd, d->name, text, sizeof(text) - 1);

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	if (text[0] == '/')
		return xstrdup(text);
	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
	strrchr(dir, '/')[1] = '\0';
	return path_join(dir, text);
}

static int ctr_parent(int root, const char *path, const char *name,
		      struct dest *ret, struct err *err)
{
	autofree char *parent = NULL;

	ret->kind = DEST_NEW;
	ret->fd = path_parent(root, path, &ret->name);
	if (ret->fd >= 0)
		return 0;
	parent = path_clean(path);
	*(strrchr(parent, '/') + (strrchr(parent, '/') == parent)) = 0;
	return err_ctr(err, parent, name, ret->fd);
}

/* A link to nothing is followed to the name that it has for it, below the
 * container's root.  The kernel has refused loops; a container that makes new
 * ones meanwhile gets no more rounds than from the kernel. */
static int new_dest(int root, const char *path, const char *name,
		    struct dest *ret, struct err *err)
{
	autofree char *at = xstrdup(path);

	for (int i = 0; i < MAX_LINKS; i++) {
		int r = ctr_parent(root, at, name, ret, err);
		autofree char *next = r < 0 ? NULL : link_text(ret, at);

		if (!next)
			return r;
		dest_done(ret);
		*ret = (struct dest){ .fd = -EBADF };
		free(at);
		at = take_ptr(next);
	}
	return err_ctr(err, path, name, -ELOOP);
}

static int ctr_dest(int root, const char *path, const char *name,
		    struct dest *ret, struct err *err)
{
	struct stat st;
	int fd;

	ret->fd = -EBADF;
	fd = open_typed(root, path, O_RDONLY | O_DIRECTORY,
			O_WRONLY | O_NONBLOCK | O_NOCTTY, &st);
	if (fd == -ENOENT)
		return new_dest(root, path, name, ret, err);
	if (fd < 0)
		return err_ctr(err, path, name, fd);
	ret->fd = fd;
	ret->kind = S_ISDIR(st.st_mode) ? DEST_DIR : DEST_FILE;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_odd(err, path);
	return 0;
}

/* ---- putting the one to the other ---------------------------------------- */

/* @name: of the container that @path is in, or NULL */
static int put(const struct source *s, const struct dest *d, const char *path,
	       const char *name, const struct cp_rules *rules,
	       struct err *err)
{
	autofree char *full = NULL;

	if (d->kind == DEST_FILE)
		return s->is_dir ? err_need_dir(err) :
				   cp_fill(s->fd, d->fd, path, err);
	if (d->kind == DEST_NEW && !s->is_dir && str_ends(path, "/")) {
		errno = ENOENT;
		return name ? err_ctr(err, path, name, -ENOENT) :
			      err_host(err, path);
	}
	if (d->kind == DEST_NEW)
		return cp_put(s->fd, d->fd, d->name, path, rules, err);
	if (s->contents)
		return cp_merge(s->fd, d->fd, path, rules, err);
	full = path_join(path, s->base);
	return cp_put(s->fd, d->fd, s->base, full, rules, err);
}

/* Everything that a child works with; paths are absolute. */
struct job {
	const struct cp_opts *opts;
	const char *path;
	const char *name;
	const char *user;
	struct source source;
	struct dest dest;
	const char *dest_path;
	uint32_t our_uid, our_gid; /* inside, of who calls */
	const char *half_way; /* name of the source in the half-way house */
	bool keep;	/* into the half-way house: as it is */
	bool must_be_dir;
	int tar;	/* -EBADF: no tar */
};

static int user_rules(const struct job *j, int root, struct cp_rules *rules,
		      struct err *err)
{
	struct user user cleanup(user_done) = { 0 };
	int r;

	if (!j->opts->archive)
		return 0;
	r = user_lookup(root, j->user ? j->user : "", NULL, &user, err);
	if (r == 0) {
		rules->uid = user.uid;
		rules->gid = user.gid;
	}
	return r;
}

/* Only here are we allowed to look at files of the container's own. */
static int open_half_way(struct job *j, struct err *err)
{
	int fd = openat(j->source.fd, j->half_way, O_RDONLY | O_NOFOLLOW |
							   O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open the half-way copy");
	j->source.base = j->half_way;
	j->source.contents = false;
	return check_type(fd, &j->source, j->half_way, err);
}

static int copy_in(void *arg, struct err *err)
{
	struct job *j = arg;
	struct cp_rules rules = { CP_NO_ID, CP_NO_ID, false,
				  j->opts->overwrite };
	struct dest d cleanup(dest_done) = { .fd = -EBADF };
	autoclose int root = open_root(err);
	int r = root < 0 ? root : user_rules(j, root, &rules, err);

	if (r == 0 && j->half_way)
		r = open_half_way(j, err);
	if (r == 0)
		r = ctr_dest(root, j->path, j->name, &d, err);
	if (r == 0 && j->must_be_dir && d.kind != DEST_DIR)
		r = d.kind == DEST_NEW ?
			    err_ctr(err, j->path, j->name, -ENOENT) :
			    err_set(err, ERR_INVALID, ENOTDIR,
				    "destination must be a directory when "
				    "copying from stdin");
	return r < 0 ? r : put(&j->source, &d, j->path, j->name, &rules, err);
}

static int copy_out(void *arg, struct err *err)
{
	struct job *j = arg;
	struct cp_rules rules = { j->our_uid, j->our_gid, !j->keep,
				  j->opts->overwrite };
	autoclose int root = open_root(err);
	int r = root;

	if (r >= 0)
		r = ctr_source(root, j->path, j->name, &j->source, err);
	if (r < 0)
		return r;
	if (j->tar >= 0)
		return cp_tar(j->source.fd, j->source.contents ?
			      "" : j->source.base, j->tar, err);
	return put(&j->source, &j->dest, j->dest_path, NULL, &rules, err);
}

/* ---- the half-way house -------------------------------------------------- */

struct house {
	struct runtime *rt;
	int parent;
	char name[32];
	int fd;
};

static int house_open(struct runtime *rt, const struct ctr *c,
		      struct house *ret, struct err *err)
{
	*ret = (struct house){ .rt = rt, .fd = -EBADF };
	ret->parent = ctr_dir(rt, c, err);
	if (ret->parent < 0)
		return ret->parent;
	(void)snprintf(ret->name, sizeof(ret->name), "cp-%d", getpid());
	if (mkdirat(ret->parent, ret->name, 0700) < 0)
		return err_sys(err, "make a directory for the copy");
	ret->fd = dir_open_at(ret->parent, ret->name);
	return ret->fd < 0 ? err_code(err, ret->fd, "open %s", ret->name) : 0;
}

static int house_remove(void *arg, struct err *err)
{
	const struct house *h = arg;

	return tree_remove_at(h->parent, h->name, err);
}

static void house_done(struct house *h)
{
	close_fd(h->fd);
	if (h->parent >= 0 && h->name[0])
		(void)userns_run(h->rt, house_remove, h, NULL);
	close_fd(h->parent);
}

static int unpack_wait(struct layer_job *job, struct err *err)
{
	auto_layer_result struct layer_result res = { .size = 0 };
	int r;

	do {
		struct pollfd p = { job->sock, POLLIN, 0 };

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return err_sys(err, "poll");
		r = layer_job_read(job, &res, err);
	} while (r == 0);
	/* a tar without members has its two blocks of zeros */
	if (r > 0 && res.diff_size == 0)
		return err_set(err, ERR_INVALID, ENODATA, "it is empty");
	return r < 0 ? r : 0;
}

/* The tar from stdin, unpacked by the sandboxed program. */
static int unpack_stdin(struct runtime *rt, struct house *h, struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	struct layer_apply a = {
		.input = STDIN_FILENO,
		.staging = h->fd,
		.blob = -EBADF,
		.resume = -EBADF,
		.format = LAYER_PLAIN,
		.enter_userns = userns_enter,
		.arg = rt,
	};
	struct err why = ERR_INIT;
	int r = rootless_load(rt, err);

	if (r < 0)
		return r;
	a.single_id = rt->ids.single;
	r = layer_job_start(&a, &job, err);
	if (r == 0) {
		r = unpack_wait(&job, &why);
		if (r < 0)
			err_set(err, ERR_INVALID, EINVAL,
				"source must be a (compressed) tar archive "
				"when copying from stdin: %s", why.msg);
	}
	layer_job_end(&job);
	return r;
}

/* ---- the four ways ------------------------------------------------------- */

static struct job job_of(const struct cp_end *end, const struct cp_opts *opts,
			 const char *path)
{
	return (struct job){
		.opts = opts,
		.path = path,
		.name = end->name,
		.user = end->ctr->config.user,
		.source = { .fd = -EBADF },
		.dest = { .fd = -EBADF },
		.our_uid = CP_NO_ID,
		.our_gid = CP_NO_ID,
		.tar = -EBADF,
	};
}

/* With ids of its own the container's root is not who calls. */
static int find_our_ids(struct runtime *rt, const struct ctr *c,
			struct job *j, struct err *err)
{
	struct idmap uids = { 0 };
	struct idmap gids = { 0 };
	int r;

	if (usermap_is_plain(&c->config))
		return 0;
	r = usermap_of(rt, &c->config, &uids, &gids, err);
	if (r < 0)
		return r;
	if (!idmap_to_inside(&uids, 0, &j->our_uid) ||
	    !idmap_to_inside(&gids, 0, &j->our_gid))
		j->our_uid = j->our_gid = CP_NO_ID;
	return 0;
}

static int stdin_to_ctr(struct runtime *rt, const struct cp_end *to,
			const struct cp_opts *opts, struct err *err)
{
	autofree char *path = ctr_path(to);
	struct house house cleanup(house_done) = { 0 };
	struct job job = job_of(to, opts, path);
	int r = house_open(rt, to->ctr, &house, err);

	if (r == 0)
		r = unpack_stdin(rt, &house, err);
	if (r < 0)
		return r;
	job.source = (struct source){ house.fd, true, true, "" };
	job.must_be_dir = true;
	return ctr_visit(rt, to->ctr, copy_in, &job, err);
}

/* Its name as typed; "..", "x/.." and the like have one, too. */
static char *host_base(const char *path)
{
	autofree char *clean = xstrdup(path);
	autofree char *real = NULL;
	size_t len = strlen(clean);
	const char *last;

	while (len > 1 && clean[len - 1] == '/')
		clean[--len] = '\0';
	last = strrchr(clean, '/');
	last = last ? last + 1 : clean;
	if (*last && !streq(last, ".") && !streq(last, ".."))
		return xstrdup(last);
	real = realpath(path, NULL);
	return xstrdup(real ? strrchr(real, '/') + 1 : last);
}

static int host_to_ctr(struct runtime *rt, const struct cp_end *from,
		       const struct cp_end *to, const struct cp_opts *opts,
		       struct err *err)
{
	autofree char *base = host_base(from->path);
	autofree char *path = ctr_path(to);
	struct job job = job_of(to, opts, path);
	int r;

	job.source.contents = wants_contents(from->path);
	job.source.base = base;
	r = host_source(from->path, &job.source, err);
	if (r < 0)
		return r;
	r = ctr_visit(rt, to->ctr, copy_in, &job, err);
	close_fd(job.source.fd);
	return r;
}

static int ctr_to_host(struct runtime *rt, const struct cp_end *from,
		       const struct cp_end *to, const struct cp_opts *opts,
		       struct err *err)
{
	autofree char *path = ctr_path(from);
	autofree char *base = base_of(path);
	struct job job = job_of(from, opts, path);
	int r = 0;

	job.source.base = base;
	job.source.contents = wants_contents(from->path) || !*base;
	job.dest_path = to->path;
	if (streq(to->path, "-"))
		job.tar = STDOUT_FILENO;
	else
		r = host_dest(to->path, &job.dest, err);
	if (r == 0)
		r = find_our_ids(rt, from->ctr, &job, err);
	if (r == 0)
		r = ctr_visit(rt, from->ctr, copy_out, &job, err);
	dest_done(&job.dest);
	return r;
}

static int ctr_to_ctr(struct runtime *rt, const struct cp_end *from,
		      const struct cp_end *to, const struct cp_opts *opts,
		      struct err *err)
{
	autofree char *from_path = ctr_path(from);
	autofree char *to_path = ctr_path(to);
	autofree char *base = base_of(from_path);
	struct house house cleanup(house_done) = { 0 };
	struct job out = job_of(from, opts, from_path);
	struct job in = job_of(to, opts, to_path);
	int r = house_open(rt, to->ctr, &house, err);

	if (r < 0)
		return r;
	out.source.base = base;
	out.source.contents = wants_contents(from->path) || !*base;
	out.dest.kind = DEST_DIR;
	out.dest.fd = house.fd;
	out.dest_path = "the other container";
	out.keep = true;
	r = ctr_visit(rt, from->ctr, copy_out, &out, err);
	if (r < 0)
		return r;
	in.source = (struct source){ house.fd, true, true, "" };
	in.half_way = out.source.contents ? NULL : base;
	return ctr_visit(rt, to->ctr, copy_in, &in, err);
}

int ctr_cp(struct runtime *rt, const struct cp_end *from,
	   const struct cp_end *to, const struct cp_opts *opts,
	   struct err *err)
{
	const struct cp_end *ends[] = { from, to };
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++)
		if (ends[i]->ctr)
			r = ctr_config_load(rt, ends[i]->ctr, err);
	if (r < 0)
		return r;
	if (from->ctr && to->ctr)
		r = ctr_to_ctr(rt, from, to, opts, err);
	else if (from->ctr)
		r = ctr_to_host(rt, from, to, opts, err);
	else if (streq(from->path, "-"))
		r = stdin_to_ctr(rt, to, opts, err);
	else
		r = host_to_ctr(rt, from, to, opts, err);
	for (int i = 0; r < 0 && i < 2; i++)
		if (ends[i]->ctr)
			(void)ctr_err_gone(rt, ends[i]->ctr->id, r, err);
	return r;
}
