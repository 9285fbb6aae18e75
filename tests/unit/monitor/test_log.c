/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/monitor/log_format.h"
#include "libpod/monitor/log_read.h"
#include "libpod/monitor/log_write.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/sb.h"
#include "util/str.h"

#define T0 1795699668288368766LL	/* 2026-11-26T13:27:48.288368766Z */

/* ---- a scratch directory --------------------------------------------- */

static int scratch(char path[64])
{
	int fd;

	snprintf(path, 64, "/tmp/bryo-unit-log.XXXXXX");
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void scratch_done(char path[64], int fd)
{
	close(fd);
	assert_ok(tree_remove_at(AT_FDCWD, path, err));
}

static void slurp(int dir, const char *name, struct sb *out)
{
	sb_trunc(out, 0);
	assert_int_equal(file_read_at(dir, name, 64 << 20, out), 0);
}

/* ---- a writer of one's own ------------------------------------------- */

static struct log_writer *writer(int dir, enum log_driver driver,
				 uint64_t size, uint32_t files)
{
	struct log_writer *w = xcalloc(1, sizeof(*w));
	struct monitor_conf c;

	monitor_conf_init(&c);
	c.dir_fd = dir;
	c.log_driver = driver;
	c.log_size_max = size;
	c.log_files_max = files;
	log_writer_init(w, &c);
	return w;
}

static void writer_done(struct log_writer *w)
{
	log_writer_done(w, T0);
	free(w);
}

static void say(struct log_writer *w, enum log_stream s, const char *text)
{
	log_writer_add(w, s, text, strlen(text), T0);
}

/* ---- a reader that keeps everything ---------------------------------- */

struct kept {
	struct sb text;		/* "o|text\n", "e|text..." for pieces */
	struct sb raw[2];
	size_t n;
	int64_t last_ns;
	size_t stop_at;
};

static int keep(void *arg, const struct log_rec *rec)
{
	struct kept *k = arg;
	struct sb *raw = &k->raw[rec->stream - 1];

	sb_add(&k->text, rec->stream == LOG_STDERR ? "e|" : "o|");
	sb_addn(&k->text, rec->text, rec->len);
	sb_add(&k->text, rec->partial ? "...\n" : "\n");
	sb_addn(raw, rec->text, rec->len);
	if (!rec->partial)
		sb_addch(raw, '\n');
	k->n++;
	k->last_ns = rec->time_ns;
	return k->stop_at && k->n == k->stop_at ? 77 : 0;
}

static void kept_done(struct kept *k)
{
	sb_done(&k->text);
	sb_done(&k->raw[0]);
	sb_done(&k->raw[1]);
}

#define KEPT_INIT { SB_INIT, { SB_INIT, SB_INIT }, 0, 0, 0 }

static void read_log(int dir, const struct log_read_opts *o, struct kept *k)
{
	kept_done(k);
	*k = (struct kept)KEPT_INIT;
	assert_ok(log_read(dir, o, keep, k, err));
}

/* ---- times and records ----------------------------------------------- */

static void test_time(void **state unused_attr)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000000" },
		{ -1, "1969-12-31T23:59:59.999999999" },
		{ 951782400000000000, "2000-02-29T00:00:00.000000000" },
		{ T0, "2026-11-26T13:27:48.288368766" },
		{ 4102444799999999999, "2099-12-31T23:59:59.999999999" },
	};
	char text[LOG_TIME_LEN + 1], zoned[64];
	int64_t back = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		log_time_text(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
		if (cases[i].ns < 0)
			continue;
		snprintf(zoned, sizeof(zoned), "%s+00:00", text);
		assert_int_equal(log_time_parse(zoned, strlen(zoned), &back),
				 0);
		assert_int_equal(back, cases[i].ns);
	}
	assert_int_equal(log_time_parse("2026-11-26T14:27:48.288368766+01:00",
					35, &back), 0);
	assert_int_equal(back, T0);
	assert_true(log_time_parse("2026-13-26T13:27:48.288368766Z", 30,
				   &back) < 0);
	assert_true(log_time_parse("2026-11-26T13:27:48.28836876xZ", 30,
				   &back) < 0);
	assert_true(log_time_parse("", 0, &back) < 0);
}

