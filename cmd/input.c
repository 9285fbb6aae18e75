/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/str.h"

int input_open(const char *path, const char *or, struct err *err)
{
	autoclose int fd = !path || streq(path, "-") ?
				   fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
				   open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(err, "open %s", path ? path : "stdin");
	if (isatty(fd))
		return err_set(err, ERR_USAGE, ENOTTY,
			       "cannot read from terminal, use command-line "
			       "redirection or %s", or);
	return take_fd(fd);
}
