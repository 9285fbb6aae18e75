/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_LIMITS_H
#define OCI_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/*
 * Limits of a container, as the user typed them, and what they are in the
 * files of cgroup v2.
 */

#define CPU_PERIOD_DEFAULT 100000	/* microseconds */
#define PIDS_DEFAULT 2048

/**
 * struct oci_limits - 0, NULL: not typed; all owned
 * @memory:      bytes; of RAM
 * @memory_swap: bytes of RAM and swap together; -1: no limit of swap
 * @reservation: bytes that are reclaimed last
 * @swappiness:  percent + 1 (0: not typed)
 * @cpu_shares:  2..262144, 1024 is one share
 * @cpu_period, @cpu_quota: microseconds; quota -1: none
 * @nano_cpus:   --cpus, in 1e-9; excludes the two
 * @rt_period, @rt_runtime: microseconds of real-time scheduling
 * @cpus, @mems: "0-3,5"
 * @pids:        -1: no limit; not typed: PIDS_DEFAULT where it can be had
 * @blkio_weight: 10..1000
 * @weight_device, @read_bps, ...: "PATH:NUMBER"
 * @unified:     "memory.high=1000000", --cgroup-conf
 * @oom_kill_disable: cgroup v1 only
 * @strict:      what cannot be enforced is an error
 */
struct oci_limits {
	uint64_t memory;
	int64_t memory_swap;
	uint64_t reservation;
	uint64_t swappiness;
	uint64_t cpu_shares;
	uint64_t cpu_period;
	int64_t cpu_quota;
	uint64_t nano_cpus;
	uint64_t rt_period;
	int64_t rt_runtime;
	char *cpus, *mems;
	int64_t pids;
	uint64_t blkio_weight;
	char **weight_device;
	char **read_bps, **write_bps, **read_iops, **write_iops;
	char **unified;
	bool oom_kill_disable;
	bool strict;
};

void limits_done(struct oci_limits *l);

/** limits_any() - was one typed? */
bool limits_any(const struct oci_limits *l);

/** limits_check() - values that contradict each other or can mean nothing,
 *  in podman's and docker's words; -EINVAL/ERR_INVALID */
int limits_check(const struct oci_limits *l, struct err *err);

/** limits_swap() - RAM and swap together that @l asks for: twice the memory
 *  when only that was typed; 0: no limit typed, -1: unlimited */
int64_t limits_swap(const struct oci_limits *l);

/** cpu_weight() - of cgroup v2, 1..10000, for v1's shares */
uint64_t cpu_weight(uint64_t shares);

/** io_weight() - of cgroup v2, 1..10000, for v1's 10..1000 */
uint64_t io_weight(uint64_t blkio_weight);

/** cpuset_parse() - "0-3,5": 0, or -EINVAL when it is no list of numbers */
int cpuset_parse(const char *text);

/** device_limit() - "PATH:10mb": @ret_path owned; @size: a number with a unit
 *  (bytes), else a plain one; -EINVAL */
int device_limit(const char *text, bool size, char **ret_path,
		 uint64_t *ret_value);

/**
 * struct limit_line - one write into the cgroup
 * @flag:       what the user typed, for messages; "" for a default
 * @controller: that has the file: "memory"
 * @file:       "memory.max"
 * @value:      owned
 */
struct limit_line {
	const char *flag;
	char controller[16];
	char file[64];
	char *value;
};

struct limit_lines {
	struct limit_line *v;
	size_t n;
};

/**
 * limits_lines() - what to write, in the order of writing
 * @defaults: with the default limit of processes
 * @ret:      limit_lines_done() it, also on failure
 *
 * -EINVAL, -ENOENT: a device that is none.  What cgroup v2 does not know
 * (--memory-swappiness, real-time, --oom-kill-disable) is a line without a
 * file.
 */
int limits_lines(const struct oci_limits *l, bool defaults,
		 struct limit_lines *ret, struct err *err);
void limit_lines_done(struct limit_lines *l);

/** limits_drop() - forget what needs @controller; "" what v2 does not know */
void limits_drop(struct oci_limits *l, const char *controller);

#endif
