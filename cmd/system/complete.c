/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `bryo __complete WORD... LAST` prints what LAST may become: commands,
 * options, values of options (complete_value.c), or the names that the
 * command's usage asks for (CONTAINER, IMAGE, VOLUME, SECRET), one per line
 * with a tab and a description.  Any failure simply gives fewer answers: a TAB
 * must never print an error, and where nothing is known the shell offers
 * files.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/system/complete.h"
#include "libpod/core/container.h"
#include "libpod/core/runtime.h"
#include "libpod/core/secret/secret.h"
#include "libpod/core/volume/volume.h"
#include "storage/store.h"
#include "util/str.h"
#include "util/strv.h"

void complete_offer(const struct complete *c, const char *text,
		    const char *help)
{
	if (str_starts(text, c->typed))
		printf("%s%s\t%s\n", c->prefix, text, help);
}

static void offer_name(const char *name, const char *summary, void *arg)
{
	complete_offer(arg, name, summary);
}

static void offer_opts(const struct complete *c,
		       const struct opt *const *tables)
{
	for (; tables && *tables; tables++) {
		for (const struct opt *o = *tables; o->type != OPT_T_END;
		     o++) {
			autofree char *text = xasprintf(
				"--%s%s", o->name,
				opt_takes_value(o) ? "=" : "");

			if (!(o->flags & OPT_HIDDEN) &&
			    o->type != OPT_T_UNSUPPORTED)
				complete_offer(c, text, o->help);
		}
	}
}

/* ---- names that the store knows --------------------------------------- */

static bool is_stopped(const struct ctr *c)
{
	return !ctr_is_up(c);
}

static bool is_paused(const struct ctr *c)
{
	return c->state == CTR_PAUSED;
}

/* Which containers a command can do something with; others: all */
static bool suits(const struct cmd *cmd, const struct ctr *c)
{
	static const struct {
		const char *path;
		bool (*fn)(const struct ctr *c);
	} verbs[] = {
		{ "attach", ctr_is_up },  { "exec", ctr_is_up },
		{ "kill", ctr_is_up },	  { "pause", ctr_is_up },
		{ "start", is_stopped },  { "stop", ctr_is_up },
		{ "top", ctr_is_up },	  { "unpause", is_paused },
	};

	for (size_t i = 0; cmd && i < ARRAY_LEN(verbs); i++)
		if (streq(cmd->path, verbs[i].path))
			return verbs[i].fn(c);
	return true;
}

