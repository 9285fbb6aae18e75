/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One request as a small state machine, shared by the sequential ones
 * (transfer_run()) and the blobs that stream side by side (blob.c, upload.c):
 *
 *	start -> exchange ends -> look -> OK | AGAIN (start) | FAILED
 *
 * look() follows redirects, answers one challenge per start from scratch, and
 * decides about retries.  The Authorization header is decided anew for each
 * start by comparing origins, so it cannot leak along a redirect nor to the
 * Location of an upload; after a failure the original URL is asked again, as
 * signed URLs expire.  A request with a body follows only the redirects that
 * keep the method (307, 308).
 */
#include "storage/registry/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/str.h"
#include "util/strv.h"

#define REDIRECTS_MAX 10

void transfer_init(struct transfer *t, const char *path, const char *name,
		   size_t ep)
{
	*t = (struct transfer){
		.path = xstrdup(path),
		.name = xstrdup(name),
		.ep = ep,
		.retry = { .start_ns = clock_mono_ns() },
	};
	exchange_init(&t->ex);
}

void transfer_done(struct transfer *t)
{
	exchange_done(&t->ex);
	free(t->path);
	free(t->root);
	free(t->name);
	strv_free(t->headers);
	free(t->url);
	t->path = t->root = t->name = t->url = NULL;
	t->headers = NULL;
}

static void forget_redirects(struct transfer *t)
{
	str_set(&t->url, NULL);
	t->redirects = 0;
	t->foreign = false;
}

void transfer_progressed(struct transfer *t)
{
	t->retry = (struct retry){ .start_ns = clock_mono_ns() };
	t->challenged = false;
}

void transfer_rewind(struct transfer *t)
{
	forget_redirects(t);
	transfer_progressed(t);
	t->no_range = false;
}

static bool sends(const struct transfer *t)
{
	return t->method && !streq(t->method, "HEAD");
}

/* Where it begins: below the registry, or what an upload was told */
static int first_url(struct transfer *t, const struct endpoint *ep,
		     struct err *err)
{
	int r;

	if (!t->root) {
		t->url = xasprintf("%s/v2/%s/%s", ep->base, ep->repo, t->path);
		t->origin = ep->origin;
		return 0;
	}
	r = origin_parse(t->root, &t->origin, err);
	if (r < 0)
		return err_wrap(err, r, "%s", t->name);
	t->url = xstrdup(t->root);
	t->foreign = !origin_equal(&t->origin, &ep->origin);
	return 0;
}

int transfer_start(struct conv *c, struct transfer *t,
		   const struct http_sink *sink, size_t body_max,
		   struct err *err)
{
	struct endpoint *ep = &c->eps[t->ep];
	int r = endpoint_ready(c, ep, err);

	if (r == 0 && !t->url)
		r = first_url(t, ep, err);
	if (r < 0)
		return r;
	exchange_done(&t->ex);
	t->ex.url = t->url;
	t->ex.method = t->method;
	t->ex.send = sends(t) ? &t->send : NULL;
	t->ex.sink = sink;
	t->ex.body_max = body_max;
	strv_extend(&t->ex.headers, t->headers);
	if (ep->auth && !t->foreign)
		strv_add(&t->ex.headers, ep->auth);
	if (t->first && !t->no_range)
		strv_addf(&t->ex.headers, "Range: bytes=%" PRIu64 "-",
			  t->first);
	r = endpoint_prepare(c, ep, &t->origin, &t->ex, err);
	if (r == 0 && (sink || sends(t)))
		t->ex.stall_ns = c->stall_ns;
	return r < 0 ? r : http_start(c->http, &t->ex, err);
}

/* Where the answer points, and whether one may go there; *ret is owned */
static int resolve(struct conv *c, const struct transfer *t, const char *what,
		   char **ret, struct origin *to, struct err *err)
{
	autofree char *next = NULL;
	int r;

	if (!t->ex.location)
		return err_set(err, ERR_INVALID, EPROTO, "%s: %s to nowhere",
			       t->name, what);
	r = url_resolve(t->url, t->ex.location, &next, err);
	if (r == 0)
		r = origin_parse(next, to, err);
	if (r < 0)
		return err_wrap(err, r, "%s: %s", t->name, what);
	if (!to->https && !conv_plain_allowed(c, &t->origin, to))
		return err_set(err, ERR_FAIL, EACCES,
			       "%s: %s from %s to plain http at %s, refused",
			       t->name, what, t->origin.host, to->host);
	*ret = take_ptr(next);
	return 0;
}

