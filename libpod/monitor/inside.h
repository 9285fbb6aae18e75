/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_INSIDE_H
#define MONITOR_INSIDE_H

#include "libpod/monitor/log_write.h"
#include "libpod/monitor/monitor.h"
#include "util/loop.h"

/*
 * The inside of bryo-monitor.  Everything it may ever hold is in struct
 * monitor, except what output_drain() sets aside for a slow first client.
 */

/* The descriptors of a monitor_conf */
#define MONITOR_FDS_MAX 15

/** monitor_conf_fds() - every descriptor that @c names (some negative)
 *  Return: how many */
size_t monitor_conf_fds(const struct monitor_conf *c, int ret[MONITOR_FDS_MAX]);

#define CLIENTS_MAX 16
/* What one read(2) gets: a full pipe as a rule, and whole messages */
#define CHUNK_MAX (2 * (ATTACH_MSG_MAX - 1))
#define STALL_NS 1000000000ULL

/**
 * struct client - an attach connection
 * @fd:       owned, -EBADF: a free slot
 * @want:     ATTACH_WANT_*, once @hello
 * @first:    monitor_conf.client_fd: loses nothing
 * @sent:     bytes of the current chunk it has
 * @stalled:  CLOCK_MONOTONIC when it first refused the current chunk, or 0
 * @behind:   too slow: gets nothing until it reads again
 * @skipped:  bytes it missed
 * @told:     has ATTACH_EXIT
 * @settled:  said ATTACH_SETTLED
 * @gave:     has sent input
 */
struct client {
	struct monitor *m;	/* borrowed */
	int fd;
	struct loop_source *src;
	uint8_t want;
	bool hello;
	bool first;
	size_t sent;
	uint64_t stalled;
	bool behind;
	uint64_t skipped;
	bool told;
	bool settled;
	bool gave;
};

/** struct chunk - output of one read that some client does not have yet */
struct chunk {
	struct chunk *next;
	enum log_stream stream;
	size_t len;
	char data[CHUNK_MAX];
};

/** struct stream - an output descriptor of the payload */
struct stream {
	struct monitor *m;	/* borrowed */
	int fd;			/* owned, -EBADF: at its end */
	enum log_stream id;
	struct loop_source *src;
	bool hung_up;		/* a terminal that nobody has open */
};

/**
 * struct helper - slirp4netns or the proxy
 * @slot:     its place in monitor_conf.helper_pids, -1: there is none
 * @failures: in a row
 * @down:     it has ended and no other one works in its place
 * @began:    CLOCK_MONOTONIC
 * @timer:    to the next try
 * @ready:    watches @ready_fd (owned) until it works
 */
struct helper {
	struct monitor *m;	/* borrowed */
	const char *name;
	int slot;
	uint32_t failures;
	bool down;
	uint64_t began;
	struct loop_source *timer;
	struct loop_source *ready;
	int ready_fd;
};

enum helper_role { HELPER_SLIRP, HELPER_PROXY, HELPER_ROLES };

/** enum ending - what is waited for once the payload is dead */
enum ending {
	END_NOT,
	END_CLIENT,	/* the first client takes the rest of the output */
	END_HELPERS,
	END_SETTLE,
	END_BACKOFF,
	END_DONE,
};

/**
 * struct monitor - everything
 * @out:      stdout and stderr, or the console in [0]
 * @chunk:    being delivered; nothing is read while it is not empty
 * @queue:    what follows it, after the payload's death; owned
 * @log_timer: while the log waits for space
 * @stall_timer: ends the patience with clients other than the first
 * @in:       on its way to the payload's stdin
 * @in_owner: the first client with stdin while it has it: nobody else can end
 *            the payload's.  NULL before and after
 * @damaged:  a helper has ended for which there is no other
 * @proxy:    owned; the proxy's configuration, NULL: there is none
 * @worked:   the dead payload had run for long: no back-off needed
 * @hurry:    SIGTERM came after the payload's death
 * @held:     the payload does not run yet, see hold.c
 */
struct monitor {
	struct monitor_conf *conf;
	struct loop *loop;
	struct loop_source *pidfd_src;
	int signal_fd;

	struct stream out[2];
	struct chunk chunk;
	struct chunk *queue, **queue_end;
	struct loop_source *stall_timer;
	struct loop_source *log_timer;

