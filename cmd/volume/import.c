/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/input.h"
#include "cmd/volume/volume.h"
#include "libpod/core/runtime.h"
#include "util/cleanup.h"

static int import_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	auto_volume struct volume *v = NULL;
	int r = volume_find(rt, argv[0], &v, err);

	if (r < 0)
		return r;
	autoclose int fd = input_open(argv[1], "the name of a file", err);
	if (fd < 0)
		return fd;
	r = volume_import(rt, v, fd, err);
	return r < 0 ? err_wrap(err, r, "import %s", argv[1]) : 0;
}

const struct cmd cmd_volume_import = {
	.path = "volume import",
	.usage = "VOLUME SOURCE",
	.summary = "Unpack a tar archive into a volume",
	.text = "SOURCE is a tar archive, compressed or not, or - for "
		"standard input. Files of the volume that the archive does "
		"not have stay.",
	.examples = (const char *const[]){ "volume import myvol myvol.tar",
					   "cat ctr.tar | bryo volume import "
					   "myvol -", NULL },
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.run = import_run,
};
