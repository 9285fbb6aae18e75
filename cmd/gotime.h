/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GOTIME_H
#define CMD_GOTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "util/sb.h"

/**
 * struct gotime - Go's time.Time: an instant and the zone it is told in
 * @sec:  since 1970
 * @nsec: 0..999999999
 * @off:  seconds east of UTC
 */
struct gotime {
	int64_t sec;
	int32_t nsec;
	int32_t off;
};

/** gotime_parse() - RFC 3339, whose offset is kept.
 *  Return: 0 or -EINVAL */
int gotime_parse(const char *s, struct gotime *ret);

/** gotime_json() - append as RFC 3339: what gotime_parse() reads */
void gotime_json(const struct gotime *t, struct sb *out);

/** gotime_parts() - year, month, ... in @t's own zone */
void gotime_parts(const struct gotime *t, struct tm *ret);

/** gotime_month(), gotime_weekday() - English names; January is 1, Sunday 0 */
const char *gotime_month(int month);
const char *gotime_weekday(int day);

/** gotime_local() - the same instant in the user's zone */
struct gotime gotime_local(const struct gotime *t);

/** gotime_is_zero() - 0001-01-01T00:00:00Z: never */
bool gotime_is_zero(const struct gotime *t);

/** gotime_format() - append by one of Go's layouts: "Jan _2 15:04:05.000" */
void gotime_format(const struct gotime *t, const char *layout, struct sb *out);

/** gotime_print() - append as Go's String() does */
void gotime_print(const struct gotime *t, struct sb *out);

#endif
