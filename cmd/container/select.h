/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_SELECT_H
#define CMD_CONTAINER_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "libpod/core/container.h"
#include "util/err.h"

/**
 * struct select_args - how a life-cycle command names its containers
 * @verb:     "start", for messages
 * @all, @latest, @cidfiles, @filters: as typed
 * @wanted:   with --all and --filter: which ones; NULL = every one
 * @rm_exit:  unknown is 1, in use is 2
 * @ignore:   unknown ones and missing cidfiles are no error
 */
struct select_args {
	const char *verb;
	bool all;
	bool latest;
	char **cidfiles;
	char **filters;
	bool (*wanted)(const struct ctr *c);
	bool rm_exit;
	bool ignore;
};

/**
 * select_each() - call @fn for each selected container
 *
 * What worked is echoed as typed (its full id with --all, --filter, --latest
 * and cidfiles); each failure is one "Error:" line.
 *
 * Return: the exit code, or -errno when the selection itself is wrong
 */
int select_each(struct runtime *rt, const struct select_args *sel, char **argv,
		int (*fn)(struct runtime *rt, struct ctr *c, void *data,
			  struct err *err),
		void *data, struct err *err);

/** select_one() - exactly one: by name, or the latest */
int select_one(struct runtime *rt, const char *verb, bool latest, char **argv,
	       struct ctr **ret, struct err *err);

/** parse_stop_signal() - podman's words for a bad signal */
int parse_stop_signal(const char *text, int *ret, struct err *err);

/** seconds_arg() - "10", "-1" = for ever; -EINVAL */
int seconds_arg(const char *text, uint32_t *ret, struct err *err);

#endif
