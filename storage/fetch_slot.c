/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What a slot holds while its layer is on its way, and the locks by which
 * several processes agree on who fetches a blob: the one that has the flock
 * on partial/HEX.  The file may be renamed or deleted between open and flock,
 * so it is looked at again afterwards.
 */
#include "storage/fetch_int.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "storage/blob.h"
#include "storage/source.h"
#include "util/fd.h"
#include "util/str.h"

const char *slot_name(const struct slot *sl)
{
	return *sl->l->d.digest ? sl->l->d.digest : sl->l->diff_id;
}

void slot_tell_line(const struct fetch *f, const struct slot *sl,
		    const char *more)
{
	autofree char *text = xasprintf("Copying blob %s%s", slot_name(sl),
					more);

	if (f->p && f->p->line)
		f->p->line(f->p->arg, text);
}

void slot_tell(const struct fetch *f, const struct slot *sl,
	       const char *state, uint64_t done)
{
	autofree char *key = xstrndup(digest_hex(slot_name(sl)), 12);

	if (f->p && f->p->layer)
		f->p->layer(f->p->arg, key, state, done, sl->l->d.size);
}

void slot_close(struct slot *sl)
{
	layer_job_end(&sl->job);
	staging_done(&sl->staging);
	layer_result_done(&sl->res);
	close_fd(sl->lock);
}

void slot_drop_partial(struct fetch *f, struct slot *sl)
{
	int dir = f->s->dir[STORE_PARTIAL];

	if (sl->lock >= 0 && sl->input != FROM_BLOB && dir >= 0)
		unlinkat(dir, digest_hex(sl->l->d.digest), 0);
}

/* The registry failed before the first byte: nothing to resume */
bool slot_is_empty(const struct slot *sl)
{
	struct stat st;

	return sl->lock >= 0 && fstat(sl->lock, &st) == 0 && st.st_size == 0;
}

void slot_done(struct fetch *f, struct slot *sl, const char *state)
{
	slot_close(sl);
	sl->state = SLOT_DONE;
	slot_tell(f, sl, state, sl->l->d.size);
}

/* 0 locked, 1 somebody else has it, -errno */
static int lock_file(int fd, const char *what, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return 1;
	return err_sys(err, "lock %s", what);
}

static int lock_blob(struct fetch *f, struct slot *sl, const char *hex,
		     struct err *err)
{
	autoclose int fd = blob_open(f->s, hex, NULL);
	int r;

	if (fd < 0)
		return fd;
	r = lock_file(fd, hex, err);
	if (r != 0)
		return r;
	sl->lock = take_fd(fd);
	sl->input = FROM_BLOB;
	return 0;
}

static int lock_partial(struct fetch *f, struct slot *sl, const char *hex,
			struct err *err)
{
	int dir = store_dir(f->s, STORE_PARTIAL, err);
	uint64_t size = sl->l->d.size;
	struct stat st;
	int r;

	if (dir < 0)
		return dir;
	autoclose int fd = openat(dir, hex, O_RDWR | O_CREAT | O_NOFOLLOW |
				  O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "create partial/%s", hex);
	r = lock_file(fd, hex, err);
	if (r != 0)
		return r;
	/* its last owner may have renamed it */
	if (!fd_is_at(fd, dir, hex) || fstat(fd, &st) < 0)
		return 1;
	if (blob_exists(f->s, hex)) {
		unlinkat(dir, hex, 0);
		return 1;
	}
	if ((uint64_t)st.st_size > size) {
		if (ftruncate(fd, 0) < 0)
			return err_sys(err, "truncate partial/%s", hex);
		st.st_size = 0;
	}
	sl->offset = (uint64_t)st.st_size;
	sl->input = sl->offset && sl->offset == size ? FROM_PARTIAL :
						       FROM_SOURCE;
	sl->lock = take_fd(fd);
	return 0;
}

/* Where the bytes come from, and nobody else unpacks them meanwhile:
 * 0, 1 busy, -errno */
int slot_lock(struct fetch *f, struct slot *sl, struct err *err)
{
	const char *hex;
	int r;

	sl->input = FROM_SOURCE;
	sl->offset = 0;
	if (!*sl->l->d.digest)
		return 0;
	hex = digest_hex(sl->l->d.digest);
	r = lock_blob(f, sl, hex, err);
	if (r >= 0 || f->src->gives)
		return r > 0 ? r : 0;
	return lock_partial(f, sl, hex, err);
}

/* Started over: nothing that we had is believed. */
int slot_forget_bytes(struct fetch *f, struct slot *sl, struct err *err)
{
	const char *hex = *sl->l->d.digest ? digest_hex(sl->l->d.digest) : "";

	if (sl->input == FROM_BLOB)
		return store_trash_move(f->s, store_dir(f->s, STORE_BLOBS, err),
					hex, err);
	if (sl->lock >= 0 && ftruncate(sl->lock, 0) < 0)
		return err_sys(err, "truncate partial/%s", hex);
	return 0;
}
