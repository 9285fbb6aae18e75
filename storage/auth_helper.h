/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_AUTH_HELPER_H
#define STORAGE_AUTH_HELPER_H

#include "util/cleanup.h"
#include "util/err.h"
#include "util/sb.h"

/*
 * docker-credential-SUFFIX programs: get, store and erase.  What goes in and
 * out may be a secret: it travels through a memfd and a pipe, never through
 * a command line or the environment, and their stderr is dropped.
 */

/**
 * struct auth_helper - which one; all borrowed
 * @env:  its environment; PATH is where it is looked for
 * @host: for messages
 */
struct auth_helper {
	const char *suffix;
	char *const *env;
	const char *host;
};

/**
 * auth_helper_run() - run it to its end, for at most a minute; then it is
 * killed with its whole process group.  What it leaves behind is not waited
 * for
 * @verb:  "get", "store", "erase"
 * @input: its stdin
 * @out:   its stdout (at most 64 KiB); wipe it
 *
 * Return: 1 done, 0 it knows no such credentials, -ENOENT there is no such
 * program, -errno
 */
int auth_helper_run(const struct auth_helper *h, const char *verb,
		    const char *input, struct sb *out, struct err *err);

/** wipe_sb() - overwrite and free */
void wipe_sb(struct sb *sb);

#define autowipe_sb cleanup(wipe_sb)

#endif
