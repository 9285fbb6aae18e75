/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One epoll instance, level triggered.  Timers are sources without a
 * descriptor in a list of their own, looked at before each epoll_wait(2) to
 * find the timeout (processes here have a handful of them, so a list is
 * enough and no timer costs a descriptor).  Descriptors may be many (the port
 * proxy has thousands): nothing walks their list but loop_free().
 *
 * A callback may delete any source, itself included, while a batch of events
 * that names it is being walked: loop_del() only moves it to the list of the
 * dead and the memory goes when the batch is done.
 */
#include "util/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

#define BATCH 16

struct loop_source {
	struct loop_source *next;
	struct loop_source **link; /* what points at us */
	int fd;			/* borrowed; -EBADF: a timer */
	uint32_t events;	/* 0: paused */
	uint64_t due_ns;	/* timers */
	bool dead;
	loop_fn fn;
	void *arg;
};

struct loop {
	int epoll_fd;
	struct loop_source *sources; /* owned; with a descriptor */
	struct loop_source *timers;  /* owned */
	struct loop_source *dead;    /* owned; to be freed */
	bool quit;
	int value;
};

int loop_new(struct loop **ret, struct err *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return err_set(err, ERR_SYS, ENOMEM, "make an event loop");
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int r = err_sys(err, "make an epoll instance");

		free(loop);
		return r;
	}
	*ret = loop;
	return 0;
}

static void list_push(struct loop_source **list, struct loop_source *s)
{
	s->next = *list;
	s->link = list;
	if (s->next)
		s->next->link = &s->next;
	*list = s;
}

static void list_unlink(struct loop_source *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
}

static void list_free(struct loop_source **list)
{
	struct loop_source *s;

	while ((s = *list)) {
		*list = s->next;
		free(s);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	list_free(&loop->sources);
	list_free(&loop->timers);
	list_free(&loop->dead);
	close(loop->epoll_fd);
	free(loop);
}

static struct loop_source *source_new(struct loop_source **list, int fd,
				      loop_fn fn, void *arg)
{
	struct loop_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = fd;
	s->fn = fn;
	s->arg = arg;
	list_push(list, s);
	return s;
}

static void source_kill(struct loop *loop, struct loop_source *s)
{
	list_unlink(s);
	s->dead = true;
	list_push(&loop->dead, s);
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg,
	     struct loop_source **ret)
{
	struct loop_source *s = source_new(&loop->sources, fd, fn, arg);
	int r;

	if (!s)
		return -ENOMEM;
	r = loop_mod(loop, s, events);
	if (r < 0) {
		source_kill(loop, s);
		return r;
	}
	*ret = s;
	return 0;
}

int loop_mod(struct loop *loop, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = src } };
	int op = EPOLL_CTL_MOD;

	if (src->events == events)
		return 0;
	if (!events)
		op = EPOLL_CTL_DEL;
	else if (!src->events)
		op = EPOLL_CTL_ADD;
	if (epoll_ctl(loop->epoll_fd, op, src->fd, &ev) < 0)
		return -errno;
	src->events = events;
	return 0;
}

void loop_del(struct loop *loop, struct loop_source *src)
{
	if (!src || src->dead)
		return;
	if (src->fd >= 0)
		loop_mod(loop, src, 0);
	source_kill(loop, src);
}

int loop_timer(struct loop *loop, uint64_t mono_ns, loop_fn fn, void *arg,
	       struct loop_source **ret)
{
	struct loop_source *s = source_new(&loop->timers, -EBADF, fn, arg);

	if (!s)
		return -ENOMEM;
	s->due_ns = mono_ns;
	*ret = s;
	return 0;
}

/* Milliseconds until the first timer is due, rounded up; -1 without one. */
static int timeout_ms(const struct loop *loop)
{
	uint64_t now, first = UINT64_MAX;

	for (const struct loop_source *s = loop->timers; s; s = s->next) {
		if (s->due_ns < first)
			first = s->due_ns;
	}
	if (first == UINT64_MAX)
		return -1;
	now = clock_mono_ns();
	if (first <= now)
		return 0;
	first = (first - now + 999999) / 1000000;
	return first > 3600000 ? 3600000 : (int)first;
}

static void run_one(struct loop *loop, struct loop_source *s, uint32_t events)
{
	int r;

	if (s->dead || loop->quit)
		return;
	r = s->fn(loop, s, events, s->arg);
	if (r != 0)
		loop_quit(loop, r);
}

static struct loop_source *next_due(const struct loop *loop, uint64_t now)
{
	struct loop_source *s = loop->timers;

	while (s && s->due_ns > now)
		s = s->next;
	return s;
}

/* Timers fire once: each is dead before its callback runs. */
static void run_timers(struct loop *loop)
{
	uint64_t now = loop->timers ? clock_mono_ns() : 0;
	struct loop_source *s;

	while (!loop->quit && (s = next_due(loop, now))) {
		int r;

		source_kill(loop, s);
		r = s->fn(loop, s, 0, s->arg);
		if (r != 0)
			loop_quit(loop, r);
	}
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[BATCH];

	loop->quit = false;
	loop->value = 0;
	while (!loop->quit) {
		int n = epoll_wait(loop->epoll_fd, events, BATCH,
				   timeout_ms(loop));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			run_one(loop, events[i].data.ptr, events[i].events);
		run_timers(loop);
		list_free(&loop->dead);
	}
	return loop->value;
}

void loop_quit(struct loop *loop, int value)
{
	loop->quit = true;
	loop->value = value;
}
