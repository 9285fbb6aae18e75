/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The methods of Go's time.Time and time.Duration that make sense in a
 * template: {{.Created.Format "2006-01-02"}}, {{.Created.Unix}},
 * {{(.State.FinishedAt.Sub .State.StartedAt).Seconds}}.  A time is a string
 * in RFC 3339 with a mark, a duration a number with one; the result is such a
 * value again where Go's is.
 */
#include "cmd/gotime.h"
#include "cmd/template_priv.h"
#include "util/str.h"

#define NS_PER_S 1000000000LL

struct call {
	const char *name;	/* of the method */
	struct gotime at;	/* of a time */
	int64_t ns;		/* of a duration */
	const struct value *args;
	struct value *ret;
	struct err *err;
};

static int bad_arg(const struct call *c, const char *want)
{
	return err_set(c->err, ERR_INVALID, EINVAL,
		       "template: wrong type of argument for %s; expected %s",
		       c->name, want);
}

static int ret_int(const struct call *c, int64_t n)
{
	*c->ret = value_new(json_object_new_int64(n));
	return 0;
}

static int ret_bool(const struct call *c, bool b)
{
	*c->ret = value_new(json_object_new_boolean(b));
	return 0;
}

static int ret_text(const struct call *c, const struct sb *text)
{
	*c->ret = value_new(json_object_new_string(text->buf));
	return 0;
}

static int ret_duration(const struct call *c, int64_t ns)
{
	*c->ret = value_new(json_object_new_int64(ns));
	template_mark_duration(c->ret->o);
	return 0;
}

static int ret_time(const struct call *c, const struct gotime *t)
{
	autosb struct sb text = SB_INIT;

	gotime_json(t, &text);
	*c->ret = value_new(json_object_new_string(text.buf));
	template_mark_time(c->ret->o);
	return 0;
}

static int arg_int(const struct call *c, int64_t *ret)
{
	if (value_kind(c->args[0]) != VAL_INT)
		return bad_arg(c, "time.Duration");
	*ret = json_object_get_int64(c->args[0].o);
	return 0;
}

static int arg_time(const struct call *c, struct gotime *ret)
{
	if (!value_is_time(c->args[0]) ||
	    gotime_parse(json_object_get_string(c->args[0].o), ret) < 0)
		return bad_arg(c, "time.Time");
	return 0;
}

/* ---- times ------------------------------------------------------------- */

/* As in Go the number of a time that is too far away wraps around. */
static int64_t unix_of(const struct gotime *t, int64_t per_s)
{
	uint64_t n = (uint64_t)t->sec * (uint64_t)per_s;

	return (int64_t)(n + (uint64_t)(t->nsec / (NS_PER_S / per_s)));
}

static int time_unix(const struct call *c)
{
	return ret_int(c, c->at.sec);
}

static int time_unix_milli(const struct call *c)
{
	return ret_int(c, unix_of(&c->at, 1000));
}

static int time_unix_micro(const struct call *c)
{
	return ret_int(c, unix_of(&c->at, 1000000));
}

static int time_unix_nano(const struct call *c)
{
	return ret_int(c, unix_of(&c->at, NS_PER_S));
}

static int time_nanosecond(const struct call *c)
{
	return ret_int(c, c->at.nsec);
}

/* Year, YearDay, Day, Hour, Minute, Second: numbers of struct tm */
static int time_part(const struct call *c)
{
	struct tm tm;

	gotime_parts(&c->at, &tm);
	if (streq(c->name, "Year"))
		return ret_int(c, tm.tm_year + 1900);
	if (streq(c->name, "YearDay"))
		return ret_int(c, tm.tm_yday + 1);
	if (streq(c->name, "Day"))
		return ret_int(c, tm.tm_mday);
	if (streq(c->name, "Hour"))
		return ret_int(c, tm.tm_hour);
	return ret_int(c, streq(c->name, "Minute") ? tm.tm_min : tm.tm_sec);
}

