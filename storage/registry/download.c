/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One file of a web server, for `load` and `import` of a URL.  The machinery
 * is that of registries (transfer.c: redirects, retries, bounds), the rules
 * are stricter: there are no credentials to send, so a challenge is a
 * failure; no registries.conf is asked; the certificate is always verified.
 *
 * Redirects go to http and https only.  From https none leads to plain http,
 * and nobody but this machine itself redirects to this machine (see
 * conv_plain_allowed()).
 */
#include "storage/registry/download.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "storage/registry/transfer.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

/**
 * struct download - where the body goes
 * @fd:   borrowed
 * @done: bytes written
 */
struct download {
	int fd;
	uint64_t max;
	uint64_t done;
};

int download_prepare(struct conv *c, const char *url, struct err *err)
{
	struct endpoint *ep = xcalloc(1, sizeof(*ep));
	autofree char *host = NULL;
	int r;

	c->eps = ep;
	c->n_eps = 1;
	c->url = xstrdup(url);
	r = origin_parse(url, &ep->origin, err);
	if (r < 0)
		return r;
	host = host_port(&ep->origin);
	r = tls_files_read(c->env, NULL, host, &ep->tls, err);
	if (r < 0)
		return r;
	/* The certificate of the user is for the registry of this host */
	sb_done(&ep->tls.cert);
	sb_done(&ep->tls.key);
	ep->host = take_ptr(host);
	ep->repo = xstrdup("");
	ep->verify = true;
	ep->ready = true;
	return 0;
}

/* ---- the sink ---------------------------------------------------------- */

static int too_large(const struct download *d, struct err *err)
{
	return err_set(err, ERR_LIMIT, EFBIG,
		       "more than the limit of %" PRIu64 " bytes", d->max);
}

static int sink_begin(void *arg, struct exchange *ex, struct err *err)
{
	const struct download *d = arg;

	if (ex->status != 200)
		return err_set(err, ERR_INVALID, EPROTO,
			       "part of a file, where all of it was asked for");
	if (ex->length >= 0 && (uint64_t)ex->length > d->max)
		return too_large(d, err);
	return 0;
}

static size_t sink_write(void *arg, const char *data, size_t len,
			 struct err *err)
{
	struct download *d = arg;
	int r = 0;

	if (len > d->max - d->done)
		r = too_large(d, err);
	if (r == 0) {
		r = fd_write_full(d->fd, data, len);
		if (r < 0)
			err_code(err, r, "hand over the data");
	}
	if (r < 0)
		return HTTP_FAIL;
	d->done += len;
	return len;
}

/* ---- the transfer ------------------------------------------------------ */

static int broken(const struct transfer *t, struct err *err)
{
	if (err)
		*err = t->ex.err;
	return err_wrap(err, -t->ex.err.code, "%s", t->name);
}

static int run(struct conv *c, struct transfer *t, struct download *d,
	       struct err *err)
{
	const struct http_sink sink = { sink_begin, sink_write, d };
	int r;

	do {
		r = transfer_once(c, t, &sink, 0, err);
		if (r == 0 && d->done && t->ex.code != CURLE_OK)
			return broken(t, err);
		if (r == 0)
			r = transfer_settle(c, t, err);
	} while (r == 0);
	return r < 0 ? r : 0;
}

int download_run(struct conv *c, uint64_t max, int fd, struct err *err)
{
	struct download d = { .fd = fd, .max = max };
	struct transfer t;
	int r;

	transfer_init(&t, "", c->url, 0);
	t.root = xstrdup(c->url);
	/* There is nothing that would answer a challenge */
	t.challenged = true;
	strv_add(&t.headers, "Accept: */*");
	r = run(c, &t, &d, err);
	transfer_done(&t);
	return r;
}
