/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_IMAGE_PULLOPTS_H
#define CMD_IMAGE_PULLOPTS_H

#include <stdint.h>

#include "util/err.h"

struct push_opts;

/** registry_before() - struct cmd's @before for who is going to ask the
 *  registry of @name, unless a transport in front of it says otherwise */
void registry_before(const char *name);

/** authfile_check() - a file given with --authfile has to be there; NULL is
 *  fine */
int authfile_check(const char *path, struct err *err);

/**
 * platform_option() - --platform, or --arch, --os and --variant, as one text
 * @ret: "os/arch[/variant]", owned; NULL when none was given
 */
int platform_option(const char *platform, const char *arch, const char *os,
		    const char *variant, char **ret, struct err *err);

/** retry_delay_option() - --retry-delay as milliseconds; NULL leaves *@ret */
int retry_delay_option(const char *text, int64_t *ret, struct err *err);

/**
 * compression_option() - what --compression-format, --compression-level and
 *                        --force-compression mean together
 * @codec: NULL: not given; borrowed by @ret
 * @force: -1: not given
 */
int compression_option(const char *codec, int level, int force,
		       struct push_opts *ret, struct err *err);

/** digestfile_write() - what --digestfile wants; no newline */
int digestfile_write(const char *path, const char *digest, struct err *err);

#endif
