/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/cgroup.h"
#include "libpod/oci/clone.h"
#include "libpod/oci/hooks.h"
#include "libpod/oci/init.h"
#include "libpod/oci/process.h"
#include "libpod/oci/steps.h"
#include "libpod/oci/sync.h"
#include "libpod/oci/trampoline.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/*
 * Theory of operation
 *
 * The parent side of a container's start, in the monitor (which is in U).
 * Normally init is cloned directly into all its new namespaces, waits for its
 * id maps, and tells its progress over the sync socket while we answer.
 *
 * A namespace that is joined has to be entered before the clone, so that what
 * is new belongs to the joined user namespace.  We cannot do that ourselves (a
 * user namespace is never left again): a helper is forked, joins, clones init
 * with CLONE_PARENT, as our child, and ends.
 *
 * When the kernel refuses a new procfs (SYNC_NO_PROC) all is done once more in
 * the outer pid namespace.  On any failure init is killed and reaped: its
 * namespaces, mounts and devices go with it.
 */

/* In the order in which they are joined: the user namespace gives the right
 * to join the others. */
static const struct {
	enum oci_ns_type type;
	uint64_t flag;
	const char *file;	/* below /proc/self/ns */
} namespaces[] = {
	{ OCI_NS_USER, CLONE_NEWUSER, "user" },
	{ OCI_NS_NET, CLONE_NEWNET, "net" },
	{ OCI_NS_IPC, CLONE_NEWIPC, "ipc" },
	{ OCI_NS_UTS, CLONE_NEWUTS, "uts" },
	{ OCI_NS_CGROUP, CLONE_NEWCGROUP, "cgroup" },
	{ OCI_NS_PID, CLONE_NEWPID, "pid" },
	{ OCI_NS_MNT, CLONE_NEWNS, "mnt" },
};

static uint64_t clone_flags(const struct oci_spec *spec, bool outer_pid)
{
	/* Never the caller's mount namespace, whatever the spec says. */
	uint64_t flags = CLONE_NEWNS;

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		if (spec->ns[namespaces[i].type].mode == OCI_NS_NEW)
			flags |= namespaces[i].flag;
	/* Its root would be our cgroup, not the container's: see init.c. */
	if (spec->cgroup)
		flags &= ~(uint64_t)CLONE_NEWCGROUP;
	return outer_pid ? flags & ~(uint64_t)CLONE_NEWPID : flags;
}

static int cgroup_of(const struct oci_spec *spec)
{
	return spec->cgroup ? spec->cgroup->fd : -EBADF;
}

static bool joins_any(const struct oci_spec *spec)
{
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		if (spec->ns[namespaces[i].type].mode == OCI_NS_JOIN)
			return true;
	return false;
}

/*
 * ---- the helper that joins
 * --------------------------------------------------
 */

/* Nobody may enter the namespace he is in; there is no need to either. */
static bool is_ours(int ns_fd, const char *file)
{
	char path[64];
	struct stat theirs;
	struct stat ours;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
	return fstat(ns_fd, &theirs) == 0 && stat(path, &ours) == 0 &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static int join_all(struct init *in, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		const struct oci_ns *ns = &in->spec->ns[namespaces[i].type];
		const char *file = namespaces[i].file;

		if (ns->mode != OCI_NS_JOIN || namespaces[i].type == OCI_NS_MNT)
			continue;
		if (setns(ns->fd, (int)namespaces[i].flag) == 0)
			continue;
		if ((errno != EPERM && errno != EINVAL) ||
		    !is_ours(ns->fd, file))
			return err_sys(err, "join the %s namespace", file);
		/* The other container got the outer one (masked /proc). */
		if (namespaces[i].type == OCI_NS_PID)
			in->outer_pid = true;
	}
	return 0;
}

/*
 * Others in the joined namespaces could attach to init while it still sees
 * the host; slirp4netns on the other hand has to open a new network namespace.
 */
