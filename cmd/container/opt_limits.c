/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -m, --cpus and the others: from texts to struct oci_limits.  Nothing here
 * knows whether the machine can enforce them.
 */
#include "cmd/container/opt_limits.h"

#include "util/str.h"
#include "util/strv.h"

static int invalid(struct err *err, const char *flag, const char *text,
		   const char *want)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid value \"%s\" for --%s: %s", text, flag, want);
}

static int size(const char *flag, const char *text, uint64_t *ret,
		struct err *err)
{
	if (!text)
		return 0;
	if (parse_size(text, ret) == 0 && *ret <= INT64_MAX)
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid value for %s: invalid size: '%s'", flag, text);
}

static int number(const char *flag, const char *text, int64_t min, int64_t max,
		  int64_t *ret, struct err *err)
{
	if (!text)
		return 0;
	if (parse_i64(text, ret) == 0 && *ret >= min && *ret <= max)
		return 0;
	return invalid(err, flag, text, "out of range");
}

static int positive(const char *flag, const char *text, uint64_t *ret,
		    struct err *err)
{
	int64_t n = (int64_t)*ret;
	int r = number(flag, text, 0, INT64_MAX, &n, err);

	*ret = (uint64_t)n;
	return r;
}

static int parse_memory(const struct limit_args *a, struct oci_limits *l,
			struct err *err)
{
	uint64_t swap = 0;
	int64_t swappiness = -1;
	int r;

	r = size("memory", a->memory, &l->memory, err);
	if (r == 0)
		r = size("memory-reservation", a->memory_reservation,
			 &l->reservation, err);
	if (r == 0 && streq(a->memory_swap, "-1")) {
		l->memory_swap = -1;
	} else if (r == 0 && a->memory_swap) {
		r = size("memory-swap", a->memory_swap, &swap, err);
		l->memory_swap = (int64_t)swap;
	}
	if (r == 0)
		r = number("memory-swappiness", a->memory_swappiness, -1, 100,
			   &swappiness, err);
	if (r == 0 && swappiness >= 0)
		l->swappiness = (uint64_t)swappiness + 1;
	return r;
}

static int parse_cpus(const char *text, struct oci_limits *l, struct err *err)
{
	double n;

	if (!text)
		return 0;
	if (parse_double(text, &n) < 0 || n < 0 || n > 1e6)
		return invalid(err, "cpus", text, "out of range");
	l->nano_cpus = (uint64_t)(n * 1e9 + 0.5);
	return 0;
}

/* podman's pairs; its names are in the order of its table */
static int check_pairs(const struct limit_args *a, struct err *err)
{
	const char *other = a->cpu_period ? "cpu-period" :
			    a->cpu_quota ? "cpu-quota" : NULL;

	if (!a->cpus || !other)
		return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "--%s and --cpus cannot be set together", other);
}

static int parse_cpu_rt(const struct limit_args *a, struct oci_limits *l,
			struct err *err)
{
	int r = positive("cpu-rt-period", a->cpu_rt_period, &l->rt_period,
			 err);

	if (r == 0)
		r = number("cpu-rt-runtime", a->cpu_rt_runtime, -1, INT64_MAX,
			   &l->rt_runtime, err);
	return r;
}

static int parse_cpu(const struct limit_args *a, struct oci_limits *l,
		     struct err *err)
{
	int r = check_pairs(a, err);

	if (r == 0)
		r = positive("cpu-shares", a->cpu_shares, &l->cpu_shares, err);
	if (r == 0)
		r = positive("cpu-period", a->cpu_period, &l->cpu_period, err);
	if (r == 0)
		r = number("cpu-quota", a->cpu_quota, -1, INT64_MAX,
			   &l->cpu_quota, err);
	if (r == 0)
		r = parse_cpus(a->cpus, l, err);
	if (r == 0)
		r = parse_cpu_rt(a, l, err);
	if (r < 0)
		return r;
	/* `update`: the later kind of limit takes the place of the other */
	if (a->cpus) {
		l->cpu_period = 0;
		l->cpu_quota = 0;
	} else if (a->cpu_period || a->cpu_quota) {
		l->nano_cpus = 0;
	}
	if (a->cpuset_cpus)
		str_set(&l->cpus, *a->cpuset_cpus ? a->cpuset_cpus : NULL);
	if (a->cpuset_mems)
		str_set(&l->mems, *a->cpuset_mems ? a->cpuset_mems : NULL);
	return 0;
}

static void set_list(char ***dst, char *const *v)
{
	if (!v)
		return;
	strv_free(*dst);
	*dst = strv_copy(v);
}

static int parse_rest(const struct limit_args *a, struct oci_limits *l,
		      struct err *err)
{
	int r = number("pids-limit", a->pids_limit, -1, INT64_MAX, &l->pids,
		       err);

	/* 0 is unlimited, too, as docker has it */
	if (a->pids_limit && l->pids == 0)
		l->pids = -1;
	if (r == 0)
		r = positive("blkio-weight", a->blkio_weight,
			     &l->blkio_weight, err);
	set_list(&l->weight_device, a->blkio_weight_device);
	set_list(&l->read_bps, a->device_read_bps);
	set_list(&l->write_bps, a->device_write_bps);
	set_list(&l->read_iops, a->device_read_iops);
	set_list(&l->write_iops, a->device_write_iops);
	set_list(&l->unified, a->cgroup_conf);
	if (r < 0 || !a->limits)
		return r;
	l->strict = streq(a->limits, "strict");
	if (!l->strict && !streq(a->limits, "best-effort"))
		return invalid(err, "limits", a->limits,
			       "want strict or best-effort");
	return 0;
}

int limits_parse(const struct limit_args *a, struct oci_limits *l,
		 struct err *err)
{
	int r = parse_memory(a, l, err);

	if (r == 0)
		r = parse_cpu(a, l, err);
	if (r == 0)
		r = parse_rest(a, l, err);
	return r < 0 ? r : limits_check(l, err);
}
