/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * bryo-registry: started by registry_open() with the client's socket as
 * descriptor 3 and nothing on the command line.  One conversation with one
 * repository, then it ends.  Order:
 *
 *   1. read "open": host, repository, where credentials are
 *   2. read registries.conf, certs.d, credentials (a helper may run)
 *   3. sandbox_enter(): no files, no programs from here on
 *   4. serve requests (messages: proto.h) until the client closes the socket
 *
 * One thread, one loop: blobs_step() moves blobs on, conv_turn() moves bytes
 * and waits, then the messages that came are served.  libcurl resolves names
 * in threads of its own.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storage/registry/blob.h"
#include "storage/registry/conv.h"
#include "storage/registry/download.h"
#include "storage/registry/events.h"
#include "storage/registry/fetch.h"
#include "storage/registry/proto.h"
#include "storage/registry/put.h"
#include "storage/registry/resolver.h"
#include "storage/registry/sandbox.h"
#include "storage/registry/search.h"
#include "storage/registry/upload.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define RETRY_DEFAULT 2
#define RETRY_MAX 100
#define DELAY_MAX_MS (24 * 3600 * 1000)
#define STALL_DEFAULT_S 30
#define STALL_MAX_S 3600
#define SERVE_MAX 64
#define RESOLVER_FILE_MAX (64u << 10)

/**
 * struct request - one message of the client
 * @msg: owned
 * @fd:  the descriptor that came with it, or -EBADF; owned
 */
struct request {
	struct json_object *msg;
	int fd;
};

static void request_done(struct request *req)
{
	json_object_put(req->msg);
	req->msg = NULL;
	close_fd(req->fd);
}

#define auto_request cleanup(request_done)

/* Return: 1 and a message, 0 none waits, -errno (-EPIPE: the client left) */
static int receive(const struct conv *c, struct request *ret, struct err *err)
{
	static char buf[REG_PROTO_MAX];
	char peek;
	size_t n_fds = 1;
	int fd = -EBADF;
	ssize_t n;

	n = recv(c->sock, &peek, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ?
			       0 :
			       err_sys(err, "client");
	if (n == 0)
		return err_set(err, ERR_FAIL, EPIPE, "the client left");
	n = sock_recv_fds(c->sock, buf, sizeof(buf), &fd, &n_fds);
	if (n <= 0)
		return err_set(err, ERR_FAIL, EPIPE, "the client left");
	ret->fd = n_fds ? fd : -EBADF;
	ret->msg = json_parse(buf, (size_t)n, err);
	/* A password may be in it */
	explicit_bzero(buf, (size_t)n);
	return ret->msg ? 1 : -EINVAL;
}

static int serve_blob(struct conv *c, struct request *req, struct err *err)
{
	const char *digest = json_str(req->msg, "digest");
	int64_t size = json_i64(req->msg, "size", -1);
	int64_t offset = json_i64(req->msg, "offset", 0);
	uint32_t key = (uint32_t)json_i64(req->msg, "key", 0);
	struct err why = ERR_INIT;

	if (req->fd < 0)
		return err_set(err, ERR_FAIL, EPROTO, "no pipe for a blob");
	if (fetch_digest_is_valid(digest) && size >= 0 && offset >= 0 &&
	    offset <= size)
		return blob_add(c, digest, (uint64_t)size, (uint64_t)offset,
				take_fd(req->fd), key, err);
	err_set(&why, ERR_INVALID, EINVAL,
		"%s/%s: blob with an invalid digest or size", c->host, c->repo);
	close_fd(req->fd);
	event_over(c, key, 0, &why);
	return 0;
}

static int serve_upload(struct conv *c, struct request *req, struct err *err)
{
	const char *digest = json_str(req->msg, "digest");
	int64_t size = json_i64(req->msg, "size", -1);
	const char *from = json_str(req->msg, "from");
	uint32_t key = (uint32_t)json_i64(req->msg, "key", 0);

	if (req->fd < 0 || !fetch_digest_is_valid(digest) || size < 0 ||
	    !c->push || (from && !repo_is_valid(from)))
		return err_set(err, ERR_FAIL, EPROTO, "malformed upload");
	upload_add(c, digest, (uint64_t)size, from, take_fd(req->fd), key);
	return 0;
}

/* What has one reply, with or without a body in the descriptor */
static int answer(struct conv *c, const char *op, struct request *req,
		  struct json_object *reply, struct err *err)
{
	struct json_object *msg = req->msg;
	const char *digest = json_str(msg, "digest");
	uint64_t size = (uint64_t)json_i64(msg, "size", 0);

	if (streq(op, "manifest"))
		return fetch_manifest(c, json_str(msg, "ref"), req->fd, reply,
				      err);
	if (streq(op, "small"))
		return fetch_small(c, digest, size, req->fd, reply, err);
	if (streq(op, "tags"))
		return fetch_tags(c, req->fd, reply, err);
	if (streq(op, "put"))
		return put_manifest(c, json_str(msg, "ref"),
				    json_str(msg, "type"), size, req->fd, err);
	if (streq(op, "has"))
		return put_has(c, digest, reply, err);
	if (streq(op, "check"))
		return put_check(c, err);
	if (streq(op, "download") && c->url && req->fd >= 0)
		return download_run(c, size, req->fd, err);
	if (streq(op, "search"))
		return search_run(c, json_str(msg, "term"),
				  (unsigned int)json_i64(msg, "limit", 0),
				  req->fd, reply, err);
	return err_set(err, ERR_FAIL, EPROTO, "unknown request");
}

static int serve(struct conv *c, struct request *req, struct err *err)
{
	const char *op = json_str(req->msg, "op");
	struct json_object *reply;
	struct err why = ERR_INIT;
	int r;

	if (FAULT("registry.request") < 0)
		return err_sys(err, "serve a request");
	if (streq(op, "blob"))
		return serve_blob(c, req, err);
	if (streq(op, "upload"))
		return serve_upload(c, req, err);

	reply = json_object_new_object();
	r = answer(c, op, req, reply, &why);
	close_fd(req->fd);
	event_reply(c, r, reply, &why);
	return 0;
}

/*
 * A few of the requests that wait, so that transfers go on between them.
 * Return: 1, 0 the client has left, -errno
 */
static int serve_waiting(struct conv *c, struct err *err)
{
	for (int i = 0; i < SERVE_MAX; i++) {
		auto_request struct request req = { NULL, -EBADF };
		int r = receive(c, &req, err);

		if (r == 0)
			break;
		if (r == -EPIPE)
			return 0;
		if (r > 0)
			r = serve(c, &req, err);
		if (r < 0)
			return r;
	}
	return 1;
}

static int loop(struct conv *c, struct err *err)
{
	int r = 1;

	while (r > 0) {
		int down_ms = blobs_step(c);
		int up_ms = uploads_step(c);
		int wait_ms = MIN(down_ms, up_ms);

		if (!events_flush(c))
			return 0;
		if (events_waiting(c))
			wait_ms = MIN(wait_ms, 10);
		r = conv_turn(c, true, wait_ms, err);
		if (r >= 0)
			r = serve_waiting(c, err);
	}
	return r;
}

/* ---- start ------------------------------------------------------------- */

static uint64_t clamp(int64_t value, int64_t fallback, int64_t max)
{
	return (uint64_t)(value < 0 ? fallback : MIN(value, max));
}

/* Who is going to be asked, if no redirect says otherwise */
static bool needs_sockets(const struct conv *c)
{
	static const char *const proxies[] = { "http_proxy",  "https_proxy",
					       "all_proxy",   "HTTPS_PROXY",
					       "ALL_PROXY" };
	autosb struct sb nsswitch = SB_INIT;
	autosb struct sb resolv_conf = SB_INIT;
	autostrv char **names = NULL;

	for (size_t i = 0; i < c->n_eps; i++)
		strv_add(&names, c->eps[i].host);
	for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
		const char *url = strv_env_get(c->env, proxies[i]);

		if (url)
			strv_add(&names, url);
	}
	(void)file_load("/etc/nsswitch.conf", RESOLVER_FILE_MAX, &nsswitch);
	(void)file_load("/etc/resolv.conf", RESOLVER_FILE_MAX, &resolv_conf);
	return resolver_needs_sockets(nsswitch.len ? nsswitch.buf : "",
				      resolv_conf.len ? resolv_conf.buf : "",
				      names);
}

