/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/top.h"

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/table.h"
#include "libpod/core/container.h"
#include "util/str.h"
#include "util/strv.h"

struct top_args {
	bool latest;
};

static const struct opt top_opts[] = {
	OPT_BOOL('l', "latest", struct top_args, latest,
		 "Use the container created last"),
	OPT_END,
};

static char **default_columns(void)
{
	return strv_split("user,pid,ppid,pcpu,etime,tty,time,args", ',');
}

/* One word of @s, quotes and backslashes taken away; NULL at the end. */
static char *next_word(const char **s)
{
	const char *p = *s + strspn(*s, " \t\n");
	autosb struct sb word = SB_INIT;
	bool any = *p != '\0';
	char quote = '\0';

	for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
		if (*p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			sb_addch(&word, *++p);
		else
			sb_addch(&word, *p);
	}
	*s = p;
	return any ? sb_take(&word) : NULL;
}

/* The columns of "-o" in one word: not every ps takes blanks between them. */
static void add_columns(const char *text, char ***words)
{
	autofree char *list = xstrdup(text);

	for (char *p = list; *p; p++) {
		if (*p == ' ')
			*p = ',';
	}
	strv_add(words, list);
}

/* "ax -o args" in quotes is what it would be without, as a shell has it. */
static char **split_words(char *const *argv)
{
	char **words = NULL;

	for (; *argv; argv++) {
		size_t n = strv_len(words);
		const char *last = n ? words[n - 1] : "";
		const char *p = *argv;
		char *word;

		if (last[0] == '-' && str_ends(last, "o")) {
			add_columns(*argv, &words);
			continue;
		}
		while ((word = next_word(&p)))
			strv_push(&words, word);
	}
	return words;
}

/* "pid,comm" and "pid comm" */
static char **split_columns(char *const *words)
{
	char **names = NULL;

	for (; words && *words; words++) {
		autostrv char **parts = strv_split(*words, ',');

		strv_extend(&names, parts);
	}
	return names ? names : default_columns();
}

/* Anything that is not one of our descriptors is ps's: "aux", "-ef". */
static bool all_known(char *const *names)
{
	for (; *names; names++)
		if (!top_column_find(*names))
			return false;
	return true;
}

/* A cell must not break the table. */
static void add_cell(const struct top *t, const struct top_proc *p,
		     const struct top_column *col, struct sb *out)
{
	size_t from = out->len;

	col->print(t, p, out);
	for (size_t i = from; i < out->len; i++)
		if (out->buf[i] == '\t' || out->buf[i] == '\n')
			out->buf[i] = ' ';
}

static void print_table(const struct top *t, char *const *names)
{
	autosb struct sb raw = SB_INIT;
	autosb struct sb out = SB_INIT;
	size_t n = strv_len(names);

	for (size_t c = 0; c < n; c++)
		sb_addf(&raw, "%s%s", c ? "\t" : "",
			top_column_find(names[c])->header);
	sb_addch(&raw, '\n');
	for (size_t i = 0; i < t->n; i++) {
		for (size_t c = 0; c < n; c++) {
			if (c)
				sb_addch(&raw, '\t');
			add_cell(t, &t->v[i], top_column_find(names[c]),
				 &raw);
		}
		sb_addch(&raw, '\n');
	}
	table_align(raw.buf, &out);
	print_text(out.buf, out.len);
}

static int run_ps(struct runtime *rt, struct ctr *c, char *const *words,
		  struct err *err)
{
	autostrv char **args = NULL;
	struct ctr_exec_opts opts = { 0 };

	strv_add(&args, "ps");
	strv_extend(&args, words);
	opts.args = args;
	return ctr_exec(rt, c, &opts, err);
}

static int top_run(struct runtime *rt, const void *p, char **argv,
		   struct err *err)
{
	const struct top_args *args = p;
	cleanup(top_done) struct top top = { 0 };
	autostrv char **words = NULL;
	autostrv char **names = NULL;
	auto_ctr struct ctr *c = NULL;
	int r = 0;

	if (!args->latest && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "you must provide the name or id of a running "
			       "container");
	r = args->latest ? ctr_latest(rt, &c, err) :
			   ctr_look(rt, *argv++, &c, err);
	if (r < 0)
		return r;
	if (!ctr_is_up(c))
		return err_set(err, ERR_STATE, EINVAL,
			       "top can only be used on running containers");
	words = split_words(argv);
	names = split_columns(words);
	if (!all_known(names))
		return run_ps(rt, c, words, err);
	r = top_read(&c->init, &top, err);
	if (r < 0)
		return r;
	print_table(&top, names);
	return 0;
}

const struct cmd cmd_container_top = {
	.path = "top",
	.aliases = (const char *const[]){ "container top", NULL },
	.usage = "[options] CONTAINER [FORMAT-DESCRIPTORS|ARGS...]",
	.summary = "Display the running processes of a container",
	.text = "Format descriptors (separated by commas or blanks): args, "
		"capamb, capbnd, capeff,\n  capinh, capprm, comm, etime, "
		"group, groups, hgroup, hgroups, hpid, huser, label, "
		"nice,\n  pcpu, pgid, "
		"pid, ppid, rgroup, rss, ruser, seccomp, state, stime, time, "
		"tty,\n  user, vsz.  Anything else is given to ps(1) in the "
		"container.",
	.examples = (const char *const[]){ "top ctrID", "top ctrID pid comm",
					   "top ctrID -eo user,pid,comm",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.opts = (const struct opt *const[]){ top_opts, NULL },
	.args_size = sizeof(struct top_args),
	.run = top_run,
};
