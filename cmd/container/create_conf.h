/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_CREATE_CONF_H
#define CMD_CONTAINER_CREATE_CONF_H

#include "cmd/container/create_opts.h"

struct conf;

/**
 * struct create_filled - flags, and containers.conf where no flag was given
 * @args:  borrows from the typed ones, from the configuration and from here
 * @lists, @texts: owned
 */
struct create_filled {
	struct create_args args;
	char **lists[16];
	size_t n_lists;
	char **texts;
};

/** create_fill() - @typed and @conf are borrowed until create_filled_done(),
 *  which is needed after a failure too */
int create_fill(const struct create_args *typed, const struct conf *conf,
		struct create_filled *ret, struct err *err);

void create_filled_done(struct create_filled *f);

#endif