void complete_containers(const struct complete *co, const struct cmd *cmd)
{
	auto_ctr_list struct ctr_list list = { NULL, 0 };

	if (ctr_list(co->rt, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		const struct ctr *c = list.v[i];
		const char *image = c->config.image_name;

		if (!suits(cmd, c))
			continue;
		complete_offer(co, c->name, image ? image : "");
		if (strlen(co->typed) >= 2)
			complete_offer(co, c->id, c->name);
	}
}

void complete_volumes(const struct complete *co)
{
	struct volume_list list = { NULL, 0 };

	if (volume_list(co->rt, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		complete_offer(co, list.v[i]->name, "volume");
	volume_list_done(&list);
}

void complete_secrets(const struct complete *co)
{
	auto_secret_list struct secret_list list = { NULL, 0 };

	if (secret_list(co->rt, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		complete_offer(co, list.v[i]->name, "secret");
}

static void offer_images(const struct complete *co)
{
	auto_image_list struct image_list list = { NULL, 0 };
	struct store *store = NULL;

	if (runtime_store(co->rt, &store, NULL) < 0 ||
	    image_list(store, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		for (char **n = list.v[i]->names; n && *n; n++) {
			const char *tail = strrchr(*n, '/');

			complete_offer(co, *n, "image");
			if (tail)
				complete_offer(co, tail + 1, *n);
		}
	}
}

static void offer_shells(const struct complete *co)
{
	static const char *const shells[] = { "bash", "fish", "zsh" };

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		complete_offer(co, shells[i], "shell");
}

/* ---- where the last word stands ---------------------------------------- */

/**
 * struct place - what the words before the last one say about it
 * @value_of: it is the value of this option
 * @n_args:   arguments that are no options, so far
 * @rest:     behind "--", or what a container runs: no option can come
 */
struct place {
	const struct opt *value_of;
	size_t n_args;
	bool rest;
};

/* One of the command's, else one that may stand before it */
static const struct opt *find_opt(const struct opt *const *tables,
				  const char *name, size_t len, char c)
{
	const struct opt *o = opt_find(tables, name, len, c);

	return o ? o : opt_find(global_opts, name, len, c);
}

/* "--name": the option that takes the next word; "-it", "-eFOO=bar" */
static const struct opt *wants_next(const struct opt *const *tables,
				    const char *word)
{
	const struct opt *o = NULL;

	if (str_starts(word, "--")) {
		if (strchr(word, '='))
			return NULL;
		o = find_opt(tables, word + 2, strlen(word + 2), 0);
		return o && opt_takes_value(o) ? o : NULL;
	}
	for (const char *c = word + 1; *c; c++) {
		o = find_opt(tables, NULL, 0, *c);
		if (o && opt_takes_value(o))
			return c[1] ? NULL : o;
	}
	return NULL;
}

static struct place find_place(const struct cmd *c, char *const *words,
			       size_t n)
{
	struct place p = { NULL, 0, false };

	for (size_t i = 0; i < n; i++) {
		if (p.value_of) {
			p.value_of = NULL;
		} else if (p.rest || words[i][0] != '-' || !words[i][1]) {
			p.n_args++;
			p.rest |= (c->flags & CMD_STOP_AT_ARG) != 0;
		} else if (streq(words[i], "--")) {
			p.rest = true;
		} else {
			p.value_of = wants_next(c->opts, words[i]);
		}
	}
	return p;
}

static void offer_args(const struct complete *co, const struct cmd *c,
		       size_t n_args)
{
	const char *usage = c->usage ? c->usage : "";

	if ((c->max_args >= 0 && n_args >= (size_t)c->max_args) ||
	    (n_args && (c->flags & CMD_STOP_AT_ARG)))
		return;
	if (strstr(usage, "CONTAINER"))
		complete_containers(co, c);
	if (strstr(usage, "IMAGE") && (!n_args || !strstr(usage, "TARGET")))
		offer_images(co);
	if (strstr(usage, "VOLUME"))
		complete_volumes(co);
	if (strstr(usage, "SECRET"))
		complete_secrets(co);
	if (streq(c->path, "completion"))
		offer_shells(co);
}

/* "--name=VALUE": the value is completed behind the sign; false: none */
static bool complete_glued(struct complete *co, const struct cmd *c)
{
	const char *sign = strchr(co->typed, '=');
	autofree char *prefix = NULL;
	const struct opt *o = NULL;

	if (!str_starts(co->typed, "--") || !sign)
		return false;
	o = opt_find(c->opts, co->typed + 2, (size_t)(sign - co->typed - 2),
		     0);
	prefix = xstrndup(co->typed, (size_t)(sign - co->typed + 1));
	co->prefix = prefix;
	co->typed = sign + 1;
	if (o)
		complete_value(co, c, o);
	return true;
}

/* The last of @words completes an argument or an option of @c. */
static void complete_command(struct complete *co, const struct cmd *c,
			     char **words)
{
	size_t n = strv_len(words) - 1;
	struct place p = find_place(c, words, n);

	if (p.value_of)
		complete_value(co, c, p.value_of);
	else if (p.rest || *co->typed != '-')
		offer_args(co, c, p.n_args);
	else if (!complete_glued(co, c)) {
		offer_opts(co, c->opts);
		complete_offer(co, "--help", "Print usage");
	}
}

/* Past the global options; the one whose value is the last word */
static const struct opt *skip_globals(char ***argv, size_t *n)
{
	const struct opt *o = NULL;

	while (*n > 1 && **argv[0] == '-') {
		o = wants_next(global_opts, **argv);
		if (o && *n == 2)
			return o;
		*argv += o ? 2 : 1;
		*n -= o ? 2 : 1;
	}
	return NULL;
}

static void complete_line(struct complete *co, char **argv, size_t n)
{
	const struct opt *global = skip_globals(&argv, &n);
	const struct group *g = NULL;
	const struct cmd *c = NULL;
	size_t words = 0;

	if (global) {
		complete_value(co, NULL, global);
		return;
	}
	if (n > 1 && streq(argv[0], "help")) {
		argv++;
		n--;
	}
	c = cmd_find(argv, &words);
	if (c && words < n) {
		complete_command(co, c, argv + words);
		return;
	}
	g = group_find(argv, &words);
	if (g && words >= n)
		g = NULL;
	if (*co->typed == '-')
		offer_opts(co, g ? NULL : global_opts);
	else if (g || n == 1)
		cmd_each_name(g ? g->path : "", true, offer_name, co);
}

static int complete_run(struct runtime *rt, const void *p unused_attr,
			char **argv, struct err *err unused_attr)
{
	size_t n = strv_len(argv);
	struct complete co = { rt, n ? argv[n - 1] : NULL, "" };

	if (n)
		complete_line(&co, argv, n);
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
