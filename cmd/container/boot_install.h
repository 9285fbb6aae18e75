/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_BOOT_INSTALL_H
#define CMD_CONTAINER_BOOT_INSTALL_H

#include <stdbool.h>

#include "util/err.h"

/* How `bryo boot` is called at boot; see boot_install.c. */

/** boot_has_systemd() - does systemd run this machine? */
bool boot_has_systemd(void);

/** boot_lingers() - the user's manager is started at boot (root: always) */
bool boot_lingers(void);

/** boot_unit_install() - write and enable; @ret_path: the unit, owned */
int boot_unit_install(char **ret_path, struct err *err);

/** boot_unit_find() - 1 and the path (owned) when it is enabled, else 0 */
int boot_unit_find(char **ret_path, struct err *err);

int boot_cron_install(struct err *err);

/** boot_cron_find() - 1 when our line is there, else 0 */
int boot_cron_find(struct err *err);

#endif
