/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Turns a challenge and credentials into an Authorization header line.
 *
 * A registry names its token server itself (the realm of the challenge), so a
 * hostile or broken one could name anybody's.  The rules, in realm_check():
 *   - the realm is HTTPS with a verified certificate; plain HTTP only when
 *     the registry itself is spoken to in plain HTTP and the realm may be too;
 *   - credentials go there only when it is of the registry's own site;
 *   - a token request is never redirected to another origin.
 * The scope asked for is ours, never the one of the challenge.  Tokens live
 * in memory only, expiry is measured on the monotonic clock.
 */
#include <errno.h>
#include <string.h>

#include "storage/registry/conv.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define TOKEN_BODY_MAX (1u << 20)
#define TOKEN_MAX (64u << 10)
#define TOKEN_LIFE_MIN_S 60
#define TOKEN_LIFE_MAX_S (24 * 3600)
/* Renewed so long before it ends: the request has to get there */
#define TOKEN_MARGIN_S 5
#define TOKEN_REDIRECTS_MAX 3

static char *basic_header(const struct auth_cred *cred)
{
	autofree char *pair = xasprintf("%s:%s", cred->user, cred->password);
	autofree char *text = base64_encode(pair, strlen(pair));
	char *line = xasprintf("Authorization: Basic %s", text);

	explicit_bzero(pair, strlen(pair));
	explicit_bzero(text, strlen(text));
	return line;
}

static int realm_check(struct conv *c, const struct endpoint *ep,
		       const struct origin *realm, struct err *err)
{
	if (!realm->https && !conv_plain_allowed(c, &ep->origin, realm))
		return err_set(err, ERR_FAIL, EPERM,
			       "%s: its token server %s is not https, refused",
			       ep->host, realm->host);
	if (auth_cred_is_set(&ep->cred) &&
	    !host_is_same_site(ep->origin.host, realm->host))
		return err_set(err, ERR_FAIL, EPERM,
			       "%s: its token server is on another site (%s), "
			       "credentials are not sent there",
			       ep->host, realm->host);
	return 0;
}

/* A strv; several are several parameters, as docker's server reads them */
static char **scopes(const struct conv *c, const struct endpoint *ep)
{
	char **list = NULL;

	if (*ep->repo)
		strv_addf(&list, "repository:%s:pull%s", ep->repo,
			  c->push ? ",push" : "");
	strv_extend(&list, c->scopes);
	return list;
}

/* name=value of a form, escaped */
static void form_add(struct sb *form, const char *name, const char *value)
{
	char *text = curl_easy_escape(NULL, value, (int)strlen(value));

	if (!text)
		die_oom();
	sb_addf(form, "%s%s=%s", form->len ? "&" : "", name, text);
	curl_free(text);
}

/* An identity token is traded in by POST (OAuth2), a password by GET */
static int set_request(const struct conv *c, const struct endpoint *ep,
		       char **url, struct exchange *ex, struct err *err)
{
	const char *service = ep->challenge.service;
	autostrv char **want = scopes(c, ep);
	int r = 0;

	if (ep->cred.identity) {
		struct sb form = SB_INIT;

		form_add(&form, "grant_type", "refresh_token");
		form_add(&form, "client_id", "bryo");
		form_add(&form, "refresh_token", ep->cred.identity);
		/* By RFC 6749 a list with blanks */
		if (want) {
			autofree char *all = strv_join(want, " ");

			form_add(&form, "scope", all);
		}
		if (service)
			form_add(&form, "service", service);
		ex->post = sb_take(&form);
		return 0;
	}
	if (service)
		r = url_add_query(url, "service", service, err);
	for (size_t i = 0; r == 0 && i < strv_len(want); i++)
		r = url_add_query(url, "scope", want[i], err);
	if (ep->cred.user)
		strv_push(&ex->headers, basic_header(&ep->cred));
	return r;
}

static bool token_is_valid(const char *token)
{
	size_t len = token ? strlen(token) : 0;

	for (size_t i = 0; i < len; i++) {
		if (token[i] <= 0x20 || token[i] > 0x7e)
			return false;
	}
	return len > 0 && len <= TOKEN_MAX;
}

