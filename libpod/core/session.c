/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exec session that the container's monitor forks.
 *
 * Theory of operation.  A command in a login session may not move a process
 * into the cgroup of a container: the kernel wants write access to the
 * cgroup.procs of both cgroups' common ancestor, which is root's.  The monitor
 * lives beside the payload and may.  So:
 *
 *   command          monitor             `bryo __session` (child of monitor)
 *   ---------------  ------------------  ----------------------------------
 *   ATTACH_SPAWN with our program and
 *   one end of a socket pair
 *                    fork, exec ------>
 *   request: a memfd with JSON, the
 *   three streams, the preserved
 *   descriptors  ---------------------->
 *                                        its pidfd
 *   signals are passed on through it     the session, as the command would
 *                                        have run it
 *   <----------------------------------  code, error, id
 *
 * The monitor stays small: it knows nothing of the request.  Should the
 * command die, the session gets SIGHUP, as from a terminal that went away.
 */
#include "libpod/core/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/monitor/monitor.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/strv.h"
#include "util/trace.h"

#define REQUEST_MAX (8U << 20)
/* what one message carries, less the request and the three streams */
#define PRESERVE_MAX 200

/** struct session_reply - what the session says at its end */
struct session_reply {
	int32_t result;
	struct err err;
	char id[65];
};

/* ---- the request --------------------------------------------------------- */

static struct json_object *request_json(const struct runtime *rt,
					const struct ctr *c,
					const struct ctr_exec_opts *o)
{
	struct json_object *j = json_object_new_object();
	struct json_object *keep = json_object_new_array();

	for (size_t i = 0; i < o->n_keep_fds; i++)
		json_object_array_add(keep,
				      json_object_new_int(o->keep_fds[i]));
	json_set_str(j, "root", rt->data_path);
	json_set_str(j, "runroot", rt->run_path);
	json_set_str(j, "volumepath", rt->opts.volumepath);
	json_set_bool(j, "no_events", rt->opts.no_events);
	json_set_str(j, "id", c->id);
	json_set_strv(j, "args", o->args);
	if (o->env)
		json_set_strv(j, "env", o->env);
	json_set_str(j, "user", o->user);
	json_set_str(j, "workdir", o->workdir);
	json_set_str(j, "detach_keys", o->detach_keys);
	json_set_bool(j, "tty", o->tty);
	json_set_bool(j, "interactive", o->interactive);
	json_set_bool(j, "detach", o->detach);
	json_set_bool(j, "privileged", o->privileged);
	json_set_bool(j, "no_session", o->no_session);
	json_set(j, "keep_fds", keep);
	return j;
}

static int request_memfd(const struct runtime *rt, const struct ctr *c,
			 const struct ctr_exec_opts *o, struct err *err)
{
	autojson struct json_object *j = request_json(rt, c, o);
	const char *text = json_text(j);
	autoclose int fd = fd_memory("bryo-session", err);
	int r;

	if (fd < 0)
		return fd;
	r = fd_write_full(fd, text, strlen(text));
	if (r < 0)
		return err_code(err, r, "write the session's request");
	return take_fd(fd);
}

/*
 * ---- the command's side ---------------------------------------------------
 */

static int ask_monitor(struct runtime *rt, const struct ctr *c, int end,
		       struct err *err)
{
	const char type = ATTACH_SPAWN;
	autoclose int monitor = -EBADF;
	int r = ctr_attach(rt, c, &monitor, err);

	if (r < 0)
		return r;
	autoclose int program = open(self_path(), O_PATH | O_CLOEXEC);
	if (program < 0)
		return err_sys(err, "open %s", self_path());
	const int fds[] = { program, end };

	r = (int)sock_send_fds(monitor, &type, 1, fds, 2);
	return r < 0 ? err_code(err, r, "ask the monitor of %s", c->name) : 0;
}

static int send_request(int sock, int request, const struct ctr_exec_opts *o,
			struct err *err)
{
	int fds[1 + 3 + PRESERVE_MAX] = { request, 0, 1, 2 };
	ssize_t n;

