/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/choose.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

struct save_args {
	bool compress;
	char *format;
	bool multi;
	char *output;
	char *platform;
	bool quiet;
	bool uncompressed;
};

static const struct opt save_opts[] = {
	OPT_BOOL(0, "compress", struct save_args, compress,
		 "Compress layers that are not, with docker-dir"),
	{ 0, "format", NULL, OPT_T_STR,
	  OPT_CHECK_(struct save_args, format, char *), OPT_NO_GIVEN,
	  "string", "docker-archive",
	  "docker-archive, oci-archive, oci-dir or docker-dir", 0 },
	/* Always so; podman wants to hear it */
	OPT_BOOL('m', "multi-image-archive", struct save_args, multi,
		 "Every argument is an image of its own (always on)"),
	OPT_STR('o', "output", struct save_args, output, "file",
		"Write to this file or directory instead of stdout"),
	OPT_STR(0, "platform", struct save_args, platform,
		"OS/ARCH[/VARIANT]",
		"The images have to be for this platform; of a manifest list "
		"the one that is"),
	OPT_BOOL('q', "quiet", struct save_args, quiet, "Print no progress"),
	OPT_BOOL(0, "uncompressed", struct save_args, uncompressed,
		 "Write uncompressed layers; a docker-archive has no other"),
	OPT_END,
};

static int check(const struct save_args *args, const char *format,
		 struct err *err)
{
	int r = save_format_check(format, err);

	if (r < 0)
		return r;
	if (args->compress && !streq(format, "docker-dir"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--compress can only be set when --format is "
			       "'docker-dir'");
	/* A docker-archive has no other layers */
	if (args->uncompressed && streq(format, "docker-dir"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--uncompressed cannot be set when --format is "
			       "'docker-dir'");
	if (save_format_is_dir(format) && !args->output)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--format %s needs a directory: --output",
			       format);
	return 0;
}

static int open_dir(struct output *out, struct err *err)
{
	out->made = mkdir(out->path, 0777) == 0;
	if (!out->made && errno != EEXIST)
		return err_sys(err, "make directory %s", out->path);
	out->fd = open(out->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return out->fd < 0 ? err_sys(err, "open %s", out->path) : 0;
}

static int open_output(struct output *out, bool is_dir, struct err *err)
{
	return is_dir ? open_dir(out, err) :
			output_open(out->path, "save", out, err);
}

static int dir_settle(const struct output *out, int r)
{
	if (r < 0 && out->made)
		(void)tree_remove_at(AT_FDCWD, out->path, NULL);
	return r;
}

/* Of a list: the name of the image that is for the platform, else its id */
static int choose(struct store *s, const struct save_args *args,
		  char *const *typed, char ***ret, struct err *err)
{
	for (; *typed; typed++) {
		auto_image struct image *img = NULL;
		int r = args->platform ? image_choose(s, *typed, args->platform,
						      &img, err) : 0;
		if (r < 0)
			return r;
		if (!img || strv_contains(img->names, *typed))
			strv_add(ret, *typed);
		else
			strv_add(ret, img->names ? *img->names : img->id);
	}
	return 0;
}

static int save_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct save_args *args = p;
	const char *format = args->format ? args->format : "docker-archive";
	bool is_dir = save_format_is_dir(format);
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	auto_output struct output out = { -EBADF, args->output, false };
	struct save_opts opts = {
		.format = format,
		.gzip = args->compress,
		.plain = args->uncompressed,
		.progress = &ui.p,
	};
	autostrv char **names = NULL;
	struct store *store;
	int r = check(args, format, err);

	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r == 0)
		r = choose(store, args, argv, &names, err);
	if (r == 0)
		r = open_output(&out, is_dir, err);
	if (r < 0)
		return r;
	opts.fd = out.fd;
	progress_ui_init(&ui, args->quiet);
	r = image_save(store, names, &opts, err);
	r = is_dir ? dir_settle(&out, r) : output_settle(&out, r);
	for (char **name = argv; r == 0 && *name; name++)
		r = event_image(rt, EVENT_SAVE, NULL, *name, err);
	return r;
}

const struct cmd cmd_image_save = {
	.path = "save",
	.aliases = (const char *const[]){ "image save", NULL },
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Save images to an archive",
	.text = "Writes one or more images as a docker-archive, an "
		"oci-archive or a directory.",
	.examples = (const char *const[]){ "save -o alpine.tar alpine:latest",
					   "save --format oci-archive -o "
					   "fedora.tar fedora",
					   "save --format oci-dir -o layout "
					   "fedora", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ save_opts, NULL },
	.args_size = sizeof(struct save_args),
	.run = save_run,
};
