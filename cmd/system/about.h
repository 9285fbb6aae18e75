/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SYSTEM_ABOUT_H
#define CMD_SYSTEM_ABOUT_H

struct json_object;

/** about_version() - the object of `version` and of info's last part; owned */
struct json_object *about_version(void);

/** about_arch() - "amd64", "arm64": the names of images */
const char *about_arch(void);

#endif
