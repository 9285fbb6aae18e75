/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_LOG_READ_H
#define MONITOR_LOG_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "libpod/monitor/log_format.h"
#include "util/err.h"

#define LOG_TAIL_ALL -1

/**
 * struct log_read_opts - what `bryo logs` may ask for
 * @since_ns: only records from then on; 0 = all
 * @until_ns: only records before that; 0 = all.  With @follow reading ends
 *            at that time
 * @tail:     the last so many logical lines of those (pieces joined, both
 *            streams counted together); LOG_TAIL_ALL
 * @follow:   go on until ended() says so
 * @ended:    1 once nobody writes the log any more, 0 before; called between
 *            reads, every 200 ms at least; may be NULL without @follow
 * @arg:      of @ended
 * @name:     of the newest file; NULL: "ctr.log"
 */
struct log_read_opts {
	int64_t since_ns;
	int64_t until_ns;
	int64_t tail;
	bool follow;
	int (*ended)(void *arg);
	void *arg;
	const char *name;
};

#define LOG_READ_INIT { 0, 0, LOG_TAIL_ALL, false, NULL, NULL, NULL }

/** A record, oldest first.  Return: 0 to go on, else log_read() returns it */
typedef int (*log_rec_fn)(void *arg, const struct log_rec *rec);

/**
 * log_read() - all records of a container's log, through all rotated files
 * @dir_fd: the directory of the files
 *
 * Both formats are understood, line by line.  Lines that are neither are
 * passed over, an unfinished one at the end too.  Rotation may go on
 * meanwhile.  No log at all is an empty one.  Memory is bounded by @tail.
 *
 * Return: 0, what @fn returned, or -errno
 */
int log_read(int dir_fd, const struct log_read_opts *opts, log_rec_fn fn,
	     void *arg, struct err *err);

#endif
