/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The writer renames its files while we open them.  They are opened from the
 * newest number to the oldest; when the name without one is still the same
 * file after that, nothing was renamed meanwhile, else all is done again.
 *
 * Lines are handed out from one fixed buffer, forwards or backwards.  A line
 * that does not fit is passed over: the writer makes none.  What has no
 * newline yet is not a line.
 */
#include "libpod/monitor/log_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libpod/monitor/log_write.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

#define OPEN_TRIES 50

/* ---- files ----------------------------------------------------------- */

void log_files_done(struct log_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		close(f->v[i].fd);
	f->n = 0;
}

/* Which numbers there are: the name alone is 0. */
static int list_numbers(int dir_fd, const char *base,
			bool present[LOG_FILES_MAX])
{
	autoclosedir DIR *dir = dir_stream_at(dir_fd, ".");
	const struct dirent *e;

	if (!dir)
		return -errno;
	while (dir_next(dir, &e, NULL) > 0) {
		const char *rest = str_after(e->d_name, base);
		uint32_t n = 0;

		if (!rest)
			continue;
		if (*rest && (*rest != '.' || parse_u32(rest + 1, &n) < 0 ||
			      n == 0 || n >= LOG_FILES_MAX))
			continue;
		present[n] = true;
	}
	return 0;
}

static int open_one(int dir_fd, const char *base, uint32_t n,
		    struct log_file *ret)
{
	char name[LOG_NAME_MAX];
	struct stat st;

	if (n == 0)
		snprintf(name, sizeof(name), "%s", base);
	else
		snprintf(name, sizeof(name), "%s.%u", base, n);
	autoclose int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC |
				  O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->fd = take_fd(fd);
	return 0;
}

