/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/url.h"
#include "cmd/input.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/image/change.h"
#include "storage/image/platform.h"
#include "storage/store.h"
#include "util/json.h"

struct import_args {
	char *arch;
	char **changes;
	char *message;
	char *os;
	char *platform;
	bool quiet;
	char *variant;
};

static const struct opt import_opts[] = {
	OPT_STR(0, "arch", struct import_args, arch, "string",
		"Architecture of the image"),
	OPT_STRV('c', "change", struct import_args, changes, "INSTRUCTION",
		 "Apply an instruction of a Dockerfile: CMD, ENTRYPOINT, ENV, "
		 "EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, "
		 "USER, VOLUME, WORKDIR"),
	OPT_STR('m', "message", struct import_args, message, "string",
		"Comment for the image's history"),
	OPT_STR(0, "os", struct import_args, os, "string",
		"Operating system of the image"),
	OPT_STR(0, "platform", struct import_args, platform, "string",
		"The same as --os, --arch and --variant: os/arch[/variant]"),
	OPT_BOOL('q', "quiet", struct import_args, quiet,
		 "Print the bare ID only"),
	OPT_STR(0, "variant", struct import_args, variant, "string",
		"Variant of the architecture"),
	OPT_END,
};

/* Of the host, unless it was said. */
static int choose_platform(const struct import_args *args,
			   struct json_object *doc, struct err *err)
{
	struct platform p;
	int r = 0;

	platform_host(&p);
	if (args->platform)
		r = platform_parse(args->platform, &p, err);
	if (r < 0)
		return r;
	json_set_str(doc, "architecture", args->arch ? args->arch : p.arch);
	json_set_str(doc, "os", args->os ? args->os : p.os);
	if (args->variant || (!args->arch && *p.variant))
		json_set_str(doc, "variant",
			     args->variant ? args->variant : p.variant);
	return 0;
}

static int make_config(const struct import_args *args,
		       struct json_object **ret, struct err *err)
{
	autojson struct json_object *doc = json_object_new_object();
	struct json_object *config = json_object_new_object();
	int r = choose_platform(args, doc, err);

	json_set(doc, "config", config);
	for (char **line = args->changes; r == 0 && line && *line; line++)
		r = change_apply(config, *line, err);
	*ret = take_ptr(doc);
	return r;
}

static int open_input(struct store *s, const char *path, bool quiet,
		      struct err *err)
{
	if (input_is_url(path))
		return open_url(s, path, quiet, err);
	return input_open(path, "the name of a file", err);
}

static int import_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct import_args *args = p;
	autojson struct json_object *doc = NULL;
	struct image_new new = {
		.name = argv[1],
		.comment = args->message ? args->message :
					   "imported from tarball",
		.created_by = "import",
		.docker = false,
	};
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	struct store *store;
	char id[65];
	int r = make_config(args, &doc, err);

	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r < 0)
		return r;
	autoclose int fd = open_input(store, argv[0], args->quiet, err);
	if (fd < 0)
		return fd;
	progress_ui_init(&ui, args->quiet);
	new.config = doc;
	new.progress = &ui.p;
	r = image_import(store, fd, &new, id, err);
	if (r < 0)
		return err_wrap(err, r, "import %s", argv[0]);
	(void)event_image(rt, EVENT_IMPORT, id, argv[1] ? argv[1] : argv[0],
			  NULL);
	printf("%s%s\n", args->quiet ? "" : "sha256:", id);
	return 0;
}

const struct cmd cmd_image_import = {
	.path = "import",
	.aliases = (const char *const[]){ "image import", NULL },
	.usage = "[options] PATH [REFERENCE]",
	.summary = "Make an image of a tar archive",
	.text = "PATH is a tar archive, compressed or not, of a root file "
		"system (as export writes it), an http or https URL of one, "
		"or - "
		"for standard input.",
	.examples = (const char *const[]){
		"import ctr.tar image-imported",
		"cat ctr.tar | bryo import --message \"import me\" - "
		"image-imported",
		"import --change CMD=/bin/bash ctr.tar", NULL },
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ import_opts, NULL },
	.args_size = sizeof(struct import_args),
	.run = import_run,
};
