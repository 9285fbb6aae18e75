/* SPDX-License-Identifier: Apache-2.0 */
#include "util/log.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/safe.h"
#include "util/sb.h"
#include "util/syslog.h"

enum log_level log_max = LOG_WARN;

static const char *const level_names[] = {
	[LOG_PANIC] = "panic", [LOG_FATAL] = "fatal", [LOG_ERROR] = "error",
	[LOG_WARN] = "warning", [LOG_INFO] = "info",  [LOG_DEBUG] = "debug",
	[LOG_TRACE] = "trace",
};

/* of RFC 5424 */
static const int severities[] = {
	[LOG_PANIC] = 1, [LOG_FATAL] = 2, [LOG_ERROR] = 3, [LOG_WARN] = 4,
	[LOG_INFO] = 6,	 [LOG_DEBUG] = 7, [LOG_TRACE] = 7,
};

bool log_level_parse(const char *s, enum log_level *ret)
{
	if (strcasecmp(s, "warn") == 0)
		s = "warning";
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (strcasecmp(s, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void add_quoted(struct sb *line, const char *text)
{
	autofree char *safe = safe_line(text);

	for (const char *p = safe; *p; p++) {
		if (*p == '"')
			sb_addch(line, '\\');
		sb_addch(line, *p);
	}
}

void log_write(enum log_level level, const char *fmt, ...)
{
	autosb struct sb text = SB_INIT;
	autosb struct sb line = SB_INIT;
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm tm;
	va_list ap;

	va_start(ap, fmt);
	sb_addv(&text, fmt, ap);
	va_end(ap);
	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	sb_addf(&line, "time=\"%s\" level=%s msg=\"", stamp,
		level_names[level]);
	add_quoted(&line, text.buf);
	sb_add(&line, "\"\n");
	(void)fd_write_full(STDERR_FILENO, line.buf, line.len);
	sb_trunc(&line, 0);
	add_quoted(&line, text.buf);
	syslog_line(severities[level], line.buf);
}
