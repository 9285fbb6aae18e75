/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The user's words become a map in three places: at create they are checked
 * (usermap_check), --userns=auto is given a range (usermap_auto_take), and at
 * each start the map itself is computed (usermap_of): ranges of /etc/subuid
 * may have changed meanwhile.
 *
 * The kernel wants each row of a map to lie within one row of the map above,
 * so whatever is computed goes through map_split().
 */
#include "libpod/core/user/usermap.h"

#include <unistd.h>

#include "libpod/core/user/subid.h"
#include "util/str.h"
#include "util/strv.h"

/* Whose namespaces are shared with whose ... */
#define JOIN_DEPTH_MAX 32

/* ---- maps -------------------------------------------------------------- */

/* Ids @u..@u+@count of the outer namespace appear as @inside and up; one row
 * per row of @outer.  What lies beyond @outer is left out: -ERANGE. */
static int map_split(struct idmap *map, uint32_t inside, uint32_t u,
		     uint32_t count, const struct idmap *outer,
		     struct err *err)
{
	while (count > 0) {
		struct idmap_range r = { inside, u, 0 };

		for (size_t i = 0; i < outer->n; i++) {
			const struct idmap_range *o = &outer->range[i];

			if (u >= o->inside && u - o->inside < o->count)
				r.count = MIN(count,
					      o->count - (u - o->inside));
		}
		if (r.count == 0)
			return -ERANGE;
		int e = idmap_add(map, r, err);

		if (e < 0)
			return e;
		inside += r.count;
		u += r.count;
		count -= r.count;
	}
	return 0;
}

/* The same where less than all is fine, too */
static int map_most(struct idmap *map, uint32_t inside, uint32_t u,
		    uint32_t count, const struct idmap *outer,
		    struct err *err)
{
	int r = map_split(map, inside, u, count, outer, err);

	return r == -ERANGE ? 0 : r;
}

static uint32_t count_of(const struct idmap *map)
{
	return (uint32_t)MIN(idmap_count(map), (uint64_t)UINT32_MAX - 1);
}

int keep_id_map(const struct idmap *u, uint32_t inside, uint32_t size,
		struct idmap *ret, struct err *err)
{
	uint32_t n = count_of(u);
	uint32_t below;
	int r = 0;

	if (size > 0)
		n = MIN(n, size);
	below = MIN(inside, n - 1);
	*ret = (struct idmap){ 0 };
	/* our own id is 0 of U, the others are 1 and up */
	if (below > 0)
		r = map_most(ret, 0, 1, below, u, err);
	if (r == 0)
		r = map_most(ret, inside, 0, 1, u, err);
	if (r == 0 && n - 1 > below)
		r = map_most(ret, inside + 1, 1 + below, n - 1 - below, u,
			      err);
	return r;
}

/* ---- "name:key=value,key=value" ---------------------------------------- */

/* The options behind the mode; owned, NULL when there are none */
static char **mode_opts(const char *mode, const char *name, bool *ret_is)
{
	const char *rest = str_after(mode ? mode : "", name);

	*ret_is = rest && (!*rest || *rest == ':');
	return *ret_is && *rest && rest[1] ? strv_split(rest + 1, ',') : NULL;
}

static bool is_mode(const char *mode, const char *name)
{
	bool is;

	strv_free(mode_opts(mode, name, &is));
	return is;
}

static int bad_opt(const char *mode, const char *opt, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "unknown option specified: \"%s\" of --userns=%s", opt,
		       mode);
}

static int keep_id_parse(const char *mode, uint32_t *uid, uint32_t *gid,
			 uint32_t *size, struct err *err)
{
	bool is;
	autostrv char **v = mode_opts(mode, "keep-id", &is);

	for (char **o = v; o && *o; o++) {
		const char *u = str_after(*o, "uid=");
		const char *g = str_after(*o, "gid=");
		const char *s = str_after(*o, "size=");

		if ((u && parse_id(u, uid) == 0) ||
		    (g && parse_id(g, gid) == 0) ||
		    (s && parse_u32(s, size) == 0 && *size > 0))
			continue;
		return bad_opt("keep-id", *o, err);
	}
	return 0;
}

