/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * log_writer_add() gets the bytes of one read(2) of the payload's output,
 * stamps all of them with one time, cuts them into records in a buffer and
 * writes the buffer whenever it is full and at the end: one system call for
 * many lines.  A line that is not finished at the end of a read is written at
 * once as a piece (tag P), so that a prompt shows in `logs -f`; the next read
 * goes on with the rest.  No state is needed for that in k8s-file; json-file
 * must not cut a character in two and carries up to three bytes over.
 *
 * A file holds whole records only.  A record that would make it longer than
 * size_max goes into the next one, and so does a piece of a line whose rest
 * might not fit behind it: ordinary lines lie in one file.  A write that the
 * disk cuts short is undone to the last whole record.  The rest is dropped and
 * counted, and when there is space again a record in the log itself says how
 * much is missing.
 *
 * With @blocking a full disk is waited for instead: the writer is stuck with
 * the records in its buffer and the rest of the bytes still its caller's, who
 * reads nothing more from the payload and tries again.
 *
 * journald gets each record as a datagram; a send timeout on the socket keeps
 * a journald that hangs from hanging us.
 *
 * Rotation renames from the oldest on; a crash between two renames leaves a
 * gap in the numbers, which the reader does not mind.  Files are opened
 * beneath the container's directory and never through a link.
 */
#include "libpod/monitor/log_write.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/cleanup.h"

#define K8S_HEAD "2006-01-02T15:04:05.000000000+00:00 stdout F "
#define K8S_HEAD_LEN (sizeof(K8S_HEAD) - 1)
#define LINE_REST 4096	/* of a log: longer lines may begin in another file */

_Static_assert(LOG_RECORD_MAX + LOG_EXTRA_MAX + LOG_OVERHEAD <= LOG_BUFFER,
	       "a record fits the buffer");
_Static_assert(LOG_PIECE_K8S + LOG_OVERHEAD <= LOG_BUFFER,
	       "a record fits the buffer");

static const char *file_name(const struct log_writer *w, uint32_t n,
			     char buf[LOG_NAME_MAX])
{
	if (n == 0)
		return w->name;
	snprintf(buf, LOG_NAME_MAX, "%s.%" PRIu32, w->name, n);
	return buf;
}

/* The end of the last whole record in a file of @size bytes. */
static int64_t whole_size(int fd, int64_t size)
{
	char block[4096];

	while (size > 0) {
		int64_t n = MIN((int64_t)sizeof(block), size);
		const char *nl;

		if (pread(fd, block, (size_t)n, size - n) != n)
			return size;
		nl = memrchr(block, '\n', (size_t)n);
		if (nl)
			return size - n + (nl - block) + 1;
		size -= n;
	}
	return 0;
}

