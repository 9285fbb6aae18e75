/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_TARWRITE_H
#define STORAGE_ARCHIVE_TARWRITE_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/*
 * The outer tar of an image archive: short names, regular files and
 * directories, owner root, time 0, so that equal images give equal archives.
 */

/**
 * struct tar_writer - where it stands
 * @fd:   borrowed
 * @left: bytes that the current member still needs
 */
struct tar_writer {
	int fd;
	uint64_t size;
	uint64_t left;
};

/** tar_dir() - a directory member */
int tar_dir(struct tar_writer *w, const char *name, struct err *err);

/** tar_begin() - a file of exactly @size bytes; they follow by tar_add() or
 *  are written to @w->fd by somebody else (tar_skip() tells), then tar_end() */
int tar_begin(struct tar_writer *w, const char *name, uint64_t size,
	      struct err *err);
int tar_add(struct tar_writer *w, const void *data, size_t len,
	    struct err *err);
void tar_skip(struct tar_writer *w, uint64_t len);
int tar_end(struct tar_writer *w, struct err *err);

/** tar_file() - a whole small file */
int tar_file(struct tar_writer *w, const char *name, const void *data,
	     size_t len, struct err *err);

/** tar_copy() - a file with all of @fd, which has @size bytes */
int tar_copy(struct tar_writer *w, const char *name, int fd, uint64_t size,
	     struct err *err);

/** tar_finish() - the end marker */
int tar_finish(struct tar_writer *w, struct err *err);

#endif
