/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A layout of Go's time package is an example: the time "Mon Jan 2 15:04:05
 * MST 2006" written as the user wants to see it.  So a layout is read from
 * left to right; the longest part of the example that begins here stands for
 * its value, and everything else for itself.  Two rules go by what follows:
 * "Jan" in "January" and "Mon" in "Month" are no months and weekdays, and
 * ".000" is a fraction only when no other digit comes behind it.
 *
 * Kept apart from util/clock.h: nanoseconds since 1970 do not reach the year
 * 1, which is Go's "never", and have no zone.
 */
#include "cmd/gotime.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/str.h"

#define GO_ZERO_TIME (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define FRACTION_MAX 9

static const char *const months[] = {
	"January", "February", "March",	    "April",   "May",	   "June",
	"July",	   "August",   "September", "October", "November", "December",
};

static const char *const days[] = { "Sunday",	"Monday", "Tuesday",
				    "Wednesday", "Thursday", "Friday",
				    "Saturday" };

/* ---- reading ----------------------------------------------------------- */

/* @digits decimal digits and the character behind them; -1: not there */
static int number(const char **s, int digits, char then)
{
	int n = 0;

	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)**s))
			return -1;
		n = n * 10 + *(*s)++ - '0';
	}
	if (!then)
		return n;
	return *(*s)++ == then ? n : -1;
}

static int32_t fraction(const char **s)
{
	int32_t unit = 100000000;
	int32_t n = 0;

	if (**s != '.')
		return 0;
	for ((*s)++; isdigit((unsigned char)**s); (*s)++, unit /= 10)
		n += (**s - '0') * unit;
	return n;
}

static int zone(const char **s, int32_t *ret)
{
	int sign = **s == '-' ? -1 : 1;
	int hours, minutes;

	*ret = 0;
	if (**s == 'Z') {
		(*s)++;
		return 0;
	}
	if (**s != '+' && **s != '-')
		return -EINVAL;
	(*s)++;
	hours = number(s, 2, ':');
	if (hours < 0)
		return -EINVAL;
	minutes = number(s, 2, '\0');
	*ret = sign * (hours * 3600 + minutes * 60);
	return minutes < 0 ? -EINVAL : 0;
}

int gotime_parse(const char *s, struct gotime *ret)
{
	static const struct {
		int digits;
		char then;
	} fields[] = { { 4, '-' }, { 2, '-' }, { 2, 'T' },
		      { 2, ':' }, { 2, ':' }, { 2, '\0' } };
	int n[ARRAY_LEN(fields)];
	struct tm tm = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		n[i] = number(&s, fields[i].digits, fields[i].then);
		if (n[i] < 0)
			return -EINVAL;
	}
	tm.tm_year = n[0] - 1900;
	tm.tm_mon = n[1] - 1;
	tm.tm_mday = n[2];
	tm.tm_hour = n[3];
	tm.tm_min = n[4];
	tm.tm_sec = n[5];
	ret->nsec = fraction(&s);
	if (zone(&s, &ret->off) < 0 || *s)
		return -EINVAL;
	ret->sec = timegm(&tm) - ret->off;
	return 0;
}

/* ---- parts ------------------------------------------------------------- */

void gotime_parts(const struct gotime *t, struct tm *ret)
{
	time_t at = (time_t)(t->sec + t->off);

	if (!gmtime_r(&at, ret))
		memset(ret, 0, sizeof(*ret));
}

const char *gotime_month(int month)
{
	return months[month - 1];
}

const char *gotime_weekday(int day)
{
	return days[day];
}

struct gotime gotime_local(const struct gotime *t)
{
	struct gotime local = *t;
	time_t at = (time_t)t->sec;
	struct tm tm = { 0 };

	tzset();
	if (localtime_r(&at, &tm))
		local.off = (int32_t)tm.tm_gmtoff;
	return local;
}

bool gotime_is_zero(const struct gotime *t)
{
	return t->sec == GO_ZERO_TIME && !t->nsec;
}

/* ---- writing ----------------------------------------------------------- */

/* "+0100", "+01:00" or "+01"; with @z "Z" where there is no offset */
static void add_offset(int32_t off, const char *colon, bool minutes, bool z,
		       struct sb *out)
{
	int32_t n = abs(off) / 60;

