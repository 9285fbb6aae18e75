/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Everything that decides where a secret may go starts from an origin.  URLs
 * are taken apart by libcurl's own parser, the one that will also connect, so
 * that the two cannot disagree about which host a URL names.
 */
#include "storage/registry/origin.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/safe.h"
#include "util/str.h"

static void cleanup_curlu(CURLU **u)
{
	curl_url_cleanup(*u);
	*u = NULL;
}

#define auto_curlu cleanup(cleanup_curlu)

static void cleanup_curl_text(char **s)
{
	curl_free(*s);
	*s = NULL;
}

#define auto_curl_text cleanup(cleanup_curl_text)

static int bad_url(const char *url, const char *why, struct err *err)
{
	autofree char *shown = safe_line(url);

	return err_set(err, ERR_INVALID, EINVAL, "URL '%.200s': %s", shown,
		       why);
}

static CURLU *url_new(void)
{
	CURLU *u = curl_url();

	if (!u)
		die_oom();
	return u;
}

static int url_origin(CURLU *u, const char *url, struct origin *ret,
		      struct err *err)
{
	auto_curl_text char *scheme = NULL;
	auto_curl_text char *host = NULL;
	auto_curl_text char *port = NULL;
	struct origin o = { 0 };
	uint32_t number;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return bad_url(url, "not a complete URL", err);
	if (strcasecmp(scheme, "https") == 0)
		o.https = true;
	else if (strcasecmp(scheme, "http") != 0)
		return bad_url(url, "only https and http are followed", err);
	if (curl_url_get(u, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		return bad_url(url, "not a complete URL", err);
	if (parse_u32(port, &number) < 0 || number == 0 || number > 65535)
		return bad_url(url, "bad port", err);
	if (!*host || strlen(host) >= sizeof(o.host))
		return bad_url(url, "bad host", err);
	o.port = (uint16_t)number;
	memcpy(o.host, host, strlen(host) + 1);
	str_lower(o.host);
	*ret = o;
	return 0;
}

int origin_parse(const char *url, struct origin *ret, struct err *err)
{
	auto_curlu CURLU *u = url_new();

	if (strlen(url) > URL_MAX)
		return bad_url(url, "too long", err);
	if (curl_url_set(u, CURLUPART_URL, url,
			 CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER))
		return bad_url(url, "malformed or with user info", err);
	return url_origin(u, url, ret, err);
}

bool origin_equal(const struct origin *a, const struct origin *b)
{
	return a->https == b->https && a->port == b->port &&
	       streq(a->host, b->host);
}

/* An address, with or without the brackets of IPv6 */
static bool is_address(const char *host)
{
	struct in_addr v4;

	return *host == '[' || inet_pton(AF_INET, host, &v4) == 1;
}

bool host_is_loopback(const char *host)
{
	struct in_addr v4;

	if (streq(host, "localhost") || streq(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       ntohl(v4.s_addr) >> 24 == 127;
}

/* "[::]", "[::ffff:127.0.0.1]", "[::1%lo]" */
static bool is_here_v6(const char *host)
{
	const unsigned char *at;
	struct in6_addr v6;
	autofree char *text = NULL;

	if (*host != '[')
		return false;
	text = xstrndup(host + 1, strcspn(host + 1, "]%"));
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return false;
	at = v6.s6_addr;
	return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) ||
	       (IN6_IS_ADDR_V4MAPPED(&v6) && (at[12] == 127 || at[12] == 0));
}

bool host_is_here(const char *host)
{
	autofree char *name = xstrdup(host);
	size_t len = strlen(name);
	struct in_addr v4;

	if (len && name[len - 1] == '.')
		name[len - 1] = '\0';
	str_lower(name);
	if (host_is_loopback(name) || str_ends(name, ".localhost"))
		return true;
	if (inet_pton(AF_INET, name, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 0;
	return is_here_v6(name);
}

/* Registries whose token server has an unrelated name */
static const char *const known_pairs[][2] = {
	{ "dhi.io", "auth.docker.io" },
	{ "nvcr.io", "authn.nvidia.com" },
};

/*
 * "co.uk", "com.au": second-level labels under a country that anyone can
 * register below.  Without the public suffix list this errs to refusal.
 */
static bool looks_public(const char *domain)
{
	static const char *const labels[] = { "ac",  "co", "com", "edu", "gob",
					      "gov", "gv", "mil", "ne",	 "net",
					      "nom", "or", "org", "sch" };
	const char *dot = strchr(domain, '.');

	if (!dot)
		return true;
	if (strchr(dot + 1, '.'))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		if ((size_t)(dot - domain) == strlen(labels[i]) &&
		    str_starts(domain, labels[i]))
			return strlen(dot + 1) == 2;
	}
	return false;
}

static bool is_below(const char *host, const char *domain)
{
	size_t n = strlen(host);
	size_t m = strlen(domain);

	if (streq(host, domain))
		return true;
	return n > m && host[n - m - 1] == '.' && str_ends(host, domain);
}

bool host_is_same_site(const char *registry, const char *realm)
{
	const char *parent = strchr(registry, '.');

	if (streq(registry, realm))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(known_pairs); i++) {
		if (streq(registry, known_pairs[i][0]) &&
		    streq(realm, known_pairs[i][1]))
			return true;
	}
	if (is_address(registry) || is_address(realm))
		return false;
	/* auth.quay.io for quay.io */
	if (is_below(realm, registry) && strchr(registry, '.'))
		return true;
	/* auth.docker.io or docker.io for registry-1.docker.io */
	return parent && !looks_public(parent + 1) &&
	       is_below(realm, parent + 1);
}

int url_resolve(const char *base, const char *location, char **ret,
		struct err *err)
{
	auto_curlu CURLU *u = url_new();
	auto_curl_text char *url = NULL;
	struct origin o;

	if (strlen(location) > URL_MAX)
		return bad_url(location, "too long", err);
	if (curl_url_set(u, CURLUPART_URL, base, CURLU_DISALLOW_USER))
		return bad_url(base, "malformed", err);
	if (curl_url_set(u, CURLUPART_URL, location,
			 CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER |
				 CURLU_URLENCODE))
		return bad_url(location, "malformed or with user info", err);
	if (url_origin(u, location, &o, err) < 0)
		return -EINVAL;
	if (curl_url_get(u, CURLUPART_URL, &url, 0) || strlen(url) > URL_MAX)
		return bad_url(location, "malformed or too long", err);
	*ret = xstrdup(url);
	return 0;
}

int url_add_query(char **url, const char *name, const char *value,
		  struct err *err)
{
	auto_curlu CURLU *u = url_new();
	auto_curl_text char *text = NULL;
	autofree char *query = xasprintf("%s=%s", name, value);

	if (curl_url_set(u, CURLUPART_URL, *url, CURLU_DISALLOW_USER) ||
	    curl_url_set(u, CURLUPART_QUERY, query,
			 CURLU_APPENDQUERY | CURLU_URLENCODE) ||
	    curl_url_get(u, CURLUPART_URL, &text, 0))
		return bad_url(*url, "malformed", err);
	str_set(url, text);
	return 0;
}

char *host_port(const struct origin *o)
{
	if (o->port == (o->https ? 443 : 80))
		return xstrdup(o->host);
	return xasprintf("%s:%u", o->host, (unsigned int)o->port);
}
