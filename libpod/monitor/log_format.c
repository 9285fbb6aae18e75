/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Pure functions from and to bytes: the writer (log_write.c) calls them for
 * every line of output, the reader (log_read.c) for every line of the file,
 * which may have been damaged or forged, so nothing of it is believed.
 *
 * Times are converted here and not by gmtime_r(3): in a static program that
 * reads /etc/localtime, and at a hundred thousand lines a second it shows.
 */
#include "libpod/monitor/log_format.h"

#include <errno.h>
#include <string.h>

#include "util/clock.h"
#include "util/compiler.h"

#define NS_PER_S 1000000000LL
#define S_PER_DAY 86400

/* ---- time ------------------------------------------------------------ */

static void put_digits(char *to, int n, int64_t value)
{
	while (n-- > 0) {
		to[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Days since 1970 to a date of the proleptic Gregorian calendar; years are
 * counted from March, so that the leap day is the last of its year. */
static void put_date(char *to, int64_t days)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;

	put_digits(to, 4, yoe + era * 400 + (month <= 2 ? 1 : 0));
	put_digits(to + 5, 2, month);
	put_digits(to + 8, 2, doy - (153 * mp + 2) / 5 + 1);
}

static int64_t date_days(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 +
		      day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void log_time_text(int64_t ns, char ret[LOG_TIME_LEN + 1])
{
	int64_t s = ns / NS_PER_S, part = ns % NS_PER_S, of_day;

	if (part < 0) {
		part += NS_PER_S;
		s--;
	}
	of_day = ((s % S_PER_DAY) + S_PER_DAY) % S_PER_DAY;
	memcpy(ret, "0000-00-00T00:00:00.000000000", LOG_TIME_LEN + 1);
	put_date(ret, (s - of_day) / S_PER_DAY);
	put_digits(ret + 11, 2, of_day / 3600);
	put_digits(ret + 14, 2, of_day / 60 % 60);
	put_digits(ret + 17, 2, of_day % 60);
	put_digits(ret + 20, 9, part);
}

static int64_t get_digits(const char *s, int n)
{
	int64_t v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

/* The writer's own form, without the slow road through util/clock. */
static int time_parse_own(const char *s, int64_t *ret_ns)
{
	int64_t v[7] = {
		get_digits(s, 4),      get_digits(s + 5, 2),
		get_digits(s + 8, 2),  get_digits(s + 11, 2),
		get_digits(s + 14, 2), get_digits(s + 17, 2),
		get_digits(s + 20, 9),
	};

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		if (v[i] < 0)
			return -EINVAL;
	}
	if (v[0] < 1970 || v[0] > 2261 || v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
		return -EINVAL;
	*ret_ns = ((date_days(v[0], v[1], v[2]) * 24 + v[3]) * 60 + v[4]) *
			  60 * NS_PER_S + v[5] * NS_PER_S + v[6];
	return 0;
}

int log_time_parse(const char *s, size_t len, int64_t *ret_ns)
{
	char copy[64];

	if ((len == LOG_TIME_LEN + 6 &&
	     memcmp(s + LOG_TIME_LEN, "+00:00", 6) == 0) ||
	    (len == LOG_TIME_LEN + 1 && s[LOG_TIME_LEN] == 'Z'))
		if (s[4] == '-' && s[7] == '-' && s[10] == 'T' &&
		    s[13] == ':' && s[16] == ':' && s[19] == '.')
			return time_parse_own(s, ret_ns);
	if (len >= sizeof(copy) || len < 20)
		return -EINVAL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return time_parse(copy, ret_ns);
}

/* ---- UTF-8 ----------------------------------------------------------- */

size_t log_utf8_len(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if ((first & 0xf0) == 0xe0)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 1;	/* stands alone: invalid */
}

size_t log_utf8_cut(const char *s, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)s[len - back];

		if ((c & 0xc0) == 0x80)
			continue;
		return log_utf8_len(c) > back ? back : 0;
	}
	return 0;
}

/* Length of the valid character at @s, or 0. */
static size_t utf8_valid(const unsigned char *s, size_t len)
{
	size_t n = log_utf8_len(s[0]);

	if (n > len || (n == 1 && s[0] >= 0x80))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* ---- json-file, writing ---------------------------------------------- */

static char *put_str(char *to, const char *s)
{
	size_t n = strlen(s);

	memcpy(to, s, n);
	return to + n;
}

static char *put_escape(char *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	*to++ = '\\';
	switch (c) {
	case '\n':
		*to++ = 'n';
		return to;
	case '\r':
		*to++ = 'r';
		return to;
	case '\t':
		*to++ = 't';
		return to;
	case '"':
	case '\\':
		*to++ = (char)c;
		return to;
	default:
		to = put_str(to, "u00");
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
		return to;
	}
}

/* How many bytes from @s on stand for themselves. */
static size_t plain_len(const unsigned char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' &&
	       s[n] != '\\')
		n++;
	return n;
}

static char *put_json(char *to, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	while (len) {
		size_t plain = plain_len(s, len);
		size_t n = plain ? plain : utf8_valid(s, len);

		if (n == 0) {
			to = put_str(to, "\\ufffd");
			n = 1;
		} else if (n == 1 && !plain) {
			to = put_escape(to, s[0]);
		} else {
			memcpy(to, s, n);
			to += n;
		}
		s += n;
		len -= n;
	}
	return to;
}

size_t log_json_put(char *out, enum log_stream stream, const char *time,
		    const char *attrs, const char *text, size_t len,
		    bool partial)
{
	size_t n = LOG_TIME_LEN;
	char *to = put_json(put_str(out, "{\"log\":\""), text, len);

	if (!partial)
		to = put_str(to, "\\n");
	to = put_str(to, stream == LOG_STDERR ? "\",\"stream\":\"stderr\"" :
						"\",\"stream\":\"stdout\"");
	if (*attrs)
		to = put_str(put_str(to, ",\"attrs\":"), attrs);
	to = put_str(to, ",\"time\":\"");
	/* RFC3339Nano as Go writes it: no zeros at the end of the fraction */
	while (time[n - 1] == '0')
		n--;
	if (time[n - 1] == '.')
		n--;
	memcpy(to, time, n);
	to = put_str(to + n, "Z\"}\n");
	return (size_t)(to - out);
}

/* ---- reading --------------------------------------------------------- */

static int parse_stream(const char *s, size_t len, enum log_stream *ret)
{
	if (len != 6)
		return -EINVAL;
	if (memcmp(s, "stdout", 6) == 0)
		*ret = LOG_STDOUT;
	else if (memcmp(s, "stderr", 6) == 0)
		*ret = LOG_STDERR;
	else
		return -EINVAL;
	return 0;
}

static int parse_k8s(const char *line, size_t len, struct log_rec *ret)
{
	const char *end = line + len;
	const char *stream = memchr(line, ' ', MIN(len, 64));
	const char *tag;

	/* "TIME stdout F text"; the text may be empty */
	if (!stream || end - stream < 10 || stream[7] != ' ')
		return -EINVAL;
	if (log_time_parse(line, (size_t)(stream - line), &ret->time_ns) < 0 ||
	    parse_stream(stream + 1, 6, &ret->stream) < 0)
		return -EINVAL;
	tag = stream + 8;
	if ((tag[0] != 'F' && tag[0] != 'P') || tag[1] != ' ')
		return -EINVAL;
	ret->partial = tag[0] == 'P';
	ret->text = tag + 2;
	ret->len = (size_t)(end - ret->text);
	return 0;
}

static int hex4(const char *s, const char *end)
{
	int v = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* Never longer than the escape it came from (6 or 12 bytes). */
static char *put_utf8(char *to, int c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* \uXXXX behind the 'u' at *@s, with its second half if it has one. */
static int unescape_u(const char **s, const char *end)
{
	int c = hex4(*s, end), low;

	if (c < 0)
		return -1;
	*s += 4;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || end - *s < 6 || (*s)[0] != '\\' || (*s)[1] != 'u')
		return 0xfffd;
	low = hex4(*s + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*s += 6;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static int unescape_one(const char **s, const char *end, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int c;

	if (*s >= end || **s == '\0')
		return -EINVAL;
	if (**s == 'u') {
		(*s)++;
		c = unescape_u(s, end);
		if (c < 0)
			return -EINVAL;
		*to = put_utf8(*to, c);
		return 0;
	}
	at = strchr(from, **s);
	if (!at)
		return -EINVAL;
	*(*to)++ = into[at - from];
	(*s)++;
	return 0;
}

/* The string behind the quote at *@s, unescaped in place; *@s ends behind the
 * closing quote. */
static int json_string(char **s, const char *end, char **ret, size_t *ret_len)
{
	const char *from = *s + 1;
	char *to = *s + 1;

	if (*s >= end || **s != '"')
		return -EINVAL;
	*ret = to;
	while (from < end && *from != '"') {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		from++;
		if (unescape_one(&from, end, &to) < 0)
			return -EINVAL;
	}
	if (from >= end)
		return -EINVAL;
	*ret_len = (size_t)(to - *ret);
	*s += from + 1 - *s;
	return 0;
}

/* Skip an object (docker's "attrs") and leave its text as it is. */
static int json_skip_object(char **s, const char *end)
{
	bool string = false;
	int depth = 0;

	for (; *s < end; (*s)++) {
		if (string && **s == '\\')
			(*s)++;
		else if (**s == '"')
			string = !string;
		else if (!string && **s == '{')
			depth++;
		else if (!string && **s == '}' && --depth == 0)
			return (*s)++, 0;
	}
	return -EINVAL;
}

/* The object behind a key. */
static int json_object(char **s, const char *end, bool wanted,
		       struct log_rec *ret)
{
	const char *from = *s;

	if (json_skip_object(s, end) < 0)
		return -EINVAL;
	if (wanted) {
		ret->attrs = from;
		ret->n_attrs = (size_t)(*s - from);
	}
	return 0;
}

/* One "key":value pair; @seen collects bits 1 log, 2 stream, 4 time. */
static int json_pair(char **s, const char *end, struct log_rec *ret,
		     unsigned int *seen)
{
	char *key, *value;
	size_t n_key, n;

	if (json_string(s, end, &key, &n_key) < 0 || *s >= end || **s != ':')
		return -EINVAL;
	(*s)++;
	if (*s < end && **s == '{')
		return json_object(s, end, n_key == 5 &&
				   memcmp(key, "attrs", 5) == 0, ret);
	if (json_string(s, end, &value, &n) < 0)
		return -EINVAL;
	if (n_key == 3 && memcmp(key, "log", 3) == 0) {
		ret->text = value;
		ret->len = n;
		*seen |= 1;
	} else if (n_key == 6 && memcmp(key, "stream", 6) == 0) {
		*seen |= 2;
		return parse_stream(value, n, &ret->stream);
	} else if (n_key == 4 && memcmp(key, "time", 4) == 0) {
		*seen |= 4;
		return log_time_parse(value, n, &ret->time_ns);
	}
	return 0;
}

static int parse_json(char *s, size_t len, struct log_rec *ret)
{
	const char *end = s + len;
	unsigned int seen = 0;

	do {
		s++;	/* '{' or ',' */
		if (json_pair(&s, end, ret, &seen) < 0)
			return -EINVAL;
	} while (s < end && *s == ',');
	if (s + 1 != end || *s != '}' || seen != 7)
		return -EINVAL;
	ret->partial = ret->len == 0 || ret->text[ret->len - 1] != '\n';
	if (!ret->partial)
		ret->len--;
	return 0;
}

int log_rec_parse(char *line, size_t len, struct log_rec *ret)
{
	ret->attrs = NULL;
	ret->n_attrs = 0;
	if (len > 0 && line[0] == '{')
		return parse_json(line, len, ret);
	return parse_k8s(line, len, ret);
}
