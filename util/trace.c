/* SPDX-License-Identifier: Apache-2.0 */
#include "util/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/compiler.h"
#include "util/fd.h"
#include "util/log.h"

bool trace_on;

static const char *areas = "";
static int trace_fd = STDERR_FILENO;
static uint64_t origin_ns;
static pid_t logging;	/* the process whose spans are logged, or 0 */

void trace_init(void)
{
	const char *want = getenv("BRYO_TRACE");
	const char *file = getenv("BRYO_TRACE_FILE");

	if (!want || !*want)
		return;
	areas = want;
	origin_ns = clock_mono_ns();
	if (file) {
		int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			      0600);

		if (fd >= 0)
			trace_fd = fd;
	}
	trace_on = true;
}

void trace_to_log(void)
{
	logging = getpid();
	trace_on = true;
}

int trace_fd_number(void)
{
	return *areas ? trace_fd : -EBADF;
}

/* @area is one of the comma-separated words of BRYO_TRACE, or that is "all" */
static bool wanted(const char *area)
{
	size_t len = strlen(area);

	for (const char *p = areas; *p;) {
		size_t n = strcspn(p, ",");

		if ((n == 3 && memcmp(p, "all", 3) == 0) ||
		    (n == len && memcmp(p, area, n) == 0))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

struct trace_span trace_begin_(const char *area, const char *name)
{
	struct trace_span span = { 0 };

	if (!logging && !wanted(area))
		return span;
	span.area = area;
	span.name = name;
	span.start_ns = clock_mono_ns();
	return span;
}

void trace_end_(struct trace_span *span)
{
	uint64_t now = clock_mono_ns();
	unsigned long long us = (now - span->start_ns) / 1000;
	char line[160];
	int n;

	if (logging == getpid())
		log_trace("%s: %s took %llu us", span->area, span->name, us);
	if (!wanted(span->area))
		return;
	n = snprintf(line, sizeof(line), "%d %8llu +%llu %s %s\n",
		     (int)getpid(),
		     (unsigned long long)(span->start_ns - origin_ns) / 1000,
		     us, span->area, span->name);
	if (n > 0)
		(void)fd_write_full(trace_fd, line,
				    (size_t)MIN(n, (int)sizeof(line) - 1));
}
