/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_INIT_H
#define OCI_INIT_H

#include <stdbool.h>

#include "libpod/oci/mnt.h"
#include "libpod/oci/oci.h"
#include "libpod/oci/place.h"
#include "libpod/oci/spec.h"
#include "libpod/oci/user.h"
#include "util/compiler.h"
#include "util/err.h"
#include "util/sb.h"

/**
 * struct init - the new process on its way to the payload
 *
 * Prepared by the parent (places, descriptors), copied by the clone, then
 * worked on by the steps of init.c.  Descriptors are -EBADF while unused.
 *
 * @spec:      NULL for oci_exec(): the container exists already
 * @sync_fd:   our end of the sync socket
 * @sources:   one per mount of @spec
 * @work_fds:  likewise, of overlays: their directory; since step "places"
 * @outer_pid: a new proc was refused: the pid namespace and the /proc are the
 *             outer ones
 * @tell_netns: the parent waits for SYNC_NETNS
 * @oom_done:  the parent side of a join has set the OOM score already
 * @dumpable:  may be dumpable until the start (slirp4netns opens our ns)
 * @trampoline_fd: sealed memfd of bryo-init, -EBADF: exec the payload directly
 * @root_fd:   root of the container's tree
 * @proc_fd:   root of a procfs that nothing covers
 * @slot_fd:   the empty directory "mnt" of the state directory
 * @dev_fd:    the tmpfs at /dev, when it has to become read-only at the end
 * @cgroupns_fd: pidfd of the container whose cgroup namespace is entered after
 *             the clone (oci_exec with a cgroup)
 * @tty_fd:    slave of the container's terminal
 */
struct init {
	const struct oci_spec *spec;
	const struct oci_process *process;
	const char *ctr_name;
	int stdio[3];
	int sync_fd;
	struct place layers;
	struct place state;
	struct place dir;
	struct place *sources;
	int *work_fds;
	bool outer_pid;
	bool tell_netns;
	bool oom_done;
	bool dumpable;
	int trampoline_fd;
	struct mnt mnt;
	int root_fd;
	int proc_fd;
	int slot_fd;
	int dev_fd;
	int master_fd;
	int cgroupns_fd;	/* borrowed from the caller of oci_exec() */
	int tty_fd;
	struct user user;
	pid_t outer_self;	/* our pid for who started us; 0: not told */
	struct sb warnings;
};

/** init_setup() - @in for @spec or, without one, for @process */
void init_setup(struct init *in, const struct oci_spec *spec,
		const struct oci_process *process);
void init_done(struct init *in);

/** init_main() - run the steps and exec; never returns */
void noreturn_attr init_main(struct init *in);

/** init_warn() - note for oci_ctr.warnings, one line */
void init_warn(struct init *in, const char *fmt, ...) printf_like(2, 3);

#endif
