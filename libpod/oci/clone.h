/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_CLONE_H
#define OCI_CLONE_H

#include <stdint.h>
#include <sys/types.h>

/**
 * clone_process() - clone3(2) as fork(2), exit_signal SIGCHLD, no handlers
 * @flags:     CLONE_NEW*; with CLONE_PARENT the child is our sibling
 * @ret_pidfd: owned by the caller
 *
 * Return: pid in the parent, 0 in the child, -errno
 */
pid_t clone_process(uint64_t flags, int *ret_pidfd);

/**
 * clone_process_into() - the same, with the child in the cgroup @cgroup_fd
 * @cgroup_fd: a directory of cgroup v2; -EBADF: in ours
 *
 * -EACCES: we may not move anything from our cgroup to that one.
 */
pid_t clone_process_into(uint64_t flags, int cgroup_fd, int *ret_pidfd);

/** pidfd_reap() - wait for a child to end; its status is dropped */
void pidfd_reap(int pidfd);

/** sync_pair() - the two ends of a sync socket; 0 or -errno */
int sync_pair(int *ret_ours, int *ret_theirs);

#endif
