/* SPDX-License-Identifier: Apache-2.0 */
#include "util/cleanup.h"
#include "util/str.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>

/*
 * The strict number parsers that util/str.h declares: whole strings, decimal,
 * no blanks, no overflow.  Everything that becomes an id, a size, a port or a
 * signal goes through here.
 */

int parse_u64(const char *s, uint64_t *ret)
{
	uint64_t value = 0;

	if (!s || !*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*s - '0'),
					   &value))
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

int parse_u32(const char *s, uint32_t *ret)
{
	uint64_t value = 0;
	int r = parse_u64(s, &value);

	if (r < 0)
		return r;
	if (value > UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

int parse_i64(const char *s, int64_t *ret)
{
	bool negative = s && *s == '-';
	uint64_t value = 0;
	int r = parse_u64(negative ? s + 1 : s, &value);

	if (r < 0)
		return r;
	if (value > INT64_MAX)
		return -ERANGE;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

int parse_int(const char *s, int *ret)
{
	int64_t value = 0;
	int r = parse_i64(s, &value);

	if (r < 0)
		return r;
	if (value > INT32_MAX || value < INT32_MIN)
		return -ERANGE;
	*ret = (int)value;
	return 0;
}

/* Digits with at most one point; returns what follows, NULL when malformed. */
static const char *scan_decimal(const char *s, double *ret)
{
	double value = 0;
	double unit = 1;
	bool digits = false;

	for (; *s >= '0' && *s <= '9'; s++, digits = true)
		value = value * 10 + (*s - '0');
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++, digits = true) {
			unit /= 10;
			value += unit * (*s - '0');
		}
	}
	if (!digits)
		return NULL;
	*ret = value;
	return s;
}

int parse_double(const char *s, double *ret)
{
	bool negative = s && *s == '-';
	double value = 0;
	const char *end;

	if (!s)
		return -EINVAL;
	end = scan_decimal(negative ? s + 1 : s, &value);
	if (!end || *end)
		return -EINVAL;
	*ret = negative ? -value : value;
	return 0;
}

int parse_id(const char *s, uint32_t *ret)
{
	uint32_t value = 0;
	int r = parse_u32(s, &value);

	if (r < 0)
		return r;
	if (value == UINT32_MAX)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_octal(const char *s, uint32_t *ret)
{
	uint32_t value = 0;

	if (!s || !*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return -EINVAL;
		if (value > UINT32_MAX >> 3)
			return -ERANGE;
		value = value << 3 | (uint32_t)(*s - '0');
	}
	*ret = value;
	return 0;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE",
					   "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE",
					  "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (streq(s, yes[i])) {
			*ret = true;
			return 0;
		}
		if (streq(s, no[i])) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

/* "", or one of b, k, kb, kib, m ... in either case */
static const char *scan_size_unit(const char *s, int *ret_shift)
{
	static const char units[] = "bkmgtp";
	const char *unit = units;

	if (*s)
		unit = strchr(units, *s++ | 0x20);
	if (!unit)
		return NULL;
	*ret_shift = (int)(unit - units) * 10;
	if (unit == units)
		return s;
	if (*s == 'i' || *s == 'I') {
		s++;
		if (*s != 'b' && *s != 'B')
			return NULL;
	}
	return s + (*s == 'b' || *s == 'B');
}

int parse_size(const char *s, uint64_t *ret)
{
	double value = 0;
	double bytes;
	int shift = 0;

	if (!s)
		return -EINVAL;
	s = scan_decimal(s, &value);
	if (!s)
		return -EINVAL;
	s += strspn(s, " ");
	s = scan_size_unit(s, &shift);
	if (!s || *s)
		return -EINVAL;
	bytes = ldexp(value, shift);
	if (bytes >= 0x1p63)
		return -ERANGE;
	*ret = (uint64_t)bytes;
	return 0;
}

static const char *scan_unit(const char *s, double *ret_ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 },	{ "us", 1e3 },	       { "\u00b5s", 1e3 },
		{ "ms", 1e6 },	{ "s", 1e9 },	       { "m", 60e9 },
		{ "h", 3600e9 },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const char *rest = str_after(s, units[i].name);

		if (rest) {
			*ret_ns = units[i].ns;
			return rest;
		}
	}
	return NULL;
}

