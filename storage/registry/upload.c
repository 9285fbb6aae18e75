/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One blob to the registry is a conversation of several requests:
 *
 *   HEAD -> there already: done
 *   POST -> mounted from another repository: done; else a Location
 *   PUT  -> everything in one request: done
 *
 * That is three round trips and one copy, and what every registry accepts.
 * Where the one large request does not get through (413, or the connection
 * breaks) a new upload is begun that sends pieces:
 *
 *   POST -> PATCH ... PATCH -> COMMIT (a PUT without body)
 *
 * A piece that breaks is followed by STATUS (GET of the Location), which says
 * from where to go on, so a bad line costs one piece and not the blob.  When
 * the registry does not know the upload any more it begins with POST again.
 * Tries are counted by the transfer and earned back by progress.
 *
 * A Location may lead to another host (a signed URL of an object store): the
 * Authorization line does not go there, see transfer.c.
 *
 * Nothing is hashed here.  The file is named by its digest in the store, and
 * the registry checks it against the digest of the PUT before it keeps it.
 */
#include "storage/registry/upload.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "storage/registry/events.h"
#include "storage/registry/headers.h"
#include "storage/registry/transfer.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/str.h"
#include "util/strv.h"

#define PROGRESS_NS (100 * NS_PER_MS)
#define IDLE_MS 1000
#define PIECE_DEFAULT (UINT64_C(16) << 20)
#define PIECE_MIN (UINT64_C(256) << 10)
#define PIECE_MAX (UINT64_C(1) << 30)
#define BODY_MAX (1u << 20)

enum step { STEP_HEAD, STEP_POST, STEP_PUT, STEP_PATCH, STEP_STATUS,
	    STEP_COMMIT };

enum upload_state {
	UPLOAD_QUEUED, /* start at wake_ns */
	UPLOAD_RUNNING,
	UPLOAD_OVER, /* told the client */
};

/**
 * struct upload - one blob
 * @fd:       owned
 * @from:     repository to mount from, until that was tried; owned
 * @location: of the upload that is open; owned
 * @pieces:   send @piece bytes at a time
 * @done:     bytes that the registry has of this upload
 * @told:     what the last progress event said, at @told_ns
 * @restarts: times a new upload was begun
 */
struct upload {
	struct conv *conv;
	enum upload_state state;
	enum step step;
	struct transfer t;
	uint32_t key;
	int fd;
	char *digest;
	char *from;
	char *location;
	uint64_t size;
	bool pieces;
	uint64_t piece;
	uint64_t done;
	uint64_t told;
	uint64_t told_ns;
	uint64_t wake_ns;
	unsigned int restarts;
	struct upload *next;
};

void upload_add(struct conv *c, const char *digest, uint64_t size,
		const char *from, int fd, uint32_t key)
{
	autofree char *name =
		xasprintf("%s/%s: blob %.19s", c->host, c->repo, digest);
	struct upload *u = xcalloc(1, sizeof(*u));
	struct upload **at = &c->uploads;

	*u = (struct upload){
		.conv = c,
		.key = key,
		.fd = fd,
		.digest = xstrdup(digest),
		.from = xstrdup(from),
		.size = size,
		.piece = PIECE_DEFAULT,
	};
	transfer_init(&u->t, "", name, c->n_eps - 1);
	while (*at)
		at = &(*at)->next;
	*at = u;
}

/* @how: "exists", "mounted", "sent"; NULL with @why */
static void over(struct upload *u, const char *how, const struct err *why)
{
	transfer_done(&u->t);
	close_fd(u->fd);
	free(u->digest);
	free(u->from);
	free(u->location);
	u->digest = u->from = u->location = NULL;
	u->state = UPLOAD_OVER;
	if (how)
		event_sent(u->conv, u->key, u->size, how);
	else
		event_over(u->conv, u->key, u->done, why);
}

/* ---- one request ------------------------------------------------------- */

static void go_to(struct upload *u, enum step step)
{
	u->step = step;
	u->state = UPLOAD_QUEUED;
	u->wake_ns = 0;
}

