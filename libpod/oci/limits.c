/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Arithmetic only: from what is typed (the numbers of cgroup v1, as docker
 * and podman have them) to the lines that are written into the files of
 * cgroup v2.  cgroup.c writes them.
 */
#include "libpod/oci/limits.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

void limits_done(struct oci_limits *l)
{
	char ***lists[] = { &l->weight_device, &l->read_bps, &l->write_bps,
			    &l->read_iops, &l->write_iops, &l->unified };

	free(l->cpus);
	free(l->mems);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_free(*lists[i]);
	*l = (struct oci_limits){ 0 };
}

static bool any_device(const struct oci_limits *l)
{
	return l->blkio_weight || l->weight_device || l->read_bps ||
	       l->write_bps || l->read_iops || l->write_iops;
}

static bool any_cpu(const struct oci_limits *l)
{
	return l->cpu_shares || l->cpu_period || l->cpu_quota ||
	       l->nano_cpus || l->rt_period || l->rt_runtime || l->cpus ||
	       l->mems;
}

bool limits_any(const struct oci_limits *l)
{
	return l->memory || l->memory_swap || l->reservation ||
	       l->swappiness || any_cpu(l) || l->pids || any_device(l) ||
	       l->unified || l->oom_kill_disable;
}

/* ---- checks ------------------------------------------------------------ */

int cpuset_parse(const char *text)
{
	autostrv char **parts = strv_split(text, ',');

	for (char **p = parts; p && *p; p++) {
		uint32_t first = 0;
		uint32_t last = 0;
		char *dash = strchr(*p, '-');

		if (dash)
			*dash = '\0';
		if (parse_u32(*p, &first) < 0 ||
		    (dash && parse_u32(dash + 1, &last) < 0) ||
		    (dash && last < first))
			return -EINVAL;
	}
	return parts && *parts ? 0 : -EINVAL;
}

int device_limit(const char *text, bool size, char **ret_path,
		 uint64_t *ret_value)
{
	const char *colon = strrchr(text, ':');
	int r;

	if (!colon || colon == text || text[0] != '/')
		return -EINVAL;
	r = size ? parse_size(colon + 1, ret_value) :
		   parse_u64(colon + 1, ret_value);
	if (r < 0)
		return -EINVAL;
	*ret_path = xstrndup(text, (size_t)(colon - text));
	return 0;
}

static int invalid(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, EINVAL, "%s", what);
}

static int check_memory(const struct oci_limits *l, struct err *err)
{
	if (l->memory_swap > 0 && !l->memory)
		return invalid(err, "you should always set the memory limit "
				    "when using the memoryswap limit, see "
				    "usage: invalid argument");
	if (l->memory_swap > 0 && (uint64_t)l->memory_swap < l->memory)
		return invalid(err, "minimum memoryswap limit should be larger "
				    "than memory limit, see usage: invalid "
				    "argument");
	if (l->memory && l->reservation > l->memory)
		return invalid(err, "minimum memory limit cannot be less than "
				    "memory reservation limit, see usage: "
				    "invalid argument");
	if (l->swappiness > 101)
		return invalid(err, "invalid value: memory swappiness must be "
				    "between 0 and 100: invalid argument");
	return 0;
}

static int check_set(const char *flag, const char *text, struct err *err)
{
	if (!text || cpuset_parse(text) == 0)
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid value \"%s\" for --%s: want numbers and "
		       "ranges, 0-3,5", text, flag);
}

static int check_cpu(const struct oci_limits *l, struct err *err)
{
	int r;

	if (l->cpu_period && (l->cpu_period < 1000 || l->cpu_period > 1000000))
		return invalid(err, "CPU cfs period can not be less than 1ms "
				    "(i.e. 1000) or larger than 1s (i.e. "
				    "1000000): invalid argument");
	if (l->cpu_quota && l->cpu_quota != -1 && l->cpu_quota < 1000)
		return invalid(err, "CPU cfs quota can not be less than 1ms "
				    "(i.e. 1000): invalid argument");
	r = check_set("cpuset-cpus", l->cpus, err);
	return r < 0 ? r : check_set("cpuset-mems", l->mems, err);
}

static int check_devices(const char *flag, char *const *v, bool size,
			 struct err *err)
{
	for (; v && *v; v++) {
		autofree char *path = NULL;
		uint64_t n;

		if (device_limit(*v, size, &path, &n) == 0 &&
		    access(path, F_OK) == 0)
			continue;
		if (path)
			return err_sys(err, "could not parse throttle device "
				       "at %s", path);
		return err_set(err, ERR_INVALID, EINVAL,
			       "bad format for --%s: \"%s\": want "
			       "<device-path>:<number>%s", flag, *v,
			       size ? "[<unit>]" : "");
	}
	return 0;
}