static void test_records(void **state unused_attr)
{
	static const struct {
		const char *line;
		int stream;	/* 0: refused */
		const char *text;
		bool partial;
	} cases[] = {
		{ "2026-11-26T13:27:48.288368766+00:00 stdout F hi", 1, "hi",
		  false },
		{ "2026-11-26T13:27:48.288368766Z stderr P hi", 2, "hi", true },
		{ "2026-11-26T13:27:48.288368766+00:00 stdout F ", 1, "",
		  false },
		{ "2026-11-26T13:27:48.288368766+00:00 stdout F", 0, "",
		  false },
		{ "2026-11-26T13:27:48.288368766+00:00 stdxxx F a", 0, "",
		  false },
		{ "2026-11-26T13:27:48.288368766+00:00 stdout X a", 0, "",
		  false },
		{ "yesterday stdout F a", 0, "", false },
		{ "", 0, "", false },
		{ "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":"
		  "\"2026-11-26T13:27:48.288368766Z\"}", 1, "a", false },
		{ "{\"log\":\"a\\u00e4\\ud83d\\ude00\\t\\\"\",\"stream\":"
		  "\"stderr\",\"attrs\":{\"k\":\"}\"},\"time\":"
		  "\"2026-11-26T13:27:48.288368766Z\"}", 2,
		  "a\xc3\xa4\xf0\x9f\x98\x80\t\"", true },
		{ "{\"log\":\"a\",\"stream\":\"stdout\"}", 0, "", false },
		{ "{\"log\":\"a", 0, "", false },
		{ "{\"log\":\"\\", 0, "", false },
		{ "{\"log\":\"\\u12", 0, "", false },
		{ "{", 0, "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* exact size, so that the sanitizer sees a byte too many */
		size_t len = strlen(cases[i].line);
		autofree char *line = xmemdup(cases[i].line, len ? len : 1);
		struct log_rec rec;
		int r = log_rec_parse(line, len, &rec);

		print_message("case: %s\n", cases[i].line);
		assert_int_equal(r, cases[i].stream ? 0 : -EINVAL);
		if (r < 0)
			continue;
		assert_int_equal(rec.stream, cases[i].stream);
		assert_int_equal(rec.partial, cases[i].partial);
		assert_int_equal(rec.len, strlen(cases[i].text));
		assert_memory_equal(rec.text, cases[i].text, rec.len);
		assert_int_equal(rec.time_ns, T0);
	}
}

static void test_k8s_text(void **state unused_attr)
{
	char path[64];
	int dir = scratch(path);
	struct log_writer *w = writer(dir, LOGDRV_K8S_FILE, 0, 1);
	autosb struct sb text = SB_INIT;
	struct stat st;

	say(w, LOG_STDOUT, "one\ntw");
	say(w, LOG_STDERR, "\n");
	say(w, LOG_STDOUT, "o\n");
	say(w, LOG_STDOUT, "no end");
	writer_done(w);
	slurp(dir, "ctr.log", &text);
#define STAMP "2026-11-26T13:27:48.288368766+00:00 "
	assert_string_equal(text.buf,
			    STAMP "stdout F one\n" STAMP "stdout P tw\n"
			    STAMP "stderr F \n" STAMP "stdout F o\n"
			    STAMP "stdout P no end\n");
	assert_int_equal(fstatat(dir, "ctr.log", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	scratch_done(path, dir);
}

static void test_json_text(void **state unused_attr)
{
	char path[64];
	int dir = scratch(path);
	struct log_writer *w = writer(dir, LOGDRV_JSON_FILE, 0, 1);
	autosb struct sb text = SB_INIT;
	struct kept k = KEPT_INIT;
	struct log_read_opts o = LOG_READ_INIT;

	log_writer_add(w, LOG_STDOUT, "a\"\\\x01\xff\n", 6,
		       1795699668000000000LL);
	/* a character cut in three by the reads */
	say(w, LOG_STDOUT, "\xf0\x9f");
	say(w, LOG_STDERR, "x\n");
	say(w, LOG_STDOUT, "\x98");
	say(w, LOG_STDOUT, "\x80!\n");
	say(w, LOG_STDOUT, "\xc3");
	writer_done(w);
	slurp(dir, "ctr.log", &text);
	assert_true(str_starts(text.buf,
		"{\"log\":\"a\\\"\\\\\\u0001\\ufffd\\n\",\"stream\":\"stdout\","
		"\"time\":\"2026-11-26T13:27:48Z\"}\n"));
	read_log(dir, &o, &k);
	assert_string_equal(k.raw[0].buf, "a\"\\\x01\xef\xbf\xbd\n"
			    "\xf0\x9f\x98\x80!\n\xef\xbf\xbd");
	assert_string_equal(k.raw[1].buf, "x\n");
	kept_done(&k);
	scratch_done(path, dir);
}

/* ---- long lines and rotation ----------------------------------------- */

static void fill_random(char *buf, size_t len, unsigned int *seed,
			int newline_in)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = rand_r(seed) % newline_in ?
			 (char)('!' + rand_r(seed) % 90) : '\n';
}

/* Every file holds whole records and none is larger than it may be.
 * @lines: short ones; only the newest file may end within one */
static void check_files(int dir, uint64_t size, uint32_t files, bool lines)
{
	autosb struct sb text = SB_INIT;
	char name[LOG_NAME_MAX];

	for (uint32_t i = 0; i < files + 3; i++) {
		snprintf(name, sizeof(name), i ? "ctr.log.%u" : "ctr.log", i);
		if (faccessat(dir, name, F_OK, 0) < 0) {
			assert_true(i > 0);
			continue;
		}
		assert_true(i < files);
		slurp(dir, name, &text);
		assert_true(text.len <= size);
		assert_int_equal(text.buf[text.len - 1], '\n');
		struct log_rec rec = { .partial = true };
		for (char *p = text.buf; p < text.buf + text.len;) {
			char *end = strchr(p, '\n');

			assert_int_equal(log_rec_parse(p, (size_t)(end - p),
						       &rec), 0);
			p = end + 1;
		}
		assert_false(lines && i > 0 && rec.partial);
	}
}

static void rotate_one(enum log_driver driver, uint64_t size, uint32_t files,
		       int newline_in, unsigned int seed)
{
	char path[64];
	int dir = scratch(path);
	struct log_writer *w = writer(dir, driver, size, files);
	struct kept k = KEPT_INIT;
	struct log_read_opts o = LOG_READ_INIT;
	autosb struct sb all = SB_INIT;
	static char buf[65536];

	print_message("case: driver %d size %d files %d\n", driver, (int)size,
		      (int)files);
	for (int i = 0; i < 40; i++) {
		size_t n = (size_t)rand_r(&seed) % sizeof(buf);

		fill_random(buf, n, &seed, newline_in);
		sb_addn(&all, buf, n);
		log_writer_add(w, LOG_STDOUT, buf, n, T0 + i);
	}
	writer_done(w);
	check_files(dir, size, files, newline_in <= 100 && size >= 100000);
	read_log(dir, &o, &k);
	/* what is left is the end of what was said, from a record on */
	assert_true(k.raw[0].len > 0 && k.raw[0].len <= all.len);
	assert_memory_equal(k.raw[0].buf, all.buf + all.len - k.raw[0].len,
			    k.raw[0].len);
	if (files > 50)
		assert_int_equal(k.raw[0].len, all.len);
	kept_done(&k);
	scratch_done(path, dir);
}

static void test_rotation(void **state unused_attr)
{
	for (enum log_driver d = LOGDRV_K8S_FILE; d <= LOGDRV_JSON_FILE; d++) {
		rotate_one(d, 100000, 3, 60, 1);
		rotate_one(d, 100000, 99, 3000000, 2);
		rotate_one(d, 200000, 1, 60, 3);
		rotate_one(d, 400, 2, 60, 4);
		rotate_one(d, 200000, 99, 100, 5);
	}
}

static void test_append(void **state unused_attr)
{
	char path[64];
	int dir = scratch(path);
	struct log_writer *w = writer(dir, LOGDRV_K8S_FILE, 0, 1);
	struct kept k = KEPT_INIT;
	struct log_read_opts o = LOG_READ_INIT;
	int fd;

	say(w, LOG_STDOUT, "first\n");
	writer_done(w);
	/* a crash in the middle of a record */
	fd = openat(dir, "ctr.log", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "2026-11-26T13:2", 15), 15);
	close(fd);
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "o|first\n");
	w = writer(dir, LOGDRV_K8S_FILE, 0, 1);
	say(w, LOG_STDOUT, "second\n");
	writer_done(w);
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "o|first\no|second\n");
	kept_done(&k);

	/* neither a link nor a fifo is ever written to */
	assert_int_equal(unlinkat(dir, "ctr.log", 0), 0);
	assert_int_equal(symlinkat("victim", dir, "ctr.log"), 0);
	w = writer(dir, LOGDRV_K8S_FILE, 0, 1);
	say(w, LOG_STDOUT, "third\n");
	assert_true(w->dropped > 0);
	writer_done(w);
	assert_true(faccessat(dir, "victim", F_OK, 0) < 0);
	assert_fails(log_read(dir, &o, keep, &k, err), ELOOP);
	scratch_done(path, dir);
}

