/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "storage/layer/tree.h"
#include "util/fd.h"
#include "util/str.h"

static void push(struct names *list, const char *name, size_t layer,
		 enum name_kind kind)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->v = xreallocarray(list->v, list->cap, sizeof(*list->v));
	}
	list->v[list->n++] = (struct name){ xstrdup(name), layer, kind };
}

/* Many file systems tell the type with the name, not all do. */
static int kind_of(int fd, const struct dirent *e, bool marks,
		   enum name_kind *ret, struct err *err)
{
	struct stat st;

	*ret = e->d_type == DT_DIR ? NAME_DIR : NAME_FILE;
	if (e->d_type != DT_UNKNOWN && !(marks && e->d_type == DT_CHR))
		return 0;
	if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "stat");
	if (S_ISDIR(st.st_mode))
		*ret = NAME_DIR;
	else if (marks && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		*ret = NAME_WHITEOUT;
	return 0;
}

static int add_one(struct names *list, int fd, const struct dirent *e,
		   size_t layer, bool marks, struct err *err)
{
	const char *hidden = str_after(e->d_name, WHITEOUT_PREFIX);
	enum name_kind kind;
	int r;

	if (streq(e->d_name, ".") || streq(e->d_name, ".."))
		return 0;
	if (marks && hidden) {
		/* ".wh..wh..opq" is looked for by name; others of the kind
		   were used by aufs and mean nothing */
		if (*hidden && !str_starts(hidden, WHITEOUT_PREFIX))
			push(list, hidden, layer, NAME_WHITEOUT);
		return 0;
	}
	r = kind_of(fd, e, marks, &kind, err);
	if (r == 0)
		push(list, e->d_name, layer, kind);
	return r;
}

int names_add(struct names *list, int fd, size_t layer, bool marks,
	      struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(fd, ".");
	const struct dirent *e;
	int r = d ? 0 : err_sys(err, "open");

	while (r == 0 && (r = dir_next(d, &e, err)) > 0)
		r = add_one(list, fd, e, layer, marks, err);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	/* what a layer has comes before what it hides */
	return (int)x->kind - (int)y->kind;
}

void names_sort(struct names *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), compare);
}

void names_done(struct names *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].name);
	free(list->v);
	*list = (struct names)NAMES_INIT;
}