static int check_weights(const struct oci_limits *l, struct err *err)
{
	if (l->blkio_weight &&
	    (l->blkio_weight < 10 || l->blkio_weight > 1000))
		return invalid(err, "range of blkio weight is from 10 to 1000: "
				    "invalid argument");
	for (char **v = l->weight_device; v && *v; v++) {
		autofree char *path = NULL;
		uint64_t n = 0;

		if (device_limit(*v, false, &path, &n) < 0 || n < 10 ||
		    n > 1000)
			return err_set(err, ERR_INVALID, EINVAL,
				       "bad format for --blkio-weight-device: "
				       "\"%s\": want <device-path>:<weight>, "
				       "weight 10 to 1000", *v);
	}
	return 0;
}

/* "memory.high=1000": one file of one cgroup, no way out of it. */
static int check_unified(char *const *v, struct err *err)
{
	for (; v && *v; v++) {
		size_t name = strcspn(*v, "=");
		const char *dot = memchr(*v, '.', name);

		if ((*v)[name] == '=' && dot && dot != *v && name < 64 &&
		    strspn(*v, "abcdefghijklmnopqrstuvwxyz0123456789._-") >=
			    name && !strstr(*v, "..") && !strchr(*v, '\n') &&
		    !str_starts(*v, "cgroup."))
			continue;
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid --cgroup-conf \"%s\": want "
			       "controller.file=value", *v);
	}
	return 0;
}

int limits_check(const struct oci_limits *l, struct err *err)
{
	int r = check_memory(l, err);

	if (r == 0)
		r = check_cpu(l, err);
	if (r == 0)
		r = check_weights(l, err);
	if (r == 0)
		r = check_devices("device-read-bps", l->read_bps, true, err);
	if (r == 0)
		r = check_devices("device-write-bps", l->write_bps, true, err);
	if (r == 0)
		r = check_devices("device-read-iops", l->read_iops, false,
				  err);
	if (r == 0)
		r = check_devices("device-write-iops", l->write_iops, false,
				  err);
	return r < 0 ? r : check_unified(l->unified, err);
}

/* ---- arithmetic -------------------------------------------------------- */

int64_t limits_swap(const struct oci_limits *l)
{
	if (l->memory_swap)
		return l->memory_swap;
	if (l->memory > INT64_MAX / 2)
		return -1;
	return (int64_t)(l->memory * 2);
}

/* 2..262144 onto 1..10000, as every runtime has it */
uint64_t cpu_weight(uint64_t shares)
{
	shares = MIN(MAX(shares, (uint64_t)2), (uint64_t)262144);
	return 1 + (shares - 2) * 9999 / 262142;
}

/* 10..1000 onto 1..10000 */
uint64_t io_weight(uint64_t blkio_weight)
{
	blkio_weight = MIN(MAX(blkio_weight, (uint64_t)10), (uint64_t)1000);
	return 1 + (blkio_weight - 10) * 9999 / 990;
}

/* ---- lines ------------------------------------------------------------- */

static void add_line(struct limit_lines *l, const char *flag,
		     const char *file, const char *fmt, ...)
	printf_like(4, 5);

static void add_line(struct limit_lines *l, const char *flag,
		     const char *file, const char *fmt, ...)
{
	struct limit_line line = { .flag = flag };
	autosb struct sb value = SB_INIT;
	va_list ap;

	va_start(ap, fmt);
	sb_addv(&value, fmt, ap);
	va_end(ap);
	(void)snprintf(line.file, sizeof(line.file), "%s", file);
	(void)snprintf(line.controller, sizeof(line.controller), "%.*s",
		       (int)strcspn(file, "."), file);
	line.value = sb_take(&value);
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = line;
}

void limit_lines_done(struct limit_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].value);
	free(l->v);
	*l = (struct limit_lines){ 0 };
}

static void memory_lines(const struct oci_limits *l, struct limit_lines *ret)
{
	int64_t swap = limits_swap(l);

	if (l->memory)
		add_line(ret, "--memory", "memory.max", "%" PRIu64, l->memory);
	/* v2 counts swap alone */
	if (swap < 0)
		add_line(ret, l->memory_swap ? "--memory-swap" : "",
			 "memory.swap.max", "max");
	else if (swap > 0)
		add_line(ret, l->memory_swap ? "--memory-swap" : "",
			 "memory.swap.max", "%" PRIu64,
			 (uint64_t)swap - l->memory);
	if (l->reservation)
		add_line(ret, "--memory-reservation", "memory.low",
			 "%" PRIu64, l->reservation);
	if (l->swappiness)
		add_line(ret, "--memory-swappiness", "", "%" PRIu64,
			 l->swappiness - 1);
	if (l->oom_kill_disable)
		add_line(ret, "--oom-kill-disable", "", "1");
}

