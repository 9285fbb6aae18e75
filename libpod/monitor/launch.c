/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * launch.h shows who says what to whom.  M is a fork of the CLI that never
 * touches what belongs to the CLI (its database, its terminal).  It does not
 * close the descriptors it inherited one by one: init and every helper start
 * with a close_range of their own, and monitor_become() ends it.
 *
 * The two sides talk over a socketpair; M's messages are one struct each, the
 * CLI's only one is a byte.  The end of the file means that the other side is
 * dead, whatever killed it.
 *
 * Everything that M makes is in struct birth, and birth_undo() removes it:
 * that is the whole error handling.
 */
#include "libpod/monitor/launch.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/oci/clone.h"
#include "libpod/oci/process.h"
#include "libpod/oci/sync.h"
#include "libpod/oci/hooks.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/trace.h"

#define SLIRP_READY_MS 10000
#define HELPER_END_MS 1000

enum launch_phase { LAUNCH_CREATED = 1, LAUNCH_STARTED, LAUNCH_FAILED };

struct launch_msg {
	enum launch_phase phase;
	struct err err;
	struct launch_report report;
};

/**
 * struct birth - a container on its way, in M
 * @report_fd: -EBADF in launch_here()
 * @ends:      the payload's ends of its pipes, ours are in the conf; owned
 * @leash:     of slirp and the proxy; owned
 */
struct birth {
	const struct launch *l;
	int report_fd;
	struct cgroup cgroup;
	struct oci_ctr ctr;
	bool created;
	struct oci_io io;
	int ends[3];
	int leash;
	struct slirp slirp;
	struct proxy_proc proxy;
};

/* ---- standard descriptors -------------------------------------------- */

/* The container's root may not be us (--userns): the pipe is to be his, so
 * that he can open it again and give it to another user. */
