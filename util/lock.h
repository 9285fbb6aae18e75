/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_LOCK_H
#define UTIL_LOCK_H

#include "util/err.h"

/*
 * Locks that are waited for until they are free, whoever has them works and
 * however long that takes.  Whoever was stopped (^Z, SIGSTOP) does not: after
 * ten seconds that is an error which names it and says what frees the lock.
 * Somebody who works on for twenty is named in a warning.
 *
 * Uses SIGALRM and ITIMER_REAL while it waits; both are as before afterwards.
 *
 * @what: "the state database", for messages
 * Return: 0, -EBUSY, or what the system call said
 */

/** lock_record() - F_WRLCK on all of the file: of this process, not handed on
 *  by fork(2), gone with any descriptor of the file that is closed */
int lock_record(int fd, const char *what, struct err *err);

/** lock_flock() - LOCK_SH or LOCK_EX of the open file */
int lock_flock(int fd, int how, const char *what, struct err *err);

#endif
