/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --userns=auto: ids that no other container has.
 *
 * Theory of operation.  A range of U's ids is taken when the row is made, in
 * the same transaction, from the first gap that is large enough; the table
 * userns_auto has one row per container and loses it together with the
 * container's row.  Id 0 of U, the user himself, is never given away.  How
 * many ids a container gets is what its options say, or what the users and
 * groups of its image and its own user need.
 */
#include <fcntl.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/user/subid.h"
#include "libpod/core/user/usermap.h"
#include "libpod/oci/user.h"
#include "util/db.h"
#include "util/str.h"
#include "util/strv.h"

const char userns_schema[] =
	"CREATE TABLE userns_auto("
	" ctr TEXT PRIMARY KEY,"
	" start INTEGER NOT NULL,"
	" size INTEGER NOT NULL) WITHOUT ROWID;";

/* "nobody" has an id far above all others and needs none of its own */
#define NOBODY 65534

/* ---- how many ---------------------------------------------------------- */

/* The largest id in a field of the lines of passwd or group, plus one */
static uint32_t ids_in(const struct sb *text, int field)
{
	autostrv char **lines = strv_split(text->buf, '\n');
	uint32_t n = 0;

	for (char **l = lines; l && *l; l++) {
		autostrv char **f = strv_split(*l, ':');
		uint32_t id;

		if ((int)strv_len(f) <= field ||
		    parse_id(f[field], &id) < 0 || id >= NOBODY)
			continue;
		n = MAX(n, id + 1);
	}
	return n;
}

/* The file of the topmost layer that has it */
static uint32_t ids_in_file(int layers_fd, char *const *lower,
			    const char *path, int field)
{
	for (char *const *l = lower; l && *l; l++) {
		autosb struct sb text = SB_INIT;
		autoclose int layer = openat(layers_fd, *l,
					     O_PATH | O_DIRECTORY |
						     O_NOFOLLOW | O_CLOEXEC);

		if (layer >= 0 && user_file_read(layer, path, &text) == 0)
			return ids_in(&text, field);
	}
	return 0;
}

/* "UID:GID": those of names are in the image's files */
static uint32_t ids_in_user(const char *user)
{
	autostrv char **v = strv_split(user ? user : "", ':');
	uint32_t n = 0;
	uint32_t id;

	for (char **p = v; p && *p; p++)
		if (parse_id(*p, &id) == 0)
			n = MAX(n, id + 1);
	return n;
}

uint32_t usermap_auto_size(int layers_fd, char *const *lower, const char *user)
{
	static const struct {
		const char *path;
		int field;
	} places[] = {
		{ "/etc/passwd", 2 },
		{ "/etc/passwd", 3 },
		{ "/etc/group", 2 },
	};
	uint32_t n = MAX((uint32_t)USERMAP_AUTO_MIN, ids_in_user(user));

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		uint32_t ids = ids_in_file(layers_fd, lower, places[i].path,
					   places[i].field);

		n = MAX(n, ids);
	}
	return MIN(n, (uint32_t)USERMAP_AUTO_MAX);
}

/* ---- which ------------------------------------------------------------- */

/* Root takes from the ranges that are there for this purpose. */
static int pool(struct runtime *rt, struct idmap *ret, struct err *err)
{
	const struct rootless *ids = &rt->ids;
	struct idmap rows = { 0 };
	int r;

	if (ids->is_root && !ids->in_userns) {
		r = subid_load("/etc/subuid", "containers", UINT32_MAX, &rows,
			       err);
		if (r == 0)
			return err_set(err, ERR_INVALID, ENOENT,
				       "--userns=auto: no ranges for user "
				       "\"containers\" in /etc/subuid");
		*ret = rows;
		return r < 0 ? r : 0;
	}
	/* ids that U has for both users and groups, but for our own */
	ret->n = 1;
	ret->range[0] = (struct idmap_range){
		.outside = 1,
		.count = (uint32_t)MIN(idmap_count(&ids->uid_map),
				       idmap_count(&ids->gid_map)) - 1,
	};
	return 0;
}

/* The first gap of @want ids in the row @p of the pool */
static int find_gap(struct runtime *rt, const struct idmap_range *p,
		    uint32_t want, uint32_t *ret, struct err *err)
{
	uint64_t at = p->outside;
	uint64_t end = at + p->count;
	auto_db_stmt struct db_stmt *st = db_prep(
		rt->db, err, "SELECT start, size FROM userns_auto"
			     " ORDER BY start", "");
	int r;

	if (!st)
		return -EIO;
	while ((r = db_step(st, err)) == 1) {
		uint64_t start = (uint64_t)db_i64(st, 0);
		uint64_t stop = start + (uint64_t)db_i64(st, 1);

		if (stop <= at || start >= end)
			continue;
		if (start >= at + want)
			break;
		at = stop;
	}
	if (r < 0)
		return r;
	if (at + want > end)
		return -ENOSPC;
	*ret = (uint32_t)at;
	return 0;
}

int usermap_auto_take(struct runtime *rt, const char *ctr_id,
		      struct ctr_config *c, struct err *err)
{
	struct idmap from = { 0 };
	int r = rootless_load(rt, err);

	if (r == 0 && rt->ids.single)
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "a user namespace with other ids needs "
			       "subordinate ids: %s", rt->ids.single_why);
	if (r == 0)
		r = pool(rt, &from, err);
	if (r < 0)
		return r;
	r = -ENOSPC;
	for (size_t i = 0; r == -ENOSPC && i < from.n; i++)
		r = find_gap(rt, &from.range[i], c->auto_size, &c->auto_start,
			     err);
	if (r == -ENOSPC)
		return err_set(err, ERR_LIMIT, ENOSPC,
			       "--userns=auto: no %u subordinate ids are left: "
			       "remove containers or ask for fewer with size=",
			       c->auto_size);
	if (r == 0)
		r = db_exec(rt->db, err,
			    "INSERT INTO userns_auto(ctr, start, size)"
			    " VALUES(?, ?, ?)", "sii", ctr_id,
			    (int64_t)c->auto_start, (int64_t)c->auto_size);
	return r < 0 ? r : 0;
}
