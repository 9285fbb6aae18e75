/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One message of input at a time: a client puts it into m->in, and no client
 * that may send more is read before the payload took it.  A pipe has a source
 * of its own; a terminal is written through the descriptor that output.c
 * watches.  At the end of the input a pipe is closed and a terminal gets ^D.
 */
#include "libpod/monitor/inside.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/fd.h"

#define VEOF_CHAR '\004'

static int on_writable(struct loop *loop unused_attr,
		       struct loop_source *src unused_attr,
		       uint32_t events unused_attr, void *arg)
{
	monitor_kick(arg);
	return 0;
}

void input_start(struct monitor *m)
{
	m->in.fd = m->conf->stdin_fd;
	if (m->conf->console_fd >= 0) {
		m->in.fd = m->conf->console_fd;
		return;
	}
	if (m->in.fd < 0)
		return;
	fd_nonblock(m->in.fd, true);
	if (loop_add(m->loop, m->in.fd, 0, on_writable, m, &m->in.src) < 0)
		m->in.src = NULL;
}

void input_close(struct monitor *m)
{
	loop_del(m->loop, m->in.src);
	m->in.src = NULL;
	m->in.at = 0;
	m->in.len = 0;
	if (m->in.fd != m->conf->console_fd)
		close_fd(m->in.fd);
	m->in.fd = -EBADF;
}

/* Write; false when there is more and it has to wait. */
static bool write_some(struct monitor *m)
{
	while (m->in.at < m->in.len) {
		ssize_t n = write(m->in.fd, m->in.data + m->in.at,
				  m->in.len - m->in.at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {	/* EPIPE: nobody reads it any more */
			if (m->in.src)
				input_close(m);
			break;
		}
		m->in.at += (size_t)n;
	}
	m->in.at = 0;
	m->in.len = 0;
	return true;
}

/* All is written and no more will come. */
static bool finish(struct monitor *m)
{
	m->in.end = false;
	if (m->in.src) {
		input_close(m);
		return true;
	}
	m->in.data[0] = VEOF_CHAR;
	m->in.len = 1;
	return write_some(m);
}

void input_write(struct monitor *m)
{
	bool done;

	if (m->in.fd < 0) {
		m->in.len = 0;
		return;
	}
	done = write_some(m);
	if (done && m->in.end && m->in.fd >= 0)
		done = finish(m);
	if (m->in.src)
		loop_mod(m->loop, m->in.src, done ? 0 : EPOLLOUT);
}

void input_resize(struct monitor *m, uint16_t rows, uint16_t cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	if (m->conf->console_fd >= 0)
		ioctl(m->conf->console_fd, TIOCSWINSZ, &size);
}