static int set_up(struct conv *c, struct json_object *msg, struct err *err)
{
	const struct conv_request req = {
		.host = json_str(msg, "host"),
		.repo = json_str(msg, "repo"),
		.authfile = json_str(msg, "authfile"),
		.creds = json_str(msg, "creds"),
		.tls_verify = (int)json_i64(msg, "tls_verify", -1),
	};
	int64_t stall = json_i64(msg, "stall", 0);
	autostrv char **paths = NULL;
	const char *bundle;
	const char *url = json_str(msg, "url");
	int r;

	if (!streq(json_str(msg, "op"), "open") || !req.host || !req.repo)
		return err_set(err, ERR_FAIL, EPROTO, "malformed open request");
	c->host = xstrdup(req.host);
	c->repo = xstrdup(req.repo);
	c->cert_dir = xstrdup(json_str(msg, "cert_dir"));
	c->push = json_flag(msg, "push", false);
	c->retry = (unsigned int)clamp(json_i64(msg, "retry", -1),
				       RETRY_DEFAULT, RETRY_MAX);
	c->delay_ns = clamp(json_i64(msg, "delay_ms", 0), 0, DELAY_MAX_MS) *
		      NS_PER_MS;
	c->stall_ns = clamp(stall ? stall : -1, STALL_DEFAULT_S, STALL_MAX_S) *
		      NS_PER_S;
	r = url ? download_prepare(c, url, err) :
		  conv_find_endpoints(c, &req, err);
	if (r < 0)
		return r;
	r = http_new(&c->http, err);
	if (r < 0)
		return r;

	paths = tls_dirs(c->env, c->cert_dir);
	bundle = tls_ca_bundle(c->env);
	if (bundle)
		strv_add(&paths, bundle);
	return sandbox_enter(paths, needs_sockets(c), err);
}

static int start(struct conv *c, struct err *err)
{
	auto_request struct request req = { NULL, -EBADF };
	struct err why = ERR_INIT;
	int r;

	do {
		struct pollfd p = { .fd = c->sock, .events = POLLIN };

		r = poll(&p, 1, -1);
		if (r >= 0)
			r = receive(c, &req, err);
	} while (r == 0 || (r < 0 && errno == EINTR));
	if (r < 0)
		return r;
	r = set_up(c, req.msg, &why);
	event_reply(c, r, NULL, &why);
	return r;
}

int main(int argc, char **argv, char **env)
{
	struct conv c = { .sock = REG_PROTO_FD, .env = env };
	struct err err = ERR_INIT;
	int r;

	(void)argc;
	(void)argv;
	signals_init();
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fault_init();
	r = sandbox_early(c.sock, &err);
	if (r == 0)
		r = start(&c, &err);
	if (r == 0)
		r = loop(&c, &err);
	child_exit(r < 0 ? 125 : 0);
}
