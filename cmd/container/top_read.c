/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A scan of /proc that keeps the processes whose pid namespace is the
 * container's.  A process is read through a descriptor of its directory, so
 * that a reused pid never mixes two of them; one that ends meanwhile is left
 * out.  The user's names are those of the container's /etc/passwd, which is
 * opened beneath the container's root and is untrusted input.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/container/top.h"
#include "libpod/oci/user.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"

#define PROC_FILE_MAX (1u << 20)
#define NS_PER_S 1000000000ULL

static void proc_done(struct top_proc *p)
{
	free(p->host_groups);
	free(p->comm);
	free(p->args);
	free(p->label);
}

void top_done(struct top *t)
{
	for (size_t i = 0; i < t->n; i++)
		proc_done(&t->v[i]);
	free(t->v);
	sb_done(&t->passwd);
	sb_done(&t->group);
	sb_done(&t->host_passwd);
	sb_done(&t->host_group);
	t->v = NULL;
	t->n = 0;
}

static uint64_t ticks_ns(uint64_t ticks)
{
	return ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* ---- one process ------------------------------------------------------- */

/* "pid (comm) S ppid ...": comm may hold anything, even ')' and newlines. */
static int parse_stat(const char *text, struct top_proc *p, uint64_t *start)
{
	const char *open = strchr(text, '(');
	const char *close = strrchr(text, ')');
	uint64_t utime = 0, stime = 0, vsize = 0;
	long rss = 0;

	if (!open || !close || close < open)
		return -EINVAL;
	p->comm = xstrndup(open + 1, (size_t)(close - open - 1));
	if (sscanf(close + 1,
		   " %c %d %d %*d %d %*d %*u %*u %*u %*u %*u %" SCNu64
		   " %" SCNu64 " %*d %*d %*d %ld %*d %*d %" SCNu64 " %" SCNu64
		   " %ld",
		   &p->state, &p->host_ppid, &p->pgid, &p->tty, &utime, &stime,
		   &p->nice, start, &vsize, &rss) != 10)
		return -EINVAL;
	p->cpu_ns = ticks_ns(utime + stime);
	p->vsz_kb = vsize / 1024;
	p->rss_kb = (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	return 0;
}

/* The last of the numbers: what the innermost namespace calls it. */
static pid_t innermost(const char *s)
{
	pid_t pid = 0;
	int n = 0;
	int used = 0;

	while (*s && *s != '\n' && sscanf(s, " %d%n", &n, &used) == 1) {
		pid = n;
		s += used;
		while (*s == '\t' || *s == ' ')
			s++;
	}
	return pid;
}

static void parse_groups(const char *s, struct top_proc *p)
{
	unsigned int gid = 0;
	int used = 0;

	p->host_groups = xcalloc(USER_GROUPS_MAX, sizeof(gid_t));
	while (p->n_groups < USER_GROUPS_MAX && *s && *s != '\n' &&
	       sscanf(s, " %u%n", &gid, &used) == 1) {
		p->host_groups[p->n_groups++] = gid;
		s += used;
		while (*s == '\t' || *s == ' ')
			s++;
	}
}

static void parse_status_line(const char *line, struct top_proc *p)
{
	static const char *const caps[] = { "CapInh:", "CapPrm:", "CapEff:",
					    "CapBnd:", "CapAmb:" };

	if (str_starts(line, "Uid:"))
		sscanf(line, "Uid: %u %u", &p->host_ruid, &p->host_uid);
	else if (str_starts(line, "Gid:"))
		sscanf(line, "Gid: %u %u", &p->host_rgid, &p->host_gid);
	else if (str_starts(line, "Groups:"))
		parse_groups(line + strlen("Groups:"), p);
	else if (str_starts(line, "NSpid:"))
		p->pid = innermost(line + strlen("NSpid:"));
	else if (str_starts(line, "NSpgid:"))
		p->pgid = innermost(line + strlen("NSpgid:"));
	else if (str_starts(line, "Seccomp:"))
		sscanf(line, "Seccomp: %d", &p->seccomp);
	for (size_t i = 0; i < ARRAY_LEN(caps); i++)
		if (str_starts(line, caps[i]))
			sscanf(line + strlen(caps[i]), " %" SCNx64,
			       &p->caps[i]);
}

static void parse_status(const char *text, struct top_proc *p)
{
	while (*text) {
		parse_status_line(text, p);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

static char *args_text(struct sb *raw, const char *comm)
{
	while (raw->len && !raw->buf[raw->len - 1])
		sb_trunc(raw, raw->len - 1);
	if (!raw->len)
		return xasprintf("[%s]", comm);
	for (size_t i = 0; i < raw->len; i++)
		if (!raw->buf[i])
			raw->buf[i] = ' ';
	return sb_take(raw);
}

/* "?" without a security module, as podman has it */
static char *label_text(int dir)
{
	autosb struct sb text = SB_INIT;

	if (file_read_at(dir, "attr/current", PROC_FILE_MAX, &text) < 0 ||
	    !text.len)
		return xstrdup("?");
	return xstrdup(str_trim(text.buf));
}

static int read_proc(int dir, pid_t host_pid, int64_t boot_ns,
		     struct top_proc *ret)
{
	struct top_proc p = { .host_pid = host_pid };
	autosb struct sb stat_text = SB_INIT;
	autosb struct sb status = SB_INIT;
	autosb struct sb cmdline = SB_INIT;
	uint64_t start = 0;
	int r = file_read_at(dir, "stat", PROC_FILE_MAX, &stat_text);

	if (!r)
		r = file_read_at(dir, "status", PROC_FILE_MAX, &status);
	if (!r)
		r = parse_stat(stat_text.buf, &p, &start);
	if (r < 0) {
		proc_done(&p);
		return r;
	}
	parse_status(status.buf, &p);
	sb_limit(&cmdline, PROC_FILE_MAX);
	file_read_at(dir, "cmdline", PROC_FILE_MAX, &cmdline);
	p.args = args_text(&cmdline, p.comm);
	p.label = label_text(dir);
	p.elapsed_ns = clock_boot_ns() - ticks_ns(start);
	p.start_ns = boot_ns + (int64_t)ticks_ns(start);
	*ret = p;
	return 0;
}

/* ---- all of them ------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct top_proc *p = a;
	const struct top_proc *q = b;

	if (p->start_ns != q->start_ns)
		return p->start_ns < q->start_ns ? -1 : 1;
	return (p->pid > q->pid) - (p->pid < q->pid);
}

static const struct top_proc *by_host_pid(const struct top *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].host_pid == pid)
			return &t->v[i];
	return NULL;
}

/* In the host's pid namespace: drop what does not descend from @init. */
static void keep_family(struct top *t, pid_t init)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct top_proc *p = &t->v[i];

		for (size_t up = 0; p && p->host_pid != init && up < t->n;
		     up++)
			p = by_host_pid(t, p->host_ppid);
		t->v[i].ppid = p && p->host_pid == init ? 0 : -1;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].ppid < 0)
			proc_done(&t->v[i]);
		else
			t->v[n++] = t->v[i];
	}
	t->n = n;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static void add_proc(int proc, const char *name, const struct stat *ns,
		     struct top *t)
{
	autoclose int dir = openat(proc, name,
				   O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct top_proc p;
	struct stat st;
	int pid = 0;

	if (dir < 0 || parse_int(name, &pid) < 0)
		return;
	if (fstatat(dir, "ns/pid", &st, 0) < 0 || !same_file(&st, ns))
		return;
	if (read_proc(dir, pid, t->boot_ns, &p) < 0)
		return;
	t->v = xreallocarray(t->v, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = p;
}

static size_t read_ranges(int dir, const char *name, struct id_range *v)
{
	autosb struct sb text = SB_INIT;
	const char *s = NULL;
	size_t n = 0;
	int used = 0;

	if (file_read_at(dir, name, PROC_FILE_MAX, &text) < 0)
		return 0;
	for (s = text.buf; n < TOP_RANGES_MAX &&
			   sscanf(s, " %u %u %u%n", &v[n].inside,
				  &v[n].outside, &v[n].count, &used) == 3;
	     s += used)
		n++;
	return n;
}

static void read_names(int dir, struct top *t)
{
	autoclose int root = openat(dir, "root",
				    O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* A missing file is an empty one: ids are printed then. */
	if (root >= 0) {
		user_file_read(root, "/etc/passwd", &t->passwd);
		user_file_read(root, "/etc/group", &t->group);
	}
	file_read_at(AT_FDCWD, "/etc/passwd", USER_FILE_MAX, &t->host_passwd);
	file_read_at(AT_FDCWD, "/etc/group", USER_FILE_MAX, &t->host_group);
}

/* The directory of @init in @proc, and what its pid namespace is. */
static int open_init(int proc, const struct proc_id *init, struct stat *ret_ns,
		     struct err *err)
{
	char name[24];

	snprintf(name, sizeof(name), "%d", init->pid);
	autoclose int dir = openat(proc, name,
				   O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && fstatat(dir, "ns/pid", ret_ns, 0) < 0) {
		if (errno != ENOENT)
			return err_sys(err, "read the pid namespace of "
				       "process %d", init->pid);
		close_fd(dir);	/* a zombie has none */
	}
	/* The descriptor is of the process that we mean, not of a later one
	 * with its number. */
	if (dir < 0 || !proc_is_alive(init))
		return err_set(err, ERR_STATE, ESRCH,
			       "the container's process has ended");
	return take_fd(dir);
}

/* The oldest first, each with its parent's number inside. */
static void put_in_order(struct top *t)
{
	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_start);
	for (size_t i = 0; i < t->n; i++) {
		const struct top_proc *up = by_host_pid(t, t->v[i].host_ppid);

		t->v[i].ppid = up ? up->pid : 0;
	}
}

int top_read(const struct proc_id *init, struct top *ret, struct err *err)
{
	struct top t = { .passwd = SB_INIT, .group = SB_INIT,
			 .host_passwd = SB_INIT, .host_group = SB_INIT };
	autoclosedir DIR *proc = opendir("/proc");
	struct stat ns, own;
	struct dirent *d = NULL;

	if (!proc)
		return err_sys(err, "open /proc");
	/* Once: who is older must not depend on how long it took between two
	 * looks at the clocks. */
	t.boot_ns = clock_now_ns() - (int64_t)clock_boot_ns();
	autoclose int dir = open_init(dirfd(proc), init, &ns, err);
	if (dir < 0)
		return dir;
	while ((d = readdir(proc)) != NULL)
		if (isdigit((unsigned char)d->d_name[0]))
			add_proc(dirfd(proc), d->d_name, &ns, &t);
	if (!fstatat(dirfd(proc), "self/ns/pid", &own, 0) &&
	    same_file(&ns, &own))
		keep_family(&t, init->pid);
	put_in_order(&t);
	t.n_uids = read_ranges(dir, "uid_map", t.uids);
	t.n_gids = read_ranges(dir, "gid_map", t.gids);
	read_names(dir, &t);
	*ret = t;
	return 0;
}