static bool same_file(const struct log_file *a, const struct log_file *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

static void reverse(struct log_files *f)
{
	for (size_t i = 0; i < f->n / 2; i++) {
		struct log_file t = f->v[i];

		f->v[i] = f->v[f->n - 1 - i];
		f->v[f->n - 1 - i] = t;
	}
}

/* @file goes behind the others, unless it is @than or known already. */
static bool take_file(struct log_files *f, struct log_file file,
		      const struct log_file *than)
{
	bool last = than && same_file(&file, than);

	if (last || (f->n > 0 && same_file(&file, &f->v[f->n - 1])))
		close(file.fd);
	else
		f->v[f->n++] = file;
	return last;
}

/* Nothing was renamed while we went through the numbers. */
static bool is_quiet(int dir_fd, const char *base, const struct log_files *f,
		     const struct log_file *than, bool found)
{
	struct stat st;

	if (than && !found && fstat(than->fd, &st) == 0 && st.st_nlink > 0)
		return false;
	if (fstatat(dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return f->n == 0;
	return f->n ? st.st_ino == f->v[0].ino && st.st_dev == f->v[0].dev :
		      found;
}

/* One walk, newest first; *quiet: it can be trusted. */
static int open_all(int dir_fd, const char *base, const struct log_file *than,
		    struct log_files *f, bool *quiet, struct err *err)
{
	bool present[LOG_FILES_MAX] = { true }, found = false;

	for (uint32_t i = 0; i < LOG_FILES_MAX && !found; i++) {
		struct log_file file = { -EBADF, 0, 0 };
		int r;

		/* listed once the newest is open: renames after that show */
		if (i == 1) {
			r = list_numbers(dir_fd, base, present);
			if (r < 0)
				return err_code(err, r, "list the log files");
		}
		/* it may have moved up by one since it was listed */
		if (!present[i] && (i == 0 || !present[i - 1]))
			continue;
		r = open_one(dir_fd, base, i, &file);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return err_code(err, r, "open log file %u", i);
		found = take_file(f, file, than);
	}
	*quiet = is_quiet(dir_fd, base, f, than, found);
	return 0;
}

/* They are renamed faster than we can look: rather a gap than disorder. */
static void newest_only(int dir_fd, const char *base,
			const struct log_file *than, struct log_files *f)
{
	struct log_file file = { -EBADF, 0, 0 };

	log_files_done(f);
	if (open_one(dir_fd, base, 0, &file) == 0)
		take_file(f, file, than);
}

int log_files_open(int dir_fd, const char *base, const struct log_file *than,
		   struct log_files *ret, struct err *err)
{
	const struct timespec pause = { 0, 200000 };
	struct log_files f = { .n = 0 };
	bool quiet = false;

	for (int tries = 0; tries < OPEN_TRIES && !quiet; tries++) {
		int r;

		log_files_done(&f);
		if (tries > 0)
			nanosleep(&pause, NULL);
		r = open_all(dir_fd, base, than, &f, &quiet, err);
		if (r < 0) {
			log_files_done(&f);
			return r;
		}
	}
	if (!quiet)
		newest_only(dir_fd, base, than, &f);
	reverse(&f);
	*ret = f;
	return 0;
}

/* ---- lines, forwards ------------------------------------------------- */

void log_lines_forward(struct log_lines *l, int fd, int64_t from)
{
	l->fd = fd;
	l->pos = from;
	l->at = 0;
	l->end = 0;
	l->skip = false;
}

static ssize_t read_at(int fd, char *buf, size_t len, int64_t pos)
{
	ssize_t n;

	do
		n = pread(fd, buf, len, pos);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* More bytes behind those not handed out yet. */
static ssize_t fill_forward(struct log_lines *l)
{
	struct stat st;
	ssize_t n;

	memmove(l->buf, l->buf + l->at, l->end - l->at);
	l->pos += (int64_t)l->at;
	l->end -= l->at;
	l->at = 0;
	if (l->end == sizeof(l->buf)) {
		l->pos += (int64_t)l->end;
		l->end = 0;
		l->skip = true;
	}
	n = read_at(l->fd, l->buf + l->end, sizeof(l->buf) - l->end,
		    l->pos + (int64_t)l->end);
	if (n > 0)
		l->end += (size_t)n;
	/* The writer cut an unfinished record off: what we hold is void. */
	if (n == 0 && l->end && fstat(l->fd, &st) == 0 &&
	    st.st_size < l->pos + (int64_t)l->end)
		l->end = 0;
	return n;
}

int log_lines_next(struct log_lines *l, struct log_line *ret)
{
	for (;;) {
		char *start = l->buf + l->at;
		char *nl = memchr(start, '\n', l->end - l->at);
		ssize_t n;

		if (nl) {
			bool skipped = l->skip;

			ret->text = start;
			ret->len = (size_t)(nl - start);
			ret->offset = l->pos + (int64_t)l->at;
			l->at += ret->len + 1;
			l->skip = false;
			if (skipped)
				continue;
			return 1;
		}
		n = fill_forward(l);
		if (n <= 0)
			return (int)n;
	}
}

/* ---- lines, backwards ------------------------------------------------ */

int log_lines_backward(struct log_lines *l, int fd)
{
	int64_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		return -errno;
	l->fd = fd;
	l->pos = size;
	l->at = 0;
	l->end = 0;
	l->skip = true;
	return 0;
}

/* More bytes in front of those not handed out yet; 0 at the beginning. */
static int fill_backward(struct log_lines *l)
{
	size_t n;
	ssize_t got;

	if (l->pos == 0)
		return 0;
	if (l->end == sizeof(l->buf)) {
		l->end = 0;
		l->skip = true;
	}
	n = (size_t)MIN((int64_t)(sizeof(l->buf) - l->end), l->pos);
	memmove(l->buf + n, l->buf, l->end);
	got = read_at(l->fd, l->buf, n, l->pos - (int64_t)n);
	if (got < 0)
		return (int)got;
	if ((size_t)got != n)
		return -EIO;	/* cut off under our hands */
	l->pos -= (int64_t)n;
	l->end += n;
	return 1;
}

/* Drop what follows the last newline. */
static void skip_tail(struct log_lines *l)
{
	const char *nl = memrchr(l->buf, '\n', l->end);

	if (!nl) {
		l->end = 0;
		return;
	}
	l->end = (size_t)(nl - l->buf) + 1;
	l->skip = false;
}

int log_lines_prev(struct log_lines *l, struct log_line *ret)
{
	for (;;) {
		const char *nl = NULL;
		size_t from;
		int r;

		if (l->skip)
			skip_tail(l);
		if (l->end > 0)
			nl = memrchr(l->buf, '\n', l->end - 1);
		if (l->end > 0 && (nl || l->pos == 0)) {
			from = nl ? (size_t)(nl - l->buf) + 1 : 0;
			ret->text = l->buf + from;
			ret->len = l->end - from - 1;
			ret->offset = l->pos + (int64_t)from;
			l->end = from;
			return 1;
		}
		r = fill_backward(l);
		if (r <= 0)
			return r;
	}
}
