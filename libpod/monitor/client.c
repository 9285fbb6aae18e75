/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Attach clients: the CLI that started the container (the first one, its
 * connection comes with the configuration) and those that connect to the
 * socket in the run directory later.  All of them speak the protocol of
 * monitor.h over SOCK_SEQPACKET; a message that is not of it ends the
 * connection.
 *
 * A client that wrote input is not read again before the payload took that
 * input.  One that does not read its output holds the payload up: the first
 * client for as long as it likes, any other for STALL_NS per chunk.  Nothing
 * is ever set aside for them while the payload lives.
 */
#include "libpod/monitor/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/fd.h"

#define ACCEPT_RETRY_NS 1000000000ULL

struct client *client_first(struct monitor *m)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		if (m->clients[i].fd >= 0 && m->clients[i].first)
			return &m->clients[i];
	}
	return NULL;
}

static bool has_terminal(const struct monitor *m)
{
	return m->conf->console_fd >= 0;
}

/* ---- sending --------------------------------------------------------- */

/* One message.  1 sent, 0 not now, -errno */
static int send_msg(int fd, uint8_t type, const char *data, size_t len)
{
	struct iovec iov[2] = {
		{ .iov_base = &type, .iov_len = 1 },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	do
		n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	/* ENOBUFS, ENOMEM: the kernel has no room, which passes too */
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return 0;
	return -errno;
}

int client_send(const struct client *c, uint8_t type, const void *data,
		size_t len)
{
	return send_msg(c->fd, type, data, len);
}

static uint8_t msg_type(const struct monitor *m, enum log_stream stream)
{
	return stream == LOG_STDERR && !has_terminal(m) ? ATTACH_STDERR :
							  ATTACH_STDOUT;
}

static bool wants(const struct client *c)
{
	const struct monitor *m = c->m;
	uint8_t type = msg_type(m, m->chunk.stream);

	return c->want & (type == ATTACH_STDERR ? ATTACH_WANT_STDERR :
						  ATTACH_WANT_STDOUT);
}

/* It reads again: say what it missed. */
static void catch_up(struct client *c)
{
	const struct monitor *m = c->m;
	const char *end = has_terminal(m) ? "\r\n" : "\n";
	char text[128];
	int len, r;

	len = snprintf(text, sizeof(text), "%s[bryo: %" PRIu64 " bytes of "
		       "output skipped: this client is too slow]%s", end,
		       c->skipped, end);
	r = send_msg(c->fd, msg_type(m, LOG_STDERR), text, (size_t)len);
	if (r < 0)
		client_drop(c);
	if (r <= 0)
		return;
	c->behind = false;
	c->skipped = 0;
}

/* The chunk could not be sent now. */
static bool refuse(struct client *c, uint64_t now)
{
	const struct monitor *m = c->m;

	if (c->first)
		return false;
	if (!c->stalled)
		c->stalled = now;
	if (!c->behind && now - c->stalled < STALL_NS)
		return false;
	c->behind = true;
	c->skipped += m->chunk.len - c->sent;
	c->sent = m->chunk.len;
	return true;
}

bool client_offer(struct client *c, uint64_t now)
{
	struct monitor *m = c->m;

	/* The first client's wishes are not known before it says hello. */
	if (!c->hello || c->told)
		return !c->first || c->told;
	if (!wants(c))
		return true;
	while (c->sent < m->chunk.len) {
		size_t n = MIN(m->chunk.len - c->sent, ATTACH_MSG_MAX - 1);
		int r;

		if (c->behind)
			return refuse(c, now);
		r = send_msg(c->fd, msg_type(m, m->chunk.stream),
			     m->chunk.data + c->sent, n);
		if (r == 0)
			return refuse(c, now);
		if (r < 0) {
			client_drop(c);
			return true;
		}
		c->sent += n;
	}
	return true;
}

bool client_tell_exit(struct client *c)
{
	int32_t code = c->m->record.code;
	int r;

	if (c->told)
		return true;
	r = send_msg(c->fd, ATTACH_EXIT, (const char *)&code, sizeof(code));
	if (r == 0)
		return false;
	c->told = true;
	if (r < 0)
		client_drop(c);
	return true;
}

/* ---- receiving ------------------------------------------------------- */

static void say_hello(struct client *c, uint8_t want)
{
	c->hello = true;
	c->want = want;
	if ((want & ATTACH_WANT_STDIN) && !c->m->in_claimed) {
		c->m->in_claimed = true;
		c->m->in_owner = c;
	}
}

/*
 * Where stdin belongs to the client of the start, its end or that client's is
 * the payload's, but a terminal stays for whoever attaches next.  Elsewhere
 * what was piped into `attach` ends the payload's pipe, unless it was nothing:
 * a job in the background has /dev/null there and means no end by it.
 */
static void end_of_input(struct client *c, bool gone)
{
	struct monitor *m = c->m;
	bool once = m->conf->stdin_once;

	if (m->in_owner && m->in_owner != c)
		return;
	if (m->in_owner == c && once && !(gone && has_terminal(m)))
		m->in.end = true;
	if (!once && !gone && c->gave && !has_terminal(m))
		m->in.end = true;
	m->in_owner = NULL;
}

/* The data are in m->in already. */
static void got_input(struct client *c, size_t len)
{
	struct monitor *m = c->m;

	if (!(c->want & ATTACH_WANT_STDIN) || m->dead)
		return;
	if (!len)
		end_of_input(c, false);
	c->gave |= len > 0;
	m->in.at = 0;
	m->in.len = len;
}

void client_message(struct client *c, uint8_t type, const char *data,
		    size_t len)
{
	uint16_t size[2];

	if (type == ATTACH_HELLO && len == 1 && !c->hello) {
		say_hello(c, (uint8_t)data[0]);
	} else if (type == ATTACH_GO && len == 1 && c->m->held) {
		hold_go(c, data[0] == 1);
	} else if (type == ATTACH_STDIN && c->hello) {
		got_input(c, len);
	} else if (type == ATTACH_RESIZE && len == sizeof(size) && c->hello) {
		memcpy(size, data, sizeof(size));
		input_resize(c->m, size[0], size[1]);
	} else if (type == ATTACH_SETTLED && len <= 1 && c->first && c->told) {
		c->m->settled = true;
		c->m->removed = len == 1;
	} else {
		client_drop(c);
	}
}

/* The descriptors of a message, at most two; the others are closed.
 * Return: how many */
static size_t take_fds(struct msghdr *msg, int fds[2])
{
	size_t n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h;
	     h = CMSG_NXTHDR(msg, h)) {
		const unsigned char *data = CMSG_DATA(h);
		size_t have = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < have; i++) {
			int fd;

			memcpy(&fd, data + i * sizeof(int), sizeof(int));
			if (n < 2)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

/* Only ATTACH_SPAWN carries descriptors: both are its, or they are closed. */
static bool spawn_message(struct client *c, uint8_t type, const int fds[2],
			  size_t n)
{
	if (type == ATTACH_SPAWN && n == 2 && !c->m->dead && !c->m->held) {
		spawn_session(fds[0], fds[1]);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return type == ATTACH_SPAWN || n > 0;
}

static void client_read(struct client *c)
{
	struct monitor *m = c->m;
	uint8_t type = 0;
	char small[8];
	struct iovec iov[2] = {
		{ .iov_base = &type, .iov_len = 1 },
		{ .iov_base = m->in.data, .iov_len = ATTACH_MSG_MAX - 1 },
	};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int fds[2];
	ssize_t n;

	/* Input is on its way still: this is no client that sends any. */
	if (m->in.len) {
		iov[1].iov_base = small;
		iov[1].iov_len = sizeof(small);
	}
	do
		n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0 && spawn_message(c, type, fds, take_fds(&msg, fds))) {
		client_drop(c);
		return;
	}
	if (n <= 0 || (msg.msg_flags & MSG_TRUNC)) {
		client_drop(c);
		return;
	}
	client_message(c, type, iov[1].iov_base, (size_t)n - 1);
}

/* Input of another client, or the rest of it, is still to be written.  Who has
 * not said hello sends none, but may want a session. */
static bool may_read(const struct client *c)
{
	return !c->m->in.len || !c->hello || !(c->want & ATTACH_WANT_STDIN);
}

static int on_client(struct loop *loop unused_attr,
		     struct loop_source *src unused_attr, uint32_t events,
		     void *arg)
{
	struct client *c = arg;
	struct monitor *m = c->m;

	if ((events & EPOLLOUT) && c->behind)
		catch_up(c);
	if (c->fd >= 0 && may_read(c) &&
	    (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		client_read(c);
	monitor_kick(m);
	return 0;
}

/* ---- coming and going ------------------------------------------------ */

void client_add(struct monitor *m, int fd, bool first)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (c->fd >= 0)
			continue;
		*c = (struct client){ .m = m, .fd = fd, .first = first };
		if (loop_add(m->loop, fd, EPOLLIN, on_client, c, &c->src) == 0)
			return;
		c->fd = -EBADF;
		break;
	}
	close(fd);
}

void client_drop(struct client *c)
{
	end_of_input(c, true);
	loop_del(c->m->loop, c->src);
	c->src = NULL;
	close_fd(c->fd);
}

void clients_watch(struct monitor *m)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];
		uint32_t events = 0;

		if (c->fd < 0)
			continue;
		if (may_read(c))
			events |= EPOLLIN;
		if (c->behind || (c->hello && c->sent < m->chunk.len &&
				  wants(c)))
			events |= EPOLLOUT;
		if (m->ending == END_CLIENT && !m->chunk.len && !c->told)
			events |= EPOLLOUT;
		loop_mod(m->loop, c->src, events);
	}
}

