/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONFIG_STORAGE_CONF_H
#define CMD_CONFIG_STORAGE_CONF_H

#include <stddef.h>

#include "util/err.h"

/**
 * struct storage_conf - what storage.conf and STORAGE_DRIVER say to bryo
 * @driver:  a driver of ours, NULL: the best one
 * @root:    where our data goes, NULL: the default
 * @runroot: likewise for what a reboot voids
 * @file:    that was read, or NULL
 *
 * The file names the places of podman's store, which is nobody else's to
 * write to: ours lie beside them, with "-bryo" at the end of the name.
 * podman's default places leave ours at our defaults.  All owned.
 */
struct storage_conf {
	char *driver;
	char *root;
	char *runroot;
	char *file;
};

/** struct storage_places - who reads it, for storage_conf_parse()
 *  @is_user: not root of the machine; @own_file: the user's own file, or one
 *  that CONTAINERS_STORAGE_CONF names; @home, @user, @uid: for $HOME, $USER
 *  and $UID; borrowed, may be NULL */
struct storage_places {
	const char *home;
	const char *user;
	const char *data_home;
	const char *runtime_dir;
	unsigned int uid;
	int is_user;
	int own_file;
};

/** storage_conf_load() - once per process: CONTAINERS_STORAGE_CONF, else the
 *  user's file, else the machine's, else the vendor's: the first that is
 *  there */
int storage_conf_load(struct err *err);

/** storage_conf_get() - what was read, nothing before that; borrowed */
const struct storage_conf *storage_conf_get(void);

/** storage_conf_parse() - the text of one file */
int storage_conf_parse(const char *text, size_t len,
		       const struct storage_places *who,
		       struct storage_conf *ret, struct err *err);

void storage_conf_done(struct storage_conf *c);

#endif
