/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/cgroup.h"
#include "libpod/oci/clone.h"
#include "libpod/oci/init.h"
#include "libpod/oci/process.h"
#include "libpod/oci/steps.h"
#include "libpod/oci/sync.h"
#include "libpod/oci/trampoline.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/proc.h"
#include "util/trace.h"

/*
 * Theory of operation
 *
 * A further process in a running container.  The caller cannot enter the
 * container's namespaces itself, so it forks a helper, which becomes
 * undumpable (a process in the container must not attach to it while it holds
 * host descriptors), enters all namespaces with one setns(2) on init's pidfd,
 * and clones the new process as the caller's child (CLONE_PARENT): only a
 * child is in the joined pid namespace.  That one runs the EXEC steps of
 * init.c.
 */

static const struct {
	const char *file;
	uint64_t flag;
} namespaces[] = {
	{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },
	{ "pid", CLONE_NEWPID },   { "net", CLONE_NEWNET },
	{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },
	{ "cgroup", CLONE_NEWCGROUP },
};

static uint64_t all_namespaces(void)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		flags |= namespaces[i].flag;
	return flags;
}

/* Those in which the container differs from us. */
static uint64_t other_namespaces(pid_t pid)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		char path[64];
		struct stat ours;
		struct stat theirs;

		snprintf(path, sizeof(path), "/proc/self/ns/%s",
			 namespaces[i].file);
		if (stat(path, &ours) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid,
			 namespaces[i].file);
		if (stat(path, &theirs) < 0)
			continue;
		if (ours.st_ino != theirs.st_ino)
			flags |= namespaces[i].flag;
	}
	return flags;
}

static int not_running(const struct init *in, struct err *err)
{
	return err_set(err, ERR_STATE, ESRCH, "container %s is not running",
		       in->ctr_name ? in->ctr_name : "");
}

/*
 * From within the container's cgroup namespace nobody may move a process from
 * outside into it (nsdelegate): the new process joins that one by itself.
 */
static int join(struct init *in, const struct oci_exec *ex, int pidfd,
		struct err *err)
{
	uint64_t later = ex->cgroup ? CLONE_NEWCGROUP : 0;
	uint64_t other;

	if (setns(pidfd, (int)(all_namespaces() & ~later)) == 0) {
		in->cgroupns_fd = later ? pidfd : -EBADF;
		return 0;
	}
	if (errno == ESRCH)
		return not_running(in, err);
	if (errno != EPERM && errno != EINVAL)
		return err_sys(err, "join the namespaces of the container");
	/* One that is shared with us may not be entered: leave it out. */
	other = other_namespaces(ex->init.pid);
	if (!proc_is_alive(&ex->init))
		return not_running(in, err);
	if (setns(pidfd, (int)(other & ~later)) < 0)
		return err_sys(err, "join the namespaces of the container");
	in->cgroupns_fd = other & later ? pidfd : -EBADF;
	return 0;
}

static int helper_run(struct init *in, const struct oci_exec *ex, int pidfd,
		      struct err *err)
{
	int cgroup = ex->cgroup ? ex->cgroup->fd : -EBADF;
	int ret_pidfd = -EBADF;
	pid_t pid;
	int r;

	r = oom_apply(in, err);
	if (r < 0)
		return r;
	in->dumpable = false;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "set undumpable");
	r = join(in, ex, pidfd, err);
	if (r < 0)
		return r;
	pid = clone_process_into(CLONE_PARENT, cgroup, &ret_pidfd);
	if (pid == 0)
		init_main(in);
	if (pid == -EACCES && cgroup >= 0)
		return err_set(err, ERR_FAIL, EXDEV,
			       "not allowed into the container's cgroup");
	/* The pid namespace died between setns and clone. */
	if (pid == -ENOMEM)
		return not_running(in, err);
	if (pid < 0)
		return err_fork(err, pid, "clone into the container");
	r = FAULT("oci.exec.cloned") < 0 ? -errno :
	    sync_send(in->sync_fd, SYNC_PID, pid, NULL, ret_pidfd);
	if (r == 0)
		return 0;
	/* Nobody will know it. */
	pidfd_signal(ret_pidfd, SIGKILL);
	return err_code(err, r, "hand over the pid");
}

static void noreturn_attr helper_main(struct init *in,
				      const struct oci_exec *ex, int pidfd)
{
	struct err err = ERR_INIT;

	if (helper_run(in, ex, pidfd, &err) < 0)
		sync_send_err(in->sync_fd, &err);
	child_exit(0);
}

