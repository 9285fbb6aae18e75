/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/hooks.h"
#include "libpod/oci/steps.h"
#include "libpod/oci/sync.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/trace.h"

/*
 * Theory of operation
 *
 * init_main() runs in the process that will become the payload, right after
 * the clone: pid 1 of a new container (oci_create), or a further process in a
 * running one (oci_exec), which takes only the steps marked EXEC.  The steps
 * below are the whole story, in order; each is a trace span, an error prefix
 * and a fault point "oci.init.NAME".  A step that fails ends the process: the
 * reason goes through the sync socket and the parent reaps.  There is nothing
 * to undo, as everything that was made lives in the namespaces of this
 * process.
 *
 * Up to "pivot" the host's file systems are visible: they are only reached
 * through struct place and fixed names of devices; the container's tree only
 * beneath root_fd.  From "start" on the process is not dumpable, so nobody in
 * the container can attach to it.
 */

void init_warn(struct init *in, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sb_addv(&in->warnings, fmt, ap);
	va_end(ap);
	sb_addch(&in->warnings, '\n');
}

void init_setup(struct init *in, const struct oci_spec *spec,
		const struct oci_process *process)
{
	*in = (struct init){
		.spec = spec,
		.process = spec ? &spec->process : process,
		.ctr_name = spec ? spec->id : NULL,
		.stdio = { -EBADF, -EBADF, -EBADF },
		.sync_fd = -EBADF,
		.dumpable = true,
		.trampoline_fd = -EBADF,
		.mnt = MNT_INIT,
		.root_fd = -EBADF,
		.proc_fd = -EBADF,
		.slot_fd = -EBADF,
		.dev_fd = -EBADF,
		.master_fd = -EBADF,
		.cgroupns_fd = -EBADF,
		.tty_fd = -EBADF,
		.warnings = SB_INIT,
	};
}

void init_done(struct init *in)
{
	place_done(&in->layers);
	place_done(&in->state);
	place_done(&in->dir);
	for (size_t i = 0; in->sources && i < in->spec->n_mounts; i++)
		place_done(&in->sources[i]);
	free(in->sources);
	for (size_t i = 0; in->work_fds && i < in->spec->n_mounts; i++)
		close_fd(in->work_fds[i]);
	free(in->work_fds);
	close_fd(in->trampoline_fd);
	close_fd(in->root_fd);
	close_fd(in->proc_fd);
	close_fd(in->slot_fd);
	close_fd(in->dev_fd);
	close_fd(in->master_fd);
	close_fd(in->tty_fd);
	mnt_done(&in->mnt);
	user_done(&in->user);
	sb_done(&in->warnings);
}

/*
 * ---- short steps
 * ------------------------------------------------------------
 */

/*
 * CLONE_CLEAR_SIGHAND has reset what had a handler.  Our own main() starts
 * with signals_init(), so only what a program of ours ignores for itself is
 * left: resetting all 64 costs as much as a mount.
 */
static void reset_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGHUP,	 SIGINT,  SIGQUIT,
				       SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
				       SIGCHLD, SIGWINCH, SIGXFSZ };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Descriptors of the caller that are not CLOEXEC, and those that are: init
 * has not exec'd yet and would keep locks and pipes of the monitor alive.
 */
static int step_fds(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	autofree int *keep = xcalloc(p->n_keep_fds + 8, sizeof(*keep));
	size_t used = 0;

	(void)err;
	reset_signals();
	umask(0);
	for (size_t i = 0; i < p->n_keep_fds; i++) {
		keep[used++] = p->keep_fds[i];
		fd_cloexec(p->keep_fds[i], false);
	}
	for (int i = 0; i < 3; i++)
		keep[used++] = in->stdio[i];
	keep[used++] = in->sync_fd;
	keep[used++] = in->trampoline_fd;
	keep[used++] = in->cgroupns_fd;
	keep[used++] = trace_fd_number();
	fd_close_all_but(keep, used);
	return 0;
}