	if (z && !off) {
		sb_addch(out, 'Z');
		return;
	}
	sb_addf(out, "%c%02d", off < 0 ? '-' : '+', n / 60);
	if (minutes)
		sb_addf(out, "%s%02d", colon, n % 60);
}

/* The zone has a name where it is the user's own at that time. */
static void add_zone_name(const struct gotime *t, struct sb *out)
{
	time_t at = (time_t)t->sec;
	struct tm tm = { 0 };

	if (!t->off)
		sb_add(out, "UTC");
	else if (localtime_r(&at, &tm) && tm.tm_gmtoff == t->off)
		sb_add(out, tm.tm_zone);
	else
		add_offset(t->off, "", t->off % 3600 != 0, false, out);
}

/* ".000": so many digits; ".999": without the zeros at its end, or nothing */
static void add_fraction(int32_t nsec, const char *spec, size_t len,
			 struct sb *out)
{
	char digits[FRACTION_MAX + 1];
	size_t n = MIN(len - 1, (size_t)FRACTION_MAX);

	snprintf(digits, sizeof(digits), "%09d", nsec);
	if (spec[1] == '9')
		while (n && digits[n - 1] == '0')
			n--;
	if (!n)
		return;
	sb_addch(out, *spec);
	sb_addn(out, digits, n);
}

/* Length of ".000" or ",999" at @s; 0: none, or other digits follow */
static size_t fraction_len(const char *s)
{
	size_t n = 1;

	if ((*s != '.' && *s != ',') || (s[1] != '0' && s[1] != '9'))
		return 0;
	while (s[n] == s[1])
		n++;
	return isdigit((unsigned char)s[n]) ? 0 : n;
}

/* What parts of the example there are: the longer one first. */
enum part {
	PART_MONTH_NAME,
	PART_MON,
	PART_DAY_NAME,
	PART_DAY_SHORT,
	PART_ZONE,
	PART_YEAR,
	PART_YEAR_2,
	PART_YDAY_0,
	PART_YDAY_BLANK,
	PART_MONTH_0,
	PART_MONTH,
	PART_DAY_0,
	PART_DAY_BLANK,
	PART_DAY,
	PART_HOUR,
	PART_HOUR12_0,
	PART_HOUR12,
	PART_MIN_0,
	PART_MIN,
	PART_SEC_0,
	PART_SEC,
	PART_PM,
	PART_PM_LOW,
	PART_OFF_COLON,
	PART_OFF,
	PART_OFF_HOURS,
	PART_Z_COLON,
	PART_Z,
	PART_Z_HOURS,
};

static const struct {
	const char *text;
	enum part part;
} parts[] = {
	{ "January", PART_MONTH_NAME },
	{ "Jan", PART_MON },
	{ "Monday", PART_DAY_NAME },
	{ "Mon", PART_DAY_SHORT },
	{ "MST", PART_ZONE },
	{ "2006", PART_YEAR },
	{ "002", PART_YDAY_0 },
	{ "__2", PART_YDAY_BLANK },
	{ "01", PART_MONTH_0 },
	{ "02", PART_DAY_0 },
	{ "03", PART_HOUR12_0 },
	{ "04", PART_MIN_0 },
	{ "05", PART_SEC_0 },
	{ "06", PART_YEAR_2 },
	{ "15", PART_HOUR },
	{ "1", PART_MONTH },
	{ "_2", PART_DAY_BLANK },
	{ "2", PART_DAY },
	{ "3", PART_HOUR12 },
	{ "4", PART_MIN },
	{ "5", PART_SEC },
	{ "PM", PART_PM },
	{ "pm", PART_PM_LOW },
	{ "-07:00", PART_OFF_COLON },
	{ "-0700", PART_OFF },
	{ "-07", PART_OFF_HOURS },
	{ "Z07:00", PART_Z_COLON },
	{ "Z0700", PART_Z },
	{ "Z07", PART_Z_HOURS },
};

/* Index into parts[] of what begins at @s; -1: nothing does. */
static int part_at(const char *s)
{
	if (str_starts(s, "_2006"))	/* a blank line and a year */
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t len = strlen(parts[i].text);

		if (!str_starts(s, parts[i].text))
			continue;
		if ((parts[i].part == PART_MON ||
		     parts[i].part == PART_DAY_SHORT) &&
		    islower((unsigned char)s[len]))
			continue;
		return (int)i;
	}
	return -1;
}

