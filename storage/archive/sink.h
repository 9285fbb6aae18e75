/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_SINK_H
#define STORAGE_ARCHIVE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/archive/tarwrite.h"
#include "util/cleanup.h"
#include "util/err.h"

#define SINK_TEMP_MAX 40

/**
 * struct sink - where the files of an image are written: a tar or a directory
 * @tar:  of a tar; @tar.fd is borrowed
 * @dir:  of a directory, borrowed; else -EBADF
 * @fd:   between sink_begin() and sink_end(): what somebody writes to;
 *        borrowed from the sink
 * @file: the file that grows in a directory, owned
 * @temp: its name
 *
 * A directory is the user's: files get there whole, by a rename, and no
 * symlink in it is followed.
 */
struct sink {
	struct tar_writer tar;
	int dir;
	int fd;
	int file;
	char temp[SINK_TEMP_MAX];
};

#define SINK_INIT { { -EBADF, 0, 0 }, -EBADF, -EBADF, -EBADF, "" }

/** sink_tar()/sink_dir() - @fd is borrowed */
struct sink sink_tar(int fd);
struct sink sink_dir(int fd);

static inline bool sink_is_dir(const struct sink *k)
{
	return k->dir >= 0;
}

/** sink_mkdir() - "blobs"; fine when it is there */
int sink_mkdir(struct sink *k, const char *name, struct err *err);

/** sink_has() - a directory with such a regular file; a tar has nothing
 *  @size: that it has to have; may be NULL */
bool sink_has(const struct sink *k, const char *name, const uint64_t *size);

/** sink_begin() - a file of exactly @size bytes that the caller writes to
 *  @k->fd; a directory takes any number of bytes */
int sink_begin(struct sink *k, const char *name, uint64_t size,
	       struct err *err);

/** sink_end() - @size bytes were written; a directory gives the file its
 *  name only now, so that may be another than at the beginning */
int sink_end(struct sink *k, const char *name, uint64_t size, struct err *err);

/**
 * sink_reserve() - a file of exactly @size bytes that somebody else writes,
 * while other files follow it
 *
 * Return: a descriptor of its own that stands where the file begins, owned by
 * the caller; -errno.  Only where sink_can_reserve().
 */
int sink_reserve(struct sink *k, const char *name, uint64_t size,
		 struct err *err);

/** sink_can_reserve() - a tar that is a regular file, not appended to */
bool sink_can_reserve(const struct sink *k);

/** sink_file() - a whole small file */
int sink_file(struct sink *k, const char *name, const void *data, size_t len,
	      struct err *err);

/** sink_copy() - the first @size bytes of a regular file, whose offset stays
 *  as it is */
int sink_copy(struct sink *k, const char *name, int fd, uint64_t size,
	      struct err *err);

/** sink_finish() - the end of the tar; a directory is synced */
int sink_finish(struct sink *k, struct err *err);

/** sink_done() - drop what was begun and not ended */
void sink_done(struct sink *k);

#define auto_sink cleanup(sink_done)

#endif
