/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_PLATFORM_H
#define STORAGE_IMAGE_PLATFORM_H

#include "util/err.h"

/** struct platform - Go's names; plain values, "" = any */
struct platform {
	char os[16];
	char arch[16];
	char variant[16];
};

/** platform_host() - of the running machine (uname) */
void platform_host(struct platform *ret);

/**
 * platform_parse() - "os/arch[/variant]", "arch", "os"
 *
 * aarch64, x86_64, i386, armhf and the like are taken for Go's names.
 * Missing parts are those of the host.  -EINVAL otherwise.
 */
int platform_parse(const char *s, struct platform *ret, struct err *err);

/**
 * platform_score() - how well what an image offers suits @want
 * Return: 0 not at all; the highest is the best
 */
int platform_score(const struct platform *want, const char *os,
		   const char *arch, const char *variant);

/** platform_text() - "linux/arm64/v8"; owned by the caller */
char *platform_text(const struct platform *p);

#endif