/* What has come over the socket; SYNC_PID and SYNC_CREATED in either order. */
struct progress {
	int pidfd;	/* owned */
	pid_t pid;
	int console_fd;	/* owned */
	bool created;
};

/* 0: go on, -errno */
static int handle(struct progress *p, const struct sync_msg *msg, int *fd,
		  struct err *err)
{
	if (msg->type == SYNC_PID) {
		p->pid = msg->value;
		p->pidfd = take_fd(*fd);
	} else if (msg->type == SYNC_CREATED) {
		p->console_fd = take_fd(*fd);
		p->created = true;
	} else if (msg->type == SYNC_ERR) {
		return sync_err(msg, err);
	} else {
		return err_set(err, ERR_FAIL, EPROTO,
			       "message %u from the new process",
			       (unsigned int)msg->type);
	}
	return 0;
}

/*
 * The error of the new process may overtake its pid from the helper.  We have
 * to reap it all the same: the container's pid namespace cannot end while a
 * zombie of it is left.
 */
static void wait_pid(int sock, struct progress *p)
{
	while (p->pidfd < 0) {
		autoclose int fd = -EBADF;
		struct sync_msg msg;

		if (sync_recv(sock, &msg, &fd) <= 0)
			return;
		(void)handle(p, &msg, &fd, NULL);
	}
}

static int wait_created(int sock, struct progress *p, struct err *err)
{
	int r = 0;

	while (r == 0 && (p->pidfd < 0 || !p->created)) {
		autoclose int fd = -EBADF;
		struct sync_msg msg;

		r = sync_recv(sock, &msg, &fd);
		if (r < 0)
			return err_code(err, r, "wait for the new process");
		if (r == 0)
			return err_set(err, ERR_START, EPIPE,
				       "the new process ended before its "
				       "start");
		r = handle(p, &msg, &fd, err);
	}
	if (r < 0)
		wait_pid(sock, p);
	return r;
}

static void progress_done(struct progress *p)
{
	close_fd(p->pidfd);
	close_fd(p->console_fd);
}

static int exec_in(struct init *in, const struct oci_exec *ex, int init_pidfd,
		   struct progress *p, struct err *err)
{
	autoclose int helper = -EBADF;
	autoclose int sock = -EBADF;
	pid_t pid;
	int r;

	r = sync_pair(&sock, &in->sync_fd);
	if (r < 0)
		return err_code(err, r, "make a socket pair");
	pid = clone_process(0, &helper);
	if (pid == 0)
		helper_main(in, ex, init_pidfd);
	close_fd(in->sync_fd);
	if (pid < 0)
		return err_fork(err, pid, "fork");
	r = wait_created(sock, p, err);
	pidfd_reap(helper);
	if (r == 0)
		r = sync_wait_exec(sock, err);
	if (r < 0 && p->pidfd >= 0) {
		pidfd_signal(p->pidfd, SIGKILL);
		pidfd_reap(p->pidfd);
	}
	return r;
}

int oci_exec(const struct oci_exec *ex, int *ret_pidfd, pid_t *ret_pid,
	     struct err *err)
{
	TRACE("oci", "exec");
	struct init in cleanup(init_done);
	struct progress p cleanup(progress_done) = { -EBADF, 0, -EBADF, false };
	int r;

	init_setup(&in, NULL, ex->process);
	in.ctr_name = ex->ctr_name;
	for (int i = 0; i < 3; i++)
		in.stdio[i] = ex->process->terminal ? -EBADF : ex->io->stdio[i];
	autoclose int init_pidfd = proc_open(&ex->init);
	if (init_pidfd < 0)
		return not_running(&in, err);
	r = trampoline_open(false, &in.trampoline_fd, err);
	if (r == 0)
		r = exec_in(&in, ex, init_pidfd, &p, err);
	if (r < 0)
		return r;
	if (ex->process->terminal)
		ex->io->console_fd = take_fd(p.console_fd);
	*ret_pidfd = take_fd(p.pidfd);
	*ret_pid = p.pid;
	return 0;
}

int oci_userns_up(int ns_fd, struct err *err)
{
	int r = ioctl(ns_fd, NS_GET_PARENT);

	if (r < 0)
		return err_sys(err, "find the parent of the user namespace");
	return r;
}

int oci_userns_parent(pid_t pid, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	return oci_userns_up(fd, err);
}
