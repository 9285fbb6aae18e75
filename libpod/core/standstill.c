/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * All processes of a pid namespace, found by the namespace's inode in /proc,
 * get a SIGSTOP through a pidfd.  One that forks meanwhile is found by the
 * next round; the rounds end when one finds nobody who runs.  Those that we
 * stopped, and only those, get a SIGCONT afterwards.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "libpod/core/commit.h"
#include "libpod/core/container.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

#define ROUNDS_MAX 100

/* The letter behind "(name) ": R, S, T ...; 0 when it is gone. */
static char state_of(int dir)
{
	autosb struct sb text = SB_INIT;
	const char *p;

	if (file_read_at(dir, "stat", 4096, &text) < 0)
		return 0;
	p = strrchr(text.buf, ')');
	return p && p[1] == ' ' ? p[2] : 0;
}

static bool is_member(int dir, const struct stat *ns)
{
	struct stat st;

	return fstatat(dir, "ns/pid", &st, 0) == 0 &&
	       st.st_ino == ns->st_ino && st.st_dev == ns->st_dev;
}

/* 1 it was running and is told to stop, 0 nothing to do */
static int stop_one(int proc, const char *name, const struct stat *ns,
		    struct standstill *s)
{
	uint32_t pid;

	if (parse_u32(name, &pid) < 0)
		return 0;
	autoclose int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	autoclose int dir = fd < 0 ? -EBADF : dir_open_at(proc, name);
	char state = dir < 0 || !is_member(dir, ns) ? 0 : state_of(dir);

	if (!state || strchr("TtZXx", state) || pidfd_signal(fd, SIGSTOP) < 0)
		return 0;
	s->fd = xreallocarray(s->fd, s->n + 1, sizeof(*s->fd));
	s->fd[s->n++] = take_fd(fd);
	return 1;
}

static int stop_round(const struct stat *ns, struct standstill *s,
		      struct err *err)
{
	autoclosedir DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (!d)
		return err_sys(err, "open /proc");
	while ((e = readdir(d)))
		n += stop_one(dirfd(d), e->d_name, ns, s);
	return n;
}

int ctr_stand_still(const struct ctr *c, struct standstill *ret,
		    struct err *err)
{
	autofree char *path = xasprintf("/proc/%d/ns/pid", (int)c->init.pid);
	auto_standstill struct standstill s = { NULL, 0 };
	struct stat ns, own;
	int n = 1;

	autoclose int init = proc_open(&c->init);
	if (init < 0)
		return 0;	/* it has ended meanwhile */
	if (stat(path, &ns) < 0 || stat("/proc/self/ns/pid", &own) < 0)
		return err_sys(err, "stat %s", path);
	if (ns.st_ino == own.st_ino && ns.st_dev == own.st_dev)
		return 0;
	for (int i = 0; n > 0 && i < ROUNDS_MAX; i++)
		n = stop_round(&ns, &s, err);
	if (n < 0)
		return n;
	*ret = s;
	s = (struct standstill){ NULL, 0 };
	return 0;
}

/* In the order in which they were stopped: the init of the namespace first. */
void ctr_go_on(struct standstill *s)
{
	for (size_t i = 0; i < s->n; i++) {
		pidfd_signal(s->fd[i], SIGCONT);
		close_fd(s->fd[i]);
	}
	free(s->fd);
	*s = (struct standstill){ NULL, 0 };
}