/* ---- a full disk ----------------------------------------------------- */

/* In a child: RLIMIT_FSIZE cuts writes short just as a full disk does. */
static void full_child(int dir)
{
	struct rlimit limit = { 5000, RLIM_INFINITY };
	struct log_writer *w;
	struct monitor_conf c;

	signal(SIGXFSZ, SIG_IGN);
	monitor_conf_init(&c);
	c.dir_fd = dir;
	w = xcalloc(1, sizeof(*w));
	log_writer_init(w, &c);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(10);
	for (int i = 0; i < 200; i++)
		say(w, LOG_STDOUT, "0123456789012345678901234567890\n");
	if (w->dropped == 0)
		_exit(11);
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(12);
	say(w, LOG_STDOUT, "again\n");
	if (w->unmarked != 0)
		_exit(13);
	log_writer_done(w, T0);
	free(w);
	_exit(0);
}

static void test_disk_full(void **state unused_attr)
{
	char path[64];
	int dir = scratch(path), status = 0;
	struct kept k = KEPT_INIT;
	struct log_read_opts o = LOG_READ_INIT;
	pid_t pid = fork();

	if (pid == 0)
		full_child(dir);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_files(dir, 1 << 20, 1, false);
	read_log(dir, &o, &k);
	assert_non_null(strstr(k.text.buf, "\ne|[bryo: "));
	assert_non_null(strstr(k.text.buf, " bytes of log lost: "));
	assert_true(str_ends(k.text.buf, "\no|again\n"));
	kept_done(&k);
	scratch_done(path, dir);
}

