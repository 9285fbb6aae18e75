/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/url.h"
#include "cmd/input.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/strv.h"

struct load_args {
	char *input;
	char *platform;
	bool quiet;
};

static const struct opt load_opts[] = {
	OPT_STR('i', "input", struct load_args, input, "file",
		"Read from this file, directory or URL, - is stdin"),
	OPT_STR(0, "platform", struct load_args, platform,
		"OS/ARCH[/VARIANT]",
		"Choose this platform of an image for several"),
	OPT_BOOL('q', "quiet", struct load_args, quiet,
		 "Print no progress"),
	OPT_END,
};

static int open_input(struct store *s, const char *path, bool quiet,
		      struct err *err)
{
	if (path && input_is_url(path))
		return open_url(s, path, quiet, err);
	return input_open(path, "the --input flag", err);
}

static int load_run(struct runtime *rt, const void *p, char **argv unused_attr,
		    struct err *err)
{
	const struct load_args *args = p;
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	autostrv char **names = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r < 0)
		return r;
	autoclose int fd = open_input(store, args->input, args->quiet, err);
	if (fd < 0)
		return fd;
	progress_ui_init(&ui, args->quiet);
	r = image_load(store, fd, args->platform, &ui.p, &names, err);
	progress_ui_done(&ui);
	for (char **name = names; name && *name; name++) {
		printf("Loaded image: %s\n", *name);
		(void)event_image(rt, EVENT_LOAD, NULL, *name, NULL);
	}
	return r;
}

const struct cmd cmd_image_load = {
	.path = "load",
	.aliases = (const char *const[]){ "image load", NULL },
	.usage = "[options]",
	.summary = "Load images from a tar archive",
	.text = "Reads a docker-archive or an oci-archive, compressed or not, "
		"and stores its images. The input may be an http or https "
		"URL.",
	.examples = (const char *const[]){ "load -i fedora.tar",
					   "load < image.tar.gz", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ load_opts, NULL },
	.args_size = sizeof(struct load_args),
	.run = load_run,
};
