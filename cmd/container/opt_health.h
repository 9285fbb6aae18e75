/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_OPT_HEALTH_H
#define CMD_CONTAINER_OPT_HEALTH_H

#include "cmd/opt.h"
#include "libpod/core/health/health.h"

/**
 * struct health_args - --health-* and --no-healthcheck, as typed
 *
 * For `create`, `run` and `update`: HEALTH_OPTS gives the rows of a table
 * whose struct has one of these as member @m.
 */
struct health_args {
	char *cmd, *interval, *timeout, *retries;
	char *start_period, *start_interval;
	char *startup_cmd, *startup_interval, *startup_timeout;
	char *startup_retries, *startup_success;
	char *on_failure, *log_dest, *log_count, *log_size;
	bool off;
};

#define HEALTH_OPTS(S, m)                                                  \
	OPT_STR(0, "health-cmd", S, m.cmd, "string",                       \
		"Command that tells whether the container is healthy"),    \
	OPT_STR(0, "health-interval", S, m.interval, "string",             \
		"Time between two checks (default 30s; disable: none)"),   \
	OPT_STR(0, "health-log-destination", S, m.log_dest, "string",      \
		"Where the health log goes: local, DIR or events_logger"), \
	OPT_STR_UINT(0, "health-max-log-count", S, m.log_count, "uint",    \
		"Entries of the health log (default 5, 0: all)"),          \
	OPT_STR_UINT(0, "health-max-log-size", S, m.log_size, "uint",      \
		"Bytes of output in an entry (default 500, 0: 64 kB)"),    \
	OPT_STR(0, "health-on-failure", S, m.on_failure, "string",         \
		"What to do with an unhealthy container: none, kill, "     \
		"restart, stop"),                                          \
	OPT_STR_UINT(0, "health-retries", S, m.retries, "uint",            \
		"Failures in a row that make it unhealthy (default 3)"),   \
	OPT_STR(0, "health-start-interval", S, m.start_interval, "string", \
		"Time between two checks in the start period"),            \
	OPT_STR(0, "health-start-period", S, m.start_period, "string",     \
		"Time in which failures do not count"),                    \
	OPT_STR(0, "health-startup-cmd", S, m.startup_cmd, "string",       \
		"Check that has to pass before the regular one begins"),   \
	OPT_STR(0, "health-startup-interval", S, m.startup_interval,       \
		"string", "Time between two startup checks"),              \
	OPT_STR_UINT(0, "health-startup-retries", S, m.startup_retries,    \
		"uint",                                                    \
		"Failed startup checks that restart the container"),       \
	OPT_STR_UINT(0, "health-startup-success", S, m.startup_success,    \
		"uint", "Startup checks that have to pass (default 1)"),   \
	OPT_STR(0, "health-startup-timeout", S, m.startup_timeout,         \
		"string", "Time that a startup check may take"),           \
	OPT_STR(0, "health-timeout", S, m.timeout, "string",               \
		"Time that a check may take (default 30s)"),               \
	OPT_BOOL(0, "no-healthcheck", S, m.off,                            \
		 "Make no checks, whatever the image says")

/** health_args_any() - was one of them typed? */
bool health_args_any(const struct health_args *a);

/**
 * health_apply() - what was typed into *@h, which is made when it is needed
 *
 * What was not typed stays as it is, so the image's values or those of an
 * earlier `create` remain.
 */
int health_apply(const struct health_args *a, struct health_conf **h,
		 struct err *err);

#endif