/* Where the upload is open, with the digest that closes it */
static int close_url(struct upload *u, struct err *err)
{
	str_set(&u->t.root, u->location);
	return url_add_query(&u->t.root, "digest", u->digest, err);
}

static void set_path(struct upload *u)
{
	str_set(&u->t.root, NULL);
	free(u->t.path);
	if (u->step == STEP_HEAD)
		u->t.path = xasprintf("blobs/%s", u->digest);
	else if (u->from)
		u->t.path = xasprintf("blobs/uploads/?mount=%s&from=%s",
				      u->digest, u->from);
	else
		u->t.path = xstrdup("blobs/uploads/");
}

static void set_body(struct upload *u, uint64_t len)
{
	u->t.send = (struct http_body){ .fd = u->fd, .offset = u->done,
					.len = len };
	if (len)
		strv_add(&u->t.headers,
			 "Content-Type: application/octet-stream");
}

/* The right to read where it is mounted from */
static void ask_for_source(struct upload *u)
{
	autofree char *scope = xasprintf("repository:%s:pull", u->from);

	endpoint_add_scope(u->conv, &u->conv->eps[u->t.ep], scope);
}

static int set_request(struct upload *u, struct err *err)
{
	uint64_t len = MIN(u->piece, u->size - u->done);
	int r = 0;

	strv_free(u->t.headers);
	u->t.headers = NULL;
	str_set(&u->t.url, NULL);
	u->t.redirects = 0;
	u->t.challenged = false;
	u->t.foreign = false;
	set_body(u, 0);
	switch (u->step) {
	case STEP_HEAD:
		u->t.method = "HEAD";
		set_path(u);
		break;
	case STEP_POST:
		u->t.method = "POST";
		set_path(u);
		if (u->from)
			ask_for_source(u);
		break;
	case STEP_PUT:
		u->t.method = "PUT";
		u->done = 0;
		set_body(u, u->size);
		r = close_url(u, err);
		break;
	case STEP_PATCH:
		u->t.method = "PATCH";
		str_set(&u->t.root, u->location);
		set_body(u, len);
		strv_addf(&u->t.headers,
			  "Content-Range: %" PRIu64 "-%" PRIu64, u->done,
			  u->done + len - 1);
		break;
	case STEP_STATUS:
		u->t.method = NULL;
		str_set(&u->t.root, u->location);
		break;
	case STEP_COMMIT:
		u->t.method = "PUT";
		r = close_url(u, err);
		break;
	}
	return r;
}

static void start(struct upload *u)
{
	struct err why = ERR_INIT;
	int r;

	u->state = UPLOAD_RUNNING;
	u->t.retry.start_ns = clock_mono_ns();
	r = set_request(u, &why);
	if (r == 0 && FAULT("registry.upload.start") < 0)
		r = err_sys(&why, "%s", u->t.name);
	if (r == 0)
		r = transfer_start(u->conv, &u->t, NULL, BODY_MAX, &why);
	if (r < 0)
		over(u, NULL, &why);
}

/* ---- answers ----------------------------------------------------------- */

static int take_location(struct upload *u, struct err *err)
{
	char *url = NULL;
	int r = transfer_location(u->conv, &u->t, &url, err);

	if (r < 0)
		return r;
	free(u->location);
	u->location = url;
	return 0;
}

/* "Range: 0-N" says what the registry has; without it @expect is believed */
static int take_range(struct upload *u, uint64_t expect, struct err *err)
{
	uint64_t have = expect;

	if (u->t.ex.range && upload_range(u->t.ex.range, &have) < 0)
		return err_set(err, ERR_INVALID, EPROTO,
			       "%s: wrong Range in the answer", u->t.name);
	/* "0-0" is what docker-registry says of none, and of one */
	if (have == 1 && expect != 1)
		have = 0;
	if (have > expect)
		return err_set(err, ERR_INVALID, EPROTO,
			       "%s: the registry claims to have %" PRIu64
			       " bytes of the %" PRIu64 " that were sent",
			       u->t.name, have, expect);
	if (have > u->done)
		transfer_progressed(&u->t);
	u->done = have;
	return 0;
}

