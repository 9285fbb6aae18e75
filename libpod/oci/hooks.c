/* SPDX-License-Identifier: Apache-2.0 */
/* Running hooks.  Linked into the small static monitor: no JSON library. */
#include "libpod/oci/hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define STATE_VERSION "1.2.0"
#define SAID_MAX 400

static const char *const names[HOOK_STAGES] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

/* runtime-spec, "Lifecycle" */
static const char *const status[HOOK_STAGES] = {
	[HOOK_PRESTART] = "creating",
	[HOOK_CREATE_RUNTIME] = "creating",
	[HOOK_CREATE_CONTAINER] = "creating",
	[HOOK_START_CONTAINER] = "created",
	[HOOK_POSTSTART] = "running",
	[HOOK_POSTSTOP] = "stopped",
};

const char *hook_stage_name(enum hook_stage s)
{
	return names[s];
}

void hooks_done(struct hooks *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->v[i].path);
		strv_free(h->v[i].args);
		strv_free(h->v[i].env);
	}
	free(h->v);
	free(h->id);
	free(h->state);
	*h = (struct hooks){ .n = 0 };
}

/* ---- one hook ---------------------------------------------------------- */

/* In memory: a hook that does not read it must not stop us. */
static int state_fd(const struct hooks *h, enum hook_stage stage, pid_t pid,
		    struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	sb_addf(&text, "{\"ociVersion\":\"" STATE_VERSION "\",\"id\":\"%s\","
		"\"status\":\"%s\",", h->id, status[stage]);
	if (pid > 0)
		sb_addf(&text, "\"pid\":%d,", (int)pid);
	sb_add(&text, h->state);
	autoclose int fd = fd_memory("state", err);
	if (fd < 0)
		return fd;
	r = fd_write_full(fd, text.buf, text.len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? err_code(err, r, "write the state for a hook") :
		       take_fd(fd);
}

static int enter_dir(void *arg, struct err *err)
{
	const int *dir_fd = arg;

	if (*dir_fd >= 0 && fchdir(*dir_fd) < 0)
		return err_sys(err, "enter the bundle");
	return 0;
}

/* What it said last, for the message: one line. */
static char *last_words(int fd)
{
	char buf[SAID_MAX + 1];
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > SAID_MAX ? size - SAID_MAX : 0;
	ssize_t n = size > 0 ? pread(fd, buf, SAID_MAX, from) : 0;
	char *line;

	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	line = str_trim(buf);
	while (*line && strchr(line, '\n'))
		line = strchr(line, '\n') + 1;
	return *line ? xstrdup(line) : NULL;
}

static int failed(const struct hook *k, enum hook_stage stage, int code,
		  int said_fd, struct err *err)
{
	autofree char *said = last_words(said_fd);

	return err_set(err, ERR_START, EIO,
		       "error executing %s hook `%s` (exit code: %d)%s%s",
		       names[stage], k->path, code, said ? ": " : "",
		       said ? said : "");
}

static int wait_hook(const struct hook *k, enum hook_stage stage, pid_t pid,
		     int pidfd, int said_fd, struct err *err)
{
	uint64_t ms = (uint64_t)k->timeout_s * 1000;
	int r = 1;

	if (ms)
		r = pidfd_wait(pidfd, (int)MIN(ms, (uint64_t)INT32_MAX));
	if (r != 1)
		pidfd_signal(pidfd, SIGKILL);
	if (r != 1) {
		(void)proc_wait(pid);
		return err_set(err, ERR_START, ETIMEDOUT,
			       "error executing %s hook `%s`: it has not ended "
			       "within %u seconds", names[stage], k->path,
			       k->timeout_s);
	}
	r = proc_wait(pid);
	if (r < 0)
		return err_code(err, r, "wait for hook %s", k->path);
	return r ? failed(k, stage, r, said_fd, err) : 0;
}

static int run_hook(const struct hooks *h, const struct hook *k,
		    enum hook_stage stage, pid_t init, int dir_fd,
		    struct err *err)
{
	autoclose int in = state_fd(h, stage, init, err);
	autoclose int said = fd_memory("hook", NULL);
	autoclose int pidfd = -EBADF;
	const int fds[] = { in, -1, said };
	const struct proc_spawn spawn = {
		.path = k->path,
		.argv = k->args,
		.env = k->env,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
		.prepare = enter_dir,
		.arg = &dir_fd,
	};
	pid_t pid;
	int r;

	if (in < 0)
		return in;
	if (said < 0)
		return err_sys(err, "make a file for what a hook says");
	log_debug("%s hook %s", names[stage], k->path);
	pid = proc_spawn(&spawn, &pidfd, err);
	if (pid < 0) {
		r = err_wrap(err, (int)pid, "%s hook", names[stage]);
		if (err)
			err->kind = ERR_START;
		return r;
	}
	return wait_hook(k, stage, pid, pidfd, said, err);
}

int hooks_run(const struct hooks *h, enum hook_stage stage, pid_t pid,
	      int dir_fd, struct err *err)
{
	int r = 0;

	if (!h || !(h->stages & 1U << stage))
		return 0;
	TRACE("oci", names[stage]);
	for (size_t i = 0; r == 0 && i < h->n; i++)
		if (h->v[i].stages & 1U << stage)
			r = run_hook(h, &h->v[i], stage, pid, dir_fd, err);
	return r;
}
