/* SPDX-License-Identifier: Apache-2.0 */
/* --health-* of create, run and update */
#include "cmd/container/opt_health.h"

#include <sys/stat.h>

#include "util/compiler.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define MILLISECOND INT64_C(1000000)

bool health_args_any(const struct health_args *a)
{
	const char *const all[] = {
		a->cmd, a->interval, a->timeout, a->retries, a->start_period,
		a->start_interval, a->startup_cmd, a->startup_interval,
		a->startup_timeout, a->startup_retries, a->startup_success,
		a->on_failure, a->log_dest, a->log_count, a->log_size,
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i])
			return true;
	return a->off;
}

/* ---- values ------------------------------------------------------------ */

/* @min: in nanoseconds; "disable" is 0 where @can_disable */
static int set_time(const char *text, const char *what, int64_t min,
		    bool can_disable, int64_t *ret, struct err *err)
{
	int64_t ns;

	if (!text)
		return 0;
	if (can_disable && streq(text, "disable")) {
		*ret = 0;
		return 0;
	}
	if (parse_duration(text, &ns) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid healthcheck-%s: time: invalid duration "
			       "\"%s\"", what, text);
	if (ns < min && min)
		return err_set(err, ERR_INVALID, EINVAL,
			       "healthcheck-%s must be at least 1 second, or "
			       "a part of it from 1ms", what);
	if (ns < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "healthcheck-%s must be 0 seconds or greater",
			       what);
	*ret = ns;
	return 0;
}

static int set_number(const char *text, const char *what, uint32_t min,
		      int64_t *ret, struct err *err)
{
	uint32_t n;

	if (!text)
		return 0;
	if (parse_u32(text, &n) < 0)
		return err_set(err, ERR_INVALID, ERANGE,
			       "healthcheck-%s %s: out of range", what, text);
	if (n < min)
		return err_set(err, ERR_INVALID, EINVAL,
			       "healthcheck-%s must be greater than 0", what);
	*ret = n;
	return 0;
}

/* Words of a Dockerfile in front of the line, which podman's users write */
static char **line_test(const char *line)
{
	const char *shell = str_after(line, "CMD-SHELL ");
	autostrv char **words = strv_split(line, ' ');
	char **v = NULL;

	if (strcasecmp(line, "none") == 0) {
		strv_add(&v, "NONE");
	} else if (str_starts(line, "CMD ")) {
		for (char **w = words; *w; w++)
			if (**w)
				strv_add(&v, *w);
	} else {
		strv_add(&v, "CMD-SHELL");
		strv_add(&v, shell ? shell : line);
	}
	return v;
}

/* A JSON list is a command, anything else a line for the shell. */
static int set_test(const char *text, const char *what, char ***ret,
		    struct err *err)
{
	autojson struct json_object *o = NULL;
	autofree char *wrapped = NULL;
	autostrv char **list = NULL;
	char **v = NULL;

	if (!text)
		return 0;
	if (text[0] == '[') {
		wrapped = xasprintf("{\"v\":%s}", text);
		o = json_parse(wrapped, strlen(wrapped), NULL);
		list = o ? json_strv(o, "v") : NULL;
	}
	if (!*text || (o && !(list && list[0])))
		return err_set(err, ERR_INVALID, EINVAL,
			       "must define a healthcheck command for all "
			       "healthchecks: --health-%s is empty", what);
	if (list && (streq(list[0], "CMD") || streq(list[0], "CMD-SHELL") ||
		     streq(list[0], "NONE"))) {
		v = take_ptr(list);
	} else if (list) {
		strv_add(&v, "CMD");
		strv_extend(&v, list);
	} else {
		v = line_test(text);
	}
	strv_free(*ret);
	*ret = v;
	return 0;
}

static int set_dest(const char *text, char **ret, struct err *err)
{
	struct stat st;

	if (!text)
		return 0;
	if (streq(text, "local") || streq(text, "events_logger")) {
		str_set(ret, streq(text, "local") ? NULL : text);
		return 0;
	}
	if (text[0] != '/' || stat(text, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, EINVAL,
			       "health log destination \"%s\" is neither local "
			       "nor events_logger nor the path of a directory",
			       text);
	str_set(ret, text);
	return 0;
}

/* ---- the whole --------------------------------------------------------- */

static int apply_check(const struct health_args *a, struct health_conf *h,
		       struct err *err)
{
	int r = set_test(a->cmd, "cmd", &h->check.test, err);

	if (r == 0)
		r = set_time(a->interval, "interval", 0, true,
			     &h->check.interval_ns, err);
	if (r == 0)
		r = set_time(a->timeout, "timeout", MILLISECOND, false,
			     &h->check.timeout_ns, err);
	if (r == 0)
		r = set_number(a->retries, "retries", 1, &h->check.retries,
			       err);
	if (r == 0)
		r = set_time(a->start_period, "start-period", 0, false,
			     &h->start_period_ns, err);
	if (r == 0)
		r = set_time(a->start_interval, "start-interval", 0, false,
			     &h->start_interval_ns, err);
	return r;
}

static int apply_startup(const struct health_args *a, struct health_conf *h,
			 struct err *err)
{
	struct health_probe *p = &h->startup;
	int r = set_test(a->startup_cmd, "startup-cmd", &p->test, err);

	if (r < 0)
		return r;
	if (!p->test && (a->startup_interval || a->startup_timeout ||
			 a->startup_retries || a->startup_success))
		return err_set(err, ERR_INVALID, EINVAL,
			       "--health-startup-cmd is needed for the other "
			       "--health-startup flags");
	r = set_time(a->startup_interval, "startup-interval", 0, false,
		     &p->interval_ns, err);
	if (r == 0)
		r = set_time(a->startup_timeout, "startup-timeout", MILLISECOND,
			     false, &p->timeout_ns, err);
	if (r == 0)
		r = set_number(a->startup_retries, "startup-retries", 0,
			       &p->retries, err);
	if (r == 0)
		r = set_number(a->startup_success, "startup-success", 0,
			       &p->success, err);
	return r;
}

static int apply_log(const struct health_args *a, struct health_conf *h,
		     struct err *err)
{
	int r = set_dest(a->log_dest, &h->log_dest, err);

	if (r == 0)
		r = set_number(a->log_count, "max-log-count", 0, &h->log_count,
			       err);
	if (r == 0)
		r = set_number(a->log_size, "max-log-size", 0, &h->log_size,
			       err);
	return r;
}

static int switch_off(const struct health_args *a, struct health_conf *h,
		      struct err *err)
{
	if (a->cmd)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot specify both --no-healthcheck and "
			       "--health-cmd");
	strv_free(h->check.test);
	h->check.test = NULL;
	strv_add(&h->check.test, "NONE");
	return 0;
}

int health_apply(const struct health_args *a, struct health_conf **h,
		 struct err *err)
{
	int r;

	if (!health_args_any(a))
		return 0;
	if (!*h)
		*h = health_conf_new();
	if (a->off)
		return switch_off(a, *h, err);
	r = apply_check(a, *h, err);
	if (r == 0)
		r = apply_startup(a, *h, err);
	if (r == 0 && a->on_failure)
		r = health_action_parse(a->on_failure, &(*h)->action, err);
	return r < 0 ? r : apply_log(a, *h, err);
}
