/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer of health checks.
 *
 * Theory of operation.  When it is due, `bryo __health ID` is started, one at
 * a time.  It makes the check, limits its time, records the result and prints
 * in how many milliseconds it wants to be started again (0: not).  All that
 * happens here is reading that number: the end of the pipe sets the timer.
 * Should the program say nothing, it was killed or could not be started, and
 * the delay stays as it was.
 *
 * SIGUSR1: the settings were changed, ask at once.
 *
 * Once the payload is dead no new check is started.  One that runs notices by
 * itself: its process died with the container's pid namespace.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/proc.h"
#include "util/str.h"

static int on_due(struct loop *loop, struct loop_source *src, uint32_t events,
		  void *arg);

static void set_timer(struct monitor *m)
{
	loop_del(m->loop, m->health.timer);
	m->health.timer = NULL;
	if (m->health.delay_ms && !m->dead)
		loop_timer(m->loop, clock_mono_ns() +
			   m->health.delay_ms * 1000000ULL, on_due, m,
			   &m->health.timer);
}

static int on_answer(struct loop *loop, struct loop_source *src,
		     uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;
	size_t room = sizeof(m->health.answer) - 1 - m->health.len;
	ssize_t n = room ? read(m->health.pipe, m->health.answer +
				m->health.len, room) : 0;
	uint32_t ms;

	if (n > 0) {
		m->health.len += (size_t)n;
		return 0;
	}
	loop_del(loop, src);
	close_fd(m->health.pipe);
	m->health.pipe = -EBADF;
	if (m->health.len && m->health.answer[m->health.len - 1] == '\n')
		m->health.len--;
	m->health.answer[m->health.len] = '\0';
	if (parse_u32(m->health.answer, &ms) == 0)
		m->health.delay_ms = ms;
	set_timer(m);
	return 0;
}

void health_check(struct monitor *m)
{
	struct loop_source *src;
	int ends[2];

	if (m->dead || m->held || m->health.pipe >= 0 ||
	    !m->conf->health_argv || pipe2(ends, O_CLOEXEC) < 0)
		return;
	int fds[] = { -1, ends[1], -1 };
	struct proc_spawn s = {
		.path = m->conf->exec_path,
		.argv = m->conf->health_argv,
		.env = environ,
		.fds = fds,
		.n_fds = 3,
	};
	pid_t pid = proc_spawn(&s, NULL, NULL);

	close(ends[1]);
	m->health.len = 0;
	m->health.pipe = ends[0];
	if (pid < 0 || loop_add(m->loop, ends[0], EPOLLIN, on_answer, m,
				&src) < 0) {
		close_fd(m->health.pipe);
		m->health.pipe = -EBADF;
		set_timer(m);
	}
}

static int on_due(struct loop *loop unused_attr,
		  struct loop_source *src unused_attr,
		  uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;

	m->health.timer = NULL;
	health_check(m);
	return 0;
}

void health_start(struct monitor *m)
{
	m->health.delay_ms = m->conf->health_first_ms;
	set_timer(m);
}

void health_stop(struct monitor *m)
{
	loop_del(m->loop, m->health.timer);
	m->health.timer = NULL;
}
