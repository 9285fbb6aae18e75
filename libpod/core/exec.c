/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A further process in a running container.
 *
 * Theory of operation.  The command joins the container's namespaces and
 * forks the process (oci_exec); it stays its parent, pumps its streams and
 * gives its exit code.  A pipe of the caller is handed on as it is; a
 * terminal, a file or anything else is relayed: the container never gets a
 * descriptor through which it could reach the caller's terminal or re-open a
 * file with other rights.
 *
 * A container with a cgroup: the process has to be in it.  Where we may not
 * move it there, the monitor forks a command of its own for it (session.c).
 *
 * A detached one (exec -d) has a keeper for its parent (exec_keep.c), which
 * waits for its end, and reads its terminal empty if it has one (-dt).
 *
 * A session is a file RUN/containers/ID/exec-HEX with pid and start time,
 * written before the process is told of and removed at its end; a file whose
 * process is gone (the command was killed) counts for nothing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/exec_keep.h"
#include "libpod/core/plan/plan.h"
#include "libpod/core/relay.h"
#include "libpod/core/session.h"
#include "libpod/monitor/monitor.h"
#include "libpod/oci/cgroup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/* ---- sessions ---------------------------------------------------------- */

static void session_write(struct runtime *rt, const struct ctr *c,
			  const char *id, pid_t pid)
{
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, c->id);
	struct proc_id proc = { .pid = pid };
	char name[80];
	char text[64];
	int n;

	if (dir < 0 || proc_start_time(pid, &proc.start) < 0)
		return;
	(void)snprintf(name, sizeof(name), EXEC_SESSION "%s", id);
	n = snprintf(text, sizeof(text), "v1 %d %" PRIu64 "\n", pid,
		     proc.start);
	autoclose int fd = openat(dir, name,
				  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				  0600);

	if (fd >= 0)
		(void)fd_write_full(fd, text, (size_t)n);
}

static void session_remove(struct runtime *rt, const struct ctr *c,
			   const char *id)
{
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, c->id);
	char name[80];

	(void)snprintf(name, sizeof(name), EXEC_SESSION "%s", id);
	if (dir >= 0)
		(void)unlinkat(dir, name, 0);
}

static bool session_lives(int dir, const char *name)
{
	autosb struct sb text = SB_INIT;
	struct proc_id id = { 0 };

	return file_read_at(dir, name, 128, &text) == 0 &&
	       sscanf(text.buf, "v1 %d %" SCNu64, &id.pid, &id.start) == 2 &&
	       proc_is_alive(&id);
}

