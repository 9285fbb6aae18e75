/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The two one-line files by which a monitor tells every other process how its
 * container stands, without a database: "started" (by M, before the payload
 * may run) and "exit" (by bryo-monitor, after the payload was reaped).  Both
 * appear whole or not at all, by rename.  And the two empty ones that say what
 * is to be done after that, by whoever comes when the monitor was killed.
 *
 * The exit code has to survive a full disk.  The name it is written under,
 * "exit.new", is therefore made when the container starts, with its block
 * already allocated; writing the record then needs no new space.
 */
#include "libpod/monitor/monitor.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define RECORD_MAX 512
#define EXIT_NAME "exit"
#define EXIT_TEMP "exit.new"
#define START_NAME "started"

static const char *boot_of(const char *given)
{
	return *given ? given : boot_id();
}

static int open_temp(int dir_fd)
{
	int fd = openat(dir_fd, EXIT_TEMP, O_WRONLY | O_CREAT | O_CLOEXEC |
			O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

void exit_record_reserve(int dir_fd)
{
	autoclose int fd = open_temp(dir_fd);

	if (fd < 0)
		return;
	/* Where the file system cannot, the write at the end has to do. */
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, RECORD_MAX) < 0)
		return;
}

static int write_exit(int dir_fd, const char *text, size_t len, bool durable,
		      struct err *err)
{
	autoclose int fd = open_temp(dir_fd);
	ssize_t n;

	if (fd < 0)
		return err_code(err, fd, "create the exit record");
	n = pwrite(fd, text, len, 0);
	if (n < 0)
		return err_sys(err, "write the exit record");
	if ((size_t)n != len)
		return err_set(err, ERR_SYS, ENOSPC, "write the exit record");
	if (ftruncate(fd, (off_t)len) < 0)
		return err_sys(err, "write the exit record");
	if (durable && fsync(fd) < 0)
		return err_sys(err, "fsync the exit record");
	if (FAULT("monitor.exit.written") < 0)
		return err_sys(err, "write the exit record");
	if (renameat(dir_fd, EXIT_TEMP, dir_fd, EXIT_NAME) < 0)
		return err_sys(err, "rename the exit record into place");
	return 0;
}

int exit_record_write(int dir_fd, const struct exit_record *r, bool durable,
		      struct err *err)
{
	char text[RECORD_MAX];
	char oom = r->oom < 0 ? '-' : (char)('0' + !!r->oom);
	int len, ret;

	len = snprintf(text, sizeof(text),
		       "v1 %d %d %c %" PRId64 " %.36s %" PRIu32 "\n", r->code,
		       r->signal, oom, r->finished_ns, boot_of(r->boot_id),
		       r->start_n);
	ret = write_exit(dir_fd, text, (size_t)len, durable, err);
	if (ret < 0 || !durable)
		return ret;

	autoclose int dir = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY |
				   O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return err_sys(err, "fsync the container directory");
	return 0;
}

/* A full disk must not stop a start. */
static void touch(int dir_fd, const char *name)
{
	autoclose int fd unused_attr = openat(dir_fd, name, O_WRONLY | O_CREAT |
					      O_CLOEXEC | O_NOFOLLOW, 0600);
}

void duties_note(const struct monitor_conf *c, bool poststop)
{
	if (c->restart && c->run_fd >= 0)
		touch(c->run_fd, POLICY_NAME);
	if (poststop)
		touch(c->dir_fd, POSTSTOP_NAME);
}

void duties_drop(const struct monitor_conf *c, bool policy)
{
	if (policy && c->restart && c->run_fd >= 0)
		(void)unlinkat(c->run_fd, POLICY_NAME, 0);
	(void)unlinkat(c->dir_fd, POSTSTOP_NAME, 0);
}

