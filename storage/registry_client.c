/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The client side of bryo-registry.  registry_open() takes the helper that was
 * started ahead, or starts one (registry_program.c), and tells it everything
 * over a socketpair (messages: storage/registry/proto.h).
 *
 * Calls that return a body hand the helper a memfd to write into, then read
 * messages until the reply comes; events of running blobs that arrive before
 * it are queued.  registry_fd() is therefore an epoll descriptor over the
 * socket and an eventfd that is readable while the queue holds something.
 *
 * The helper is not trusted with more than it has: replies are parsed
 * strictly, sizes are checked, a memfd is copied once before it is used.
 */
#include "storage/registry/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storage/registry/proto.h"
#include "storage/registry_program.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/sha256.h"
#include "util/str.h"
#include "util/strv.h"

#define TAGS_MAX (16u << 20)
#define COPY_SIZE (256u << 10)

/**
 * struct registry - a running bryo-registry
 * @prog:  the process and our end of the socketpair
 * @epoll: over the socket and @ready
 * @ready: eventfd, readable while @queue is not empty
 * @name:  "host/repo", for messages
 * @queue: events that came while a reply was awaited, oldest first
 */
struct registry {
	struct registry_program prog;
	int epoll;
	int ready;
	char *name;		      /* owned */
	struct registry_event *queue; /* owned */
	size_t n_queue;
};

static int lost(const struct registry *r, struct err *err)
{
	return err_set(err, ERR_FAIL, EPIPE,
		       "%s: bryo-registry ended unexpectedly", r->name);
}

static int send_msg(struct registry *r, struct json_object *msg, int fd,
		    struct err *err)
{
	const char *text = json_text(msg);
	ssize_t n;

	n = sock_send_fds(r->prog.sock, text, strlen(text), &fd, fd >= 0);
	if (n == -EPIPE || n == -ECONNRESET)
		return lost(r, err);
	if (n < 0)
		return err_code(err, (int)n, "%s: message to bryo-registry",
				r->name);
	return 0;
}

/* Return: 1 and *ret (owned), 0 when none waits and !@block, or -errno */
static int recv_msg(struct registry *r, bool block, struct json_object **ret,
		    struct err *err)
{
	autofree char *buf = xmalloc(REG_PROTO_MAX);
	struct json_object *msg;
	ssize_t n;

