/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETWORK_STREAM_H
#define NETWORK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A spare pipe; both -EBADF = none. */
struct pipe {
	int in;		/* write end */
	int out;	/* read end */
};

#define STREAM_BUF_SIZE 65536
#define STREAM_SPARE_PIPES 8

/**
 * struct stream_env - what all streams of a process share
 * @buf:    one buffer: nothing stays in it between two calls
 * @spare:  pipes that no stream holds
 */
struct stream_env {
	char buf[STREAM_BUF_SIZE];
	struct pipe spare[STREAM_SPARE_PIPES];
	size_t n_spare;
};

void stream_env_done(struct stream_env *env);

/* What a stream waits for. */
enum stream_wait {
	STREAM_READ,	/* more input */
	STREAM_WRITE,	/* room at the output */
	STREAM_DONE,	/* end of input, all of it written, output shut */
	STREAM_ERROR,	/* a side was reset */
};

/**
 * struct stream - one direction between two sockets
 * @wait:  result of the last stream_pump()
 * @moved: bytes read so far
 * @left:  read but not yet written; owned, NULL mostly
 * @pipe:  the same in splice mode; held only while it has bytes in it
 */
struct stream {
	enum stream_wait wait;
	uint64_t moved;
	char *left;
	size_t left_off;
	size_t left_len;
	struct pipe pipe;
	size_t piped;
	bool eof;
	bool no_splice;
};

void stream_init(struct stream *s);
void stream_done(struct stream *s, struct stream_env *env);

/**
 * stream_pump() - move what can be moved now, up to a budget
 * @from, @to: non-blocking stream sockets
 *
 * At the end of the input @to is shut for writing (half-close).  STREAM_READ
 * may also mean that the budget is used up: with level-triggered polling the
 * caller comes back by itself, after the others had their turn.
 *
 * Return: @s->wait
 */
enum stream_wait stream_pump(struct stream *s, int from, int to,
			     struct stream_env *env);

#endif
