/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs that work beside the payload: slirp4netns, the port proxy, and
 * fuse-overlayfs.
 *
 * Theory of operation.  They end with the payload, by a pipe that we close
 * (leash_make()).  One that ends before is said in the file "degraded".  What
 * the network needs is all there still: the tap, rules and routes live in the
 * container's network namespace, the listening sockets are ours as well
 * (clients wait in the backlog), so the two of the network are started again:
 *
 *   it ended        50 ms, doubled each time, 5 times in a row at most
 *   it works again  "degraded" goes, an event is noted by another bryo; for
 *                   slirp4netns this is its ready pipe, for the proxy the exec
 *   after 10 s      of work its next end is a first one again
 *
 * Connections through the one that died are lost.  Nobody else's is: the tap
 * and the ports are never gone.  A file system cannot be brought back like
 * this: for fuse-overlayfs "degraded" is the last word.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "network/network.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define TRIES 5
#define FIRST_MS 50
#define GOOD_WORK_NS (10 * UINT64_C(1000000000))

static void degraded(struct monitor *m, const char *name, uint32_t times)
{
	char text[160], often[32] = "";
	int len;

	if (times > 1)
		snprintf(often, sizeof(often), " %u times", times);
	len = snprintf(text, sizeof(text),
		       "degraded: %s ended%s while the container ran\n", name,
		       often);
	file_write_at(m->conf->dir_fd, DEGRADED_NAME, text, (size_t)len, 0600,
		      false, NULL);
}

/* What is still missing, or nothing */
static void degraded_update(struct monitor *m)
{
	if (m->damaged)
		return;
	for (int i = 0; i < HELPER_ROLES; i++) {
		if (!m->helpers[i].down)
			continue;
		degraded(m, m->helpers[i].name, m->helpers[i].failures);
		return;
	}
	(void)unlinkat(m->conf->dir_fd, DEGRADED_NAME, 0);
}

/* ---- another one ------------------------------------------------------- */

/* An event of the container, by somebody who may open the database. */
static void note(const struct monitor *m, const char *name)
{
	autostrv char **argv = NULL;
	int fds[] = { -1, -1, -1 };

	for (char **v = m->conf->note_argv; v && *v; v++)
		strv_add(&argv, *v);
	if (!argv)
		return;
	strv_add(&argv, name);
	struct proc_spawn s = {
		.path = m->conf->exec_path,
		.argv = argv,
		.env = environ,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
	};

	(void)proc_spawn(&s, NULL, NULL);
}

static void works_again(struct helper *h)
{
	h->down = false;
	h->began = clock_mono_ns();
	degraded_update(h->m);
	note(h->m, h->name);
}

static int on_ready(struct loop *loop, struct loop_source *src,
		    uint32_t events unused_attr, void *arg)
{
	struct helper *h = arg;
	char byte;
	ssize_t n = read(h->ready_fd, &byte, 1);

	loop_del(loop, src);
	h->ready = NULL;
	close_fd(h->ready_fd);
	if (n == 1)	/* else it has ended: SIGCHLD follows */
		works_again(h);
	return 0;
}

static pid_t start_slirp(struct helper *h)
{
	const struct monitor_conf *c = h->m->conf;
	struct slirp s = SLIRP_INIT;
	int r = slirp_spawn(c->init.pid, c->leash_fd, &s, NULL);

	if (r == 0) {
		h->ready_fd = take_fd(s.ready_fd);
		(void)loop_add(h->m->loop, h->ready_fd, EPOLLIN, on_ready, h,
			       &h->ready);
	}
	slirp_done(&s);
	return r < 0 ? r : s.pid;
}

static pid_t start_proxy(struct helper *h)
{
	const struct monitor_conf *c = h->m->conf;
	autoclose int program = c->is_program ?
		open("/proc/self/exe", O_PATH | O_CLOEXEC) : -EBADF;

	return proxy_respawn(c->init.pid, h->m->proxy, program, NULL);
}