int keep_id_ids(const struct ctr_config *c, const struct rootless *ids,
		uint32_t *uid, uint32_t *gid, uint32_t *size, struct err *err)
{
	*uid = ids->uid;
	*gid = ids->gid;
	*size = 0;
	if (ids->is_root)
		return err_set(err, ERR_INVALID, EINVAL,
			       "keep-id is only supported in rootless mode");
	return keep_id_parse(c->userns, uid, gid, size, err);
}

/** struct usermap_auto - a parsed "auto[:size=,uidmapping=,gidmapping=]" */
struct usermap_auto {
	uint32_t size;	/* 0: look at the image */
	struct idmap uids;
	struct idmap gids;
};

/* "C:H:N" of uidmapping= and gidmapping= */
static int forced_parse(const char *text, struct idmap *map, struct err *err)
{
	autostrv char **v = strv_split(text, ':');
	struct idmap_range r = { .count = 1 };
	size_t n = strv_len(v);

	if (n < 2 || n > 3 || parse_id(v[0], &r.inside) < 0 ||
	    parse_id(v[1], &r.outside) < 0 ||
	    (n == 3 && parse_u32(v[2], &r.count) < 0))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid mapping \"%s\" of --userns=auto: want "
			       "CONTAINER_ID:HOST_ID:SIZE", text);
	return idmap_add(map, r, err);
}

static int auto_parse(const char *mode, struct usermap_auto *ret,
		      struct err *err)
{
	bool is;
	autostrv char **v = mode_opts(mode, "auto", &is);
	int r = 0;

	*ret = (struct usermap_auto){ 0 };
	for (char **o = v; r == 0 && o && *o; o++) {
		const char *s = str_after(*o, "size=");
		const char *u = str_after(*o, "uidmapping=");
		const char *g = str_after(*o, "gidmapping=");

		if (u)
			r = forced_parse(u, &ret->uids, err);
		else if (g)
			r = forced_parse(g, &ret->gids, err);
		else if (!s || parse_u32(s, &ret->size) < 0 || ret->size == 0)
			r = bad_opt("auto", *o, err);
	}
	return r;
}

/* ---- --uidmap, --gidmap ------------------------------------------------ */

/** struct idspec - one text of --uidmap or --gidmap */
struct idspec {
	bool users, groups;	/* for which kind of ids */
	bool extend;		/* "+" */
	bool host;		/* "@": .r.outside is an id of the host */
	struct idmap_range r;
};

static int spec_error(const char *text, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid mapping \"%s\": want "
		       "[FLAGS]CONTAINER_ID:FROM_ID[:AMOUNT]", text);
}

static int spec_parse(const char *text, struct idspec *s, struct err *err)
{
	const char *p = text;
	autostrv char **v = NULL;
	const char *from;
	size_t n;

	*s = (struct idspec){ .r.count = 1 };
	for (; *p == '+' || *p == 'u' || *p == 'g'; p++) {
		s->extend |= *p == '+';
		s->users |= *p == 'u';
		s->groups |= *p == 'g';
	}
	if (!s->users && !s->groups)
		s->users = s->groups = true;
	v = strv_split(p, ':');
	n = strv_len(v);
	if (n < 2 || n > 3)
		return spec_error(text, err);
	from = v[1];
	s->host = *from == '@';
	if (parse_id(v[0], &s->r.inside) < 0 ||
	    parse_id(from + s->host, &s->r.outside) < 0 ||
	    (n == 3 && (parse_u32(v[2], &s->r.count) < 0 || !s->r.count)))
		return spec_error(text, err);
	return 0;
}

