/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_HEADERS_H
#define REGISTRY_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * Header values that a registry sends: hostile text.  Pure functions.
 */

/**
 * struct challenge - what WWW-Authenticate asks for
 * @basic, @bearer: schemes that were offered
 * @realm:   URL of the token server, bearer only; owned
 * @service: owned, may be NULL
 */
struct challenge {
	bool basic;
	bool bearer;
	char *realm;
	char *service;
};

/** challenge_add() - one header value, which may hold several challenges; of
 *  two bearer challenges the first counts.  0 or -EINVAL */
int challenge_add(struct challenge *c, const char *value);
void challenge_done(struct challenge *c);

#define auto_challenge cleanup(challenge_done)

/** retry_after() - seconds from @now (seconds since 1970); both forms
 *
 *  Return: 0..@max, or -1 when the value means nothing */
int64_t retry_after(const char *value, int64_t now, int64_t max);

/** content_range() - "bytes FIRST-LAST/SIZE"; 0 or -EINVAL */
int content_range(const char *value, uint64_t *ret_first, uint64_t *ret_last,
		  uint64_t *ret_size);

/** upload_range() - "0-LAST" of an upload; @ret_have: LAST + 1 bytes
 *  0 or -EINVAL */
int upload_range(const char *value, uint64_t *ret_have);

/** link_next() - the target of rel="next", or NULL; owned by the caller */
char *link_next(const char *value);

/** media_type() - lower case, without parameters, "" when it is none; owned */
char *media_type(const char *value);

#endif
