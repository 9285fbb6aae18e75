/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An endpoint is a registry that may serve the repository: the mirrors of
 * registries.conf in their order, then the registry itself.  The list and the
 * credentials of each are made before the process locks itself down; the
 * first use pings /v2/, which settles three things for the rest of the
 * conversation:
 *
 *   scheme     HTTPS.  Plain HTTP only for a loopback host or one that the
 *              configuration calls insecure, and only after a TLS handshake
 *              was answered with something that is not TLS.  Any failure
 *              *inside* TLS, a bad certificate first of all, is final.
 *   challenge  Bearer, Basic or none.
 *   verify     certificates are checked for every host but the very one that
 *              --tls-verify=false or registries.conf names.
 */
#include <errno.h>
#include <string.h>

#include "storage/registry/conv.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/str.h"
#include "util/strv.h"

#define STALL_CONTROL_NS (20 * NS_PER_S)

/* ---- the list ---------------------------------------------------------- */

/* Text that goes into URLs and paths, checked even though the client did */
static bool host_is_valid(const char *host)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";

	return *host && *host != '.' && *host != '-' && *host != ':' &&
	       strlen(host) < ORIGIN_HOST_MAX &&
	       strspn(host, set) == strlen(host);
}

bool repo_is_valid(const char *repo)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";

	return *repo && *repo != '/' && *repo != '.' && strlen(repo) < 1024 &&
	       !str_ends(repo, "/") && !strstr(repo, "//") &&
	       !strstr(repo, "/.") && strspn(repo, set) == strlen(repo);
}

/* The name part of "host:5000" or "[::1]:5000"; owned */
static char *host_name(const char *host)
{
	const char *end = *host == '[' ? strchr(host, ']') : NULL;
	char *name = xstrndup(host, end ? (size_t)(end + 1 - host) :
					  strcspn(host, ":"));

	str_lower(name);
	return name;
}

static bool has_port(const char *host)
{
	const char *end = *host == '[' ? strchr(host, ']') : host;

	return end && strchr(end, ':');
}

static int set_credentials(struct conv *c, struct endpoint *ep,
			   const struct conv_request *req, struct err *err)
{
	const struct auth_query q = {
		.env = c->env,
		.authfile = req->authfile,
		.helpers = registries_conf_helpers(c->conf),
		.host = ep->host,
		.repo = ep->repo,
	};

	/* --creds are for the registry that was named, not for its mirrors */
	if (req->creds && !ep->mirror)
		return auth_parse_pair(req->creds, &ep->cred, err);
	return auth_find(&q, &ep->cred, err);
}

static int add_endpoint(struct conv *c, const struct registries_source *src,
			const struct conv_request *req, struct err *err)
{
	struct endpoint *ep = &c->eps[c->n_eps];
	autofree char *name = host_name(src->host);
	bool insecure = src->insecure;
	int r;

	if (!host_is_valid(src->host) ||
	    (*src->repo && !repo_is_valid(src->repo)))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s/%s: not a valid repository name", src->host,
			       src->repo);
	if (!src->mirror && req->tls_verify >= 0)
		insecure = req->tls_verify == 0;
	ep->host = xstrdup(src->host);
	ep->repo = xstrdup(src->repo);
	ep->mirror = src->mirror;
	ep->use = src->use;
	ep->verify = !insecure;
	ep->plain_ok =
		insecure || (host_is_loopback(name) && req->tls_verify != 1);
	ep->api_host =
		xstrdup(streq(ep->host, "docker.io") ? "registry-1.docker.io" :
						       ep->host);
	if (streq(ep->host, "docker.io") && *ep->repo &&
	    !strchr(ep->repo, '/')) {
		autofree char *full = xasprintf("library/%s", ep->repo);

		str_set(&ep->repo, full);
	}
	c->n_eps++;
	r = tls_files_read(c->env, ep->mirror ? NULL : c->cert_dir, ep->host,
			   &ep->tls, err);
	return r < 0 ? r : set_credentials(c, ep, req, err);
}

int conv_find_endpoints(struct conv *c, const struct conv_request *req,
			struct err *err)
{
	auto_registries_sources struct registries_sources list = { 0 };
	bool bare;
	int r;

	r = registries_conf_load(c->env, &c->conf, err);
	if (r < 0)
		return err_wrap(err, r, "registries.conf");
	bare = !*req->repo;
	r = registries_conf_sources(c->conf, req->host, bare ? "x" : req->repo,
				    &list, err);
	if (r < 0)
		return r;
	c->eps = xcalloc(list.n, sizeof(*c->eps));
	for (size_t i = 0; i < list.n && r >= 0; i++) {
		/* Nothing is written to a mirror, nor asked of it as a whole */
		if (list.v[i].mirror && (bare || c->push))
			continue;
		if (bare)
			list.v[i].repo[0] = '\0';
		r = add_endpoint(c, &list.v[i], req, err);
	}
	c->current = c->n_eps ? c->n_eps - 1 : 0;
	return r;
}

