/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A look through /proc.  Who belongs to the container is told by its pid
 * namespace, or by having a parent that belongs: a container in the container
 * has a pid namespace of its own, whose first process has its parent here.
 * Processes that `exec` made have a parent outside, but the namespace.
 *
 * Stopping: SIGSTOP is not caught and not ignored, from outside not even by
 * pid 1 of a namespace.  Parents are stopped first, so that a shell does not
 * see its child stop; children are continued first, so that it finds it
 * running.  Signals go through pidfds that were compared with the start time.
 */
#include "libpod/oci/members.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"

#define STAT_MAX 4096
#define STOP_MS 5000

void members_done(struct members *m)
{
	free(m->v);
	*m = (struct members){ 0 };
}

/* ---- reading ----------------------------------------------------------- */

/* comm may hold anything, even ')' and newlines. */
int member_parse(const char *text, struct member *ret)
{
	const char *close = strrchr(text, ')');
	struct member m = { 0 };
	uint64_t user = 0;
	uint64_t c_user = 0;
	uint64_t c_system = 0;
	int64_t rss = 0;

	if (!close || sscanf(text, "%d", &m.id.pid) != 1)
		return -EINVAL;
	if (sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %*d %*d %" SCNu32 " %*d %" SCNu64 " %*u %" SCNd64,
		   &m.state, &m.ppid, &user, &m.system, &c_user, &c_system,
		   &m.threads, &m.id.start, &rss) != 9)
		return -EINVAL;
	m.system += c_system;
	m.cpu = user + c_user + m.system;
	m.rss = rss > 0 ? (uint64_t)rss : 0;
	*ret = m;
	return 0;
}

/* Everybody in /proc, in the order of their birth. */
struct all {
	struct member *v;
	bool *in;	/* parallel: belongs to the container */
	size_t n;
};

static void all_done(struct all *a)
{
	free(a->v);
	free(a->in);
}

static bool in_namespace(int proc, const char *name, const struct stat *ns)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/ns/pid", name);
	return fstatat(proc, path, &st, 0) == 0 && st.st_ino == ns->st_ino &&
	       st.st_dev == ns->st_dev;
}

static int read_one(int proc, int pid, struct member *ret)
{
	autosb struct sb text = SB_INIT;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "%d/stat", pid);
	r = file_read_at(proc, path, STAT_MAX, &text);
	return r < 0 ? r : member_parse(text.buf, ret);
}

static int by_birth(const void *a, const void *b)
{
	const struct member *p = a;
	const struct member *q = b;

	if (p->id.start != q->id.start)
		return p->id.start < q->id.start ? -1 : 1;
	return (p->id.pid > q->id.pid) - (p->id.pid < q->id.pid);
}

static void add_one(struct all *a, int proc, const char *name)
{
	struct member m;
	int pid;

	if (parse_int(name, &pid) < 0 || read_one(proc, pid, &m) < 0)
		return;		/* it has ended meanwhile */
	if ((a->n & (a->n - 1)) == 0)
		a->v = xreallocarray(a->v, a->n ? a->n * 2 : 1, sizeof(*a->v));
	a->v[a->n++] = m;
}

static size_t find_pid(const struct all *a, pid_t pid)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].id.pid == pid)
			return i;
	return SIZE_MAX;
}

/* Children of those who belong belong, too. */
static void add_descendants(struct all *a)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < a->n; i++) {
			size_t up;

			if (a->in[i])
				continue;
			up = find_pid(a, a->v[i].ppid);
			if (up == SIZE_MAX || !a->in[up])
				continue;
			a->in[i] = true;
			more = true;
		}
	}
}

static void mark(struct all *a, int proc, const struct proc_id *init,
		 const struct stat *ns, bool host_ns)
{
	a->in = xcalloc(a->n + 1, sizeof(*a->in));
	for (size_t i = 0; i < a->n; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%d", a->v[i].id.pid);
		a->in[i] = a->v[i].id.pid == init->pid ||
			   (!host_ns && in_namespace(proc, name, ns));
	}
	add_descendants(a);
}

