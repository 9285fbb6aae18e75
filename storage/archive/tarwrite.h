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

/** tar_begin() - a file of exactly @size bytes; they are written to @w->fd,
 *  tar_skip() tells how many, then tar_end() */
int tar_begin(struct tar_writer *w, const char *name, uint64_t size,
	      struct err *err);
void tar_skip(struct tar_writer *w, uint64_t len);
int tar_end(struct tar_writer *w, struct err *err);

/** tar_finish() - the end marker */
int tar_finish(struct tar_writer *w, struct err *err);

#endif
