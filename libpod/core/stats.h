/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stdint.h>

#include "libpod/core/container.h"
#include "util/err.h"

/**
 * struct ctr_stats - what a container uses, at one moment
 * @cpu_ns:    processor time since its start
 * @mem:       bytes; with a cgroup without the page cache that is idle,
 *             without one the proportional set sizes
 * @mem_limit: its limit, or the machine's memory
 * @net_in, @net_out: bytes, of all interfaces but lo; 0 in the host's network
 * @block_in, @block_out: bytes read from and written to disks
 * @pids:      processes and threads
 * @at_ns:     monotonic time of this sample
 * @up_ns:     since its start
 */
struct ctr_stats {
	uint64_t cpu_ns;
	uint64_t mem, mem_limit;
	uint64_t net_in, net_out;
	uint64_t block_in, block_out;
	uint64_t pids;
	uint64_t at_ns, up_ns;
};

/**
 * ctr_stats_read() - of a running container
 *
 * What the cgroup counts is taken from there, the rest is added up from the
 * processes.  -ESRCH/ERR_STATE when it does not run.
 */
int ctr_stats_read(struct runtime *rt, const struct ctr *c,
		   struct ctr_stats *ret, struct err *err);

/** stats_net_parse() - the text of a /proc/PID/net/dev */
void stats_net_parse(const char *text, uint64_t *ret_in, uint64_t *ret_out);

#endif
