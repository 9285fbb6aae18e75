/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_LOG_FILES_H
#define MONITOR_LOG_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

/* The files of a log and the lines in them; below log_read.c. */

#define LOG_FILES_MAX 128
#define LOG_LINE_BUFFER 131072

struct log_file {
	int fd;		/* owned */
	dev_t dev;
	ino_t ino;
};

/** struct log_files - oldest first */
struct log_files {
	struct log_file v[LOG_FILES_MAX];
	size_t n;
};

/**
 * log_files_open() - all files, or those newer than @than
 * @base: name of the newest one
 * @than: may be NULL; should it be gone, all there are
 *
 * Each file once, even when they are renamed meanwhile.
 */
int log_files_open(int dir_fd, const char *base, const struct log_file *than,
		   struct log_files *ret, struct err *err);
void log_files_done(struct log_files *f);

/**
 * struct log_lines - lines of one file, in one direction
 * @pos:  offset of buf[0] in the file
 * @at, @end: the part of @buf that is still to be handed out
 * @skip: inside a line that is too long (or, backwards, unfinished)
 */
struct log_lines {
	int fd;		/* borrowed */
	int64_t pos;
	size_t at, end;
	bool skip;
	char buf[LOG_LINE_BUFFER];
};

/** struct log_line - without its newline; borrowed until the next call */
struct log_line {
	char *text;
	size_t len;
	int64_t offset;
};

void log_lines_forward(struct log_lines *l, int fd, int64_t from);

/** log_lines_next() - 1 and a line, 0 at the end (for now), -errno */
int log_lines_next(struct log_lines *l, struct log_line *ret);

int log_lines_backward(struct log_lines *l, int fd);

/** log_lines_prev() - 1 and a line, 0 at the beginning, -errno */
int log_lines_prev(struct log_lines *l, struct log_line *ret);

#endif
