/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What the outer world sees of a failure: one "Error:" line that a terminal
 * can show safely, and an exit code.  Everything below cmd/ only sets the
 * kind of a struct err; the table of codes is here.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "util/safe.h"
#include "util/str.h"

static const struct cmd *current;
static const char *prog = "bryo";

void cmd_current_set(const struct cmd *c)
{
	current = c;
}

const char *cmd_prog(void)
{
	return prog;
}

void cmd_prog_init(const char *argv0)
{
	static const char *const names[] = { "podman", "docker" };
	const char *name = argv0 ? strrchr(argv0, '/') : NULL;

	name = name ? name + 1 : argv0;
	prog = "bryo";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (streq(name, names[i]))
			prog = names[i];
}

static int exit_code(const struct err *err, bool rm_family)
{
	switch (err->kind) {
	case ERR_START:
		return 126;
	case ERR_CMD_NOT_FOUND:
		return 127;
	case ERR_NOT_FOUND:
		return rm_family ? 1 : 125;
	case ERR_IN_USE:
		return rm_family ? 2 : 125;
	case ERR_FAIL:
	case ERR_SYS:
	case ERR_USAGE:
	case ERR_EXISTS:
	case ERR_STATE:
	case ERR_UNSUPPORTED:
	case ERR_LIMIT:
	case ERR_INVALID:
		break;
	}
	return 125;
}

/* What is read may be too large, too: for a limit of ours. */
static const char *limit_of(const struct err *err)
{
	struct rlimit rl;

	if (err->code != EFBIG || getrlimit(RLIMIT_FSIZE, &rl) < 0 ||
	    rl.rlim_cur == RLIM_INFINITY)
		return "";
	return " (see ulimit -f)";
}

int cmd_error(const struct err *err, bool rm_family)
{
	autofree char *text = safe_line(err->msg);

	/* What was printed before comes first in a shared pipe too. */
	fflush(stdout);
	fprintf(stderr, "Error: %s%s\n", text, limit_of(err));
	return exit_code(err, rm_family);
}

int each_arg(struct runtime *rt, char **argv, bool echo,
	     int (*fn)(struct runtime *rt, const char *arg, void *data,
		       struct err *err),
	     void *data)
{
	bool rm_family = current && (current->flags & CMD_RM_EXIT);
	int worst = 0;

	for (; *argv; argv++) {
		struct err err = ERR_INIT;

		if (fn(rt, *argv, data, &err) < 0)
			worst = exit_worse(worst, cmd_error(&err, rm_family));
		else if (echo)
			printf("%s\n", *argv);
		/* A kill of a later one must not lose this line. */
		fflush(stdout);
	}
	return worst;
}
