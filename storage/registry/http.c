/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A thin layer over libcurl's multi interface.  Policy lives above (where a
 * redirect may lead, what is tried again, who sees a secret); this file makes
 * sure that one exchange stays within its bounds:
 *
 *   - libcurl follows nothing, keeps no cookies, reads no .netrc, and sends
 *     the headers that it is given and no others;
 *   - HTTP/1.1 only: a paused blob then blocks its own connection and not,
 *     as a stream of a shared HTTP/2 connection would, all the others;
 *   - headers are bounded in number and bytes, bodies in bytes;
 *   - the time to connect is bounded, and so is the time without progress.
 *     That clock is our own: it stands still while the sink has the transfer
 *     paused, since a slow disk is no fault of the registry.
 *
 * Callbacks only record; an exchange that ended is marked `finished` and left
 * for its owner to look at after http_perform() returned.
 */
#include "storage/registry/http.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "storage/registry/origin.h"
#include "storage/registry/tls.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"

#define HEAD_BYTES_MAX (32u << 10)
#define HEAD_LINES_MAX 256
#define ERROR_BODY_MAX (1u << 20)
#define BUFFER_SIZE (256l << 10)
#define SEND_BUFFER_SIZE (512l << 10)
#define CONNECT_NS 10000000000ull
#define STALL_BYTES_PER_S 1024
#define WAIT_MAX_MS 1000
/* A registry that has it all may have to copy it before it answers */
#define SENT_WAIT_NS 300000000000ull

/**
 * struct http - the multi handle and what runs on it
 * @running: exchanges that are started and not finished; borrowed
 * @ended:   one ended during this turn
 */
struct http {
	CURLM *multi;
	struct exchange *running;
	bool ended;
};

int http_new(struct http **ret, struct err *err)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_FAIL, EIO, "start libcurl");
	h = xcalloc(1, sizeof(*h));
	h->multi = curl_multi_init();
	if (!h->multi)
		die_oom();
	*ret = h;
	return 0;
}

void exchange_init(struct exchange *ex)
{
	*ex = (struct exchange){
		.verify = true,
		.connect_ns = CONNECT_NS,
		.body_max = ERROR_BODY_MAX,
		.length = -1,
		.body = SB_INIT,
	};
}

static void unlink_running(struct exchange *ex)
{
	struct exchange **at = &ex->http->running;

	while (*at && *at != ex)
		at = &(*at)->next;
	if (*at)
		*at = ex->next;
	ex->next = NULL;
}

/* Take the easy handle down; what was received stays. */
static void finish(struct exchange *ex)
{
	unlink_running(ex);
	curl_multi_remove_handle(ex->http->multi, ex->easy);
	curl_easy_cleanup(ex->easy);
	curl_slist_free_all(ex->slist);
	ex->easy = NULL;
	ex->slist = NULL;
	ex->finished = true;
	ex->http->ended = true;
}

void exchange_done(struct exchange *ex)
{
	if (ex->easy)
		finish(ex);
	strv_free(ex->headers);
	free(ex->post);
	free(ex->type);
	free(ex->location);
	free(ex->retry_after);
	free(ex->content_range);
	free(ex->link);
	free(ex->range);
	free(ex->chunk_min);
	strv_free(ex->www_auth);
	sb_done(&ex->body);
	exchange_init(ex);
}

/* ---- callbacks --------------------------------------------------------- */

static int over_limit(struct exchange *ex, const char *what)
{
	return err_set(&ex->err, ERR_LIMIT, EFBIG, "%s over the limit", what);
}

/* A new status line: what an interim answer (100) said is void */
static void forget_head(struct exchange *ex)
{
	str_set(&ex->type, NULL);
	str_set(&ex->location, NULL);
	str_set(&ex->retry_after, NULL);
	str_set(&ex->content_range, NULL);
	str_set(&ex->link, NULL);
	str_set(&ex->range, NULL);
	str_set(&ex->chunk_min, NULL);
	ex->www_auth = strv_free(ex->www_auth);
}

