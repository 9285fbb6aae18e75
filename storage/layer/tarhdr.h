/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_TARHDR_H
#define STORAGE_LAYER_TARHDR_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "util/sb.h"

/* Headers of members; for bryo-layer and for `bryo cp CONTAINER:PATH -`. */

enum { TAR_BLOCK = 512 };

/**
 * struct tar_member - what a header says; all borrowed
 * @type:  '0' file, '1' hard link, '2' symlink, '3' char, '4' block device,
 *         '5' directory, '6' fifo
 * @name:  directories end in '/'
 * @link:  target of a link, or ""
 * @size:  bytes of content that follow (0 but for files)
 * @pax:   more pax records, complete ("27 SCHILY.xattr.user.a=b\n"), or ""
 */
struct tar_member {
	char type;
	const char *name;
	const char *link;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	struct timespec mtime;
	uint32_t dev_major;
	uint32_t dev_minor;
	const void *pax;
	size_t pax_len;
};

/** tar_header() - append the header blocks of a member: ustar, with a pax
 *  header in front when something does not fit */
void tar_header(struct sb *out, const struct tar_member *m);

/** tar_pax_record() - append one record, "LENGTH KEY=VALUE\n" */
void tar_pax_record(struct sb *out, const char *key, const void *value,
		    size_t len);

/** tar_padding() - zero bytes that follow content of @size bytes */
size_t tar_padding(uint64_t size);

#endif
