/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor leaves to a bryo, which has the database: `bryo __monitor`
 * is what it becomes when the payload has ended, with the container's lock (see
 * libpod/core/ended.c), `bryo __helper` notes an event.  `bryo __exec-died` is
 * what the keeper of a detached exec session becomes.  `bryo __resume` starts
 * what a monitor was about to start when it was killed.
 */
#include <fcntl.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/container.h"
#include "libpod/core/event.h"
#include "util/fd.h"
#include "util/str.h"

struct monitor_args {
	uint64_t start;
	int lock_fd;
	uint64_t delay;
};

static const struct opt monitor_opts[] = {
	OPT_U64(0, "start", struct monitor_args, start, "uint",
		"Which start of the container ended"),
	OPT_INT(0, "lock-fd", struct monitor_args, lock_fd, "fd",
		"Descriptor of the monitor lock"),
	OPT_U64(0, "delay", struct monitor_args, delay, "ms",
		"Back-off that was waited for"),
	OPT_END,
};

static int monitor_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct monitor_args *args = p;
	int code = 0;
	int r;

	if (args->lock_fd < 3 || fd_cloexec(args->lock_fd, true) < 0)
		return err_set(err, ERR_USAGE, EBADF,
			       "--lock-fd names no open descriptor");
	r = ctr_ended(rt, argv[0], (uint32_t)args->start, args->lock_fd,
		      (uint32_t)args->delay, &code, err);
	/* systemd looks at it: --sdnotify makes the monitor the main process */
	return r < 0 ? r : code & 0xff;
}

const struct cmd cmd_container_monitor = {
	.path = "__monitor",
	.usage = "[options] ID",
	.summary = "Settle a container that has ended",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME | CMD_HIDDEN,
	.opts = (const struct opt *const[]){ monitor_opts, NULL },
	.args_size = sizeof(struct monitor_args),
	.run = monitor_run,
};

static int helper_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	autofree char *name = xasprintf("helper=%s", argv[1]);
	char *attrs[] = { name, NULL };
	int r = ctr_find(rt, argv[0], &c, err);

	return r < 0 ? r :
		       event_ctr(rt, c, EVENT_HELPER_RESTARTED, attrs, err);
}

const struct cmd cmd_container_helper = {
	.path = "__helper",
	.usage = "ID NAME",
	.summary = "Note that a helper of a container was started again",
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME | CMD_HIDDEN,
	.run = helper_run,
};

static int exec_died_run(struct runtime *rt, const void *p unused_attr,
			 char **argv, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int code;
	int r = ctr_find(rt, argv[0], &c, err);

	if (r < 0)
		return r;
	if (parse_int(argv[2], &code) < 0)
		return err_set(err, ERR_USAGE, EINVAL, "'%s' is no exit code",
			       argv[2]);
	ctr_exec_died(rt, c, argv[1], code);
	return 0;
}

const struct cmd cmd_container_exec_died = {
	.path = "__exec-died",
	.usage = "ID SESSION CODE",
	.summary = "Note that a detached exec session has ended",
	.min_args = 3,
	.max_args = 3,
	.flags = CMD_NEED_RUNTIME | CMD_HIDDEN,
	.run = exec_died_run,
};

struct resume_args {
	int lock_fd;
	int watch_fd;
};

static const struct opt resume_opts[] = {
	OPT_INT(0, "lock-fd", struct resume_args, lock_fd, "fd",
		"Descriptor of the operation lock"),
	OPT_INT(0, "watch-fd", struct resume_args, watch_fd, "fd",
		"Descriptor whose lock says that somebody waits"),
	OPT_END,
};

static int resume_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct resume_args *args = p;
	auto_ctr struct ctr *c = NULL;
	bool watch = args->watch_fd != 0;
	int fd = watch ? args->watch_fd : args->lock_fd;
	int r;

	if (fd < 3 || fd_cloexec(fd, true) < 0)
		return err_set(err, ERR_USAGE, EBADF,
			       "--lock-fd names no open descriptor");
	r = ctr_find(rt, argv[0], &c, err);
	if (r < 0)
		return r;
	return watch ? ctr_watch(rt, c, err) : ctr_resume(rt, c, fd, err);
}

const struct cmd cmd_container_resume = {
	.path = "__resume",
	.usage = "[options] ID",
	.summary = "Go on with the restart policy of a container",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME | CMD_HIDDEN,
	.opts = (const struct opt *const[]){ resume_opts, NULL },
	.args_size = sizeof(struct resume_args),
	.run = resume_run,
};