static uint64_t row_start(const struct idmap_range *m, bool inside)
{
	return inside ? m->inside : m->outside;
}

/* Take @count ids from @first on, inside or outside, off the map. */
static int map_cut(struct idmap *map, bool inside, uint32_t first,
		   uint32_t count, struct err *err)
{
	struct idmap out = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < map->n; i++) {
		const struct idmap_range *m = &map->range[i];
		uint64_t start = row_start(m, inside);
		uint64_t end = start + m->count;
		uint64_t stop = (uint64_t)first + count;
		struct idmap_range part;

		if (stop <= start || first >= end) {
			r = idmap_add(&out, *m, err);
			continue;
		}
		if (first > start) {
			part = *m;
			part.count = (uint32_t)(first - start);
			r = idmap_add(&out, part, err);
		}
		if (r == 0 && stop < end) {
			uint32_t skip = (uint32_t)(stop - start);

			part = (struct idmap_range){ m->inside + skip,
						     m->outside + skip,
						     m->count - skip };
			r = idmap_add(&out, part, err);
		}
	}
	*map = out;
	return r;
}

/* Behind the row that covers @at; @at itself when none does */
static uint64_t row_end(const struct idmap *map, bool inside, uint64_t at)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *m = &map->range[i];
		uint64_t start = row_start(m, inside);

		if (at >= start && at < start + m->count)
			return start + m->count;
	}
	return at;
}

/* The first id from 0 to @end that no row covers, and how many follow it */
static bool map_gap(const struct idmap *map, bool inside, uint64_t end,
		    uint32_t *ret, uint32_t *ret_count)
{
	uint64_t at = 0;
	uint64_t stop = end;

	for (uint64_t next; (next = row_end(map, inside, at)) != at; at = next)
		;
	if (at >= end)
		return false;
	for (size_t i = 0; i < map->n; i++) {
		uint64_t start = row_start(&map->range[i], inside);

		if (start > at && start < stop)
			stop = start;
	}
	*ret = (uint32_t)at;
	*ret_count = (uint32_t)(stop - at);
	return true;
}

/* Ids inside that "+" rows took the place of get ids that are left over. */
static int map_fill(struct idmap *map, uint64_t end, struct err *err)
{
	uint32_t in;
	uint32_t out;
	uint32_t n_in;
	uint32_t n_out;
	int r = 0;

	while (r == 0 && map_gap(map, true, end, &in, &n_in) &&
	       map_gap(map, false, end, &out, &n_out)) {
		struct idmap_range fill = { in, out, MIN(n_in, n_out) };

		r = idmap_add(map, fill, err);
	}
	return r;
}

/* No row has an id of @r any more, on neither side. */
static int map_displace(struct idmap *map, const struct idmap_range *r,
			struct err *err)
{
	int e = map_cut(map, true, r->inside, r->count, err);

	return e < 0 ? e : map_cut(map, false, r->outside, r->count, err);
}

/* The first "+" row wants the usual map of @count ids below it; what plain
 * rows said before stays. */
static int map_extend(struct idmap *map, uint32_t count, struct err *err)
{
	struct idmap base = { .range = { { 0, 0, count } }, .n = 1 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < map->n; i++)
		r = map_displace(&base, &map->range[i], err);
	for (size_t i = 0; r == 0 && i < base.n; i++)
		r = idmap_add(map, base.range[i], err);
	return r;
}

static int spec_add(struct idmap *map, const struct idspec *s,
		    const char *text, const struct idmap *outer,
		    struct err *err)
{
	struct idmap_range r = s->r;
	int e = 0;

	if (s->host && !idmap_to_inside(outer, s->r.outside, &r.outside))
		return err_set(err, ERR_INVALID, EINVAL,
			       "mapping \"%s\": host id %u is not one of this "
			       "user's", text, s->r.outside);
	if (s->extend)
		e = map_displace(map, &r, err);
	if (e == 0)
		e = idmap_add(map, r, err);
	return e < 0 ? err_wrap(err, e, "mapping \"%s\"", text) : 0;
}

