/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Times are nanoseconds since 1970 (int64_t, 0 = never: Go's zero time). */

int64_t clock_now_ns(void);	  /* CLOCK_REALTIME */
uint64_t clock_mono_ns(void);	  /* CLOCK_MONOTONIC */
uint64_t clock_boot_ns(void);	  /* CLOCK_BOOTTIME */

/** time_rfc3339() - "2026-11-20T13:27:48.288368766Z" (trailing zeros cut as
 *  Go's RFC3339Nano does); 0 gives "0001-01-01T00:00:00Z" */
#define TIME_TEXT_MAX 64
const char *time_rfc3339(int64_t ns, char buf[TIME_TEXT_MAX]);

/** time_go() - "2026-11-20 13:27:53.27033215 +0000 UTC", Go's String() */
const char *time_go(int64_t ns, char buf[TIME_TEXT_MAX]);

/** time_parse() - RFC3339 with or without fraction, date, date and time
 *  ("2006-01-02T15:04"), or seconds since 1970 with a fraction.
 *  Return: 0 or -EINVAL */
int time_parse(const char *s, int64_t *ret_ns);

/** time_human() - "5 seconds", "About a minute", "2 weeks" (go-units) */
const char *time_human(int64_t duration_ns, char buf[TIME_TEXT_MAX]);

/** duration_go() - as Go prints a time.Duration: "1m30s", "1.5ms", "0s" */
#define DURATION_TEXT_MAX 40
const char *duration_go(int64_t ns, char buf[DURATION_TEXT_MAX]);

/** size_human() - decimal, 4 digits: "2.13MB"; @space: "2.13 MB" */
#define SIZE_TEXT_MAX 32
const char *size_human(uint64_t bytes, bool space, char buf[SIZE_TEXT_MAX]);

#endif