static int time_month(const struct call *c)
{
	struct tm tm;

	gotime_parts(&c->at, &tm);
	*c->ret = value_month(tm.tm_mon + 1);
	return 0;
}

static int time_weekday(const struct call *c)
{
	struct tm tm;

	gotime_parts(&c->at, &tm);
	*c->ret = value_weekday(tm.tm_wday);
	return 0;
}

static int time_is_zero(const struct call *c)
{
	return ret_bool(c, gotime_is_zero(&c->at));
}

static int time_string(const struct call *c)
{
	autosb struct sb text = SB_INIT;

	gotime_print(&c->at, &text);
	return ret_text(c, &text);
}

static int time_location(const struct call *c)
{
	autosb struct sb text = SB_INIT;

	gotime_format(&c->at, "MST", &text);
	return ret_text(c, &text);
}

static int time_utc(const struct call *c)
{
	struct gotime utc = c->at;

	utc.off = 0;
	return ret_time(c, &utc);
}

static int time_local(const struct call *c)
{
	struct gotime local = gotime_local(&c->at);

	return ret_time(c, &local);
}

static int time_format(const struct call *c)
{
	autosb struct sb text = SB_INIT;

	if (value_kind(c->args[0]) != VAL_STR)
		return bad_arg(c, "string");
	gotime_format(&c->at, json_object_get_string(c->args[0].o), &text);
	return ret_text(c, &text);
}

/* Before, After, Equal and Compare */
static int time_compare(const struct call *c)
{
	const struct gotime *a = &c->at;
	struct gotime b;
	int order = 0;

	if (arg_time(c, &b) < 0)
		return -EINVAL;
	order = (a->sec > b.sec) - (a->sec < b.sec);
	if (!order)
		order = (a->nsec > b.nsec) - (a->nsec < b.nsec);
	if (streq(c->name, "Compare"))
		return ret_int(c, order);
	if (streq(c->name, "Equal"))
		return ret_bool(c, !order);
	return ret_bool(c, streq(c->name, "Before") ? order < 0 : order > 0);
}

/* Go's Sub stops at the longest duration there is: 292 years. */
static int time_sub(const struct call *c)
{
	struct gotime b;
	int64_t ns = 0;

	if (arg_time(c, &b) < 0)
		return -EINVAL;
	if (__builtin_mul_overflow(c->at.sec - b.sec, NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, c->at.nsec - b.nsec, &ns))
		ns = c->at.sec < b.sec ? INT64_MIN : INT64_MAX;
	return ret_duration(c, ns);
}

static int time_add(const struct call *c)
{
	struct gotime t = c->at;
	int64_t ns = 0;

	if (arg_int(c, &ns) < 0)
		return -EINVAL;
	t.sec += ns / NS_PER_S;
	t.nsec += (int32_t)(ns % NS_PER_S);
	if (t.nsec < 0) {
		t.nsec += (int32_t)NS_PER_S;
		t.sec--;
	} else if (t.nsec >= NS_PER_S) {
		t.nsec -= (int32_t)NS_PER_S;
		t.sec++;
	}
	return ret_time(c, &t);
}

/* ---- durations --------------------------------------------------------- */

static int duration_string(const struct call *c)
{
	char buf[DURATION_TEXT_MAX];

	*c->ret = value_new(json_object_new_string(duration_go(c->ns, buf)));
	return 0;
}

/* Hours, Minutes, Seconds: with a fraction */
static int duration_float(const struct call *c)
{
	int64_t unit = streq(c->name, "Hours")	 ? 3600 * NS_PER_S :
		       streq(c->name, "Minutes") ? 60 * NS_PER_S :
						   NS_PER_S;

	*c->ret = value_new(json_object_new_double(
		(double)(c->ns / unit) +
		(double)(c->ns % unit) / (double)unit));
	return 0;
}

