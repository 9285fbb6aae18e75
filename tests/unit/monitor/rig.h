/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_MONITOR_RIG_H
#define UNIT_MONITOR_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "libpod/monitor/monitor.h"
#include "util/proc.h"
#include "util/sb.h"

/*
 * A whole monitor for a test: rig_start() forks M, which forks a payload (a
 * function of the test) and runs monitor_main(), as a real start does after
 * oci_start().  The test itself plays the CLI: it holds the first client's
 * socket, connects others, and reads the log and the records.
 *
 * Executed with --conf-fd the test program is a bryo-monitor, so that
 * monitor_become() can be tested without building the real one.
 */

typedef int (*payload_fn)(void);

/** struct rig - one monitor and its payload */
struct rig {
	payload_fn payload;
	bool tty, with_client, with_listen, with_stdin;
	bool become;		/* through monitor_become() and an exec */
	int sndbuf;		/* of the monitor's end, 0 = as it is */
	int delay_ms;		/* between the payload's start and ours */
	payload_fn helper;
	struct monitor_conf conf;

	char path[64];
	int dir;
	int client;
	int lock;
	pid_t pid;
	struct proc_id payload_id;
	struct sockaddr_un addr;
};

/** shared - a counter that payloads use, shared with them */
extern volatile int *shared;

/** rig_init() - a monitor-to-be of @payload with a directory of its own */
void rig_init(struct rig *r, payload_fn payload);

/** rig_start() - fork it; the fields of @r say with what */
void rig_start(struct rig *r);

/**
 * RIG_LONG_MS - what never takes that long, however busy the machine is
 *
 * What a test forbids has to take longer than this, or for ever.
 */
#define RIG_LONG_MS 30000

/** rig_wait() - it ends within RIG_LONG_MS; its own exit code */
int rig_wait(struct rig *r);

/** rig_ended() - it ends as its payload did, which a supervisor sees */
void rig_ended(struct rig *r);

/** rig_done() - free all, remove the directory */
void rig_done(struct rig *r);

/** record_of() - the exit record, which has to be there */
struct exit_record record_of(struct rig *r);

/** has_record() - is it? */
bool has_record(struct rig *r);

/** wait_record() - until it is */
void wait_record(struct rig *r);

/** wait_shared() - until the counter is @at_least */
void wait_shared(int at_least);

/** hello() - what a client says first */
void hello(int fd, uint8_t want);

#define WANT_OUT (ATTACH_WANT_STDOUT | ATTACH_WANT_STDERR)
#define WANT_ALL (WANT_OUT | ATTACH_WANT_STDIN)

/** send_stdin() - @len 0: the end of it */
void send_stdin(int fd, const void *data, size_t len);

#define NO_EXIT 12345

/** struct got - what a client has got */
struct got {
	struct sb out, err;
	int code;		/* NO_EXIT: none came */
};

#define GOT_INIT { SB_INIT, SB_INIT, NO_EXIT }

void got_done(struct got *g);

/** get_msg() - one message; false at the end of the connection */
bool get_msg(int fd, struct got *g);

/** get_until_exit() - all messages up to ATTACH_EXIT */
void get_until_exit(int fd, struct got *g);

/** read_log() - all of the log: stdout and stderr */
void read_log(struct rig *r, struct sb both[2]);

/** assert_log() - all of the log, per stream */
void assert_log(struct rig *r, const char *out, size_t n_out,
		const char *text_err);

/** put() - payloads: write @text or die */
void put(int fd, const char *text);

/** pattern() - byte @i of a flood: shows loss, repetition, a change of order */
char pattern(size_t i);

/* ---- payloads of several tests ---- */

/** pay_burst() - BURST bytes of the pattern, then 0 */
#define BURST 60000
int pay_burst(void);

/** pay_sleep() - "up", counts in @shared, and sleeps for ever */
int pay_sleep(void);

#endif
