/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/budget.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/vfs.h>

#include "util/compiler.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define DEFAULT_MAX (50 * GIB)
#define RESERVE_MAX (256 * MIB)
#define LOOK_EVERY (16 * MIB)

/* Free space at least as large as the reserve?  Two layers may unpack at the
 * same time and the blob is written too, so it is looked at again and again. */
static int look(struct budget *b, struct err *err)
{
	struct statfs fs;
	uint64_t free_bytes;

	b->unseen = 0;
	if (fstatfs(b->fd, &fs) < 0)
		return err_sys(err, "look at the free space");
	free_bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	b->reserve = MIN(RESERVE_MAX,
			 (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize / 100);
	if (fs.f_blocks == 0) {
		/* a file system that does not tell */
		b->look_at = LOOK_EVERY;
		return 0;
	}
	if (free_bytes < b->reserve)
		return err_set(err, ERR_LIMIT, ENOSPC,
			       "no space left on device (%" PRIu64 " kB are "
			       "free, %" PRIu64 " kB are kept in reserve)",
			       free_bytes / 1024, b->reserve / 1024);
	/* sooner when there is little left, so that it never runs out */
	b->look_at = MIN(LOOK_EVERY, (free_bytes - b->reserve) / 2);
	return 0;
}

static int look_sometimes(struct budget *b, uint64_t n, struct err *err)
{
	b->unseen += n;
	return b->unseen < b->look_at ? 0 : look(b, err);
}

int budget_init(struct budget *b, int fd, uint64_t max, struct err *err)
{
	*b = (struct budget){ .fd = fd, .max = max ? max : DEFAULT_MAX };
	return look(b, err);
}

int budget_content(struct budget *b, uint64_t n, struct err *err)
{
	if (n > b->max - b->used)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "files of the layer have more than %" PRIu64
			       " bytes (--max-layer-size)", b->max);
	b->used += n;
	return look_sometimes(b, n, err);
}

int budget_copied(struct budget *b, uint64_t n, struct err *err)
{
	return look_sometimes(b, n, err);
}

int budget_size(const struct budget *b, uint64_t size, struct err *err)
{
	if (size <= b->max)
		return 0;
	return err_set(err, ERR_LIMIT, EFBIG,
		       "file claims %" PRIu64 " bytes, more than %" PRIu64
		       " (--max-layer-size)", size, b->max);
}
