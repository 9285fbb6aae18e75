/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/oci/steps.h"
#include "libpod/oci/sync.h"
#include "libpod/oci/sysctl.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * The container's procfs is mounted first of all, detached: nothing of the
 * image can cover it, so sysctls and the OOM score are written through
 * in->proc_fd, never through the container's /proc (CVE-2025-52881).  It is
 * attached at its target later, by mounts.c.
 *
 * Inside another container the kernel may refuse a new procfs, because the
 * outer one is masked.  A pid namespace without its /proc is of no use, so the
 * parent is asked to start over in the outer pid namespace.
 */

#define PROC_ATTR (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const struct oci_mount *proc_mount(const struct oci_spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].kind == OCI_MOUNT_PROC)
			return &spec->mounts[i];
	return NULL;
}

/* The /proc we see, checked to be one. */
static int outer_proc(struct init *in, struct err *err)
{
	struct statfs st;

	autoclose int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open /proc");
	if (fstatfs(fd, &st) < 0)
		return err_sys(err, "stat /proc");
	if (st.f_type != PROC_SUPER_MAGIC)
		return err_set(err, ERR_FAIL, EINVAL, "/proc is not a procfs");
	in->proc_fd = take_fd(fd);
	return 0;
}

int proc_refused(struct init *in, int r)
{
	if (in->spec->ns[OCI_NS_PID].mode == OCI_NS_NEW)
		sync_send(in->sync_fd, SYNC_NO_PROC, 0, NULL, -EBADF);
	return r;
}

int step_proc(struct init *in, struct err *err)
{
	const struct oci_mount *m = proc_mount(in->spec);
	int fd;

	mnt_init(&in->mnt);
	if (!m || in->outer_pid ||
	    in->spec->ns[OCI_NS_PID].mode == OCI_NS_HOST)
		return outer_proc(in, err);
	/* KERNEL(5.12): mount(2) cannot make a detached one; see mounts.c */
	if (in->mnt.legacy)
		return outer_proc(in, err);
	/* options of the user may hide /proc/sys: not from us */
	fd = mnt_fs(&in->mnt, "proc", "proc", NULL, m->attr | PROC_ATTR, err);
	if (fd >= 0) {
		in->proc_fd = fd;
		return 0;
	}
	return fd == -EPERM ? proc_refused(in, fd) : fd;
}

/*
 * ---- sysctls --------------------------------------------------------------
 */

/* Those that belong to a namespace; everything else is the host's. */
static const struct {
	const char *name;	/* a final '.' or '/' means all below */
	enum oci_ns_type ns;
} sysctls[] = {
	{ "net.", OCI_NS_NET },
	{ "fs.mqueue.", OCI_NS_IPC },
	{ "kernel.msgmax", OCI_NS_IPC },
	{ "kernel.msgmnb", OCI_NS_IPC },
	{ "kernel.msgmni", OCI_NS_IPC },
	{ "kernel.sem", OCI_NS_IPC },
	{ "kernel.shmall", OCI_NS_IPC },
	{ "kernel.shmmax", OCI_NS_IPC },
	{ "kernel.shmmni", OCI_NS_IPC },
	{ "kernel.shm_rmid_forced", OCI_NS_IPC },
};

static const char ns_names[][8] = {
	[OCI_NS_NET] = "Network",
	[OCI_NS_IPC] = "IPC",
};

int sysctl_path(const char *name, char **ret)
{
	autofree char *path = xstrdup(name);
	size_t first = strcspn(path, "./");
	bool dots = path[first] == '.';

	if (!*path || strlen(path) > 255)
		return -EINVAL;
	for (char *p = path; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			    "YZ0123456789_-./", *p))
			return -EINVAL;
		/* "net.ipv4.conf.eth0/1.x" is net/ipv4/conf/eth0.1/x */
		if (dots && (*p == '.' || *p == '/'))
			*p = *p == '.' ? '/' : '.';
	}
	/* no empty part, none that starts with a dot */
	if (path[0] == '/' || path[0] == '.' || strstr(path, "//") ||
	    strstr(path, "/.") || str_ends(path, "/"))
		return -EINVAL;
	*ret = take_ptr(path);
	return 0;
}

