/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HEALTH_HEALTH_H
#define CORE_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

struct ctr;
struct json_object;
struct runtime;

/*
 * Health checks.  The monitor has the timer and nothing else: when it is due
 * it runs `bryo __health ID`, which makes one check, writes the result down
 * and says when the next one is due.
 *
 * What is where: the status of the current start in the row (ps, filters);
 * streak and log in the file "health.json" of the container's data directory.
 */
enum health_status {
	HEALTH_NONE,
	HEALTH_STARTING,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
};

/** health_status_name() - "", "starting", "healthy", "unhealthy" */
const char *health_status_name(enum health_status s);

enum health_action {
	HEALTH_ACTION_NONE,
	HEALTH_ACTION_KILL,
	HEALTH_ACTION_RESTART,
	HEALTH_ACTION_STOP,
};

/** health_action_parse() - "none", "kill", "restart", "stop"; -EINVAL */
int health_action_parse(const char *text, enum health_action *ret,
			struct err *err);

/** HEALTH_UNSET - a number that nobody gave: the image's counts, then the
 *  default (interval 30s, timeout 30s, 3 retries) */
#define HEALTH_UNSET (-1)

/**
 * struct health_probe - one of the two commands
 * @test:     {"CMD", ...}, {"CMD-SHELL", text}, {"NONE"}; NULL: not given
 * @interval_ns: 0: no timer, only `healthcheck run`
 * @success:  startup only: how many good ones end the phase
 */
struct health_probe {
	char **test;
	int64_t interval_ns, timeout_ns;
	int64_t retries;
	int64_t success;
};

/**
 * struct health_conf - what HEALTHCHECK and --health-* say
 * @start_interval_ns: between checks in the start period; 0: @interval_ns
 * @log_dest: NULL "local"; a directory; "events_logger"
 */
struct health_conf {
	struct health_probe check;
	struct health_probe startup;
	int64_t start_period_ns, start_interval_ns;
	enum health_action action;
	char *log_dest;
	int64_t log_count, log_size;
};

/** health_conf_new() - everything unset */
struct health_conf *health_conf_new(void);
struct health_conf *health_conf_free(struct health_conf *h);

/** health_conf_from_json() - HEALTHCHECK of an image config, or what
 *  health_conf_to_json() made; NULL for NULL */
struct health_conf *health_conf_from_json(struct json_object *o);
struct json_object *health_conf_to_json(const struct health_conf *h);

/** health_conf_to_image() - the part that an image's config can say */
struct json_object *health_conf_to_image(const struct health_conf *h);

/** health_conf_merge() - fill what is unset in *@h from an image's; makes *@h
 *  when there is none */
void health_conf_merge(struct health_conf **h, struct json_object *image);

/** health_is_on() - there is a command to run */
bool health_is_on(const struct health_conf *h);

/** health_action_check() - -EINVAL: an action, but nothing that could fail */
int health_action_check(const struct health_conf *h, struct err *err);

/** health_conf_inspect() - Healthcheck and its kin into inspect's Config */
void health_conf_inspect(const struct health_conf *h, struct json_object *o);

/** health_first_ms() - from the start to the first check; 0: never */
uint32_t health_first_ms(const struct health_conf *h);

/**
 * struct health_result - of one check
 * @passed:  it ended with 0 in time
 * @status:  of the container, now
 * @next_ms: when the next check is due; 0: never
 */
struct health_result {
	bool passed;
	enum health_status status;
	uint32_t next_ms;
};

/**
 * ctr_health_check() - make one check now, record it, act on it
 *
 * -ENOENT: no check is defined; ERR_STATE: not running, also when it ended
 * meanwhile: such a check says nothing.
 */
int ctr_health_check(struct runtime *rt, struct ctr *c,
		     struct health_result *ret, struct err *err);

/** ctr_health_changed() - c->config.health was changed and saved: status and
 *  timer of what runs follow */
int ctr_health_changed(struct runtime *rt, struct ctr *c, struct err *err);

/** ctr_health_json() - State.Health for inspect */
struct json_object *ctr_health_json(struct runtime *rt, const struct ctr *c);

/** ctr_health_restart_wanted() - did --health-on-failure=restart end this
 *  start of the container? */
bool ctr_health_restart_wanted(struct runtime *rt, const struct ctr *c);

#endif
