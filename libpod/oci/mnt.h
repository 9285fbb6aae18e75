/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_MNT_H
#define OCI_MNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

/**
 * struct mnt - the mount interface of this kernel
 * @legacy:     no mount_setattr(2) or no fsopen(2): everything is mounted with
 *              mount(2) in a scratch tmpfs and moved from there
 * @scratch_fd: root of that tmpfs, owned; -EBADF until needed
 * @scratch_on: directory that the scratch is mounted on; borrowed, set by the
 *              user of this struct before anything else
 * @slots:      mount points used up in the scratch
 *
 * A mount is made detached, gets its attributes and is attached at a target
 * that is a descriptor, so nothing is ever looked up twice.
 */
struct mnt {
	bool legacy;
	int scratch_fd;
	int scratch_on;
	unsigned int slots;
};

#define MNT_INIT { false, -EBADF, -EBADF, 0 }

/** mnt_init() - ask the kernel; in the mount namespace of the container */
void mnt_init(struct mnt *m);
void mnt_done(struct mnt *m);

/**
 * mnt_fs() - a new file system, detached
 * @source: what mountinfo shows as its source
 * @data:   "size=64m,mode=755" or NULL
 * @attr:   MOUNT_ATTR_*
 *
 * Return: O_PATH-like descriptor of its root, owned; -errno
 */
int mnt_fs(struct mnt *m, const char *type, const char *source,
	   const char *data, uint64_t attr, struct err *err);

/** mnt_clone() - a detached copy of the mount at @fd (bind mount) */
int mnt_clone(struct mnt *m, int fd, bool recursive, struct err *err);

/** mnt_writable() - take MOUNT_ATTR_RDONLY away again, of this mount alone;
 *  -ENOSYS with a kernel before 5.12, -EPERM where it is not ours to take */
int mnt_writable(struct mnt *m, int fd);

/** mnt_setattr() - add MOUNT_ATTR_* to a mount that mnt_fs() or mnt_clone()
 *  made, or that is attached */
int mnt_setattr(struct mnt *m, int fd, uint64_t attr, bool recursive,
		struct err *err);

/** mnt_propagation() - MS_PRIVATE, MS_SLAVE, MS_SHARED, with MS_REC */
int mnt_propagation(struct mnt *m, int fd, unsigned long propagation,
		    struct err *err);

/** mnt_attach() - at @target (O_PATH descriptor); on top of what is there */
int mnt_attach(struct mnt *m, int fd, int target, struct err *err);

/**
 * mnt_park() - attach where the container never sees it, over the host's /dev,
 * so that mnt_clone() can copy from it; when the host's devices are done with
 *
 * KERNEL(6.15): a mount that is attached nowhere cannot be cloned before that.
 */
int mnt_park(struct mnt *m, int fd, struct err *err);

/** mnt_scratch() - borrowed descriptor of a small tmpfs of init's own */
int mnt_scratch(struct mnt *m, struct err *err);

/** mnt_slot() - a fresh mount point in the scratch, O_PATH; *ret_name owned */
int mnt_slot(struct mnt *m, bool is_dir, char **ret_name, struct err *err);

#endif