static void keep_header(struct exchange *ex, const char *name, char *value)
{
	const struct {
		const char *name;
		char **dst;
	} table[] = {
		{ "content-type", &ex->type },
		{ "location", &ex->location },
		{ "retry-after", &ex->retry_after },
		{ "content-range", &ex->content_range },
		{ "link", &ex->link },
		{ "range", &ex->range },
		{ "oci-chunk-min-length", &ex->chunk_min },
	};

	if (strcasecmp(name, "www-authenticate") == 0) {
		strv_add(&ex->www_auth, value);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcasecmp(name, table[i].name) == 0)
			str_set(table[i].dst, value);
	}
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *ex = arg;
	size_t len = size * n;
	autofree char *line = xstrndup(data, len);
	char *colon;

	ex->head_bytes += len;
	if (ex->head_bytes > HEAD_BYTES_MAX ||
	    ++ex->head_lines > HEAD_LINES_MAX) {
		over_limit(ex, "response headers");
		return 0;
	}
	if (str_starts(line, "HTTP/")) {
		forget_head(ex);
		return len;
	}
	colon = strchr(line, ':');
	if (colon) {
		*colon = '\0';
		keep_header(ex, line, str_trim(colon + 1));
	}
	return len;
}

/* The status is known and the body starts (or ends, when there is none) */
static int begin_body(struct exchange *ex)
{
	curl_off_t length = -1;

	if (ex->status)
		return 0;
	curl_easy_getinfo(ex->easy, CURLINFO_RESPONSE_CODE, &ex->status);
	curl_easy_getinfo(ex->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
			  &length);
	ex->length = length;
	ex->sinking = ex->sink && (ex->status == 200 || ex->status == 206);
	if (ex->sinking)
		return ex->sink->begin(ex->sink->arg, ex, &ex->err);
	sb_limit(&ex->body,
		 ex->status / 100 == 2 ? ex->body_max : ERROR_BODY_MAX);
	return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *ex = arg;
	size_t len = size * n;
	size_t took;

	if (begin_body(ex) < 0)
		return 0;
	if (ex->sinking) {
		took = ex->sink->write(ex->sink->arg, data, len, &ex->err);
		if (took == HTTP_PAUSE) {
			ex->paused = true;
			return CURL_WRITEFUNC_PAUSE;
		}
		if (took == HTTP_FAIL)
			return 0;
		ex->window_bytes += len;
		return len;
	}
	sb_addn(&ex->body, data, len);
	ex->window_bytes += len;
	if (ex->body.over) {
		over_limit(ex, "response body");
		return 0;
	}
	return len;
}

static size_t on_send(char *buf, size_t size, size_t n, void *arg)
{
	struct exchange *ex = arg;
	struct http_body *b = ex->send;
	size_t want = (size_t)MIN((uint64_t)(size * n), b->len - b->sent);
	ssize_t got = (ssize_t)want;

	if (b->fd < 0)
		memcpy(buf, b->data + b->offset + b->sent, want);
	else
		got = pread(b->fd, buf, want, (off_t)(b->offset + b->sent));
	if (got < 0 || (got == 0 && want)) {
		err_set(&ex->err, ERR_FAIL, EIO,
			"the data to send is shorter than it was");
		return CURL_READFUNC_ABORT;
	}
	b->sent += (uint64_t)got;
	ex->window_bytes += (uint64_t)got;
	return (size_t)got;
}

/* ---- set-up ------------------------------------------------------------ */

static void set_tls(struct exchange *ex)
{
	CURL *e = ex->easy;
	struct curl_blob blob = { .flags = CURL_BLOB_COPY };

	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, ex->verify ? 1l : 0l);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, ex->verify ? 2l : 0l);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!ex->verify) {
		/* No need to load the system's 140 certificates */
		curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	if (!ex->tls)
		return;
	if (ex->verify && ex->tls->ca.len) {
		blob.data = ex->tls->ca.buf;
		blob.len = ex->tls->ca.len;
		curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob);
	}
	if (ex->show_cert && ex->tls->cert.len) {
		blob.data = ex->tls->cert.buf;
		blob.len = ex->tls->cert.len;
		curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &blob);
		blob.data = ex->tls->key.buf;
		blob.len = ex->tls->key.len;
		curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &blob);
	}
}

static void set_body(struct exchange *ex)
{
	CURL *e = ex->easy;

	ex->send->sent = 0;
	curl_easy_setopt(e, CURLOPT_UPLOAD, 1l);
	curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE,
			 (curl_off_t)ex->send->len);
	curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER_SIZE);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(e, CURLOPT_READDATA, ex);
	/* No CURLOPT_SEEKFUNCTION: when a connection breaks libcurl would send
	   the body once more by itself, over what the registry has of it */
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, ex->method);
}

