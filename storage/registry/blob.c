/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Blobs stream from libcurl's write callback straight into the pipe of
 * whoever unpacks them.  A pipe that is full takes part of a buffer: the rest
 * is kept (`rest`, never more than libcurl's buffer) and the transfer paused,
 * which lets TCP slow the registry down; blobs_flush() empties it when the
 * pipe drains.  Several blobs do this side by side.
 *
 * `done` counts the bytes handed over, offset included.  A connection that
 * breaks is resumed from there with Range, so the reader sees one stream;
 * a server that answers 200 sends all again and `skip` drops what was had.
 * As long as a resumed transfer makes progress its tries do not run out.
 *
 * Nothing is verified here: the reader hashes, and knows size and digest.
 */
#include "storage/registry/blob.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "storage/registry/events.h"
#include "storage/registry/transfer.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define PROGRESS_NS (100 * NS_PER_MS)
#define IDLE_MS 1000

enum blob_state {
	BLOB_QUEUED, /* start at wake_ns */
	BLOB_RUNNING,
	BLOB_DRAINING, /* all received, the pipe has to take the rest */
	BLOB_OVER,     /* told the client */
};

/**
 * struct blob - one transfer
 * @fd:     the pipe; owned
 * @broken: -errno of the pipe: its reader is gone
 * @done:   bytes taken off the connection and not dropped, offset included
 * @skip:   bytes still to drop of this answer
 * @mark:   `done` when it was started last
 * @told:   `done` of the last progress event, at @told_ns
 * @rest:   what the pipe did not take yet
 */
struct blob {
	struct conv *conv;
	enum blob_state state;
	struct transfer t;
	struct http_sink sink;
	uint32_t key;
	int fd;
	int broken;
	uint64_t size;
	uint64_t done;
	uint64_t skip;
	uint64_t mark;
	uint64_t told;
	uint64_t told_ns;
	uint64_t wake_ns;
	struct sb rest;
	struct blob *next;
};

/* ---- the sink ---------------------------------------------------------- */

/* A 206 has to continue exactly where we stopped, of a blob of this size */
static int check_range(const struct blob *b, const struct exchange *ex,
		       struct err *err)
{
	uint64_t first, last, size;

	if (!ex->content_range ||
	    content_range(ex->content_range, &first, &last, &size) < 0 ||
	    first != b->done || size != b->size || last + 1 != size)
		return err_set(err, ERR_INVALID, EPROTO,
			       "wrong Content-Range in the answer");
	return 0;
}

static int sink_begin(void *arg, struct exchange *ex, struct err *err)
{
	struct blob *b = arg;
	uint64_t want = b->size;

	b->skip = b->done;
	if (ex->status == 206) {
		if (check_range(b, ex, err) < 0)
			return -EPROTO;
		b->skip = 0;
		want -= b->done;
	}
	if (ex->length >= 0 && (uint64_t)ex->length != want)
		return err_set(err, ERR_INVALID, EPROTO,
			       "the registry sends %" PRId64
			       " bytes where %" PRIu64 " are left of the blob",
			       ex->length, want);
	return 0;
}

/* As much as the pipe takes now; -errno */
static ssize_t pipe_write(struct blob *b, const char *data, size_t len)
{
	ssize_t n;

	do
		n = write(b->fd, data, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n;
}

static size_t sink_write(void *arg, const char *data, size_t len,
			 struct err *err)
{
	struct blob *b = arg;
	size_t drop = (size_t)MIN((uint64_t)len, b->skip);
	ssize_t n;

	if (b->rest.len)
		return HTTP_PAUSE;
	if (b->done - b->skip + len > b->size) {
		err_set(err, ERR_INVALID, EPROTO,
			"the registry sends more than the %" PRIu64
			" bytes of the blob",
			b->size);
		return HTTP_FAIL;
	}
	b->skip -= drop;
	n = b->broken ? b->broken : pipe_write(b, data + drop, len - drop);
	if (n < 0) {
		b->broken = (int)n;
		err_code(err, (int)n, "hand over the data");
		return HTTP_FAIL;
	}
	sb_addn(&b->rest, data + drop + n, len - drop - (size_t)n);
	b->done += len - drop;
	return len;
}

/* ---- the list ---------------------------------------------------------- */

int blob_add(struct conv *c, const char *digest, uint64_t size, uint64_t offset,
	     int fd, uint32_t key, struct err *err)
{
	autofree char *path = xasprintf("blobs/%s", digest);
	autofree char *name =
		xasprintf("%s/%s: blob %.19s", c->host, c->repo, digest);
	struct blob *b = xcalloc(1, sizeof(*b));
	struct blob **at = &c->blobs;
	int r;

	*b = (struct blob){
		.conv = c,
		.sink = { sink_begin, sink_write, b },
		.key = key,
		.fd = fd,
		.size = size,
		.done = offset,
		.told = offset,
		.rest = SB_INIT,
	};
	transfer_init(&b->t, path, name, c->current);
	strv_add(&b->t.headers, "Accept: */*");
	while (*at)
		at = &(*at)->next;
	*at = b;
	r = fd_nonblock(fd, true);
	return r < 0 ? err_code(err, r, "%s: pipe", name) : 0;
}

void blobs_flush(struct conv *c)
{
	for (struct blob *b = c->blobs; b; b = b->next) {
		ssize_t n;

		if (!b->rest.len)
			continue;
		n = pipe_write(b, b->rest.buf, b->rest.len);
		if (n < 0) {
			b->broken = (int)n;
			n = (ssize_t)b->rest.len;
		}
		sb_drop(&b->rest, (size_t)n);
		if (!b->rest.len)
			http_resume(&b->t.ex);
	}
}

unsigned int blobs_wait_fds(struct conv *c, struct curl_waitfd *fds,
			    unsigned int max)
{
	unsigned int n = 0;

	for (struct blob *b = c->blobs; b && n < max; b = b->next) {
		if (b->rest.len)
			fds[n++] = (struct curl_waitfd){
				.fd = b->fd, .events = CURL_WAIT_POLLOUT
			};
	}
	return n;
}

static bool is_active(const struct blob *b)
{
	return b->state == BLOB_RUNNING || b->state == BLOB_DRAINING;
}

static unsigned int count_active(const struct conv *c)
{
	unsigned int n = 0;

	for (const struct blob *b = c->blobs; b; b = b->next)
		n += is_active(b);
	return n;
}

static void sweep(struct conv *c)
{
	struct blob **at = &c->blobs;

	while (*at) {
		struct blob *b = *at;

		if (b->state != BLOB_OVER) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		free(b);
	}
}

/* ---- its life ---------------------------------------------------------- */

static void over(struct blob *b, const struct err *why)
{
	transfer_done(&b->t);
	close_fd(b->fd);
	sb_done(&b->rest);
	b->state = BLOB_OVER;
	event_over(b->conv, b->key, b->done, why);
}

/* The next endpoint gets a chance when a mirror failed, from where it broke */
static void give_up(struct blob *b, const struct err *why)
{
	if (b->broken || b->t.ep + 1 >= b->conv->n_eps) {
		over(b, why);
		return;
	}
	b->t.ep++;
	transfer_rewind(&b->t);
	b->state = BLOB_QUEUED;
	b->wake_ns = 0;
}

static void start(struct blob *b)
{
	struct err why = ERR_INIT;

	b->mark = b->done;
	b->t.first = b->done;
	b->state = BLOB_RUNNING;
	if (FAULT("registry.blob.start") < 0) {
		err_sys(&why, "%s", b->t.name);
		over(b, &why);
		return;
	}
	if (transfer_start(b->conv, &b->t, &b->sink, 0, &why) < 0)
		give_up(b, &why);
}

/* The whole body of a 200 or 206 was taken */
static void look_at_end(struct blob *b)
{
	struct err why = ERR_INIT;

	if (b->done == b->size && !b->skip) {
		b->state = BLOB_DRAINING;
		return;
	}
	err_set(&why, ERR_INVALID, EPROTO,
		"%s: only %" PRIu64 " of %" PRIu64 " bytes came", b->t.name,
		b->done, b->size);
	give_up(b, &why);
}

static void look(struct blob *b)
{
	struct err why = ERR_INIT;

	/* Whatever became of the connection, all bytes are here */
	if (b->t.ex.sinking && b->done == b->size && !b->skip &&
	    b->t.ex.code != CURLE_WRITE_ERROR)
		b->t.ex.code = CURLE_OK;
	if (b->t.ex.code == CURLE_OK && b->t.ex.sinking) {
		look_at_end(b);
		return;
	}
	/* Progress earns new tries, so that a long blob survives many breaks */
	if (b->done > b->mark)
		transfer_progressed(&b->t);
	if (transfer_look(b->conv, &b->t, &b->wake_ns, &why) == TRANSFER_AGAIN)
		b->state = BLOB_QUEUED;
	else
		give_up(b, &why);
}

/* The last bytes count once the pipe has them */
static void drained(struct blob *b)
{
	struct err why = ERR_INIT;

	if (b->broken)
		err_code(&why, b->broken, "%s: hand over the data", b->t.name);
	over(b, b->broken ? &why : NULL);
}

static void progress(struct blob *b, uint64_t now)
{
	if (b->done == b->told || now - b->told_ns < PROGRESS_NS)
		return;
	b->told = b->done;
	b->told_ns = now;
	event_progress(b->conv, b->key, b->done);
}

static void step(struct blob *b, uint64_t now)
{
	if (b->state == BLOB_RUNNING) {
		progress(b, now);
		if (b->t.ex.finished)
			look(b);
	}
	if (b->state == BLOB_DRAINING && !b->rest.len)
		drained(b);
	if (b->state == BLOB_QUEUED && now >= b->wake_ns &&
	    count_active(b->conv) < BLOBS_RUNNING_MAX)
		start(b);
}

int blobs_step(struct conv *c)
{
	uint64_t now = clock_mono_ns();
	uint64_t wait = IDLE_MS;

	for (struct blob *b = c->blobs; b; b = b->next) {
		step(b, now);
		if (is_active(b))
			wait = MIN(wait, PROGRESS_NS / NS_PER_MS);
		else if (b->state == BLOB_QUEUED && b->wake_ns > now)
			wait = MIN(wait, (b->wake_ns - now) / NS_PER_MS + 1);
		/* One ended or failed at once: look for who may start now */
		if (b->state == BLOB_OVER || (is_active(b) && b->t.ex.finished))
			wait = 0;
	}
	sweep(c);
	return (int)wait;
}
