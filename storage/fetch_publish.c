/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The last step of layers on their way: a child in syncfs(2) for all that are
 * unpacked by then, while others go on; when it is through, blob and layer
 * are renamed into place, in this order.  syncfs waits for all that anybody
 * wrote to the file system, so small layers wait a little for others, that
 * one call may do for all: until no other is unpacked any more.
 */
#include "storage/fetch_int.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "storage/blob.h"
#include "storage/source.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/sha256.h"
#include "util/str.h"

enum { COPY_BYTES = 256 << 10 };

#define SYNC_BYTES (UINT64_C(32) << 20)
#define SYNC_WAIT_NS (UINT64_C(100) * 1000 * 1000)

int publish_due_ms(const struct fetch *f)
{
	uint64_t now = clock_mono_ns(), since = UINT64_MAX, bytes = 0;
	bool runs = false;

	for (size_t i = 0; i < f->n; i++) {
		const struct slot *sl = &f->v[i];

		runs |= sl->state == SLOT_RUN;
		if (sl->state != SLOT_UNPACKED)
			continue;
		since = MIN(since, sl->unpacked_ns);
		bytes += sl->res.bytes + sl->res.size;
	}
	if (f->sync_pid || since == UINT64_MAX)
		return -1;
	if (!runs || bytes >= SYNC_BYTES || now - since >= SYNC_WAIT_NS)
		return 0;
	return (int)((SYNC_WAIT_NS - (now - since)) / 1000000) + 1;
}

int publish_start(struct fetch *f, struct err *err)
{
	int fd = store_dir(f->s, STORE_LAYERS, err);
	pid_t pid;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < f->n; i++)
		f->syncing[i] = f->v[i].state == SLOT_UNPACKED;
	pid = fork();
	if (pid < 0)
		return err_fork(err, errno, "fork");
	if (pid == 0)
		child_exit(syncfs(fd) < 0 ? (errno == ENOSPC ? 2 : 1) : 0);
	f->sync_pid = pid;
	f->sync_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return f->sync_fd < 0 ? err_sys(err, "pidfd_open") : 0;
}

int publish_wait(struct fetch *f)
{
	int r = proc_wait(f->sync_pid);

	f->sync_pid = 0;
	close_fd(f->sync_fd);
	return r;
}

static int copy_bytes(int in, int out, char ret_hex[SHA256_HEX],
		      struct err *err)
{
	autofree char *buf = xmalloc(COPY_BYTES);
	auto_sha256 struct sha256 *hash = NULL;
	ssize_t n;
	int r = sha256_new(&hash, err);

	if (r < 0)
		return r;
	while ((n = fd_read_full(in, buf, COPY_BYTES)) > 0) {
		sha256_add(hash, buf, (size_t)n);
		r = fd_write_full(out, buf, (size_t)n);
		if (r < 0)
			return err_code(err, r, "write a blob");
	}
	if (n < 0)
		return err_code(err, (int)n, "read a blob");
	sha256_hex(hash, ret_hex);
	return fsync(out) < 0 ? err_sys(err, "write a blob") : 0;
}

/* The file of a member that several names or links share, or that is not
 * ours: then it may be another one by now. */
static int copy_member(struct fetch *f, struct slot *sl, const char *hex,
		       struct err *err)
{
	int staging = store_dir(f->s, STORE_STAGING, err);
	char name[STORE_UNIQUE_MAX];
	char found[SHA256_HEX];
	int r;

	store_unique(f->s, name);
	autoclose int in = f->src->ops->open(f->src, &sl->l->d, 0, 0, err);
	if (in < 0 || staging < 0)
		return -EIO;
	autoclose int out = openat(staging, name, O_WRONLY | O_CREAT | O_EXCL |
				   O_CLOEXEC, 0600);
	if (out < 0)
		return err_sys(err, "create blob %s", hex);
	r = copy_bytes(in, out, found, err);
	if (r == 0 && !streq(found, hex))
		r = err_set(err, ERR_INVALID, EBADMSG,
			    "layer %s changed while it was read", hex);
	if (r == 0)
		r = blob_take(f->s, staging, name, hex, err);
	if (r < 0)
		unlinkat(staging, name, 0);
	return r;
}

static int publish_blob(struct fetch *f, struct slot *sl, struct err *err)
{
	const char *hex = digest_hex(sl->l->d.digest);
	char text[65];
	char *hashes[] = { text, NULL };
	int r;

	if (sl->input == FROM_BLOB)
		return 0;
	/* Its bytes were kept while they came */
	if (!f->src->gives && sl->lock >= 0)
		return blob_take(f->s, f->s->dir[STORE_PARTIAL], hex, hex, err);
	/* Its digest may be known only now */
	memcpy(text, hex, sizeof(text));
	r = lease_add(f->s, hashes, err);
	if (r < 0)
		return r;
	if (f->src->gives &&
	    f->src->ops->give(f->src, &sl->l->d,
			      store_dir(f->s, STORE_BLOBS, NULL), hex) == 0)
		return 0;
	return copy_member(f, sl, hex, err);
}

static int publish(struct fetch *f, struct slot *sl, struct err *err)
{
	int r;

	if (FAULT("pull.layer.synced") < 0)
		return err_sys(err, "layer %s", slot_name(sl));
	r = publish_blob(f, sl, err);
	if (r == 0 && FAULT("pull.blob.published") < 0)
		r = err_sys(err, "layer %s", slot_name(sl));
	if (r == 0)
		r = layer_publish(f->s, &sl->staging,
				  digest_hex(sl->l->diff_id), err);
	if (r < 0)
		return r;
	if (FAULT("pull.layer.published") < 0)
		return err_sys(err, "layer %s", slot_name(sl));
	slot_done(f, sl, "done");
	return 0;
}

int publish_ended(struct fetch *f, struct err *err)
{
	int r = publish_wait(f);

	if (r != 0)
		return err_set(err, ERR_SYS, r == 2 ? ENOSPC : EIO,
			       "sync the layers: %s",
			       err_reason(r == 2 ? ENOSPC : EIO));
	for (size_t i = 0; r == 0 && i < f->n; i++) {
		if (!f->syncing[i])
			continue;
		f->syncing[i] = false;
		r = publish(f, &f->v[i], err);
	}
	return r;
}