int parse_duration(const char *s, int64_t *ret_ns)
{
	bool negative = false;
	double total = 0;

	if (!s || !*s)
		return -EINVAL;
	if (*s == '-' || *s == '+')
		negative = *s++ == '-';
	if (streq(s, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!*s)
		return -EINVAL;
	while (*s) {
		double value = 0;
		double unit = 0;

		s = scan_decimal(s, &value);
		if (!s)
			return -EINVAL;
		s = scan_unit(s, &unit);
		if (!s)
			return -EINVAL;
		total += value * unit;
	}
	if (total >= 0x1p63)
		return -ERANGE;
	*ret_ns = negative ? -(int64_t)total : (int64_t)total;
	return 0;
}

static const struct {
	const char *name;
	int number;
} signal_table[] = {
	{ "HUP", SIGHUP },	 { "INT", SIGINT },    { "QUIT", SIGQUIT },
	{ "ILL", SIGILL },	 { "TRAP", SIGTRAP },  { "ABRT", SIGABRT },
	{ "BUS", SIGBUS },	 { "FPE", SIGFPE },    { "KILL", SIGKILL },
	{ "USR1", SIGUSR1 },	 { "SEGV", SIGSEGV },  { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE },	 { "ALRM", SIGALRM },  { "TERM", SIGTERM },
	{ "STKFLT", SIGSTKFLT }, { "CHLD", SIGCHLD },  { "CONT", SIGCONT },
	{ "STOP", SIGSTOP },	 { "TSTP", SIGTSTP },  { "TTIN", SIGTTIN },
	{ "TTOU", SIGTTOU },	 { "URG", SIGURG },    { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ },	 { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },
	{ "WINCH", SIGWINCH },	 { "IO", SIGIO },      { "PWR", SIGPWR },
	{ "SYS", SIGSYS },	 { "IOT", SIGABRT },   { "CLD", SIGCHLD },
	{ "POLL", SIGIO },
};

/* The kernel's numbers; libc keeps the first ones for itself. */
#define RT_MIN 34
#define RT_MAX 64

static int parse_rt_signal(const char *s, int *ret)
{
	const char *rest = str_after(s, "RTMIN");
	int base = RT_MIN;
	int sign = 1;
	uint32_t step = 0;

	if (!rest) {
		rest = str_after(s, "RTMAX");
		base = RT_MAX;
		sign = -1;
	}
	if (!rest)
		return -EINVAL;
	if (*rest) {
		if (*rest != (sign > 0 ? '+' : '-') ||
		    parse_u32(rest + 1, &step) < 0 || step > RT_MAX - RT_MIN)
			return -EINVAL;
	}
	*ret = base + sign * (int)step;
	return 0;
}

int parse_signal(const char *s, int *ret)
{
	autofree char *upper = NULL;
	const char *name;
	int64_t number = 0;

	if (str_is_empty(s))
		return -EINVAL;
	s += *s == '-';	/* kill -9, kill -TERM */
	if (parse_i64(s, &number) == 0) {
		if (number < 1 || number > RT_MAX)
			return -ERANGE;
		*ret = (int)number;
		return 0;
	}
	upper = xstrdup(s);
	for (char *p = upper; *p; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
	name = str_after(upper, "SIG");
	if (!name)
		name = upper;
	for (size_t i = 0; i < ARRAY_LEN(signal_table); i++) {
		if (streq(signal_table[i].name, name)) {
			*ret = signal_table[i].number;
			return 0;
		}
	}
	return parse_rt_signal(name, ret);
}

const char *signal_name(int sig)
{
	static char text[16];

	for (size_t i = 0; i < ARRAY_LEN(signal_table); i++) {
		if (signal_table[i].number == sig) {
			snprintf(text, sizeof(text), "SIG%s",
				 signal_table[i].name);
			return text;
		}
	}
	if (sig < RT_MIN || sig > RT_MAX)
		return NULL;
	snprintf(text, sizeof(text), "SIGRTMIN+%d", sig - RT_MIN);
	return text;
}
