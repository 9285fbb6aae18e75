/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/layer/pack.h"
#include "storage/layer/unpack.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

/*
 * The whole extractor, without its sandbox: what tree.c writes has to stay
 * below its root by itself.  Input: a layer, compressed or not.
 *
 * Holds for each input: the canary beside the root is untouched, the budget
 * is kept, no descriptor leaks, and what was accepted can be packed, unpacked
 * again and gives the same bytes when it is packed once more.
 */
enum { BYTES_MAX = 1 << 20, ENTRIES_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
	__attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed);

static char top[] = "/tmp/bryo-fuzz-layer-XXXXXX";
static int top_fd = -EBADF;
static struct stat canary;

static void put(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert(fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0);
}

/*
 * Root of a namespace of its own: nobody else may give files away, and every
 * layer would fail at its first directory.  Before main(), as a process with
 * threads (libFuzzer's) cannot do it.
 */
__attribute__((constructor)) static void become_root(void)
{
	autofree char *uids = xasprintf("0 %u 1", (unsigned int)geteuid());
	autofree char *gids = xasprintf("0 %u 1", (unsigned int)getegid());

	if (geteuid() == 0)
		return;
	assert(unshare(CLONE_NEWUSER) == 0);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uids);
	put("/proc/self/gid_map", gids);
}

static void remove_top(void)
{
	struct err err = ERR_INIT;

	(void)tree_remove_at(AT_FDCWD, top, &err);
}

static void check_canary(void)
{
	struct stat now;

	assert(fstatat(top_fd, "canary", &now, AT_SYMLINK_NOFOLLOW) == 0);
	assert(now.st_ino == canary.st_ino && now.st_mode == canary.st_mode);
	assert(now.st_nlink == canary.st_nlink);
	assert(now.st_mtim.tv_sec == canary.st_mtim.tv_sec);
	assert(now.st_mtim.tv_nsec == canary.st_mtim.tv_nsec);
}

static int lowest_fd(void)
{
	int fd = fcntl(top_fd, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

/* An empty root directory; open */
static int fresh_root(const char *name)
{
	struct err err = ERR_INIT;

	assert(tree_remove_at(top_fd, name, &err) == 0);
	assert(mkdirat(top_fd, name, 0700) == 0);
	return openat(top_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int unpack(int input, int root)
{
	static const struct idmap ids = { .range = { { 0, 65536 } }, .n = 1 };
	struct layer_result res = { 0 };
	struct err err = ERR_INIT;
	struct budget budget;
	struct stream stream = {
		.input = input, .resume = -EBADF, .blob = -EBADF,
		.tar_max = 16 << 20,
	};
	struct tree tree = {
		.root = root, .format = LAYER_PLAIN, .single_id = true,
		.uids = &ids, .gids = &ids,
	};
	struct unpack u = { &stream, &tree, &budget, ENTRIES_MAX, false };
	int r = budget_init(&budget, root, BYTES_MAX, &err);

	if (r == 0)
		r = tree_begin(&tree, &err);
	if (r == 0)
		r = stream_open(&stream, &err);
	if (r == 0)
		r = unpack_run(&u, &res, &err);
	assert(r <= 0 && (r == 0) == (err.code == 0));
	assert(r == 0 || err.msg[0]);
	assert(res.bytes <= BYTES_MAX && res.entries <= ENTRIES_MAX + 1);
	tree_done(&tree);
	stream_close(&stream);
	return r;
}

/* An empty archive is a good layer: without that nothing below would count */
static void check_works(void)
{
	static const char blank[1024];
	autoclose int input = memfd_create("blank", MFD_CLOEXEC);
	autoclose int root = fresh_root("root");

	assert(input >= 0 && root >= 0);
	assert(fd_write_full(input, blank, sizeof(blank)) == 0);
	assert(lseek(input, 0, SEEK_SET) == 0);
	assert(unpack(input, root) == 0);
}

static void setup(void)
{
	if (top_fd >= 0)
		return;
	assert(mkdtemp(top));
	atexit(remove_top);
	umask(0);
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(top_fd >= 0 && mkdirat(top_fd, "canary", 0755) == 0);
	assert(fstatat(top_fd, "canary", &canary, 0) == 0);
	check_works();
}

/* A memfd with the layer of @root, at its beginning */
static int pack(int root, char hex[SHA256_HEX])
{
	struct layer_result res = { 0 };
	struct err err = ERR_INIT;
	int fd = memfd_create("packed", MFD_CLOEXEC);
	const struct pack p = { .root = root, .out = fd, .single_id = true };

	assert(fd >= 0 && pack_run(&p, &res, hex, &err) == 0);
	assert(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void check_round_trip(int root)
{
	char first[SHA256_HEX], second[SHA256_HEX];

	autoclose int packed = pack(root, first);
	autoclose int again = fresh_root("again");
	assert(unpack(packed, again) == 0);
	autoclose int repacked = pack(again, second);
	assert(repacked >= 0 && streq(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	setup();

	int before = lowest_fd();
	{
		autoclose int input = memfd_create("layer", MFD_CLOEXEC);
		autoclose int root = fresh_root("root");

		assert(input >= 0 && root >= 0);
		assert(fd_write_full(input, data, size) == 0);
		assert(lseek(input, 0, SEEK_SET) == 0);
		if (unpack(input, root) == 0)
			check_round_trip(root);
		check_canary();
	}
	assert(lowest_fd() == before);
	return 0;
}

/* Headers with a wrong checksum get no further: put it right. */
static void fix_sums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size; at += 512) {
		uint8_t *h = data + at;
		unsigned int sum = 0;
		char text[8];

		if (memcmp(h + 257, "ustar", 5) != 0)
			continue;
		memset(h + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += h[i];
		snprintf(text, sizeof(text), "%06o", sum & 0777777);
		memcpy(h + 148, text, 7);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed unused_attr)
{
	size = LLVMFuzzerMutate(data, size, max);
	fix_sums(data, size);
	return size;
}
