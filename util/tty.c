/* SPDX-License-Identifier: Apache-2.0 */
#include "util/tty.h"

#include <unistd.h>

bool tty_pass_output(int fd, struct termios *saved)
{
	struct termios t;

	/* from the background it would stop us (SIGTTOU) */
	if (tcgetpgrp(fd) != getpgrp() || tcgetattr(fd, saved) < 0)
		return false;
	t = *saved;
	t.c_oflag &= ~(tcflag_t)OPOST;
	return tcsetattr(fd, TCSANOW, &t) == 0;
}