static void set_request(struct exchange *ex)
{
	CURL *e = ex->easy;

	/* libcurl's own headers that nobody asked for */
	ex->slist = curl_slist_append(ex->slist, "Expect:");
	for (size_t i = 0; i < strv_len(ex->headers); i++)
		ex->slist = curl_slist_append(ex->slist, ex->headers[i]);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, ex->slist);
	curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "bryo/" BRYO_VERSION);
	if (ex->post) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, ex->post);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE,
				 (long)strlen(ex->post));
	}
	if (ex->send)
		set_body(ex);
	else if (ex->method)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1l);
	if (ex->probe)
		curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1l);
	if (ex->direct)
		curl_easy_setopt(e, CURLOPT_PROXY, "");
}

static void set_bounds(struct exchange *ex)
{
	CURL *e = ex->easy;

	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0l);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0l);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1l);
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1l);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1l);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1l);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1l);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(ex->connect_ns / 1000000) + 1);
}

int http_start(struct http *h, struct exchange *ex, struct err *err)
{
	CURL *e = curl_easy_init();

	if (!e)
		die_oom();
	ex->easy = e;
	ex->http = h;
	ex->window_start_ns = clock_mono_ns();
	curl_easy_setopt(e, CURLOPT_PRIVATE, ex);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, ex->errbuf);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, ex);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, ex);
	set_bounds(ex);
	set_request(ex);
	set_tls(ex);
	ex->next = h->running;
	h->running = ex;
	if (curl_easy_setopt(e, CURLOPT_URL, ex->url) != CURLE_OK ||
	    curl_multi_add_handle(h->multi, e) != CURLM_OK) {
		finish(ex);
		return err_set(err, ERR_FAIL, EIO, "libcurl refuses a request");
	}
	return 0;
}

/* ---- running ----------------------------------------------------------- */

bool exchange_unknown_authority(const struct exchange *ex)
{
	/* verify(1ssl): self-signed, alone or in the chain; no issuer */
	return ex->code == CURLE_PEER_FAILED_VERIFICATION &&
	       ex->verdict >= 18 && ex->verdict <= 21;
}

static void word_certificate(struct exchange *ex, const char *detail)
{
	static const char problem[] = "SSL certificate problem: ";
	const char *rest = str_after(detail, problem);

	curl_easy_getinfo(ex->easy, CURLINFO_SSL_VERIFYRESULT, &ex->verdict);
	if (!rest)
		rest = detail;
	if (exchange_unknown_authority(ex))
		err_set(&ex->err, ERR_FAIL, EPROTO,
			"TLS certificate: signed by unknown authority (%s)",
			rest);
	else
		err_set(&ex->err, ERR_FAIL, EPROTO, "TLS certificate: %s",
			rest);
}

/* "proxy HOST:PORT: " when that is what could not be reached.  libcurl tells
 * so only by the peer that its text names: not the one of the URL.  Owned */
static char *unreached_proxy(const struct exchange *ex, const char *detail)
{
	const char *peer = str_after(detail, "Failed to connect to ");
	const char *port = peer ? strstr(peer, " port ") : NULL;
	struct origin o = { 0 };

	if (ex->direct || !port || origin_parse(ex->url, &o, NULL) < 0)
		return xstrdup("");
	autofree char *host = xstrndup(peer, (size_t)(port - peer));
	autofree char *number = xstrndup(port + strlen(" port "),
					 strspn(port + strlen(" port "),
						"0123456789"));
	autofree char *tried = xasprintf("%s:%s", host, number);
	autofree char *bracketed = xasprintf("[%s]:%s", host, number);
	autofree char *wanted = xasprintf("%s:%u", o.host, o.port);

	if (strcasecmp(tried, wanted) == 0 ||
	    strcasecmp(bracketed, wanted) == 0)
		return xstrdup("");
	return xasprintf("proxy %s: ", strchr(host, ':') ? bracketed : tried);
}

static void word_unreached(struct exchange *ex, const char *detail)
{
	autofree char *proxy = unreached_proxy(ex, detail);
	long os_errno = 0;

	curl_easy_getinfo(ex->easy, CURLINFO_OS_ERRNO, &os_errno);
	err_set(&ex->err, ERR_FAIL, ECONNREFUSED, "%scannot connect: %s",
		proxy, os_errno > 0 ? err_reason((int)os_errno) : detail);
}