/* ---- what a reader may ask for --------------------------------------- */

/* The oracle: logical lines of a full read, in the order they begin. */
struct line {
	int stream;
	struct sb text;
};

struct oracle {
	struct line v[4096];
	size_t n;
	ssize_t open[2];
};

static int oracle_add(void *arg, const struct log_rec *rec)
{
	struct oracle *or = arg;
	ssize_t *open = &or->open[rec->stream - 1];

	if (*open < 0) {
		*open = (ssize_t)or->n++;
		or->v[*open].stream = rec->stream;
		or->v[*open].text = (struct sb)SB_INIT;
	}
	sb_addn(&or->v[*open].text, rec->text, rec->len);
	if (!rec->partial)
		*open = -1;
	return 0;
}

static struct oracle *oracle(int dir, struct log_read_opts o)
{
	struct oracle *or = xcalloc(1, sizeof(*or));

	or->open[0] = -1;
	or->open[1] = -1;
	assert_ok(log_read(dir, &o, oracle_add, or, err));
	return or;
}

static void oracle_free(struct oracle *or)
{
	for (size_t i = 0; i < or->n; i++)
		sb_done(&or->v[i].text);
	free(or);
}

static void check_tail(int dir, struct log_read_opts o)
{
	struct log_read_opts full = o;

	full.tail = LOG_TAIL_ALL;
	struct oracle *all = oracle(dir, full), *some = oracle(dir, o);
	size_t want = MIN((size_t)o.tail, all->n);

	assert_int_equal(some->n, want);
	for (size_t i = 0; i < want; i++) {
		const struct line *a = &all->v[all->n - want + i];
		const struct line *b = &some->v[i];

		assert_int_equal(a->stream, b->stream);
		assert_string_equal(a->text.buf, b->text.buf);
	}
	oracle_free(all);
	oracle_free(some);
}

