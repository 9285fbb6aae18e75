/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <stdbool.h>

#include "util/cleanup.h"
#include "util/err.h"

/**
 * struct output - where an archive goes
 * @fd:   owned
 * @path: borrowed; NULL: standard output
 * @made: the file is new, so a failure removes it again
 */
struct output {
	int fd;
	const char *path;
	bool made;
};

#define OUTPUT_INIT { -EBADF, NULL, false }

/** output_open() - @verb: "save": standard output may not be a terminal */
int output_open(const char *path, const char *verb, struct output *ret,
		struct err *err);

/**
 * output_settle() - after all was written, or @r says that it was not
 *
 * Removes a new file that is not complete.  A reader that went away ends this
 * process quietly, as SIGPIPE does.
 * Return: @r
 */
int output_settle(struct output *out, int r);
void output_done(struct output *out);

/** die_of_sigpipe() - end as whoever writes to a pipe that nobody reads; comes
 *  back only where SIGPIPE is blocked */
void die_of_sigpipe(void);

#define auto_output cleanup(output_done)

#endif
