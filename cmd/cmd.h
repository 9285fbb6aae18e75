/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/opt.h"
#include "util/err.h"

struct runtime;

/*
 * A command is one file with one exported const struct.  To add one:
 *   1. cmd/GROUP/NAME.c with `const struct cmd cmd_GROUP_NAME`
 *   2. a row in cmd/commands.c
 *   3. docs/man/bryo-NAME.1.scd        (tests/lint/docs.sh compares both
 *   4. `make completions`               with the options)
 *   5. a system test
 */
enum cmd_flags {
	CMD_NEED_RUNTIME = 1,	/* open state and store */
	CMD_STOP_AT_ARG = 2,	/* options end at the first argument */
	CMD_HIDDEN = 4,		/* internal: not in help */
	CMD_RM_EXIT = 16,	/* exit code of an unknown object is 1, of one
				   in use 2 (rm, rmi, volume rm) */
};

/**
 * struct cmd - one command
 * @path:     "container pause"
 * @aliases:  further full paths: "pause", "container ls"; NULL-terminated
 * @usage:    behind the path: "[options] CONTAINER [CONTAINER...]"
 * @summary:  one line of the parent's help
 * @text:     paragraph of --help, or NULL
 * @examples: what follows the program's name: "ps -a"; NULL-terminated
 * @min_args, @max_args: positional arguments (-1: any number)
 * @opts:     tables (shared ones first), NULL-terminated, or NULL
 * @args_size: of the argument struct; zeroed, then @defaults, then parsing
 * @defaults: may be NULL
 * @before:   or NULL: may start what takes its time, before state and store
 *            are opened; says nothing, @run hears of what fails
 * @after:    or NULL: takes back what @before did and @run did not use
 * @run:      @argv: positional arguments, NULL-terminated.
 *            Return: 0 or an exit code of the payload (1..255), or -errno with
 *            @err set (cmd/exit.c chooses 125, 126, 127, 1 or 2)
 */
struct cmd {
	const char *path;
	const char *const *aliases;
	const char *usage;
	const char *summary;
	const char *text;
	const char *const *examples;
	int min_args;
	int max_args;
	unsigned int flags;
	const struct opt *const *opts;
	size_t args_size;
	void (*defaults)(void *args);
	void (*before)(const void *args, char **argv);
	void (*after)(void);
	int (*run)(struct runtime *rt, const void *args, char **argv,
		   struct err *err);
};

/** struct group - words that hold commands but are none: "volume" */
struct group {
	const char *path;
	const char *summary;
	const char *text;
};

/** commands - every command, NULL-terminated (cmd/commands.c) */
extern const struct cmd *const commands[];

/** groups - ended by a NULL path (cmd/commands.c) */
extern const struct group groups[];

/** global_opts - flags before the command, for --help (cmd/global.c) */
extern const struct opt *const global_opts[];

/** cmd_find() - the command that @argv starts with, longest path first
 *  @ret_words: words of its path; NULL when there is none */
const struct cmd *cmd_find(char *const *argv, size_t *ret_words);

/** group_find() - likewise */
const struct group *group_find(char *const *argv, size_t *ret_words);

/**
 * cmd_each_name() - call @fn for every visible name right below a group
 * @group: "" = the top level
 * @all:   every alias, else one name per command
 *
 * Sorted by name.
 */
void cmd_each_name(const char *group, bool all,
		   void (*fn)(const char *name, const char *summary,
			      void *arg),
		   void *arg);

/** cmd_prog() - the name we were called by: "bryo", "podman", "docker" */
const char *cmd_prog(void);
void cmd_prog_init(const char *argv0);

/** help_command()/help_group() - print --help; @path as it was typed, group
 *  "" = the program */
void help_command(const struct cmd *c, const char *path);
void help_group(const struct group *g);

/** cmd_similar() - print "Did you mean this?" when a name of @group is near
 *  @typed (two edits away, or begins with it) */
void cmd_similar(FILE *out, const char *group, const char *typed);

void cmd_current_set(const struct cmd *c);

/* Multi-argument verbs: each argument is done, each failure is one "Error:"
 * line, the exit code is the most severe one. */

/**
 * each_arg() - call @fn for every argument
 * @echo: print the argument as typed when @fn returned 0
 *
 * Return: 0, or the exit code to end with (errors are printed already)
 */
int each_arg(struct runtime *rt, char **argv, bool echo,
	     int (*fn)(struct runtime *rt, const char *arg, void *data,
		       struct err *err),
	     void *data);

/** exit_worse() - the more severe of two exit codes */
static inline int exit_worse(int a, int b)
{
	return a > b ? a : b;
}

/** cmd_error() - print "Error: ..." (terminal-safe) with the exit code it
 *  means; @rm_family: unknown object is 1, in use is 2 */
int cmd_error(const struct err *err, bool rm_family);

#endif