/* The rows as the kernel takes them; what @outer has not got is an error. */
static int split_all(const struct idmap *map, const struct idmap *outer,
		     struct idmap *ret, struct err *err)
{
	*ret = (struct idmap){ 0 };
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *m = &map->range[i];
		int r = map_split(ret, m->inside, m->outside, m->count, outer,
				  err);

		if (r == -ERANGE)
			return err_set(err, ERR_INVALID, ERANGE,
				       "mapping %u:%u:%u: this user has ids 0 "
				       "to %u only (see /etc/subuid and "
				       "/etc/subgid)", m->inside, m->outside,
				       m->count, count_of(outer) - 1);
		if (r < 0)
			return r;
	}
	return 0;
}

int idspec_parse(char *const *texts, char kind, const struct idmap *outer,
		 struct idmap *ret, struct err *err)
{
	struct idmap map = { 0 };
	struct idmap u;
	bool extend = false;
	int r = 0;

	idmap_identity(outer, &u);
	for (char *const *t = texts; r == 0 && t && *t; t++) {
		struct idspec s;

		r = spec_parse(*t, &s, err);
		if (r < 0 || (kind == 'u' ? !s.users : !s.groups))
			continue;
		if (s.extend && !extend)
			r = map_extend(&map, count_of(&u), err);
		extend |= s.extend;
		if (r == 0)
			r = spec_add(&map, &s, *t, outer, err);
	}
	if (r == 0 && extend)
		r = map_fill(&map, count_of(&u), err);
	return r < 0 ? r : split_all(&map, &u, ret, err);
}

/* ---- the maps of a config ---------------------------------------------- */

bool usermap_is_plain(const struct ctr_config *c)
{
	const char *m = c->userns;

	return !c->uidmap && !c->gidmap && !c->subuidname && !c->subgidname &&
	       (str_is_empty(m) || streq(m, "host") || streq(m, "private"));
}

static int no_root(struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "the maps give the container no id 0: somebody has to "
		       "be root inside for the set-up");
}

static int explicit_maps(const struct rootless *ids,
			 const struct ctr_config *c, struct idmap *uids,
			 struct idmap *gids, struct err *err)
{
	/* one of them alone stands for both */
	char **u = c->uidmap ? c->uidmap : c->gidmap;
	char **g = c->gidmap ? c->gidmap : c->uidmap;
	int r = idspec_parse(u, 'u', &ids->uid_map, uids, err);

	if (r == 0)
		r = idspec_parse(g, 'g', &ids->gid_map, gids, err);
	/* "u..." alone says nothing of groups, nor "g..." of users */
	if (r == 0 && uids->n == 0)
		idmap_identity(&ids->uid_map, uids);
	if (r == 0 && gids->n == 0)
		idmap_identity(&ids->gid_map, gids);
	return r;
}

/* All but our own id. */
static int nomap(const struct idmap *u, struct idmap *ret, struct err *err)
{
	uint32_t n = count_of(u);

	*ret = (struct idmap){ 0 };
	return n > 1 ? map_most(ret, 0, 1, n - 1, u, err) : 0;
}

/* The ranges of another name in /etc/subuid: root may take any, a user has
 * no others than his own. */
static int named_map(const struct rootless *ids, const char *file,
		     const char *name, const struct idmap *outer,
		     struct idmap *ret, struct err *err)
{
	struct idmap host = { 0 };
	struct idmap u;
	uint32_t at = 0;
	int r = subid_load(file, name, UINT32_MAX, &host, err);

	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, ERR_INVALID, ENOENT,
			       "%s has no range for %s", file, name);
	idmap_identity(outer, &u);
	*ret = (struct idmap){ 0 };
	for (size_t i = 0; i < host.n; i++) {
		uint32_t from = host.range[i].outside;

		if (!ids->is_root && !idmap_to_inside(outer, from, &from))
			return err_set(err, ERR_INVALID, EPERM,
				       "the ids of %s in %s are not this "
				       "user's", name, file);
		r = map_split(ret, at, from, host.range[i].count, &u, err);
		if (r == -ERANGE)
			return err_set(err, ERR_INVALID, ERANGE,
				       "the ids of %s in %s do not exist here",
				       name, file);
		if (r < 0)
			return r;
		at += host.range[i].count;
	}
	return 0;
}

