/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/idmap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/sb.h"
#include "util/str.h"

int idmap_parse(const char *text, struct idmap *ret, struct err *err)
{
	struct idmap map = { .n = 0 };
	unsigned int first, outside, count;
	int used;

	while (sscanf(text, " %u %u %u%n", &first, &outside, &count,
		      &used) == 3) {
		if (map.n == ARRAY_LEN(map.range))
			return err_set(err, ERR_FAIL, E2BIG,
				       "id map has more than %d lines",
				       IDMAP_MAX);
		map.range[map.n].first = first;
		map.range[map.n].count = count;
		map.n++;
		text += used;
	}
	if (!map.n)
		return err_set(err, ERR_FAIL, EINVAL, "id map is empty");
	*ret = map;
	return 0;
}

int idmap_read(const char *file, struct idmap *ret, struct err *err)
{
	autofree char *path = xasprintf("/proc/self/%s", file);
	autosb struct sb text = SB_INIT;
	int r;

	r = file_read_at(AT_FDCWD, path, 64 * 1024, &text);
	if (r < 0)
		return err_code(err, r, "read %s", path);
	return err_wrap(err, idmap_parse(text.buf, ret, err), "%s", path);
}

bool idmap_has(const struct idmap *map, int64_t id)
{
	for (size_t i = 0; i < map->n; i++)
		if (id >= map->range[i].first &&
		    id - map->range[i].first < map->range[i].count)
			return true;
	return false;
}

uint64_t idmap_total(const struct idmap *map)
{
	uint64_t total = 0;

	for (size_t i = 0; i < map->n; i++)
		total += map->range[i].count;
	return total;
}

int idmap_write(int pid, const char *file, const struct idmap *map,
		struct err *err)
{
	autofree char *path = xasprintf("/proc/%d/%s", pid, file);
	autosb struct sb text = SB_INIT;

	for (size_t i = 0; i < map->n; i++)
		sb_addf(&text, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
			map->range[i].first, map->range[i].first,
			map->range[i].count);

	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (write(fd, text.buf, text.len) != (ssize_t)text.len)
		return err_sys(err, "write %s", path);
	return 0;
}
