/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/core/files/cp_tree.h"
#include "libpod/core/files/cp_links.h"
#include "storage/layer/tarhdr.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/filecopy.h"

/*
 * Theory of operation
 *
 * The tar of `cp CONTAINER:PATH -`, written while the tree is walked.  As in
 * cp_tree.c nothing is followed and nothing looked up twice.  A file that
 * shrinks meanwhile is filled up with zeros: its header is out already.  A
 * further name of a file that is in the archive is a hard link (cp_links.h).
 */

#define DEPTH_MAX 400

struct tar {
	int out;
	struct sb name;		/* of the member */
	unsigned int depth;
	struct cp_links links;
};

static int put(const struct tar *t, const void *data, size_t len,
	       struct err *err)
{
	int r = fd_write_full(t->out, data, len);

	return r < 0 ? err_code(err, r, "write the archive") : 0;
}

static int put_header(const struct tar *t, char type, const struct stat *st,
		      const char *link, struct err *err)
{
	autosb struct sb out = SB_INIT;
	const struct tar_member m = {
		.type = type,
		.name = t->name.buf,
		.link = link,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = type == '0' ? (uint64_t)st->st_size : 0,
		.mtime = st->st_mtim,
		.pax = "",
	};

	tar_header(&out, &m);
	return put(t, out.buf, out.len, err);
}

static int put_zeros(const struct tar *t, uint64_t n, struct err *err)
{
	static const char zeros[65536];
	int r = 0;

	for (; r == 0 && n > 0; n -= MIN(n, sizeof(zeros)))
		r = put(t, zeros, MIN(n, sizeof(zeros)), err);
	return r;
}

static int put_data(const struct tar *t, int fd, uint64_t size,
		    struct err *err)
{
	static char buf[262144];
	uint64_t left = size;
	int r = 0;

	while (r == 0 && left > 0) {
		ssize_t n = read(fd, buf, MIN(left, sizeof(buf)));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read %s", t->name.buf);
		if (n == 0)
			break;
		r = put(t, buf, (size_t)n, err);
		left -= (uint64_t)n;
	}
	return r < 0 ? r : put_zeros(t, left + tar_padding(size), err);
}

static int put_text(const struct tar *t, const struct sb *text,
		    struct err *err)
{
	int r = put(t, text->buf, text->len, err);

	return r < 0 ? r : put_zeros(t, tar_padding(text->len), err);
}

static int put_tree(struct tar *t, int dir, struct err *err);

static int put_regular(struct tar *t, int fd, const struct stat *st,
		       struct err *err)
{
	const struct cp_link *seen = cp_links_find(&t->links, st);
	autosb struct sb text = SB_INIT;
	struct stat meta = *st;
	int generated;
	int r;

	if (seen)
		return put_header(t, '1', st, seen->name, err);
	generated = file_read_generated(fd, st, &text);
	if (generated < 0)
		return err_code(err, generated, "read %s", t->name.buf);
	if (generated)
		meta.st_size = (off_t)text.len;
	r = put_header(t, '0', &meta, "", err);
	if (r == 0 && generated)
		r = put_text(t, &text, err);
	else if (r == 0)
		r = put_data(t, fd, (uint64_t)st->st_size, err);
	if (r == 0)
		cp_links_add(&t->links, st, -EBADF, t->name.buf);
	return r;
}

static int put_open(struct tar *t, int fd, struct err *err)
{
	size_t len = t->name.len;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", t->name.buf);
	if (S_ISREG(st.st_mode))
		return put_regular(t, fd, &st, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_FAIL, ESTALE,
			       "%s was replaced meanwhile", t->name.buf);
	sb_addch(&t->name, '/');
	r = put_header(t, '5', &st, "", err);
	if (r == 0)
		r = put_tree(t, fd, err);
	sb_trunc(&t->name, len);
	return r;
}

static int put_entry(struct tar *t, int dir, const char *name,
		     struct err *err)
{
	char link[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "stat %s",
						     t->name.buf);
	if (S_ISFIFO(st.st_mode))
		return put_header(t, '6', &st, "", err);
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(dir, name, link, sizeof(link) - 1);
		if (n < 0)
			return err_sys(err, "read %s", t->name.buf);
		link[n] = '\0';
		return put_header(t, '2', &st, link, err);
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	autoclose int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW |
						     O_NONBLOCK | O_NOCTTY |
						     O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open %s", t->name.buf) :
			put_open(t, fd, err);
}

static int put_tree(struct tar *t, int dir, struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	size_t len = t->name.len;
	const struct dirent *e;
	int r = d ? 0 : err_sys(err, "read %s", t->name.buf);

	if (++t->depth > DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ELOOP,
			       "%.200s: too many directories in each other",
			       t->name.buf);
	while (r == 0 && (r = dir_next(d, &e, err)) > 0) {
		sb_add(&t->name, e->d_name);
		r = put_entry(t, dir, e->d_name, err);
		sb_trunc(&t->name, len);
	}
	t->depth--;
	return r;
}

int cp_tar(int from, const char *name, int out, struct err *err)
{
	struct tar t = { .out = out, .name = SB_INIT };
	int r;

	sb_add(&t.name, name);
	r = *name ? put_open(&t, from, err) : put_tree(&t, from, err);
	if (r == 0)
		r = put_zeros(&t, 2 * TAR_BLOCK, err);
	cp_links_done(&t.links);
	sb_done(&t.name);
	return r;
}