static void failed(struct helper *h);

static int on_due(struct loop *loop unused_attr,
		  struct loop_source *src unused_attr,
		  uint32_t events unused_attr, void *arg)
{
	struct helper *h = arg;
	struct monitor *m = h->m;
	bool slirp = h == &m->helpers[HELPER_SLIRP];
	pid_t pid;

	h->timer = NULL;
	pid = slirp ? start_slirp(h) : start_proxy(h);
	if (pid < 0) {
		failed(h);
		return 0;
	}
	m->conf->helper_pids[h->slot] = pid;
	m->helpers_left++;
	if (!slirp)
		works_again(h);
	return 0;
}

static void failed(struct helper *h)
{
	uint64_t now = clock_mono_ns();

	h->failures++;
	degraded_update(h->m);
	if (h->failures > TRIES)
		return;
	(void)loop_timer(h->m->loop, now +
			 ((uint64_t)FIRST_MS << (h->failures - 1)) * 1000000,
			 on_due, h, &h->timer);
}

/* ---- births and deaths ------------------------------------------------- */

static int slot_of(const struct monitor *m, pid_t pid)
{
	for (int i = 0; pid > 0 && i < m->conf->n_helpers; i++)
		if (m->conf->helper_pids[i] == pid)
			return i;
	return -1;
}

static struct helper *helper_at(struct monitor *m, int slot)
{
	for (int i = 0; i < HELPER_ROLES; i++)
		if (m->helpers[i].slot == slot)
			return &m->helpers[i];
	return NULL;
}

void helpers_start(struct monitor *m)
{
	struct monitor_conf *c = m->conf;

	if (c->proxy_fd >= 0)
		m->proxy = proxy_conf_read(c->proxy_fd);
	close_fd(c->proxy_fd);
	for (int i = 0; i < c->n_helpers; i++)
		m->helpers_left += c->helper_pids[i] > 0;
	for (int i = 0; i < HELPER_ROLES; i++)
		m->helpers[i] = (struct helper){
			.m = m,
			.name = i == HELPER_SLIRP ? "slirp4netns" :
						    "bryo-proxy",
			.slot = slot_of(m, i == HELPER_SLIRP ? c->slirp_pid :
							       c->proxy_pid),
			.began = clock_mono_ns(),
			.ready_fd = -EBADF,
		};
}

void helper_gone(struct monitor *m, pid_t pid)
{
	int slot = slot_of(m, pid);
	char path[32];
	autosb struct sb name = SB_INIT;

	if (m->dead || slot < 0 || helper_at(m, slot))
		return;
	m->damaged = true;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (file_read_at(AT_FDCWD, path, 64, &name) == 0)
		degraded(m, str_trim(name.buf), 1);
}

void helper_reaped(struct monitor *m, pid_t pid)
{
	int slot = slot_of(m, pid);
	struct helper *h = slot < 0 ? NULL : helper_at(m, slot);

	if (slot < 0)
		return;
	m->conf->helper_pids[slot] = 0;
	m->helpers_left--;
	if (!h || m->dead)
		return;
	if (clock_mono_ns() - h->began > GOOD_WORK_NS)
		h->failures = 0;
	h->down = true;
	failed(h);
}

void helpers_let_go(struct monitor *m)
{
	struct monitor_conf *c = m->conf;
	size_t n;
	autofree int *fds = proxy_fds(m->proxy, &n);

	close_fd(c->leash_fd);
	for (size_t i = 1; i < n; i++)	/* the first is the leash */
		close(fds[i]);
	for (int i = 0; i < HELPER_ROLES; i++) {
		struct helper *h = &m->helpers[i];

		loop_del(m->loop, h->timer);
		loop_del(m->loop, h->ready);
		h->timer = NULL;
		h->ready = NULL;
		close_fd(h->ready_fd);
	}
}
