/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_FILECOPY_H
#define UTIL_FILECOPY_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "util/sb.h"

/* What every copy of a file needs; 0 or -errno. */

/** file_copy_data() - the content of @from, which has @st, into the empty file
 *  @to; what is a hole stays one */
int file_copy_data(int from, int to, const struct stat *st);

/**
 * file_read_generated() - what the kernel makes while it is read
 *
 * The length of such a file says nothing: 0 in /proc, a page in /sys.
 * Return: 1 @out has all of it, 0 the length of @st holds, -errno (-EFBIG:
 * over 1 MiB)
 */
int file_read_generated(int fd, const struct stat *st, struct sb *out);

/** file_send() - @len bytes of the file @from, beginning at @at, to where @to
 *  stands: a file, a pipe, a socket.  -ENODATA when @from is shorter */
int file_send(int from, off_t at, int to, uint64_t len);

/** file_copy_xattrs() - those that mean the same in another tree: not the
 *  marks of overlays, not what a user may not set.  Names that the destination
 *  cannot hold are left out. */
int file_copy_xattrs(int from, int to);

#endif
