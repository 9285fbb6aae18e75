/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What the payload writes is read in chunks, logged at once, and then given
 * to the clients.  There is one chunk: nothing is read before every client
 * has it (or was found too slow), so a flood fills the pipe and then stops
 * the payload, not our memory.  Both streams wait for the same chunk, which
 * keeps their order for everybody.
 *
 * After the payload's death what its pipes hold is bounded, and the exit
 * record must not wait for a client.  So all of it is read and logged then,
 * and what the first client is too slow for is set aside in a queue.
 *
 * A pty says EIO while nobody has the other side open.  That may pass: the
 * payload can open /dev/console again, so it is looked at every 200 ms as
 * long as the payload lives.
 */
#include "libpod/monitor/inside.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/fd.h"

#define HANGUP_RETRY_NS 200000000ULL
#define LOG_RETRY_NS 200000000ULL
#define DRAIN_MAX (1 << 20)	/* fs.pipe-max-size as a rule */

static bool has_console(const struct monitor *m)
{
	return m->conf->console_fd >= 0;
}

void output_watch(struct monitor *m)
{
	uint32_t want = m->chunk.len || m->dead ? 0 : EPOLLIN;

	for (int i = 0; i < 2; i++) {
		struct stream *s = &m->out[i];
		uint32_t events = want;

		/* one source for both directions of a terminal */
		if (has_console(m) && m->in.len)
			events |= EPOLLOUT;
		if (s->hung_up)
			events = 0;
		if (s->src)
			loop_mod(m->loop, s->src, events);
	}
}

static void stream_close(struct monitor *m, struct stream *s)
{
	loop_del(m->loop, s->src);
	s->src = NULL;
	if (!has_console(m))
		close_fd(s->fd);
	s->fd = -EBADF;
}

/* ---- delivery -------------------------------------------------------- */

static int stall_over(struct loop *loop unused_attr,
		      struct loop_source *src unused_attr,
		      uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;

	m->stall_timer = NULL;
	monitor_kick(m);
	return 0;
}

/* Has everybody the chunk?  Notes when the patience with the slow ends. */
static bool offer_chunk(struct monitor *m)
{
	const uint64_t now = clock_mono_ns();
	bool all = true;

	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (c->fd < 0 || client_offer(c, now))
			continue;
		all = false;
		if (!c->first && !m->stall_timer)
			loop_timer(m->loop, now + STALL_NS, stall_over, m,
				   &m->stall_timer);
	}
	return all;
}

static void next_chunk(struct monitor *m)
{
	struct chunk *q = m->queue;

	for (int i = 0; i < CLIENTS_MAX; i++) {
		m->clients[i].sent = 0;
		m->clients[i].stalled = 0;
	}
	m->chunk.len = 0;
	if (!q)
		return;
	m->chunk.stream = q->stream;
	m->chunk.len = q->len;
	memcpy(m->chunk.data, q->data, q->len);
	m->queue = q->next;
	if (!m->queue)
		m->queue_end = &m->queue;
	free(q);
}

void output_deliver(struct monitor *m)
{
	/* the log may still borrow it */
	while (m->chunk.len && offer_chunk(m) && !m->log.stuck)
		next_chunk(m);
}

/* ---- a log that waits for space ----------------------------------------- */

static void watch_log(struct monitor *m);

static int log_again(struct loop *loop unused_attr,
		     struct loop_source *src unused_attr,
		     uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;

	m->log_timer = NULL;
	if (!log_writer_retry(&m->log, clock_now_ns()))
		watch_log(m);
	monitor_kick(m);
	return 0;
}

static void watch_log(struct monitor *m)
{
	if (!m->log_timer)
		loop_timer(m->loop, clock_mono_ns() + LOG_RETRY_NS, log_again,
			   m, &m->log_timer);
}

/* ---- reading --------------------------------------------------------- */