void ctr_exec_ids(struct runtime *rt, struct ctr *c)
{
	autoclosedir DIR *d = dir_stream_at(rt->run_ctrs_fd, c->id);
	const struct dirent *e;

	c->exec_ids = strv_free(c->exec_ids);
	while (d && dir_next(d, &e, NULL) > 0) {
		const char *id = str_after(e->d_name, EXEC_SESSION);

		if (!id)
			continue;
		if (session_lives(dirfd(d), e->d_name))
			strv_add(&c->exec_ids, id);
		else
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	if (c->exec_ids)
		strv_sort(c->exec_ids);
}

/* ---- streams ----------------------------------------------------------- */

/**
 * struct streams - the process's 0, 1 and 2
 * @stdio: what it gets
 * @ours:  those of them that we have to close after the fork
 * @init:  of a container with ids of its own, or 0
 */
struct streams {
	int stdio[3];
	bool ours[3];
	pid_t init;
};

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static int make_pipe(int i, struct streams *s, int *ret_our_end,
		     struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	s->stdio[i] = fds[i == 0 ? 0 : 1];
	s->ours[i] = true;
	*ret_our_end = fds[i == 0 ? 1 : 0];
	return 0;
}

static int open_null(int i, struct streams *s, struct err *err)
{
	s->stdio[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->stdio[i] < 0)
		return err_sys(err, "open /dev/null");
	s->ours[i] = true;
	return 0;
}

/* The container's root as the user namespace that we are in has it
 * @map: uid_map or gid_map */
static uint32_t root_of(pid_t init, const char *map)
{
	autofree char *path = xasprintf("/proc/%d/%s", init, map);
	autosb struct sb text = SB_INIT;
	uint32_t inside;
	uint32_t outside;

	if (file_load(path, 4096, &text) < 0 ||
	    sscanf(text.buf, "%" SCNu32 " %" SCNu32, &inside, &outside) != 2 ||
	    inside != 0)
		return 0;
	return outside;
}

/* Root in there is somebody else (--userns): his are the pipes, so that he
 * can open them again and give them to another user. */
static int own_streams(void *arg, struct err *err)
{
	const struct streams *s = arg;
	uid_t uid = root_of(s->init, "uid_map");
	gid_t gid = root_of(s->init, "gid_map");

	for (int i = 0; i < 3; i++)
		if (s->ours[i] && is_pipe(s->stdio[i]) &&
		    fchown(s->stdio[i], uid, gid) < 0)
			return err_sys(err, "chown a pipe");
	return 0;
}

static bool has_own_ids(const struct ctr_config *c)
{
	return (c->userns && !streq(c->userns, "host")) || c->uidmap ||
	       c->subuidname;
}

/* Somebody has to hold the terminal's other side: we, or the keeper. */
static bool has_terminal(const struct ctr_exec_opts *o)
{
	return o->tty && !(o->detach && o->no_session);
}

static int make_streams(const struct ctr_exec_opts *o, struct streams *s,
			struct relay *r, struct err *err)
{
	int *ends[] = { &r->in_fd, &r->out_fd, &r->err_fd };
	int e = 0;

	if (has_terminal(o))
		return 0;
	for (int i = 0; i < 3 && e == 0; i++) {
		if (o->detach || (i == 0 && !o->interactive))
			e = open_null(i, s, err);
		else if (is_pipe(i) && s->init == 0)
			s->stdio[i] = i;
		else
			e = make_pipe(i, s, ends[i], err);
	}
	return e;
}

static void streams_done(struct streams *s)
{
	for (int i = 0; i < 3; i++)
		if (s->ours[i])
			close_fd(s->stdio[i]);
}

/* ---- the process ------------------------------------------------------- */

static int make_env(struct runtime *rt, const struct ctr *c,
		    const struct ctr_exec_opts *o, char ***ret,
		    struct err *err)
{
	autostrv char **env = ctr_env(c);

	if (c->config.secrets) {
		autoclose int dir = ctr_dir(rt, c, err);
		int r = dir < 0 ? dir : secrets_env(c, dir, &env, err);

		if (r < 0)
			return r;
	}

	if (o->tty && !strv_env_get(env, "TERM"))
		strv_env_put(&env, "TERM=xterm");
	for (char **v = o->env; v && *v; v++)
		strv_env_put(&env, *v);
	*ret = take_ptr(env);
	return 0;
}

static void fill_process(const struct ctr *c, const struct ctr_exec_opts *o,
			 char *const *env, struct oci_process *p)
{
	p->args = o->args;
	p->env = env;
	p->cwd = str_is_empty(o->workdir) ? c->config.workdir : o->workdir;
	p->user = str_is_empty(o->user) ? c->config.user : o->user;
	if (!p->user)
		p->user = "";
	p->terminal = has_terminal(o);
	p->keep_fds = o->keep_fds;
	p->n_keep_fds = o->n_keep_fds;
	if (p->terminal)
		window_size(p);
}

static int parse_keys(const struct ctr_exec_opts *o, char keys[ATTACH_KEYS_MAX],
		      struct relay *r, struct err *err)
{
	const char *spec = o->detach_keys ? o->detach_keys :
					    ATTACH_KEYS_DEFAULT;

	if (attach_keys_parse(spec, keys, &r->n_keys) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid detach keys: %s", spec);
	r->keys = keys;
	r->interactive = o->interactive;
	return 0;
}

static int reap(int pidfd, struct err *err)
{
	siginfo_t si = { 0 };

	while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL) < 0)
		if (errno != EINTR)
			return err_sys(err, "wait for the process");
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

static void note_exec(struct runtime *rt, const struct ctr *c,
		      enum event_status what, const char *id, const int *code)
{
	autofree char *exec = xasprintf("execID=%s", id);
	autofree char *exit = code ? xasprintf("exitCode=%d", *code) : NULL;
	char *attrs[] = { exec, exit, NULL };

	(void)event_ctr(rt, c, what, attrs, NULL);
}

/* @ret_go: holds the keeper of a detached one up until it is closed */
static int begin(struct runtime *rt, const struct ctr *c,
		 struct ctr_exec_opts *o, const struct oci_exec *ex,
		 int *ret_pidfd, int *ret_go, struct err *err)
{
	char id[65];
	pid_t pid = 0;
	int r;

	id_random(id);
	if (o->detach && !o->no_session)
		r = exec_kept(rt, c, ex, id, &pid, ret_go, err);
	else
		r = oci_exec(ex, ret_pidfd, &pid, err);
	if (r < 0)
		return r;
	memcpy(o->ret_id, id, sizeof(id));
	(void)FAULT("exec.begun");
	if (!o->no_session) {
		session_write(rt, c, id, pid);
		note_exec(rt, c, EVENT_EXEC, id, NULL);
	}
	return 0;
}

/* From the fork to the exit code. */
static int run_session(struct runtime *rt, const struct ctr *c,
		       struct ctr_exec_opts *o, const struct oci_process *p,
		       bool in_cgroup, struct relay *rel, struct err *err)
{
	struct streams s = { { -EBADF, -EBADF, -EBADF }, { false }, 0 };
	struct oci_io io = { .console_fd = -EBADF };
	struct cgroup cg cleanup(cgroup_done) = CGROUP_INIT;
	struct oci_exec ex = { .init = c->init, .process = p, .io = &io,
			       .ctr_name = c->name };
	int r;

	if (has_own_ids(&c->config))
		s.init = c->init.pid;
	r = make_streams(o, &s, rel, err);
	if (r == 0 && s.init != 0)
		r = userns_run(rt, own_streams, &s, err);
	memcpy(io.stdio, s.stdio, sizeof(io.stdio));
	autoclose int pidfd = -EBADF;
	autoclose int go unused_attr = -EBADF;

	if (in_cgroup)
		ctr_cgroup(rt, c, &cg);
	ex.cgroup = cg.path ? &cg : NULL;
	if (r == 0)
		r = begin(rt, c, o, &ex, &pidfd, &go, err);
	streams_done(&s);
	if (r < 0 || o->detach)
		return r;
	rel->pidfd = pidfd;
	rel->console = io.console_fd;
	r = relay_run(rel, err);
	if (r == 1) {	/* detached: the terminal must outlive us */
		r = relay_keep(rel, err);
		return r;
	}
	if (r == 0)
		r = reap(pidfd, err);
	if (o->no_session)
		return r;
	session_remove(rt, c, o->ret_id);
	if (r >= 0)
		note_exec(rt, c, EVENT_EXEC_DIED, o->ret_id, &r);
	return r;
}

void ctr_exec_died(struct runtime *rt, const struct ctr *c, const char *id,
		   int code)
{
	note_exec(rt, c, EVENT_EXEC_DIED, id, &code);
}

/* BRYO_FORCE=exec-by-monitor: as if the cgroup could not be entered */
static bool is_forced(void)
{
#ifdef BRYO_TESTING
	const char *env = getenv("BRYO_FORCE");

	return env && strstr(env, "exec-by-monitor");
#else
	return false;
#endif
}

/* Here; where that is not allowed beside the monitor; where that is dead here
 * again, without the cgroup. */
static int in_or_beside(struct runtime *rt, const struct ctr *c,
			struct ctr_exec_opts *o, const struct oci_process *p,
			struct relay *rel, struct err *err)
{
	struct relay again = *rel;
	struct err why = ERR_INIT;
	int r = !o->in_session && is_forced() ?
			-EXDEV : run_session(rt, c, o, p, true, rel, &why);

	if (r == -EXDEV && !o->in_session) {
		err_clear(&why);
		r = session_run(rt, c, o, &why);
	}
	if (r == -ENOTCONN && !o->in_session) {
		log_warn("the process is not in the cgroup of container %s: "
			 "its monitor is gone", c->name);
		relay_done(rel);
		*rel = again;
		err_clear(&why);
		r = run_session(rt, c, o, p, false, rel, &why);
	}
	if (r < 0)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	return r;
}

int ctr_exec(struct runtime *rt, struct ctr *c, struct ctr_exec_opts *opts,
	     struct err *err)
{
	TRACE("core", "exec");
	autofree struct oci_rlimit *limits = NULL;
	autostrv char **env = NULL;
	struct oci_process p = { 0 };
	struct relay rel cleanup(relay_done) = RELAY_INIT;
	char keys[ATTACH_KEYS_MAX];
	int r;

	if (strv_len(opts->args) == 0 || !opts->args[0][0])
		return err_set(err, ERR_INVALID, EINVAL,
			       "must provide a non-empty command to start an "
			       "exec session: invalid argument");
	r = ctr_config_load(rt, c, err);
	if (r == 0)
		r = ctr_wait_hold(rt, c, err);
	if (r < 0)
		return r;
	if (c->state != CTR_RUNNING && c->state != CTR_STOPPING)
		return err_set(err, ERR_STATE, ESRCH,
			       "can only create exec sessions on running "
			       "containers: container state improper");
	r = make_env(rt, c, opts, &env, err);
	if (r < 0)
		return r;
	fill_process(c, opts, env, &p);
	r = parse_keys(opts, keys, &rel, err);
	if (r == 0)
		r = process_fill(&c->config, opts->privileged ||
						     c->config.privileged,
				 &p, &limits, err);
	if (r < 0)
		return r;
	if (FAULT("exec.start") < 0)
		return err_sys(err, "exec in %s", c->name);
	return in_or_beside(rt, c, opts, &p, &rel, err);
}