/* Random output of both streams, in random pieces, in several files. */
static void tail_one(unsigned int seed, int bias, uint64_t size)
{
	char path[64];
	int dir = scratch(path);
	struct log_writer *w = writer(dir, seed & 1 ? LOGDRV_K8S_FILE :
				      LOGDRV_JSON_FILE, size, 50);
	char buf[64];

	for (int i = 0; i < 300; i++) {
		size_t n = 1 + (size_t)rand_r(&seed) % 30;

		fill_random(buf, n, &seed, 12);
		log_writer_add(w, rand_r(&seed) % bias ? LOG_STDOUT :
			       LOG_STDERR, buf, n, T0 + i);
	}
	writer_done(w);
	for (int64_t n = 1; n < 800; n += 1 + n / 3) {
		struct log_read_opts o = LOG_READ_INIT;

		o.tail = n;
		check_tail(dir, o);
		o.since_ns = T0 + 100;
		check_tail(dir, o);
		o.until_ns = T0 + 200;
		check_tail(dir, o);
	}
	scratch_done(path, dir);
}

static void test_tail(void **state unused_attr)
{
	for (unsigned int seed = 1; seed <= 12; seed++) {
		tail_one(seed, 2, 0);
		tail_one(seed + 100, 40, 3000);
		tail_one(seed + 200, 1, 5000);
	}
}

static void test_times(void **state unused_attr)
{
	char path[64];
	int dir = scratch(path);
	struct log_writer *w = writer(dir, LOGDRV_K8S_FILE, 0, 1);
	struct kept k = KEPT_INIT;
	struct log_read_opts o = LOG_READ_INIT;

	for (int i = 0; i < 10; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%d\n", i);
		log_writer_add(w, LOG_STDOUT, text, 2, T0 + i);
	}
	writer_done(w);
	o.since_ns = T0 + 3;
	o.until_ns = T0 + 6;
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "o|3\no|4\no|5\n");
	o.tail = 2;
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "o|4\no|5\n");
	o.tail = 0;
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "");
	o = (struct log_read_opts)LOG_READ_INIT;
	k.stop_at = 0;
	read_log(dir, &o, &k);
	assert_int_equal(k.n, 10);
	k.n = 0;
	k.stop_at = 4;
	assert_int_equal(log_read(dir, &o, keep, &k, NULL), 77);
	kept_done(&k);
	scratch_done(path, dir);
	dir = scratch(path);
	read_log(dir, &o, &k);	/* no log at all */
	assert_int_equal(k.n, 0);
	kept_done(&k);
	scratch_done(path, dir);
}

/* Damaged files: passed over, and what is whole still comes. */
static void test_damage(void **state unused_attr)
{
	char path[64];
	int dir = scratch(path), fd;
	struct log_writer *w = writer(dir, LOGDRV_K8S_FILE, 0, 1);
	struct kept k = KEPT_INIT;
	struct log_read_opts o = LOG_READ_INIT;
	autofree char *junk = xmalloc(400000);

	say(w, LOG_STDOUT, "one\n");
	memset(junk, 'x', 400000);
	junk[399999] = '\n';
	junk[100] = '\n';
	fd = openat(dir, "ctr.log", O_WRONLY | O_APPEND);
	assert_ok(fd_write_full(fd, junk, 400000));
	close(fd);
	say(w, LOG_STDOUT, "two\n");
	writer_done(w);
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "o|one\no|two\n");
	o.tail = 2;
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "o|one\no|two\n");
	o.tail = 1;
	read_log(dir, &o, &k);
	assert_string_equal(k.text.buf, "o|two\n");
	kept_done(&k);
	scratch_done(path, dir);
}

/* ---- follow ---------------------------------------------------------- */

static void numbers_child(int dir, uint64_t size, uint32_t files, int lines)
{
	struct log_writer *w = writer(dir, LOGDRV_K8S_FILE, size, files);
	char text[4096];
	int len = 0;

	for (int i = 0; i < lines; i++) {
		len += snprintf(text + len, 16, "%d\n", i);
		if (len < 4000 && i != lines - 1)
			continue;
		log_writer_add(w, LOG_STDOUT, text, (size_t)len, T0);
		len = 0;
		if (i % 50 == 0)
			usleep(200);
	}
	log_writer_done(w, T0);
	_exit(0);
}

struct follower {
	pid_t pid;
	int64_t next;
	bool gaps;
};

static int child_ended(void *arg)
{
	struct follower *f = arg;
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)f->pid, &info, WEXITED | WNOHANG |
		      WNOWAIT) == 0 && info.si_pid == f->pid;
}

