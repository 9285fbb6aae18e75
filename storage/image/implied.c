/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A layer that holds tmp/f but no entry for tmp/ gets a tmp of its own when
 * it is unpacked alone, 0755 and root's, and overlayfs shows that one instead
 * of the 1777 of the layer below.  bryo-layer lists such directories.  When
 * an image is committed, implied_find() looks which of them come out on top
 * and which layer below has the real entry; the answer is kept in the image's
 * row.  store_upper_make() then makes these directories in a new container's
 * upper layer, where they win.  Most images have none.
 */
#include "storage/image/implied.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/driver/meta.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

/* More than any honest image has; the rest keep the defaults. */
#define IMPLIED_MAX 20000
#define LINES_MAX ((size_t)IMPLIED_MAX * 4200)

/**
 * struct stack - the open layers of one image, top first
 */
struct stack {
	size_t n;
	int *fd;		 /* owned descriptors */
	struct layer_info *info; /* owned */
};

static void stack_done(struct stack *st)
{
	for (size_t i = 0; i < st->n; i++) {
		close_fd(st->fd[i]);
		layer_info_done(&st->info[i]);
	}
	free(st->fd);
	free(st->info);
}

static int stack_open(struct store *s, char *const *layers, struct stack *st,
		      struct err *err)
{
	size_t n = strv_len(layers);

	st->fd = xcalloc(n ? n : 1, sizeof(*st->fd));
	st->info = xcalloc(n ? n : 1, sizeof(*st->info));
	for (size_t i = 0; i < n; i++) {
		int r = layer_read(s, layers[i], &st->info[i], err);

		if (r < 0)
			return r;
		st->fd[i] = layer_open(s, layers[i]);
		st->n = i + 1;
		if (st->fd[i] < 0)
			return err_code(err, st->fd[i], "open layer %.12s",
					layers[i]);
		strv_sort(st->info[i].implied);
	}
	return 0;
}

static int compare_text(const void *key, const void *elem)
{
	return strcmp(key, *(char *const *)elem);
}

static bool is_implied(const struct layer_info *info, const char *path)
{
	size_t n = strv_len(info->implied);

	return n && bsearch(path, info->implied, n, sizeof(char *),
			    compare_text);
}

enum look {
	LOOK_NONE, /* the layer says nothing of the path */
	LOOK_DIR,  /* has a directory there */
	LOOK_STOP, /* hides what lower layers have there */
};

/* ".wh.NAME" beside @path, or ".wh..wh..opq" in it: whiteouts as files */
static bool has_mark(int layer, const char *path, bool opaque)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path) + 1 : 0;
	autofree char *mark = opaque ?
		xasprintf("%s/.wh..wh..opq", path) :
		xasprintf("%.*s.wh.%s", dir_len, path, path + dir_len);

	autoclose int fd = path_open(layer, mark, O_PATH | O_NOFOLLOW);
	return fd >= 0;
}

/* One prefix of a path; *opaque is set when it hides what is below. */
static enum look look_at(int layer, const char *path, bool *opaque)
{
	struct stat st;

	autoclose int fd = path_open(layer, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return *opaque || has_mark(layer, path, false) ? LOOK_STOP :
								 LOOK_NONE;
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return LOOK_STOP;
	*opaque = *opaque || meta_is_opaque(fd) || has_mark(layer, path, true);
	return LOOK_DIR;
}

static enum look look(int layer, const char *path, bool *opaque)
{
	autofree char *prefix = xstrdup(path);
	enum look found;

