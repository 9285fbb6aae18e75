/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_OCI_H
#define OCI_OCI_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/oci/spec.h"
#include "util/err.h"
#include "util/proc.h"

/*
 * The OCI runtime core.  It knows nothing of images, SQLite or networks.
 *
 * oci_create() runs in the monitor, which is in the user's namespace U (or,
 * run by root, in no special one): it clones init into the container's
 * namespaces, writes the id maps and lets init execute its table of steps up
 * to the last one.  oci_start() lets init exec the payload.
 */

/**
 * struct oci_io - descriptors of the payload
 *
 * Without a terminal: stdio[0..2] become 0, 1, 2 (container ends of pipes,
 * borrowed).  With one they are not used and @console_fd returns the pty
 * master, opened in the container's own devpts (owned by the caller).
 */
struct oci_io {
	int stdio[3];
	int console_fd;
};

/**
 * struct oci_ctr - a container between create and the end of its init
 * @init:     pid (in our pid namespace) and start time; our direct child,
 *            exit_signal SIGCHLD, wait with P_PIDFD|__WALL
 * @pidfd:    owned
 * @sync_fd:  owned; our end of the sync socket
 * @fuse_pid: fuse-overlayfs daemon, our child; 0 when none
 * @warnings: what was asked for and could not be granted, one per line
 *            ("outer pid namespace: ..."); owned, may be NULL
 */
struct oci_ctr {
	struct proc_id init;
	int pidfd;
	int sync_fd;
	pid_t fuse_pid;
	char *warnings;
};

#define OCI_CTR_INIT { { 0, 0 }, -EBADF, -EBADF, 0, NULL }

/**
 * oci_create() - clone init and run its steps up to "wait for start"
 * @netns_ready: called in the caller as soon as init has its network
 *               namespace (and the netns_hook ran), while init goes on with
 *               its mounts; may be NULL
 *
 * On failure nothing is left: init is killed and reaped, @err says which step
 * failed (kind ERR_START, or ERR_CMD_NOT_FOUND).
 */
int oci_create(const struct oci_spec *spec, struct oci_io *io,
	       int (*netns_ready)(void *arg, const struct oci_ctr *ctr,
				  struct err *err),
	       void *arg, struct oci_ctr *ret, struct err *err);

/**
 * oci_start() - let init exec the payload; returns once it has (or failed)
 *
 * "executable file `x` not found in $PATH" is ERR_CMD_NOT_FOUND, "permission
 * denied", "is a directory" are ERR_START.  On failure init is reaped, as by
 * oci_abort().
 */
int oci_start(struct oci_ctr *ctr, struct err *err);

/** oci_abort() - kill and reap what oci_create() made */
void oci_abort(struct oci_ctr *ctr);

/** oci_ctr_done() - close descriptors, free; the processes live on */
void oci_ctr_done(struct oci_ctr *ctr);

/**
 * struct oci_exec - a further process in a running container
 * @init:      of the container
 * @process:   what to run
 * @io:        as above
 * @cgroup:    the container's, NULL: stay in the caller's
 */
struct oci_exec {
	struct proc_id init;
	const struct oci_process *process;
	struct oci_io *io;
	const struct cgroup *cgroup;
	const char *ctr_name;	/* for messages */
};

/**
 * oci_exec() - join all namespaces of init, fork and exec
 * @ret_pidfd: owned; the process is our child (waitid P_PIDFD)
 * @ret_pid:   in our pid namespace
 *
 * Reap it as soon as it ended: the kernel lets a pid namespace end, and with
 * it the container's init, only when no zombie of it is left.
 *
 * -EXDEV: the caller may not move a process into @ex->cgroup; nothing has
 * happened.  -ESRCH with ERR_STATE when the container is not running (any
 * more): also what a fork after setns reports as ENOMEM.
 */
int oci_exec(const struct oci_exec *ex, int *ret_pidfd, pid_t *ret_pid,
	     struct err *err);

/**
 * oci_userns_parent() - the parent user namespace (U) of a container's
 * @pid: of init
 * Return: descriptor or -errno
 */
int oci_userns_parent(pid_t pid, struct err *err);

/** oci_userns_up() - the same for a descriptor of the namespace */
int oci_userns_up(int ns_fd, struct err *err);

/** oci_caps_default() - bryo's 11 default capabilities */
uint64_t oci_caps_default(void);

/** oci_caps_all() - all that this kernel knows */
uint64_t oci_caps_all(void);

/** oci_cap_parse() - "CAP_NET_RAW", "net_raw"; -1 when unknown */
int oci_cap_parse(const char *name);
const char *oci_cap_name(int cap);	/* "CAP_NET_RAW"; NULL */

/** oci_rlimit_parse() - "nofile" -> RLIMIT_NOFILE; -1 */
int oci_rlimit_parse(const char *name);
const char *oci_rlimit_name(int resource);	/* "nofile"; "unknown" */

/** oci_masked_default()/oci_readonly_default() - the default path lists */
const char *const *oci_masked_default(size_t *n);
const char *const *oci_readonly_default(size_t *n);

/**
 * oci_seccomp_default() - the filter compiled at build time
 * @caps:    bounding set: some calls are open only with a capability
 * @nesting: user namespaces and the mount calls, the kernel checks the rest
 * @compat:  also the foreign ABIs (386, x32, arm) of this machine; without it
 *           their calls get ENOSYS
 * @ret:     owned by the caller: oci_seccomp_done()
 */
int oci_seccomp_default(uint64_t caps, bool nesting, bool compat,
			struct oci_seccomp *ret, struct err *err);

/** OCI_SECCOMP_PROFILE_MAX - the longest text that is a profile */
#define OCI_SECCOMP_PROFILE_MAX (4u << 20)

/** oci_seccomp_compile() - the text of a docker/podman profile or the OCI
 *  form, through libseccomp (dlopen); *ret is owned by the caller */
int oci_seccomp_compile(const char *text, size_t len, uint64_t caps,
			struct oci_seccomp *ret, struct err *err);

/** oci_seccomp_done() - free what one of the two made; zeroed is fine */
void oci_seccomp_done(struct oci_seccomp *s);

#endif
