/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_SANDBOX_H
#define STORAGE_LAYER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/layer/idmap.h"
#include "util/err.h"

/* gcc has a macro for it, clang a feature */
#if defined(__SANITIZE_ADDRESS__)
#define LAYER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LAYER_ASAN 1
#endif
#endif
#ifndef LAYER_ASAN
#define LAYER_ASAN 0
#endif

/* Descriptors that the program is started with, see storage/layer.h. */
enum {
	LAYER_FD_INPUT = 0,
	LAYER_FD_ROOT = 1,
	LAYER_FD_SOCK = 3,
	LAYER_FD_OUT = 4,
	LAYER_FD_RESUME = 5,
};

/**
 * struct sandbox - where the child lives
 * @uids, @gids: ids that exist there; filled by sandbox_fork()
 * @read_only:   the child only reads its root directory
 * @max_file:    RLIMIT_FSIZE
 * @memory:      address space beyond what unpacking needs
 * @trees:       paths below LAYER_FD_ROOT, a strv, borrowed: nothing but these
 *               is left then, the first one as root directory, each of them
 *               as a mount of its own that leads nowhere else
 * @tree_fds:    of them; filled by sandbox_fork(), owned by the process
 * @mapped:      address space in use at the start; filled by sandbox_fork()
 */
struct sandbox {
	struct idmap uids;
	struct idmap gids;
	bool read_only;
	uint64_t max_file;
	uint64_t memory;
	char *const *trees;
	int *tree_fds;
	size_t n_trees;
	uint64_t mapped;
};

/**
 * sandbox_fork() - split off a child in namespaces of its own
 *
 * User (same ids), mount, network, pid and ipc namespace; the directory
 * LAYER_FD_ROOT is its "/" and what LAYER_FD_ROOT refers to from then on.
 * The child dies with this process.
 *
 * Return: 0 in the child, the child's pid in the parent, -errno (in both; in
 * the child after the fork too: the caller tells by *@ret_child)
 */
int sandbox_fork(struct sandbox *sb, bool *ret_child, struct err *err);

/**
 * sandbox_lock() - give up all that unpacking does not need
 *
 * Limits, capabilities, no_new_privs, Landlock where the kernel has ABI 2,
 * and a seccomp allow-list.  After it nothing can be loaded or executed.
 */
int sandbox_lock(const struct sandbox *sb, struct err *err);

/** sandbox_filter() - the seccomp part, storage/layer/filter.c */
int sandbox_filter(struct err *err);

/** sandbox_landlock() - storage/layer/landlock.c; 0 where there is none */
int sandbox_landlock(const struct sandbox *sb, struct err *err);

#endif