static int helper_run(struct init *in, uint64_t flags, struct err *err)
{
	const struct oci_spec *spec = in->spec;
	int pidfd = -EBADF;
	pid_t pid;
	int r;

	r = oom_apply(in, err);
	if (r < 0)
		return r;
	in->dumpable = spec->ns[OCI_NS_USER].mode != OCI_NS_JOIN ||
		       spec->ns[OCI_NS_NET].mode == OCI_NS_NEW;
	if (!in->dumpable && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "set undumpable");
	r = join_all(in, err);
	if (r < 0)
		return r;
	pid = clone_process_into(flags | CLONE_PARENT, cgroup_of(spec), &pidfd);
	if (pid == 0)
		init_main(in);
	if (pid < 0)
		return err_code(err, pid,
				"clone the container's first process");
	r = sync_send(in->sync_fd, SYNC_PID, pid, NULL, pidfd);
	if (r == 0)
		return 0;
	/* Nobody will know it. */
	pidfd_signal(pidfd, SIGKILL);
	return err_code(err, r, "hand over the pid");
}

static void noreturn_attr helper_main(struct init *in, uint64_t flags)
{
	struct err err = ERR_INIT;

	if (helper_run(in, flags, &err) < 0)
		sync_send_err(in->sync_fd, &err);
	child_exit(0);
}

/* Fork the helper; init's pid and pidfd come over the socket. */
static int clone_joined(struct init *in, uint64_t flags, struct oci_ctr *ctr,
			struct err *err)
{
	autoclose int helper = -EBADF;
	struct sync_msg msg;
	pid_t pid = clone_process(0, &helper);
	int r;

	if (pid == 0)
		helper_main(in, flags);
	if (pid < 0)
		return err_fork(err, pid, "fork");
	close_fd(in->sync_fd);
	r = sync_recv(ctr->sync_fd, &msg, &ctr->pidfd);
	pidfd_reap(helper);
	if (r < 0)
		return err_code(err, r, "join namespaces");
	if (r > 0 && msg.type == SYNC_ERR) {
		struct sync_msg next;

		/* init's own, that overtook its pid? it is to be reaped */
		sync_recv(ctr->sync_fd, &next, &ctr->pidfd);
		return sync_err(&msg, err);
	}
	if (r == 0 || msg.type != SYNC_PID || ctr->pidfd < 0)
		return err_set(err, ERR_FAIL, EPROTO,
			       "the helper that joins namespaces is gone");
	ctr->init.pid = msg.value;
	return 0;
}

/*
 * ---- the parent
 * ---------------------------------------------------------------
 */

/* What the kernel's refusal of a user namespace usually means. */
static const char *clone_hint(int r)
{
	if (r == -ENOSPC || r == -EUSERS)
		return " (limit: sysctl user.max_user_namespaces)";
	if (r == -EPERM)
		return " (are user namespaces allowed? see sysctl "
		       "kernel.unprivileged_userns_clone and "
		       "kernel.apparmor_restrict_unprivileged_userns; in a "
		       "container its filter of system calls may refuse it)";
	return "";
}

static int err_clone(struct err *err, int r)
{
	const char *hint = clone_hint(r);

	r = err_fork(err, r, "clone the container's first process%s", hint);
	/* no container can start: it is not this one's fault */
	return *hint ? err_kind_set(err, r, ERR_UNSUPPORTED) : r;
}

static int clone_init(struct init *in, struct oci_ctr *ctr, struct err *err)
{
	uint64_t flags = clone_flags(in->spec, in->outer_pid);
	int r;

	r = sync_pair(&ctr->sync_fd, &in->sync_fd);
	if (r < 0)
		return err_code(err, r, "make a socket pair");
	if (joins_any(in->spec))
		return clone_joined(in, flags, ctr, err);
	r = clone_process_into(flags, cgroup_of(in->spec), &ctr->pidfd);
	if (r == 0) {
		/* or it would wait for ever for a parent that was killed */
		close_fd(ctr->sync_fd);
		init_main(in);
	}
	close_fd(in->sync_fd);
	if (r < 0)
		return err_clone(err, r);
	ctr->init.pid = r;
	return 0;
}

