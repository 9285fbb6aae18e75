/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/oci/cgroup.h"
#include "util/proc.h"

static pid_t clone_with(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	int pidfd = -EBADF;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		/* CLONE_PARENT takes the signal of the cloner: SIGCHLD too */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	long pid;

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	/* KERNEL(5.7): the older size, as long as nothing new is asked for */
	pid = syscall(SYS_clone3, &args, cgroup_fd >= 0 ? sizeof(args) :
		      offsetof(struct clone_args, cgroup));

	if (pid < 0)
		return -errno;
	if (pid > 0)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

pid_t clone_process(uint64_t flags, int *ret_pidfd)
{
	return clone_with(flags, -EBADF, ret_pidfd);
}

static int move_into(int cgroup_fd, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return cgroup_write(cgroup_fd, "cgroup.procs", text);
}

/* Our child, just cloned: gone without a trace. */
static void take_back(int *pidfd)
{
	pidfd_signal(*pidfd, SIGKILL);
	pidfd_reap(*pidfd);
	close(*pidfd);
	*pidfd = -EBADF;
}

pid_t clone_process_into(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	pid_t pid = clone_with(flags, cgroup_fd, ret_pidfd);
	int r;

	/* KERNEL(5.7): no CLONE_INTO_CGROUP; the child waits for us anyway */
	if (cgroup_fd < 0 || (pid != -E2BIG && pid != -EINVAL))
		return pid;
	pid = clone_with(flags, -EBADF, ret_pidfd);
	r = pid > 0 ? move_into(cgroup_fd, pid) : 0;
	if (r == 0)
		return pid;
	take_back(ret_pidfd);
	return r;
}

void pidfd_reap(int pidfd)
{
	siginfo_t info;

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL) < 0 &&
	       errno == EINTR)
		;
}

int sync_pair(int *ret_ours, int *ret_theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}
