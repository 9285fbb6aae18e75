/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Two ways to one thing, see visit.h.  Running (or initialized): a forked
 * child joins user and mount namespace of the container's init by its pidfd.
 * Nothing is mounted and nothing of the container is executed; the container
 * cannot see the child (another pid namespace) and could not attach to it (not
 * dumpable).
 *
 * Stopped: a child joins U and lets the runtime core do the first half of a
 * start (user and mount namespace, root file system, mounts, pivot_root), then
 * the visit in place of a payload.
 */
#include "libpod/core/files/visit.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/files/mount.h"
#include "libpod/core/plan/plan.h"
#include "util/fd.h"
#include "util/proc.h"

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
		return err_fork(err, errno, "fork");
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

/* Other containers' namespaces are no business of a visit.  @bare: nor are
 * own id maps; they are no matter of the files either. */
static int plan_ns(struct plan *p, bool bare, struct err *err)
{
	static char none[] = "none";
	struct ctr_config *c = &p->c->config;
	const struct ctr_config saved = *c;
	int r;

	c->pid = c->ipc = c->uts = c->cgroupns = NULL;
	c->network = none;
	if (bare) {
		c->userns = c->subuidname = c->subgidname = NULL;
		c->uidmap = c->gidmap = NULL;
	}
	r = plan_namespaces(p, err);
	*c = saved;
	for (int i = 0; i < OCI_NS_COUNT; i++)
		if (i != OCI_NS_USER && i != OCI_NS_MNT)
			p->spec.ns[i] = (struct oci_ns){ OCI_NS_HOST, -EBADF };
	p->spec.netns_hook = (struct oci_init_hook){ 0 };
	return r;
}

/* @bare: the root file system alone */
static int make_plan(struct plan *p, bool bare, struct err *err)
{
	int r = ctr_dirs_make(p->rt, p->c, err);

	if (r < 0)
		return r;
	p->dir = ctr_dir(p->rt, p->c, err);
	if (p->dir < 0)
		return p->dir;
	r = plan_ns(p, bare, err);
	if (r == 0)
		r = plan_rootfs(p, err);
	if (r == 0 && !bare)
		r = plan_visit_mounts(p, err);
	p->spec.rootfs.readonly = false;
	p->spec.rootfs.volatile_ = false;
	p->spec.process.user = p->c->config.user ? p->c->config.user : "";
	return r;
}

/**
 * struct stopped - a visit to a stopped container
 * @path: where its root is to be mounted
 */
struct stopped {
	struct plan plan;
	const char *path;
};

static int visit_main(void *arg, struct err *err)
{
	const struct stopped *s = arg;
	const struct plan *p = &s->plan;
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
	struct stopped s = { .path = NULL };
	int r;

	plan_init(&s.plan, rt, c);
	s.plan.spec.visit = (struct oci_init_hook){ fn, arg };
	r = make_plan(&s.plan, false, err);
	if (r == 0)
		r = ctr_mount_check(s.plan.dir, c, err);
	if (r == 0)
		r = run_child(visit_main, &s, err);
	/* new volumes have their copy of the image's files now */
	if (r == 0 && s.plan.filled)
		r = tx_run(rt, 0, tx_filled, s.plan.filled, err);
	plan_done(&s.plan);
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

/* ---- the root as a mount ------------------------------------------------ */

static int send_root(void *arg, struct err *err)
{
	const int *sock = arg;
	autoclose int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/",
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "clone the container's root");
	n = sock_send_fds(*sock, "r", 1, &fd, 1);
	return n < 0 ? err_code(err, (int)n, "hand over the root") : 0;
}

static int attach_root(int sock, const char *path, struct err *err)
{
	size_t n_fds = 1;
	int fd = -EBADF;
	char byte;

	if (sock_recv_fds(sock, &byte, 1, &fd, &n_fds) != 1 || n_fds != 1)
		return err_set(err, ERR_FAIL, EPROTO,
			       "the root did not arrive");
	autoclose int tree = fd;
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path,
		    MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "attach the mount");
	/* FUSE is for the user namespace that has mounted it, and below */
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		return 0;
	(void)umount2(path, MNT_DETACH);
	return err_set(err, ERR_UNSUPPORTED, EACCES,
		       "while it runs, its fuse-overlayfs can only be read by "
		       "the container itself: stop it first");
}

/* @s: NULL: it runs */
static int clone_root(const struct ctr *c, struct stopped *s, const char *path,
		      struct err *err)
{
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	autoclose int ours = pair[0];
	autoclose int theirs = pair[1];
	if (s) {
		s->plan.spec.visit =
			(struct oci_init_hook){ send_root, &theirs };
		r = run_child(visit_main, s, err);
	} else {
		r = visit_running(c, send_root, &theirs, err);
	}
	return r < 0 ? r : attach_root(ours, path, err);
}

/* In the caller's user namespace: from there it is to be read. */
static int fuse_root(void *arg, struct err *err)
{
	const struct stopped *s = arg;
	const struct oci_rootfs *root = &s->plan.spec.rootfs;
	char link[FD_PATH_MAX];
	const char *dir = fd_path(root->state_fd, link);
	autosb struct sb opts = SB_INIT;

	sb_add(&opts, "lowerdir=");
	for (size_t i = 0; i < root->n_lower; i++)
		sb_addf(&opts, "%s%s", i ? ":" : "", root->lower[i]);
	sb_addf(&opts, ",upperdir=%s/upper,workdir=%s/work", dir, dir);
	(void)setsid();
	if (!root->fuse_path)
		return err_set(err, ERR_FAIL, ENOENT,
			       "fuse-overlayfs is not installed");
	if (fchdir(root->layers_fd) < 0)
		return err_sys(err, "enter the layer directory");
	(void)fd_cloexec(root->state_fd, false);
	(void)execl(root->fuse_path, "fuse-overlayfs", "-o", opts.buf, s->path,
		    (char *)NULL);
	return err_sys(err, "run fuse-overlayfs");
}

int ctr_visit_root(struct runtime *rt, struct ctr *c, const char *path,
		   struct err *err)
{
	struct stopped s = { .path = path };
	int r;

	if (ctr_is_live(c))
		return clone_root(c, NULL, path, err);
	plan_init(&s.plan, rt, c);
	r = make_plan(&s.plan, true, err);
	if (r == 0 && s.plan.spec.rootfs.driver == OCI_ROOTFS_FUSE)
		r = run_child(fuse_root, &s, err);
	else if (r == 0)
		r = clone_root(c, &s, path, err);
	plan_done(&s.plan);
	return r;
}