	do
		n = recv(r->prog.sock, buf, REG_PROTO_MAX,
			 MSG_TRUNC | (block ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return lost(r, err);
	if (n < 0)
		return err_sys(err, "%s: message from bryo-registry", r->name);
	if ((size_t)n > REG_PROTO_MAX)
		return err_set(err, ERR_LIMIT, EMSGSIZE,
			       "%s: message from bryo-registry is too long",
			       r->name);

	msg = json_parse(buf, (size_t)n, err);
	if (!msg)
		return err_wrap(err, -EPROTO, "%s: bryo-registry", r->name);
	*ret = msg;
	return 1;
}

/* Turns {"code","kind","msg"} back into a struct err; always a failure. */
static int msg_error(struct json_object *e, struct err *ret)
{
	int64_t code = json_i64(e, "code", EIO);
	int64_t kind = json_i64(e, "kind", ERR_FAIL);
	const char *text = json_str(e, "msg");

	if (code <= 0 || code > 4095)
		code = EIO;
	if (kind < ERR_FAIL || kind > ERR_INVALID)
		kind = ERR_FAIL;
	return err_set(ret, (enum err_kind)kind, (int)code, "%s",
		       text ? text : "unknown failure");
}

/* Return: 0, or -EPROTO when @msg is no event */
static int msg_event(const struct registry *r, struct json_object *msg,
		     struct registry_event *ret, struct err *err)
{
	const char *op = json_str(msg, "op");
	struct registry_event ev = { .err = ERR_INIT };
	const char *how = json_str(msg, "how");
	struct json_object *e;

	if (streq(op, "progress"))
		ev.kind = REG_PROGRESS;
	else if (streq(op, "done"))
		ev.kind = REG_DONE;
	else if (streq(op, "failed"))
		ev.kind = REG_FAILED;
	else
		return err_set(err, ERR_FAIL, EPROTO,
			       "%s: unexpected message from bryo-registry",
			       r->name);

	ev.key = (uint32_t)json_i64(msg, "key", 0);
	ev.done = (uint64_t)json_i64(msg, "done", 0);
	if (how)
		snprintf(ev.how, sizeof(ev.how), "%s", how);
	e = json_obj(msg, "error");
	if (ev.kind == REG_FAILED)
		msg_error(e, &ev.err);
	*ret = ev;
	return 0;
}

static int queue_push(struct registry *r, const struct registry_event *ev,
		      struct err *err)
{
	uint64_t one = 1;

	r->queue = xreallocarray(r->queue, r->n_queue + 1, sizeof(*r->queue));
	r->queue[r->n_queue++] = *ev;
	if (write(r->ready, &one, sizeof(one)) < 0)
		return err_sys(err, "%s: signal an event", r->name);
	return 0;
}

static void queue_pop(struct registry *r, struct registry_event *ret)
{
	uint64_t drain;

	*ret = r->queue[0];
	r->n_queue--;
	memmove(r->queue, r->queue + 1, r->n_queue * sizeof(*r->queue));
	if (r->n_queue == 0 && read(r->ready, &drain, sizeof(drain)) < 0)
		return; /* EAGAIN: nothing was signalled */
}

/* The next reply (owned by the caller); events before it are queued. */
static int await_reply(struct registry *r, struct json_object **ret,
		       struct err *err)
{
	int res = 0;

	while (res >= 0) {
		autojson struct json_object *msg = NULL;
		struct registry_event ev;
		struct json_object *e;

		res = recv_msg(r, true, &msg, err);
		if (res < 0)
			return res;
		if (streq(json_str(msg, "op"), "reply")) {
			e = json_obj(msg, "error");
			if (e)
				return msg_error(e, err);
			*ret = take_ptr(msg);
			return 0;
		}
		res = msg_event(r, msg, &ev, err);
		if (res == 0)
			res = queue_push(r, &ev, err);
	}
	return res;
}

/* Send a request, return the reply. */
static int call(struct registry *r, struct json_object *req, int fd,
		struct json_object **ret, struct err *err)
{
	int res = send_msg(r, req, fd, err);

	return res < 0 ? res : await_reply(r, ret, err);
}

/*
 * A request whose body comes back in a memfd.  It is copied before anything
 * looks at it: the helper still holds the descriptor.
 */
static int call_body(struct registry *r, struct json_object *req, uint64_t max,
		     struct sb *body, char **ret_type, struct err *err)
{
	autojson struct json_object *reply = NULL;
	autoclose int fd = fd_memory("bryo-registry", err);
	int64_t size;
	char *room;
	ssize_t n;
	int res;

	if (fd < 0)
		return fd;
	res = call(r, req, fd, &reply, err);
	if (res < 0)
		return res;

	size = json_i64(reply, "size", -1);
	if (size < 0 || (uint64_t)size > max)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "%s: answer of %" PRId64
			       " bytes, the limit is %" PRIu64,
			       r->name, size, max);
	room = sb_reserve(body, (size_t)size);
	if (!room)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "%s: answer of %" PRId64 " bytes is too large",
			       r->name, size);
	n = pread(fd, room, (size_t)size, 0);
	if (n < 0)
		return err_sys(err, "%s: read the answer", r->name);
	if (n != size)
		return err_set(err, ERR_FAIL, EIO, "%s: answer cut short",
			       r->name);
	sb_grow(body, (size_t)n);
	if (ret_type) {
		const char *type = json_str(reply, "type");

		*ret_type = xstrdup(type ? type : "");
	}
	return 0;
}

static int watch(struct registry *r, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLIN };

	r->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->ready < 0)
		return err_sys(err, "eventfd");
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		return err_sys(err, "epoll_create1");
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->prog.sock, &ev) < 0 ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->ready, &ev) < 0)
		return err_sys(err, "epoll_ctl");
	return 0;
}