static int duration_int(const struct call *c)
{
	if (streq(c->name, "Milliseconds"))
		return ret_int(c, c->ns / 1000000);
	return ret_int(c, streq(c->name, "Microseconds") ? c->ns / 1000 :
							   c->ns);
}

static int duration_abs(const struct call *c)
{
	if (c->ns == INT64_MIN)
		return ret_duration(c, INT64_MAX);
	return ret_duration(c, c->ns < 0 ? -c->ns : c->ns);
}

/* Truncate: to a multiple of the argument; Round: to the nearest one, halves
 * away from zero */
static int duration_round(const struct call *c)
{
	int64_t unit = 0;
	int64_t ns = c->ns;
	int64_t rest;

	if (arg_int(c, &unit) < 0)
		return -EINVAL;
	if (unit <= 0)
		return ret_duration(c, ns);
	rest = ns % unit;
	if (streq(c->name, "Truncate"))
		return ret_duration(c, ns - rest);
	ns -= rest;
	if (rest < 0 ? -rest >= unit + rest : rest >= unit - rest)
		if (__builtin_add_overflow(ns, rest < 0 ? -unit : unit, &ns))
			ns = rest < 0 ? INT64_MIN : INT64_MAX;
	return ret_duration(c, ns);
}

/* ---- calling ----------------------------------------------------------- */

struct method {
	const char *name;
	size_t args;
	int (*fn)(const struct call *c);
};

static const struct method time_methods[] = {
	{ "Add", 1, time_add },
	{ "After", 1, time_compare },
	{ "Before", 1, time_compare },
	{ "Compare", 1, time_compare },
	{ "Day", 0, time_part },
	{ "Equal", 1, time_compare },
	{ "Format", 1, time_format },
	{ "Hour", 0, time_part },
	{ "IsZero", 0, time_is_zero },
	{ "Local", 0, time_local },
	{ "Location", 0, time_location },
	{ "Minute", 0, time_part },
	{ "Month", 0, time_month },
	{ "Nanosecond", 0, time_nanosecond },
	{ "Second", 0, time_part },
	{ "String", 0, time_string },
	{ "Sub", 1, time_sub },
	{ "UTC", 0, time_utc },
	{ "Unix", 0, time_unix },
	{ "UnixMicro", 0, time_unix_micro },
	{ "UnixMilli", 0, time_unix_milli },
	{ "UnixNano", 0, time_unix_nano },
	{ "Weekday", 0, time_weekday },
	{ "Year", 0, time_part },
	{ "YearDay", 0, time_part },
	{ NULL, 0, NULL },
};

static const struct method duration_methods[] = {
	{ "Abs", 0, duration_abs },
	{ "Hours", 0, duration_float },
	{ "Microseconds", 0, duration_int },
	{ "Milliseconds", 0, duration_int },
	{ "Minutes", 0, duration_float },
	{ "Nanoseconds", 0, duration_int },
	{ "Round", 1, duration_round },
	{ "Seconds", 0, duration_float },
	{ "String", 0, duration_string },
	{ "Truncate", 1, duration_round },
	{ NULL, 0, NULL },
};

int value_call(struct value v, const char *name, const struct value *args,
	       size_t n, struct value *ret, struct err *err)
{
	bool is_time = value_is_time(v);
	const struct method *m = is_time ? time_methods : duration_methods;
	struct call c = { .name = name, .args = args, .ret = ret, .err = err };

	while (m->name && !streq(m->name, name))
		m++;
	if (!m->name)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: can't evaluate field %s in type %s",
			       name, value_type(v));
	if (m->args != n)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: wrong number of args for %s: want "
			       "%zu got %zu", name, m->args, n);
	if (is_time && gotime_parse(json_object_get_string(v.o), &c.at) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: error calling %s: \"%s\" is no time",
			       name, json_object_get_string(v.o));
	if (!is_time)
		c.ns = json_object_get_int64(v.o);
	return m->fn(&c);
}
