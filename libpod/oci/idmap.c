/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/sb.h"

/* (uid_t)-1 means "no id" to the kernel and is never mapped. */
#define ID_END UINT32_MAX

static bool overlaps(uint32_t a, uint32_t b, uint32_t a_count, uint32_t b_count)
{
	return a < (uint64_t)b + b_count && b < (uint64_t)a + a_count;
}

int idmap_add(struct idmap *map, struct idmap_range range, struct err *err)
{
	if (!range.count ||
	    (uint64_t)range.inside + range.count > ID_END ||
	    (uint64_t)range.outside + range.count > ID_END)
		return err_set(err, ERR_INVALID, ERANGE,
			       "id range %" PRIu32 ":%" PRIu32 ":%" PRIu32
			       " is empty or too large", range.inside,
			       range.outside, range.count);
	if (map->n == IDMAP_MAX)
		return err_set(err, ERR_INVALID, E2BIG,
			       "more than %d id ranges", IDMAP_MAX);
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *have = &map->range[i];

		if (!overlaps(have->inside, range.inside, have->count,
			      range.count) &&
		    !overlaps(have->outside, range.outside, have->count,
			      range.count))
			continue;
		return err_set(err, ERR_INVALID, EEXIST,
			       "id range %" PRIu32 ":%" PRIu32 ":%" PRIu32
			       " overlaps another one", range.inside,
			       range.outside, range.count);
	}
	map->range[map->n++] = range;
	return 0;
}

void idmap_identity(const struct idmap *outer, struct idmap *ret)
{
	ret->n = outer->n;
	for (size_t i = 0; i < outer->n; i++) {
		ret->range[i] = outer->range[i];
		ret->range[i].outside = outer->range[i].inside;
	}
}

int idmap_write(int proc_fd, const char *file, const struct idmap *map,
		struct err *err)
{
	autosb struct sb text = SB_INIT;
	ssize_t n;

	for (size_t i = 0; i < map->n; i++)
		sb_addf(&text, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
			map->range[i].inside, map->range[i].outside,
			map->range[i].count);

	autoclose int fd = openat(proc_fd, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", file);

	n = write(fd, text.buf, text.len);
	if (n < 0)
		return err_sys(err, "write %s", file);
	if ((size_t)n != text.len)
		return err_set(err, ERR_FAIL, EIO, "short write to %s", file);
	return 0;
}

int idmap_read(const char *path, struct idmap *ret, struct err *err)
{
	struct idmap map = { .n = 0 };
	struct idmap_range r;
	int n;

	autofclose FILE *f = fopen(path, "re");
	if (!f)
		return err_sys(err, "open %s", path);
	while ((n = fscanf(f, "%" SCNu32 " %" SCNu32 " %" SCNu32, &r.inside,
			   &r.outside, &r.count)) == 3) {
		int rc = idmap_add(&map, r, err);

		if (rc < 0)
			return err_wrap(err, rc, "read %s", path);
	}
	if (n != EOF)
		return err_set(err, ERR_FAIL, EINVAL, "%s is not an id map",
			       path);
	*ret = map;
	return 0;
}

bool idmap_to_outside(const struct idmap *map, uint32_t id, uint32_t *ret)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *r = &map->range[i];

		if (id < r->inside || id - r->inside >= r->count)
			continue;
		*ret = r->outside + (id - r->inside);
		return true;
	}
	return false;
}

bool idmap_to_inside(const struct idmap *map, uint32_t id, uint32_t *ret)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *r = &map->range[i];

		if (id < r->outside || id - r->outside >= r->count)
			continue;
		*ret = r->inside + (id - r->outside);
		return true;
	}
	return false;
}

bool idmap_has_inside(const struct idmap *map, uint32_t id)
{
	uint32_t outside;

	return idmap_to_outside(map, id, &outside);
}

uint64_t idmap_count(const struct idmap *map)
{
	uint64_t count = 0;

	for (size_t i = 0; i < map->n; i++)
		count += map->range[i].count;
	return count;
}

bool idmap_equal(const struct idmap *a, const struct idmap *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct idmap_range *x = &a->range[i];
		const struct idmap_range *y = &b->range[i];

		if (x->inside != y->inside || x->outside != y->outside ||
		    x->count != y->count)
			return false;
	}
	return true;
}
