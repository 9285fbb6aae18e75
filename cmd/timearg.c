/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/timearg.h"

#include <errno.h>

#include "util/clock.h"
#include "util/str.h"

#define NS_PER_S 1000000000LL

int time_arg(const char *s, enum time_arg_base base, int64_t *ret_ns)
{
	uint64_t seconds = 0;
	int64_t ns = 0;

	/* A bare number is a time in seconds, never a year or a duration. */
	if (!parse_u64(s, &seconds)) {
		if (seconds > INT64_MAX / NS_PER_S)
			return -EINVAL;
		*ret_ns = (int64_t)seconds * NS_PER_S;
		return 0;
	}
	if (!time_parse(s, ret_ns))
		return 0;
	if (parse_duration(s, &ns) < 0)
		return -EINVAL;
	*ret_ns = clock_now_ns() + (int)base * ns;
	return 0;
}
