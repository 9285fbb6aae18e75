/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Control exchanges (ping, token, manifest, config, tags) are written as
 * plain sequential code: conv_run() starts one and turns the multi handle
 * until it ended.  Blobs stream on meanwhile through their callbacks; one
 * that ends is only marked, and the main loop looks at it when no control
 * exchange is under way.  So conv_turn() is never entered twice.
 *
 * What is tried again: connections that fail, and the statuses 408, 429 and
 * 5xx.  A host that does not answer at all is given up after DEAD_NS, so that
 * an error comes within half a minute; a host that answers "later" is obeyed
 * for RETRY_AFTER_MAX_S at once and RETRY_NS in all.
 */
#include "storage/registry/conv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "storage/registry/blob.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/safe.h"
#include "util/str.h"

#define DEAD_NS (20 * NS_PER_S)
#define RETRY_NS (300 * NS_PER_S)
#define RETRY_AFTER_MAX_S 60
#define BACKOFF_NET_NS (250 * NS_PER_MS)
#define BACKOFF_HTTP_NS (1 * NS_PER_S)
#define TURN_MS 1000
#define MESSAGE_MAX 300

int conv_turn(struct conv *c, bool listen, int wait_ms, struct err *err)
{
	struct curl_waitfd fds[BLOBS_RUNNING_MAX + 1];
	unsigned int n;
	int due;

	blobs_flush(c);
	due = http_perform(c->http, err);
	if (due < 0)
		return due;
	/* Only now: a pipe may have become full just above */
	n = blobs_wait_fds(c, fds, BLOBS_RUNNING_MAX);
	if (listen)
		fds[n++] = (struct curl_waitfd){ .fd = c->sock,
						 .events = CURL_WAIT_POLLIN };
	return http_wait(c->http, fds, n, MIN(due, wait_ms), err);
}

int conv_run(struct conv *c, struct exchange *ex, struct err *err)
{
	int r = http_start(c->http, ex, err);

	while (r >= 0 && !ex->finished)
		r = conv_turn(c, false, TURN_MS, err);
	if (r < 0)
		return r;
	if (ex->code == CURLE_OK)
		return 0;
	if (err)
		*err = ex->err;
	return -ex->err.code;
}

int conv_sleep(struct conv *c, uint64_t until_ns, struct err *err)
{
	uint64_t now = clock_mono_ns();
	int r = 0;

	while (r >= 0 && now < until_ns) {
		r = conv_turn(c, false,
			      (int)MIN((until_ns - now) / NS_PER_MS + 1,
				       (uint64_t)TURN_MS),
			      err);
		now = clock_mono_ns();
	}
	return r;
}

/* ---- trying again ------------------------------------------------------ */

static bool is_transient_code(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
		return true;
	default:
		return false;
	}
}

static bool is_transient_status(long status)
{
	return status == 408 || status == 429 || status == 500 ||
	       (status >= 502 && status <= 504);
}

/* 1, 2, 4, ... times @base and up to a quarter more, so that many clients do
   not come back at the same moment */
static uint64_t backoff(const struct conv *c, uint64_t base, unsigned int tries)
{
	uint64_t wait = base << MIN(tries - 1, 6u);
	uint16_t dice = 0;

	if (c->delay_ns)
		return c->delay_ns;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) < 0)
		dice = 0;
	return wait + wait / 4 * dice / UINT16_MAX;
}

bool conv_retry(const struct conv *c, struct retry *retry,
		const struct exchange *ex, uint64_t *ret_at_ns)
{
	uint64_t now = clock_mono_ns();
	uint64_t wait, bound;
	int64_t asked = -1;

	/* A plain "no" is no try that failed */
	if (ex->code != CURLE_OK ? !is_transient_code(ex->code) :
				   !is_transient_status(ex->status))
		return false;
	if (retry->tries++ >= c->retry)
		return false;
	if (ex->code != CURLE_OK) {
		wait = backoff(c, BACKOFF_NET_NS, retry->tries);
		bound = ex->status ? RETRY_NS : DEAD_NS;
	} else {
		if (ex->retry_after)
			asked = retry_after(ex->retry_after, time(NULL),
					    INT32_MAX);
		/* "In an hour": nobody waits for that at a prompt */
		if (asked > RETRY_AFTER_MAX_S)
			return false;
		wait = asked >= 0 ? (uint64_t)asked * NS_PER_S :
				    backoff(c, BACKOFF_HTTP_NS, retry->tries);
		bound = RETRY_NS;
	}
	if (now + wait - retry->start_ns > bound)
		return false;
	*ret_at_ns = now + wait;
	return true;
}

/* ---- wording ----------------------------------------------------------- */

/* The registry's own words, {"errors":[{"code","message"}]}; owned, or NULL */
static char *registry_message(const struct exchange *ex)
{
	autojson struct json_object *o =
		json_parse(ex->body.buf, ex->body.len, NULL);
	struct json_object *list, *first;
	const char *text;

	if (!o || !json_object_is_type(o, json_type_object))
		return NULL;
	list = json_arr(o, "errors");
	first = list && json_object_array_length(list) ?
			json_object_array_get_idx(list, 0) :
			NULL;
	text = first ? json_str(first, "message") : NULL;
	if (str_is_empty(text))
		text = first ? json_str(first, "code") : NULL;
	if (str_is_empty(text))
		text = json_str(o, "details"); /* token servers */
	if (str_is_empty(text))
		return NULL;

	autofree char *cut = xstrndup(text, MESSAGE_MAX);

	return safe_line(cut);
}

int response_error(const struct exchange *ex, const char *name, struct err *err)
{
	autofree char *said = registry_message(ex);
	const char *sep = said ? ": " : "";
	const char *text = said ? said : "";

	switch (ex->status) {
	case 401:
		return err_set(err, ERR_FAIL, EACCES, "%s: unauthorized%s%s",
			       name, sep, text);
	case 403:
		return err_set(err, ERR_FAIL, EACCES, "%s: access denied%s%s",
			       name, sep, text);
	case 404:
		return err_set(err, ERR_NOT_FOUND, ENOENT, "%s: %s", name,
			       said ? said : "not found (HTTP 404)");
	case 407:
		return err_set(err, ERR_FAIL, EACCES,
			       "%s: the proxy wants credentials (HTTP 407)%s%s",
			       name, sep, text);
	case 429:
		return err_set(err, ERR_FAIL, EBUSY,
			       "%s: too many requests (HTTP 429)%s%s", name,
			       sep, text);
	default:
		return err_set(err, ERR_FAIL, EIO, "%s: HTTP status %ld%s%s",
			       name, ex->status, sep, text);
	}
}
