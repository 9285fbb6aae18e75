/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/tarwrite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "util/fd.h"

#define BLOCK 512

/* ustar; POSIX 1003.1-1990 section 10.1.1 */
struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

static int put(struct tar_writer *w, const void *data, size_t len,
	       struct err *err)
{
	int r = fd_write_full(w->fd, data, len);

	return r < 0 ? err_code(err, r, "write the archive") : 0;
}

/* Octal with a NUL, or GNU's base 256 from 8 GiB on. */
static void put_size(char field[12], uint64_t size)
{
	if (size < (UINT64_C(1) << 33)) {
		char text[13];

		snprintf(text, sizeof(text), "%011" PRIo64, size);
		memcpy(field, text, 12);
		return;
	}
	memset(field, 0, 12);
	field[0] = (char)0x80;
	for (int i = 11; i > 3; i--) {
		field[i] = (char)(size & 0xff);
		size >>= 8;
	}
}

static int put_header(struct tar_writer *w, const char *name, char type,
		      uint64_t size, struct err *err)
{
	struct header h = { .type = type };
	const unsigned char *bytes = (const unsigned char *)&h;
	unsigned int sum = 0;
	size_t len = strlen(name);
	char text[12];

	if (len >= sizeof(h.name))
		return err_set(err, ERR_FAIL, ENAMETOOLONG,
			       "name %s is too long for the archive", name);
	memcpy(h.name, name, len);
	memcpy(h.mode, type == '5' ? "0000755" : "0000644", 8);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	put_size(h.size, size);
	memcpy(h.mtime, "00000000000", 12);
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	memset(h.checksum, ' ', sizeof(h.checksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += bytes[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h.checksum, text, 7);
	w->size = size;
	w->left = size;
	return put(w, &h, sizeof(h), err);
}

int tar_dir(struct tar_writer *w, const char *name, struct err *err)
{
	return put_header(w, name, '5', 0, err);
}

int tar_begin(struct tar_writer *w, const char *name, uint64_t size,
	      struct err *err)
{
	return put_header(w, name, '0', size, err);
}

void tar_skip(struct tar_writer *w, uint64_t len)
{
	w->left -= MIN(len, w->left);
}

int tar_end(struct tar_writer *w, struct err *err)
{
	static const char zeros[BLOCK];

	if (w->left)
		return err_set(err, ERR_FAIL, EIO,
			       "a member of the archive is too short");
	return put(w, zeros, (BLOCK - w->size % BLOCK) % BLOCK, err);
}

int tar_finish(struct tar_writer *w, struct err *err)
{
	static const char zeros[2 * BLOCK];

	return put(w, zeros, sizeof(zeros), err);
}
