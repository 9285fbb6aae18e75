/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/layer/sandbox.h"
#include "util/cleanup.h"

/* Rights that the headers of the oldest supported distribution lack. */
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)	/* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define ACCESS_NET_ALL UINT64_C(3)		/* ABI 4: bind and connect */
#define SCOPE_ALL UINT64_C(3)		/* ABI 6: abstract unix, signal */

#define ACCESS_READ \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                      \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |  \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |  \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |      \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |     \
	 LANDLOCK_ACCESS_FS_REFER)

/* The first fields are those of the kernel's struct, all versions of it. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static size_t ruleset_size(long abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

/*
 * KERNEL(5.19): before ABI 2 Landlock refuses every link(2) and rename(2)
 * between directories, which layers need; there is none before 5.13.
 */
int sandbox_landlock(const struct sandbox *sb, struct err *err)
{
	bool read_only = sb->read_only;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset set = {
		/* 13 rights of ABI 1, and REFER */
		.fs = (UINT64_C(1) << 14) - 1,
		.net = ACCESS_NET_ALL,
		.scoped = SCOPE_ALL,
	};
	struct landlock_path_beneath_attr rule = {
		.allowed_access = ACCESS_READ | (read_only ? 0 : ACCESS_WRITE),
		.parent_fd = LAYER_FD_ROOT,
	};

	if (abi < 2)
		return 0;
	if (abi >= 3)
		set.fs |= ACCESS_FS_TRUNCATE;
	if (abi >= 3 && !read_only)
		rule.allowed_access |= ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		set.fs |= ACCESS_FS_IOCTL_DEV;

	autoclose int fd = (int)syscall(SYS_landlock_create_ruleset, &set,
					ruleset_size(abi), 0);
	if (fd < 0)
		return err_sys(err, "make a landlock ruleset");
	if (syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
		    &rule, 0) < 0)
		return err_sys(err, "add a landlock rule");
	for (size_t i = 0; i < sb->n_trees; i++) {
		rule.parent_fd = sb->tree_fds[i];
		if (syscall(SYS_landlock_add_rule, fd,
			    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
			return err_sys(err, "add a landlock rule");
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_sys(err, "restrict by landlock");
	return 0;
}
