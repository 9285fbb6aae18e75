/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_RESET_H
#define CORE_RESET_H

#include "util/err.h"

struct runtime;

/*
 * `system reset` and the commands that start meanwhile.  The file "reset" of
 * the data directory is there as long as a reset works, which holds a flock on
 * it; commands wait for that lock.  Without a holder the file is that of a
 * reset that was killed: what it had not removed is whole.
 */

/** reset_begin() - from now on commands that start wait; -EBUSY
 *  @ret_fd: for reset_end(), owned by the caller */
int reset_begin(struct runtime *rt, int *ret_fd, struct err *err);

/** reset_end() - let them go on; takes @fd */
void reset_end(struct runtime *rt, int fd);

/** reset_wait() - until no reset is at work; costs one openat(2) that fails
 *  Return: 0; -EBUSY after two minutes, naming the process */
int reset_wait(struct runtime *rt, struct err *err);

#endif
