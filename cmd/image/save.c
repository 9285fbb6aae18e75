/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/str.h"

struct save_args {
	char *format;
	bool multi;
	char *output;
	bool quiet;
};

static const struct opt save_opts[] = {
	OPT_NOT_YET(0, "compress", NULL, "Compress the layers of a directory"),
	{ 0, "format", NULL, OPT_T_STR,
	  OPT_CHECK_(struct save_args, format, char *), OPT_NO_GIVEN,
	  "string", "docker-archive", "docker-archive or oci-archive", 0 },
	/* Always so; podman wants to hear it */
	OPT_BOOL('m', "multi-image-archive", struct save_args, multi,
		 "Every argument is an image of its own (always on)"),
	OPT_STR('o', "output", struct save_args, output, "file",
		"Write to this file instead of stdout"),
	OPT_NOT_YET(0, "platform", "string", "Save one platform only"),
	OPT_BOOL('q', "quiet", struct save_args, quiet, "Print no progress"),
	OPT_NOT_YET(0, "uncompressed", NULL,
		    "Store the layers of an OCI archive uncompressed"),
	OPT_END,
};

static int check_format(const char *format, struct err *err)
{
	if (!format || streq(format, "docker-archive") ||
	    streq(format, "oci-archive"))
		return 0;
	if (streq(format, "oci-dir") || streq(format, "docker-dir"))
		return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			       "--format %s is not supported yet", format);
	return err_set(err, ERR_USAGE, EINVAL,
		       "unknown format \"%s\": must be docker-archive or "
		       "oci-archive", format);
}

/**
 * struct output - where the archive goes
 * @made: the file is new, so a failure removes it again
 */
struct output {
	int fd;
	const char *path;
	bool made;
};

static int open_output(const char *path, struct output *ret, struct err *err)
{
	struct output out = { -EBADF, path, false };

	if (!path) {
		if (isatty(STDOUT_FILENO))
			return err_set(err, ERR_USAGE, ENOTTY,
				       "refusing to save to terminal. Use -o "
				       "flag or redirect");
		out.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		out.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
			      O_NOCTTY, 0644);
		out.made = out.fd >= 0;
		if (!out.made && errno == EEXIST)
			out.fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC |
				      O_NOCTTY);
	}
	if (out.fd < 0)
		return err_sys(err, "open %s", path ? path : "stdout");
	*ret = out;
	return 0;
}

static int save_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct save_args *args = p;
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	struct output out = { .fd = -EBADF };
	struct store *store;
	int r = check_format(args->format, err);

	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r == 0)
		r = open_output(args->output, &out, err);
	if (r < 0)
		return r;
	autoclose int fd = out.fd;
	progress_ui_init(&ui, args->quiet);
	r = image_save(store, argv, args->format ? args->format :
		       "docker-archive", fd, &ui.p, err);
	for (char **name = argv; r == 0 && *name; name++)
		r = event_image(rt, EVENT_SAVE, NULL, *name, err);
	if (r < 0 && out.made)
		unlink(out.path);
	return r;
}

const struct cmd cmd_image_save = {
	.path = "save",
	.aliases = (const char *const[]){ "image save", NULL },
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Save images to an archive",
	.text = "Writes one or more images as a docker-archive or an "
		"oci-archive.",
	.examples = (const char *const[]){ "save -o alpine.tar alpine:latest",
					   "save --format oci-archive -o "
					   "fedora.tar fedora", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ save_opts, NULL },
	.args_size = sizeof(struct save_args),
	.run = save_run,
};
