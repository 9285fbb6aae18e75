/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_PLACE_H
#define OCI_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/err.h"

/**
 * struct place - a host file or directory, to be found again by init
 *
 * The kernel refuses to bind or overlay what belongs to another mount
 * namespace (check_mnt), so a descriptor that the caller opened before the
 * clone cannot be used directly.  Its path is read back while it is known to
 * be right, init opens that path in its own copy of the mounts and compares
 * device and inode: a racing rename makes the start fail, never mount
 * something else.
 */
struct place {
	char *path;	/* owned */
	dev_t dev;
	ino_t ino;
	mode_t mode;
	int caller_fd;	/* borrowed: the descriptor it was made from */
	int held_fd;	/* owned; -EBADF until place_hold() */
};

/** place_of() - remember where @fd is; @what for messages */
int place_of(int fd, const char *what, struct place *ret, struct err *err);

/**
 * place_hold() - open it now, for every place_open() that follows
 *
 * As long as init is the caller's user it may go where he may; as root of a
 * namespace that has no id for the caller it could not even enter his home.
 */
int place_hold(struct place *p, struct err *err);

/** place_open() - O_PATH descriptor in this mount namespace */
int place_open(const struct place *p, struct err *err);

void place_done(struct place *p);

static inline bool place_is_set(const struct place *p)
{
	return p->path != NULL;
}

#endif
