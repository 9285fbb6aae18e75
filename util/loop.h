/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_LOOP_H
#define UTIL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

/*
 * An epoll loop for single-threaded processes.  A source is a descriptor with
 * a callback; it may add and remove sources (itself too) while it runs.
 * Bounded memory: one allocation per source.
 */
struct loop;
struct loop_source;

typedef int (*loop_fn)(struct loop *loop, struct loop_source *src,
		       uint32_t events, void *arg);

int loop_new(struct loop **ret, struct err *err);
void loop_free(struct loop *loop);

/** loop_add() - watch @fd (borrowed) for @events (EPOLLIN, ...)
 *  Return: 0 and *ret (borrowed from the loop), or -errno */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg,
	     struct loop_source **ret);

/** loop_mod() - other events; 0 pauses the source: not even EPOLLHUP and
 *  EPOLLERR are reported until the next loop_mod() */
int loop_mod(struct loop *loop, struct loop_source *src, uint32_t events);

/** loop_del() - stop watching; does not close; NULL is fine */
void loop_del(struct loop *loop, struct loop_source *src);

/** loop_timer() - call @fn once at @mono_ns (CLOCK_MONOTONIC); loop_del()
 *  cancels it; once @fn runs the source is gone, do not loop_del() it later */
int loop_timer(struct loop *loop, uint64_t mono_ns, loop_fn fn, void *arg,
	       struct loop_source **ret);

/** loop_run() - until loop_quit() or a callback returned != 0
 *  Return: that value (negative: -errno) */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop, int value);

#endif