/* The directories of overlays: only we may pass through the state directory. */
static int hold_works(struct init *in, struct err *err)
{
	const struct oci_spec *spec = in->spec;
	int state = place_is_set(&in->state) ? in->state.held_fd : -EBADF;

	in->work_fds = xcalloc(spec->n_mounts + 1, sizeof(*in->work_fds));
	for (size_t i = 0; i < spec->n_mounts; i++)
		in->work_fds[i] = -EBADF;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const char *work = spec->mounts[i].work;

		if (!work)
			continue;
		in->work_fds[i] = path_open(state, work, O_PATH | O_DIRECTORY |
							 O_NOFOLLOW);
		if (in->work_fds[i] < 0)
			return err_code(err, in->work_fds[i],
					"open the work directory of %s",
					spec->mounts[i].target);
	}
	return 0;
}

static int step_places(struct init *in, struct err *err)
{
	struct place *const fixed[] = { &in->layers, &in->state, &in->dir };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fixed); i++)
		if (place_is_set(fixed[i]))
			r = place_hold(fixed[i], err);
	for (size_t i = 0; r == 0 && i < in->spec->n_mounts; i++)
		if (place_is_set(&in->sources[i]))
			r = place_hold(&in->sources[i], err);
	if (r < 0)
		return r;
	/* where the scratch and the root go; optional for a plain directory */
	if (place_is_set(&in->state))
		in->slot_fd = openat(in->state.held_fd, "mnt",
				     O_PATH | O_DIRECTORY | O_NOFOLLOW |
					     O_CLOEXEC);
	return hold_works(in, err);
}

/* The parent has written the id maps: become root of the new namespace. */
static int step_ids(struct init *in, struct err *err)
{
	struct sync_msg msg;
	int r;

	if (in->spec) {
		r = sync_recv(in->sync_fd, &msg, NULL);
		if (r < 0)
			return err_code(err, r, "wait for the id maps");
		if (r == 0 || msg.type != SYNC_MAPPED)
			return err_set(err, ERR_FAIL, EPIPE,
				       "the starting process is gone");
	}
	if (in->spec && in->spec->ns[OCI_NS_USER].mode == OCI_NS_HOST)
		return 0;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, "become root of the user namespace");
	/* A change of credentials has made the process undumpable. */
	if (in->dumpable && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_sys(err, "set dumpable");
	return 0;
}

static int step_oom(struct init *in, struct err *err)
{
	return in->oom_done ? 0 : oom_apply(in, err);
}

/* A cgroup namespace has the cgroup as its root that its maker is in: the
 * parent's, had the clone made it. */
static int step_cgroupns(struct init *in, struct err *err)
{
	if (!in->spec) {
		if (in->cgroupns_fd >= 0 &&
		    setns(in->cgroupns_fd, CLONE_NEWCGROUP) < 0)
			return err_sys(err, "join the cgroup namespace");
		return 0;
	}
	if (!in->spec->cgroup ||
	    in->spec->ns[OCI_NS_CGROUP].mode != OCI_NS_NEW)
		return 0;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(err, "make the cgroup namespace");
	return 0;
}

static int loopback_up(struct err *err)
{
	struct ifreq ifr = { .ifr_name = "lo" };

	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "open a socket");
	ifr.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return err_sys(err, "bring the loopback interface up");
	return 0;
}

static int step_network(struct init *in, struct err *err)
{
	const struct oci_spec *spec = in->spec;
	int r;

	if (spec->ns[OCI_NS_NET].mode == OCI_NS_NEW) {
		r = loopback_up(err);
		if (r == 0 && spec->netns_hook.fn)
			r = spec->netns_hook.fn(spec->netns_hook.arg, err);
		if (r < 0)
			return r;
	}
	if (!in->tell_netns)
		return 0;
	r = sync_send(in->sync_fd, SYNC_NETNS, 0, NULL, -EBADF);
	return r < 0 ? err_code(err, r, "tell that the network is there") : 0;
}