	*opaque = false;
	for (char *p = strchr(prefix, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		found = look_at(layer, prefix, opaque);
		*p = '/';
		if (found != LOOK_DIR)
			return found;
	}
	return look_at(layer, prefix, opaque);
}

/* The layer, from @from downwards, that has a real entry for directory @path;
 * -1 none that would show. */
static ssize_t find_entry(const struct stack *st, size_t from,
			  const char *path)
{
	for (size_t i = from; i < st->n; i++) {
		bool opaque;
		enum look found = look(st->fd[i], path, &opaque);

		if (found == LOOK_STOP)
			return -1;
		if (found == LOOK_NONE)
			continue;
		if (!is_implied(&st->info[i], path))
			return (ssize_t)i;
		if (opaque)
			return -1;
	}
	return -1;
}

/* No layer above @i says anything of @path. */
static bool is_on_top(const struct stack *st, size_t i, const char *path)
{
	bool opaque;

	for (size_t up = 0; up < i; up++)
		if (look(st->fd[up], path, &opaque) != LOOK_NONE)
			return false;
	return true;
}

static bool path_is_safe(const char *path)
{
	return *path && *path != '/' && !strchr(path, '\n');
}

/* @path, and its parents: made in the upper layer, they too are on top. */
static void note(const struct stack *st, const char *path, char *const *layers,
		 char ***out)
{
	autofree char *prefix = xstrdup(path);
	ssize_t from;

	for (char *p = strchr(prefix, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		from = find_entry(st, 0, prefix);
		if (from >= 0)
			strv_addf(out, "%s\n%s", prefix, layers[from]);
		*p = '/';
	}
	from = find_entry(st, 0, path);
	if (from >= 0)
		strv_addf(out, "%s\n%s", path, layers[from]);
}

static void collect(const struct stack *st, size_t i, char *const *layers,
		    char ***out, size_t *left)
{
	for (char **p = st->info[i].implied; p && *p && *left; p++, --*left) {
		if (streq(*p, ".") || !path_is_safe(*p))
			continue;
		if (is_on_top(st, i, *p) && find_entry(st, i, *p) >= 0)
			note(st, *p, layers, out);
	}
}

/* Parents first, each once, as "HEX PATH" lines. */
static char *lines_of(char **found)
{
	autosb struct sb out = SB_INIT;
	const char *last = NULL;

	strv_sort(found);
	for (; found && *found; found++) {
		const char *hex = strchr(*found, '\n');

		if (streq(last, *found))
			continue;
		sb_addf(&out, "%s %.*s\n", hex + 1, (int)(hex - *found),
			*found);
		last = *found;
	}
	return out.len ? sb_take(&out) : NULL;
}

static uint32_t root_mode(const struct stack *st)
{
	ssize_t i = find_entry(st, 0, ".");
	struct stat sb;

	if (i < 0 || fstat(st->fd[i], &sb) < 0)
		return 0755;
	return sb.st_mode & 07777;
}

static bool any_paths(const struct stack *st)
{
	for (size_t i = 0; i < st->n; i++)
		for (char **p = st->info[i].implied; p && *p; p++)
			if (!streq(*p, "."))
				return true;
	return false;
}

struct search {
	const struct stack *st;
	char *const *layers;
	int out; /* memfd for the lines */
};

static int search_child(void *arg, struct err *err)
{
	const struct search *find = arg;
	autostrv char **found = NULL;
	autofree char *lines = NULL;
	size_t left = IMPLIED_MAX;
	int r;

	for (size_t i = 0; i < find->st->n; i++)
		collect(find->st, i, find->layers, &found, &left);
	lines = lines_of(found);
	r = lines ? fd_write_full(find->out, lines, strlen(lines)) : 0;
	return r < 0 ? err_code(err, r, "write a memory file") : 0;
}

/* In a child in U: directories may be closed to everybody but a subuid. */
static int search(struct store *s, const struct stack *st, char *const *layers,
		  char **ret, struct err *err)
{
	autoclose int out = fd_memory("bryo-implied", err);
	struct search find = { st, layers, out };
	autosb struct sb text = SB_INIT;
	int r;

	if (out < 0)
		return out;
	r = store_fork(s, search_child, &find, err);
	if (r < 0)
		return r;
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_sys(err, "seek in a memory file");
	r = fd_read_all(out, LINES_MAX, &text);
	if (r < 0)
		return err_code(err, r, "read a memory file");
	*ret = text.len ? sb_take(&text) : NULL;
	return 0;
}

int implied_find(struct store *s, char *const *layers, uint32_t *ret_mode,
		 char **ret, struct err *err)
{
	cleanup(stack_done) struct stack st = { 0 };
	int r = stack_open(s, layers, &st, err);

	if (r < 0)
		return r;
	*ret_mode = root_mode(&st);
	*ret = NULL;
	return any_paths(&st) ? search(s, &st, layers, ret, err) : 0;
}

/* ---- the container's side ----------------------------------------------- */

struct upper {
	struct store *s;
	int fd;
	const char *lines;
};

static int make_one(struct store *s, int upper, const char *hex,
		    const char *path, struct err *err)
{
	autoclose int layer = layer_open(s, hex);
	if (layer < 0)
		return err_code(err, layer, "open layer %.12s", hex);
	autoclose int from = path_open(layer, path, O_PATH | O_DIRECTORY |
				       O_NOFOLLOW);
	if (from < 0)
		return err_code(err, from, "open %s of layer %.12s", path,
				hex);
	autoclose int to = path_mkdirs(upper, path, 0755);
	if (to < 0)
		return err_code(err, to, "make directory %s", path);
	return meta_copy(from, to, META_DIR, err);
}

static int make_child(void *arg, struct err *err)
{
	const struct upper *u = arg;
	autostrv char **lines = strv_split(u->lines, '\n');
	int r = 0;

	for (char **line = lines; r == 0 && line && *line; line++) {
		char *path = strchr(*line, ' ');

		if (!path)
			continue;
		*path++ = '\0';
		r = make_one(u->s, u->fd, *line, path, err);
	}
	return r;
}

int store_upper_make(struct store *s, const struct image *img, int dirfd,
		     const char *name, struct err *err)
{
	autofree char *lines = NULL;
	mode_t mode = 0755;
	struct db_stmt *st;
	int r;

	st = db_prep(s->conf.db, err, "SELECT root_mode, implied FROM image"
		     " WHERE id = ?", "s", img->id);
	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 1) {
		mode = (mode_t)db_i64(st, 0) & 07777;
		lines = xstrdup(db_str(st, 1));
	}
	db_done(st);
	if (r < 0)
		return r;
	if (mkdirat(dirfd, name, 0700) < 0)
		return err_sys(err, "make directory %s", name);
	struct upper u = { s, dir_open_at(dirfd, name), lines };
	autoclose int fd = u.fd;
	if (fd < 0)
		return err_code(err, fd, "open directory %s", name);
	if (fchmod(fd, mode) < 0)
		return err_sys(err, "chmod %s", name);
	return lines ? store_fork(s, make_child, &u, err) : 0;
}