static void next_piece(struct upload *u)
{
	go_to(u, u->done == u->size ? STEP_COMMIT : STEP_PATCH);
}

static int posted(struct upload *u, struct err *err)
{
	uint64_t min = 0;
	int r;

	if (u->t.ex.status == 201 && u->from) {
		over(u, "mounted", NULL);
		return 0;
	}
	str_set(&u->from, NULL);
	r = take_location(u, err);
	if (r < 0)
		return r;
	if (u->t.ex.chunk_min && parse_u64(u->t.ex.chunk_min, &min) == 0)
		u->piece = MIN(MAX(u->piece, min), PIECE_MAX);
	u->done = 0;
	go_to(u, u->pieces && u->size ? STEP_PATCH : STEP_PUT);
	return 0;
}

static int patched(struct upload *u, struct err *err)
{
	uint64_t before = u->done;
	int r = take_location(u, err);

	if (r == 0)
		r = take_range(u, u->done + u->t.send.len, err);
	if (r < 0)
		return r;
	if (u->done == before && u->t.retry.tries++ >= u->conv->retry)
		return err_set(err, ERR_FAIL, EPROTO,
			       "%s: the registry takes no data", u->t.name);
	next_piece(u);
	return 0;
}

static int status_known(struct upload *u, struct err *err)
{
	int r = 0;

	if (!u->t.ex.range)
		return err_set(err, ERR_INVALID, EPROTO,
			       "%s: upload of unknown state", u->t.name);
	if (u->t.ex.location)
		r = take_location(u, err);
	if (r == 0)
		r = take_range(u, u->size, err);
	if (r == 0)
		next_piece(u);
	return r;
}

static int answered(struct upload *u, struct err *err)
{
	switch (u->step) {
	case STEP_HEAD:
		over(u, "exists", NULL);
		return 0;
	case STEP_POST:
		return posted(u, err);
	case STEP_PATCH:
		return patched(u, err);
	case STEP_STATUS:
		return status_known(u, err);
	case STEP_PUT:
	case STEP_COMMIT:
		over(u, "sent", NULL);
		return 0;
	}
	return -EINVAL;
}

/* ---- failures ---------------------------------------------------------- */

static void new_upload(struct upload *u, uint64_t at_ns)
{
	u->pieces = true;
	str_set(&u->location, NULL);
	go_to(u, STEP_POST);
	u->wake_ns = at_ns;
}

/* A new upload, in pieces; false when that was tried often enough */
static bool begin_again(struct upload *u, uint64_t at_ns)
{
	if (u->restarts++ >= u->conv->retry)
		return false;
	new_upload(u, at_ns);
	return true;
}

static bool smaller_pieces(struct upload *u)
{
	if (u->pieces && u->piece <= PIECE_MIN)
		return false;
	if (u->pieces)
		u->piece = MAX(u->piece / 4, PIECE_MIN);
	new_upload(u, 0);
	return true;
}

/* The transfer would try the same request again: not with half of a body */
static bool retried(struct upload *u)
{
	switch (u->step) {
	case STEP_HEAD:
	case STEP_POST:
	case STEP_STATUS:
		u->state = UPLOAD_QUEUED;
		return true;
	case STEP_PATCH:
	case STEP_COMMIT:
		u->step = STEP_STATUS;
		u->state = UPLOAD_QUEUED;
		return true;
	case STEP_PUT:
		return begin_again(u, u->wake_ns);
	}
	return false;
}

