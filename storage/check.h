/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_CHECK_H
#define STORAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct store;

/**
 * struct check - one look at a store (or at what lies above it)
 * @quick:   what is there, not what it contains
 * @repair:  put right what can be
 * @force:   @repair may remove images that containers use
 * @max_age_s: layers and blobs that no image has are damage when they are
 *           older; a pull that was killed leaves some for the next one
 * @tell:    called with a line per finding, and per repair
 * @found:   damage so far, @repaired of it was put right
 */
struct check {
	bool quick;
	bool repair;
	bool force;
	int64_t max_age_s;
	void (*tell)(const char *line, void *arg);
	void *arg;
	size_t found;
	size_t repaired;
};

/** check_found() - one finding more; @fixed: it was put right at once */
void check_found(struct check *ck, bool fixed, const char *fmt, ...)
	printf_like(3, 4);

/**
 * store_check() - every blob, layer and row, in both directions
 *
 * Blobs are hashed; layers are compared with what their blob unpacks to, byte
 * for byte.  With @ck->repair a damaged blob is dropped, a damaged or missing
 * layer is unpacked again where its blob is sound, and an image that cannot
 * be had any more is removed, unless a container uses it; the line names what
 * to pull again.
 */
int store_check(struct store *s, struct check *ck, struct err *err);

/** store_prune_orphans() - layers, blobs and downloads that no image has and
 *  no process is about to use */
int store_prune_orphans(struct store *s, bool dry_run,
			void (*tell)(const char *what, const char *hash,
				     void *arg),
			void *arg, struct err *err);

#endif
