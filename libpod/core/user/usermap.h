/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_USER_USERMAP_H
#define CORE_USER_USERMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "libpod/core/container.h"
#include "libpod/core/runtime.h"
#include "libpod/oci/idmap.h"

/*
 * Which ids a container has: --userns, --uidmap, --gidmap, --subuidname.
 *
 * A map says how the ids inside the container's user namespace lie in U (for
 * root: in our own namespace).  Files of images and of a container's own layer
 * have the container's ids in U whatever the map is (see plan_rootfs());
 * volumes and binds are seen through the map.
 */

/* What --userns=auto takes when nobody says how much */
#define USERMAP_AUTO_MIN 1024
#define USERMAP_AUTO_MAX 65536

/**
 * usermap_check() - is what @c asks for well-formed?
 *
 * Only the texts: which ids this user has is looked at by usermap_of().
 */
int usermap_check(const struct ctr_config *c, struct err *err);

/** usermap_is_plain() - the container's ids are those of U, one to one */
bool usermap_is_plain(const struct ctr_config *c);

/** usermap_joins() - the container is in the user namespace of another */
bool usermap_joins(const struct ctr_config *c);

/** usermap_is_auto() - --userns=auto; *ret_size: as asked for, 0: it was not */
bool usermap_is_auto(const struct ctr_config *c, uint32_t *ret_size);

/**
 * usermap_of() - the maps of a container, from its config
 *
 * For one that joins the namespaces of another container they are that one's
 * ("container:X" in any mode); for "ns:PATH" they are not known: n = 0.
 * Loads rt->ids.
 *
 * Return: 0, -EINVAL (ids that the user has not got)
 */
int usermap_of(struct runtime *rt, const struct ctr_config *c,
	       struct idmap *uids, struct idmap *gids, struct err *err);

/**
 * usermap_auto_take() - give a new --userns=auto container ids of its own
 *
 * Sets c->auto_start and c->auto_size; inside the transaction that inserts the
 * row.  The ids are free again when the row is deleted.
 *
 * Return: 0, -ENOSPC when no gap is left that is large enough
 */
int usermap_auto_take(struct runtime *rt, const char *ctr_id,
		      struct ctr_config *c, struct err *err);

/**
 * usermap_auto_size() - how many ids the image's users need
 * @layers_fd: and @lower as in struct oci_rootfs; @lower NULL: no image
 * @user:      who the payload runs as: its numbers count, too; may be NULL
 */
uint32_t usermap_auto_size(int layers_fd, char *const *lower,
			   const char *user);

/** keep_id_map() - the map below @u of a container whose id @inside is our
 *  own (id 0 of @u), at most @size ids (0: all); extents of @u are not
 *  crossed */
int keep_id_map(const struct idmap *u, uint32_t inside, uint32_t size,
		struct idmap *ret, struct err *err);

/** keep_id_ids() - uid and gid that are the caller's inside "keep-id..." */
int keep_id_ids(const struct ctr_config *c, const struct rootless *ids,
		uint32_t *uid, uint32_t *gid, uint32_t *size, struct err *err);

/**
 * idspec_parse() - texts of --uidmap or --gidmap: "[ug+]INSIDE:[@]FROM[:N]"
 * @kind:  'u' or 'g': rows that are flagged for the other kind are passed over
 * @outer: of U: translates "@" ids of the host, is what "+" starts from
 *
 * With "+" the map is that of U, changed by the rows; ids that lose their
 * place get what is left over.
 */
int idspec_parse(char *const *texts, char kind, const struct idmap *outer,
		 struct idmap *ret, struct err *err);

#endif
