/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The grammar of image references (distribution's "reference" rules), as a
 * scanner over one string: cut "@digest" from the right, then ":tag" (a colon
 * behind the last slash), then decide whether the first path component is a
 * host: it is when it contains '.' or ':' or equals "localhost".  What is
 * left must match the path grammar exactly; nothing is repaired, so that a
 * reference that parses prints as itself and can go into URLs and paths.
 */
#include "storage/image/ref.h"

#include "storage/image/digest.h"
#include "util/safe.h"
#include "util/sb.h"
#include "util/str.h"

#define NAME_MAX_LEN 255 /* host and path together, as registries demand */
#define TAG_MAX 128

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* [A-Za-z0-9_][A-Za-z0-9_.-]{0,127} */
static bool tag_is_valid(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > TAG_MAX || s[0] == '.' || s[0] == '-')
		return false;
	for (; *s; s++)
		if (!is_alnum(*s) && !strchr("_.-", *s))
			return false;
	return true;
}

/* length of one separator inside a component: . _ __ or dashes; 0 if none */
static size_t separator(const char *s)
{
	if (s[0] == '.')
		return 1;
	if (s[0] == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* per component, '/' between them */
static bool path_is_valid(const char *s)
{
	for (;;) {
		if (!is_lower_alnum(*s))
			return false;
		while (is_lower_alnum(*s))
			s++;
		if (*s == '\0')
			return true;
		if (*s == '/') {
			s++;
			continue;
		}

		size_t n = separator(s);

		if (n == 0)
			return false;
		s += n;
	}
}

/* How much of @s is "[v6]"; 0: it is none */
static size_t v6_len(const char *s)
{
	size_t n = strspn(s + 1, "0123456789abcdefABCDEF:");

	return n > 0 && s[n + 1] == ']' ? n + 2 : 0;
}

/* How much of @s is labels with dots between them; 0: a label is not valid */
static size_t labels_len(const char *s)
{
	const char *p = s;

	for (;;) {
		const char *label = p;

		while (is_alnum(*p) || *p == '-')
			p++;
		if (p == label || *label == '-' || p[-1] == '-')
			return 0;
		if (*p != '.')
			return (size_t)(p - s);
		p++;
	}
}

static bool port_is_valid(const char *s)
{
	uint32_t port;

	return parse_u32(s, &port) == 0 && port > 0 && port < 65536 &&
	       strlen(s) <= 5;
}

/* [A-Za-z0-9-] labels with dots, or [v6]; then an optional :port */
static bool host_is_valid(const char *s)
{
	size_t n = *s == '[' ? v6_len(s) : labels_len(s);

	if (n == 0)
		return false;
	return !s[n] || (s[n] == ':' && port_is_valid(s + n + 1));
}

static bool has_upper(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

static int bad(const char *s, const char *why, struct err *err)
{
	autofree char *shown = safe_line(s);

	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid reference format '%.300s'%s%s", shown,
		       *why ? ": " : "", why);
}

/* Cut "@digest" and ":tag" off the end of @text, in place. */
static int cut_tail(char *text, const char *typed, struct ref *out,
		    struct err *err)
{
	char *at = strchr(text, '@');

	if (at) {
		if (!digest_is_valid(at + 1))
			return bad(typed, "the digest must be sha256: and 64 "
				   "lower-case hex digits", err);
		out->digest = xstrdup(at + 1);
		*at = '\0';
	}

	char *slash = strrchr(text, '/');
	char *colon = strrchr(slash ? slash : text, ':');

	if (colon) {
		if (!tag_is_valid(colon + 1))
			return bad(typed, "the tag is not valid", err);
		out->tag = xstrdup(colon + 1);
		*colon = '\0';
	}
	return 0;
}

/* The first component of "a/b/c" when it names a host, cut off; else NULL. */
static char *cut_host(char **text)
{
	char *slash = strchr(*text, '/');
	char *host;

	if (!slash)
		return NULL;
	host = xstrndup(*text, (size_t)(slash - *text));
	if (!strpbrk(host, ".:") && !streq(host, "localhost")) {
		free(host);
		return NULL;
	}
	*text = slash + 1;
	return host;
}

static bool is_docker_hub(const char *host)
{
	return streq(host, "docker.io") || streq(host, "index.docker.io") ||
	       streq(host, "registry-1.docker.io");
}

/* Of host and path once ref_complete() has added what is missing. */
static size_t full_length(const struct ref *ref, const char *path)
{
	size_t len = strlen(path) + 1;

	len += strlen(ref->host ? ref->host : "docker.io");
	if ((!ref->host || is_docker_hub(ref->host)) && !strchr(path, '/'))
		len += strlen("library/");
	return len;
}

int ref_parse(const char *s, struct ref *ret, struct err *err)
{
	auto_ref struct ref out = REF_INIT;
	autofree char *copy = xstrdup(s);
	char *text = copy;
	int r;

	if (strlen(s) > NAME_MAX_LEN + TAG_MAX + DIGEST_MAX)
		return bad("", "longer than any registry takes", err);
	r = cut_tail(text, s, &out, err);
	if (r < 0)
		return r;
	out.host = cut_host(&text);
	if (full_length(&out, text) > NAME_MAX_LEN)
		return bad(s, "the name is longer than 255 characters", err);
	if (out.host && !host_is_valid(out.host))
		return bad(s, "the registry host is not valid", err);
	if (!path_is_valid(text))
		return bad(s, has_upper(text) ?
			   "repository name must be lowercase" : "", err);
	out.path = xstrdup(text);
	*ret = out;
	out = (struct ref)REF_INIT;
	return 0;
}

void ref_complete(struct ref *ref, const char *host)
{
	if (!ref->host)
		ref->host = xstrdup(host);
	if (is_docker_hub(ref->host))
		str_set(&ref->host, "docker.io");
	if (streq(ref->host, "docker.io") && !strchr(ref->path, '/')) {
		autofree char *short_path = ref->path;

		ref->path = xasprintf("library/%s", short_path);
	}
	if (ref->digest)
		str_set(&ref->tag, NULL);
	else if (!ref->tag)
		ref->tag = xstrdup("latest");
}

char *ref_repo(const struct ref *ref)
{
	return ref->host ? xasprintf("%s/%s", ref->host, ref->path) :
			   xstrdup(ref->path);
}

char *ref_text(const struct ref *ref)
{
	autosb struct sb out = SB_INIT;

	if (ref->host)
		sb_addf(&out, "%s/", ref->host);
	sb_add(&out, ref->path);
	if (ref->tag)
		sb_addf(&out, ":%s", ref->tag);
	if (ref->digest)
		sb_addf(&out, "@%s", ref->digest);
	return sb_take(&out);
}

int ref_full(const char *s, const char *host, char **ret, struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	int r = ref_parse(s, &ref, err);

	if (r < 0)
		return r;
	ref_complete(&ref, host);
	*ret = ref_text(&ref);
	return 0;
}

char *ref_repo_of(const char *full)
{
	const char *at = strchr(full, '@');
	size_t len = at ? (size_t)(at - full) : strlen(full);
	size_t i = len;

	while (i > 0 && full[i - 1] != ':' && full[i - 1] != '/')
		i--;
	if (i > 0 && full[i - 1] == ':')
		len = i - 1;
	return xstrndup(full, len);
}

void ref_done(struct ref *ref)
{
	free(ref->host);
	free(ref->path);
	free(ref->tag);
	free(ref->digest);
	*ref = (struct ref)REF_INIT;
}
