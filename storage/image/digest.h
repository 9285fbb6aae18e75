/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_DIGEST_H
#define STORAGE_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

/*
 * A digest is "sha256:" and 64 lower-case hex digits, nothing else.  Every
 * one that comes from outside is checked by digest_is_valid() where it is
 * decoded: it becomes part of a path and of a URL (CVE-2024-3727).
 */
#define DIGEST_MAX 72 /* the text, its NUL, and a spare byte */

bool digest_is_valid(const char *s);

/** digest_hex() - the 64 digits of a valid digest; borrowed from @digest */
const char *digest_hex(const char *digest);

/** digest_from_hex() - the reverse */
void digest_from_hex(char ret[DIGEST_MAX], const char *hex);

/** digest_set() - copy @s into @ret when it is valid
 *  @what: names it in the reason ("config digest")
 *  Return: 0 or -EINVAL */
int digest_set(char ret[DIGEST_MAX], const char *s, const char *what,
	       struct err *err);

/** digest_of() - compute it */
int digest_of(const void *data, size_t len, char ret[DIGEST_MAX],
	      struct err *err);

/**
 * digest_verify() - @data has that digest
 * @what: "manifest", "config"
 *
 * Return: 0 or -EBADMSG/ERR_INVALID
 */
int digest_verify(const void *data, size_t len, const char *digest,
		  const char *what, struct err *err);

#endif
