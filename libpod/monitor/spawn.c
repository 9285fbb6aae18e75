/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ATTACH_SPAWN: a client has us start its own program, beside us in our
 * cgroup.  It is ours to reap like every other child, and knows by its socket
 * what to do.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "util/fd.h"
#include "util/proc.h"

static void noreturn_attr child(int program, int sock)
{
	char name[] = "bryo", command[] = "__session", number[16];
	char *argv[] = { name, command, number, NULL };
	int keep[] = { program, sock };

	setsid();
	if (fd_null(0, 2) < 0)
		child_exit(125);
	fd_close_all_but(keep, ARRAY_LEN(keep));
	fd_cloexec(sock, false);
	(void)snprintf(number, sizeof(number), "%d", sock);
	fexecve(program, argv, environ);
	child_exit(125);
}

void spawn_session(int program, int sock)
{
	pid_t pid = fork();

	if (pid == 0)
		child(program, sock);
	/* when it failed the client sees its end hang up */
	close(program);
	close(sock);
}