static int write_maps(const struct oci_spec *spec, pid_t pid, struct err *err)
{
	char path[32];
	int r;

	if (spec->ns[OCI_NS_USER].mode != OCI_NS_NEW)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	autoclose int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_sys(err, "open %s", path);
	if (spec->setgroups_deny) {
		autoclose int fd = openat(proc, "setgroups", O_WRONLY |
					  O_CLOEXEC);

		if (fd < 0 || write(fd, "deny", 4) != 4)
			return err_sys(err, "deny setgroups");
	}
	r = idmap_write(proc, "gid_map", &spec->gid_map, err);
	return r < 0 ? r : idmap_write(proc, "uid_map", &spec->uid_map, err);
}

struct fuse_start {
	int layers_fd;
};

static int fuse_prepare(void *arg, struct err *err)
{
	const struct fuse_start *f = arg;

	if (fchdir(f->layers_fd) < 0)
		return err_sys(err, "enter the layer directory");
	return 0;
}

/*
 * The daemon gets the connection as descriptor 3 and the container's upper
 * directory as 4; the layers are relative to its working directory.  It ends
 * by itself when the mount is gone.
 */
static int start_fuse(const struct oci_spec *spec, int fuse_fd,
		      struct oci_ctr *ctr, struct err *err)
{
	const struct oci_rootfs *root = &spec->rootfs;
	struct fuse_start start = { root->layers_fd };
	autosb struct sb opts = SB_INIT;
	const int fds[] = { -1, -1, -1, fuse_fd, root->state_fd };
	char *const env[] = { NULL };
	pid_t pid;

	sb_add(&opts, "lowerdir=");
	for (size_t i = 0; i < root->n_lower; i++)
		sb_addf(&opts, "%s%s", i ? ":" : "", root->lower[i]);
	sb_addf(&opts, ",upperdir=/proc/self/fd/4/upper,"
		"workdir=/proc/self/fd/4/work%s",
		root->volatile_ ? ",volatile" : "");
	char *const argv[] = {
		(char *)(uintptr_t)"fuse-overlayfs", (char *)(uintptr_t)"-f",
		(char *)(uintptr_t)"-o", opts.buf,
		(char *)(uintptr_t)"/dev/fd/3", NULL,
	};
	const struct proc_spawn spawn = {
		.path = root->fuse_path,
		.argv = argv,
		.env = env,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
		.prepare = fuse_prepare,
		.arg = &start,
	};

	if (!root->fuse_path)
		return err_set(err, ERR_FAIL, ENOENT,
			       "fuse-overlayfs is not installed");
	pid = proc_spawn(&spawn, NULL, err);
	if (pid < 0)
		return pid;
	ctr->fuse_pid = pid;
	return 0;
}

struct create {
	struct init *in;
	struct oci_io *io;
	int (*netns_ready)(void *arg, const struct oci_ctr *ctr,
			   struct err *err);
	void *arg;
	bool no_proc;	/* init asked for the outer pid namespace */
};

/* Those that run outside, in the bundle */
static int run_hooks(const struct oci_spec *spec, const struct oci_ctr *ctr,
		     struct err *err)
{
	int dir = spec->rootfs.state_fd;
	int r = hooks_run(spec->hooks, HOOK_PRESTART, ctr->init.pid, dir, err);

	if (r == 0)
		r = hooks_run(spec->hooks, HOOK_CREATE_RUNTIME, ctr->init.pid,
			      dir, err);
	if (r < 0)
		return r;
	r = sync_send(ctr->sync_fd, SYNC_HOOKED, ctr->init.pid, NULL, -EBADF);
	return r < 0 ? err_code(err, r, "tell that the hooks ran") : 0;
}

/* 1: created, 0: go on, -errno */
static int handle(struct create *c, const struct sync_msg *msg, int *fd,
		  struct oci_ctr *ctr, struct err *err)
{
	int r;

