/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VOLUME_VOLUME_OPTS_H
#define CORE_VOLUME_VOLUME_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

#define VOLUME_NO_ID UINT32_MAX

/**
 * struct volume_opts - the options of the "local" driver, understood
 * @device:  absolute path of a bind; NULL: the volume's own directory
 * @tmpfs:   a tmpfs of its own for each container
 * @data:    options of that tmpfs, "size=2m,mode=700"; owned, may be NULL
 * @attr:    MOUNT_ATTR_* of the mount
 * @nocopy:  no copy-up
 * @uid, @gid: owner of the directory, or VOLUME_NO_ID
 */
struct volume_opts {
	char *device;
	bool tmpfs;
	char *data;
	uint64_t attr;
	bool nocopy;
	uint32_t uid;
	uint32_t gid;
};

/**
 * volume_opts_parse() - -o type=tmpfs -o device=X -o o=nodev,uid=5,... as
 * "k=v" list
 *
 * Everything that could not be mounted later is refused, with podman's words;
 * only the existence of the device is not looked at.
 */
int volume_opts_parse(char *const *options, struct volume_opts *ret,
		      struct err *err);
void volume_opts_done(struct volume_opts *o);

#endif
