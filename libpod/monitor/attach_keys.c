/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/attach_keys.h"

#include <errno.h>
#include <string.h>

#include "libpod/monitor/monitor.h"

/* The byte of "x" or "ctrl-x"; -1 for anything else. */
static int parse_key(const char *s, size_t len)
{
	static const char prefix[] = "ctrl-";
	char c;

	if (len == 1)
		return (unsigned char)s[0];
	if (len != sizeof(prefix) || memcmp(s, prefix, sizeof(prefix) - 1) != 0)
		return -1;
	c = s[len - 1];
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	if (c == '@' || (c >= '[' && c <= '_'))
		return c - '@';
	return -1;
}

int attach_keys_parse(const char *spec, char ret[ATTACH_KEYS_MAX],
		      size_t *ret_len)
{
	char keys[ATTACH_KEYS_MAX] = "";
	size_t n = 0;

	for (const char *s = spec; *spec; s++) {
		size_t len = strcspn(s, ",");
		int key = parse_key(s, len);

		if (key < 0 || n == sizeof(keys))
			return -EINVAL;
		keys[n++] = (char)key;
		s += len;
		if (*s == '\0')
			break;
	}
	memcpy(ret, keys, n);
	*ret_len = n;
	return 0;
}

/* How many of the first bytes of the keys the last bytes of @keys[0..have)
 * followed by @c are. */
static size_t longest(const struct key_match *k, char c)
{
	char typed[ATTACH_KEYS_MAX + 1];

	memcpy(typed, k->keys, k->have);
	typed[k->have] = c;
	for (size_t n = k->have + 1; n > 0; n--) {
		if (memcmp(typed + k->have + 1 - n, k->keys, n) == 0)
			return n;
	}
	return 0;
}

bool key_match_add(struct key_match *k, char c, char *out, size_t *ret_n)
{
	size_t before = k->have, now = longest(k, c), pass;

	*ret_n = 0;
	k->have = now;
	if (now == k->n_keys)
		return true;
	/* what was held back and is no part of the keys any more, then @c */
	pass = before + 1 - now;
	if (pass > before) {
		memcpy(out, k->keys, before);
		out[before] = c;
	} else {
		memcpy(out, k->keys, pass);
	}
	*ret_n = pass;
	return false;
}
