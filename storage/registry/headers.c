/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Parsers for the few response headers that matter (RFC 9110).  They run on
 * whatever a server sends, after http.c bounded its length; fuzzed by
 * tests/fuzz/fuzz_registry_headers.c.  Nothing here decides anything: where a
 * realm or a link may lead is origin.c's business.
 */
#include "storage/registry/headers.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "util/sb.h"
#include "util/str.h"

#define TYPE_MAX 255

void challenge_done(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	*c = (struct challenge){ 0 };
}

static bool is_tchar(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip(const char *p, const char *set)
{
	return p + strspn(p, set);
}

/* quoted-string or token; returns where it ends, NULL when malformed */
static const char *take_value(const char *p, struct sb *out)
{
	if (*p != '"') {
		while (is_tchar(*p) || *p == '/' || *p == ':')
			sb_addch(out, *p++);
		return p;
	}
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if ((unsigned char)*p < 0x20)
			return NULL;
		sb_addch(out, *p);
	}
	return p + 1;
}

/* "NTLM TlRMTVNT==": what a scheme may have in place of parameters */
static const char *skip_token68(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) ||
	       (p[n] && strchr("-._~+/", p[n])))
		n++;
	if (n)
		n += strspn(p + n, "=");
	return p[n] == '\0' || p[n] == ',' ? p + n : p;
}

static void keep_first(char **dst, const struct sb *value)
{
	if (!*dst)
		*dst = xstrdup(value->buf);
}

int challenge_add(struct challenge *c, const char *value)
{
	const char *p = value;
	bool ours = false;

	for (p = skip(p, " \t,"); *p; p = skip(p, " \t,")) {
		autosb struct sb text = SB_INIT;
		autofree char *name = NULL;
		const char *start = p;

		while (is_tchar(*p))
			p++;
		if (p == start)
			return -EINVAL;
		name = xstrndup(start, (size_t)(p - start));
		p = skip(p, " \t");
		if (*p != '=') {
			/* a scheme, not a parameter */
			ours = strcasecmp(name, "bearer") == 0 && !c->bearer;
			c->bearer |= ours;
			c->basic |= strcasecmp(name, "basic") == 0;
			p = skip_token68(p);
			continue;
		}
		p = take_value(skip(p + 1, " \t"), &text);
		if (!p)
			return -EINVAL;
		if (ours && strcasecmp(name, "realm") == 0)
			keep_first(&c->realm, &text);
		else if (ours && strcasecmp(name, "service") == 0)
			keep_first(&c->service, &text);
	}
	return 0;
}

int64_t retry_after(const char *value, int64_t now, int64_t max)
{
	uint64_t seconds;
	time_t when;
	int r;

	r = parse_u64(value, &seconds);
	if (r == -ERANGE)
		return max;
	if (r == 0)
		return seconds < (uint64_t)max ? (int64_t)seconds : max;
	when = curl_getdate(value, NULL);
	if (when < 0)
		return -1;
	if (when <= now)
		return 0;
	return MIN((int64_t)when - now, max);
}

static const char *take_number(const char *p, char end, uint64_t *ret)
{
	size_t n = strspn(p, "0123456789");
	autofree char *digits = xstrndup(p, n);

	if (parse_u64(digits, ret) < 0 || p[n] != end)
		return NULL;
	return p + n + 1;
}

int content_range(const char *value, uint64_t *ret_first, uint64_t *ret_last,
		  uint64_t *ret_size)
{
	uint64_t first, last, size;
	const char *p = value;

	if (strncasecmp(p, "bytes ", 6) != 0)
		return -EINVAL;
	p = take_number(skip(p + 6, " "), '-', &first);
	if (p)
		p = take_number(p, '/', &last);
	if (p)
		p = take_number(p, '\0', &size);
	if (!p || first > last || last >= size)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	*ret_size = size;
	return 0;
}

int upload_range(const char *value, uint64_t *ret_have)
{
	const char *p = str_after(value, "bytes=");
	uint64_t first, last;

	p = take_number(p ? p : value, '-', &first);
	if (p)
		p = take_number(p, '\0', &last);
	if (!p || first != 0 || last == UINT64_MAX)
		return -EINVAL;
	*ret_have = last + 1;
	return 0;
}

/* Does the parameter list of one link say rel=next? */
static bool is_next(const char *p, size_t len)
{
	autofree char *params = xstrndup(p, len);

	str_lower(params);
	return strstr(params, "rel=\"next\"") || strstr(params, "rel=next");
}

char *link_next(const char *value)
{
	const char *p = value;

	while ((p = strchr(p, '<'))) {
		const char *end = strchr(p, '>');
		size_t len;

		if (!end)
			return NULL;
		len = strcspn(end, "<");
		if (is_next(end + 1, len ? len - 1 : 0))
			return xstrndup(p + 1, (size_t)(end - p - 1));
		p = end + len;
	}
	return NULL;
}

char *media_type(const char *value)
{
	autofree char *copy = xstrndup(value, strcspn(value, ";"));
	char *type = str_trim(copy);

	if (strlen(type) > TYPE_MAX)
		return xstrdup("");
	for (const char *p = type; *p; p++) {
		if (!is_tchar(*p) && *p != '/')
			return xstrdup("");
	}
	str_lower(type);
	return xstrdup(type);
}
