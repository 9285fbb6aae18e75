/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/registry/events.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "storage/registry/conv.h"
#include "util/json.h"
#include "util/strv.h"

static int send_now(struct conv *c, const char *text)
{
	ssize_t n;

	do
		n = send(c->sock, text, strlen(text),
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

bool events_waiting(const struct conv *c)
{
	return c->outbox && c->outbox[0];
}

bool events_flush(struct conv *c)
{
	while (events_waiting(c)) {
		int r = send_now(c, c->outbox[0]);

		if (r == -EAGAIN)
			return true;
		if (r < 0)
			return false;
		strv_remove(c->outbox, 0);
	}
	return true;
}

static void post(struct conv *c, struct json_object *msg)
{
	strv_add(&c->outbox, json_text(msg));
	/* A client that is gone shows at the socket's end of file */
	(void)events_flush(c);
}

static struct json_object *error_object(const struct err *why)
{
	struct json_object *o = json_object_new_object();

	json_set_i64(o, "code", why->code ? why->code : EIO);
	json_set_i64(o, "kind", why->kind);
	json_set_str(o, "msg", why->msg);
	return o;
}

static struct json_object *event(const char *op, uint32_t key, uint64_t done)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "op", op);
	json_set_u64(o, "key", key);
	json_set_u64(o, "done", done);
	return o;
}

void event_progress(struct conv *c, uint32_t key, uint64_t done)
{
	autojson struct json_object *msg = event("progress", key, done);

	if (!events_waiting(c))
		(void)send_now(c, json_text(msg));
}

void event_over(struct conv *c, uint32_t key, uint64_t done,
		const struct err *why)
{
	autojson struct json_object *msg =
		event(why ? "failed" : "done", key, done);

	if (why)
		json_set(msg, "error", error_object(why));
	post(c, msg);
}

void event_sent(struct conv *c, uint32_t key, uint64_t done, const char *how)
{
	autojson struct json_object *msg = event("done", key, done);

	json_set_str(msg, "how", how);
	post(c, msg);
}

void event_reply(struct conv *c, int r, struct json_object *reply,
		 const struct err *why)
{
	autojson struct json_object *msg = reply;

	if (!msg)
		msg = json_object_new_object();
	json_set_str(msg, "op", "reply");
	if (r < 0)
		json_set(msg, "error", error_object(why));
	post(c, msg);
}