/* ---- how to speak to an origin ----------------------------------------- */

/* certs.d of a host that is no endpoint (redirect target, token server) */
static int other_tls(struct conv *c, const struct origin *origin,
		     const struct tls_files **ret, struct err *err)
{
	autofree char *name = host_port(origin);
	struct host_tls *t;
	int r;

	for (t = c->tls; t; t = t->next) {
		if (streq(t->name, name)) {
			*ret = &t->files;
			return 0;
		}
	}
	if (!host_is_valid(name) && *name != '[')
		return err_set(err, ERR_INVALID, EINVAL, "bad host in a URL");
	t = xcalloc(1, sizeof(*t));
	r = tls_files_read(c->env, NULL, name, &t->files, err);
	if (r < 0) {
		free(t);
		return r;
	}
	t->name = take_ptr(name);
	t->next = c->tls;
	c->tls = t;
	*ret = &t->files;
	return 0;
}

int endpoint_prepare(struct conv *c, struct endpoint *ep,
		     const struct origin *origin, struct exchange *ex,
		     struct err *err)
{
	bool own = origin_equal(origin, &ep->origin);
	int r;

	ex->direct = host_is_loopback(origin->host);
	ex->stall_ns = MIN(c->stall_ns, STALL_CONTROL_NS);
	ex->connect_ns = MIN(ex->connect_ns, c->stall_ns);
	ex->tls = &ep->tls;
	if (own) {
		ex->verify = ep->verify;
		ex->show_cert = true;
		return 0;
	}
	if (!origin->https)
		return 0;
	if (streq(origin->host, ep->origin.host) && ep->tls.ca.len)
		return 0;
	if (c->cert_dir && !ep->mirror)
		return 0;
	r = other_tls(c, origin, &ex->tls, err);
	return r < 0 ? r : 0;
}

/* registries.conf says insecure about @o's host */
static bool is_insecure_host(struct conv *c, const struct origin *o)
{
	auto_registries_sources struct registries_sources list = { 0 };
	autofree char *name = host_port(o);

	if (registries_conf_sources(c->conf, name, "x", &list, NULL) < 0)
		return false;
	return list.n == 1 && list.v[0].insecure;
}

bool conv_plain_allowed(struct conv *c, const struct origin *from,
			const struct origin *to)
{
	if (from->https)
		return false;
	if (origin_equal(from, to))
		return true;
	if (host_is_here(to->host) && !host_is_loopback(from->host))
		return !c->url && is_insecure_host(c, to);
	return c->url || host_is_loopback(to->host) || is_insecure_host(c, to);
}

/* ---- ping -------------------------------------------------------------- */

static int set_origin(struct endpoint *ep, bool https, struct err *err)
{
	autofree char *url =
		xasprintf("%s://%s", https ? "https" : "http", ep->api_host);

	str_set(&ep->base, url);
	return origin_parse(ep->base, &ep->origin, err);
}

/* The peer answered a TLS handshake with something that is no TLS record */
static bool is_not_tls(const struct exchange *ex)
{
	static const char *const texts[] = {
		"wrong version number", /* OpenSSL 1.1, 3.x */
		"http request", "packet length too long",
		"unexpected TLS packet", /* GnuTLS */
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (ex->code == CURLE_SSL_CONNECT_ERROR &&
		    strstr(ex->errbuf, texts[i]))
			return true;
	}
	return false;
}

/*
 * Does this host, which may be spoken to in plain HTTP, speak TLS?  Only the
 * handshake is made: nothing is sent in it, so no certificate needs checking.
 */
static int probe_scheme(struct conv *c, struct endpoint *ep,
			struct exchange *ex, bool *ret_https, struct err *err)
{
	int r;

	r = endpoint_prepare(c, ep, &ep->origin, ex, err);
	if (r < 0)
		return r;
	ex->probe = true;
	ex->verify = false;
	ex->show_cert = false;
	ex->url = ep->base;
	r = conv_run(c, ex, err);
	*ret_https = r == 0;
	if (r == 0 || is_not_tls(ex))
		return 0;
	/* A proxy opens tunnels to port 443 only, as most do */
	if (ex->code != CURLE_OK && strstr(ex->errbuf, "CONNECT tunnel failed"))
		return 0;
	/* Without a port HTTP and HTTPS are two different ones */
	if (ex->code == CURLE_COULDNT_CONNECT && !has_port(ep->api_host))
		return 0;
	return r;
}

