/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One process per command.  main() puts the process into a known state (no
 * inherited signal dispositions, descriptors 0 to 2 open), parses the global
 * flags up to the command word, finds the command in the table, parses the
 * rest with the command's options, opens the runtime for those that need it
 * and runs it.  Nothing else happens here, since `version` and `ps` have five
 * milliseconds for everything.
 *
 * Exit codes and the "Error:" line come from cmd/exit.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/config/conf.h"
#include "cmd/config/storage_conf.h"
#include "cmd/format.h"
#include "cmd/global.h"
#include "libpod/core/runtime.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/trace.h"

#define EXIT_OWN_ERROR 125

struct help_args {
	bool help;
};

static const struct opt help_flag[] = {
	OPT_BOOL('h', "help", struct help_args, help, "Print usage"),
	OPT_END,
};

static const struct opt *const help_opt[] = { help_flag, NULL };

/* A file opened later must never become stdout of a container. */
static void open_std_fds(void)
{
	int fd = -1;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO && !fd_cloexec(fd, false));
	if (fd > STDERR_FILENO)
		close(fd);
}

static int usage_error(const struct err *err, const char *path)
{
	int code = cmd_error(err, false);

	if (err->kind == ERR_USAGE)
		fprintf(stderr, "See '%s%s%s --help'\n", cmd_prog(),
			*path ? " " : "", path);
	return code;
}

/* The first @n words, as typed. */
static char *join_words(char **argv, size_t n)
{
	autosb struct sb text = SB_INIT;

	for (size_t i = 0; i < n; i++)
		sb_addf(&text, "%s%s", i ? " " : "", argv[i]);
	return sb_take(&text);
}

static int check_count(const struct cmd *c, const char *path, int n,
		       struct err *err)
{
	if (c->max_args == 0 && n > 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "`%s %s` takes no arguments", cmd_prog(), path);
	if (c->max_args == c->min_args && n != c->min_args)
		return err_set(err, ERR_USAGE, EINVAL,
			       "accepts %d arg(s), received %d", c->min_args,
			       n);
	if (n < c->min_args)
		return err_set(err, ERR_USAGE, EINVAL,
			       "requires at least %d arg(s), only received %d",
			       c->min_args, n);
	if (c->max_args >= 0 && n > c->max_args)
		return err_set(err, ERR_USAGE, EINVAL,
			       "accepts at most %d arg(s), received %d",
			       c->max_args, n);
	return 0;
}

/* Returns the exit code. */
static int call(const struct cmd *c, const struct globals *g, const void *args,
		char **argv)
{
	struct runtime_opts opts;
	struct runtime *rt = NULL;
	struct err err = ERR_INIT;
	int r = 0;

	cmd_current_set(c);
	log_debug("Called %s", c->path);
	/* those that bryo calls itself got all they need as flags */
	if ((c->flags & CMD_NEED_RUNTIME) && !(c->flags & CMD_HIDDEN)) {
		r = conf_load(&err);
		if (!r)
			r = storage_conf_load(&err);
	}
	if (!r)
		r = global_runtime_opts(g, &opts, &err);
	opts.internal = c->flags & CMD_HIDDEN;
	if (!r && c->before)
		c->before(args, argv);
	if (!r && (c->flags & CMD_NEED_RUNTIME))
		r = runtime_open(&opts, &rt, &err);
	if (!r)
		r = c->run(rt, args, argv, &err);
	if (c->after)
		c->after();
	if (r < 0)
		r = cmd_error(&err, c->flags & CMD_RM_EXIT);
	err_clear(&err);
	if (out_flush(&err) < 0 && !r)
		r = cmd_error(&err, false);
	log_debug("Shutting down engines");
	runtime_close(rt);
	return r;
}

static int run_command(const struct cmd *c, const char *path,
		       struct globals *g, char **argv)
{
	autofree void *args = xcalloc(1, c->args_size ? c->args_size : 1);
	struct help_args help = { false };
	const struct opt_set sets[] = {
		{ c->opts, args },
		{ help_opt, &help },
		{ global_opts, g },
	};
	struct err err = ERR_INIT;
	char **rest = NULL;
	int n = 0;
	int r = 0;

