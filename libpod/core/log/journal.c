/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs in systemd's journal, read through libsystemd.
 *
 * Theory of operation.  The library is loaded when the first journal is read:
 * nothing else of bryo pays for it, and there are systems without it.  Its
 * entries of one container come in order; the tail is found by going back from
 * the end over as many whole lines as are wanted.  With follow the library is
 * asked to wait for a change, a fifth of a second at a time, as the container's
 * end shows elsewhere.
 *
 * journald needs a moment for what the monitor sent: an end of the container is
 * believed after two looks that brought nothing.
 */
#include "libpod/core/log/journal.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/str.h"

#define WAIT_US 200000
#define QUIET_LOOKS 2
#define LOCAL_ONLY 1	/* SD_JOURNAL_LOCAL_ONLY */

struct sd_journal;

/* The part of the library that is used, in the order of symbols[] */
struct sd {
	int (*open)(struct sd_journal **j, int flags);
	void (*close)(struct sd_journal *j);
	int (*add_match)(struct sd_journal *j, const void *data, size_t size);
	int (*seek_head)(struct sd_journal *j);
	int (*seek_tail)(struct sd_journal *j);
	int (*seek_usec)(struct sd_journal *j, uint64_t usec);
	int (*next)(struct sd_journal *j);
	int (*previous)(struct sd_journal *j);
	int (*get_usec)(struct sd_journal *j, uint64_t *ret);
	int (*get_data)(struct sd_journal *j, const char *field,
			const void **data, size_t *len);
	int (*set_threshold)(struct sd_journal *j, size_t size);
	int (*wait)(struct sd_journal *j, uint64_t usec);
};

static const char *const symbols[] = {
	"sd_journal_open",	  "sd_journal_close",
	"sd_journal_add_match",	  "sd_journal_seek_head",
	"sd_journal_seek_tail",	  "sd_journal_seek_realtime_usec",
	"sd_journal_next",	  "sd_journal_previous",
	"sd_journal_get_realtime_usec", "sd_journal_get_data",
	"sd_journal_set_data_threshold", "sd_journal_wait",
};

_Static_assert(sizeof(struct sd) == ARRAY_LEN(symbols) * sizeof(void *),
	       "a symbol for each function");

struct reader {
	struct sd sd;
	void *lib;
	struct sd_journal *j;
	const struct log_read_opts *o;
	log_rec_fn fn;
	void *arg;
};

static void reader_done(struct reader *r)
{
	if (r->j)
		r->sd.close(r->j);
	if (r->lib)
		dlclose(r->lib);
}

static int load(struct reader *r, struct err *err)
{
	void *functions[ARRAY_LEN(symbols)];

	r->lib = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!r->lib)
		return err_set(err, ERR_UNSUPPORTED, ENOENT,
			       "the log is in systemd's journal, and "
			       "libsystemd.so.0 cannot be loaded: install "
			       "libsystemd0");
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		functions[i] = dlsym(r->lib, symbols[i]);
		if (!functions[i])
			return err_set(err, ERR_UNSUPPORTED, ENOSYS,
				       "libsystemd.so.0 has no %s",
				       symbols[i]);
	}
	memcpy(&r->sd, functions, sizeof(functions));
	return 0;
}

static int open_journal(struct reader *r, const char *id, struct err *err)
{
	autofree char *match = xasprintf("CONTAINER_ID_FULL=%s", id);
	int n = r->sd.open(&r->j, LOCAL_ONLY);

	if (n >= 0)
		n = r->sd.add_match(r->j, match, 0);
	if (n >= 0)
		n = r->sd.set_threshold(r->j, 0);
	return n < 0 ? err_code(err, n, "open the journal") : 0;
}

/* ---- one entry --------------------------------------------------------- */

