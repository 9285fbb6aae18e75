/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A connection is two sockets, the client's and the container's, and two
 * streams between them.  After each event the streams that it may concern are
 * pumped, and then each socket is watched for exactly what some stream waits
 * for.  Where no stream waits, the socket is not watched at all: epoll reports
 * EPOLLHUP whether asked or not, and a peer that is gone while its data waits
 * for a slow reader would keep the loop spinning.
 *
 * Nothing is read from a client before the container answered: a client never
 * sees its data taken by somebody who is not there.  A reset on one side, or a
 * server that nobody started, is passed on as a reset.
 */
#include "network/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/cleanup.h"

#define ACCEPT_BATCH 16

enum { CLIENT, SERVER };

struct side {
	struct conn *c;
	int fd;
	struct loop_source *src;
};

/* stream[i] reads from side[i] and writes to the other one. */
struct conn {
	struct proxy *p;
	struct conn *next;
	struct conn **link;
	struct side side[2];
	struct stream stream[2];
	union addr client;
	uint16_t port;
	enum via via;
	bool connecting;
};

static int side_event(struct loop *loop, struct loop_source *src,
		      uint32_t events, void *arg);

static void side_close(struct side *s)
{
	loop_del(s->c->p->loop, s->src);
	s->src = NULL;
	close_fd(s->fd);
}

static void conn_free(struct conn *c)
{
	struct proxy *p = c->p;

	for (int i = 0; i < 2; i++) {
		side_close(&c->side[i]);
		stream_done(&c->stream[i], &p->env);
	}
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	p->n_conns--;
	free(c);
	if (p->paused)
		proxy_resume(p);
}

/* End both sides with a reset instead of an orderly end of data. */
static void conn_reset(struct conn *c)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	for (int i = 0; i < 2; i++)
		if (c->side[i].fd >= 0)
			setsockopt(c->side[i].fd, SOL_SOCKET, SO_LINGER, &hard,
				   sizeof(hard));
	conn_free(c);
}

static int side_watch(struct side *s, uint32_t events)
{
	struct loop *loop = s->c->p->loop;

	if (s->src)
		return loop_mod(loop, s->src, events);
	if (!events)
		return 0;
	return loop_add(loop, s->fd, events, side_event, s, &s->src);
}

/* Watch for what the streams wait for; frees @c when it is over. */
static void conn_update(struct conn *c)
{
	uint32_t want[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		switch (c->stream[i].wait) {
		case STREAM_READ:
			want[i] |= EPOLLIN;
			break;
		case STREAM_WRITE:
			want[!i] |= EPOLLOUT;
			break;
		case STREAM_ERROR:
			conn_reset(c);
			return;
		case STREAM_DONE:
			break;
		}
	}
	if (!want[CLIENT] && !want[SERVER]) {
		conn_free(c);
		return;
	}
	if (side_watch(&c->side[CLIENT], want[CLIENT]) < 0 ||
	    side_watch(&c->side[SERVER], want[SERVER]) < 0)
		conn_reset(c);
}

static void conn_pump(struct conn *c, int from)
{
	stream_pump(&c->stream[from], c->side[from].fd, c->side[!from].fd,
		    &c->p->env);
}

/* Open the way to the server, the next one if @c->via does not work. */
static int conn_open(struct conn *c)
{
	struct side *s = &c->side[SERVER];

	for (; c->via != VIA_NONE;) {
		s->fd = upstream_open(&c->p->up, c->via, SOCK_STREAM,
				      &c->client, c->port);
		if (s->fd >= 0) {
			c->connecting = true;
			return side_watch(s, EPOLLOUT);
		}
		if (s->fd == -EMFILE || s->fd == -ENFILE)
			return s->fd;
		c->via = upstream_next(&c->p->up, &c->client, c->via, -s->fd);
	}
	return -ECONNREFUSED;
}

static void conn_connected(struct conn *c)
{
	struct side *s = &c->side[SERVER];
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (!error) {
		c->connecting = false;
		conn_pump(c, CLIENT);
		conn_update(c);
		return;
	}
	side_close(s);
	c->via = upstream_next(&c->p->up, &c->client, c->via, error);
	if (conn_open(c) < 0)
		conn_reset(c);
}

static int side_event(struct loop *loop unused_attr,
		      struct loop_source *src unused_attr, uint32_t events,
		      void *arg)
{
	struct side *s = arg;
	struct conn *c = s->c;
	int i = s == &c->side[SERVER] ? SERVER : CLIENT;

	if (c->connecting) {
		conn_connected(c);
		return 0;
	}
	if (events & ~(uint32_t)EPOLLOUT)
		conn_pump(c, i);
	if (events & ~(uint32_t)EPOLLIN)
		conn_pump(c, !i);
	conn_update(c);
	return 0;
}

static void conn_new(struct listener *l, int fd, const union addr *client)
{
	struct proxy *p = l->p;
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->p = p;
	c->client = *client;
	c->port = l->port;
	c->via = upstream_first(&p->up, client);
	for (int i = 0; i < 2; i++) {
		c->side[i] = (struct side){ .c = c, .fd = -EBADF };
		stream_init(&c->stream[i]);
	}
	c->side[CLIENT].fd = fd;
	c->next = p->conns;
	c->link = &p->conns;
	if (c->next)
		c->next->link = &c->next;
	p->conns = c;
	p->n_conns++;
	if (conn_open(c) < 0)
		conn_reset(c);
}

int tcp_accept(struct loop *loop unused_attr,
	       struct loop_source *src unused_attr, uint32_t events unused_attr,
	       void *arg)
{
	struct listener *l = arg;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union addr client = { 0 };
		socklen_t len = sizeof(client);
		int fd;

		if (l->p->n_conns >= l->p->max_conns) {
			proxy_pause(l->p, l);
			return 0;
		}
		fd = accept4(l->fd, &client.sa, &len,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			conn_new(l, fd, &client);
		else if (errno == EMFILE || errno == ENFILE ||
			 errno == ENOBUFS || errno == ENOMEM)
			proxy_pause(l->p, l);
		if (fd < 0)
			return 0;
	}
	return 0;
}

void tcp_close_all(struct proxy *p)
{
	while (p->conns)
		conn_free(p->conns);
}
