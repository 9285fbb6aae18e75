/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * How much there is below a directory.  Files of subuids can only be seen by
 * root of the user namespace, so a child there counts, into memory that both
 * share.  By descriptor, nothing is followed; an inode with several names
 * counts once in each tree.
 */
#include "storage/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "storage/store_int.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/trace.h"

#define DEPTH_MAX 1100 /* bryo-layer allows 1024 */

struct inode {
	dev_t dev;
	ino_t ino;
};

/**
 * struct count - one call
 * @sum:  two numbers per tree, in shared memory
 * @seen: tsearch of owned struct inode
 */
struct count {
	struct store_usage *const *v;
	size_t n;
	uint64_t (*sum)[2];
	void *seen;
};

static int compare_inode(const void *a, const void *b)
{
	const struct inode *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static bool first_name(struct count *c, const struct stat *st)
{
	struct inode key = { st->st_dev, st->st_ino };
	struct inode *new;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return true;
	if (tfind(&key, &c->seen, compare_inode))
		return false;
	new = xmemdup(&key, sizeof(key));
	if (!tsearch(new, &c->seen, compare_inode))
		die_oom();
	return true;
}

static int count_dir(struct count *c, int fd, uint64_t sum[2],
		     unsigned int depth, struct err *err);

/* What vanishes meanwhile counts for nothing. */
static int count_name(struct count *c, int at, const char *name,
		      uint64_t sum[2], unsigned int depth, struct err *err)
{
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "stat %s", name);
	if (!first_name(c, &st))
		return 0;
	sum[1] += (uint64_t)st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode)) {
		sum[0] += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		return 0;
	}
	if (depth > DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ELOOP,
			       "directories are nested too deep");
	autoclose int fd = dir_open_at(at, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 :
				       err_code(err, fd, "open %s", name);
	return count_dir(c, fd, sum, depth + 1, err);
}

static int count_dir(struct count *c, int fd, uint64_t sum[2],
		     unsigned int depth, struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(fd, ".");
	const struct dirent *e;
	int r = d ? 0 : err_sys(err, "read a directory");

	while (r == 0 && (r = dir_next(d, &e, err)) > 0)
		r = count_name(c, fd, e->d_name, sum, depth, err);
	return r;
}

static int count_child(void *arg, struct err *err)
{
	struct count *c = arg;
	struct rlimit lim;
	int r = 0;

	/* Two descriptors per level of a deep tree */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	for (size_t i = 0; r == 0 && i < c->n; i++) {
		r = count_name(c, c->v[i]->dirfd, c->v[i]->name, c->sum[i], 0,
			       err);
		tdestroy(c->seen, free);
		c->seen = NULL;
	}
	return r;
}

int store_usage(struct store *s, struct store_usage *const *v, size_t n,
		struct err *err)
{
	struct count c = { .v = v, .n = n };
	size_t size = (n ? n : 1) * sizeof(*c.sum);
	int r;

	TRACE("store", "usage");
	c.sum = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.sum == MAP_FAILED)
		return err_sys(err, "mmap");
	r = store_fork(s, count_child, &c, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		v[i]->bytes = c.sum[i][0];
		v[i]->disk = c.sum[i][1];
	}
	munmap(c.sum, size);
	return r;
}
