/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_TRACE_H
#define UTIL_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Spans: where the time of a command goes.  BRYO_TRACE=oci,sql,store,http,all
 * switches areas on, BRYO_TRACE_FILE= names a file (default stderr).  Every
 * span is one line, written when it ends:
 *     <pid> <start us since process start> +<duration us> <area> <name>
 * A span costs one branch while tracing is off.
 */
extern bool trace_on;

struct trace_span {
	const char *area;	/* NULL: not traced */
	const char *name;
	uint64_t start_ns;
};

/** trace_init() - read BRYO_TRACE*; called once by main() */
void trace_init(void);

/**
 * trace_to_log() - also log every span of this process, at LOG_TRACE
 *
 * What this process forks logs none: its stderr may be a container's.
 */
void trace_to_log(void);

struct trace_span trace_begin_(const char *area, const char *name);
void trace_end_(struct trace_span *span);

/** trace_fd_number() - what spans are written to, for those who close all
 *  other descriptors; -EBADF while tracing is off */
int trace_fd_number(void);

static inline struct trace_span trace_begin(const char *area, const char *name)
{
	if (!trace_on)
		return (struct trace_span){ 0 };
	return trace_begin_(area, name);
}

static inline void trace_end(struct trace_span *span)
{
	if (span->area)
		trace_end_(span);
}

/* TRACE("oci", "mounts"); times the rest of the enclosing block */
#define TRACE_JOIN_(a, b) a##b
#define TRACE_VAR_(line) TRACE_JOIN_(trace_span_, line)
#define TRACE(area, name)                                              \
	struct trace_span TRACE_VAR_(__LINE__) __attribute__((         \
		__cleanup__(trace_end), unused)) = trace_begin((area), (name))

#endif
