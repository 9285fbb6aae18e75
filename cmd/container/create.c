/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/create_opts.h"
#include "storage/store.h"

static const struct opt create_only_opts[] = {
	OPT_NOT_YET(0, "init-ctr", "string", "Make it an init container"),
	OPT_END,
};

static int create_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct create_args *args = p;
	auto_image struct image *img = NULL;
	auto_ctr struct ctr *c = NULL;
	int r;

	if (args->preserve_fds || args->preserve_fd)
		return err_set(err, ERR_USAGE, EINVAL,
			       "file descriptors can be passed by run and exec "
			       "only: a later start has others");
	r = create_container(rt, args, argv, false, &img, &c, err);
	if (r < 0)
		return r;
	printf("%s\n", c->id);
	return 0;
}

const struct cmd cmd_container_create = {
	.path = "create",
	.aliases = (const char *const[]){ "container create", NULL },
	.usage = "[options] IMAGE [COMMAND [ARG...]]",
	.summary = "Create but do not start a container",
	.text = "Creates a new container from the given image and prepares it "
		"for running the specified command. The container ID is "
		"printed.",
	.examples =
		(const char *const[]){ "create alpine ls",
				       "create --name web -p 8080:80 nginx",
				       NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.opts = (const struct opt *const[]){ CREATE_OPTS, create_only_opts,
					     NULL },
	.args_size = sizeof(struct create_args),
	.defaults = create_defaults,
	.run = create_run,
};