static void pick(struct all *a, struct members *ret)
{
	ret->v = xcalloc(a->n + 1, sizeof(*ret->v));
	ret->n = 0;
	for (size_t i = 0; i < a->n; i++)
		if (a->in[i] && a->v[i].state != 'Z' && a->v[i].state != 'X')
			ret->v[ret->n++] = a->v[i];
}

int members_read(const struct proc_id *init, struct members *ret,
		 struct err *err)
{
	autoclosedir DIR *d = opendir("/proc");
	struct all all cleanup(all_done) = { 0 };
	const struct dirent *e;
	struct stat ns;
	char name[32];
	bool host_ns;

	if (!d)
		return err_sys(err, "open /proc");
	(void)snprintf(name, sizeof(name), "%d/ns/pid", init->pid);
	if (fstatat(dirfd(d), name, &ns, 0) < 0 || !proc_is_alive(init))
		return err_set(err, ERR_STATE, ESRCH,
			       "the container's process has ended");
	host_ns = in_namespace(dirfd(d), "self", &ns);
	while ((e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			add_one(&all, dirfd(d), e->d_name);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_birth);
	mark(&all, dirfd(d), init, &ns, host_ns);
	pick(&all, ret);
	return 0;
}

/* ---- stopping ---------------------------------------------------------- */

static bool is_stopped(const struct member *m)
{
	return m->state == 'T' || m->state == 't';
}

static bool is_kept(const struct members *kept, const struct proc_id *id)
{
	for (size_t i = 0; i < kept->n; i++)
		if (kept->v[i].id.pid == id->pid &&
		    kept->v[i].id.start == id->start)
			return true;
	return false;
}

static void signal_one(const struct proc_id *id, int sig)
{
	autoclose int fd = proc_open(id);

	if (fd >= 0)
		(void)pidfd_signal(fd, sig);
}

/* One look: signals who runs; how many that were. */
static int stop_once(const struct proc_id *init, size_t *ret_running,
		     struct err *err)
{
	auto_members struct members m = { 0 };
	int r = members_read(init, &m, err);

	*ret_running = 0;
	for (size_t i = 0; r == 0 && i < m.n; i++) {
		if (is_stopped(&m.v[i]))
			continue;
		(*ret_running)++;
		signal_one(&m.v[i].id, SIGSTOP);
	}
	return r;
}

static int note_stopped(const struct proc_id *init, struct members *kept,
			struct err *err)
{
	struct members all = { 0 };
	int r = members_read(init, &all, err);
	size_t n = 0;

	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++)
		if (is_stopped(&all.v[i]))
			all.v[n++] = all.v[i];
	all.n = n;
	*kept = all;
	return 0;
}

int members_stop(const struct proc_id *init, struct members *kept,
		 struct err *err)
{
	uint64_t end = clock_mono_ns() + STOP_MS * 1000000ULL;
	size_t running;
	int r = note_stopped(init, kept, err);

	while (r == 0) {
		r = stop_once(init, &running, err);
		if (r < 0 || running == 0)
			break;
		if (clock_mono_ns() >= end) {
			(void)members_continue(init, kept, NULL);
			r = err_set(err, ERR_STATE, EBUSY,
				    "%zu of its processes do not stop",
				    running);
			break;
		}
		(void)poll(NULL, 0, 1);
	}
	if (r < 0)
		members_done(kept);
	return r;
}

int members_continue(const struct proc_id *init, const struct members *kept,
		     struct err *err)
{
	auto_members struct members m = { 0 };
	int r = members_read(init, &m, err);

	if (r < 0)
		return r;
	for (size_t i = m.n; i-- > 0;)
		if (is_stopped(&m.v[i]) && !is_kept(kept, &m.v[i].id))
			signal_one(&m.v[i].id, SIGCONT);
	return 0;
}
