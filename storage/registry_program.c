/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * bryo-registry is started with an empty command line, a short list of
 * environment variables and a socketpair, over which it is told everything
 * else.  So one that nobody has told anything yet is as good for any
 * conversation, and a command that will surely have one starts it before it
 * opens state and store: the dynamic linker takes longer for libcurl and its
 * thirty libraries than all of that.
 */
#include "storage/registry_program.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storage/registry/proto.h"
#include "storage/registry/registry.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define END_WAIT_MS 500

/*
 * What the helper may know of our environment: where configuration lives,
 * how to reach the network, and what credential helpers need to reach the
 * user's key store.
 */
static const char *const env_keep[] = {
	"HOME",
	"USER",
	"LOGNAME",
	"PATH",
	"LANG",
	"TMPDIR",
	"XDG_RUNTIME_DIR",
	"XDG_CONFIG_HOME",
	"XDG_DATA_HOME",
	"REGISTRY_AUTH_FILE",
	"DOCKER_CONFIG",
	"CONTAINERS_REGISTRIES_CONF",
	"SSL_CERT_FILE",
	"SSL_CERT_DIR",
	"http_proxy",
	"https_proxy",
	"all_proxy",
	"no_proxy",
	"HTTPS_PROXY",
	"ALL_PROXY",
	"NO_PROXY",
	"DBUS_SESSION_BUS_ADDRESS",
	"DISPLAY",
	"WAYLAND_DISPLAY",
	"GNUPGHOME",
	"GPG_TTY",
	"PASSWORD_STORE_DIR",
	"BRYO_FAULT",
	"BRYO_FAULT_LOG",
	"ASAN_OPTIONS",
	"UBSAN_OPTIONS",
};

static char **helper_env(void)
{
	char **env = NULL;
	const char *v;

	for (size_t i = 0; i < ARRAY_LEN(env_keep); i++) {
		v = strv_env_get(environ, env_keep[i]);
		if (v)
			strv_env_set(&env, env_keep[i], v);
	}
	/* libcurl reads the lower-case name only, Go programs both */
	v = strv_env_get(environ, "HTTP_PROXY");
	if (v && !strv_env_get(env, "http_proxy"))
		strv_env_set(&env, "http_proxy", v);
	return env;
}

static int start(struct registry_program *p, struct err *err)
{
	autofree char *path = helper_path("bryo-registry");
	autostrv char **env = helper_env();
	char name[] = "bryo-registry";
	char *argv[] = { name, NULL };
	int sv[2];

	if (!path)
		return err_set(err, ERR_FAIL, ENOENT,
			       "bryo-registry: program not found, the "
			       "installation is incomplete");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return err_sys(err, "socketpair");
	autoclose int ours = sv[0];
	autoclose int theirs = sv[1];

	const int fds[] = { -1, -1, STDERR_FILENO, theirs };
	const struct proc_spawn spawn = {
		.path = path,
		.argv = argv,
		.env = env,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
	};
	_Static_assert(ARRAY_LEN(fds) == REG_PROTO_FD + 1, "socket's place");

	pid_t pid = proc_spawn(&spawn, &p->pidfd, err);
	if (pid < 0)
		return (int)pid;
	p->pid = pid;
	p->sock = take_fd(ours);
	return 0;
}

/* Started ahead, and nobody's yet */
static struct registry_program spare = REGISTRY_PROGRAM_INIT;

void registry_prepare(void)
{
	if (!spare.pid)
		(void)start(&spare, NULL);
}

void registry_forgo(void)
{
	/* It may be loading still, and nothing depends on it */
	if (spare.pid)
		pidfd_signal(spare.pidfd, SIGKILL);
	registry_program_end(&spare);
}

int registry_program_take(struct registry_program *ret, struct err *err)
{
	if (!spare.pid)
		return start(ret, err);
	*ret = spare;
	spare = (struct registry_program)REGISTRY_PROGRAM_INIT;
	return 0;
}

void registry_program_end(struct registry_program *p)
{
	/* End of file tells it to end; it has nothing to save */
	close_fd(p->sock);
	if (p->pid > 0) {
		if (pidfd_wait(p->pidfd, END_WAIT_MS) != 1)
			pidfd_signal(p->pidfd, SIGKILL);
		proc_wait(p->pid);
	}
	close_fd(p->pidfd);
	*p = (struct registry_program)REGISTRY_PROGRAM_INIT;
}