static struct json_object *open_request(const struct registry_conf *conf)
{
	struct json_object *req = json_object_new_object();

	json_set_str(req, "op", "open");
	json_set_str(req, "host", conf->host);
	json_set_str(req, "repo", conf->repo);
	if (conf->url)
		json_set_str(req, "url", conf->url);
	json_set_str(req, "authfile", conf->authfile);
	json_set_str(req, "creds", conf->creds);
	json_set_str(req, "cert_dir", conf->cert_dir);
	json_set_i64(req, "tls_verify", conf->tls_verify);
	json_set_i64(req, "retry", conf->retry);
	json_set_i64(req, "delay_ms", conf->delay_ms);
	json_set_bool(req, "push", conf->push);
	json_set_i64(req, "stall", conf->stall_s);
	return req;
}

int registry_open(const struct registry_conf *conf, struct registry **ret,
		  struct err *err)
{
	autojson struct json_object *req = open_request(conf);
	autojson struct json_object *reply = NULL;
	struct registry *r = xcalloc(1, sizeof(*r));
	char hex[SHA256_HEX];
	int res;

	*r = (struct registry){
		.prog = REGISTRY_PROGRAM_INIT,
		.epoll = -EBADF,
		.ready = -EBADF,
		.name = xasprintf("%s%s%s", conf->host, *conf->repo ? "/" : "",
				  conf->repo),
	};
	res = registry_program_take(&r->prog, err);
	if (res >= 0)
		res = watch(r, err);
	if (res >= 0)
		res = send_msg(r, req, -EBADF, err);
	/* While it loads: what comes is going to be hashed.  Whoever does that
	   hears of failures. */
	if (!conf->push)
		(void)sha256_data("", 0, hex, NULL);
	if (res >= 0)
		res = await_reply(r, &reply, err);
	if (res < 0) {
		registry_close(r);
		return res;
	}
	*ret = r;
	return 0;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	registry_program_end(&r->prog);
	close_fd(r->epoll);
	close_fd(r->ready);
	free(r->queue);
	free(r->name);
	free(r);
}

int registry_manifest(struct registry *r, const char *ref, struct sb *body,
		      char **type, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();

	json_set_str(req, "op", "manifest");
	json_set_str(req, "ref", ref);
	return call_body(r, req, REGISTRY_MANIFEST_MAX, body, type, err);
}

int registry_blob_small(struct registry *r, const char *digest, uint64_t size,
			struct sb *body, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();

	json_set_str(req, "op", "small");
	json_set_str(req, "digest", digest);
	json_set_u64(req, "size", size);
	return call_body(r, req, size, body, NULL, err);
}

int registry_blob_start(struct registry *r, const char *digest, uint64_t size,
			uint64_t offset, int fd, uint32_t key, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();

	json_set_str(req, "op", "blob");
	json_set_str(req, "digest", digest);
	json_set_u64(req, "size", size);
	json_set_u64(req, "offset", offset);
	json_set_u64(req, "key", key);
	return send_msg(r, req, fd, err);
}

int registry_fd(struct registry *r)
{
	return r->epoll;
}

int registry_read(struct registry *r, struct registry_event *ret,
		  struct err *err)
{
	autojson struct json_object *msg = NULL;
	int res;

	if (r->n_queue > 0) {
		queue_pop(r, ret);
		return 1;
	}
	res = recv_msg(r, false, &msg, err);
	if (res <= 0)
		return res;
	res = msg_event(r, msg, ret, err);
	return res < 0 ? res : 1;
}

int registry_tags(struct registry *r, char ***ret, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();
	autojson struct json_object *wrap = NULL;
	autosb struct sb body = SB_INIT;
	int res;

	json_set_str(req, "op", "tags");
	sb_limit(&body, TAGS_MAX);
	res = call_body(r, req, TAGS_MAX, &body, NULL, err);
	if (res < 0)
		return res;
	wrap = json_parse(body.buf, body.len, err);
	if (!wrap)
		return err_wrap(err, -EPROTO, "%s: list of tags", r->name);
	*ret = json_strv(wrap, "tags");
	return 0;
}