static int named_maps(const struct rootless *ids, const struct ctr_config *c,
		      struct idmap *uids, struct idmap *gids, struct err *err)
{
	const char *u = c->subuidname ? c->subuidname : c->subgidname;
	const char *g = c->subgidname ? c->subgidname : c->subuidname;
	int r = named_map(ids, "/etc/subuid", u, &ids->uid_map, uids, err);

	return r < 0 ? r : named_map(ids, "/etc/subgid", g, &ids->gid_map,
				     gids, err);
}

/* Ids 0 to size: those that were asked for, the others from the range. */
static int auto_map(const struct ctr_config *c, const struct idmap *forced,
		    const struct idmap *outer, struct idmap *ret,
		    struct err *err)
{
	struct idmap map = *forced;
	uint32_t from = c->auto_start;
	uint32_t left = c->auto_size;
	struct idmap u;
	uint32_t in;
	uint32_t n;
	int r = 0;

	while (r == 0 && left > 0 &&
	       map_gap(&map, true, UINT32_MAX - 1, &in, &n)) {
		struct idmap_range row = { in, from, MIN(n, left) };

		r = idmap_add(&map, row, err);
		from += row.count;
		left -= row.count;
	}
	idmap_identity(outer, &u);
	return r < 0 ? r : split_all(&map, &u, ret, err);
}

static int auto_maps(const struct rootless *ids, const struct ctr_config *c,
		     struct idmap *uids, struct idmap *gids, struct err *err)
{
	struct usermap_auto a;
	int r = auto_parse(c->userns, &a, err);

	if (r == 0)
		r = auto_map(c, &a.uids, &ids->uid_map, uids, err);
	return r < 0 ? r : auto_map(c, &a.gids, &ids->gid_map, gids, err);
}

static int keep_maps(const struct rootless *ids, const struct ctr_config *c,
		     struct idmap *uids, struct idmap *gids, struct err *err)
{
	uint32_t uid;
	uint32_t gid;
	uint32_t size;
	struct idmap u;
	int r = keep_id_ids(c, ids, &uid, &gid, &size, err);

	idmap_identity(&ids->uid_map, &u);
	if (r == 0)
		r = keep_id_map(&u, uid, size, uids, err);
	idmap_identity(&ids->gid_map, &u);
	return r < 0 ? r : keep_id_map(&u, gid, size, gids, err);
}

static int own_maps(const struct rootless *ids, const struct ctr_config *c,
		    struct idmap *uids, struct idmap *gids, struct err *err)
{
	int r;

	/* the set-up needs a root inside, and one id is all there is */
	if (ids->single)
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "a user namespace with other ids needs "
			       "subordinate ids: %s", ids->single_why);
	if (c->uidmap || c->gidmap)
		r = explicit_maps(ids, c, uids, gids, err);
	else if (c->subuidname || c->subgidname)
		r = named_maps(ids, c, uids, gids, err);
	else if (is_mode(c->userns, "auto"))
		r = auto_maps(ids, c, uids, gids, err);
	else if (streq(c->userns, "nomap")) {
		struct idmap u;

		idmap_identity(&ids->uid_map, &u);
		r = nomap(&u, uids, err);
		idmap_identity(&ids->gid_map, &u);
		if (r == 0)
			r = nomap(&u, gids, err);
	} else {
		r = keep_maps(ids, c, uids, gids, err);
	}
	if (r == 0 && (!idmap_has_inside(uids, 0) ||
		       !idmap_has_inside(gids, 0)))
		return no_root(err);
	return r;
}

