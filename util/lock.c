/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Most locks are free: that is one system call.  The kernel's own waiting is
 * kept for the others, as it wakes the next one at once; an interval timer
 * interrupts it every second for a look at who has the lock.  A record lock is
 * asked, for flock(2) there is only /proc/locks (proc(5)), which names the
 * process that took it: its children may have it by now, or nobody that we
 * may see, and then nobody is named.
 */
#include "util/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/sb.h"
#include "util/str.h"

#define SECOND_NS UINT64_C(1000000000)
#define STOPPED_NS (10 * SECOND_NS)
#define WORKING_NS (20 * SECOND_NS)
#define LOCKS_MAX (1 << 20)

/**
 * struct wait - for one lock
 * @how:   of flock(2); 0: a record lock
 * @pid:   who has it, 0: not known
 * @since_ns, @moved_ns: when @pid was seen first; when it was not stopped, last
 */
struct wait {
	int fd;
	int how;
	const char *what;
	pid_t pid;
	uint64_t since_ns;
	uint64_t moved_ns;
	bool warned;
};

static int lock(const struct wait *w, bool block)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (w->how)
		return flock(w->fd, block ? w->how : w->how | LOCK_NB);
	return fcntl(w->fd, block ? F_SETLKW : F_SETLK, &l);
}

/* ---- who has it -------------------------------------------------------- */

/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; who waits has "->" */
static pid_t line_pid(const char *line, const char *file)
{
	char found[64];
	pid_t pid = 0;

	if (sscanf(line, "%*[0-9]: FLOCK %*s %*s %d %63s", &pid, found) != 2 ||
	    !streq(found, file))
		return 0;
	return MAX(pid, 0);
}

static pid_t flock_holder(int fd)
{
	autosb struct sb text = SB_INIT;
	autofree char *file = NULL;
	char *rest, *line;
	struct stat st;
	pid_t pid = 0;

	if (fstat(fd, &st) < 0 ||
	    file_read_at(AT_FDCWD, "/proc/locks", LOCKS_MAX, &text) < 0)
		return 0;
	file = xasprintf("%02x:%02x:%llu", major(st.st_dev), minor(st.st_dev),
			 (unsigned long long)st.st_ino);
	rest = text.buf;
	while (!pid && (line = strsep(&rest, "\n")))
		pid = line_pid(line, file);
	return pid;
}

static pid_t record_holder(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &l) < 0 || l.l_type == F_UNLCK)
		return 0;
	return MAX(l.l_pid, 0);
}

static const char *name_of(pid_t pid, struct sb *buf)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (file_read_at(AT_FDCWD, path, 64, buf) < 0)
		return "?";
	return str_trim(buf->buf);
}

/* ---- waiting ----------------------------------------------------------- */

static int err_stopped(struct err *err, const struct wait *w)
{
	autosb struct sb name = SB_INIT;

	return err_set(err, ERR_STATE, EBUSY,
		       "%s is locked by process %d (%s), which is stopped: let "
		       "it go on with kill -CONT %d, or end it with kill -9 %d",
		       w->what, w->pid, name_of(w->pid, &name), w->pid, w->pid);
}

static void warn_working(const struct wait *w)
{
	autosb struct sb name = SB_INIT;

	if (w->pid)
		log_warn("waiting for %s, which process %d (%s) has locked",
			 w->what, w->pid, name_of(w->pid, &name));
	else
		log_warn("waiting for %s, which another process has locked",
			 w->what);
}

static int look(struct wait *w, struct err *err)
{
	pid_t pid = w->how ? flock_holder(w->fd) : record_holder(w->fd);
	uint64_t now = clock_mono_ns();

	if (pid != w->pid)
		w->since_ns = now;
	if (pid != w->pid || !proc_is_stopped(pid))
		w->moved_ns = now;
	w->pid = pid;
	if (now - w->moved_ns >= STOPPED_NS)
		return err_stopped(err, w);
	if (now - w->since_ns >= WORKING_NS && !w->warned) {
		w->warned = true;
		warn_working(w);
	}
	return 0;
}

static void on_tick(int sig unused_attr)
{
}

static int wait_for(struct wait *w, struct err *err)
{
	const struct itimerval each = { { 1, 0 }, { 1, 0 } };
	const struct sigaction tick = { .sa_handler = on_tick };
	struct itimerval old_timer;
	struct sigaction old;
	int code = 0;
	int r = 0;

	w->since_ns = w->moved_ns = clock_mono_ns();
	sigaction(SIGALRM, &tick, &old);
	setitimer(ITIMER_REAL, &each, &old_timer);
	while (r == 0 && lock(w, true) < 0) {
		code = errno == EINTR ? 0 : errno;
		r = code ? -code : look(w, err);
	}
	setitimer(ITIMER_REAL, &old_timer, NULL);
	sigaction(SIGALRM, &old, NULL);
	return code ? err_code(err, code, "lock %s", w->what) : r;
}

static int take(struct wait *w, struct err *err)
{
	if (lock(w, false) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES && errno != EINTR)
		return err_sys(err, "lock %s", w->what);
	return wait_for(w, err);
}

int lock_record(int fd, const char *what, struct err *err)
{
	return take(&(struct wait){ .fd = fd, .what = what }, err);
}

int lock_flock(int fd, int how, const char *what, struct err *err)
{
	return take(&(struct wait){ .fd = fd, .how = how, .what = what }, err);
}
