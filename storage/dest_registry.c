/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/dest.h"

#include <errno.h>
#include <stdio.h>

#include "storage/image/ref.h"
#include "storage/push.h"
#include "storage/registry/registry.h"
#include "util/str.h"

struct registry_dest {
	struct dest dest;
	struct registry *r; /* owned */
	char *tag;	    /* owned */
};

static struct registry_dest *dest_of(struct dest *d)
{
	return (struct registry_dest *)d;
}

static int reg_has(struct dest *d, const char *digest, struct err *err)
{
	return registry_has(dest_of(d)->r, digest, err);
}

static int reg_blob(struct dest *d, const struct desc *b, const char *from,
		    int fd, uint32_t key, struct err *err)
{
	return registry_upload(dest_of(d)->r, b->digest, b->size, from, fd, key,
			       err);
}

static int reg_fd(struct dest *d)
{
	return registry_fd(dest_of(d)->r);
}

static int reg_event(struct dest *d, struct dest_event *ret, struct err *err)
{
	struct registry_event ev;
	int r = registry_read(dest_of(d)->r, &ev, err);

	if (r <= 0)
		return r;
	*ret = (struct dest_event){
		.key = ev.key,
		.done = ev.done,
		.ended = ev.kind != REG_PROGRESS,
		.err = ERR_INIT,
	};
	snprintf(ret->how, sizeof(ret->how), "%s", ev.how);
	if (ev.kind == REG_FAILED)
		ret->err = ev.err;
	return 1;
}

static int reg_manifest(struct dest *d, const char *ref, const char *type,
			const void *data, size_t len, struct err *err)
{
	struct registry_dest *rd = dest_of(d);

	return registry_put(rd->r, ref ? ref : rd->tag, type, data, len, err);
}

static void reg_close(struct dest *d)
{
	struct registry_dest *rd = dest_of(d);

	registry_close(rd->r);
	free(rd->tag);
	free(rd);
}

static const struct dest_ops registry_ops = {
	.has = reg_has,
	.blob = reg_blob,
	.fd = reg_fd,
	.event = reg_event,
	.manifest = reg_manifest,
	.close = reg_close,
};

int dest_registry(const char *full, const struct push_opts *opts,
		  struct dest **ret, struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	struct registry_dest *rd;
	struct registry *reg;
	int r = ref_parse(full, &ref, err);

	if (r < 0)
		return r;
	ref_complete(&ref, "docker.io");
	if (ref.digest)
		return err_set(err, ERR_USAGE, EINVAL,
			       "%s: a digest is no destination, give a tag",
			       full);
	const struct registry_conf conf = {
		.host = ref.host,
		.repo = ref.path,
		.authfile = opts->authfile,
		.creds = opts->creds,
		.cert_dir = opts->cert_dir,
		.tls_verify = opts->tls_verify,
		.retry = opts->retry,
		.delay_ms = opts->delay_ms,
		.push = true,
	};

	r = registry_open(&conf, &reg, err);
	if (r < 0)
		return r;
	rd = xcalloc(1, sizeof(*rd));
	rd->dest.ops = &registry_ops;
	rd->dest.name = ref_text(&ref);
	rd->dest.host = take_ptr(ref.host);
	rd->dest.repo = take_ptr(ref.path);
	rd->tag = take_ptr(ref.tag);
	rd->r = reg;
	*ret = &rd->dest;
	return 0;
}
