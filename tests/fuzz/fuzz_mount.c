/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -v, --mount and --tmpfs.  What is accepted has a clean absolute target, a
 * bind an absolute source, and no way to give a file system in memory the
 * "source" of a bind.
 */
#include <stdlib.h>

#include "cmd/container/mount_words.h"
#include "util/path.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_target(const struct ctr_mount *m)
{
	autofree char *clean = path_clean(m->target);

	if (m->target[0] != '/' || !m->target[1] || !streq(clean, m->target))
		abort();
}

static void check(const struct ctr_mount *m)
{
	check_target(m);
	if (m->type == MNT_BIND && (!m->source || m->source[0] != '/'))
		abort();
	if (m->type == MNT_VOLUME && str_is_empty(m->source))
		abort();
	if ((m->type == MNT_TMPFS || m->type == MNT_RAMFS) && m->source)
		abort();
	if (!m->upperdir != !m->workdir)
		abort();
}

static void check_result(int r, const struct ctr_mount *m, struct err *err)
{
	if ((r < 0) != (err->code != 0) || (r < 0 && !err->msg[0]))
		abort();
	if (r == 0)
		check(m);
	err_clear(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xstrndup((const char *)data, size);
	autofree char *glob = NULL;
	struct err err = ERR_INIT;
	struct ctr_mount m;
	int r;

	r = mount_parse_volume(text, &m, &err);
	check_result(r, &m, &err);
	mount_done(&m);
	r = mount_parse_tmpfs(text, &m, &err);
	check_result(r, &m, &err);
	mount_done(&m);
	r = mount_parse_mount(text, &m, &glob, &err);
	if (!glob)
		check_result(r, &m, &err);
	else
		m.source = NULL;
	mount_done(&m);
	return 0;
}