/* The namespace that a sysctl belongs to, or -1. */
int sysctl_ns(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(sysctls); i++) {
		autofree char *want = NULL;
		size_t len = strlen(sysctls[i].name);

		want = xstrdup(sysctls[i].name);
		for (char *p = want; *p; p++)
			if (*p == '.')
				*p = '/';
		if (want[len - 1] == '/' ? str_starts(path, want) :
		    streq(path, want))
			return sysctls[i].ns;
	}
	return -1;
}

static int sysctl_check(const struct oci_spec *spec, const char *name,
			char **ret_path, struct err *err)
{
	int ns;

	if (sysctl_path(name, ret_path) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "sysctl '%s' is not a name", name);
	ns = sysctl_ns(*ret_path);
	if (ns < 0)
		return err_set(err, ERR_INVALID, EPERM,
			       "sysctl '%s' is not in a separate kernel "
			       "namespace", name);
	if (spec->ns[ns].mode == OCI_NS_HOST)
		return err_set(err, ERR_INVALID, EPERM,
			       "sysctl %s can't be set since %s Namespace set "
			       "to host: invalid argument", name, ns_names[ns]);
	return 0;
}

static int sysctl_write(struct init *in, const struct oci_sysctl *s,
			struct err *err)
{
	autofree char *path = NULL;
	autofree char *below = NULL;
	struct statfs st;
	int r;

	r = sysctl_check(in->spec, s->name, &path, err);
	if (r < 0)
		return r;
	if (strchr(s->value, '\n'))
		return err_set(err, ERR_INVALID, EINVAL,
			       "value of sysctl '%s' holds a newline", s->name);
	below = xasprintf("sys/%s", path);
	autoclose int fd = openat(in->proc_fd, below, O_WRONLY | O_CLOEXEC |
				  O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, "sysctl %s", s->name);
	if (fstatfs(fd, &st) < 0 || st.f_type != PROC_SUPER_MAGIC)
		return err_set(err, ERR_FAIL, EINVAL,
			       "sysctl %s is not in procfs", s->name);
	r = fd_write_full(fd, s->value, strlen(s->value));
	return r < 0 ? err_code(err, r, "sysctl %s", s->name) : 0;
}

int step_sysctls(struct init *in, struct err *err)
{
	for (size_t i = 0; i < in->spec->n_sysctls; i++) {
		const struct oci_sysctl *s = &in->spec->sysctls[i];
		int r = sysctl_write(in, s, err);

		if (r == 0)
			continue;
		/* A masked outer /proc has /proc/sys read-only as well. */
		if (!in->outer_pid || (r != -EROFS && r != -EACCES))
			return r;
		if (!s->wish)
			init_warn(in, "sysctl %s is not set: /proc/sys of the "
				  "outer container is read-only", s->name);
		err_clear(err);
	}
	return 0;
}

/*
 * ---- OOM score -------------------------------------------------------------
 */

#define OOM_FILE "/proc/self/oom_score_adj"

/*
 * Needs a dumpable process (else the file belongs to nobody we know) and the
 * host's /proc.  A score below zero is never passed on to a payload that did
 * not ask for it.
 */
int oom_apply(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	autosb struct sb text = SB_INIT;
	char value[16];
	int have = 0;
	int want;
	int n;

	in->oom_done = true;
	if (file_read_at(AT_FDCWD, OOM_FILE, 64, &text) == 0)
		(void)parse_int(str_trim(text.buf), &have);
	want = p->oom_score_set ? p->oom_score_adj : MAX(have, 0);
	want = MIN(MAX(want, -1000), 1000);
	if (want == have)
		return 0;
	n = snprintf(value, sizeof(value), "%d", want);
	autoclose int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", OOM_FILE);
	if (write(fd, value, (size_t)n) == n)
		return 0;
	if (errno != EACCES && errno != EPERM)
		return err_sys(err, "set the OOM score to %d", want);
	init_warn(in, "Requested oom_score_adj=%d is lower than the current "
		  "one, changing to %d", want, have);
	return 0;
}
