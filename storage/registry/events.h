/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_EVENTS_H
#define REGISTRY_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

struct conv;
struct json_object;

/*
 * Messages to the client.  Sending never blocks: client and helper could
 * otherwise wait for each other with both directions full.  What does not fit
 * waits in the outbox; progress is dropped instead.
 */

void event_progress(struct conv *c, uint32_t key, uint64_t done);

/** event_over() - "failed" with @why, or "done" when it is NULL */
void event_over(struct conv *c, uint32_t key, uint64_t done,
		const struct err *why);

/** event_sent() - "done" of an upload; @how: "sent", "exists", "mounted" */
void event_sent(struct conv *c, uint32_t key, uint64_t done, const char *how);

/** event_reply() - @reply (taken, may be NULL) or, when @r < 0, @why */
void event_reply(struct conv *c, int r, struct json_object *reply,
		 const struct err *why);

/** events_flush() - send what waits; false when the client is gone */
bool events_flush(struct conv *c);

/** events_waiting() - the outbox is not empty */
bool events_waiting(const struct conv *c);

#endif
