/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_INPUT_H
#define CMD_INPUT_H

#include "util/err.h"

/**
 * input_open() - where an archive comes from
 * @path: NULL or "-": standard input
 * @or:   ends the error of a terminal: what to use instead of a redirection
 *
 * A terminal is refused (ERR_USAGE): no archive comes from there, and the
 * process of a session of its own that unpacks would be stopped for ever.
 * Return: a descriptor, owned; -errno
 */
int input_open(const char *path, const char *or, struct err *err);

#endif