static void add_date(enum part part, const struct tm *tm, struct sb *out)
{
	switch ((int)part) {
	case PART_MONTH_NAME:
		sb_add(out, gotime_month(tm->tm_mon + 1));
		return;
	case PART_MON:
		sb_addn(out, gotime_month(tm->tm_mon + 1), 3);
		return;
	case PART_DAY_NAME:
		sb_add(out, gotime_weekday(tm->tm_wday));
		return;
	case PART_DAY_SHORT:
		sb_addn(out, gotime_weekday(tm->tm_wday), 3);
		return;
	case PART_YEAR:
		sb_addf(out, "%04d", tm->tm_year + 1900);
		return;
	case PART_YEAR_2:
		sb_addf(out, "%02d", (tm->tm_year + 1900) % 100);
		return;
	case PART_YDAY_0:
		sb_addf(out, "%03d", tm->tm_yday + 1);
		return;
	case PART_YDAY_BLANK:
		sb_addf(out, "%3d", tm->tm_yday + 1);
		return;
	case PART_MONTH_0:
		sb_addf(out, "%02d", tm->tm_mon + 1);
		return;
	case PART_MONTH:
		sb_addf(out, "%d", tm->tm_mon + 1);
		return;
	case PART_DAY_0:
		sb_addf(out, "%02d", tm->tm_mday);
		return;
	case PART_DAY_BLANK:
		sb_addf(out, "%2d", tm->tm_mday);
		return;
	case PART_DAY:
		sb_addf(out, "%d", tm->tm_mday);
		return;
	}
}

static void add_clock(enum part part, const struct tm *tm, struct sb *out)
{
	int hour12 = tm->tm_hour % 12 ? tm->tm_hour % 12 : 12;

	switch ((int)part) {
	case PART_HOUR:
		sb_addf(out, "%02d", tm->tm_hour);
		return;
	case PART_HOUR12_0:
		sb_addf(out, "%02d", hour12);
		return;
	case PART_HOUR12:
		sb_addf(out, "%d", hour12);
		return;
	case PART_MIN_0:
		sb_addf(out, "%02d", tm->tm_min);
		return;
	case PART_MIN:
		sb_addf(out, "%d", tm->tm_min);
		return;
	case PART_SEC_0:
		sb_addf(out, "%02d", tm->tm_sec);
		return;
	case PART_SEC:
		sb_addf(out, "%d", tm->tm_sec);
		return;
	case PART_PM:
		sb_add(out, tm->tm_hour < 12 ? "AM" : "PM");
		return;
	case PART_PM_LOW:
		sb_add(out, tm->tm_hour < 12 ? "am" : "pm");
		return;
	}
}

static void add_part(enum part part, const struct gotime *t,
		     const struct tm *tm, struct sb *out)
{
	bool z = part >= PART_Z_COLON;

	if (part == PART_ZONE)
		add_zone_name(t, out);
	else if (part >= PART_OFF_COLON)
		add_offset(t->off,
			   part == PART_OFF_COLON || part == PART_Z_COLON ?
				   ":" : "",
			   part != PART_OFF_HOURS && part != PART_Z_HOURS, z,
			   out);
	else if (part >= PART_HOUR)
		add_clock(part, tm, out);
	else
		add_date(part, tm, out);
}

void gotime_format(const struct gotime *t, const char *layout, struct sb *out)
{
	struct tm tm;

	gotime_parts(t, &tm);
	while (*layout) {
		size_t len = fraction_len(layout);
		int i = part_at(layout);

		if (len) {
			add_fraction(t->nsec, layout, len, out);
			layout += len;
		} else if (i >= 0) {
			add_part(parts[i].part, t, &tm, out);
			layout += strlen(parts[i].text);
		} else {
			sb_addch(out, *layout++);
		}
	}
}

void gotime_json(const struct gotime *t, struct sb *out)
{
	gotime_format(t, "2006-01-02T15:04:05.999999999Z07:00", out);
}

void gotime_print(const struct gotime *t, struct sb *out)
{
	gotime_format(t, "2006-01-02 15:04:05.999999999 -0700 MST", out);
}