	struct {
		int fd;		/* owned; -EBADF: none or closed */
		struct loop_source *src; /* NULL with a console */
		size_t at, len;
		bool end;	/* close once all is written */
		char data[ATTACH_MSG_MAX];
	} in;
	struct client *in_owner;
	bool in_claimed;

	struct client clients[CLIENTS_MAX];
	struct loop_source *listen_src;

	bool held;
	bool dead;
	bool worked;
	bool timed_out;
	bool hurry;
	struct exit_record record;
	struct loop_source *timeout;
	enum ending ending;
	struct loop_source *ending_timer;
	bool killed_helpers;
	bool settled;
	bool removed;	/* and our directory is in the trash */
	struct helper helpers[HELPER_ROLES];
	int helpers_left;
	char *proxy;
	bool damaged;

	struct {
		struct loop_source *timer;
		uint32_t delay_ms;	/* 0: no checks */
		int pipe;		/* from the one that runs, -EBADF */
		size_t len;
		char answer[16];
	} health;

	struct log_writer log;
};

/* monitor.c */

/** monitor_payload_runs() - from now on there are health checks and timeouts */
void monitor_payload_runs(struct monitor *m);

/** monitor_kick() - after any change: write, deliver, watch, go on ending.
 *  Callbacks of the loop end with it, nothing else calls it. */
void monitor_kick(struct monitor *m);

/* output.c */
void output_start(struct monitor *m);

/** output_deliver() - give clients what they do not have yet */
void output_deliver(struct monitor *m);

/** output_watch() - read on when all of them have it */
void output_watch(struct monitor *m);

/** output_drain() - after the payload's death: all that was written */
void output_drain(struct monitor *m);

/* input.c */
void input_start(struct monitor *m);

/** input_write() - write what is there, close at the end */
void input_write(struct monitor *m);
void input_close(struct monitor *m);
void input_resize(struct monitor *m, uint16_t rows, uint16_t cols);

/* client.c */
void clients_start(struct monitor *m);
void client_add(struct monitor *m, int fd, bool first);
void client_drop(struct client *c);

/** clients_watch() - ask the loop for what each client now waits for */
void clients_watch(struct monitor *m);

/** client_first() - monitor_conf.client_fd, NULL when it is gone */
struct client *client_first(struct monitor *m);

/**
 * client_message() - one message of a client; may drop it
 * @data: m->in.data for ATTACH_STDIN
 */
void client_message(struct client *c, uint8_t type, const char *data,
		    size_t len);

/** client_offer() - send what @c does not have of the chunk
 *  Return: it has all of it, or is not going to get it */
bool client_offer(struct client *c, uint64_t now);

/** client_send() - one message.  1 sent, 0 not now, -errno */
int client_send(const struct client *c, uint8_t type, const void *data,
		size_t len);

/** client_tell_exit() - false: try again when it can be written to */
bool client_tell_exit(struct client *c);

/* health.c */
void health_start(struct monitor *m);

/** health_check() - start one now, unless one runs */
void health_check(struct monitor *m);

/** health_stop() - the payload is dead: no more of them */
void health_stop(struct monitor *m);

/* helpers.c */
void helpers_start(struct monitor *m);

/** helper_gone() - a child has ended; it is not reaped yet */
void helper_gone(struct monitor *m, pid_t pid);

/** helper_reaped() - now it is: start another one, should it be a helper */
void helper_reaped(struct monitor *m, pid_t pid);

/** helpers_let_go() - the payload is dead: they may end, ports are free */
void helpers_let_go(struct monitor *m);

/* spawn.c */

/** spawn_session() - start the program behind @program, which gets @sock; both
 *  are taken */
void spawn_session(int program, int sock);

/* hold.c */

/** hold_go() - @c wants the payload to run; it gets the answer
 *  @first: and all of its output, see monitor_conf.client_fd */
void hold_go(struct client *c, bool first);

/** hold_undo() - the payload will not run: what was made for it goes */
void hold_undo(struct monitor *m);

/** hold_ended() - init is dead and reaped: nobody is told of an end */
void hold_ended(struct monitor *m);

/* ending.c */

/** ending_start() - the payload is dead and reaped: record, notices, ... */
void ending_start(struct monitor *m);

/** ending_advance() - something happened that a step may have waited for */
void ending_advance(struct monitor *m);

#endif
