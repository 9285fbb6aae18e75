/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_FILES_CP_TREE_H
#define CORE_FILES_CP_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

#define CP_NO_ID UINT32_MAX

/**
 * struct cp_rules - what becomes of the files that are copied
 * @uid, @gid:  their owner, or CP_NO_ID: as the source has it
 * @plain:      onto the host: no setuid bits, no extended attributes; where
 *              uid and gid are CP_NO_ID whoever writes owns them
 * @overwrite:  a directory may give way to a file and the reverse
 */
struct cp_rules {
	uint32_t uid, gid;
	bool plain;
	bool overwrite;
};

/*
 * Copy by descriptors.  Both trees may change meanwhile and belong to somebody
 * hostile: names are opened O_NOFOLLOW in a directory that is open, made
 * O_EXCL, and never looked up twice.  Device nodes and sockets are left out.
 * @path is what messages call the destination.
 */

/** cp_put() - @from (a file or a directory, open for reading) becomes
 *  @to_dir/@name; an existing directory is merged with, a file replaced */
int cp_put(int from, int to_dir, const char *name, const char *path,
	   const struct cp_rules *rules, struct err *err);

/** cp_merge() - what is in directory @from into directory @to */
int cp_merge(int from, int to, const char *path, const struct cp_rules *rules,
	     struct err *err);

/** cp_fill() - the content of @from into the existing file @to, in place */
int cp_fill(int from, int to, const char *path, struct err *err);

/** cp_tar() - @from as a tar to @out; @name: of its first member, "" for the
 *  content of a directory alone */
int cp_tar(int from, const char *name, int out, struct err *err);

#endif