static int take_token(struct endpoint *ep, const struct exchange *ex,
		      uint64_t asked_ns, struct err *err)
{
	autojson struct json_object *o =
		json_parse(ex->body.buf, ex->body.len, NULL);
	const char *token = NULL;
	int64_t life;

	if (o && json_object_is_type(o, json_type_object)) {
		token = json_str(o, "token");
		if (str_is_empty(token))
			token = json_str(o, "access_token");
	}
	if (!token_is_valid(token))
		return err_set(err, ERR_INVALID, EPROTO,
			       "%s: its token server sent no valid token",
			       ep->host);
	life = json_i64(o, "expires_in", TOKEN_LIFE_MIN_S);
	life = MIN(MAX(life, (int64_t)TOKEN_LIFE_MIN_S),
		   (int64_t)TOKEN_LIFE_MAX_S);
	free(ep->auth);
	ep->auth = xasprintf("Authorization: Bearer %s", token);
	ep->auth_until_ns =
		asked_ns + (uint64_t)(life - TOKEN_MARGIN_S) * NS_PER_S;
	return 0;
}

/* A redirect within the token server's origin keeps the request as it is */
static int token_redirect(const struct endpoint *ep, const struct exchange *ex,
			  const struct origin *realm, char **url,
			  struct err *err)
{
	autofree char *next = NULL;
	struct origin to;
	int r;

	if (!ex->location)
		return err_set(err, ERR_INVALID, EPROTO,
			       "%s: token server: redirect to nowhere",
			       ep->host);
	r = url_resolve(ex->url, ex->location, &next, err);
	if (r == 0)
		r = origin_parse(next, &to, err);
	if (r < 0)
		return err_wrap(err, r, "%s: token server", ep->host);
	if (!origin_equal(&to, realm))
		return err_set(err, ERR_FAIL, EPERM,
			       "%s: its token server redirects to another "
			       "origin (%s), refused",
			       ep->host, to.host);
	free(*url);
	*url = take_ptr(next);
	return 0;
}

/* Return: 0 with a token, 1 to go on at *url, -errno with @ex to judge by */
static int ask_once(struct conv *c, struct endpoint *ep,
		    const struct origin *realm, char **url, struct exchange *ex,
		    struct err *err)
{
	uint64_t now = clock_mono_ns();
	int r;

	ex->url = *url;
	ex->body_max = TOKEN_BODY_MAX;
	strv_add(&ex->headers, "Accept: application/json");
	r = endpoint_prepare(c, ep, realm, ex, err);
	if (r == 0)
		r = conv_run(c, ex, err);
	if (r < 0)
		return err_wrap(err, r, "%s: token server %s", ep->host,
				realm->host);
	if (ex->status == 200)
		return take_token(ep, ex, now, err);
	if (ex->status / 100 == 3) {
		r = token_redirect(ep, ex, realm, url, err);
		return r < 0 ? r : 1;
	}
	return response_error(ex, ep->host, err);
}

static int ask_token(struct conv *c, struct endpoint *ep,
		     const struct origin *realm, struct err *err)
{
	struct retry retry = { .start_ns = clock_mono_ns() };
	autofree char *url = xstrdup(ep->challenge.realm);
	unsigned int redirects = 0;
	bool first = true;
	uint64_t at;

	for (;;) {
		autofree char *asked = NULL;
		struct exchange ex;
		bool again;
		int r;

		exchange_init(&ex);
		/* The query is added once; a redirect brings its own */
		asked = xstrdup(url);
		r = set_request(c, ep, first ? &url : &asked, &ex, err);
		first = false;
		if (r == 0)
			r = ask_once(c, ep, realm, &url, &ex, err);
		again = r < 0 && conv_retry(c, &retry, &ex, &at);
		exchange_done(&ex);
		if (r == 0 || (r < 0 && !again))
			return r;
		if (r > 0 && ++redirects > TOKEN_REDIRECTS_MAX)
			return err_set(err, ERR_FAIL, ELOOP,
				       "%s: token server: too many redirects",
				       ep->host);
		if (again) {
			err_clear(err);
			r = conv_sleep(c, at, err);
			if (r < 0)
				return r;
		}
	}
}

int endpoint_authorize(struct conv *c, struct endpoint *ep, struct err *err)
{
	const struct challenge *ch = &ep->challenge;
	struct origin realm;
	int r;

	str_set(&ep->auth, NULL);
	ep->auth_until_ns = 0;
	if (!ch->bearer || !ch->realm) {
		/* Basic without credentials: the request itself will tell */
		if (ep->cred.user)
			ep->auth = basic_header(&ep->cred);
		return 0;
	}
	r = origin_parse(ch->realm, &realm, err);
	if (r < 0)
		return err_wrap(err, r, "%s: token server", ep->host);
	r = realm_check(c, ep, &realm, err);
	if (r == 0)
		r = ask_token(c, ep, &realm, err);
	/* Some refuse all when one of the repositories to mount from is not
	   ours: without it a blob is sent that could have been mounted */
	if (r == -EACCES && c->push && c->scopes) {
		err_clear(err);
		c->scopes = strv_free(c->scopes);
		r = ask_token(c, ep, &realm, err);
	}
	return r;
}
