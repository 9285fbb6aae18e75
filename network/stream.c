/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One direction of a proxied connection.  It starts with copying through a
 * buffer that all streams share: for requests and small answers that is two
 * calls and no further descriptors.  After COPY_FIRST bytes it changes to
 * splice(2) through a pipe, which moves pages and halves the processor time
 * of large transfers.
 *
 * Memory stays bounded because nothing is read while something is unwritten.
 * What a short write left over is kept in a block of its own size (at most
 * COPY_CHUNK) or in the pipe.  A stream holds a pipe only while bytes are in
 * it, else the pipe goes back to a small stock: thousands of idle connections
 * need none, whatever they moved before.
 *
 * "Resource temporarily unavailable" of splice(2) may mean that the socket is
 * empty or that the pipe is full (of small pieces).  The pipe is always
 * emptied before it is filled, so here it is the former.
 */
#include "network/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/cleanup.h"

#define COPY_FIRST (128 * 1024)
#define COPY_CHUNK (16 * 1024)
#define PIPE_SIZE (256 * 1024)
/* per call, so that one fast connection does not starve the others */
#define BUDGET (512 * 1024)

static void pipe_close(struct pipe *p)
{
	close_fd(p->in);
	close_fd(p->out);
}

static int pipe_take(struct pipe *p, struct stream_env *env)
{
	int fds[2];

	if (env->n_spare) {
		*p = env->spare[--env->n_spare];
		return 0;
	}
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	p->out = fds[0];
	p->in = fds[1];
	/* refused beyond pipe-user-pages-soft: then it is a small one */
	fcntl(p->in, F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

static void pipe_give(struct pipe *p, struct stream_env *env)
{
	if (p->in < 0)
		return;
	if (env->n_spare == STREAM_SPARE_PIPES)
		pipe_close(p);
	else
		env->spare[env->n_spare++] = *p;
	p->in = p->out = -EBADF;
}

void stream_env_done(struct stream_env *env)
{
	while (env->n_spare)
		pipe_close(&env->spare[--env->n_spare]);
}

void stream_init(struct stream *s)
{
	*s = (struct stream){ .pipe = { -EBADF, -EBADF } };
}

void stream_done(struct stream *s, struct stream_env *env)
{
	free(s->left);
	if (s->piped)
		pipe_close(&s->pipe); /* not empty: of no use to others */
	else
		pipe_give(&s->pipe, env);
	stream_init(s);
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static int send_some(int to, const char *buf, size_t len, size_t *done)
{
	ssize_t n = send(to, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && !would_block())
		return -errno;
	*done = n < 0 ? 0 : (size_t)n;
	return 0;
}

static int flush_left(struct stream *s, int to)
{
	size_t n;
	int r = send_some(to, s->left + s->left_off, s->left_len, &n);

	if (r < 0)
		return r;
	s->left_off += n;
	s->left_len -= n;
	if (s->left_len)
		return 0;
	free(s->left);
	s->left = NULL;
	return 1;
}

static int flush_pipe(struct stream *s, int to)
{
	while (s->piped) {
		ssize_t n = splice(s->pipe.out, NULL, to, NULL, s->piped,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n < 0)
			return would_block() ? 0 : -errno;
		s->piped -= (size_t)n;
	}
	return 1;
}

/* Write what is left over: 1 nothing is left, 0 the output is full, -errno */
static int flush(struct stream *s, int to)
{
	if (s->left)
		return flush_left(s, to);
	return flush_pipe(s, to);
}

/*
 * Through the buffer.  Return: bytes read (0 = end), -EAGAIN without input.
 * *@short_read: the socket held less than was asked for; it is empty now.
 */
static ssize_t fill_copy(struct stream *s, int from, int to,
			 struct stream_env *env, bool *short_read)
{
	ssize_t n = recv(from, env->buf, COPY_CHUNK, MSG_DONTWAIT);
	size_t sent;
	int r;

	if (n < 0)
		return would_block() ? -EAGAIN : -errno;
	*short_read = n < COPY_CHUNK;
	r = send_some(to, env->buf, (size_t)n, &sent);
	if (r < 0)
		return r;
	if (sent < (size_t)n) {
		s->left_off = 0;
		s->left_len = (size_t)n - sent;
		s->left = malloc(s->left_len);
		if (!s->left)
			return -ENOMEM;
		memcpy(s->left, env->buf + sent, s->left_len);
	}
	return n;
}

static ssize_t fill_pipe(struct stream *s, int from)
{
	ssize_t n = splice(from, NULL, s->pipe.in, NULL, PIPE_SIZE,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n < 0)
		return would_block() ? -EAGAIN : -errno;
	s->piped = (size_t)n;
	return n;
}

static bool use_pipe(struct stream *s, struct stream_env *env)
{
	if (s->moved < COPY_FIRST || s->no_splice)
		return false;
	return s->pipe.in >= 0 || pipe_take(&s->pipe, env) == 0;
}

static ssize_t fill(struct stream *s, int from, int to, struct stream_env *env,
		    bool *short_read)
{
	ssize_t n;

	*short_read = false;
	if (use_pipe(s, env)) {
		n = fill_pipe(s, from);
		if (n != -EINVAL)
			return n;
		s->no_splice = true; /* a socket that cannot */
	}
	return fill_copy(s, from, to, env, short_read);
}

/* An error, or only nothing to do for now */
static enum stream_wait stopped(ssize_t r, enum stream_wait wait)
{
	return r < 0 ? STREAM_ERROR : wait;
}

static enum stream_wait finish(int to)
{
	return shutdown(to, SHUT_WR) < 0 ? STREAM_ERROR : STREAM_DONE;
}

static enum stream_wait pump(struct stream *s, int from, int to,
			     struct stream_env *env)
{
	size_t moved = 0;
	bool empty = false;

	for (;;) {
		int r = flush(s, to);
		ssize_t n;

		if (r <= 0)
			return stopped(r, STREAM_WRITE);
		if (s->eof)
			return finish(to);
		if (empty || moved >= BUDGET)
			return STREAM_READ;

		n = fill(s, from, to, env, &empty);
		if (n < 0)
			return stopped(n == -EAGAIN ? 0 : n, STREAM_READ);
		s->eof = n == 0;
		s->moved += (size_t)n;
		moved += (size_t)n;
	}
}

enum stream_wait stream_pump(struct stream *s, int from, int to,
			     struct stream_env *env)
{
	if (s->wait == STREAM_DONE || s->wait == STREAM_ERROR)
		return s->wait;
	s->wait = pump(s, from, to, env);
	if (!s->piped)
		pipe_give(&s->pipe, env);
	return s->wait;
}
