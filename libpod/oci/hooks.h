/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_HOOKS_H
#define OCI_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

struct json_object;

/*
 * OCI hooks: programs of the host (startContainer: of the container) that run
 * at fixed points of a container's life with its state as JSON on stdin
 * (runtime-spec, "POSIX-platform Hooks").  They come from directories that
 * the user names, never from an image.
 */
enum hook_stage {
	HOOK_PRESTART,		/* outside, before the root is entered */
	HOOK_CREATE_RUNTIME,	/* the same place, after prestart */
	HOOK_CREATE_CONTAINER,	/* inside, before the root is entered */
	HOOK_START_CONTAINER,	/* inside, right before the payload */
	HOOK_POSTSTART,		/* outside, the payload runs */
	HOOK_POSTSTOP,		/* outside, it has ended */
	HOOK_STAGES,
};

/** HOOK_EARLY - stages that need a stop of init on its way */
#define HOOK_EARLY \
	(1U << HOOK_PRESTART | 1U << HOOK_CREATE_RUNTIME | \
	 1U << HOOK_CREATE_CONTAINER | 1U << HOOK_START_CONTAINER)

/** struct hook - one program; owned
 *  @path: absolute; @args: argv with argv[0], @env: all of it
 *  @timeout_s: 0: none; @stages: bits */
struct hook {
	char *path;
	char **args;
	char **env;
	uint32_t timeout_s;
	uint32_t stages;
};

/**
 * struct hooks - those of one container, in the order in which they run
 * @id:    of the container
 * @state: what follows the pid in the state: `"bundle":...,...}`
 * @stages: of all of them
 *
 * All owned.
 */
struct hooks {
	struct hook *v;
	size_t n;
	char *id;
	char *state;
	uint32_t stages;
};

void hooks_done(struct hooks *h);

/** hook_stage_name() - "prestart", "createRuntime", ... */
const char *hook_stage_name(enum hook_stage s);

/**
 * hooks_run() - all of a stage, one after the other
 * @pid:    of the container's init as the stage's processes see it, 0: none
 * @dir_fd: where they run: the bundle; -EBADF: here
 *
 * Each gets as much time as it has asked for.  The first that fails ends it:
 * its path, its exit code and what it said last are in @err (ERR_START).
 */
int hooks_run(const struct hooks *h, enum hook_stage stage, pid_t pid,
	      int dir_fd, struct err *err);

/* ---- hooks_file.c: from the command to the monitor and the next start ---- */

/** hooks_save() - file "hooks" of the container's directory; none of them:
 *  no file */
int hooks_save(int dir_fd, const struct hooks *h, struct err *err);

/** hooks_load() - no file: none.  @ret is hooks_done()ne, also on failure */
int hooks_load(int dir_fd, struct hooks *ret, struct err *err);

/** hooks_parse() - the text of that file */
int hooks_parse(const char *text, size_t len, struct hooks *ret,
		struct err *err);

/* ---- hooks_conf.c: the directories ---- */

/** struct hook_match - what conditions look at; borrowed
 *  @annotations: KEY=VALUE; @command: args[0]; @binds: -v of the host's */
struct hook_match {
	char *const *annotations;
	const char *command;
	bool binds;
};

/**
 * hooks_read() - append those of @dirs that match
 * @dirs:  a file in a later one replaces one of the same name
 * @must:  the directories have to exist
 *
 * Files *.json of version 1.0.0, by name.  A directory, a file or a program
 * that somebody else than root and us could write is an error (EPERM), as is
 * a file that cannot be read to the end.
 */
int hooks_read(char *const *dirs, bool must, const struct hook_match *match,
	       struct hooks *ret, struct err *err);

/** hooks_parse_conf() - one file: 1 matches and was appended, 0 does not */
int hooks_parse_conf(const char *text, size_t len,
		     const struct hook_match *match, struct hooks *ret,
		     struct err *err);

/** hooks_to_json() - "hooks" of config.json; owned by the caller */
struct json_object *hooks_to_json(const struct hooks *h);

#endif
