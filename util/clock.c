/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks, and times as text.
 *
 * What is kept is nanoseconds since the epoch; what is compared while waiting
 * is the monotonic clock.  Texts are parsed by hand, digit by digit:
 * strptime(3) takes the locale's words and no fraction of a second.
 */
#include "util/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/str.h"

#define NS_PER_S 1000000000
#define GO_ZERO_TIME -62135596800LL /* 0001-01-01T00:00:00Z */

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t clock_mono_ns(void)
{
	return (uint64_t)clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boot_ns(void)
{
	return (uint64_t)clock_ns(CLOCK_BOOTTIME);
}

/* Floor division: times before 1970 keep a positive fraction. */
static time_t split_ns(int64_t ns, long *ret_rest)
{
	int64_t s = ns / NS_PER_S;
	int64_t rest = ns % NS_PER_S;

	if (rest < 0) {
		rest += NS_PER_S;
		s--;
	}
	*ret_rest = (long)rest;
	return (time_t)s;
}

/* ".27033215" with trailing zeros cut; nothing when the fraction is 0 */
static void fraction(long ns, char buf[16])
{
	size_t len;

	buf[0] = '\0';
	if (!ns)
		return;
	snprintf(buf, 16, ".%09ld", ns);
	for (len = strlen(buf); buf[len - 1] == '0'; len--)
		buf[len - 1] = '\0';
}

static const char *format_utc(int64_t ns, const char *layout, const char *zone,
			      char buf[TIME_TEXT_MAX])
{
	char frac[16];
	char head[32];
	struct tm tm;
	time_t s;
	long rest;

	s = split_ns(ns, &rest);
	if (!gmtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	strftime(head, sizeof(head), layout, &tm);
	fraction(rest, frac);
	snprintf(buf, TIME_TEXT_MAX, "%s%s%s", head, frac, zone);
	return buf;
}

const char *time_rfc3339(int64_t ns, char buf[TIME_TEXT_MAX])
{
	if (!ns)
		return memcpy(buf, "0001-01-01T00:00:00Z", 21);
	return format_utc(ns, "%Y-%m-%dT%H:%M:%S", "Z", buf);
}

const char *time_go(int64_t ns, char buf[TIME_TEXT_MAX])
{
	if (!ns)
		return memcpy(buf, "0001-01-01 00:00:00 +0000 UTC", 30);
	return format_utc(ns, "%Y-%m-%d %H:%M:%S", " +0000 UTC", buf);
}

/* @n of units that have @unit ns each: "1.5ms" */
static void short_duration(uint64_t ns, char buf[DURATION_TEXT_MAX])
{
	static const struct {
		uint64_t ns;
		int digits;
		const char *name;
	} units[] = { { 1000000, 6, "ms" }, { 1000, 3, "\xc2\xb5s" },
		      { 1, 0, "ns" } };
	size_t i = 0;
	char rest[16];
	size_t len;

	while (ns < units[i].ns)
		i++;
	len = (size_t)snprintf(rest, sizeof(rest), ".%0*" PRIu64,
			       units[i].digits, ns % units[i].ns);
	while (len > 0 && (rest[len - 1] == '0' || rest[len - 1] == '.'))
		rest[--len] = '\0';
	snprintf(buf, DURATION_TEXT_MAX - 1, "%" PRIu64 "%s%s",
		 ns / units[i].ns, rest, units[i].name);
}

const char *duration_go(int64_t ns, char buf[DURATION_TEXT_MAX])
{
	uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	uint64_t s = n / NS_PER_S;
	char *p = buf;
	size_t left;
	char frac[16];

	if (n == 0)
		return memcpy(buf, "0s", 3);
	if (ns < 0)
		*p++ = '-';
	if (n < NS_PER_S) {
		short_duration(n, p);
		return buf;
	}
	left = DURATION_TEXT_MAX - 1;
	fraction((long)(n % NS_PER_S), frac);
	if (s >= 3600)
		snprintf(p, left, "%" PRIu64 "h%" PRIu64 "m%" PRIu64 "%ss",
			 s / 3600, s / 60 % 60, s % 60, frac);
	else if (s >= 60)
		snprintf(p, left, "%" PRIu64 "m%" PRIu64 "%ss", s / 60, s % 60,
			 frac);
	else
		snprintf(p, left, "%" PRIu64 "%ss", s, frac);
	return buf;
}

/* Exactly @digits decimal digits at *s; moves *s behind them. */
static int take_number(const char **s, int digits, int *ret)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		char c = (*s)[i];

		if (c < '0' || c > '9')
			return -EINVAL;
		value = value * 10 + (c - '0');
	}
	*s += digits;
	*ret = value;
	return 0;
}

static int take_char(const char **s, char c)
{
	if (**s != c)
		return -EINVAL;
	(*s)++;
	return 0;
}

static int take_fraction(const char **s, int64_t *ret_ns)
{
	int64_t unit = NS_PER_S / 10;

	*ret_ns = 0;
	if (**s != '.' && **s != ',')
		return 0;
	(*s)++;
	if (**s < '0' || **s > '9')
		return -EINVAL;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*ret_ns += (**s - '0') * unit;
	return 0;
}