	switch (msg->type) {
	case SYNC_NETNS:
		return c->netns_ready(c->arg, ctr, err);
	case SYNC_HOOKS:
		return run_hooks(c->in->spec, ctr, err);
	case SYNC_CHOWN:
		r = owner_give(c->in->spec, msg, err);
		if (r == 0)
			r = sync_send(ctr->sync_fd, SYNC_CHOWNED, 0, NULL,
				      -EBADF);
		return r;
	case SYNC_FUSE:
		return start_fuse(c->in->spec, *fd, ctr, err);
	case SYNC_NO_PROC:
		c->no_proc = true;
		return 0;
	case SYNC_ERR:
		r = sync_err(msg, err);
		if (ctr->fuse_pid && r == -ENOTCONN)
			err_wrap(err, r, "fuse-overlayfs has ended");
		return r;
	case SYNC_CREATED:
		/* init had a copy of ours and added to it */
		sb_trunc(&c->in->warnings, 0);
		sb_add(&c->in->warnings, msg->text);
		if (c->in->process->terminal)
			c->io->console_fd = take_fd(*fd);
		return 1;
	default:
		return err_set(err, ERR_FAIL, EPROTO,
			       "message %u from the container's first process",
			       (unsigned int)msg->type);
	}
}

static int wait_created(struct create *c, struct oci_ctr *ctr, struct err *err)
{
	int r;

	do {
		autoclose int fd = -EBADF;
		struct sync_msg msg;

		r = sync_recv(ctr->sync_fd, &msg, &fd);
		if (r < 0)
			return err_code(err, r, "wait for the container");
		if (r == 0)
			return err_set(err, ERR_START, EPIPE,
				       "the container's first process ended "
				       "before it was ready");
		r = handle(c, &msg, &fd, ctr, err);
	} while (r == 0);
	return r;
}

/* What init waits for, and what we have to know of it: while it works */
static int release_init(struct create *c, struct oci_ctr *ctr,
			struct err *err)
{
	int r;

	if (FAULT("oci.create.cloned") < 0)
		return err_sys(err, "start the container");
	r = write_maps(c->in->spec, ctr->init.pid, err);
	if (r < 0)
		return err_wrap(err, r, "map ids into the container");
	r = sync_send(ctr->sync_fd, SYNC_MAPPED, 0, NULL, -EBADF);
	if (r < 0)
		return err_code(err, r, "tell that ids are mapped");
	if (FAULT("oci.create.mapped") < 0)
		return err_sys(err, "start the container");
	r = proc_start_time(ctr->init.pid, &ctr->init.start);
	return r < 0 ? err_code(err, r, "read the start time of process %d",
				(int)ctr->init.pid) : 0;
}

/*
 * Nothing of ours is there for init to fail at before it is released: when
 * both have failed, init was first, and the reason is what it said.  (Later it
 * may fail because we did, for want of fuse-overlayfs.)  Does not wait for it.
 */
static int init_reason(struct create *c, const struct oci_ctr *ctr, int r,
		       struct err *err)
{
	struct pollfd p = { .fd = ctr->sync_fd, .events = POLLIN };
	struct sync_msg msg;

	while (poll(&p, 1, 0) > 0 && sync_recv(p.fd, &msg, NULL) > 0) {
		if (msg.type == SYNC_NO_PROC)
			c->no_proc = true;
		if (msg.type != SYNC_ERR)
			continue;
		err_clear(err);
		r = sync_err(&msg, err);
	}
	return r;
}

static int create_once(struct create *c, struct oci_ctr *ctr, struct err *err)
{
	int r = clone_init(c->in, ctr, err);

	if (r < 0)
		return r;
	r = release_init(c, ctr, err);
	return r < 0 ? init_reason(c, ctr, r, err) : wait_created(c, ctr, err);
}

/* Where the sources are, while their descriptors mean something. */
static int find_places(struct init *in, struct err *err)
{
	const struct oci_spec *spec = in->spec;
	const struct oci_rootfs *root = &spec->rootfs;
	int r;

	if (root->driver == OCI_ROOTFS_DIR)
		r = place_of(root->dir_fd, "the root file system", &in->dir,
			     err);
	else
		r = place_of(root->layers_fd, "the layer directory",
			     &in->layers, err);
	if (r == 0 && (root->driver != OCI_ROOTFS_DIR || root->state_fd >= 0))
		r = place_of(root->state_fd, "the container's state directory",
			     &in->state, err);
	/* With a plain directory it is optional: 0 may just be unset. */
	if (r == 0 && root->driver == OCI_ROOTFS_DIR &&
	    !S_ISDIR(in->state.mode))
		place_done(&in->state);
	in->sources = xcalloc(spec->n_mounts + 1, sizeof(*in->sources));
	for (size_t i = 0; r == 0 && i < spec->n_mounts; i++) {
		const struct oci_mount *m = &spec->mounts[i];

		if (m->kind == OCI_MOUNT_BIND || m->kind == OCI_MOUNT_DEVICE ||
		    m->kind == OCI_MOUNT_OVERLAY)
			r = place_of(m->source_fd, str_is_empty(m->source) ?
				     m->target : m->source, &in->sources[i],
				     err);
	}
	return r;
}

