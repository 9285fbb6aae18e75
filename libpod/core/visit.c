/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Two ways to one thing, see visit.h.  Running (or initialized): a forked child joins user and
 * mount namespace of the container's init by its pidfd.  Nothing is mounted
 * and nothing of the container is executed; the container cannot see the child
 * (another pid namespace) and could not attach to it (not dumpable).
 *
 * Stopped: a child joins U and lets the runtime core do the first half of a
 * start (user and mount namespace, root file system, mounts, pivot_root), then
 * the visit in place of a payload.
 */
#include "libpod/core/visit.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- a child that reports ----------------------------------------------- */

static int run_child(visit_fn fn, void *arg, struct err *err)
{
	struct err child = ERR_INIT;
	int fds[2];
	ssize_t n;
	pid_t pid;
	int code;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid == 0) {
		int r = fn(arg, &child);

		if (r < 0)
			(void)fd_write_full(fds[1], &child, sizeof(child));
		child_exit(r < 0);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return err_sys(err, "fork");
	}
	n = fd_read_full(fds[0], &child, sizeof(child));
	close(fds[0]);
	code = proc_wait(pid);
	if (n == (ssize_t)sizeof(child))
		return err_set(err, child.kind, child.code, "%s", child.msg);
	if (code != 0)
		return err_set(err, ERR_FAIL, ECHILD,
			       "a helper process ended with %d", code);
	return 0;
}

/* ---- running ----------------------------------------------------------- */

struct join {
	int pidfd;
	visit_fn fn;
	void *arg;
};

static int join_main(void *arg, struct err *err)
{
	const struct join *j = arg;
	int r;

	/* before the namespaces: from now on nobody in them can attach */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "set undumpable");
	r = setns(j->pidfd, CLONE_NEWUSER | CLONE_NEWNS);
	/* run by root: the user namespace may be our own */
	if (r < 0 && errno == EINVAL)
		r = setns(j->pidfd, CLONE_NEWNS);
	if (r < 0)
		return errno == ESRCH ?
			       err_set(err, ERR_STATE, ESRCH,
				       "the container has just ended") :
			       err_sys(err, "join the container's namespaces");
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) < 0)
		return err_sys(err, "become root in the container");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "set undumpable");
	return j->fn(j->arg, err);
}

static int visit_running(const struct ctr *c, visit_fn fn, void *arg,
			 struct err *err)
{
	autoclose int pidfd = proc_open(&c->init);
	struct join j = { pidfd, fn, arg };

	if (pidfd < 0)
		return err_set(err, ERR_STATE, ESRCH,
			       "container %s has just ended", c->name);
	return run_child(join_main, &j, err);
}

/* ---- stopped ----------------------------------------------------------- */

/* Other containers' namespaces are no business of a visit. */
static int plan_ns(struct plan *p, struct err *err)
{
	static char none[] = "none";
	struct ctr_config *c = &p->c->config;
	char **modes[] = { &c->pid, &c->ipc, &c->uts, &c->cgroupns };
	char *saved[ARRAY_LEN(modes)];
	char *network = c->network;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		saved[i] = *modes[i];
		*modes[i] = NULL;
	}
	c->network = none;
	r = plan_namespaces(p, err);
	c->network = network;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		*modes[i] = saved[i];
	for (int i = 0; i < OCI_NS_COUNT; i++)
		if (i != OCI_NS_USER && i != OCI_NS_MNT)
			p->spec.ns[i] = (struct oci_ns){ OCI_NS_HOST, -EBADF };
	p->spec.netns_hook = (struct oci_init_hook){ 0 };
	return r;
}

static int make_plan(struct plan *p, struct err *err)
{
	int r = ctr_dirs_make(p->rt, p->c, err);

	if (r < 0)
		return r;
	p->dir = ctr_dir(p->rt, p->c, err);
	if (p->dir < 0)
		return p->dir;
	r = plan_ns(p, err);
	if (r == 0)
		r = plan_rootfs(p, err);
	if (r == 0)
		r = plan_visit_mounts(p, err);
	p->spec.rootfs.readonly = false;
	p->spec.rootfs.volatile_ = false;
	p->spec.process.user = p->c->config.user ? p->c->config.user : "";
	return r;
}

static int visit_main(void *arg, struct err *err)
{
	struct plan *p = arg;
	struct oci_ctr ctr = OCI_CTR_INIT;
	struct oci_io io = { { -EBADF, -EBADF, -EBADF }, -EBADF };
	int code;
	int r = 0;

	if (p->userns >= 0)
		r = userns_join(p->userns, err);
	if (r == 0)
		r = oci_create(&p->spec, &io, NULL, NULL, &ctr, err);
	if (r == 0)
		r = oci_start(&ctr, err);
	if (r < 0)
		return r;
	code = proc_wait(ctr.init.pid);
	/* it ends with the mount, when all is written */
	if (ctr.fuse_pid > 0)
		(void)proc_wait(ctr.fuse_pid);
	if (code != 0)
		return err_set(err, ERR_FAIL, ECHILD,
			       "a helper process ended with %d", code);
	return 0;
}

static int tx_filled(struct runtime *rt, void *arg, struct err *err)
{
	int r = 0;

	for (char **v = arg; r == 0 && v && *v; v++)
		r = volume_filled(rt, *v, err);
	return r;
}

static int visit_stopped(struct runtime *rt, struct ctr *c, visit_fn fn,
			 void *arg, struct err *err)
{
	struct plan plan cleanup(plan_done);
	int r;

	plan_init(&plan, rt, c);
	plan.spec.visit = (struct oci_init_hook){ fn, arg };
	r = make_plan(&plan, err);
	if (r == 0)
		r = run_child(visit_main, &plan, err);
	/* new volumes have their copy of the image's files now */
	if (r == 0 && plan.filled)
		r = tx_run(rt, 0, tx_filled, plan.filled, err);
	return r;
}

int ctr_visit(struct runtime *rt, struct ctr *c, visit_fn fn, void *arg,
	      struct err *err)
{
	int r = ctr_config_load(rt, c, err);

	if (r < 0)
		return r;
	if (ctr_is_live(c))
		return visit_running(c, fn, arg, err);
	/* nobody starts or removes it meanwhile */
	autoclose int lock = ctr_op_lock(rt, c->id, err);
	if (lock < 0)
		return lock;
	r = row_reload(rt, c, err);
	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	return ctr_is_live(c) ? visit_running(c, fn, arg, err) :
			      visit_stopped(rt, c, fn, arg, err);
}
