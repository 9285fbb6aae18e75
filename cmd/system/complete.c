/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `bryo __complete WORD... LAST` prints what LAST may become: commands,
 * options, or the names that the command's usage asks for (CONTAINER, IMAGE,
 * VOLUME), one per line with a tab and a description.  Any failure simply
 * gives fewer answers: a TAB must never print an error.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/container.h"
#include "libpod/core/runtime.h"
#include "libpod/core/volume/volume.h"
#include "storage/store.h"
#include "util/str.h"
#include "util/strv.h"

static void offer(const char *text, const char *help, const char *typed)
{
	if (str_starts(text, typed))
		printf("%s\t%s\n", text, help);
}

static void offer_name(const char *name, const char *summary, void *arg)
{
	offer(name, summary, arg);
}

static void offer_opts(const struct opt *const *tables, const char *typed)
{
	for (; tables && *tables; tables++) {
		for (const struct opt *o = *tables; o->type != OPT_T_END;
		     o++) {
			autofree char *text = xasprintf(
				"--%s%s", o->name,
				opt_takes_value(o) ? "=" : "");

			if (!(o->flags & OPT_HIDDEN) &&
			    o->type != OPT_T_UNSUPPORTED)
				offer(text, o->help, typed);
		}
	}
}

static void offer_containers(struct runtime *rt, const char *typed)
{
	auto_ctr_list struct ctr_list list = { NULL, 0 };

	if (ctr_list(rt, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		const struct ctr *c = list.v[i];

		offer(c->name, c->config.image_name ? c->config.image_name :
						      "", typed);
		if (strlen(typed) >= 2)
			offer(c->id, c->name, typed);
	}
}

static void offer_volumes(struct runtime *rt, const char *typed)
{
	struct volume_list list = { NULL, 0 };

	if (volume_list(rt, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		offer(list.v[i]->name, "volume", typed);
	volume_list_done(&list);
}

static void offer_images(struct runtime *rt, const char *typed)
{
	auto_image_list struct image_list list = { NULL, 0 };
	struct store *store = NULL;

	if (runtime_store(rt, &store, NULL) < 0 ||
	    image_list(store, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		for (char **n = list.v[i]->names; n && *n; n++) {
			const char *tail = strrchr(*n, '/');

			offer(*n, "image", typed);
			if (tail)
				offer(tail + 1, *n, typed);
		}
	}
}

/* The last of @words completes an argument or an option of @c. */
static void complete_command(struct runtime *rt, const struct cmd *c,
			     char **words)
{
	const char *typed = words[strv_len(words) - 1];
	const char *usage = c->usage ? c->usage : "";

	if (*typed == '-') {
		offer_opts(c->opts, typed);
		offer("--help", "Print usage", typed);
		return;
	}
	if (strstr(usage, "CONTAINER"))
		offer_containers(rt, typed);
	if (strstr(usage, "IMAGE"))
		offer_images(rt, typed);
	if (strstr(usage, "VOLUME"))
		offer_volumes(rt, typed);
}

static int complete_run(struct runtime *rt, const void *p unused_attr,
			char **argv, struct err *err unused_attr)
{
	size_t n = strv_len(argv);
	const struct group *g = NULL;
	const struct cmd *c = NULL;
	size_t words = 0;
	char *typed = n ? argv[n - 1] : NULL;

	if (!n)
		return 0;
	/* Global flags before the command take part in nothing here. */
	while (n > 1 && argv[0][0] == '-') {
		argv++;
		n--;
	}
	c = cmd_find(argv, &words);
	if (c && words < n) {
		complete_command(rt, c, argv + words);
		return 0;
	}
	g = group_find(argv, &words);
	if (g && words >= n)
		g = NULL;
	if (*typed == '-')
		offer_opts(g ? NULL : global_opts, typed);
	else
		cmd_each_name(g ? g->path : "", true, offer_name, typed);
	return 0;
}

const struct cmd cmd_system_complete = {
	.path = "__complete",
	.usage = "WORD...",
	.summary = "Print what the last word may become",
	.max_args = -1,
	.flags = CMD_HIDDEN | CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.run = complete_run,
};