static void cpu_lines(const struct oci_limits *l, struct limit_lines *ret)
{
	uint64_t period = l->cpu_period ? l->cpu_period : CPU_PERIOD_DEFAULT;

	if (l->cpu_shares)
		add_line(ret, "--cpu-shares", "cpu.weight", "%" PRIu64,
			 cpu_weight(l->cpu_shares));
	if (l->nano_cpus)
		add_line(ret, "--cpus", "cpu.max", "%" PRIu64 " %d",
			 MAX(l->nano_cpus / 10000, (uint64_t)1000),
			 CPU_PERIOD_DEFAULT);
	else if (l->cpu_quota > 0)
		add_line(ret, "--cpu-quota", "cpu.max",
			 "%" PRId64 " %" PRIu64, l->cpu_quota, period);
	else if (l->cpu_quota || l->cpu_period)
		add_line(ret, l->cpu_quota ? "--cpu-quota" : "--cpu-period",
			 "cpu.max", "max %" PRIu64, period);
	if (l->cpus)
		add_line(ret, "--cpuset-cpus", "cpuset.cpus", "%s", l->cpus);
	if (l->mems)
		add_line(ret, "--cpuset-mems", "cpuset.mems", "%s", l->mems);
	if (l->rt_period)
		add_line(ret, "--cpu-rt-period", "", "%" PRIu64, l->rt_period);
	if (l->rt_runtime)
		add_line(ret, "--cpu-rt-runtime", "", "%" PRId64,
			 l->rt_runtime);
}

static int device_lines(char *const *v, const char *flag, const char *file,
			const char *key, bool size, struct limit_lines *ret,
			struct err *err)
{
	for (; v && *v; v++) {
		autofree char *path = NULL;
		uint64_t n = 0;
		struct stat st;

		if (device_limit(*v, size, &path, &n) < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "bad format for %s: \"%s\"", flag, *v);
		if (stat(path, &st) < 0)
			return err_sys(err, "%s %s", flag, path);
		if (!S_ISBLK(st.st_mode))
			return err_set(err, ERR_INVALID, ENOTBLK,
				       "%s %s: not a block device", flag,
				       path);
		if (!key)
			n = io_weight(n);
		add_line(ret, flag, file, "%u:%u %s%s%" PRIu64,
			 major(st.st_rdev), minor(st.st_rdev), key ? key : "",
			 key ? "=" : "", n);
	}
	return 0;
}

static int io_lines(const struct oci_limits *l, struct limit_lines *ret,
		    struct err *err)
{
	const struct {
		char **v;
		const char *flag, *file, *key;
		bool size;
	} lists[] = {
		{ l->weight_device, "--blkio-weight-device", "io.weight",
		  NULL, false },
		{ l->read_bps, "--device-read-bps", "io.max", "rbps", true },
		{ l->write_bps, "--device-write-bps", "io.max", "wbps", true },
		{ l->read_iops, "--device-read-iops", "io.max", "riops",
		  false },
		{ l->write_iops, "--device-write-iops", "io.max", "wiops",
		  false },
	};
	int r = 0;

	if (l->blkio_weight)
		add_line(ret, "--blkio-weight", "io.weight",
			 "default %" PRIu64, io_weight(l->blkio_weight));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
		r = device_lines(lists[i].v, lists[i].flag, lists[i].file,
				 lists[i].key, lists[i].size, ret, err);
	return r;
}

int limits_lines(const struct oci_limits *l, bool defaults,
		 struct limit_lines *ret, struct err *err)
{
	int r;

	*ret = (struct limit_lines){ 0 };
	memory_lines(l, ret);
	cpu_lines(l, ret);
	if (l->pids > 0)
		add_line(ret, "--pids-limit", "pids.max", "%" PRId64, l->pids);
	else if (l->pids < 0)
		add_line(ret, "", "pids.max", "max");
	else if (defaults)
		add_line(ret, "", "pids.max", "%d", PIDS_DEFAULT);
	r = io_lines(l, ret, err);
	for (char **u = l->unified; r == 0 && u && *u; u++) {
		autofree char *file = xstrndup(*u, strcspn(*u, "="));

		add_line(ret, "--cgroup-conf", file, "%s",
			 *u + strlen(file) + 1);
	}
	return r;
}

void limits_drop(struct oci_limits *l, const char *controller)
{
	if (streq(controller, "memory")) {
		l->memory = l->reservation = 0;
		l->memory_swap = 0;
	} else if (streq(controller, "cpu")) {
		l->cpu_shares = l->cpu_period = l->nano_cpus = 0;
		l->cpu_quota = 0;
	} else if (streq(controller, "cpuset")) {
		str_set(&l->cpus, NULL);
		str_set(&l->mems, NULL);
	} else if (streq(controller, "pids")) {
		l->pids = 0;
	} else if (streq(controller, "io")) {
		l->blkio_weight = 0;
		l->weight_device = strv_free(l->weight_device);
		l->read_bps = strv_free(l->read_bps);
		l->write_bps = strv_free(l->write_bps);
		l->read_iops = strv_free(l->read_iops);
		l->write_iops = strv_free(l->write_iops);
	} else if (!*controller) {
		l->swappiness = l->rt_period = 0;
		l->rt_runtime = 0;
		l->oom_kill_disable = false;
	}
}
