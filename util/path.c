/* SPDX-License-Identifier: Apache-2.0 */
#include "util/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/sb.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Every lookup in a tree that we do not own ends in resolve(): the kernel's
 * openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), or the walk below where
 * the call is missing.  The walk keeps a stack of O_PATH descriptors from the
 * root to the current directory: ".." pops, an absolute symlink empties it, a
 * relative one is spliced in front of what is left.  It never asks the kernel
 * to resolve "..", so a concurrent rename can only make it fail or end at
 * another place *inside* what it opened itself.
 *
 * Creation never follows the last component: path_parent() resolves the
 * directory, then mkdirat/openat(O_EXCL|O_NOFOLLOW) work on its descriptor.
 */

#define LINKS_MAX 40
#define AGAIN_MAX 64

static bool forced(const char *feature)
{
#ifdef BRYO_TESTING
	const char *env = getenv("BRYO_FORCE");

	return env && strstr(env, feature);
#else
	(void)feature;
	return false;
#endif
}

/* -1 unknown, 0 no, 1 yes */
static int have_openat2 = -1;

static int kernel_resolve(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	for (int i = 0; i < AGAIN_MAX; i++) {
		long fd = syscall(SYS_openat2, root, *path ? path : ".", &how,
				  sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

/* ---- KERNEL(5.6): the walk for kernels and filters without openat2 ------ */

struct walk {
	int *stack;	/* O_PATH directories; [0] is a dup of the root */
	size_t depth;
	char *rest;	/* owned; components still to come */
	unsigned int links;
};

static void walk_done(struct walk *w)
{
	while (w->depth)
		close(w->stack[--w->depth]);
	free(w->stack);
	free(w->rest);
}

static void walk_push(struct walk *w, int fd)
{
	w->stack = xreallocarray(w->stack, w->depth + 1, sizeof(*w->stack));
	w->stack[w->depth++] = fd;
}

static void walk_pop_to(struct walk *w, size_t depth)
{
	while (w->depth > depth)
		close(w->stack[--w->depth]);
}

/* Cut the first component off rest; false at the end of the path. */
static bool next_component(struct walk *w, char name[NAME_MAX + 1], int *r)
{
	char *p = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(p, "/");

	*r = 0;
	if (!len)
		return false;
	if (len > NAME_MAX) {
		*r = -ENAMETOOLONG;
		return false;
	}
	memcpy(name, p, len);
	name[len] = '\0';
	memmove(w->rest, p + len, strlen(p + len) + 1);
	return true;
}

static int splice_link(struct walk *w, int link_fd)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link_fd, "", target, sizeof(target) - 1);
	char *rest;

	if (n < 0)
		return -errno;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	target[n] = '\0';
	if (target[0] == '/')
		walk_pop_to(w, 1);
	/* What follows starts with its own slash, if anything follows. */
	rest = xasprintf("%s%s", target, w->rest);
	free(w->rest);
	w->rest = rest;
	return strlen(rest) >= 2 * PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool at_end(const struct walk *w)
{
	return !w->rest[strspn(w->rest, "/")];
}

/*
 * One step: 0 go on, 1 with *ret the final object (O_PATH), -errno.  A
 * trailing slash makes the last component a directory.
 */
static int step(struct walk *w, const char *name, bool nofollow, int *ret)
{
	struct stat st;

	if (streq(name, "."))
		return 0;
	if (streq(name, "..")) {
		if (w->depth > 1)
			walk_pop_to(w, w->depth - 1);
		return 0;
	}
	autoclose int fd = openat(w->stack[w->depth - 1], name,
				  O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		if (at_end(w) && nofollow && !w->rest[0]) {
			*ret = take_fd(fd);
			return 1;
		}
		return splice_link(w, fd);
	}
	if (S_ISDIR(st.st_mode)) {
		walk_push(w, take_fd(fd));
		return 0;
	}
	if (w->rest[0])
		return -ENOTDIR;
	*ret = take_fd(fd);
	return 1;
}

/*
 * An O_PATH descriptor that was found becomes one with the wanted flags: a
 * directory by ".", anything else by its name once more, compared.  Never by
 * /proc/self/fd: the /proc that is mounted may be the container's.
 */
static int reopen(const struct walk *w, int path_fd, const char *name,
		  int flags)
{
	autoclose int fd = path_fd;
	struct stat want;
	struct stat have;

	if (fstat(fd, &want) < 0)
		return -errno;
	if (S_ISDIR(want.st_mode) && (flags & O_PATH))
		return take_fd(fd);
	if (S_ISDIR(want.st_mode)) {
		int r = openat(fd, ".", flags | O_CLOEXEC);

		return r < 0 ? -errno : r;
	}
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if (flags & O_PATH)
		return take_fd(fd);
	if (S_ISLNK(want.st_mode))
		return -ELOOP;
	autoclose int again = openat(w->stack[w->depth - 1], name,
				     flags | O_NOFOLLOW | O_CLOEXEC);
	if (again < 0)
		return -errno;
	if (fstat(again, &have) < 0)
		return -errno;
	if (have.st_dev != want.st_dev || have.st_ino != want.st_ino)
		return -EAGAIN;
	return take_fd(again);
}

static int walk_resolve(int root, const char *path, int flags)
{
	struct walk w = { .rest = xstrdup(path) };
	char name[NAME_MAX + 1] = "";
	int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ret = -ENOENT;
	int r = 0;

	if (fd < 0) {
		r = -errno;
		walk_done(&w);
		return r;
	}
	walk_push(&w, fd);
	while (r == 0 && next_component(&w, name, &r))
		r = step(&w, name, flags & O_NOFOLLOW, &ret);
	if (r == 0)
		ret = w.stack[--w.depth];
	r = r < 0 ? r : reopen(&w, ret, name, flags);
	walk_done(&w);
	return r;
}

static int resolve(int root, const char *path, int flags)
{
	int fd;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (have_openat2 < 0)
		have_openat2 = !forced("no-openat2");
	if (have_openat2) {
		fd = kernel_resolve(root, path, flags);
		if (fd != -ENOSYS && fd != -EPERM)
			return fd;
		have_openat2 = fd == -EPERM ? have_openat2 : 0;
	}
	return walk_resolve(root, path, flags);
}

/* ---- the interface ------------------------------------------------------ */

int path_open(int root, const char *path, int flags)
{
	return resolve(root, path, flags & ~O_CREAT);
}

int path_parent(int root, const char *path, char **ret_name)
{
	autofree char *dir = xstrdup(path);
	size_t len = strlen(dir);
	char *slash;
	char *name;
	int fd;

	while (len && dir[len - 1] == '/')
		dir[--len] = '\0';
	slash = strrchr(dir, '/');
	name = slash ? slash + 1 : dir;
	if (!*name || streq(name, ".") || streq(name, ".."))
		return -EINVAL;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	autofree char *copy = xstrdup(name);
	*name = '\0';
	fd = resolve(root, dir, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd;
	*ret_name = take_ptr(copy);
	return fd;
}

/* The directory at the longest prefix of the clean @path that exists;
 * @ret_rest: what is missing behind it */
static int longest_prefix(int root, const char *path, const char **ret_rest)
{
	autofree char *prefix = xstrdup(path);
	size_t len = strlen(prefix);
	int dir = resolve(root, prefix, O_PATH | O_DIRECTORY);

	while (dir == -ENOENT && len > 1) {
		while (len > 1 && prefix[len - 1] != '/')
			len--;
		len--;
		prefix[len] = '\0';
		dir = resolve(root, len ? prefix : "/", O_PATH | O_DIRECTORY);
	}
	*ret_rest = path + len;
	return dir;
}

/*
 * The longest prefix that exists is resolved as a whole; only what is missing
 * behind it is made, component by component and without following anything.
 */
int path_mkdirs(int root, const char *path, mode_t mode)
{
	autofree char *clean = path_clean(path);
	const char *rest = clean;
	size_t n;

	autoclose int dir = longest_prefix(root, clean, &rest);
	while (dir >= 0 && *rest) {
		rest += strspn(rest, "/");
		n = strcspn(rest, "/");
		if (!n)
			break;
		autofree char *name = xstrndup(rest, n);
		if (mkdirat(dir, name, mode) < 0 && errno != EEXIST)
			return -errno;
		int next = openat(dir, name, O_PATH | O_DIRECTORY |
				  O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		close(dir);
		dir = next;
		rest += n;
	}
	return take_fd(dir);
}

int path_target(int root, const char *path, bool is_dir)
{
	autofree char *clean = path_clean(path);
	autofree char *dir_path = NULL;
	char *slash;

	if (is_dir)
		return path_mkdirs(root, clean, 0755);
	autoclose int fd = resolve(root, clean, O_PATH);
	if (fd != -ENOENT)
		return take_fd(fd);
	dir_path = xstrdup(clean);
	slash = strrchr(dir_path, '/');
	if (!slash || !slash[1])
		return -EINVAL;
	*slash = '\0';
	autoclose int dir = path_mkdirs(root, *dir_path ? dir_path : "/", 0755);
	if (dir < 0)
		return dir;
	autoclose int made = openat(dir, slash + 1, O_WRONLY | O_CREAT |
				    O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0 && errno != EEXIST)
		return -errno;
	/* A dangling symlink of the image is left alone and refused. */
	fd = openat(dir, slash + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : take_fd(fd);
}

bool path_is_beneath(const char *path, const char *dir)
{
	const char *rest = str_after(path, dir);

	if (!rest)
		return false;
	return !*rest || *rest == '/' || str_ends(dir, "/");
}

char *path_clean(const char *path)
{
	autosb struct sb out = SB_INIT;

	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			char *slash = out.len ? strrchr(out.buf, '/') : NULL;

			sb_trunc(&out, slash ? (size_t)(slash - out.buf) : 0);
		} else if (len && !(len == 1 && path[0] == '.')) {
			sb_addch(&out, '/');
			sb_addn(&out, path, len);
		}
		path += len;
	}
	if (!out.len)
		sb_addch(&out, '/');
	return sb_take(&out);
}

char *path_join(const char *dir, const char *name)
{
	return xasprintf("%s%s%s", dir, str_ends(dir, "/") ? "" : "/", name);
}

int path_from_cwd(const char *path, char **ret, struct err *err)
{
	autofree char *cwd = NULL;

	if (path[0] == '/') {
		*ret = xstrdup(path);
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return err_sys(err, "current directory");
	*ret = path_join(cwd, path);
	return 0;
}

int path_absolute(const char *path, char **ret, struct err *err)
{
	autofree char *full = NULL;
	int r = path_from_cwd(path, &full, err);

	if (r == 0)
		*ret = path_clean(full);
	return r;
}