	for (size_t i = 0; i < o->n_keep_fds; i++)
		fds[4 + i] = o->keep_fds[i];
	n = sock_send_fds(sock, "r", 1, fds, 4 + o->n_keep_fds);
	return n < 0 ? err_code(err, (int)n, "send the session's request") : 0;
}

static int lost(struct err *err)
{
	return err_set(err, ERR_FAIL, EPIPE, "the exec session has died");
}

static void pass_signals(int signals, int pidfd)
{
	struct signalfd_siginfo si;

	while (read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		(void)pidfd_signal(pidfd, (int)si.ssi_signo);
}

/* Until the reply is there. */
static int wait_reply(int sock, int signals, int pidfd,
		      struct session_reply *ret, struct err *err)
{
	struct pollfd p[] = { { sock, POLLIN, 0 }, { signals, POLLIN, 0 } };
	ssize_t n;

	do {
		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for the exec session");
		pass_signals(signals, pidfd);
	} while (!p[0].revents);
	n = recv(sock, ret, sizeof(*ret), 0);
	if (n != (ssize_t)sizeof(*ret))
		return lost(err);
	ret->err.msg[sizeof(ret->err.msg) - 1] = '\0';
	ret->id[sizeof(ret->id) - 1] = '\0';
	return 0;
}

static int talk(int sock, struct ctr_exec_opts *o, struct err *err)
{
	static const int passed[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT,
				      SIGWINCH, SIGUSR1, SIGUSR2, 0 };
	struct session_reply reply = { 0 };
	sigset_t before;
	char byte;
	size_t n = 1;
	int r;

	sigprocmask(SIG_SETMASK, NULL, &before);
	autoclose int pidfd = -EBADF;
	if (sock_recv_fds(sock, &byte, 1, &pidfd, &n) != 1 || n != 1)
		return lost(err);
	autoclose int signals = signals_fd(passed);
	if (signals < 0)
		return err_code(err, signals, "wait for signals");
	r = wait_reply(sock, signals, pidfd, &reply, err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (r < 0)
		return r;
	memcpy(o->ret_id, reply.id, sizeof(o->ret_id));
	if (reply.result < 0)
		return err_set(err, reply.err.kind, reply.err.code, "%s",
			       reply.err.msg);
	return reply.result;
}

int session_run(struct runtime *rt, const struct ctr *c,
		struct ctr_exec_opts *o, struct err *err)
{
	TRACE("core", "session");
	int pair[2];
	int r;

	if (o->n_keep_fds > PRESERVE_MAX)
		return err_set(err, ERR_INVALID, EINVAL,
			       "--preserve-fds: %d at most for a container "
			       "with a cgroup", PRESERVE_MAX);
	autoclose int request = request_memfd(rt, c, o, err);
	if (request < 0)
		return request;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	autoclose int sock = pair[0];
	autoclose int end = pair[1];

	r = ask_monitor(rt, c, end, err);
	close_fd(end);
	if (r == 0)
		r = send_request(sock, request, o, err);
	return r < 0 ? r : talk(sock, o, err);
}

/*
 * ---- the session's side ---------------------------------------------------
 */

/* Away from every number that one of them is to have. */
static int move_up(int *fd, int above)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, above + 1);

	if (high < 0)
		return -errno;
	close(*fd);
	*fd = high;
	return 0;
}

/* The streams and the preserved descriptors to where the command has them:
 * @fds[i] becomes @want[i].  @own stays free of them. */
static int place_fds(int *fds, const int *want, size_t n, int *own)
{
	int above = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		above = MAX(above, want[i]);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = move_up(&fds[i], above);
	if (r == 0)
		r = move_up(own, above);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = dup2(fds[i], want[i]) < 0 ? -errno : 0;
		close_fd(fds[i]);
	}
	return r;
}

/* When the command is gone its end hangs up: SIGHUP for us. */
static int follow_command(int sock)
{
	if (fcntl(sock, F_SETOWN, getpid()) < 0 ||
	    fcntl(sock, F_SETSIG, SIGHUP) < 0 ||
	    fcntl(sock, F_SETFL, O_ASYNC) < 0)
		return -errno;
	return 0;
}