static int make_pipe(const struct birth *b, int *ret_read, int *ret_write,
		     struct err *err)
{
	const struct oci_spec *spec = b->l->spec;
	uint32_t uid;
	uint32_t gid;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe for the container");
	if (idmap_to_outside(&spec->uid_map, 0, &uid) &&
	    idmap_to_outside(&spec->gid_map, 0, &gid) && (uid | gid) != 0)
		(void)!fchown(fds[0], uid, gid);
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

/* The payload's 0, 1 and 2 and our ends of them. */
static int make_stdio(struct birth *b, struct err *err)
{
	struct monitor_conf *c = b->l->conf;
	int r = 0;

	if (b->l->spec->process.terminal)
		return 0;
	if (c->log_driver == LOGDRV_PASSTHROUGH) {
		for (int i = 0; i < 3; i++)
			b->ends[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
	} else {
		if (b->l->want_stdin)
			r = make_pipe(b, &b->ends[0], &c->stdin_fd, err);
		else
			b->ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (r == 0)
			r = make_pipe(b, &c->stdout_fd, &b->ends[1], err);
		if (r == 0)
			r = make_pipe(b, &c->stderr_fd, &b->ends[2], err);
	}
	memcpy(b->io.stdio, b->ends, sizeof(b->ends));
	return r;
}

/* ---- network --------------------------------------------------------- */

/* oci_create() calls this while init goes on with its mounts. */
static int netns_ready(void *arg, const struct oci_ctr *ctr, struct err *err)
{
	struct birth *b = arg;
	const struct port_socks *socks = b->l->socks;
	int r;

	if (b->l->net != LAUNCH_NET_SLIRP)
		return 0;
	b->leash = leash_make(err);
	if (b->leash < 0)
		return b->leash;
	r = slirp_spawn(ctr->init.pid, b->leash, &b->slirp, err);
	if (r < 0 || !socks || socks->n == 0)
		return r;
	return proxy_spawn(ctr->init.pid, socks, b->leash, b->l->monitor_fd,
			   &b->proxy, err);
}

/* ---- undo ------------------------------------------------------------ */

static void end_helper(pid_t pid)
{
	if (pid <= 0)
		return;
	autoclose int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0 && pidfd_wait(fd, HELPER_END_MS) != 1)
		pidfd_signal(fd, SIGKILL);
	(void)proc_wait(pid);
}

static void birth_undo(struct birth *b)
{
	struct monitor_conf *c = b->l->conf;
	pid_t slirp = b->slirp.pid, fuse = b->created ? b->ctr.fuse_pid : 0;

	if (b->created) {
		oci_abort(&b->ctr);
		oci_ctr_done(&b->ctr);
		unlinkat(c->dir_fd, "started", 0);
		/* a round of the policy itself is tried again */
		duties_drop(c, b->report_fd >= 0);
	}
	if (b->cgroup.path)
		cgroup_remove(b->cgroup.path);
	cgroup_done(&b->cgroup);
	close_fd(b->leash);
	slirp_done(&b->slirp);
	proxy_proc_done(&b->proxy);
	for (int i = 0; i < 3; i++)
		close_fd(b->ends[i]);
	close_fd(c->stdin_fd);
	close_fd(c->stdout_fd);
	close_fd(c->stderr_fd);
	close_fd(b->io.console_fd);
	end_helper(slirp);
	end_helper(b->proxy.pid);
	end_helper(fuse);
}

/* ---- the steps ------------------------------------------------------- */

/*
 * In our own user namespace, where we are who the manager of cgroups knows.
 * Commands find the cgroup, and what is not in force, through a file.
 */
static int make_cgroup(struct birth *b, struct err *err)
{
	const struct launch *l = b->l;
	struct cgroup *c = &b->cgroup;
	int r;

	if (!l->cgroup)
		return 0;
	r = cgroup_make(l->cgroup, c, err);
	if (r < 0)
		return r;
	return cgroup_record_write(l->conf->run_fd, c, err);
}

static int create(struct birth *b, struct err *err)
{
	const struct launch *l = b->l;
	struct oci_spec spec = *l->spec;
	int r = make_cgroup(b, err);

	if (b->cgroup.path)
		spec.cgroup = &b->cgroup;
	if (r == 0 && l->join_userns)
		r = l->join_userns(l->arg, err);
	if (r == 0)
		r = make_stdio(b, err);
	if (r == 0)
		r = oci_create(&spec, &b->io, netns_ready, b, &b->ctr, err);
	if (r < 0)
		return r;
	b->created = true;
	for (int i = 0; i < 3; i++)
		close_fd(b->ends[i]);
	if (FAULT("launch.created") < 0)
		return err_sys(err, "create the container");
	if (l->net == LAUNCH_NET_SLIRP) {
		TRACE("net", "wait for slirp4netns");
		r = slirp_wait(&b->slirp, SLIRP_READY_MS, err);
	}
	return r;
}

static int record_start(const struct birth *b, struct err *err)
{
	struct start_record rec = {
		.init = b->ctr.init,
		.monitor = proc_self(),
		.start_n = b->l->conf->start_n,
	};

	return start_record_write(b->l->conf->dir_fd, &rec, err);
}

/* Tell the CLI; that it is gone shows when it does not answer. */
static void report(const struct birth *b, enum launch_phase phase,
		   const struct err *err)
{
	struct launch_msg msg = { .phase = phase };

	if (b->report_fd < 0)
		return;
	if (err)
		msg.err = *err;
	if (b->created) {
		msg.report.init = b->ctr.init;
		msg.report.monitor = proc_self();
		snprintf(msg.report.warnings, sizeof(msg.report.warnings),
			 "%s\n%s",
			 b->cgroup.warning ? b->cgroup.warning : "",
			 b->ctr.warnings ? b->ctr.warnings : "");
	}
	(void)sock_send(b->report_fd, &msg, sizeof(msg));
}

/* The start record not before "go": without it the container never ran. */
static int let_go(struct birth *b, struct err *err)
{
	const struct hooks *hooks = b->l->spec->hooks;
	int r = record_start(b, err);

	if (r == 0)
		duties_note(b->l->conf,
			    hooks && hooks->stages & 1U << HOOK_POSTSTOP);
	if (r == 0 && FAULT("launch.go") < 0)
		r = err_sys(err, "start the container");
	if (r == 0)
		r = oci_start(&b->ctr, err);
	return r < 0 ? r : hooks_run(hooks, HOOK_POSTSTART,
				     b->ctr.init.pid, b->l->conf->dir_fd, err);
}

static int wait_go(const struct birth *b, struct err *err)
{
	char byte;
	ssize_t n;

	if (b->report_fd < 0)
		return 0;
	do
		n = recv(b->report_fd, &byte, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		return err_set(err, ERR_FAIL, ECANCELED,
			       "start was given up by its caller");
	return 0;
}

static void add_helper(struct monitor_conf *c, pid_t pid)
{
	if (pid > 0)
		c->helper_pids[c->n_helpers++] = pid;
}

/* The payload runs, or waits: hand everything to bryo-monitor. */
static void noreturn_attr become(struct birth *b)
{
	struct monitor_conf *c = b->l->conf;

	c->init = b->ctr.init;
	c->init_pidfd = take_fd(b->ctr.pidfd);
	c->sync_fd = take_fd(b->ctr.sync_fd);
	c->console_fd = b->io.console_fd;
	c->cgroup = take_ptr(b->cgroup.path);
	c->leash_fd = b->leash;
	c->n_helpers = 0;
	add_helper(c, b->slirp.pid);
	add_helper(c, b->proxy.pid);
	add_helper(c, b->ctr.fuse_pid);
	c->slirp_pid = b->slirp.pid;
	c->proxy_pid = b->proxy.pid;
	c->proxy_fd = b->proxy.conf_fd;
	(void)fd_null(0, 2);
	monitor_become(c, b->l->monitor_fd);
}

/* Only returns when it failed; nothing is left then. */
static int give_birth(const struct launch *l, int report_fd, struct err *err)
{
	struct birth b = {
		.l = l,
		.report_fd = report_fd,
		.cgroup = CGROUP_INIT,
		.ctr = OCI_CTR_INIT,
		.io = { { -EBADF, -EBADF, -EBADF }, -EBADF },
		.ends = { -EBADF, -EBADF, -EBADF },
		.leash = -EBADF,
		.slirp = SLIRP_INIT,
		.proxy = PROXY_PROC_INIT,
	};
	struct err why = ERR_INIT;
	int r = create(&b, &why);

	if (r == 0) {
		report(&b, LAUNCH_CREATED, NULL);
		r = wait_go(&b, &why);
	}
	if (r == 0 && !l->hold)
		r = let_go(&b, &why);
	if (r == 0) {
		(void)FAULT("launch.started");
		report(&b, LAUNCH_STARTED, NULL);
		become(&b);
	}
	birth_undo(&b);
	report(&b, LAUNCH_FAILED, &why);
	if (err)
		*err = why;
	return r;
}

/* What M needs of the signals: children stay to be waited for, and nobody
 * ends it half-way. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int launch_here(const struct launch *l, struct err *err)
{
	block_signals();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return give_birth(l, -EBADF, err);
}

/* ---- the CLI's side -------------------------------------------------- */

static void noreturn_attr child(const struct launch *l, int report_fd)
{
	bool keep_stdio = l->conf->log_driver == LOGDRV_PASSTHROUGH;
	bool keep_stderr = log_max >= LOG_DEBUG || trace_on;

	block_signals();
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!keep_stdio)
		(void)fd_null(0, keep_stderr ? 1 : 2);
	(void)give_birth(l, report_fd, NULL);
	child_exit(125);
}

/* The first process of a pid namespace cannot have siblings. */
static pid_t fork_monitor(const struct launch *l, int *ret_pidfd)
{
	pid_t pid;

	if (!l->sibling || getpid() == 1)
		return fork();
	pid = clone_process(CLONE_PARENT, ret_pidfd);
	if (pid < 0)
		errno = -(int)pid;
	return pid;
}

int launch_spawn(const struct launch *l, struct launch_proc *ret,
		 struct err *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make a socket pair for the monitor");
	autoclose int ours = pair[0];
	autoclose int theirs = pair[1];
	pid = fork_monitor(l, &ret->pidfd);
	if (pid < 0)
		return err_fork(err, errno, "fork the monitor");
	if (pid == 0) {
		close_fd(ours);
		child(l, theirs);
	}
	ret->pid = pid;
	ret->report_fd = take_fd(ours);
	return 0;
}

static int give_up(struct launch_proc *p)
{
	close_fd(p->report_fd);
	if (p->pidfd >= 0)
		(void)pidfd_wait(p->pidfd, -1);
	else
		(void)proc_wait(p->pid);
	p->pid = 0;
	return 0;
}

/* The options were fine, this start does not work. */
static void is_start(struct err *err)
{
	if (err->kind == ERR_SYS || err->kind == ERR_INVALID ||
	    err->kind == ERR_FAIL)
		err->kind = ERR_START;
}

/* The next message has to be @phase. */
static int expect(struct launch_proc *p, enum launch_phase phase,
		  struct launch_report *ret, struct err *err)
{
	struct launch_msg msg = { .phase = 0 };
	ssize_t n;

