/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log of two files with any content.  The first byte is the tail that is
 * asked for, the second where the content is cut in two.  The tail has to be
 * the end of a full read.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpod/monitor/log_read.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 4096

/* Logical lines in the order they begin: stream, length and a sum. */
struct lines {
	struct {
		int stream;
		size_t len;
		uint64_t sum;
	} v[LINES_MAX];
	size_t n;
	ssize_t open[2];
};

static int add(void *arg, const struct log_rec *rec)
{
	struct lines *l = arg;
	ssize_t *open = &l->open[rec->stream - 1];

	if (*open < 0) {
		if (l->n == LINES_MAX)
			return 1;
		*open = (ssize_t)l->n++;
		l->v[*open].stream = rec->stream;
	}
	for (size_t i = 0; i < rec->len; i++)
		l->v[*open].sum = l->v[*open].sum * 31 +
				  (unsigned char)rec->text[i];
	l->v[*open].len += rec->len;
	if (!rec->partial)
		*open = -1;
	return 0;
}

static struct lines *read_lines(int dir, int64_t tail, int *ret)
{
	struct lines *l = xcalloc(1, sizeof(*l));
	struct log_read_opts o = LOG_READ_INIT;

	l->open[0] = -1;
	l->open[1] = -1;
	o.tail = tail;
	*ret = log_read(dir, &o, add, l, NULL);
	return l;
}

static char scratch_path[] = "/tmp/bryo-fuzz-log.XXXXXX";

static void scratch_remove(void)
{
	tree_remove_at(AT_FDCWD, scratch_path, NULL);
}

/* One directory for all inputs. */
static int scratch(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	if (mkdtemp(scratch_path))
		fd = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	atexit(scratch_remove);
	return fd;
}

static void put_file(int dir, const char *name, const void *data, size_t len)
{
	if (file_write_at(dir, name, data, len, 0600, false, NULL) < 0)
		abort();
}

static void check(int dir, int64_t tail)
{
	int r_all, r_some;
	autofree struct lines *all = read_lines(dir, LOG_TAIL_ALL, &r_all);
	autofree struct lines *some = read_lines(dir, tail, &r_some);
	size_t want = MIN((size_t)tail, all->n);

	if (r_all != 0)
		return;
	if (r_some != 0 || some->n != want ||
	    memcmp(some->v, all->v + all->n - want,
		   want * sizeof(all->v[0])) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int dir = scratch();
	size_t cut;

	if (size < 2)
		return 0;
	cut = (size - 2) * data[1] / 255;
	put_file(dir, "ctr.log.1", data + 2, cut);
	put_file(dir, "ctr.log", data + 2 + cut, size - 2 - cut);
	check(dir, 1 + data[0] % 20);
	return 0;
}