/**
 * struct request - what came
 * @json: owned
 * @want: numbers of the streams and of the preserved descriptors
 * @n:    how many
 */
struct request {
	struct json_object *json;
	int want[3 + PRESERVE_MAX];
	size_t n;
};

static int parse_request(int fd, struct request *ret, struct err *err)
{
	autosb struct sb text = SB_INIT;
	struct json_object *keep;
	int r;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read the session's request");
	r = fd_read_all(fd, REQUEST_MAX, &text);
	if (r < 0)
		return err_code(err, r, "read the session's request");
	ret->json = json_parse(text.buf, text.len, err);
	if (!ret->json)
		return -EINVAL;
	for (ret->n = 0; ret->n < 3; ret->n++)
		ret->want[ret->n] = (int)ret->n;
	keep = json_arr(ret->json, "keep_fds");
	for (size_t i = 0; keep && i < json_object_array_length(keep) &&
			   i < PRESERVE_MAX; i++)
		ret->want[ret->n++] = json_object_get_int(
			json_object_array_get_idx(keep, i));
	return 0;
}

static int receive(int *sock, struct request *ret, struct err *err)
{
	int fds[1 + 3 + PRESERVE_MAX];
	size_t n = ARRAY_LEN(fds);
	char byte;
	int r;

	if (sock_recv_fds(*sock, &byte, 1, fds, &n) != 1 || n < 4)
		return err_set(err, ERR_FAIL, EPROTO,
			       "no request for a session came");
	r = parse_request(fds[0], ret, err);
	close(fds[0]);
	if (r < 0)
		return r;
	if (ret->n != n - 1)
		return err_set(err, ERR_FAIL, EPROTO,
			       "a session's descriptors are missing");
	r = place_fds(fds + 1, ret->want, ret->n, sock);
	return r < 0 ? err_code(err, r, "place the session's descriptors") : 0;
}

static int serve(const struct request *req, struct session_reply *reply,
		 struct err *err)
{
	struct json_object *j = req->json;
	const struct runtime_opts ro = {
		.root = json_str(j, "root"),
		.runroot = json_str(j, "runroot"),
		.volumepath = json_str(j, "volumepath"),
		.no_events = json_flag(j, "no_events", false),
		.internal = true,
	};
	autostrv char **args = json_strv(j, "args");
	autostrv char **env = json_strv(j, "env");
	struct ctr_exec_opts o = {
		.args = args,
		.env = env,
		.user = json_str(j, "user"),
		.workdir = json_str(j, "workdir"),
		.detach_keys = json_str(j, "detach_keys"),
		.tty = json_flag(j, "tty", false),
		.interactive = json_flag(j, "interactive", false),
		.detach = json_flag(j, "detach", false),
		.privileged = json_flag(j, "privileged", false),
		.keep_fds = req->want + 3,
		.n_keep_fds = req->n - 3,
		.no_session = json_flag(j, "no_session", false),
		.in_session = true,
	};
	auto_ctr struct ctr *c = NULL;
	struct runtime *rt = NULL;
	int r = runtime_open(&ro, &rt, err);

	if (r == 0)
		r = ctr_find(rt, json_str(j, "id"), &c, err);
	if (r == 0)
		r = ctr_exec(rt, c, &o, err);
	memcpy(reply->id, o.ret_id, sizeof(reply->id));
	runtime_close(rt);
	return r;
}

int session_serve(int sock, struct err *err)
{
	struct request req = { .json = NULL };
	struct session_reply reply = { 0 };
	autoclose int own = sock;
	int r;

	r = receive(&own, &req, err);
	autojson struct json_object *json unused_attr = req.json;
	if (r < 0)
		return r;
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	r = follow_command(own);
	if (r == 0)
		r = (int)sock_send_fds(own, "p", 1, &pidfd, 1);
	if (r < 0)
		return err_code(err, r, "greet the command");
	reply.result = serve(&req, &reply, &reply.err);
	(void)sock_send(own, &reply, sizeof(reply));
	return 0;
}
