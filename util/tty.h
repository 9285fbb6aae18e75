/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_TTY_H
#define UTIL_TTY_H

#include <stdbool.h>
#include <termios.h>

/**
 * tty_pass_output() - let output arrive at a terminal as it is written
 * @fd:    borrowed
 * @saved: its settings before, for tcsetattr(3)
 *
 * A terminal in a container has made CR LF of each line end; without this ours
 * would make CR CR LF of it.  Keys and signals stay as they are.
 * Return: false when @fd is no terminal or another job has it: nothing was
 * changed then.
 */
bool tty_pass_output(int fd, struct termios *saved);

#endif
