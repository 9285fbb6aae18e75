/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/compression.h"

#include <string.h>
#include <unistd.h>

#include "storage/image/manifest.h"
#include "util/str.h"

enum compression compression_of(int blob)
{
	static const struct {
		enum compression is;
		size_t len;
		unsigned char magic[6];
	} known[] = {
		{ COMPRESSION_GZIP, 2, { 0x1f, 0x8b } },
		{ COMPRESSION_ZSTD, 4, { 0x28, 0xb5, 0x2f, 0xfd } },
		{ COMPRESSION_OTHER, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
		{ COMPRESSION_OTHER, 3, { 'B', 'Z', 'h' } },
	};
	unsigned char head[6] = { 0 };

	if (pread(blob, head, sizeof(head), 0) < 0)
		return COMPRESSION_NONE;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (memcmp(head, known[i].magic, known[i].len) == 0)
			return known[i].is;
	return COMPRESSION_NONE;
}

enum compression compression_named(const char *name)
{
	return streq(name, "zstd") ? COMPRESSION_ZSTD : COMPRESSION_GZIP;
}

const char *compression_layer_type(enum compression c, bool docker)
{
	static const char *const types[][2] = {
		[COMPRESSION_NONE] = { TYPE_OCI_LAYER, TYPE_DOCKER_LAYER },
		[COMPRESSION_GZIP] = { TYPE_OCI_LAYER "+gzip",
				       TYPE_DOCKER_LAYER ".gzip" },
		[COMPRESSION_ZSTD] = { TYPE_OCI_LAYER "+zstd",
				       TYPE_DOCKER_LAYER ".zstd" },
		[COMPRESSION_OTHER] = { TYPE_OCI_LAYER, TYPE_DOCKER_LAYER },
	};

	return types[c][docker];
}
