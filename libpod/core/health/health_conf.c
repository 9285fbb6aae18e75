/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of health checks: from and to JSON, defaults.
 *
 * Theory of operation.  In a row they are one object in the form of an image's
 * HEALTHCHECK (docker's keys, nanoseconds) with bryo's own keys beside them.
 * A number that nobody gave is not there, so that what an image says and what
 * the defaults are is decided when it is needed, not when it is stored.
 */
#include "libpod/core/health/health_priv.h"

#include "util/compiler.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define INTERVAL_NS (30 * NS_PER_S)
#define TIMEOUT_NS (30 * NS_PER_S)
#define RETRIES 3
#define LOG_COUNT 5
#define LOG_SIZE 500

static const char *const actions[] = {
	[HEALTH_ACTION_NONE] = "none",
	[HEALTH_ACTION_KILL] = "kill",
	[HEALTH_ACTION_RESTART] = "restart",
	[HEALTH_ACTION_STOP] = "stop",
};

const char *health_status_name(enum health_status s)
{
	switch (s) {
	case HEALTH_NONE:
		return "";
	case HEALTH_STARTING:
		return "starting";
	case HEALTH_HEALTHY:
		return "healthy";
	case HEALTH_UNHEALTHY:
		return "unhealthy";
	}
	return "";
}

int health_action_parse(const char *text, enum health_action *ret,
			struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (streq(text, actions[i])) {
			*ret = (enum health_action)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid on-failure action '%s' for health check: "
		       "supported actions are none,kill,restart,stop", text);
}

int health_action_check(const struct health_conf *h, struct err *err)
{
	if (!h || !h->action || health_is_on(h))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "cannot set on-failure action to %s without a health "
		       "check", actions[h->action]);
}

/* ---- life -------------------------------------------------------------- */

struct health_conf *health_conf_new(void)
{
	static const struct health_probe unset = {
		NULL, HEALTH_UNSET, HEALTH_UNSET, HEALTH_UNSET, HEALTH_UNSET,
	};
	struct health_conf *h = xcalloc(1, sizeof(*h));

	h->check = unset;
	h->startup = unset;
	h->start_period_ns = HEALTH_UNSET;
	h->start_interval_ns = HEALTH_UNSET;
	h->log_count = HEALTH_UNSET;
	h->log_size = HEALTH_UNSET;
	return h;
}

struct health_conf *health_conf_free(struct health_conf *h)
{
	if (!h)
		return NULL;
	strv_free(h->check.test);
	strv_free(h->startup.test);
	free(h->log_dest);
	free(h);
	return NULL;
}

/* ---- JSON -------------------------------------------------------------- */

static void get_probe(struct json_object *o, struct health_probe *p)
{
	p->test = json_strv(o, "Test");
	p->interval_ns = json_i64(o, "Interval", HEALTH_UNSET);
	p->timeout_ns = json_i64(o, "Timeout", HEALTH_UNSET);
	p->retries = json_i64(o, "Retries", HEALTH_UNSET);
	p->success = json_i64(o, "Successes", HEALTH_UNSET);
}

struct health_conf *health_conf_from_json(struct json_object *o)
{
	struct json_object *startup = json_obj(o, "Startup");
	const char *action = json_str(o, "OnFailure");
	struct health_conf *h;

	if (!o)
		return NULL;
	h = health_conf_new();
	get_probe(o, &h->check);
	if (startup)
		get_probe(startup, &h->startup);
	h->start_period_ns = json_i64(o, "StartPeriod", HEALTH_UNSET);
	h->start_interval_ns = json_i64(o, "StartInterval", HEALTH_UNSET);
	if (action)
		(void)health_action_parse(action, &h->action, NULL);
	str_set(&h->log_dest, json_str(o, "LogDestination"));
	h->log_count = json_i64(o, "MaxLogCount", HEALTH_UNSET);
	h->log_size = json_i64(o, "MaxLogSize", HEALTH_UNSET);
	return h;
}

static void put(struct json_object *o, const char *key, int64_t value)
{
	if (value != HEALTH_UNSET)
		json_set_i64(o, key, value);
}

static void put_probe(struct json_object *o, const struct health_probe *p)
{
	if (p->test)
		json_set_strv(o, "Test", p->test);
	put(o, "Interval", p->interval_ns);
	put(o, "Timeout", p->timeout_ns);
	put(o, "Retries", p->retries);
	put(o, "Successes", p->success);
}

struct json_object *health_conf_to_image(const struct health_conf *h)
{
	struct json_object *o = json_object_new_object();

	put_probe(o, &h->check);
	put(o, "StartPeriod", h->start_period_ns);
	put(o, "StartInterval", h->start_interval_ns);
	return o;
}