/* "Z" or "+01:00"; "": the time is a local one */
static int take_zone(const char **s, struct tm *tm, time_t *ret)
{
	int hours, minutes, sign;
	time_t utc;

	if (!**s) {
		tm->tm_isdst = -1;
		*ret = mktime(tm);
		return 0;
	}
	utc = timegm(tm);
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		*ret = utc;
		return 0;
	}
	if (**s != '+' && **s != '-')
		return -EINVAL;
	sign = *(*s)++ == '-' ? -1 : 1;
	if (take_number(s, 2, &hours) < 0)
		return -EINVAL;
	if (**s == ':')
		(*s)++;
	if (take_number(s, 2, &minutes) < 0)
		return -EINVAL;
	*ret = utc - sign * (hours * 3600 + minutes * 60);
	return 0;
}

/* @year and @month as people count them */
static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static int take_date(const char **s, struct tm *tm)
{
	if (take_number(s, 4, &tm->tm_year) < 0 || take_char(s, '-') < 0 ||
	    take_number(s, 2, &tm->tm_mon) < 0 || take_char(s, '-') < 0 ||
	    take_number(s, 2, &tm->tm_mday) < 0)
		return -EINVAL;
	if (tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1 ||
	    tm->tm_mday > days_of(tm->tm_year, tm->tm_mon))
		return -EINVAL;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return 0;
}

/* "", "T15:04" or "T15:04:05.999" */
static int take_clock(const char **s, struct tm *tm, int64_t *ret_ns)
{
	if (**s != 'T' && **s != 't' && **s != ' ')
		return 0;
	(*s)++;
	if (take_number(s, 2, &tm->tm_hour) < 0 || take_char(s, ':') < 0 ||
	    take_number(s, 2, &tm->tm_min) < 0)
		return -EINVAL;
	if (**s == ':') {
		(*s)++;
		if (take_number(s, 2, &tm->tm_sec) < 0 ||
		    take_fraction(s, ret_ns) < 0)
			return -EINVAL;
	}
	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		return -EINVAL;
	return 0;
}

static int parse_calendar(const char *s, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	int64_t ns = 0;
	time_t t = 0;

	if (take_date(&s, &tm) < 0 || take_clock(&s, &tm, &ns) < 0 ||
	    take_zone(&s, &tm, &t) < 0 || *s)
		return -EINVAL;
	if (t == GO_ZERO_TIME) {
		*ret_ns = 0;
		return 0;
	}
	/* years 1678 to 2261 */
	if (t > INT64_MAX / NS_PER_S - 1 || t < INT64_MIN / NS_PER_S + 1)
		return -EINVAL;
	*ret_ns = (int64_t)t * NS_PER_S + ns;
	return 0;
}

int time_parse(const char *s, int64_t *ret_ns)
{
	const char *point = strchr(s, '.');
	autofree char *seconds = point ? xstrndup(s, (size_t)(point - s)) :
					 xstrdup(s);
	int64_t ns = 0;
	uint64_t whole = 0;

	if (parse_u64(seconds, &whole) < 0 || strlen(seconds) < 5)
		return parse_calendar(s, ret_ns);
	if (whole > INT64_MAX / NS_PER_S - 1)
		return -EINVAL;
	if (point && (take_fraction(&point, &ns) < 0 || *point))
		return -EINVAL;
	*ret_ns = (int64_t)whole * NS_PER_S + ns;
	return 0;
}

const char *time_human(int64_t duration_ns, char buf[TIME_TEXT_MAX])
{
	int64_t s = duration_ns / NS_PER_S;
	int64_t hours = (s + 1800) / 3600;

	if (s < 1)
		snprintf(buf, TIME_TEXT_MAX, "Less than a second");
	else if (s == 1)
		snprintf(buf, TIME_TEXT_MAX, "1 second");
	else if (s < 60)
		snprintf(buf, TIME_TEXT_MAX, "%lld seconds", (long long)s);
	else if (s < 120)
		snprintf(buf, TIME_TEXT_MAX, "About a minute");
	else if (s < 3600)
		snprintf(buf, TIME_TEXT_MAX, "%lld minutes",
			 (long long)(s / 60));
	else if (hours == 1)
		snprintf(buf, TIME_TEXT_MAX, "About an hour");
	else if (hours < 48)
		snprintf(buf, TIME_TEXT_MAX, "%lld hours", (long long)hours);
	else if (hours < 24 * 7 * 2)
		snprintf(buf, TIME_TEXT_MAX, "%lld days",
			 (long long)(hours / 24));
	else if (hours < 24 * 30 * 2)
		snprintf(buf, TIME_TEXT_MAX, "%lld weeks",
			 (long long)(hours / 24 / 7));
	else if (hours < 24 * 365 * 2)
		snprintf(buf, TIME_TEXT_MAX, "%lld months",
			 (long long)(hours / 24 / 30));
	else
		snprintf(buf, TIME_TEXT_MAX, "%lld years",
			 (long long)(hours / 24 / 365));
	return buf;
}

const char *size_human(uint64_t bytes, bool space, char buf[SIZE_TEXT_MAX])
{
	static const char *const units[] = { "B",  "kB", "MB", "GB",
					     "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, SIZE_TEXT_MAX, "%.*g%s%s", space ? 3 : 4, value,
		 space ? " " : "", units[unit]);
	return buf;
}