	if (c->defaults)
		c->defaults(args);
	n = opt_parse_sets(sets, ARRAY_LEN(sets), argv,
			   c->flags & CMD_STOP_AT_ARG, &rest, &err);
	if (n < 0) {
		r = usage_error(&err, path);
	} else if (help.help) {
		help_command(c, path);
	} else if (check_count(c, path, n, &err) < 0) {
		r = cmd_error(&err, false);
	} else {
		r = global_apply(g, &err);
		if (r < 0)
			r = cmd_error(&err, false);
		else if (!r)
			r = call(c, g, args, rest);
	}
	opt_free(c->opts, args);
	return r;
}

/* A wrong flag anywhere on the line is the better message. */
static int unknown_command(const struct group *group, struct globals *g,
			   char **argv)
{
	struct help_args help = { false };
	const struct opt_set sets[] = { { help_opt, &help },
					{ global_opts, g } };
	const char *path = group ? group->path : "";
	const char *space = group ? " " : "";
	autofree char *typed = safe_line(argv[0]);
	struct err err = ERR_INIT;
	char **rest = NULL;

	if (opt_parse_sets(sets, ARRAY_LEN(sets), argv, false, &rest, &err) < 0)
		return usage_error(&err, path);
	fprintf(stderr, "Error: unrecognized command `%s%s%s %s`\n",
		cmd_prog(), space, path, typed);
	cmd_similar(stderr, path, typed);
	fprintf(stderr, "Try '%s%s%s --help' for more information\n",
		cmd_prog(), space, path);
	return EXIT_OWN_ERROR;
}

static int missing_command(const struct group *group)
{
	help_group(group);
	fflush(stdout);
	fprintf(stderr, "Error: missing command '%s%s%s COMMAND'\n",
		cmd_prog(), group ? " " : "", group ? group->path : "");
	return EXIT_OWN_ERROR;
}

/* `help [WORD...]`, and --help behind a group */
static int help_topic(char **argv)
{
	size_t words = 0;
	const struct cmd *c = cmd_find(argv, &words);
	const struct group *g = NULL;
	autofree char *path = NULL;

	if (c) {
		path = join_words(argv, words);
		help_command(c, path);
		return 0;
	}
	g = group_find(argv, &words);
	if (!g && argv[0]) {
		path = safe_line(argv[0]);
		fprintf(stderr, "Unknown help topic [`%s`]\n", path);
	}
	help_group(g);
	return 0;
}

static int run_group(const struct group *group, struct globals *g, char **argv)
{
	struct help_args help = { false };
	const struct opt_set sets[] = { { help_opt, &help },
					{ global_opts, g } };
	struct err err = ERR_INIT;
	char **rest = NULL;

	if (opt_parse_sets(sets, ARRAY_LEN(sets), argv, true, &rest, &err) < 0)
		return usage_error(&err, group->path);
	if (help.help) {
		help_group(group);
		return 0;
	}
	return rest[0] ? unknown_command(group, g, rest) :
			 missing_command(group);
}

/* Returns the exit code. */
static int run(struct globals *g, char **argv)
{
	struct help_args help = { false };
	const struct opt_set sets[] = { { help_opt, &help },
					{ global_opts, g } };
	const struct group *group = NULL;
	const struct cmd *c = NULL;
	autofree char *path = NULL;
	struct err err = ERR_INIT;
	size_t words = 0;

	if (opt_parse_sets(sets, ARRAY_LEN(sets), argv, true, &argv, &err) < 0)
		return usage_error(&err, "");
	if (help.help || streq(argv[0], "help"))
		return help_topic(argv + (streq(argv[0], "help") ? 1 : 0));
	if (g->version) {
		printf("%s version %s\n", cmd_prog(), BRYO_VERSION);
		return 0;
	}
	if (!argv[0])
		return missing_command(NULL);
	c = cmd_find(argv, &words);
	if (c) {
		path = join_words(argv, words);
		return run_command(c, path, g, argv + words);
	}
	group = group_find(argv, &words);
	return group ? run_group(group, g, argv + words) :
		       unknown_command(NULL, g, argv);
}

int main(int argc unused_attr, char **argv)
{
	struct globals g = { 0 };
	struct err err = ERR_INIT;
	int code = 0;

	signals_init();
	open_std_fds();
	fault_init();
	trace_init();
	cmd_prog_init(argv[0]);
	code = run(&g, argv[0] ? argv + 1 : argv);
	if (out_flush(&err) < 0 && !code)
		code = cmd_error(&err, false);
	opt_free(global_opts, &g);
	return code;
}
