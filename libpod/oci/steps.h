/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_STEPS_H
#define OCI_STEPS_H

#include "libpod/oci/init.h"

/*
 * The steps of init that have a file of their own; each is one verb of the
 * table in init.c, runs in init and returns 0 or -errno with @err set.
 */

/* proc.c */
int step_proc(struct init *in, struct err *err);
int step_sysctls(struct init *in, struct err *err);
int proc_refused(struct init *in, int r); /* ask for the outer pid ns; @r */
int oom_apply(struct init *in, struct err *err);

/* rootfs.c */
int step_rootfs(struct init *in, struct err *err);
int step_pivot(struct init *in, struct err *err);

/* mounts.c */
int step_mounts(struct init *in, struct err *err);

/* dev.c: the content of /dev, on the tmpfs @dev_fd that is attached there */
int dev_populate(struct init *in, int dev_fd, struct err *err);

/* mask.c */
int step_mask(struct init *in, struct err *err);

/* terminal.c */
int step_terminal(struct init *in, struct err *err);
int step_stdio(struct init *in, struct err *err);

/* passwd.c */
int step_user(struct init *in, struct err *err);

/* process.c */
int step_workdir(struct init *in, struct err *err);
int step_limits(struct init *in, struct err *err);
int step_keyring(struct init *in, struct err *err);
int step_identity(struct init *in, struct err *err);
int step_cwd(struct init *in, struct err *err);
int step_confine_exec(struct init *in, struct err *err);

#endif
