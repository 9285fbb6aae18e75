/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One GET as a small state machine, shared by the sequential requests
 * (transfer_get()) and the blobs that stream side by side (blob.c):
 *
 *	start -> exchange ends -> look -> OK | AGAIN (start) | FAILED
 *
 * look() follows redirects, answers one challenge per start from scratch, and
 * decides about retries.  The Authorization header is decided anew for each
 * start by comparing origins, so it cannot leak along a redirect; after a
 * failure the original URL is asked again, as signed URLs expire.
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
	free(t->name);
	strv_free(t->headers);
	free(t->url);
	t->path = t->name = t->url = NULL;
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

int transfer_start(struct conv *c, struct transfer *t,
		   const struct http_sink *sink, size_t body_max,
		   struct err *err)
{
	struct endpoint *ep = &c->eps[t->ep];
	int r = endpoint_ready(c, ep, err);

	if (r < 0)
		return r;
	if (!t->url) {
		t->url = xasprintf("%s/v2/%s/%s", ep->base, ep->repo, t->path);
		t->origin = ep->origin;
	}
	exchange_done(&t->ex);
	t->ex.url = t->url;
	t->ex.sink = sink;
	t->ex.body_max = body_max;
	strv_extend(&t->ex.headers, t->headers);
	if (ep->auth && !t->foreign)
		strv_add(&t->ex.headers, ep->auth);
	if (t->first && !t->no_range)
		strv_addf(&t->ex.headers, "Range: bytes=%" PRIu64 "-",
			  t->first);
	r = endpoint_prepare(c, ep, &t->origin, &t->ex, err);
	if (r == 0 && sink)
		t->ex.stall_ns = c->stall_ns;
	return r < 0 ? r : http_start(c->http, &t->ex, err);
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
	if (!t->ex.location)
		return err_set(err, ERR_INVALID, EPROTO,
			       "%s: redirect to nowhere", t->name);
	r = url_resolve(t->url, t->ex.location, &next, err);
	if (r == 0)
		r = origin_parse(next, &to, err);
	if (r < 0)
		return err_wrap(err, r, "%s: redirect", t->name);
	if (!to.https && !conv_plain_allowed(c, &t->origin, &to))
		return err_set(
			err, ERR_FAIL, EACCES,
			"%s: redirect from %s to plain http at %s, refused",
			t->name, t->origin.host, to.host);
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

static enum transfer_next failed_exchange(struct conv *c, struct transfer *t,
					  uint64_t *ret_at_ns, struct err *err)
{
	if (conv_retry(c, &t->retry, &t->ex, ret_at_ns)) {
		forget_redirects(t);
		return TRANSFER_AGAIN;
	}
	if (t->ex.code == CURLE_OK) {
		response_error(&t->ex, t->name, err);
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
	if (ex->status == 200 || ex->status == 206)
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

int transfer_get(struct conv *c, struct transfer *t, size_t body_max,
		 struct err *err)
{
	for (;;) {
		enum transfer_next next;
		uint64_t at;
		int r;

		r = transfer_start(c, t, NULL, body_max, err);
		while (r >= 0 && !t->ex.finished)
			r = conv_turn(c, false, 1000, err);
		if (r < 0)
			return r;
		next = transfer_look(c, t, &at, err);
		if (next == TRANSFER_OK)
			return 0;
		if (next == TRANSFER_FAILED)
			return err && err->code ? -err->code : -EIO;
		r = conv_sleep(c, at, err);
		if (r < 0)
			return r;
	}
}