/* One line for a failure of libcurl: a kind of our own where we know one */
static void word_failure(struct exchange *ex)
{
	autofree char *detail = safe_line(
		*ex->errbuf ? ex->errbuf : curl_easy_strerror(ex->code));
	const char *proxy = str_after(detail, "Could not resolve proxy: ");
	struct err *err = &ex->err;

	switch ((int)ex->code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		err_set(err, ERR_FAIL, EHOSTUNREACH,
			"cannot resolve host: no such host, or DNS does not "
			"answer");
		break;
	case CURLE_COULDNT_RESOLVE_PROXY:
		err_set(err, ERR_FAIL, EHOSTUNREACH,
			"cannot resolve proxy %s: no such host, or DNS does "
			"not answer", proxy ? proxy : "");
		break;
	case CURLE_COULDNT_CONNECT:
		word_unreached(ex, detail);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		err_set(err, ERR_FAIL, ETIMEDOUT, "%s", detail);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		word_certificate(ex, detail);
		break;
	case CURLE_SSL_CONNECT_ERROR:
		err_set(err, ERR_FAIL, EPROTO, "TLS: %s", detail);
		break;
	case CURLE_PARTIAL_FILE:
		err_set(err, ERR_FAIL, ECONNRESET,
			"connection closed before the end: %s", detail);
		break;
	case CURLE_SEND_FAIL_REWIND:
		err_set(err, ERR_FAIL, ECONNRESET,
			"connection closed before all was sent");
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		err_set(err, ERR_FAIL, ECONNRESET, "%s", detail);
		break;
	default:
		err_set(err, ERR_FAIL, EIO, "%s", detail);
		break;
	}
}

static void collect(struct http *h)
{
	struct CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left))) {
		struct exchange *ex = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
				  (char **)&ex);
		ex->code = msg->data.result;
		if (ex->code == CURLE_OK && !ex->probe && begin_body(ex) < 0)
			ex->code = CURLE_WRITE_ERROR;
		if (ex->code != CURLE_OK && !err_is_set(&ex->err))
			word_failure(ex);
		finish(ex);
	}
}

static uint64_t patience(const struct exchange *ex)
{
	if (ex->stall_ns && ex->send && ex->send->len &&
	    ex->send->sent == ex->send->len)
		return MAX(ex->stall_ns, SENT_WAIT_NS);
	return ex->stall_ns;
}

/* End what makes no progress.  Return: ms until the next one could be due */
static int check_stalls(struct http *h, int wait_ms)
{
	uint64_t now = clock_mono_ns();
	struct exchange *next;

	for (struct exchange *ex = h->running; ex; ex = next) {
		uint64_t age = now - ex->window_start_ns;
		uint64_t limit = patience(ex);

		next = ex->next;
		if (!limit)
			continue;
		if (ex->paused || age < limit) {
			if (ex->paused) {
				ex->window_start_ns = now;
				ex->window_bytes = 0;
				age = 0;
			}
			wait_ms = (int)MIN((uint64_t)wait_ms,
					   (limit - age) / 1000000 + 1);
			continue;
		}
		if (ex->window_bytes >= STALL_BYTES_PER_S * age / 1000000000) {
			ex->window_start_ns = now;
			ex->window_bytes = 0;
			continue;
		}
		ex->code = CURLE_OPERATION_TIMEDOUT;
		err_set(&ex->err, ERR_FAIL, ETIMEDOUT,
			ex->window_bytes ? "less than 1 KiB/s for %u seconds" :
					   "no answer for %u seconds",
			(unsigned int)(limit / 1000000000));
		finish(ex);
	}
	return wait_ms;
}

void http_resume(struct exchange *ex)
{
	if (!ex->paused || !ex->easy)
		return;
	ex->paused = false;
	ex->window_start_ns = clock_mono_ns();
	ex->window_bytes = 0;
	curl_easy_pause(ex->easy, CURLPAUSE_CONT);
}

int http_perform(struct http *h, struct err *err)
{
	int running, wait_ms;

	h->ended = false;
	if (curl_multi_perform(h->multi, &running) != CURLM_OK)
		return err_set(err, ERR_FAIL, EIO, "libcurl failed");
	collect(h);
	wait_ms = check_stalls(h, WAIT_MAX_MS);
	return h->ended ? 0 : wait_ms;
}

int http_wait(struct http *h, struct curl_waitfd *fds, unsigned int n_fds,
	      int wait_ms, struct err *err)
{
	if (curl_multi_poll(h->multi, fds, n_fds, wait_ms, NULL) != CURLM_OK)
		return err_set(err, ERR_FAIL, EIO, "libcurl failed to wait");
	return 0;
}
