/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_MOUNT_WORDS_H
#define CMD_CONTAINER_MOUNT_WORDS_H

#include <stdbool.h>

#include "cmd/container/create_opts.h"

/*
 * What -v, --tmpfs (opt_mount.c) and --mount (mount_spec.c) have in common.
 */

/** mount_word() - ro, rw, exec, suid, dev and their negations, propagation;
 *  false: none of these */
bool mount_word(const char *word, struct ctr_mount *m);

/** mount_has_devices() - @source is /dev, below it, or a device somewhere
 *  else: who mounts that wants to open it, so nodev is no default for it */
bool mount_has_devices(const char *source);

/** mount_propagation() - "rslave" ...; false: none of them */
bool mount_propagation(const char *word, struct ctr_mount *m);

/** mount_tmpfs_word() - an option of a tmpfs */
int mount_tmpfs_word(const char *word, struct ctr_mount *m, struct err *err);

/** mount_unknown() - podman's words for an option that does not exist */
int mount_unknown(const char *word, struct err *err);

/** mount_set_target() - an absolute path in the container, but not "/" */
int mount_set_target(struct ctr_mount *m, const char *path, struct err *err);

/** mount_anonymous() - make @m a volume without a name of its own */
void mount_anonymous(struct ctr_mount *m);

/** mount_volume_driver() - NULL, "" and "local" are the one that is there */
int mount_volume_driver(const char *name, struct err *err);

int mount_volume_name(const char *name, struct err *err);

/**
 * mount_parse_mount() - one --mount
 * @ret_glob: the pattern of a type=glob (owned): *m is what all files that
 *            match get, its target a directory or NULL; else NULL
 */
int mount_parse_mount(const char *text, struct ctr_mount *m, char **ret_glob,
		      struct err *err);

#endif
