/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/download.h"

#include <errno.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "storage/registry/registry.h"
#include "storage/store_int.h"
#include "util/cleanup.h"
#include "util/trace.h"

/* As much as a layer may hold. */
#define DOWNLOAD_MAX (50ull << 30)
#define RESERVE_MAX (256ull << 20)

/* What the disk can take, less the reserve that unpacking keeps as well. */
static int room(int fd, uint64_t *ret, struct err *err)
{
	struct statfs fs;
	uint64_t left, reserve;

	if (fstatfs(fd, &fs) < 0)
		return err_sys(err, "look at the free space");
	left = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	reserve = MIN(RESERVE_MAX,
		      (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize / 100);
	/* A file system that does not tell has no blocks */
	if (!fs.f_blocks)
		*ret = DOWNLOAD_MAX;
	else
		*ret = left > reserve ? MIN(left - reserve, DOWNLOAD_MAX) : 0;
	return 0;
}

int store_download(struct store *s, const char *url, int *ret_fd,
		   struct err *err)
{
	const struct registry_conf conf = {
		.host = url,
		.repo = "",
		.url = url,
		.tls_verify = -1,
		.retry = -1,
	};
	struct registry *reg = NULL;
	uint64_t max = 0;
	int r;

	TRACE("store", "download");
	autoclose int fd = store_scratch(s, NULL, err);
	if (fd < 0)
		return fd;
	r = room(fd, &max, err);
	if (r == 0)
		r = registry_open(&conf, &reg, err);
	if (r == 0)
		r = registry_download(reg, max, fd, err);
	registry_close(reg);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_sys(err, "seek");
	if (r < 0)
		return err_wrap(err, r, "downloading");
	*ret_fd = take_fd(fd);
	return 0;
}
