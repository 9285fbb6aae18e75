/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_MONITOR_PRIV_H
#define MONITOR_MONITOR_PRIV_H

#include "libpod/monitor/monitor.h"

/* The descriptors of a monitor_conf: ten named ones and the held ones */
#define MONITOR_FDS_MAX (10 + MONITOR_HOLD_MAX)

/** monitor_conf_fds() - every descriptor that @c names (some negative)
 *  Return: how many */
size_t monitor_conf_fds(const struct monitor_conf *c, int ret[MONITOR_FDS_MAX]);

#endif