/* The value of a field of the entry; borrowed until the next one. */
static const char *field(const struct reader *r, const char *name, size_t *len)
{
	const void *data;
	const char *text;
	size_t n;

	if (r->sd.get_data(r->j, name, &data, &n) < 0)
		return NULL;
	text = data;
	*len = n - strlen(name) - 1;
	return text + strlen(name) + 1;
}

static bool is_piece(const struct reader *r)
{
	size_t len;

	return field(r, "CONTAINER_PARTIAL_MESSAGE", &len) != NULL;
}

static int64_t entry_time(const struct reader *r)
{
	uint64_t usec = 0;

	(void)r->sd.get_usec(r->j, &usec);
	return (int64_t)usec * 1000;
}

static int hand_out(const struct reader *r)
{
	struct log_rec rec = { .stream = LOG_STDOUT };
	const char *priority;
	size_t len = 0;

	rec.time_ns = entry_time(r);
	if ((r->o->since_ns && rec.time_ns < r->o->since_ns) ||
	    (r->o->until_ns && rec.time_ns >= r->o->until_ns))
		return 0;
	priority = field(r, "PRIORITY", &len);
	if (priority && len == 1 && *priority == '3')
		rec.stream = LOG_STDERR;
	rec.partial = is_piece(r);
	rec.text = field(r, "MESSAGE", &rec.len);
	return rec.text ? r->fn(r->arg, &rec) : 0;
}

/* ---- where to begin ---------------------------------------------------- */

static bool is_too_late(const struct reader *r)
{
	return r->o->until_ns && entry_time(r) >= r->o->until_ns;
}

/* Back over @want whole lines; what follows the place is the tail. */
static int seek_lines(const struct reader *r, int64_t want)
{
	int64_t lines = 0;
	int n = r->sd.seek_tail(r->j);

	while (n >= 0 && (n = r->sd.previous(r->j)) > 0) {
		if (is_too_late(r))
			continue;
		if (!is_piece(r) && lines++ == want)
			return 0;	/* the one before the tail */
	}
	return n < 0 ? n : r->sd.seek_head(r->j);
}

static int seek(const struct reader *r)
{
	if (r->o->tail == 0) {
		int n = r->sd.seek_tail(r->j);

		return n < 0 ? n : r->sd.previous(r->j);
	}
	if (r->o->tail > 0)
		return seek_lines(r, r->o->tail);
	if (r->o->since_ns)
		return r->sd.seek_usec(r->j, (uint64_t)r->o->since_ns / 1000);
	return r->sd.seek_head(r->j);
}

/* All there are now.  Return: how many, what @fn returned in *ret */
static int pump(const struct reader *r, int *ret)
{
	int count = 0;
	int n = 0;

	while (*ret == 0 && (n = r->sd.next(r->j)) > 0) {
		*ret = hand_out(r);
		count++;
	}
	return n < 0 ? n : count;
}

static int read_all(const struct reader *r, int *ret)
{
	int quiet = 0;
	int n;

	for (;;) {
		bool over = !r->o->follow || r->o->ended(r->o->arg) ||
			    (r->o->until_ns &&
			     clock_now_ns() >= r->o->until_ns);

		n = pump(r, ret);
		if (n < 0 || *ret != 0 || !r->o->follow)
			return n;
		quiet = over && n == 0 ? quiet + 1 : 0;
		if (quiet == QUIET_LOOKS)
			return 0;
		n = r->sd.wait(r->j, WAIT_US);
		if (n < 0)
			return n;
	}
}

int journal_read(const char *id, const struct log_read_opts *o, log_rec_fn fn,
		 void *arg, struct err *err)
{
	struct reader r cleanup(reader_done) = { .o = o, .fn = fn,
						 .arg = arg };
	int ret = 0;
	int n = load(&r, err);

	if (n == 0)
		n = open_journal(&r, id, err);
	if (n < 0)
		return n;
	n = seek(&r);
	if (n >= 0)
		n = read_all(&r, &ret);
	return n < 0 ? err_code(err, n, "read the journal") : ret;
}
