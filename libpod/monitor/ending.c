/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * From the payload's death to the end of this process, in steps that each
 * wait for something (monitor.h lists them).  ending_start() does what waits
 * for nobody but, for a moment, the proxy: the output is read and logged, the
 * published ports are given back, the exit record is written.  After
 * that ending_advance() is called after every event and goes through the
 * steps as far as it gets; a step with a limit has the one timer.
 */
#include "libpod/monitor/inside.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/oci/cgroup.h"
#include "libpod/oci/hooks.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/proc.h"

#define CLIENT_MS 10000
#define HELPERS_MS 500
#define HELPERS_KILLED_MS 1000
#define SETTLE_MS 2000

static bool will_restart(const struct monitor *m)
{
	if (!m->conf->restart || m->held)
		return false;
	return !m->conf->restart_on_failure || m->record.code != 0;
}

/* ---- the steps ------------------------------------------------------- */

/* Have all clients got everything, and do they know? */
static bool clients_are_told(struct monitor *m)
{
	bool all = true;

	if (m->chunk.len)
		return false;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];
		bool told = c->fd < 0 || client_tell_exit(c);

		if (c->fd >= 0 && !c->first)
			client_drop(c);
		else if (!told)
			all = false;
	}
	return all;
}

static void drop_first(struct monitor *m)
{
	struct client *c = client_first(m);

	if (c)
		client_drop(c);
}

static int helper_open(const struct monitor *m, int slot)
{
	pid_t pid = slot < 0 ? 0 : m->conf->helper_pids[slot];

	/* not reaped yet, so the number is still its own */
	return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -EBADF;
}

static void kill_helpers(struct monitor *m)
{
	m->killed_helpers = true;
	for (int i = 0; i < m->conf->n_helpers; i++) {
		autoclose int fd = helper_open(m, i);

		if (fd >= 0)
			pidfd_signal(fd, SIGKILL);
	}
}

static bool step_is_over(struct monitor *m)
{
	switch (m->ending) {
	case END_CLIENT:
		return clients_are_told(m);
	case END_HELPERS:
		return m->helpers_left == 0;
	case END_SETTLE:
		return will_restart(m) || !m->conf->exec_argv || m->settled ||
		       !client_first(m) || m->hurry;
	case END_BACKOFF:
		return !will_restart(m) || m->hurry;
	case END_NOT:
	case END_DONE:
		break;
	}
	return true;
}

/* Whatever led to a long back-off is over when it has worked since. */
static uint32_t backoff_ms(const struct monitor *m)
{
	uint32_t ms = m->conf->restart_delay_ms;

	return m->worked ? MIN(ms, (uint32_t)MONITOR_BACKOFF_MIN_MS) :
			   MAX(ms, 1);
}

/* Milliseconds that a step may take; 0: as long as it takes */
static uint32_t step_limit(const struct monitor *m)
{
	switch (m->ending) {
	case END_CLIENT:
		return will_restart(m) ? CLIENT_MS : 0;
	case END_HELPERS:
		return m->killed_helpers ? HELPERS_KILLED_MS : HELPERS_MS;
	case END_SETTLE:
		return SETTLE_MS;
	case END_BACKOFF:
		return backoff_ms(m);
	case END_NOT:
	case END_DONE:
		break;
	}
	return 0;
}

static int step_timeout(struct loop *loop, struct loop_source *src,
			uint32_t events, void *arg);

static void set_timer(struct monitor *m)
{
	uint64_t ns = step_limit(m) * 1000000ULL;

	loop_del(m->loop, m->ending_timer);
	m->ending_timer = NULL;
	if (ns)
		loop_timer(m->loop, clock_mono_ns() + ns, step_timeout, m,
			   &m->ending_timer);
}

static void next_step(struct monitor *m)
{
	m->ending++;
	set_timer(m);
}

static int step_timeout(struct loop *loop unused_attr,
			struct loop_source *src unused_attr,
			uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;

	m->ending_timer = NULL;
	if (m->ending == END_CLIENT)
		drop_first(m);
	if (m->ending == END_HELPERS && !m->killed_helpers) {
		kill_helpers(m);
		set_timer(m);
		return 0;
	}
	next_step(m);
	monitor_kick(m);
	return 0;
}

void ending_advance(struct monitor *m)
{
	if (m->hurry && m->ending == END_CLIENT && !clients_are_told(m)) {
		drop_first(m);
		output_deliver(m);
	}
	while (m->ending != END_DONE && step_is_over(m))
		next_step(m);
	if (m->ending == END_DONE)
		loop_quit(m->loop, 0);
}

/* ---- the payload is dead --------------------------------------------- */

/* The record is tried twice: the run directory is another file system. */
static void write_record(struct monitor *m)
{
	const struct monitor_conf *c = m->conf;
	int r = exit_record_write(c->dir_fd, &m->record, c->durable_exit,
				  NULL);

	if (r < 0 && c->run_fd >= 0)
		exit_record_write(c->run_fd, &m->record, false, NULL);
}

static int oom_state(const struct monitor_conf *c)
{
	autoclose int fd = c->cgroup ? cgroup_open(c->cgroup) : -EBADF;

	return fd < 0 ? -1 : cgroup_oom(fd);
}

/* What fails here fails for nobody: the container has ended. */
static void run_poststop(const struct monitor_conf *c)
{
	struct hooks hooks cleanup(hooks_done) = { .n = 0 };

	if (unlinkat(c->dir_fd, POSTSTOP_NAME, 0) < 0)
		return;
	if (hooks_load(c->dir_fd, &hooks, NULL) == 0)
		(void)hooks_run(&hooks, HOOK_POSTSTOP, 0, c->dir_fd, NULL);
}

/* Who hears of the end may want the ports at once: they are the proxy's as
 * well, until it is dead.  It has been told, and has nothing to finish. */
static void wait_ports(const struct monitor *m)
{
	autoclose int fd = helper_open(m, m->helpers[HELPER_PROXY].slot);

	if (fd < 0 || pidfd_wait(fd, HELPERS_MS) == 1)
		return;
	pidfd_signal(fd, SIGKILL);
	(void)pidfd_wait(fd, HELPERS_KILLED_MS);
}

void ending_start(struct monitor *m)
{
	struct monitor_conf *c = m->conf;

	m->dead = true;
	m->record.finished_ns = clock_now_ns();
	m->record.start_n = c->start_n;
	m->worked = proc_age_ns(&c->init) > MONITOR_GOOD_WORK_NS;
	m->record.oom = oom_state(c);
	loop_del(m->loop, m->timeout);
	health_stop(m);
	loop_del(m->loop, m->listen_src);
	m->listen_src = NULL;
	input_close(m);
	helpers_let_go(m);
	output_drain(m);
	wait_ports(m);
	(void)FAULT("monitor.payload.dead");
	if (!m->held)
		write_record(m);
	(void)FAULT("monitor.exit.recorded");
	if (c->cgroup)
		cgroup_remove(c->cgroup);
	if (!will_restart(m) && c->run_fd >= 0)
		(void)unlinkat(c->run_fd, POLICY_NAME, 0);
	if (!m->held)
		run_poststop(c);
	next_step(m);
}
