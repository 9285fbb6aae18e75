/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/user/subid.h"

#include <fcntl.h>

#include "util/fd.h"
#include "util/str.h"

/* "name:start:count" is short; a longer line is not for us. */
#define LINE_MAX_LEN 512

static bool owner_is(const char *field, const char *name, uint32_t id)
{
	uint32_t n;

	if (name && streq(field, name))
		return true;
	return parse_id(field, &n) == 0 && n == id;
}

/* One line, terminated, is cut into its three fields in place. */
static int parse_line(char *line, const char *name, uint32_t id,
		      struct idmap_range *ret)
{
	char *start = strchr(line, ':');
	char *count = start ? strchr(start + 1, ':') : NULL;

	if (!count)
		return -EINVAL;
	*start++ = '\0';
	*count++ = '\0';
	if (!owner_is(line, name, id))
		return -ENOENT;
	if (parse_u32(start, &ret->outside) < 0 ||
	    parse_u32(count, &ret->count) < 0 || ret->count == 0)
		return -EINVAL;
	return 0;
}

int subid_parse(const char *text, size_t len, const char *name, uint32_t id,
		struct idmap *map)
{
	char line[LINE_MAX_LEN];
	int added = 0;

	while (len > 0) {
		const char *eol = memchr(text, '\n', len);
		size_t n = eol ? (size_t)(eol - text) : len;
		struct idmap_range range = { 0 };

		if (n > 0 && n < sizeof(line) && !memchr(text, '\0', n)) {
			memcpy(line, text, n);
			line[n] = '\0';
			range.inside = (uint32_t)idmap_count(map);
			if (line[0] != '#' &&
			    parse_line(line, name, id, &range) == 0 &&
			    idmap_add(map, range, NULL) == 0)
				added++;
		}
		n += eol ? 1 : 0;
		text += n;
		len -= n;
	}
	return added;
}

int subid_load(const char *path, const char *name, uint32_t id,
	       struct idmap *map, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	r = file_read_at(AT_FDCWD, path, SUBID_FILE_MAX, &text);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_code(err, r, "read %s", path);
	return subid_parse(text.buf, text.len, name, id, map);
}
