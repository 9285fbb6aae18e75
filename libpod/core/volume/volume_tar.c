/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes as archives.  The tar of a user is as little to be trusted as a
 * layer, and the files of a volume belong to subuids: bryo-layer does both
 * directions, with the volume's directory as its root.
 */
#include "libpod/core/volume/volume.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "storage/store.h"

/* Where its files are; a tmpfs has none while it is not mounted.  owned */
static int open_data(struct runtime *rt, const struct volume *v,
		     struct store **ret_store, struct err *err)
{
	struct volume_source src = { .fd = -EBADF };
	int r = runtime_store(rt, ret_store, err);

	if (r < 0)
		return r;
	r = volume_source(rt, v->name, &src, err);
	free(src.data);
	if (r == 0 && src.fd < 0)
		r = err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			    "it is a tmpfs, which is empty outside of a "
			    "container");
	return r < 0 ? err_wrap(err, r, "volume %s", v->name) : src.fd;
}

int volume_export(struct runtime *rt, const struct volume *v, int out,
		  struct err *err)
{
	struct store *store;
	int r;

	autoclose int dir = open_data(rt, v, &store, err);
	if (dir < 0)
		return dir;
	r = store_pack_dir(store, dir, true, out, err);
	return r < 0 ? err_wrap(err, r, "export volume %s", v->name) : 0;
}

static int tx_filled(struct runtime *rt, void *arg, struct err *err)
{
	return volume_filled(rt, arg, err);
}

int volume_import(struct runtime *rt, const struct volume *v, int fd,
		  struct err *err)
{
	struct store *store;
	int r;

	autoclose int dir = open_data(rt, v, &store, err);
	if (dir < 0)
		return dir;
	/* what is imported is not overwritten by the image's files later */
	r = tx_run(rt, TX_DURABLE, tx_filled, v->name, err);
	if (r == 0)
		r = store_unpack_dir(store, dir, fd, err);
	if (r == 0 && syncfs(rt->volumes_fd) < 0)
		r = err_sys(err, "sync");
	return r < 0 ? err_wrap(err, r, "volume %s", v->name) : 0;
}
