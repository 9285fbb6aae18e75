/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/auth_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"

#define OUTPUT_MAX (64u << 10)
#define NS_PER_S (1000ull * 1000 * 1000)
#define TIMEOUT_S 60

void wipe_sb(struct sb *sb)
{
	if (sb->cap)
		explicit_bzero(sb->buf, sb->cap);
	sb_done(sb);
}

/* Absolute path of docker-credential-SUFFIX in PATH, or NULL; owned */
static char *find_helper(char *const *env, const char *suffix)
{
	const char *path = strv_env_get(env, "PATH");
	autostrv char **dirs = strv_split(path ? path : "/usr/bin:/bin", ':');

	if (!name_is_valid(suffix))
		return NULL;
	for (size_t i = 0; i < strv_len(dirs); i++) {
		autofree char *file =
			xasprintf("%s/docker-credential-%s", dirs[i], suffix);

		if (dirs[i][0] == '/' && access(file, X_OK) == 0)
			return take_ptr(file);
	}
	return NULL;
}

/* A group of its own: at the timeout its children have to go as well */
static int own_group(void *arg unused_attr, struct err *err)
{
	return setpgid(0, 0) < 0 ? err_sys(err, "setpgid") : 0;
}

static int text_fd(const char *text, struct err *err)
{
	autoclose int fd = fd_memory("bryo-helper", err);

	if (fd < 0)
		return fd;
	if (fd_write_full(fd, text, strlen(text)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "write to a memfd");
	return take_fd(fd);
}

/* What is there now.  Return: 1 more may come, 0 the end of file, -errno */
static int read_some(int fd, struct sb *out, struct err *err)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return err_sys(err, "read");
	sb_addn(out, buf, (size_t)n);
	explicit_bzero(buf, sizeof(buf));
	if (out->over)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "more than 64 KiB of output");
	return n > 0;
}

/* Until the end of file, the limit or the deadline, or until the helper has
 * ended: an agent that it left behind may hold the pipe for ever, but what
 * the helper itself wrote is in there by then. */
static int read_output(int fd, int pidfd, struct sb *out, struct err *err)
{
	/* A test does not wait a minute */
	bool impatient = FAULT("auth.helper.wait") < 0;
	uint64_t end = clock_mono_ns() + (impatient ? 1 : TIMEOUT_S) * NS_PER_S;

	for (bool ended = false;;) {
		struct pollfd p[] = { { .fd = fd, .events = POLLIN },
				      { .fd = ended ? -1 : pidfd,
					.events = POLLIN } };
		uint64_t now = clock_mono_ns();
		int r;

		if (now >= end)
			return err_set(err, ERR_FAIL, ETIMEDOUT,
				       "no answer within a minute");
		r = poll(p, ARRAY_LEN(p),
			 ended ? 0 : (int)((end - now) / 1000000) + 1);
		if (r < 0 && errno != EINTR)
			return err_sys(err, "poll");
		if (r > 0 && p[0].revents) {
			r = read_some(fd, out, err);
			if (r <= 0)
				return r;
		} else if (r == 0 && ended) {
			return 0;
		} else if (r > 0) {
			/* It may have written after the pipe was looked at */
			ended = true;
		}
	}
}

/* Return: the exit code, or -errno */
static int run_helper(const char *path, const char *verb, char *const *env,
		      const char *input, struct sb *out, struct err *err)
{
	char *argv[] = { (char *)(uintptr_t)path, (char *)(uintptr_t)verb,
			 NULL };
	autoclose int in = text_fd(input, err);
	int pidfd = -EBADF;
	int pipe_fds[2];
	pid_t pid;
	int r;

	if (in < 0)
		return in;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	autoclose int from = pipe_fds[0];
	autoclose int to = pipe_fds[1];

	/* stderr is dropped: some helpers print the secret there */
	const int fds[] = { in, to, -1 };
	const struct proc_spawn spawn = {
		.path = path,
		.argv = argv,
		.env = env,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
		.prepare = own_group,
	};

	pid = proc_spawn(&spawn, &pidfd, err);
	if (pid < 0)
		return (int)pid;
	autoclose int owned = pidfd;

	close_fd(to);
	r = read_output(from, owned, out, err);
	if (r < 0 || pidfd_wait(owned, 5000) != 1) {
		kill(-pid, SIGKILL);
		pidfd_signal(owned, SIGKILL);
	}
	if (r < 0) {
		proc_wait(pid);
		return r;
	}
	return proc_wait(pid);
}

int auth_helper_run(const struct auth_helper *h, const char *verb,
		    const char *input, struct sb *out, struct err *err)
{
	autofree char *path = find_helper(h->env, h->suffix);
	autofree char *shown = NULL;
	int r;

	if (!path)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "credential helper docker-credential-%s for %s: "
			       "program not found",
			       h->suffix, h->host);
	sb_limit(out, OUTPUT_MAX);
	r = run_helper(path, verb, h->env, input, out, err);
	if (r == 0)
		return 1;
	if (r > 0 && strstr(out->buf, "credentials not found"))
		return 0;
	if (r > 0) {
		/* By the protocol a failing helper prints its reason, no
		   secret */
		sb_trunc(out, MIN(out->len, (size_t)200));
		shown = safe_line(str_trim(out->buf));
		r = err_set(err, ERR_FAIL, EACCES, "exit code %d%s%s", r,
			    *shown ? ": " : "", shown);
	}
	return err_wrap(err, r, "credential helper docker-credential-%s for %s",
			h->suffix, h->host);
}