static void open_file(struct log_writer *w)
{
	autoclose int fd = openat(w->dir_fd, w->name, O_RDWR | O_APPEND |
				  O_CREAT | O_CLOEXEC | O_NOFOLLOW |
				  O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;
	int64_t whole;

	if (fd < 0 || fstat(fd, &st) < 0) {
		w->cause = errno;
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		w->cause = EINVAL;
		return;
	}
	whole = whole_size(fd, st.st_size);
	if (whole != st.st_size && ftruncate(fd, whole) < 0) {
		w->cause = errno;
		return;
	}
	w->size = (uint64_t)whole;
	w->fd = take_fd(fd);
}

/* Close the newest file; the next write makes a new one. */
static void rotate(struct log_writer *w)
{
	char from[LOG_NAME_MAX], to[LOG_NAME_MAX];

	close_fd(w->fd);
	w->size = 0;
	/* not replaced by a rename: ext4 writes the new file out then */
	unlinkat(w->dir_fd, file_name(w, w->files_max - 1, to), 0);
	for (uint32_t n = w->files_max - 1; n > 0; n--)
		renameat(w->dir_fd, file_name(w, n - 1, from), w->dir_fd,
			 file_name(w, n, to));
	open_file(w);
}

/* ---- out of space ---------------------------------------------------- */

static void drop(struct log_writer *w, size_t from, int cause)
{
	if (from < w->marker)
		from = w->marker;	/* our own words are no loss */
	w->dropped += w->len - from;
	w->unmarked += w->len - from;
	w->cause = cause;
}

/* What passes when somebody makes room. */
static bool waits_for(int cause)
{
	return cause == ENOSPC || cause == EDQUOT;
}

static ssize_t write_buffer(struct log_writer *w)
{
	ssize_t n = -1;

	if (w->fd < 0)
		open_file(w);
	if (w->fd < 0)
		return -1;
	do
		n = write(w->fd, w->buf, w->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		w->cause = errno;
	return n;
}

/* Of the first @n bytes of the buffer, which are in the file, only whole
 * records stay there.  Return: how many bytes these are */
static size_t cut_torn(struct log_writer *w, size_t n)
{
	const char *nl = memrchr(w->buf, '\n', n);
	size_t whole = nl ? (size_t)(nl - w->buf) + 1 : 0;

	w->cause = ENOSPC;
	if (ftruncate(w->fd, (off_t)(w->size + whole)) < 0)
		close_fd(w->fd);	/* opening it again repairs */
	return whole;
}

/* A blocking log keeps what did not fit and waits for room. */
static void keep_rest(struct log_writer *w, size_t whole)
{
	w->stuck = true;
	w->len -= whole;
	memmove(w->buf, w->buf + whole, w->len);
	w->marker = whole < w->marker ? w->marker - whole : 0;
}

static void flush(struct log_writer *w)
{
	size_t whole = 0;
	ssize_t n;

	if (!w->len)
		return;
	n = write_buffer(w);
	if (n > 0)
		whole = (size_t)n < w->len ? cut_torn(w, (size_t)n) : w->len;
	if (w->marker && whole >= w->marker)
		w->unmarked = 0;
	w->size += whole;
	if (whole < w->len && w->blocking && waits_for(w->cause)) {
		keep_rest(w, whole);
		return;
	}
	if (whole < w->len)
		drop(w, whole, w->cause);
	w->len = 0;
	w->marker = 0;
}

/* ---- records --------------------------------------------------------- */

/* The rest of a line that a read cut in two should find room behind its
 * beginning: who follows slower than files are rotated loses whole lines. */
static size_t room_for_rest(const struct log_writer *w)
{
	return (size_t)MIN(LINE_REST, w->size_max / 4);
}

/* The next @len bytes go into this file, or into a new one. */
static void pick_file(struct log_writer *w, size_t len, bool partial)
{
	if (partial)
		len += room_for_rest(w);
	if (!w->size_max || w->size + w->len + len <= w->size_max)
		return;
	flush(w);
	if (!w->stuck && w->size > 0 && w->size + len > w->size_max)
		rotate(w);
}

/* These return false when the record has no room: the writer is stuck. */
static bool put_k8s(struct log_writer *w, enum log_stream stream,
		    const char *text, size_t len, bool partial)
{
	const size_t n = K8S_HEAD_LEN + len + 1;
	char *to;

	pick_file(w, n, partial);
	if (w->len + n > LOG_BUFFER)
		flush(w);
	if (w->len + n > LOG_BUFFER)
		return false;
	to = w->buf + w->len;
	memcpy(to, K8S_HEAD, K8S_HEAD_LEN);
	memcpy(to, w->time, LOG_TIME_LEN);
	if (stream == LOG_STDERR)
		memcpy(to + LOG_TIME_LEN + 10, "err", 3);
	if (partial)
		to[K8S_HEAD_LEN - 2] = 'P';
	memcpy(to + K8S_HEAD_LEN, text, len);
	to[K8S_HEAD_LEN + len] = '\n';
	w->len += n;
	return true;
}

/* How long a record is shows when it is there: it is made behind the buffer's
 * end and moves to the front should it have to go into the next file. */
static bool put_json(struct log_writer *w, enum log_stream stream,
		     const char *text, size_t len, bool partial)
{
	const size_t room = len * 6 + LOG_OVERHEAD + LOG_EXTRA_MAX;
	const char *from;
	size_t n;

	if (w->len + room > LOG_BUFFER)
		flush(w);
	if (w->len + room > LOG_BUFFER)
		return false;
	from = w->buf + w->len;
	n = log_json_put(w->buf + w->len, stream, w->time, w->extra, text, len,
			 partial);
	pick_file(w, n, partial);
	memmove(w->buf + w->len, from, n);
	w->len += n;
	return true;
}

/* One datagram of the journal's native protocol: "NAME=value\n" fields, the
 * text with its length in front, as it may hold anything. */
static bool send_journal(struct log_writer *w, enum log_stream stream,
			 const char *text, size_t len, bool partial)
{
	static char head[] = "MESSAGE\n", end[] = "\n";
	static char piece[] = "CONTAINER_PARTIAL_MESSAGE=true\n";
	static char out[] = "PRIORITY=6\n", error[] = "PRIORITY=3\n";
	const uint64_t size = htole64(len);
	char *priority = stream == LOG_STDERR ? error : out;
	struct iovec iov[] = {
		{ (void *)(uintptr_t)w->extra, strlen(w->extra) },
		{ priority, strlen(priority) },
		{ piece, partial ? sizeof(piece) - 1 : 0 },
		{ head, sizeof(head) - 1 },
		{ (void *)(uintptr_t)&size, sizeof(size) },
		{ (void *)(uintptr_t)text, len },
		{ end, 1 },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov) };
	ssize_t n;

	do
		n = sendmsg(w->fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		w->cause = errno;
	return n >= 0;
}

static bool put(struct log_writer *w, enum log_stream stream, const char *text,
		size_t len, bool partial)
{
	if (w->driver == LOGDRV_JSON_FILE)
		return put_json(w, stream, text, len, partial);
	if (w->driver == LOGDRV_K8S_FILE)
		return put_k8s(w, stream, text, len, partial);
	if (!send_journal(w, stream, text, len, partial)) {
		w->dropped += len;
		w->unmarked += len;
	}
	return true;
}

/* Longest piece of a line, so that no record is longer than a whole file. */
static size_t piece_max(const struct log_writer *w)
{
	bool json = w->driver == LOGDRV_JSON_FILE;
	uint64_t max = json ? LOG_PIECE_JSON : LOG_PIECE_K8S;
	uint64_t fits = w->size_max;

	if (!fits)
		return (size_t)max;
	fits = fits > LOG_OVERHEAD ? fits - LOG_OVERHEAD : 0;
	if (json)
		fits /= 6;
	return (size_t)MAX(MIN(max, fits), 16);
}

/* How much of the next @n bytes the next record takes: a part ends at a
 * character's end. */
static size_t piece_len(const struct log_writer *w, const char *p, size_t n,
			size_t max)
{
	if (n <= max)
		return n;
	if (w->driver == LOGDRV_JSON_FILE)
		max -= log_utf8_cut(p, max);
	return max;
}

/* Should the writer get stuck, what is left is noted. */
static void put_lines(struct log_writer *w, enum log_stream stream,
		      const char *p, size_t len)
{
	const size_t max = piece_max(w);
	const char *end = p + len, *nl = memchr(p, '\n', len);

	while (p < end && !w->stuck) {
		size_t rest = (size_t)((nl ? nl : end) - p);
		size_t n = piece_len(w, p, rest, max);
		bool whole = nl && n == rest;

		if (!put(w, stream, p, n, !whole))
			break;
		p += n + whole;
		if (whole)
			nl = memchr(p, '\n', (size_t)(end - p));
	}
	w->rest.stream = stream;
	w->rest.data = p;
	w->rest.len = (size_t)(end - p);
}

/* What a full disk cost, as the first record once there is space again. */
static void put_marker(struct log_writer *w)
{
	char text[160];
	int len = snprintf(text, sizeof(text),
			   "[bryo: %" PRIu64 " bytes of log lost: %s]",
			   w->unmarked, err_reason(w->cause));

	if (w->driver != LOGDRV_JOURNALD) {
		put(w, LOG_STDERR, text, (size_t)len, false);
		w->marker = w->len;
	} else if (send_journal(w, LOG_STDERR, text, (size_t)len, false)) {
		w->unmarked = 0;
	}
}

/* json-file: finish the character that the last read began, hold back the one
 * that this read ends in. */
static void put_characters(struct log_writer *w, enum log_stream stream,
			   const char *data, size_t len)
{
	char *carry = w->carry[stream - 1].bytes;
	size_t *n = &w->carry[stream - 1].len, cut;

	while (*n && len && ((unsigned char)*data & 0xc0) == 0x80 &&
	       *n < log_utf8_len((unsigned char)carry[0])) {
		carry[(*n)++] = *data++;
		len--;
	}
	if (*n && !len && *n < log_utf8_len((unsigned char)carry[0]))
		return;
	if (*n)
		put(w, stream, carry, *n, true);
	cut = log_utf8_cut(data, len);
	memcpy(carry, data + len - cut, cut);
	*n = cut;
	put_lines(w, stream, data, len - cut);
}

/* ---- the interface --------------------------------------------------- */

static bool writes_file(const struct log_writer *w)
{
	return w->driver == LOGDRV_K8S_FILE || w->driver == LOGDRV_JSON_FILE;
}

static bool writes(const struct log_writer *w)
{
	return writes_file(w) || (w->driver == LOGDRV_JOURNALD && w->fd >= 0);
}

void log_writer_init(struct log_writer *w, const struct monitor_conf *c)
{
	w->driver = c->log_driver;
	w->dir_fd = c->log_dir_fd >= 0 ? c->log_dir_fd : c->dir_fd;
	w->name = c->log_name ? c->log_name : LOG_NAME;
	w->extra = c->log_extra ? c->log_extra : "";
	w->fd = w->driver == LOGDRV_JOURNALD ? c->journal_fd : -EBADF;
	w->size_max = c->log_size_max;
	w->files_max = MAX(c->log_files_max, 1);
	w->blocking = c->log_blocking;
	if (writes_file(w))
		open_file(w);
}

static void begin(struct log_writer *w, int64_t now_ns)
{
	log_time_text(now_ns, w->time);
	if (w->unmarked)
		put_marker(w);
}

void log_writer_add(struct log_writer *w, enum log_stream stream,
		    const char *data, size_t len, int64_t now_ns)
{
	if (!writes(w))
		return;
	begin(w, now_ns);
	if (w->driver == LOGDRV_JSON_FILE)
		put_characters(w, stream, data, len);
	else
		put_lines(w, stream, data, len);
	if (writes_file(w) && !w->stuck)
		flush(w);
}

bool log_writer_retry(struct log_writer *w, int64_t now_ns)
{
	if (!w->stuck)
		return true;
	w->stuck = false;
	flush(w);
	if (w->stuck)
		return false;
	log_time_text(now_ns, w->time);
	put_lines(w, w->rest.stream, w->rest.data, w->rest.len);
	if (!w->stuck)
		flush(w);
	return !w->stuck;
}

void log_writer_give_up(struct log_writer *w, int64_t now_ns)
{
	w->blocking = false;
	log_writer_retry(w, now_ns);
}

void log_writer_done(struct log_writer *w, int64_t now_ns)
{
	if (!writes(w))
		return;
	log_writer_give_up(w, now_ns);
	begin(w, now_ns);
	for (int i = 0; i < 2; i++) {
		if (w->carry[i].len)
			put(w, i + 1, w->carry[i].bytes, w->carry[i].len, true);
	}
	if (writes_file(w)) {
		flush(w);
		close_fd(w->fd);
	}
}
