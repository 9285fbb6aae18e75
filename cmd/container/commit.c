/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/progress.h"
#include "libpod/core/container.h"
#include "libpod/core/files/commit.h"
#include "libpod/core/runtime.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"

#define CONFIG_MAX (1u << 20)

struct commit_args {
	char *author;
	char **changes;
	char *config;
	char *format;
	char *iidfile;
	bool volumes;
	char *message;
	bool no_pause;
	bool pause;
	bool quiet;
	bool squash;
};

static const struct opt commit_opts[] = {
	OPT_STR('a', "author", struct commit_args, author, "string",
		"Who made the image"),
	OPT_STRV('c', "change", struct commit_args, changes, "INSTRUCTION",
		 "Apply an instruction of a Dockerfile: CMD, ENTRYPOINT, ENV, "
		 "EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, "
		 "USER, VOLUME, WORKDIR"),
	OPT_STR(0, "config", struct commit_args, config, "file",
		"Merge this file, an image's config in JSON, into the image's"),
	{ 'f', "format", NULL, OPT_T_STR,
	  OPT_CHECK_(struct commit_args, format, char *), OPT_NO_GIVEN,
	  "string", "oci", "Format of the image: oci or docker", 0 },
	OPT_STR(0, "iidfile", struct commit_args, iidfile, "file",
		"Write the image's ID to this file"),
	OPT_BOOL(0, "include-volumes", struct commit_args, volumes,
		 "Make the container's volumes volumes of the image"),
	OPT_STR('m', "message", struct commit_args, message, "string",
		"Comment for the image's history"),
	OPT_BOOL(0, "no-pause", struct commit_args, no_pause,
		 "The same as --pause=false"),
	{ 'p', "pause", NULL, OPT_T_BOOL,
	  OPT_CHECK_(struct commit_args, pause, bool), OPT_NO_GIVEN, NULL,
	  "true", "Let the container stand still meanwhile", 0 },
	OPT_BOOL('q', "quiet", struct commit_args, quiet,
		 "Print nothing but the ID"),
	OPT_BOOL('s', "squash", struct commit_args, squash,
		 "Put everything into a single layer"),
	OPT_END,
};

static void commit_defaults(void *p)
{
	struct commit_args *args = p;

	args->pause = true;
}

static int parse_format(const char *format, bool *ret_docker, struct err *err)
{
	*ret_docker = streq(format, "docker");
	if (!format || *ret_docker || streq(format, "oci"))
		return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "unrecognized image format \"%s\": must be oci or "
		       "docker", format);
}

static int write_iidfile(const char *path, const char *id, struct err *err)
{
	if (!path)
		return 0;
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				0644);

	if (fd < 0 || fd_write_full(fd, id, strlen(id)) < 0)
		return err_sys(err, "write image ID file %s", path);
	return 0;
}

static int read_config(const char *path, struct json_object **ret,
		       struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r = file_load(path, CONFIG_MAX, &text);

	if (r < 0)
		return err_code(err, r, "read %s", path);
	*ret = json_parse(text.buf, text.len, err);
	if (!*ret)
		return err_wrap(err, -EINVAL, "%s", path);
	if (json_object_is_type(*ret, json_type_object))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "%s: not a JSON object with the fields of a config",
		       path);
}

static int commit_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct commit_args *args = p;
	struct ctr_commit_opts opts = {
		.name = argv[1],
		.changes = args->changes,
		.author = args->author,
		.message = args->message,
		.pause = args->pause && !args->no_pause,
		.squash = args->squash,
		.volumes = args->volumes,
	};
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	autojson struct json_object *config = NULL;
	auto_ctr struct ctr *c = NULL;
	char id[65];
	int r = parse_format(args->format, &opts.docker, err);

	if (r == 0 && args->config)
		r = read_config(args->config, &config, err);
	opts.config = config;
	if (r == 0)
		r = ctr_find(rt, argv[0], &c, err);
	progress_ui_init(&ui, args->quiet);
	opts.progress = &ui.p;
	if (r == 0)
		r = ctr_commit(rt, c, &opts, id, err);
	if (r == 0)
		r = write_iidfile(args->iidfile, id, err);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

const struct cmd cmd_container_commit = {
	.path = "commit",
	.aliases = (const char *const[]){ "container commit", NULL },
	.usage = "[options] CONTAINER [IMAGE]",
	.summary = "Make an image of a container",
	.text = "The image is that of the container and one more layer with "
		"what the container changed. Volumes are not part of it.",
	.examples = (const char *const[]){
		"commit -q --message \"committing container to image\" "
		"reverent_golick image-committed",
		"commit -q --author \"firstName lastName\" reverent_golick "
		"image-committed",
		"commit --change CMD=/bin/bash reverent_golick "
		"image-committed", NULL },
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ commit_opts, NULL },
	.args_size = sizeof(struct commit_args),
	.defaults = commit_defaults,
	.run = commit_run,
};
