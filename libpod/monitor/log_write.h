/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_LOG_WRITE_H
#define MONITOR_LOG_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpod/monitor/log_format.h"
#include "libpod/monitor/monitor.h"

/* "ctr.log", "ctr.log.1" (older), ... */
#define LOG_NAME "ctr.log"
#define LOG_NAME_MAX (LOG_BASE_MAX + 16)

#define LOG_BUFFER 32768

/**
 * struct log_writer - the log of one container, while it runs
 * @name:     of the newest file
 * @extra:    see monitor_conf
 * @fd:       the newest file, -EBADF: none (yet, or it cannot be opened);
 *            journald: its socket, borrowed
 * @size:     of that file
 * @carry:    json-file: start of a character whose rest is not here yet
 * @dropped:  bytes of records that could not be written, in all
 * @unmarked: those of them that the log itself does not mention yet
 * @marker:   bytes at the start of the buffer that mention @unmarked
 * @cause:    errno of the last failure
 * @blocking: rather than drop, wait for space
 * @stuck:    and that is the case: @rest is what was not cut into records yet
 *
 * Bounded: nothing is allocated, what does not fit on the disk is dropped and
 * counted.
 */
struct log_writer {
	enum log_driver driver;
	int dir_fd;		/* borrowed */
	const char *name;	/* borrowed */
	const char *extra;	/* borrowed */
	int fd;
	uint64_t size;
	uint64_t size_max;
	uint32_t files_max;
	struct {
		char bytes[4];
		size_t len;
	} carry[2];
	uint64_t dropped;
	uint64_t unmarked;
	size_t marker;
	int cause;
	bool blocking;
	bool stuck;
	struct {
		enum log_stream stream;
		const char *data;	/* borrowed from log_writer_add() */
		size_t len;
	} rest;
	char time[LOG_TIME_LEN + 1];
	size_t len;
	char buf[LOG_BUFFER];
};

/**
 * log_writer_init() - open or make the newest file
 *
 * A record that a crash left unfinished at its end is cut off.  A file that
 * cannot be opened is no failure: it is tried again, and counted as dropped.
 */
void log_writer_init(struct log_writer *w, const struct monitor_conf *c);

/**
 * log_writer_add() - output as it was read; in the file on return
 *
 * Unless the writer got stuck: then @data stays borrowed, and nothing may be
 * added, until log_writer_retry() got on.
 */
void log_writer_add(struct log_writer *w, enum log_stream stream,
		    const char *data, size_t len, int64_t now_ns);

/** log_writer_retry() - is there space now?  False: still stuck */
bool log_writer_retry(struct log_writer *w, int64_t now_ns);

/** log_writer_give_up() - drop instead of waiting from now on */
void log_writer_give_up(struct log_writer *w, int64_t now_ns);

/** log_writer_done() - what was carried over, the last count; close */
void log_writer_done(struct log_writer *w, int64_t now_ns);

#endif