/* The container whose user namespace this one shares, by any of its modes */
static const char *joined(const struct ctr_config *c, bool *ret_path)
{
	const char *const modes[] = { c->userns, c->pid, c->network, c->ipc,
				      c->uts,	 c->cgroupns };

	*ret_path = c->userns && str_starts(c->userns, "ns:");
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		const char *id = str_after(modes[i] ? modes[i] : "",
					   "container:");

		if (id)
			return id;
	}
	return NULL;
}

bool usermap_joins(const struct ctr_config *c)
{
	bool path;

	return joined(c, &path) || path;
}

bool usermap_is_auto(const struct ctr_config *c, uint32_t *ret_size)
{
	struct usermap_auto a;

	*ret_size = 0;
	if (!is_mode(c->userns, "auto") || auto_parse(c->userns, &a, NULL) < 0)
		return false;
	*ret_size = a.size;
	return true;
}

static int maps_at(struct runtime *rt, const struct ctr_config *c,
		   struct idmap *uids, struct idmap *gids, int depth,
		   struct err *err)
{
	auto_ctr struct ctr *other = NULL;
	bool path;
	const char *id = joined(c, &path);
	int r;

	*uids = *gids = (struct idmap){ 0 };
	if (id && depth < JOIN_DEPTH_MAX) {
		r = ctr_find(rt, id, &other, err);
		if (r == 0)
			r = ctr_config_load(rt, other, err);
		return r < 0 ? r : maps_at(rt, &other->config, uids, gids,
					   depth + 1, err);
	}
	if (path)
		return 0;
	if (!usermap_is_plain(c))
		return own_maps(&rt->ids, c, uids, gids, err);
	idmap_identity(&rt->ids.uid_map, uids);
	idmap_identity(&rt->ids.gid_map, gids);
	return 0;
}

int usermap_of(struct runtime *rt, const struct ctr_config *c,
	       struct idmap *uids, struct idmap *gids, struct err *err)
{
	int r = rootless_load(rt, err);

	return r < 0 ? r : maps_at(rt, c, uids, gids, 0, err);
}

/* ---- what create checks ------------------------------------------------ */

static int bad_mode(const char *mode, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "unrecognized namespace mode %s passed to --userns",
		       mode);
}

static int check_mode(const char *mode, struct err *err)
{
	struct usermap_auto a;
	uint32_t ignored;

	if (str_is_empty(mode) || streq(mode, "host") ||
	    streq(mode, "private") || streq(mode, "nomap") ||
	    (str_starts(mode, "container:") && mode[10]) ||
	    (str_starts(mode, "ns:") && mode[3]))
		return 0;
	if (is_mode(mode, "keep-id"))
		return keep_id_parse(mode, &ignored, &ignored, &ignored, err);
	if (is_mode(mode, "auto"))
		return auto_parse(mode, &a, err);
	return bad_mode(mode, err);
}

int usermap_check(const struct ctr_config *c, struct err *err)
{
	bool maps = c->uidmap || c->gidmap;
	bool names = c->subuidname || c->subgidname;
	struct idspec s;
	int r = check_mode(c->userns, err);

	for (char **t = c->uidmap; r == 0 && t && *t; t++)
		r = spec_parse(*t, &s, err);
	for (char **t = c->gidmap; r == 0 && t && *t; t++)
		r = spec_parse(*t, &s, err);
	if (r < 0)
		return r;
	if ((maps || names) && !str_is_empty(c->userns) &&
	    !streq(c->userns, "private"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--userns and --uidmap/--gidmap/--subuidname/"
			       "--subgidname are mutually exclusive");
	if (maps && names)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--uidmap/--gidmap and --subuidname/"
			       "--subgidname are mutually exclusive");
	return 0;
}
