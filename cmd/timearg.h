/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_TIMEARG_H
#define CMD_TIMEARG_H

#include <stdint.h>

enum time_arg_base {
	TIME_AGO = -1,	/* "10m" is ten minutes ago (--since, filters) */
	TIME_AHEAD = 1,	/* "10m" is in ten minutes (logs --until) */
};

/** time_arg() - a duration from now, or any form of time_parse()
 *  Return: 0, or -EINVAL */
int time_arg(const char *s, enum time_arg_base base, int64_t *ret_ns);

#endif
