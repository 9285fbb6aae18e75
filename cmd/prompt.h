/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PROMPT_H
#define CMD_PROMPT_H

#include "util/err.h"

/**
 * prompt_confirm() - "Are you sure you want to continue? [y/N] "
 *
 * Only a line from stdin that begins with y or Y is a yes.
 * Return: 1 yes, 0 no, -ENODATA stdin was at its end: nobody was asked
 */
int prompt_confirm(struct err *err);

/** prompt_line() - print @label, read a line from stdin
 *  Return: 0 and *ret (owned, without the newline), -errno */
int prompt_line(const char *label, char **ret, struct err *err);

/**
 * prompt_secret() - likewise, without echo
 *
 * stdin has to be a terminal.  The terminal gets its echo back also when a
 * signal ends us meanwhile.
 */
int prompt_secret(const char *label, char **ret, struct err *err);

#endif
