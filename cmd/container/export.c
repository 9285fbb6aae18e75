/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/output.h"
#include "libpod/core/container.h"
#include "libpod/core/files/commit.h"
#include "libpod/core/runtime.h"

struct export_args {
	char *output;
};

static const struct opt export_opts[] = {
	OPT_STR('o', "output", struct export_args, output, "file",
		"Write to this file instead of stdout"),
	OPT_END,
};

static int export_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct export_args *args = p;
	auto_output struct output out = OUTPUT_INIT;
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, argv[0], &c, err);

	if (r == 0)
		r = output_open(args->output, "export", &out, err);
	if (r == 0)
		r = output_settle(&out, ctr_export(rt, c, out.fd, err));
	return r;
}

const struct cmd cmd_container_export = {
	.path = "export",
	.aliases = (const char *const[]){ "container export", NULL },
	.usage = "[options] CONTAINER",
	.summary = "Write a container's file system as a tar archive",
	.text = "Writes all that the container sees of its image and its own "
		"changes, sorted by name; volumes are not part of it.",
	.examples = (const char *const[]){ "export ctrID > myCtr.tar",
					   "export --output=\"myCtr.tar\" "
					   "ctrID", NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ export_opts, NULL },
	.args_size = sizeof(struct export_args),
	.run = export_run,
};
