/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Used by `bryo logs`, in the CLI, while the monitor may be writing.  All
 * files are opened at once, so that rotation cannot pull one away, and read
 * oldest first.  With follow the newest file is polled (no inotify: its limit
 * is per user and may be 0) and, when the name belongs to another file, read
 * to its end before its successors are.
 *
 * The tail is found from the end backwards.  A record begins a logical line
 * when the record before it in the same stream was whole; that is known only
 * once that earlier record was seen, so each stream has one undecided record
 * at a time.  The scan stops when the N-th start is decided and nothing
 * undecided lies behind it.  Going forward from there, records of the other
 * stream that finish a line which began earlier are left out.
 */
#include "libpod/monitor/log_read.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libpod/monitor/log_files.h"
#include "libpod/monitor/log_write.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/str.h"

#define POLL_MIN_MS 10
#define POLL_MAX_MS 200

/* Where a record is */
struct place {
	size_t file;
	int64_t offset;
};

/**
 * struct tail - the backward scan
 * @starts:    records that begin a line, in the order they were decided; owned
 * @n_of:      how many of them each stream has
 * @end:       nothing from here on was looked at
 * @undecided: the earliest record seen of each stream
 * @later:     starts of the other stream that come after that record
 * @maybe:     the other stream's undecided record comes after it too
 */
struct tail {
	struct place *starts;
	size_t n, cap;
	size_t want;
	size_t n_of[2];
	struct place end;
	struct place undecided[2];
	bool has[2];
	size_t later[2];
	bool maybe[2];
};

struct reader {
	int dir_fd;
	const char *name;
	const struct log_read_opts *opts;
	log_rec_fn fn;
	void *arg;
	struct log_files files;
	struct tail tail;
	bool begun[2];		/* forward: first record of stream was seen */
	bool leave_out[2];	/* until the end of its line */
	struct log_lines lines;
};

static void reader_free(struct reader **r)
{
	if (!*r)
		return;
	log_files_done(&(*r)->files);
	free((*r)->tail.starts);
	free(*r);
}

static bool is_wanted(const struct log_read_opts *o, const struct log_rec *rec)
{
	if (o->since_ns && rec->time_ns < o->since_ns)
		return false;
	return !o->until_ns || rec->time_ns < o->until_ns;
}

/* ---- the tail -------------------------------------------------------- */

static int place_cmp(const struct place *a, const struct place *b)
{
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return 0;
}

static int latest_first(const void *a, const void *b)
{
	return place_cmp(b, a);
}

/* The undecided record of stream @s begins a line. */
static void decide(struct tail *t, int s)
{
	t->has[s] = false;
	if (t->maybe[!s])
		t->later[!s]++;
	if (t->n_of[s] >= t->want)
		return;
	t->n_of[s]++;
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->starts = xreallocarray(t->starts, t->cap,
					  sizeof(*t->starts));
	}
	t->starts[t->n++] = t->undecided[s];
}

/* Enough lines come after each undecided record: nothing earlier counts. */
static bool tail_is_known(const struct tail *t)
{
	for (int s = 0; s < 2; s++) {
		if (t->has[s] && t->n_of[s] + t->later[s] < t->want)
			return false;
	}
	return t->n >= t->want;
}

static bool tail_add(struct tail *t, const struct log_rec *rec,
		     struct place place)
{
	int s = rec->stream - 1;
	bool decided = t->has[s] && !rec->partial;

	if (decided)
		decide(t, s);
	t->undecided[s] = place;
	t->has[s] = true;
	t->later[s] = t->n_of[!s];
	t->maybe[s] = t->has[!s];
	t->maybe[!s] = false;
	return decided && tail_is_known(t);
}

static int scan_file_backward(struct reader *r, size_t file, bool *known)
{
	struct log_line line;
	struct log_rec rec;
	int n = log_lines_backward(&r->lines, r->files.v[file].fd);

	if (n < 0)
		return n;
	while ((n = log_lines_prev(&r->lines, &line)) > 0) {
		struct place place = { file, line.offset };

		if (log_rec_parse(line.text, line.len, &rec) < 0 ||
		    !is_wanted(r->opts, &rec))
			continue;
		*known = tail_add(&r->tail, &rec, place);
		if (*known)
			return 0;
	}
	return n;
}

/* The end of all there is */
static struct place end_of(const struct reader *r)
{
	struct place p = { 0, 0 };

	if (r->files.n) {
		off_t end = lseek(r->files.v[r->files.n - 1].fd, 0, SEEK_END);

		p.file = r->files.n - 1;
		p.offset = MAX(end, 0);
	}
	return p;
}

/* Find the place that the tail starts at. */
static int find_tail(struct reader *r, struct place *ret, struct err *err)
{
	struct tail *t = &r->tail;
	bool known = false;

	t->want = (size_t)r->opts->tail;
	t->end = end_of(r);
	for (size_t i = r->files.n; i-- > 0 && !known;) {
		int n = scan_file_backward(r, i, &known);

		if (n < 0)
			return err_code(err, n, "read the log backwards");
	}
	for (int s = 0; s < 2 && !known; s++) {
		if (t->has[s])
			decide(t, s);
	}
	if (t->n)
		qsort(t->starts, t->n, sizeof(*t->starts), latest_first);
	if (t->n > t->want)
		t->n = t->want;
	if (t->n)
		*ret = t->starts[t->n - 1];
	return 0;
}

