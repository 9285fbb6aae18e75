/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/digest.h"

#include <assert.h>

#include "util/safe.h"
#include "util/sha256.h"
#include "util/str.h"

#define PREFIX "sha256:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

bool digest_is_valid(const char *s)
{
	const char *hex = s ? str_after(s, PREFIX) : NULL;

	return hex && hex_is_valid(hex, 64);
}

const char *digest_hex(const char *digest)
{
	assert(digest_is_valid(digest));
	return digest + PREFIX_LEN;
}

void digest_from_hex(char ret[DIGEST_MAX], const char *hex)
{
	assert(hex_is_valid(hex, 64));
	memcpy(ret, PREFIX, PREFIX_LEN);
	memcpy(ret + PREFIX_LEN, hex, 65);
}

int digest_set(char ret[DIGEST_MAX], const char *s, const char *what,
	       struct err *err)
{
	if (!digest_is_valid(s)) {
		autofree char *shown = safe_line(s ? s : "");

		return err_set(err, ERR_INVALID, EINVAL,
			       "%s '%.80s' is not a sha256 digest", what,
			       shown);
	}
	memcpy(ret, s, PREFIX_LEN + 65);
	return 0;
}

int digest_of(const void *data, size_t len, char ret[DIGEST_MAX],
	      struct err *err)
{
	char hex[SHA256_HEX];
	int r = sha256_data(data, len, hex, err);

	if (r < 0)
		return r;
	digest_from_hex(ret, hex);
	return 0;
}

int digest_verify(const void *data, size_t len, const char *digest,
		  const char *what, struct err *err)
{
	char have[DIGEST_MAX];
	int r = digest_of(data, len, have, err);

	if (r < 0)
		return r;
	if (!streq(have, digest))
		return err_set(err, ERR_INVALID, EBADMSG,
			       "%s does not match its digest: want %s, got %s",
			       what, digest, have);
	return 0;
}