int oci_create(const struct oci_spec *spec, struct oci_io *io,
	       int (*netns_ready)(void *arg, const struct oci_ctr *ctr,
				  struct err *err),
	       void *arg, struct oci_ctr *ret, struct err *err)
{
	TRACE("oci", "create");
	struct init in cleanup(init_done);
	struct create c = { &in, io, netns_ready, arg, false };
	struct oci_ctr ctr = OCI_CTR_INIT;
	int r;

	init_setup(&in, spec, NULL);
	in.tell_netns = netns_ready != NULL;
	for (int i = 0; i < 3; i++)
		in.stdio[i] = spec->process.terminal ? -EBADF : io->stdio[i];
	r = find_places(&in, err);
	if (r == 0)
		r = trampoline_open(spec->init_process, &in.trampoline_fd, err);
	if (r < 0)
		return r;
	r = create_once(&c, &ctr, err);
	if (r < 0 && c.no_proc) {
		oci_abort(&ctr);
		oci_ctr_done(&ctr);
		err_clear(err);
		in.outer_pid = true;
		init_warn(&in, "outer pid namespace: the kernel refuses a new "
			  "/proc here, the container sees the outer processes");
		r = create_once(&c, &ctr, err);
	}
	if (r < 0) {
		oci_abort(&ctr);
		oci_ctr_done(&ctr);
		return r;
	}
	if (in.warnings.len)
		ctr.warnings = sb_take(&in.warnings);
	*ret = ctr;
	return 0;
}

int sync_exec_error(const struct sync_msg *msg, struct err *err)
{
	if (msg->type == SYNC_ERR)
		return sync_err(msg, err);
	if (msg->type == SYNC_EXEC_FAILED)
		return process_exec_error(msg->text, msg->value, err);
	return err_set(err, ERR_FAIL, EPROTO, "message %u instead of a start",
		       (unsigned int)msg->type);
}

int sync_wait_exec(int sock, struct err *err)
{
	struct sync_msg msg;
	int r = sync_recv(sock, &msg, NULL);

	if (r < 0)
		return err_code(err, r, "wait for the program to start");
	return r == 0 ? 0 : sync_exec_error(&msg, err);
}

int oci_start(struct oci_ctr *ctr, struct err *err)
{
	TRACE("oci", "start");
	int r;

	r = sync_send(ctr->sync_fd, SYNC_START, 0, NULL, -EBADF);
	if (r < 0)
		err_set(err, ERR_START, EPIPE,
			"the container's first process ended before its start");
	else
		r = sync_wait_exec(ctr->sync_fd, err);
	close_fd(ctr->sync_fd);
	if (r < 0)
		oci_abort(ctr);
	return r;
}

void oci_abort(struct oci_ctr *ctr)
{
	if (ctr->pidfd >= 0) {
		pidfd_signal(ctr->pidfd, SIGKILL);
		pidfd_reap(ctr->pidfd);
		close_fd(ctr->pidfd);
	}
	ctr->init.pid = 0;
	if (ctr->fuse_pid > 0) {
		kill(ctr->fuse_pid, SIGKILL);
		proc_wait(ctr->fuse_pid);
	}
	ctr->fuse_pid = 0;
}

void oci_ctr_done(struct oci_ctr *ctr)
{
	close_fd(ctr->pidfd);
	close_fd(ctr->sync_fd);
	free(ctr->warnings);
	*ctr = (struct oci_ctr)OCI_CTR_INIT;
}
