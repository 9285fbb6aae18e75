/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_REGISTRY_PROGRAM_H
#define STORAGE_REGISTRY_PROGRAM_H

#include <sys/types.h>

#include "util/err.h"

/* The process bryo-registry, of which one may be started ahead */

/**
 * struct registry_program - one process
 * @pid:   0: none
 * @pidfd: owned
 * @sock:  our end of the socketpair; owned
 */
struct registry_program {
	pid_t pid;
	int pidfd;
	int sock;
};

#define REGISTRY_PROGRAM_INIT \
	{ \
		.pid = 0, .pidfd = -EBADF, .sock = -EBADF \
	}

/**
 * registry_program_take() - the one that registry_prepare() started, or a new
 * one
 * @ret: to be ended by registry_program_end()
 */
int registry_program_take(struct registry_program *ret, struct err *err);

/** registry_program_end() - and reap it; none is fine */
void registry_program_end(struct registry_program *p);

#endif