	do
		n = recv(p->report_fd, &msg, sizeof(msg), 0);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(msg) && msg.phase == phase) {
		if (ret)
			*ret = msg.report;
		return 0;
	}
	give_up(p);
	if (n != (ssize_t)sizeof(msg) || msg.phase != LAUNCH_FAILED)
		return err_set(err, ERR_FAIL, EPIPE,
			       "the monitor died while it started the "
			       "container");
	if (err) {
		*err = msg.err;
		is_start(err);
	}
	return -msg.err.code;
}

int launch_created(struct launch_proc *p, struct launch_report *ret,
		   struct err *err)
{
	return expect(p, LAUNCH_CREATED, ret, err);
}

int launch_go(struct launch_proc *p, struct err *err)
{
	int r = sock_send(p->report_fd, "g", 1);

	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_code(err, r, "tell the monitor to go on");
	r = expect(p, LAUNCH_STARTED, NULL, err);
	close_fd(p->report_fd);
	return r;
}

int launch_resume(int sock, bool first, struct err *err)
{
	const char go[] = { ATTACH_GO, (char)first };
	struct sync_msg msg;
	char type = 0;
	struct iovec iov[] = { { &type, 1 }, { &msg, sizeof(msg) } };
	ssize_t n;
	int r = sock_send(sock, go, sizeof(go));

	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_code(err, r, "tell the monitor to go on");
	do
		n = readv(sock, iov, ARRAY_LEN(iov));
	while (n < 0 && errno == EINTR);
	if (n < 1 || type != ATTACH_GO)
		return err_set(err, ERR_FAIL, EPIPE,
			       "the monitor died while it started the "
			       "container");
	if (n == 1)
		return 0;
	if (sync_check(&msg, (size_t)n - 1) < 0)
		return err_set(err, ERR_FAIL, EPROTO,
			       "the monitor gave a malformed answer");
	msg.text[msg.text_len] = '\0';
	r = sync_exec_error(&msg, err);
	if (err)
		is_start(err);
	return r;
}

void launch_abort(struct launch_proc *p)
{
	if (p->report_fd >= 0)
		give_up(p);
}

void launch_proc_done(struct launch_proc *p)
{
	launch_abort(p);
	close_fd(p->pidfd);
}
