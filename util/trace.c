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

bool trace_on;

static const char *areas = "";
static int trace_fd = STDERR_FILENO;
static uint64_t origin_ns;

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

int trace_fd_number(void)
{
	return trace_on ? trace_fd : -EBADF;
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

	if (!wanted(area))
		return span;
	span.area = area;
	span.name = name;
	span.start_ns = clock_mono_ns();
	return span;
}

void trace_end_(struct trace_span *span)
{
	uint64_t now = clock_mono_ns();
	char line[160];
	int n = snprintf(
		line, sizeof(line), "%d %8llu +%llu %s %s\n", (int)getpid(),
		(unsigned long long)(span->start_ns - origin_ns) / 1000,
		(unsigned long long)(now - span->start_ns) / 1000, span->area,
		span->name);

	if (n > 0)
		(void)fd_write_full(trace_fd, line,
				    (size_t)MIN(n, (int)sizeof(line) - 1));
}