/* Nothing that happens here may reach the host's mount table. */
static int step_private(struct init *in, struct err *err)
{
	unsigned long how = MS_PRIVATE;

	for (size_t i = 0; i < in->spec->n_mounts; i++)
		if (in->spec->mounts[i].propagation & (MS_SLAVE | MS_SHARED))
			how = MS_SLAVE;
	if (mount(NULL, "/", NULL, how | MS_REC, NULL) < 0)
		return err_sys(err, "make mounts private");
	return 0;
}

static int step_readonly(struct init *in, struct err *err)
{
	int r = 0;

	if (in->dev_fd >= 0)
		r = mnt_setattr(&in->mnt, in->dev_fd, MOUNT_ATTR_RDONLY, false,
				err);
	if (r == 0 && in->spec->rootfs.readonly)
		r = mnt_setattr(&in->mnt, in->root_fd, MOUNT_ATTR_RDONLY,
				false, err);
	return r;
}

/* createContainer: host programs in our namespaces.  Those that run outside
 * are the parent's, meanwhile. */
static int step_hooks(struct init *in, struct err *err)
{
	const struct hooks *hooks = in->spec->hooks;
	struct sync_msg msg;
	int r;

	if (!hooks || !(hooks->stages & HOOK_EARLY))
		return 0;
	r = sync_send(in->sync_fd, SYNC_HOOKS, 0, NULL, -EBADF);
	if (r < 0)
		return err_code(err, r, "tell that the tree is ready");
	r = sync_recv(in->sync_fd, &msg, NULL);
	if (r < 0)
		return err_code(err, r, "wait for the hooks");
	if (r == 0 || msg.type != SYNC_HOOKED)
		return err_set(err, ERR_FAIL, EPIPE,
			       "the starting process is gone");
	in->outer_self = msg.value;
	return hooks_run(hooks, HOOK_CREATE_CONTAINER, in->outer_self,
			 in->state.held_fd, err);
}

static int step_start_hooks(struct init *in, struct err *err)
{
	return hooks_run(in->spec->hooks, HOOK_START_CONTAINER, in->outer_self,
			 -EBADF, err);
}

static int step_hostname(struct init *in, struct err *err)
{
	const char *name = in->spec->hostname;
	const char *domain = in->spec->domainname;

	if (!str_is_empty(domain) &&
	    in->spec->ns[OCI_NS_UTS].mode == OCI_NS_NEW &&
	    setdomainname(domain, strlen(domain)) < 0)
		return err_sys(err, "set the domain name");
	if (str_is_empty(name) || in->spec->ns[OCI_NS_UTS].mode != OCI_NS_NEW)
		return 0;
	if (sethostname(name, strlen(name)) == 0)
		return 0;
	if (errno != EPERM)
		return err_sys(err, "set the host name");
	/* We own this namespace: it is a seccomp filter around us that says
	 * no, as podman's does for its containers. */
	init_warn(in, "host name: the system call filter that we run under "
		  "refuses it, the container keeps the outer name");
	return 0;
}

static int step_join(struct init *in, struct err *err)
{
	in->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return in->root_fd < 0 ? err_sys(err, "open the container's root") : 0;
}

/* All that can be done without the start is done; the console goes along. */
static int step_created(struct init *in, struct err *err)
{
	struct sync_msg msg;
	int r;

	r = sync_send(in->sync_fd, SYNC_CREATED, 0, in->warnings.buf,
		      in->master_fd);
	if (r < 0)
		return err_code(err, r, "report that the container is created");
	close_fd(in->master_fd);
	if (!in->spec)
		return 0;
	r = sync_recv(in->sync_fd, &msg, NULL);
	if (r < 0)
		return err_code(err, r, "wait for the start");
	if (r == 0 || msg.type != SYNC_START)
		return err_set(err, ERR_FAIL, EPIPE,
			       "the starting process is gone");
	return 0;
}

static int step_visit(struct init *in, struct err *err)
{
	const struct oci_init_hook *visit = &in->spec->visit;
	int r;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "set undumpable");
	r = visit->fn(visit->arg, err);
	if (r < 0)
		return r;
	child_exit(0);
}