static int learn_challenge(struct endpoint *ep, char *const *www_auth,
			   struct err *err)
{
	auto_challenge struct challenge ch = { 0 };

	for (size_t i = 0; i < strv_len(www_auth); i++) {
		if (challenge_add(&ch, www_auth[i]) < 0)
			return err_set(err, ERR_INVALID, EPROTO,
				       "%s: malformed WWW-Authenticate header",
				       ep->host);
	}
	if (!ch.basic && !(ch.bearer && ch.realm))
		return err_set(
			err, ERR_UNSUPPORTED, EACCES,
			"%s: asks for neither basic nor bearer authentication",
			ep->host);
	challenge_done(&ep->challenge);
	ep->challenge = ch;
	ch = (struct challenge){ 0 };
	return 0;
}

int endpoint_challenged(struct conv *c, struct endpoint *ep,
			char *const *www_auth, struct err *err)
{
	int r = learn_challenge(ep, www_auth, err);

	return r < 0 ? r : endpoint_authorize(c, ep, err);
}

void endpoint_add_scope(struct conv *c, struct endpoint *ep,
			const char *scope)
{
	if (strv_contains(c->scopes, scope))
		return;
	strv_add(&c->scopes, scope);
	/* A token that ended long ago is renewed before it is used */
	if (ep->auth_until_ns)
		ep->auth_until_ns = 1;
}

static int look_at_ping(struct endpoint *ep, const struct exchange *ex,
			struct err *err)
{
	if (ex->status == 200)
		return 0;
	if (ex->status == 401)
		return learn_challenge(ep, ex->www_auth, err);
	if (ex->status == 404)
		return err_set(err, ERR_FAIL, EPROTO,
			       "%s: not a registry (no /v2/ there)", ep->host);
	return response_error(ex, ep->host, err);
}

static int word_ping(struct endpoint *ep, const struct exchange *ex, int r,
		     struct err *err)
{
	if (is_not_tls(ex))
		return err_set(err, ERR_FAIL, EPROTO,
			       "%s: the server gave an HTTP response to an "
			       "HTTPS client (a registry without TLS needs "
			       "--tls-verify=false)",
			       ep->host);
	if (exchange_unknown_authority(ex))
		return err_set(err, ERR_FAIL, EPROTO,
			       "%s: %s; its CA certificate belongs into "
			       "certs.d/%s/ca.crt, see --cert-dir",
			       ep->host, ex->err.msg, ep->host);
	return err_wrap(err, r, "%s", ep->host);
}

/* One try.  Return: 0, or -errno with @ex telling whether to try again */
static int ping_once(struct conv *c, struct endpoint *ep, struct exchange *ex,
		     struct err *err)
{
	autofree char *url = NULL;
	bool https = true;
	int r;

	r = set_origin(ep, true, err);
	if (r == 0 && ep->plain_ok)
		r = probe_scheme(c, ep, ex, &https, err);
	if (r == 0)
		r = set_origin(ep, https, err);
	if (r < 0)
		return word_ping(ep, ex, r, err);

	exchange_done(ex);
	url = xasprintf("%s/v2/", ep->base);
	ex->url = url;
	r = endpoint_prepare(c, ep, &ep->origin, ex, err);
	if (r == 0)
		r = conv_run(c, ex, err);
	return r < 0 ? word_ping(ep, ex, r, err) : look_at_ping(ep, ex, err);
}

static int ping(struct conv *c, struct endpoint *ep, struct err *err)
{
	struct retry retry = { .start_ns = clock_mono_ns() };
	uint64_t at;

	for (;;) {
		struct exchange ex;
		bool again;
		int r;

		exchange_init(&ex);
		r = ping_once(c, ep, &ex, err);
		again = r < 0 && conv_retry(c, &retry, &ex, &at);
		exchange_done(&ex);
		if (!again)
			return r;
		err_clear(err);
		r = conv_sleep(c, at, err);
		if (r < 0)
			return r;
	}
}

int endpoint_ready(struct conv *c, struct endpoint *ep, struct err *err)
{
	bool stale = ep->auth_until_ns && clock_mono_ns() >= ep->auth_until_ns;
	int r = 0;

	if (ep->failed) {
		if (err)
			*err = ep->why;
		return -ep->why.code;
	}
	if (!ep->ready) {
		r = ping(c, ep, &ep->why);
		if (r < 0) {
			ep->failed = true;
			if (err)
				*err = ep->why;
			return r;
		}
		ep->ready = true;
		stale = ep->challenge.basic || ep->challenge.bearer;
	}
	return stale ? endpoint_authorize(c, ep, err) : 0;
}