static int hangup_over(struct loop *loop unused_attr,
		       struct loop_source *src unused_attr,
		       uint32_t events unused_attr, void *arg)
{
	struct stream *s = arg;

	s->hung_up = false;
	monitor_kick(s->m);
	return 0;
}

/* Nobody has the terminal open. */
static void hang_up(struct stream *s)
{
	struct loop_source *timer;

	s->hung_up = true;
	loop_timer(s->m->loop, clock_mono_ns() + HANGUP_RETRY_NS, hangup_over,
		   s, &timer);
}

static ssize_t read_chunk(struct monitor *m, struct stream *s,
			  struct chunk *into, size_t max)
{
	ssize_t n;

	do
		n = read(s->fd, into->data, MIN(max, sizeof(into->data)));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	into->stream = s->id;
	into->len = (size_t)n;
	log_writer_add(&m->log, s->id, into->data, into->len, clock_now_ns());
	return n;
}

static int on_output(struct loop *loop unused_attr,
		     struct loop_source *src unused_attr, uint32_t events,
		     void *arg)
{
	struct stream *s = arg;
	struct monitor *m = s->m;
	ssize_t n = -EAGAIN;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !m->chunk.len)
		n = read_chunk(m, s, &m->chunk, CHUNK_MAX);
	if (m->log.stuck)
		watch_log(m);
	if (n == -EIO && has_console(m))
		hang_up(s);
	else if (n <= 0 && n != -EAGAIN)
		stream_close(m, s);
	monitor_kick(m);
	return 0;
}

static void start_stream(struct monitor *m, struct stream *s, int fd,
			 enum log_stream id)
{
	s->m = m;
	s->fd = fd;
	s->id = id;
	if (fd < 0)
		return;
	fd_nonblock(fd, true);
	if (loop_add(m->loop, fd, EPOLLIN, on_output, s, &s->src) < 0)
		s->src = NULL;
}

void output_start(struct monitor *m)
{
	m->queue_end = &m->queue;
	if (has_console(m)) {
		start_stream(m, &m->out[0], m->conf->console_fd, LOG_STDOUT);
		start_stream(m, &m->out[1], -EBADF, LOG_STDERR);
		return;
	}
	start_stream(m, &m->out[0], m->conf->stdout_fd, LOG_STDOUT);
	start_stream(m, &m->out[1], m->conf->stderr_fd, LOG_STDERR);
}

/* ---- the end --------------------------------------------------------- */

/* A chunk to read into: the usual one, or one behind those that wait. */
static struct chunk *spare_chunk(struct monitor *m)
{
	if (!m->chunk.len)
		return &m->chunk;
	return malloc(sizeof(struct chunk));
}

static void enqueue(struct monitor *m, struct chunk *c)
{
	if (c == &m->chunk) {
		output_deliver(m);
		return;
	}
	c->next = NULL;
	*m->queue_end = c;
	m->queue_end = &c->next;
}

static void drain(struct monitor *m, struct stream *s)
{
	int there = DRAIN_MAX;
	size_t left;

	/* A process that outlives the payload may hold the pipe and go on
	 * writing: only what is there now counts. */
	if (!has_console(m) && ioctl(s->fd, FIONREAD, &there) < 0)
		there = 0;
	for (left = (size_t)there; left > 0;) {
		struct chunk *c = spare_chunk(m);
		ssize_t n;

		if (!c)
			return;
		n = read_chunk(m, s, c, left);
		if (n <= 0) {
			if (c != &m->chunk)
				free(c);
			return;
		}
		left -= (size_t)n;
		enqueue(m, c);
	}
}

void output_drain(struct monitor *m)
{
	/* the exit record must not wait for somebody to make room */
	log_writer_give_up(&m->log, clock_now_ns());
	output_deliver(m);
	for (int i = 0; i < 2; i++) {
		if (m->out[i].fd < 0)
			continue;
		drain(m, &m->out[i]);
		stream_close(m, &m->out[i]);
	}
	log_writer_done(&m->log, clock_now_ns());
}
