/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/sb.h"
#include "util/str.h"

/*
 * The main() of a fuzz target where there is no fuzzer: feed it the files of
 * its corpus, so that every input that once failed is a test with any
 * compiler.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (16u << 20)

static int replay_file(const char *path)
{
	autosb struct sb text = SB_INIT;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	autofree uint8_t *exact = NULL;
	size_t len;

	if (fd < 0 || fd_read_all(fd, INPUT_MAX, &text) < 0) {
		perror(path);
		return 1;
	}
	/* A buffer of just that size, so that ASan sees a byte too far. */
	len = text.len;
	exact = xmemdup(text.buf, len);
	LLVMFuzzerTestOneInput(exact, len);
	return 0;
}

static int replay(const char *path)
{
	autoclosedir DIR *dir = opendir(path);
	struct dirent *e;
	int bad = 0;

	if (!dir)
		return replay_file(path);
	while ((e = readdir(dir))) {
		autofree char *name = path_join(path, e->d_name);

		if (e->d_name[0] != '.')
			bad |= replay_file(name);
	}
	return bad;
}

int main(int argc, char **argv)
{
	int bad = argc < 2;

	for (int i = 1; i < argc; i++)
		bad |= replay(argv[i]);
	return bad;
}