/* A final answer that still leaves another way.  Return: false = give up */
static bool refused(struct upload *u)
{
	long status = u->t.ex.code == CURLE_OK ? u->t.ex.status : 0;

	switch (u->step) {
	case STEP_HEAD:
		if (status != 400 && status != 403 && status != 404 &&
		    status != 405)
			return false;
		go_to(u, STEP_POST);
		return true;
	case STEP_POST:
		/* Not the right to read the other repository, perhaps */
		if (!u->from || status / 100 != 4)
			return false;
		str_set(&u->from, NULL);
		go_to(u, STEP_POST);
		return true;
	case STEP_PUT:
		if (status == 413)
			return smaller_pieces(u);
		return (status == 404 || status == 405) && !u->pieces &&
		       begin_again(u, 0);
	case STEP_PATCH:
		if (status == 413)
			return smaller_pieces(u);
		if (status == 416) {
			go_to(u, STEP_STATUS);
			return u->t.retry.tries++ < u->conv->retry;
		}
		return status == 404 && begin_again(u, 0);
	case STEP_STATUS:
		return begin_again(u, 0);
	case STEP_COMMIT:
		return status == 404 && begin_again(u, 0);
	}
	return false;
}

static void look(struct upload *u)
{
	unsigned int tries = u->t.retry.tries;
	struct err why = ERR_INIT;
	enum transfer_next next;
	bool again = false;

	if (u->step == STEP_STATUS && u->t.ex.code == CURLE_OK &&
	    u->t.ex.status == 204)
		next = TRANSFER_OK;
	else
		next = transfer_look(u->conv, &u->t, &u->wake_ns, &why);
	if (next == TRANSFER_OK) {
		if (answered(u, &why) < 0 &&
		    !(u->step == STEP_STATUS && begin_again(u, 0)))
			over(u, NULL, &why);
		return;
	}
	if (next == TRANSFER_AGAIN && tries == u->t.retry.tries) {
		/* A redirect or a new token: the same request, as prepared */
		if (transfer_start(u->conv, &u->t, NULL, BODY_MAX, &why) < 0)
			over(u, NULL, &why);
		return;
	}
	again = next == TRANSFER_AGAIN ? retried(u) : refused(u);
	if (!again) {
		if (!err_is_set(&why))
			response_error(&u->t.ex, u->t.name, &why);
		over(u, NULL, &why);
	}
}

/* ---- the list ---------------------------------------------------------- */

static unsigned int count_running(const struct conv *c)
{
	unsigned int n = 0;

	for (const struct upload *u = c->uploads; u; u = u->next)
		n += u->state == UPLOAD_RUNNING;
	return n;
}

static void progress(struct upload *u, uint64_t now)
{
	uint64_t done = u->done + u->t.send.sent;

	if (done == u->told || now - u->told_ns < PROGRESS_NS)
		return;
	u->told = done;
	u->told_ns = now;
	event_progress(u->conv, u->key, done);
}

static void step(struct upload *u, uint64_t now)
{
	if (u->state == UPLOAD_RUNNING) {
		progress(u, now);
		if (u->t.ex.finished)
			look(u);
	}
	if (u->state == UPLOAD_QUEUED && now >= u->wake_ns &&
	    count_running(u->conv) < UPLOADS_RUNNING_MAX)
		start(u);
}

static void sweep(struct conv *c)
{
	struct upload **at = &c->uploads;

	while (*at) {
		struct upload *u = *at;

		if (u->state != UPLOAD_OVER) {
			at = &u->next;
			continue;
		}
		*at = u->next;
		free(u);
	}
}

int uploads_step(struct conv *c)
{
	uint64_t now = clock_mono_ns();
	uint64_t wait = IDLE_MS;

	for (struct upload *u = c->uploads; u; u = u->next) {
		step(u, now);
		if (u->state == UPLOAD_RUNNING)
			wait = MIN(wait, PROGRESS_NS / NS_PER_MS);
		else if (u->state == UPLOAD_QUEUED && u->wake_ns > now)
			wait = MIN(wait, (u->wake_ns - now) / NS_PER_MS + 1);
		/* One ended: look for who may start now */
		if (u->state == UPLOAD_OVER ||
		    (u->state == UPLOAD_RUNNING && u->t.ex.finished))
			wait = 0;
	}
	sweep(c);
	return (int)wait;
}
