/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/timearg.h"

#include <errno.h>

#include "util/clock.h"
#include "util/str.h"

int time_arg(const char *s, enum time_arg_base base, int64_t *ret_ns)
{
	int64_t ns = 0;

	/* "10" is a time in seconds, not a duration without a unit. */
	if (!time_parse(s, ret_ns))
		return 0;
	if (parse_duration(s, &ns) < 0)
		return -EINVAL;
	*ret_ns = clock_now_ns() + (int)base * ns;
	return 0;
}
