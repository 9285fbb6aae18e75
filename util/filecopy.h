/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_FILECOPY_H
#define UTIL_FILECOPY_H

#include <stdint.h>
#include <sys/types.h>

/* What every copy of a file needs; 0 or -errno. */

/** file_copy_data() - @size bytes of @from into the empty file @to; what is a
 *  hole stays one */
int file_copy_data(int from, int to, off_t size);

/** file_send() - @len bytes of the file @from, beginning at @at, to where @to
 *  stands: a file, a pipe, a socket.  -ENODATA when @from is shorter */
int file_send(int from, off_t at, int to, uint64_t len);

/** file_copy_xattrs() - those that mean the same in another tree: not the
 *  marks of overlays, not what a user may not set.  Names that the destination
 *  cannot hold are left out. */
int file_copy_xattrs(int from, int to);

#endif
