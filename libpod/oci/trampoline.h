/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_TRAMPOLINE_H
#define OCI_TRAMPOLINE_H

#include <stdbool.h>

#include "util/err.h"

/**
 * trampoline_open() - bryo-init as a sealed memfd, where one is needed
 * @always: --init: bryo-init stays and its file is visible in the container
 *
 * A payload "#!/proc/self/exe" makes the kernel run the executable of the
 * process that calls execve(2), with the container's libraries: that must not
 * be a bryo that the container's user could write (CVE-2019-5736).  A binary
 * that belongs to root needs nothing.
 *
 * @ret_fd: owned; left alone when none is needed
 */
int trampoline_open(bool always, int *ret_fd, struct err *err);

/** trampoline_needed() - could somebody in the container write our binary? */
bool trampoline_needed(void);

#endif
