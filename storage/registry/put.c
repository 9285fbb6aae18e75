/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/registry/put.h"

#include <errno.h>
#include <string.h>

#include "storage/registry/fetch.h"
#include "storage/registry/registry.h"
#include "storage/registry/transfer.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define ANSWER_MAX (1u << 20)

/* Letters of a media type: nothing that could end the header line */
static bool type_is_valid(const char *type)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "/+-._";

	return type && strlen(type) < 256 && strchr(type, '/') &&
	       strspn(type, set) == strlen(type);
}

static int send_manifest(struct conv *c, const char *ref, const char *type,
			 const struct sb *body, struct err *err)
{
	const char *sep = strchr(ref, ':') ? "@" : ":";
	autofree char *path = xasprintf("manifests/%s", ref);
	autofree char *name =
		xasprintf("%s/%s%s%s", c->host, c->repo, sep, ref);
	struct transfer t;
	int r;

	transfer_init(&t, path, name, c->n_eps - 1);
	t.method = "PUT";
	t.send = (struct http_body){ .fd = -EBADF, .data = body->buf,
				     .len = body->len };
	strv_addf(&t.headers, "Content-Type: %s", type);
	r = transfer_run(c, &t, ANSWER_MAX, err);
	transfer_done(&t);
	return r;
}

int put_manifest(struct conv *c, const char *ref, const char *type,
		 uint64_t size, int fd, struct err *err)
{
	autosb struct sb body = SB_INIT;
	int r;

	if (!fetch_ref_is_valid(ref) || !type_is_valid(type))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s/%s: not a valid tag, digest or type",
			       c->host, c->repo);
	if (size > REGISTRY_MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "%s/%s: manifest is over the limit of 4 MiB",
			       c->host, c->repo);
	r = fd < 0 ? -EBADF : fd_read_all(fd, REGISTRY_MANIFEST_MAX, &body);
	if (r == 0 && body.len != size)
		r = -EIO;
	if (r < 0)
		return err_code(err, r, "%s/%s: take over the manifest",
				c->host, c->repo);
	return send_manifest(c, ref, type, &body, err);
}

int put_has(struct conv *c, const char *digest, struct json_object *reply,
	    struct err *err)
{
	autofree char *path = xasprintf("blobs/%s", digest ? digest : "");
	autofree char *name = xasprintf("%s/%s", c->host, c->repo);
	struct transfer t;
	int r;

	if (!fetch_digest_is_valid(digest))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s: not a valid digest", name);
	transfer_init(&t, path, name, c->n_eps - 1);
	t.method = "HEAD";
	r = transfer_run(c, &t, ANSWER_MAX, err);
	if (r == -ENOENT) {
		err_clear(err);
		json_set_bool(reply, "has", false);
		r = 0;
	} else if (r == 0) {
		json_set_bool(reply, "has", true);
	}
	transfer_done(&t);
	return r;
}

int put_check(struct conv *c, struct err *err)
{
	struct endpoint *ep = &c->eps[c->n_eps - 1];
	struct transfer t;
	int r = endpoint_ready(c, ep, err);

	if (r < 0)
		return r;
	/* Basic credentials were not looked at yet by anybody */
	transfer_init(&t, "", ep->host, c->n_eps - 1);
	t.root = xasprintf("%s/v2/", ep->base);
	r = transfer_run(c, &t, ANSWER_MAX, err);
	transfer_done(&t);
	return r;
}
