/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/container.h"
#include "libpod/core/files/cp.h"
#include "util/str.h"

struct cp_args {
	bool archive, overwrite, pause, follow, quiet;
};

static const struct opt cp_opts[] = {
	OPT_BOOL('a', "archive", struct cp_args, archive,
		 "Give what is copied to the container's user (default true)"),
	OPT_BOOL('L', "follow-link", struct cp_args, follow,
		 "Follow a symbolic link that is the source (always done)"),
	OPT_BOOL(0, "overwrite", struct cp_args, overwrite,
		 "Replace a directory by a file and a file by a directory"),
	OPT_BOOL(0, "pause", struct cp_args, pause,
		 "Pause running containers meanwhile"),
	OPT_BOOL('q', "quiet", struct cp_args, quiet,
		 "Print nothing (nothing is printed)"),
	OPT_END,
};

static void cp_defaults(void *args)
{
	((struct cp_args *)args)->archive = true;
}

/* CONTAINER:PATH, or a path of the host; @ret_name owned by the caller */
static int parse_end(struct runtime *rt, const char *text,
		     struct cp_end *ret, char **ret_name, struct ctr **ret_ctr,
		     struct err *err)
{
	const char *colon = strchr(text, ':');
	int r;

	*ret = (struct cp_end){ .path = text };
	if (!*text || (colon && colon != text && !colon[1]))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid argument \"%s\": you must specify "
			       "paths", text);
	if (!colon || colon == text || strchr("/.", text[0]) ||
	    memchr(text, '/', (size_t)(colon - text)))
		return 0;
	*ret_name = xstrndup(text, (size_t)(colon - text));
	r = ctr_find(rt, *ret_name, ret_ctr, err);
	if (r < 0)
		return r;
	ret->ctr = *ret_ctr;
	ret->name = *ret_name;
	ret->path = colon + 1;
	return 0;
}

static int pause_end(struct runtime *rt, const struct cp_end *end, bool *ret,
		     struct err *err)
{
	int r;

	if (!end->ctr || end->ctr->state != CTR_RUNNING)
		return 0;
	r = ctr_pause(rt, end->ctr, err);
	*ret = r == 0;
	return r;
}

static int copy(struct runtime *rt, const struct cp_args *args,
		const struct cp_end ends[2], struct err *err)
{
	const struct cp_opts opts = { .archive = args->archive,
				      .overwrite = args->overwrite };
	bool paused[2] = { false, false };
	int r = 0;

	for (int i = 0; args->pause && r == 0 && i < 2; i++)
		r = pause_end(rt, &ends[i], &paused[i], err);
	if (r == 0)
		r = ctr_cp(rt, &ends[0], &ends[1], &opts, err);
	for (int i = 0; i < 2; i++)
		if (paused[i])
			(void)ctr_unpause(rt, ends[i].ctr, NULL);
	return r;
}

static int cp_run(struct runtime *rt, const void *p, char **argv,
		  struct err *err)
{
	struct cp_end ends[2];
	auto_ctr struct ctr *from = NULL;
	auto_ctr struct ctr *to = NULL;
	autofree char *from_name = NULL;
	autofree char *to_name = NULL;
	int r;

	r = parse_end(rt, argv[0], &ends[0], &from_name, &from, err);
	if (r == 0)
		r = parse_end(rt, argv[1], &ends[1], &to_name, &to, err);
	if (r < 0)
		return r;
	if (!from && !to)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid arguments \"%s\", \"%s\": one of them "
			       "has to be CONTAINER:PATH", argv[0], argv[1]);
	return copy(rt, p, ends, err);
}

const struct cmd cmd_container_cp = {
	.path = "cp",
	.aliases = (const char *const[]){ "container cp", NULL },
	.usage = "[options] [CONTAINER:]SRC_PATH|- [CONTAINER:]DEST_PATH|-",
	.summary = "Copy files between a container and the host",
	.text = "Copies a file or a directory out of a container, into one, or "
		"from one to another; running or not. - is a tar archive on "
		"stdin or stdout. SRC_PATH/. means what is in the directory.",
	.examples = (const char *const[]){ "cp file.txt web:/tmp/",
					   "cp web:/etc/nginx/. conf",
					   "cp web:/var/log - | tar -t",
					   NULL },
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ cp_opts, NULL },
	.args_size = sizeof(struct cp_args),
	.defaults = cp_defaults,
	.run = cp_run,
};