static int accept_again(struct loop *loop unused_attr,
			struct loop_source *src unused_attr,
			uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;

	if (m->listen_src)
		loop_mod(m->loop, m->listen_src, EPOLLIN);
	return 0;
}

/* Out of descriptors or memory: the connection waits, we do not spin. */
static void accept_later(struct monitor *m)
{
	struct loop_source *timer;

	if (loop_timer(m->loop, clock_mono_ns() + ACCEPT_RETRY_NS,
		       accept_again, m, &timer) == 0)
		loop_mod(m->loop, m->listen_src, 0);
}

/* Only the user that we are; in U and as root that is 0. */
static bool is_ours(int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       cred.uid == geteuid();
}

static int on_listen(struct loop *loop unused_attr,
		     struct loop_source *src unused_attr,
		     uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;
	int fd = accept4(m->conf->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			accept_later(m);
		return 0;
	}
	if (is_ours(fd))
		client_add(m, fd, false);
	else
		close(fd);
	return 0;
}

void clients_start(struct monitor *m)
{
	int fd = m->conf->listen_fd;

	for (int i = 0; i < CLIENTS_MAX; i++)
		m->clients[i].fd = -EBADF;
	if (m->conf->client_fd >= 0)
		client_add(m, m->conf->client_fd, true);
	if (fd < 0)
		return;
	fd_nonblock(fd, true);
	if (loop_add(m->loop, fd, EPOLLIN, on_listen, m, &m->listen_src) < 0)
		m->listen_src = NULL;
}
