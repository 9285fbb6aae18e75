/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_STEPS_H
#define OCI_STEPS_H

#include "libpod/oci/init.h"

struct sync_msg;

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

/**
 * overlay_mount() - overlay.c: a native overlay
 * @root:      .lower, .n_lower, .volatile_ are used; top first
 * @layers_fd: what the names in @root are relative to
 * @state_fd:  has the directories "upper" and "work"
 * @ret_attached: it sits on a slot of the scratch already (mount(2))
 *
 * Changes the working directory.  Return: descriptor of its root, -errno
 */
int overlay_mount(struct init *in, const struct oci_rootfs *root,
		  int layers_fd, int state_fd, bool *ret_attached,
		  struct err *err);

/* mounts.c */
int step_mounts(struct init *in, struct err *err);

/** mount_target() - make sure that the mount point is there; O_PATH */
int mount_target(struct init *in, const struct oci_mount *m, bool is_dir,
		 struct err *err);

/* binds.c: what shows files of the host or of an image */
int mount_bind(struct init *in, const struct oci_mount *m,
	       const struct place *source, struct err *err);
int mount_overlay(struct init *in, const struct oci_mount *m,
		  const struct place *source, struct err *err);
int mount_symlink(struct init *in, const struct oci_mount *m,
		  struct err *err);

int mount_file(struct init *in, const struct oci_mount *m, struct err *err);

/* owner.c: option U */

/** owner_take() - give @fd (and all below it) to the process's user */
int owner_take(struct init *in, int fd, bool recursive, struct err *err);

/**
 * owner_take_source() - the same for the source of @m and all below it
 * @from: it, in our mount namespace
 *
 * Asks the parent, who has all ids of the user: the container need not have
 * that of the files' owner.
 */
int owner_take_source(struct init *in, const struct oci_mount *m, int from,
		      struct err *err);

/** owner_give() - the parent's part: what SYNC_CHOWN in @msg asks for */
int owner_give(const struct oci_spec *spec, const struct sync_msg *msg,
	       struct err *err);

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