/* ---- the other way ------------------------------------------------------ */

int registry_upload(struct registry *r, const char *digest, uint64_t size,
		    const char *from, int fd, uint32_t key, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();

	json_set_str(req, "op", "upload");
	json_set_str(req, "digest", digest);
	json_set_u64(req, "size", size);
	json_set_str(req, "from", from);
	json_set_u64(req, "key", key);
	return send_msg(r, req, fd, err);
}

int registry_has(struct registry *r, const char *digest, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();
	autojson struct json_object *reply = NULL;
	int res;

	json_set_str(req, "op", "has");
	json_set_str(req, "digest", digest);
	res = call(r, req, -EBADF, &reply, err);
	return res < 0 ? res : json_flag(reply, "has", false);
}

int registry_put(struct registry *r, const char *ref, const char *type,
		 const void *data, size_t len, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();
	autojson struct json_object *reply = NULL;
	autoclose int fd = fd_memory("bryo-manifest", err);

	if (fd < 0)
		return fd;
	if (fd_write_full(fd, data, len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "%s: hand over the manifest", r->name);
	json_set_str(req, "op", "put");
	json_set_str(req, "ref", ref);
	json_set_str(req, "type", type);
	json_set_u64(req, "size", len);
	return call(r, req, fd, &reply, err);
}

int registry_check(struct registry *r, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();
	autojson struct json_object *reply = NULL;

	json_set_str(req, "op", "check");
	return call(r, req, -EBADF, &reply, err);
}

/* Return: bytes copied, 0 at the end of the pipe, -errno */
static ssize_t copy_some(int from, int to, char *buf, size_t len,
			 struct err *err)
{
	ssize_t n;
	int r;

	do
		n = read(from, buf, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "read from bryo-registry");
	r = fd_write_full(to, buf, (size_t)n);
	return r < 0 ? err_code(err, r, "write a downloaded file") : n;
}

static int drain(int from, int to, uint64_t max, struct err *err)
{
	autofree char *buf = xmalloc(COPY_SIZE);
	uint64_t done = 0;

	for (;;) {
		ssize_t n = copy_some(from, to, buf, COPY_SIZE, err);

		if (n <= 0)
			return (int)n;
		done += (uint64_t)n;
		if (done > max)
			return err_set(err, ERR_LIMIT, EFBIG,
				       "more than the limit of %" PRIu64
				       " bytes", max);
	}
}

int registry_download(struct registry *r, uint64_t max, int fd,
		      struct err *err)
{
	autojson struct json_object *req = json_object_new_object();
	autojson struct json_object *reply = NULL;
	int ends[2];
	int res;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	autoclose int from = ends[0];
	autoclose int theirs = ends[1];

	json_set_str(req, "op", "download");
	json_set_u64(req, "size", max);
	res = send_msg(r, req, theirs, err);
	close_fd(theirs);
	if (res == 0)
		res = drain(from, fd, max, err);
	/* The helper closes its end before it answers */
	return res < 0 ? res : await_reply(r, &reply, err);
}

int registry_search(struct registry *r, const char *term, unsigned int limit,
		    struct json_object **ret, struct err *err)
{
	autojson struct json_object *req = json_object_new_object();
	autojson struct json_object *answer = NULL;
	autosb struct sb body = SB_INIT;
	struct json_object *list;
	int res;

	json_set_str(req, "op", "search");
	json_set_str(req, "term", term);
	json_set_i64(req, "limit", limit);
	sb_limit(&body, TAGS_MAX);
	res = call_body(r, req, TAGS_MAX, &body, NULL, err);
	if (res < 0)
		return res;
	answer = json_parse(body.buf, body.len, err);
	list = answer ? json_arr(answer, "results") : NULL;
	if (!list)
		return err_set(err, ERR_FAIL, EPROTO,
			       "%s: bryo-registry sent no results", r->name);
	*ret = json_object_get(list);
	return 0;
}
