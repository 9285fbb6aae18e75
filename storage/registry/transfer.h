/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_TRANSFER_H
#define REGISTRY_TRANSFER_H

#include "storage/registry/conv.h"

/**
 * struct transfer - a request to the registry, over redirects and retries
 * @path:    below the endpoint's base, "manifests/latest"; owned
 * @root:    asked in place of @path: the Location of an upload; owned
 * @method:  "PUT", ... with @send; "HEAD"; NULL = GET
 * @send:    body, when @method is one that sends; each start sends it anew
 * @name:    for messages, "host/repo:latest"; owned
 * @headers: "Accept: ..." lines; owned strv
 * @ep:      index of the endpoint that is asked now
 * @url:     what is asked now, after redirects; owned
 * @foreign: @url is not of the endpoint's origin: no Authorization
 * @first:   first byte that is wanted; > 0 sends Range
 * @no_range: the server cannot: ask for all and let the sink skip
 */
struct transfer {
	char *path;
	char *root;
	const char *method;
	struct http_body send;
	char *name;
	char **headers;
	size_t ep;
	char *url;
	struct origin origin;
	bool foreign;
	unsigned int redirects;
	bool challenged;
	uint64_t first;
	bool no_range;
	struct retry retry;
	struct exchange ex;
};

enum transfer_next {
	TRANSFER_OK,	/* 200 or 206 to a GET, any 2xx to others */
	TRANSFER_AGAIN, /* start it again, at the time given */
	TRANSFER_FAILED,
};

/** transfer_init() - @path and @name are copied */
void transfer_init(struct transfer *t, const char *path, const char *name,
		   size_t ep);
void transfer_done(struct transfer *t);

/** transfer_start() - send it; @t->ex.sink and body_max are kept as set by
 *  the caller in @sink and @body_max */
int transfer_start(struct conv *c, struct transfer *t,
		   const struct http_sink *sink, size_t body_max,
		   struct err *err);

/** transfer_look() - what a finished exchange means; @ret_at_ns: when to
 *  start again.  May talk to a token server. */
enum transfer_next transfer_look(struct conv *c, struct transfer *t,
				 uint64_t *ret_at_ns, struct err *err);

/** transfer_rewind() - start from scratch at the endpoint @t->ep */
void transfer_rewind(struct transfer *t);

/** transfer_progressed() - the tries so far do not count any more */
void transfer_progressed(struct transfer *t);

/** transfer_once() - one exchange, to its end; 0 or -errno */
int transfer_once(struct conv *c, struct transfer *t,
		  const struct http_sink *sink, size_t body_max,
		  struct err *err);

/** transfer_settle() - what it means that the exchange has ended
 *  Return: 1 answered, 0 to be asked again, now: it has waited, -errno */
int transfer_settle(struct conv *c, struct transfer *t, struct err *err);

/** transfer_run() - all of it, the answer in @t->ex.body; with this endpoint
 *  alone */
int transfer_run(struct conv *c, struct transfer *t, size_t body_max,
		 struct err *err);

/** transfer_location() - the Location of the answer as an absolute URL that
 *  may be asked next; owned by the caller */
int transfer_location(struct conv *c, const struct transfer *t, char **ret,
		      struct err *err);

#endif
