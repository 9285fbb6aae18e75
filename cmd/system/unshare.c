/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The command is executed in this process, in U and a mount namespace of its
 * own.  With --rootless-netns it needs somebody beside it: slirp4netns carries
 * what it sends out, as for a container, and wants a child of ours to attach
 * to.  Then a child makes the network namespace, waits for slirp4netns and
 * executes the command, and this process waits for the child and passes
 * signals on.  slirp4netns ends with this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/runtime.h"
#include "network/network.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

#define SLIRP_READY_MS 10000
#define RESOLV_CONF "/etc/resolv.conf"

struct unshare_args {
	bool netns;
};

static const struct opt unshare_opts[] = {
	OPT_BOOL(0, "rootless-netns", struct unshare_args, netns,
		 "Run it in a network namespace as containers have it"),
	OPT_END,
};

/* Everything that is mounted in there stays in there. */
static int enter(struct runtime *rt, struct err *err)
{
	int r = userns_enter(rt, err);

	if (r < 0)
		return r;
	(void)setenv("CONTAINERS_GRAPHROOT", rt->data_path, 1);
	(void)setenv("CONTAINERS_RUNROOT", rt->run_path, 1);
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_sys(err, "make mounts private");
	return 0;
}

/* Returns only when it failed. */
static int exec_command(char **command, struct err *err)
{
	int code;

	(void)setenv("_CONTAINERS_USERNS_CONFIGURED", "done", 1);
	(void)signal(SIGXFSZ, SIG_DFL);	/* see signals_init() */
	(void)execvp(command[0], command);
	code = errno;
	return err_set(err, code == ENOENT ? ERR_CMD_NOT_FOUND : ERR_START,
		       code, "exec %s: %s", command[0],
		       code == ENOENT ? "executable file not found in $PATH" :
					strerror(code));
}

/* ---- --rootless-netns --------------------------------------------------- */

/* The host's name server may listen on the host's loopback only. */
static int own_resolv_conf(struct runtime *rt, struct err *err)
{
	autofree char *name = xasprintf("resolv.conf.%d", getpid());
	autofree char *path = xasprintf("%s/%s", rt->run_path, name);
	autosb struct sb text = SB_INIT;
	int r;

	net_resolv_conf(true, NULL, NULL, NULL, &text);
	r = file_write_at(rt->run_fd, name, text.buf, text.len, 0644, false,
			  err);
	if (r < 0)
		return r;
	if (mount(path, RESOLV_CONF, NULL, MS_BIND, NULL) < 0 &&
	    errno != ENOENT)
		r = err_sys(err, "mount on " RESOLV_CONF);
	(void)unlinkat(rt->run_fd, name, 0);
	return r;
}

static const int passed[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM };
static volatile pid_t pass_to;

static void pass_signal(int sig)
{
	(void)kill(pass_to, sig);
}

/* The terminal sends its signals to the command as well as to us. */
static void handle_signals(void (*terminal)(int sig), void (*other)(int sig))
{
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		(void)signal(passed[i],
			     passed[i] == SIGTERM ? other : terminal);
}

/* In the child; @sock: a byte each way, then the command runs */
static int net_child(struct runtime *rt, char **command, int sock,
		     struct err *err)
{
	struct net_tap tap = { .ipv6 = true };
	char byte = 0;
	int r = 0;

	handle_signals(SIG_DFL, SIG_DFL);
	if (unshare(CLONE_NEWNET) < 0)
		r = err_sys(err, "make a network namespace");
	if (r == 0)
		r = net_lo_up(err);
	if (r == 0)
		r = net_tap_setup(&tap, err);
	if (r == 0)
		r = own_resolv_conf(rt, err);
	if (r < 0)
		return r;
	if (write(sock, "r", 1) != 1 || read(sock, &byte, 1) != 1)
		return err_set(err, ERR_START, EPIPE,
			       "the starting process is gone");
	return exec_command(command, err);
}

/* 1: the child has said why it did not work */
static int serve(pid_t pid, int sock, int leash, struct slirp *slirp,
		 struct err *err)
{
	char byte;
	int r;

	if (read(sock, &byte, 1) != 1)
		return 1;
	r = slirp_spawn(pid, leash, slirp, err);
	if (r == 0)
		r = slirp_wait(slirp, SLIRP_READY_MS, err);
	if (r == 0 && write(sock, "g", 1) != 1)
		return 1;
	return r;
}

static int run_in_netns(struct runtime *rt, char **command, struct err *err)
{
	struct slirp slirp = SLIRP_INIT;
	int pair[2];
	int code;
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	handle_signals(SIG_IGN, SIG_IGN);
	pass_to = fork();
	if (pass_to == 0) {
		struct err why = ERR_INIT;

		close(pair[0]);
		(void)net_child(rt, command, pair[1], &why);
		child_exit(cmd_error(&why, false));
	}
	close(pair[1]);
	autoclose int sock = pair[0];
	if (pass_to < 0)
		return err_fork(err, errno, "fork");
	autoclose int leash = leash_make(err);
	r = leash < 0 ? leash : serve(pass_to, sock, leash, &slirp, err);
	close_fd(sock);	/* a child that still waits gives up */
	if (r == 0)
		handle_signals(SIG_IGN, pass_signal);
	code = proc_wait(pass_to);
	slirp_done(&slirp);
	close_fd(leash);
	if (slirp.pid > 0)
		(void)proc_wait(slirp.pid);
	return r < 0 ? r : code;
}

static int unshare_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct unshare_args *args = p;
	const char *shell = getenv("SHELL");
	char *alone[] = { (char *)(uintptr_t)(str_is_empty(shell) ?
						      "/bin/sh" : shell),
			  NULL };
	char **command = argv[0] ? argv : alone;
	int r;

	if (rt->ids.is_root)
		return err_set(err, ERR_INVALID, EINVAL,
			       "please use unshare with rootless");
	r = enter(rt, err);
	if (r < 0)
		return r;
	return args->netns ? run_in_netns(rt, command, err) :
			     exec_command(command, err);
}

const struct cmd cmd_system_unshare = {
	.path = "unshare",
	.usage = "[options] [COMMAND [ARG...]]",
	.summary = "Run a command in the user namespace of the containers",
	.text = "Without a command it is the shell. There you are root, files "
		"of containers have the ids that containers see, and what is "
		"mounted is gone at the end. With --rootless-netns the "
		"command has a network of its own, as containers have it: "
		"slirp4netns carries what goes out, the host's own addresses "
		"are out of reach.",
	.examples = (const char *const[]){ "unshare",
					   "unshare cat /proc/self/uid_map",
					   "unshare rm -rf dir",
					   "unshare --rootless-netns ip addr",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.opts = (const struct opt *const[]){ unshare_opts, NULL },
	.args_size = sizeof(struct unshare_args),
	.run = unshare_run,
};