/* The words of a one-line record; NULL when it is damaged. */
static char **read_words(int dir_fd, const char *name, size_t n_words,
			 int *ret_code)
{
	autosb struct sb text = SB_INIT;
	autostrv char **words = NULL;

	*ret_code = file_read_at(dir_fd, name, RECORD_MAX, &text);
	if (*ret_code < 0)
		return NULL;
	*ret_code = -EINVAL;
	if (text.len == 0 || strlen(text.buf) != text.len ||
	    text.buf[text.len - 1] != '\n')
		return NULL;
	sb_trunc(&text, text.len - 1);
	words = strv_split(text.buf, ' ');
	if (strv_len(words) != n_words || !streq(words[0], "v1"))
		return NULL;
	*ret_code = 0;
	return take_ptr(words);
}

/* A UUID as a rule; "unknown" where /proc does not tell. */
static bool boot_id_is_valid(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < BOOT_ID_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static int parse_oom(const char *s, int *ret)
{
	if (!s[0] || s[1] || !strchr("01-", s[0]))
		return -EINVAL;
	*ret = s[0] == '-' ? -1 : s[0] - '0';
	return 0;
}

static bool exit_words(char *const *w, struct exit_record *r)
{
	if (parse_int(w[1], &r->code) < 0 || parse_int(w[2], &r->signal) < 0 ||
	    parse_oom(w[3], &r->oom) < 0 ||
	    parse_i64(w[4], &r->finished_ns) < 0 || !boot_id_is_valid(w[5]) ||
	    parse_u32(w[6], &r->start_n) < 0)
		return false;
	snprintf(r->boot_id, BOOT_ID_MAX, "%s", w[5]);
	return r->code >= -1 && r->code <= 255 && r->signal >= 0 &&
	       r->signal <= 64;
}

int exit_record_read(int dir_fd, struct exit_record *ret, struct err *err)
{
	struct exit_record r = { 0 };
	int code;

	autostrv char **words = read_words(dir_fd, EXIT_NAME, 7, &code);
	if (code == -ENOENT)
		return err_set(err, ERR_NOT_FOUND, ENOENT, "no exit record");
	if (code < 0 && code != -EINVAL)
		return err_code(err, code, "read the exit record");
	if (!words || !exit_words(words, &r))
		return err_set(err, ERR_INVALID, EINVAL,
			       "the exit record is damaged");
	*ret = r;
	return 0;
}

int start_record_write(int dir_fd, const struct start_record *r,
		       struct err *err)
{
	char text[RECORD_MAX];
	int len = snprintf(text, sizeof(text),
			   "v1 %d %" PRIu64 " %d %" PRIu64 " %.36s %" PRIu32
			   "\n", r->init.pid, r->init.start, r->monitor.pid,
			   r->monitor.start, boot_of(r->boot_id), r->start_n);

	return file_write_at(dir_fd, START_NAME, text, (size_t)len, 0600,
			     false, err);
}

static bool start_words(char *const *w, struct start_record *r)
{
	if (parse_int(w[1], &r->init.pid) < 0 ||
	    parse_u64(w[2], &r->init.start) < 0 ||
	    parse_int(w[3], &r->monitor.pid) < 0 ||
	    parse_u64(w[4], &r->monitor.start) < 0 ||
	    !boot_id_is_valid(w[5]) || parse_u32(w[6], &r->start_n) < 0)
		return false;
	snprintf(r->boot_id, BOOT_ID_MAX, "%s", w[5]);
	return r->init.pid > 0 && r->monitor.pid > 0;
}

int start_record_read(int dir_fd, struct start_record *ret, struct err *err)
{
	struct start_record r = { 0 };
	int code;

	autostrv char **words = read_words(dir_fd, START_NAME, 7, &code);
	if (code == -ENOENT)
		return err_set(err, ERR_NOT_FOUND, ENOENT, "no start record");
	if (code < 0 && code != -EINVAL)
		return err_code(err, code, "read the start record");
	if (!words || !start_words(words, &r))
		return err_set(err, ERR_INVALID, EINVAL,
			       "the start record is damaged");
	*ret = r;
	return 0;
}
