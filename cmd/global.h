/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GLOBAL_H
#define CMD_GLOBAL_H

#include <stdbool.h>
#include <stdint.h>

#include "libpod/core/runtime.h"
#include "util/err.h"

/** struct globals - flags before (or behind) the command; strings owned */
struct globals {
	char *log_level;
	char *out;
	char *root;
	char *runroot;
	char *storage_driver;
	char *tmpdir;
	char *volumepath;
	char *cgroup_manager;
	char *default_mounts_file;
	char *events_backend;
	char **hooks_dir;
	char **storage_opt;
	uint64_t layer_max;
	bool debug;
	bool noout;
	bool remote;
	bool syslog;
	bool version;
};

/** global_apply() - log level and where stdout goes
 *  Return: 0, an exit code (the reason is printed), or -errno */
int global_apply(const struct globals *g, struct err *err);

/** global_runtime_opts() - what core needs of the flags and of the
 *  configuration; borrowed from both */
int global_runtime_opts(const struct globals *g, struct runtime_opts *ret,
			struct err *err);

#endif
