/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_HTTP_H
#define REGISTRY_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/sb.h"

struct tls_files;

/*
 * Single HTTP exchanges: one request, one answer, nothing followed, nothing
 * repeated, no header that the caller did not give.  Any number run at once
 * on one curl multi handle; whoever waits turns it with http_perform() and
 * http_wait().
 */
struct http;

/** http_new() - for as long as the process lives */
int http_new(struct http **ret, struct err *err);

/** What a sink returns besides the number of bytes it took (all of them) */
#define HTTP_PAUSE ((size_t)-1)
#define HTTP_FAIL ((size_t)-2)

struct exchange;

/**
 * struct http_sink - where the body of a 200 or 206 goes; else it is kept
 * @begin: the headers are there, before the first byte; -errno ends it
 * @write: all of @len, HTTP_PAUSE (offered again after http_resume()) or
 *         HTTP_FAIL with @err set
 */
struct http_sink {
	int (*begin)(void *arg, struct exchange *ex, struct err *err);
	size_t (*write)(void *arg, const char *data, size_t len,
			struct err *err);
	void *arg;
};

/**
 * struct http_body - what a request sends
 * @fd:     read from @offset on with pread(2); -EBADF: @data has it
 * @data:   borrowed
 * @len:    bytes to send; 0 is an empty body
 * @sent:   bytes handed to libcurl so far
 */
struct http_body {
	int fd;
	const char *data;
	uint64_t offset;
	uint64_t len;
	uint64_t sent;
};

/**
 * struct exchange - a request and its answer
 * @url:       borrowed until it is finished
 * @headers:   strv of "Name: value"; owned
 * @post:      body of a POST (form), NULL for GET; owned
 * @method:    of a request with @send, or "HEAD"; NULL: GET, or POST by @post
 * @send:      body of the request; borrowed, may be NULL
 * @verify:    check the server's certificate
 * @tls:       what certs.d says about the host; borrowed, may be NULL
 * @show_cert: send the client certificate in it, too
 * @probe:     connect (and shake hands) only
 * @direct:    no proxy
 * @body_max:  more than this of a body that is kept is ERR_LIMIT
 * @stall_ns:  less than 1 KiB/s over such a time ends it
 * @sink:      optional; borrowed
 *
 * @finished:  http_perform() saw its end; the rest is valid from then on
 * @code:      libcurl's verdict
 * @verdict:   of the TLS library on the certificate: an X509_V_ERR
 * @err:       set when it failed; worded for the user, without the host
 * @status:    of the answer
 * @body:      of the answer, when no sink took it
 */
struct exchange {
	const char *url;
	char **headers;
	char *post;
	const char *method;
	struct http_body *send;
	bool verify;
	const struct tls_files *tls;
	bool show_cert;
	bool probe;
	bool direct;
	uint64_t connect_ns;
	uint64_t stall_ns;
	size_t body_max;
	const struct http_sink *sink;

	bool finished;
	CURLcode code;
	long verdict;
	struct err err;
	long status;
	int64_t length; /* of Content-Length, -1 unknown */
	char *type;	/* owned; so are the next ones */
	char *location;
	char *retry_after;
	char *content_range;
	char *link;
	char *range;
	char *chunk_min;
	char **www_auth;
	struct sb body;

	/* private to http.c */
	struct http *http;
	CURL *easy;
	struct curl_slist *slist;
	char errbuf[CURL_ERROR_SIZE];
	size_t head_bytes;
	unsigned int head_lines;
	bool sinking;
	bool paused;
	uint64_t window_start_ns;
	uint64_t window_bytes;
	struct exchange *next;
};

/** exchange_init() - defaults; then fill in and http_start() */
void exchange_init(struct exchange *ex);

/** http_start() - returns at once */
int http_start(struct http *h, struct exchange *ex, struct err *err);

/** exchange_unknown_authority() - did it fail because nobody that is trusted
 *  signed the certificate? */
bool exchange_unknown_authority(const struct exchange *ex);

/** http_resume() - after a sink returned HTTP_PAUSE */
void http_resume(struct exchange *ex);

/** http_perform() - move bytes, call sinks, mark what ended; never waits.
 *  Return: ms after which something could be due (0: something ended) */
int http_perform(struct http *h, struct err *err);

/** http_wait() - until a socket of ours or one of @fds is ready, at most
 *  @wait_ms */
int http_wait(struct http *h, struct curl_waitfd *fds, unsigned int n_fds,
	      int wait_ms, struct err *err);

/** exchange_done() - stop it if it runs, free what it owns, zero it */
void exchange_done(struct exchange *ex);

#endif