static int step_start(struct init *in, struct err *err)
{
	(void)in;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "set undumpable");
	return 0;
}

/*
 * ---- the table
 * ---------------------------------------------------------------
 */

#define CREATE 1	/* pid 1 of a new container */
#define EXEC 2		/* a further process */
#define BOTH (CREATE | EXEC)
#define VISIT 8		/* code of ours in the tree of a stopped container */
#define QUIET 4		/* stderr may be the payload's by now: no trace */

/*
 * Order is the whole point of this table; see "Theory of operation".
 */
#define INIT_STEPS(X)                                                        \
	X(fds, BOTH)			/* first: locks of the parent */     \
	X(oom, BOTH)			/* while the parent writes maps */   \
	X(places, CREATE | VISIT)	/* as the user that we still are */  \
	X(ids, BOTH | VISIT)		/* before any mount: needs caps */   \
	X(cgroupns, BOTH)		/* in its cgroup since the clone */  \
	X(proc, CREATE)			/* early: may have to start over */  \
	X(network, CREATE)		/* the parent goes on meanwhile */   \
	X(private, CREATE | VISIT)                                           \
	X(rootfs, CREATE | VISIT)                                            \
	X(sysctls, CREATE)		/* before masks cover /proc/sys */   \
	X(mounts, CREATE | VISIT)                                            \
	X(join, EXEC)                                                        \
	X(terminal, BOTH)		/* on the container's devpts */      \
	X(hooks, CREATE)		/* mask covers the host's /dev */    \
	X(mask, CREATE)                                                      \
	X(user, BOTH)			/* a volume may bring /etc/passwd */ \
	X(workdir, CREATE)                                                   \
	X(readonly, CREATE)		/* after the last file is made */    \
	X(pivot, CREATE | VISIT)	/* the host is gone after this */    \
	X(hostname, CREATE)                                                  \
	X(limits, BOTH)                                                      \
	X(keyring, BOTH)                                                     \
	X(created, BOTH | VISIT)	/* create waits here for start */    \
	X(start_hooks, CREATE)		/* programs of the container */      \
	X(visit, VISIT)			/* does not return when it worked */ \
	X(start, BOTH)			/* undumpable from here on */        \
	X(stdio, BOTH | QUIET)                                               \
	X(identity, BOTH | QUIET)	/* after the last privileged path */ \
	X(cwd, BOTH | QUIET)		/* as the user */                    \
	X(confine_exec, BOTH | QUIET)	/* seccomp, capabilities, execve */

static const struct init_step {
	const char *name;
	int (*run)(struct init *in, struct err *err);
	unsigned int flags;
} steps[] = {
#define STEP_ROW(name, flags) { #name, step_##name, flags },
	INIT_STEPS(STEP_ROW)
};

#ifdef BRYO_TESTING
static const struct fault_point points[]
	__attribute__((used, section("bryo_faults"), aligned(8))) = {
#define POINT_ROW(name, flags) { "oci.init." #name },
	INIT_STEPS(POINT_ROW)
};
#define STEP_FAULT(i) fault_hit(&points[i])
#else
#define STEP_FAULT(i) 0
#endif

static int run_step(struct init *in, size_t i, struct err *err)
{
	struct trace_span span;
	int r;

	if (steps[i].flags & QUIET)
		trace_on = false;
	span = trace_begin("oci", steps[i].name);
	if (STEP_FAULT(i) < 0)
		return err_sys(err, "%s", steps[i].name);
	r = steps[i].run(in, err);
	trace_end(&span);
	return r;
}

void init_main(struct init *in)
{
	unsigned int mode = !in->spec ? EXEC :
			    in->spec->visit.fn ? VISIT : CREATE;
	struct err err = ERR_INIT;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(steps); i++)
		if (steps[i].flags & mode)
			r = run_step(in, i, &err);
	sync_send_err(in->sync_fd, &err);
	child_exit(127);
}
