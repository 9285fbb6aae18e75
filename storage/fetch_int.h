/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_FETCH_INT_H
#define STORAGE_FETCH_INT_H

/*
 * Between the parts of a fetch: the loop (fetch.c), slots and their locks
 * (fetch_slot.c), sync and rename (fetch_publish.c).
 */
#include "storage/fetch.h"
#include "storage/layers.h"
#include "storage/store_int.h"

enum slot_state { SLOT_WAIT, SLOT_BUSY, SLOT_RUN, SLOT_UNPACKED, SLOT_DONE };

enum slot_input {
	FROM_SOURCE,
	FROM_BLOB,    /* blobs/ has it, unpacked it is not */
	FROM_PARTIAL, /* partial/ has all bytes of it */
};

/**
 * struct slot - one layer on its way
 * @l:        borrowed
 * @lock:     partial/HEX or the blob, flock'ed; may be -EBADF
 * @offset:   bytes that partial/ had already
 * @again:    was started over because what we had was bad
 * @streams:  the source will send an event that ends it
 * @src_err:  why the source gave up, code 0 if it did not
 * @unpacked_ns: since when it is (monotonic)
 */
struct slot {
	struct fetch_layer *l;
	enum slot_state state;
	enum slot_input input;
	struct staging staging;
	struct layer_job job;
	struct layer_result res;
	int lock;
	uint64_t offset;
	bool again;
	bool streams;
	struct err src_err;
	uint64_t unpacked_ns;
};

/**
 * struct fetch - all of one image
 * @v, @n:     slots, one per diff id
 * @sync_pid:  child in syncfs(2), 0 none; @sync_fd its pidfd
 * @syncing:   slots it is for: those with this mark
 */
struct fetch {
	struct store *s;
	struct source *src;
	const struct progress *p;
	enum layer_format format;
	struct slot *v;
	size_t n;
	size_t jobs_max;
	pid_t sync_pid;
	int sync_fd;
	bool *syncing;
};

/* ---- fetch_slot.c ------------------------------------------------------- */

/** slot_name() - the digest of the blob, else the diff id; borrowed */
const char *slot_name(const struct slot *sl);

/** slot_tell_line() - "Copying blob NAME@more", as a line of its own */
void slot_tell_line(const struct fetch *f, const struct slot *sl,
		    const char *more);

/** slot_tell() - how far it is; @done in bytes */
void slot_tell(const struct fetch *f, const struct slot *sl,
	       const char *state, uint64_t done);

/** slot_close() - end its job and give its lock back */
void slot_close(struct slot *sl);

/** slot_done() - its layer is in the store; @state is told */
void slot_done(struct fetch *f, struct slot *sl, const char *state);

/** slot_drop_partial() - what it had fetched goes */
void slot_drop_partial(struct fetch *f, struct slot *sl);

/** slot_is_empty() - not one byte of it came */
bool slot_is_empty(const struct slot *sl);

/**
 * slot_lock() - find out where the bytes come from, and see that nobody else
 * unpacks them meanwhile
 *
 * Return: 0, 1 somebody else does, -errno
 */
int slot_lock(struct fetch *f, struct slot *sl, struct err *err);

/** slot_forget_bytes() - it is started over, nothing that it had is believed */
int slot_forget_bytes(struct fetch *f, struct slot *sl, struct err *err);

/* ---- fetch_publish.c ---------------------------------------------------- */

/** publish_due_ms() - when to call publish_start(): 0 now, -1 when something
 *  else has happened */
int publish_due_ms(const struct fetch *f);

/** publish_start() - a child syncs for the slots that are unpacked by now;
 *  only one at a time */
int publish_start(struct fetch *f, struct err *err);

/** publish_wait() - reap the child; its exit code, or -errno */
int publish_wait(struct fetch *f);

/** publish_ended() - the child is through: rename what it was for */
int publish_ended(struct fetch *f, struct err *err);

#endif