/* ---- forwards -------------------------------------------------------- */

/* Is it the rest of a line that began before the tail? */
static bool is_left_out(struct reader *r, const struct log_rec *rec,
			struct place place)
{
	const int s = rec->stream - 1;

	if (!r->begun[s] && r->tail.n && place_cmp(&place, &r->tail.end) < 0) {
		r->leave_out[s] = true;
		for (size_t i = 0; i < r->tail.n; i++) {
			if (place_cmp(&r->tail.starts[i], &place) == 0)
				r->leave_out[s] = false;
		}
	}
	r->begun[s] = true;
	if (!r->leave_out[s])
		return false;
	if (!rec->partial)
		r->leave_out[s] = false;
	return true;
}

/* All lines there are now. */
static int pump(struct reader *r, size_t file, bool *any, struct err *err)
{
	struct log_line line;
	struct log_rec rec;
	int n;

	while ((n = log_lines_next(&r->lines, &line)) > 0) {
		struct place place = { file, line.offset };

		*any = true;
		if (log_rec_parse(line.text, line.len, &rec) < 0 ||
		    !is_wanted(r->opts, &rec) || is_left_out(r, &rec, place))
			continue;
		n = r->fn(r->arg, &rec);
		if (n != 0)
			return n;
	}
	return n < 0 ? err_code(err, n, "read the log") : 0;
}

static int pump_files(struct reader *r, struct place from, struct err *err)
{
	bool any;

	for (size_t i = from.file; i < r->files.n; i++) {
		int n;

		log_lines_forward(&r->lines, r->files.v[i].fd,
				  i == from.file ? from.offset : 0);
		n = pump(r, i, &any, err);
		if (n != 0)
			return n;
	}
	return 0;
}

/* ---- follow ---------------------------------------------------------- */

/* The log's name belongs to another file than the one we are reading. */
static bool is_rotated(const struct reader *r)
{
	const struct log_file *now;
	struct stat st;

	if (fstatat(r->dir_fd, r->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (r->files.n == 0)
		return true;
	now = &r->files.v[r->files.n - 1];
	return st.st_ino != now->ino || st.st_dev != now->dev;
}

/* Go on with the files that came after the one that was the newest. */
static int next_files(struct reader *r, struct err *err)
{
	struct log_files newer;
	const struct log_file *than = NULL;
	int n;

	if (r->files.n)
		than = &r->files.v[r->files.n - 1];
	n = log_files_open(r->dir_fd, r->name, than, &newer, err);
	if (n < 0 || newer.n == 0)
		return n;
	log_files_done(&r->files);
	r->files = newer;
	return pump_files(r, (struct place){ 0, 0 }, err);
}

/* One look: 0 go on, anything else ends log_read(). */
static int follow_once(struct reader *r, bool *any, struct err *err)
{
	bool rotated = is_rotated(r);
	int n = 0;

	*any = rotated;
	if (r->files.n)
		n = pump(r, r->files.n - 1, any, err);
	if (n == 0 && rotated)
		n = next_files(r, err);
	return n;
}

static int follow(struct reader *r, struct err *err)
{
	const struct log_read_opts *o = r->opts;
	long ms = POLL_MIN_MS;

	for (;;) {
		struct timespec pause = { 0, ms * 1000000 };
		bool over, any;
		int n;

		/* asked before the last look, so that nothing is missed */
		over = o->ended(o->arg) ||
		       (o->until_ns && clock_now_ns() >= o->until_ns);
		n = follow_once(r, &any, err);
		if (n != 0 || (over && !any))
			return n;
		if (over)
			continue;
		ms = any ? POLL_MIN_MS : MIN(ms * 2, POLL_MAX_MS);
		nanosleep(&pause, NULL);
	}
}

int log_read(int dir_fd, const struct log_read_opts *opts, log_rec_fn fn,
	     void *arg, struct err *err)
{
	struct reader *r cleanup(reader_free) = xcalloc(1, sizeof(*r));
	struct place from = { 0, 0 };
	int n;

	r->dir_fd = dir_fd;
	r->name = opts->name ? opts->name : LOG_NAME;
	r->opts = opts;
	r->fn = fn;
	r->arg = arg;
	n = log_files_open(dir_fd, r->name, NULL, &r->files, err);
	if (n < 0)
		return n;
	if (opts->tail == 0)
		from = end_of(r);
	else if (opts->tail > 0)
		n = find_tail(r, &from, err);
	if (n < 0)
		return n;
	n = pump_files(r, from, err);
	if (n != 0 || !opts->follow)
		return n;
	/* places are counted anew with each rotation from now on */
	r->begun[0] = true;
	r->begun[1] = true;
	return follow(r, err);
}