struct json_object *health_conf_to_json(const struct health_conf *h)
{
	struct json_object *o = health_conf_to_image(h);

	if (h->startup.test) {
		struct json_object *startup = json_object_new_object();

		put_probe(startup, &h->startup);
		json_set(o, "Startup", startup);
	}
	if (h->action)
		json_set_str(o, "OnFailure", actions[h->action]);
	json_set_str(o, "LogDestination", h->log_dest);
	put(o, "MaxLogCount", h->log_count);
	put(o, "MaxLogSize", h->log_size);
	return o;
}

/* An image writes 0 for "inherit", as docker does. */
static void inherit(int64_t *to, int64_t from)
{
	if (*to == HEALTH_UNSET && from > 0)
		*to = from;
}

void health_conf_merge(struct health_conf **h, struct json_object *image)
{
	struct health_conf *from = health_conf_from_json(image);

	if (!from)
		return;
	if (!*h)
		*h = health_conf_new();
	if (!(*h)->check.test)
		(*h)->check.test = take_ptr(from->check.test);
	inherit(&(*h)->check.interval_ns, from->check.interval_ns);
	inherit(&(*h)->check.timeout_ns, from->check.timeout_ns);
	inherit(&(*h)->check.retries, from->check.retries);
	inherit(&(*h)->start_period_ns, from->start_period_ns);
	inherit(&(*h)->start_interval_ns, from->start_interval_ns);
	health_conf_free(from);
}

/* ---- meaning ----------------------------------------------------------- */

static int64_t or_default(int64_t value, int64_t missing)
{
	return value == HEALTH_UNSET ? missing : value;
}

bool health_is_on(const struct health_conf *h)
{
	return h && h->check.test && h->check.test[0] &&
	       !streq(h->check.test[0], "NONE");
}

struct health_probe health_probe_of(const struct health_conf *h, bool startup)
{
	struct health_probe p = startup ? h->startup : h->check;

	p.interval_ns = or_default(p.interval_ns, INTERVAL_NS);
	p.timeout_ns = or_default(p.timeout_ns, TIMEOUT_NS);
	p.retries = or_default(p.retries, startup ? 0 : RETRIES);
	p.success = p.success > 0 ? p.success : 1;
	return p;
}

size_t health_log_count(const struct health_conf *h)
{
	return (size_t)or_default(h->log_count, LOG_COUNT);
}

size_t health_log_size(const struct health_conf *h)
{
	return (size_t)or_default(h->log_size, LOG_SIZE);
}

int64_t health_interval(const struct health_conf *h, bool startup,
			bool starting)
{
	bool early = !startup && starting && h->start_period_ns > 0 &&
		     h->start_interval_ns > 0;

	return early ? h->start_interval_ns :
		       health_probe_of(h, startup).interval_ns;
}

uint32_t health_ms(int64_t ns)
{
	if (ns <= 0)
		return 0;
	return (uint32_t)MIN(MAX(ns / NS_PER_MS, INT64_C(1)),
			     (int64_t)INT32_MAX);
}

uint32_t health_first_ms(const struct health_conf *h)
{
	if (!health_is_on(h))
		return 0;
	return health_ms(health_interval(h, h->startup.test != NULL, true));
}

static struct json_object *probe_json(const struct health_conf *h,
				     bool startup)
{
	struct health_probe p = health_probe_of(h, startup);
	struct json_object *o = json_object_new_object();

	json_set_strv(o, "Test", p.test);
	if (!startup && h->start_period_ns > 0)
		json_set_i64(o, "StartPeriod", h->start_period_ns);
	if (!startup && h->start_interval_ns > 0)
		json_set_i64(o, "StartInterval", h->start_interval_ns);
	json_set_i64(o, "Interval", p.interval_ns);
	json_set_i64(o, "Timeout", p.timeout_ns);
	json_set_i64(o, "Retries", p.retries);
	if (startup)
		json_set_i64(o, "Successes", p.success);
	return o;
}

void health_conf_inspect(const struct health_conf *h, struct json_object *o)
{
	json_set(o, "Healthcheck", probe_json(h, false));
	json_set_str(o, "HealthcheckOnFailureAction", actions[h->action]);
	json_set_str(o, "HealthLogDestination",
		     h->log_dest ? h->log_dest : "local");
	json_set_i64(o, "HealthcheckMaxLogCount",
		     (int64_t)health_log_count(h));
	json_set_i64(o, "HealthcheckMaxLogSize", (int64_t)health_log_size(h));
	if (h->startup.test)
		json_set(o, "StartupHealthCheck", probe_json(h, true));
}
