/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_MANIFEST_H
#define STORAGE_IMAGE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "storage/image/digest.h"
#include "util/cleanup.h"
#include "util/err.h"

struct platform;

#define TYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define TYPE_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define TYPE_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define TYPE_DOCKER_MANIFEST \
	"application/vnd.docker.distribution.manifest.v2+json"
#define TYPE_DOCKER_LIST \
	"application/vnd.docker.distribution.manifest.list.v2+json"
#define TYPE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define TYPE_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

/* Budgets on what a registry or an archive sends. */
#define MANIFEST_MAX ((size_t)4 << 20)
#define CONFIG_MAX ((size_t)4 << 20)
#define MANIFEST_LAYERS_MAX 4096
#define INDEX_CHILDREN_MAX 1024
#define INDEX_DEPTH_MAX 2

/**
 * struct desc - an OCI descriptor
 * @type: media type, owned, never NULL
 * @os, @arch, @variant: of an index entry, owned or NULL
 * @name: org.opencontainers.image.ref.name or io.containerd.image.name,
 *        owned or NULL
 */
struct desc {
	char digest[DIGEST_MAX];
	uint64_t size;
	char *type;
	char *os;
	char *arch;
	char *variant;
	char *name;
};

/**
 * struct manifest - an image manifest or an index
 * @type:     its media type, one of TYPE_*_MANIFEST/INDEX/LIST; borrowed
 * @is_index: @v holds children, not layers (base first); @config is empty
 */
struct manifest {
	const char *type;
	bool is_index;
	struct desc config;
	struct desc *v;
	size_t n;
};

/**
 * manifest_parse() - bytes whose digest was verified (where one is known)
 * @type: the Content-Type or the descriptor's media type; NULL = unknown
 *
 * Refuses documents that could be read in two ways: index and manifest
 * members in one, a mediaType that contradicts @type, duplicate keys.
 * Schema 1 has its own text.
 */
int manifest_parse(const char *text, size_t len, const char *type,
		   struct manifest *ret, struct err *err);
void manifest_done(struct manifest *m);

#define auto_manifest cleanup(manifest_done)

/** manifest_choose() - the entry of an index that suits @want best
 *  Return: 0 and *ret (borrowed from @index), -ENOEXEC/ERR_INVALID */
int manifest_choose(const struct manifest *index, const struct platform *want,
		    const struct desc **ret, struct err *err);

#endif
