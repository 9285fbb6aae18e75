/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_OPT_LIMITS_H
#define CMD_CONTAINER_OPT_LIMITS_H

#include <stdbool.h>

#include "cmd/opt.h"
#include "libpod/oci/limits.h"
#include "util/err.h"

/** struct limit_args - the limits as typed; NULL: not typed.  A member
 *  "limits" of the argument structs of create, run and update. */
struct limit_args {
	char *memory, *memory_swap, *memory_reservation, *memory_swappiness;
	char *cpu_shares, *cpus, *cpu_period, *cpu_quota;
	char *cpu_rt_period, *cpu_rt_runtime, *cpuset_cpus, *cpuset_mems;
	char *pids_limit, *blkio_weight;
	char **blkio_weight_device;
	char **device_read_bps, **device_write_bps;
	char **device_read_iops, **device_write_iops;
	char **cgroup_conf;
	char *limits;
};

/* The rows of an option table whose struct is @st */
#define LIMIT_OPTS(st)                                                        \
	OPT_STR(0, "blkio-weight", st, limits.blkio_weight, "uint16",         \
		"Block IO weight, 10 to 1000"),                               \
	OPT_LIST(0, "blkio-weight-device", st, limits.blkio_weight_device,    \
		 "DEVICE:WEIGHT", "Block IO weight of a device"),             \
	OPT_STR_UINT(0, "cpu-period", st, limits.cpu_period, "uint",          \
		"Length of the processor's period in microseconds"),          \
	OPT_STR_INT(0, "cpu-quota", st, limits.cpu_quota, "int",              \
		"Microseconds of processor time in each period"),             \
	OPT_STR_UINT(0, "cpu-rt-period", st, limits.cpu_rt_period, "uint",    \
		"Period of real-time scheduling in microseconds"),            \
	OPT_STR_INT(0, "cpu-rt-runtime", st, limits.cpu_rt_runtime, "int",    \
		"Real-time microseconds in each period"),                     \
	OPT_STR_UINT('c', "cpu-shares", st, limits.cpu_shares, "uint",        \
		"Share of the processors when they are busy (1024 is one)"),  \
	OPT_STR_FLOAT(0, "cpus", st, limits.cpus, "float",                    \
		"Number of processors: 1.5 is one and a half"),               \
	OPT_STR(0, "cpuset-cpus", st, limits.cpuset_cpus, "string",           \
		"Processors to run on (0-3, 0,1)"),                           \
	OPT_STR(0, "cpuset-mems", st, limits.cpuset_mems, "string",           \
		"Memory nodes to use (0-3, 0,1)"),                            \
	OPT_LIST(0, "device-read-bps", st, limits.device_read_bps,            \
		 "DEVICE:RATE", "Bytes per second to read from a device"),    \
	OPT_LIST(0, "device-read-iops", st, limits.device_read_iops,          \
		 "DEVICE:RATE", "Reads per second from a device"),            \
	OPT_LIST(0, "device-write-bps", st, limits.device_write_bps,          \
		 "DEVICE:RATE", "Bytes per second to write to a device"),     \
	OPT_LIST(0, "device-write-iops", st, limits.device_write_iops,        \
		 "DEVICE:RATE", "Writes per second to a device"),             \
	OPT_STR(0, "limits", st, limits.limits, "string",                     \
		"A limit that cannot be enforced: warn (best-effort) or "     \
		"fail (strict)"),                                             \
	OPT_STR('m', "memory", st, limits.memory, "size",                     \
		"Memory limit (b, k, m, g)"),                                 \
	OPT_STR(0, "memory-reservation", st, limits.memory_reservation,       \
		"size", "Memory that is reclaimed last (b, k, m, g)"),        \
	OPT_STR(0, "memory-swap", st, limits.memory_swap, "size",             \
		"Memory and swap together, -1: as much swap as there is"),    \
	OPT_STR_INT(0, "memory-swappiness", st, limits.memory_swappiness,     \
		"int", "Swappiness, 0 to 100 (cgroup v1 only)"),              \
	OPT_STR_INT(0, "pids-limit", st, limits.pids_limit, "int",            \
		"Number of processes, -1: unlimited (default 2048)")

/** limits_parse() - over what is in @l already (`update`); the values are
 *  checked one by one and against each other */
int limits_parse(const struct limit_args *a, struct oci_limits *l,
		 struct err *err);

#endif
