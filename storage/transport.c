/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/transport.h"

#include <stdlib.h>

#include "util/compiler.h"
#include "util/str.h"

void transport_done(struct transport *t)
{
	free(t->name);
	free(t->path);
	free(t->ref);
	*t = (struct transport){ .name = NULL };
}

/* The first colon ends the path, as with podman; dir: has paths only. */
static void split_path(const char *rest, struct transport *t)
{
	const char *colon = t->kind == TRANSPORT_DIR ? NULL :
						       strchr(rest, ':');

	if (!colon) {
		t->path = xstrdup(rest);
		return;
	}
	t->path = xstrndup(rest, (size_t)(colon - rest));
	if (colon[1])
		t->ref = xstrdup(colon + 1);
}

void transport_parse(const char *text, struct transport *ret)
{
	static const struct {
		const char *prefix;
		enum transport_kind kind;
	} prefixes[] = {
		{ "docker://", TRANSPORT_REGISTRY },
		{ "containers-storage:", TRANSPORT_STORE },
		{ "docker-archive:", TRANSPORT_DOCKER_ARCHIVE },
		{ "oci-archive:", TRANSPORT_OCI_ARCHIVE },
		{ "oci:", TRANSPORT_OCI },
		{ "dir:", TRANSPORT_DIR },
	};
	const char *rest = NULL;

	*ret = (struct transport){ .kind = TRANSPORT_REGISTRY };
	for (size_t i = 0; !rest && i < ARRAY_LEN(prefixes); i++) {
		rest = str_after(text, prefixes[i].prefix);
		ret->kind = rest ? prefixes[i].kind : TRANSPORT_REGISTRY;
	}
	if (!rest)
		rest = text;
	if (ret->kind == TRANSPORT_REGISTRY || ret->kind == TRANSPORT_STORE)
		ret->name = xstrdup(rest);
	else
		split_path(rest, ret);
}
