/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/dest.h"

#include <errno.h>
#include <stdlib.h>

#include "storage/archive/dest_layout.h"
#include "storage/transport.h"

int dest_open(const char *name, const struct push_opts *opts,
	      struct dest **ret, struct err *err)
{
	static const enum dest_layout layouts[] = {
		[TRANSPORT_OCI] = DEST_OCI,
		[TRANSPORT_OCI_ARCHIVE] = DEST_OCI_ARCHIVE,
		[TRANSPORT_DIR] = DEST_DIR,
	};
	auto_transport struct transport t = { .name = NULL };

	transport_parse(name, &t);
	switch (t.kind) {
	case TRANSPORT_REGISTRY:
		return dest_registry(t.name, opts, ret, err);
	case TRANSPORT_OCI:
	case TRANSPORT_OCI_ARCHIVE:
	case TRANSPORT_DIR:
		return dest_layout_open(name, layouts[t.kind], t.path, t.ref,
					ret, err);
	case TRANSPORT_STORE:
	case TRANSPORT_DOCKER_ARCHIVE:
		break;
	}
	return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
		       "%s cannot be a destination of this", name);
}

void dest_close(struct dest *d)
{
	if (!d)
		return;
	free(d->name);
	free(d->host);
	free(d->repo);
	d->ops->close(d);
}
