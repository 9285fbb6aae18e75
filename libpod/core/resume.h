/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_RESUME_H
#define CORE_RESUME_H

#include <stdbool.h>

#include "libpod/core/container.h"

/*
 * What a monitor that was killed has left to do: the restart policy and the
 * poststop hooks.  The rest of the interface is in container.h.
 */

/** resume_is_due() - of @c, settled and with its config; looks at the disk
 *  only when its policy wants another round */
bool resume_is_due(struct runtime *rt, const struct ctr *c);

/** resume_forget() - nothing is due any more; who holds the monitor lock, or
 *  had it to the end */
void resume_forget(struct runtime *rt, const char *id);

/**
 * resume_poststop() - run the poststop hooks of @c, which does not run, unless
 * somebody has done that
 *
 * One failed unlink(2) for the others.  Failures are nobody's.
 */
void resume_poststop(struct runtime *rt, const struct ctr *c);

#endif