int transfer_location(struct conv *c, const struct transfer *t, char **ret,
		      struct err *err)
{
	struct origin to;

	return resolve(c, t, "upload location", ret, &to, err);
}

static int redirect(struct conv *c, struct transfer *t, struct err *err)
{
	const struct endpoint *ep = &c->eps[t->ep];
	autofree char *next = NULL;
	struct origin to;
	int r;

	if (++t->redirects > REDIRECTS_MAX)
		return err_set(err, ERR_FAIL, ELOOP,
			       "%s: more than %d redirects", t->name,
			       REDIRECTS_MAX);
	if (sends(t) && t->ex.status < 307)
		return err_set(err, ERR_INVALID, EPROTO,
			       "%s: redirect (HTTP %ld) of a request that "
			       "sends data, refused", t->name, t->ex.status);
	r = resolve(c, t, "redirect", &next, &to, err);
	if (r < 0)
		return r;
	free(t->url);
	t->url = take_ptr(next);
	t->origin = to;
	t->foreign = !origin_equal(&to, &ep->origin);
	return 0;
}

static bool is_redirect(long status)
{
	return (status >= 301 && status <= 303) || status == 307 ||
	       status == 308;
}

/* Who shows no credentials may not know that some are needed */
static void refused(const struct conv *c, const struct transfer *t,
		    struct err *err)
{
	const struct endpoint *ep = &c->eps[t->ep];
	struct err why = ERR_INIT;

	response_error(&t->ex, t->name, &why);
	if (why.code == EACCES && !c->url && !auth_cred_is_set(&ep->cred))
		err_set(err, why.kind, why.code,
			"%s (not logged in, see bryo login %s)", why.msg,
			ep->host);
	else if (err)
		*err = why;
}

static enum transfer_next failed_exchange(struct conv *c, struct transfer *t,
					  uint64_t *ret_at_ns, struct err *err)
{
	if (conv_retry(c, &t->retry, &t->ex, ret_at_ns)) {
		forget_redirects(t);
		return TRANSFER_AGAIN;
	}
	if (t->ex.code == CURLE_OK) {
		refused(c, t, err);
	} else {
		if (err)
			*err = t->ex.err;
		if (t->foreign)
			err_wrap(err, -1, "%s", t->origin.host);
		err_wrap(err, -1, "%s", t->name);
	}
	return TRANSFER_FAILED;
}

enum transfer_next transfer_look(struct conv *c, struct transfer *t,
				 uint64_t *ret_at_ns, struct err *err)
{
	struct exchange *ex = &t->ex;
	int r;

	*ret_at_ns = 0;
	if (ex->code != CURLE_OK)
		return failed_exchange(c, t, ret_at_ns, err);
	if (ex->status == 200 || ex->status == 206 ||
	    (t->method && ex->status / 100 == 2))
		return TRANSFER_OK;
	if (is_redirect(ex->status)) {
		r = redirect(c, t, err);
		return r < 0 ? TRANSFER_FAILED : TRANSFER_AGAIN;
	}
	if (ex->status == 401 && !t->challenged && !t->foreign &&
	    ex->www_auth) {
		t->challenged = true;
		r = endpoint_challenged(c, &c->eps[t->ep], ex->www_auth, err);
		return r < 0 ? TRANSFER_FAILED : TRANSFER_AGAIN;
	}
	if (ex->status == 416 && t->first && !t->no_range) {
		t->no_range = true;
		forget_redirects(t);
		return TRANSFER_AGAIN;
	}
	return failed_exchange(c, t, ret_at_ns, err);
}

int transfer_once(struct conv *c, struct transfer *t,
		  const struct http_sink *sink, size_t body_max,
		  struct err *err)
{
	int r = transfer_start(c, t, sink, body_max, err);

	while (r >= 0 && !t->ex.finished)
		r = conv_turn(c, false, 1000, err);
	return r < 0 ? r : 0;
}

int transfer_settle(struct conv *c, struct transfer *t, struct err *err)
{
	uint64_t at;
	enum transfer_next next = transfer_look(c, t, &at, err);

	if (next == TRANSFER_OK)
		return 1;
	if (next == TRANSFER_FAILED)
		return err && err->code ? -err->code : -EIO;
	return conv_sleep(c, at, err);
}

int transfer_run(struct conv *c, struct transfer *t, size_t body_max,
		 struct err *err)
{
	int r;

	do {
		r = transfer_once(c, t, NULL, body_max, err);
		if (r == 0)
			r = transfer_settle(c, t, err);
	} while (r == 0);
	return r < 0 ? r : 0;
}