static int expect_next(void *arg, const struct log_rec *rec)
{
	struct follower *f = arg;
	char text[16] = "";
	int64_t n = -1;

	memcpy(text, rec->text, MIN(rec->len, sizeof(text) - 1));
	if (parse_i64(text, &n) < 0 || n < f->next ||
	    (n > f->next && !f->gaps))
		return -EPROTO;
	f->next = n + 1;
	return 0;
}

/* Nothing lost and nothing twice, while the log rotates under the reader. */
static void test_follow(void **state unused_attr)
{
	static const struct {
		uint64_t size;
		uint32_t files;
		int lines;
		bool gaps;	/* more is thrown away than can be read */
	} cases[] = {
		{ 0, 1, 200000, false },
		{ 1 << 20, 90, 200000, false },
		{ 130000, 90, 200000, false },
		{ 1000, 90, 10000, true },
		{ 5000, 3, 50000, true },
		{ 300, 2, 20000, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char path[64];
		int dir = scratch(path);
		int status = -1;
		struct follower f = { .gaps = cases[i].gaps };
		struct log_read_opts o = {
			0, 0, LOG_TAIL_ALL, true, child_ended, &f, NULL
		};

		f.pid = fork();
		if (f.pid == 0)
			numbers_child(dir, cases[i].size,
				      cases[i].files, cases[i].lines);
		print_message("case: %d in %u\n", (int)cases[i].size,
			      cases[i].files);
		assert_ok(log_read(dir, &o, expect_next, &f, err));
		assert_int_equal(waitpid(f.pid, &status, 0), f.pid);
		assert_int_equal(status, 0);
		assert_int_equal(f.next, cases[i].lines);
		scratch_done(path, dir);
	}
}

static int never(void *arg unused_attr)
{
	return 0;
}

static void test_follow_until(void **state unused_attr)
{
	char path[64];
	int dir = scratch(path);
	struct kept k = KEPT_INIT;
	struct log_read_opts o = LOG_READ_INIT;
	int64_t start = clock_now_ns();

	o.follow = true;
	o.ended = never;
	o.until_ns = start + 300000000;
	read_log(dir, &o, &k);
	assert_true(clock_now_ns() >= o.until_ns);
	assert_true(clock_now_ns() < o.until_ns + 30000000000);
	kept_done(&k);
	scratch_done(path, dir);
}

/* ---- journald ---------------------------------------------------------- */

static void expect_datagram(int fd, const char *priority, const char *more,
			    const char *text)
{
	const uint64_t size = htole64(strlen(text));
	autosb struct sb want = SB_INIT;
	char got[1024];
	ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

	sb_addf(&want, "CONTAINER_NAME=x\n%s%sMESSAGE\n", priority, more);
	sb_addn(&want, (const char *)&size, sizeof(size));
	sb_addf(&want, "%s\n", text);
	assert_int_equal(n, want.len);
	assert_memory_equal(got, want.buf, want.len);
}

static void test_journal(void **state unused_attr)
{
	struct log_writer *w = xcalloc(1, sizeof(*w));
	char extra[] = "CONTAINER_NAME=x\n";
	struct monitor_conf c;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	monitor_conf_init(&c);
	c.log_driver = LOGDRV_JOURNALD;
	c.journal_fd = fds[0];
	c.log_extra = extra;
	log_writer_init(w, &c);
	say(w, LOG_STDOUT, "one\ntw");
	say(w, LOG_STDERR, "error\n");
	expect_datagram(fds[1], "PRIORITY=6\n", "", "one");
	expect_datagram(fds[1], "PRIORITY=6\n",
			"CONTAINER_PARTIAL_MESSAGE=true\n", "tw");
	expect_datagram(fds[1], "PRIORITY=3\n", "", "error");
	/* gone: counted */
	close(fds[1]);
	say(w, LOG_STDOUT, "lost\n");
	assert_int_equal(w->dropped, 4);
	assert_int_equal(w->unmarked, 4);
	log_writer_done(w, T0);
	close(fds[0]);
	free(w);
}

UNIT_TESTS(unit_test(test_time), unit_test(test_records),
	   unit_test(test_k8s_text), unit_test(test_json_text),
	   unit_test(test_rotation), unit_test(test_append),
	   unit_test(test_disk_full), unit_test(test_tail),
	   unit_test(test_times), unit_test(test_damage),
	   unit_test(test_follow), unit_test(test_follow_until),
	   unit_test(test_journal));
