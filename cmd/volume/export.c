/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/volume/volume.h"
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
	auto_volume struct volume *v = NULL;
	int r = volume_find(rt, argv[0], &v, err);

	if (r == 0)
		r = output_open(args->output, "export volume", &out, err);
	if (r == 0)
		r = output_settle(&out, volume_export(rt, v, out.fd, err));
	return r;
}

const struct cmd cmd_volume_export = {
	.path = "volume export",
	.usage = "[options] VOLUME",
	.summary = "Write the files of a volume as a tar archive",
	.text = "Writes everything in the volume, sorted by name.",
	.examples = (const char *const[]){ "volume export myvol > myvol.tar",
					   "volume export --output=myvol.tar "
					   "myvol", NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ export_opts, NULL },
	.args_size = sizeof(struct export_args),
	.run = export_run,
};
