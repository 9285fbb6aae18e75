/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON that registries and archives send: the first byte chooses manifest
 * or index, image config, or manifest.json of a docker-archive.
 */
#include <stdint.h>
#include <stdlib.h>

#include "storage/archive/docker.h"
#include "storage/image/config.h"
#include "storage/image/manifest.h"
#include "storage/image/platform.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_manifest(const char *text, size_t len)
{
	auto_manifest struct manifest m = { 0 };
	const struct desc *chosen = NULL;
	struct platform host;

	if (manifest_parse(text, len, NULL, &m, NULL) < 0)
		return;
	for (size_t i = 0; i < m.n; i++)
		if (!digest_is_valid(m.v[i].digest) || !m.v[i].type)
			abort();
	if (!m.is_index && !digest_is_valid(m.config.digest))
		abort();
	platform_host(&host);
	if (m.is_index && manifest_choose(&m, &host, &chosen, NULL) == 0 &&
	    (chosen < m.v || chosen >= m.v + m.n))
		abort();
}

static void check_config(const char *text, size_t len)
{
	auto_image_conf struct image_conf c = { 0 };

	if (image_conf_parse(text, len, &c, NULL) < 0)
		return;
	for (size_t i = 0; i < c.n; i++)
		if (!digest_is_valid(c.diff_ids[i]))
			abort();
}

/* Members never lead out of the archive. */
static void check_member(const char *s)
{
	if (*s == '/' || streq(s, "..") || str_starts(s, "../") ||
	    strstr(s, "/../") || str_ends(s, "/.."))
		abort();
}

static void check_docker(const char *text, size_t len)
{
	auto_docker_index struct docker_index index = { 0 };

	if (docker_index_parse(text, len, &index, NULL) < 0)
		return;
	for (size_t i = 0; i < index.n; i++) {
		check_member(index.v[i].config);
		for (char **l = index.v[i].layers; l && *l; l++)
			check_member(*l);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	switch (*data) {
	case 'c':
		check_config(text, size - 1);
		break;
	case 'd':
		check_docker(text, size - 1);
		break;
	default:
		check_manifest(text, size - 1);
		break;
	}
	return 0;
}
