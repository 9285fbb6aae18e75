/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/cgroup.h"
#include "libpod/oci/members.h"
#include "tests/unit/unit.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

static void test_weights(void **state unused_attr)
{
	static const struct {
		uint64_t shares, want;
	} cpu[] = {
		{ 0, 1 }, { 2, 1 }, { 512, 20 }, { 1024, 39 }, { 2048, 79 },
		{ 262144, 10000 }, { UINT64_MAX, 10000 },
	};
	static const struct {
		uint64_t weight, want;
	} io[] = {
		{ 10, 1 }, { 500, 4950 }, { 1000, 10000 }, { 5, 1 },
		{ 2000, 10000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cpu); i++)
		assert_int_equal(cpu_weight(cpu[i].shares), cpu[i].want);
	for (size_t i = 0; i < ARRAY_LEN(io); i++)
		assert_int_equal(io_weight(io[i].weight), io[i].want);
}

static void test_cpusets(void **state unused_attr)
{
	static const char *const good[] = { "0", "0-3", "0,2", "0-1,5,7-8",
					    "3-3" };
	static const char *const bad[] = { "", "a", "1-", "-1", "3-1", "1,,2",
					   "1-2-3", "0x1", " 1" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(cpuset_parse(good[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("case: '%s'\n", bad[i]);
		assert_int_equal(cpuset_parse(bad[i]), -EINVAL);
	}
}

/* What lands in the files: "file=value" lines in order. */
static char *lines_of(const struct oci_limits *l, bool defaults)
{
	struct limit_lines lines;
	struct err err = ERR_INIT;
	autosb struct sb out = SB_INIT;

	assert_int_equal(limits_lines(l, defaults, &lines, &err), 0);
	for (size_t i = 0; i < lines.n; i++)
		sb_addf(&out, "%s%s:%s=%s", i ? ";" : "",
			lines.v[i].controller, lines.v[i].file,
			lines.v[i].value);
	limit_lines_done(&lines);
	return sb_take(&out);
}

static void test_lines(void **state unused_attr)
{
	static const struct {
		const char *name;
		struct oci_limits l;
		bool defaults;
		const char *want;
	} cases[] = {
		{ "nothing", { 0 }, false, "" },
		{ "nothing, with defaults", { 0 }, true, "pids:pids.max=2048" },
		{ "memory: as much swap again",
		  { .memory = 1000 },
		  false,
		  "memory:memory.max=1000;memory:memory.swap.max=1000" },
		{ "v2 counts swap alone",
		  { .memory = 1000, .memory_swap = 1500 },
		  false,
		  "memory:memory.max=1000;memory:memory.swap.max=500" },
		{ "no swap",
		  { .memory = 1000, .memory_swap = 1000 },
		  false,
		  "memory:memory.max=1000;memory:memory.swap.max=0" },
		{ "all the swap",
		  { .memory = 1000, .memory_swap = -1 },
		  false,
		  "memory:memory.max=1000;memory:memory.swap.max=max" },
		{ "reservation",
		  { .reservation = 7 },
		  false,
		  "memory:memory.low=7" },
		{ "cpus",
		  { .nano_cpus = 1500000000 },
		  false,
		  "cpu:cpu.max=150000 100000" },
		{ "hardly any cpu",
		  { .nano_cpus = 1000000 },
		  false,
		  "cpu:cpu.max=1000 100000" },
		{ "quota",
		  { .cpu_quota = 5000 },
		  false,
		  "cpu:cpu.max=5000 100000" },
		{ "quota and period",
		  { .cpu_quota = 5000, .cpu_period = 20000 },
		  false,
		  "cpu:cpu.max=5000 20000" },
		{ "no quota",
		  { .cpu_quota = -1, .cpu_period = 20000 },
		  false,
		  "cpu:cpu.max=max 20000" },
		{ "shares",
		  { .cpu_shares = 1024 },
		  false,
		  "cpu:cpu.weight=39" },
		{ "pids", { .pids = 10 }, true, "pids:pids.max=10" },
		{ "all the pids", { .pids = -1 }, true, "pids:pids.max=max" },
		{ "weight",
		  { .blkio_weight = 500 },
		  false,
		  "io:io.weight=default 4950" },
		{ "v1 only",
		  { .swappiness = 11, .oom_kill_disable = true },
		  false,
		  ":=10;:=1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *have = lines_of(&cases[i].l, cases[i].defaults);

		print_message("case: %s\n", cases[i].name);
		assert_string_equal(have, cases[i].want);
	}
}

static void test_swap(void **state unused_attr)
{
	assert_int_equal(limits_swap(&(struct oci_limits){ 0 }), 0);
	assert_int_equal(limits_swap(&(struct oci_limits){ .memory = 5 }), 10);
	assert_int_equal(limits_swap(&(struct oci_limits){
		.memory = 5, .memory_swap = 7 }), 7);
	assert_int_equal(limits_swap(&(struct oci_limits){
		.memory = INT64_MAX }), -1);
}

static void test_unified(void **state unused_attr)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "memory.high=1000", 0 },
		{ "cpu.uclamp.min=10", 0 },
		{ "memory.high", EINVAL },
		{ "=1", EINVAL },
		{ "memory=1", EINVAL },
		{ ".x=1", EINVAL },
		{ "../memory.high=1", EINVAL },
		{ "memory..high=1", EINVAL },
		{ "a/memory.high=1", EINVAL },
		{ "cgroup.procs=0", EINVAL },
		{ "memory.high=1\n2", EINVAL },
		{ "Memory.high=1", EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct oci_limits l = { 0 };

		print_message("case: %s\n", cases[i].text);
		strv_add(&l.unified, cases[i].text);
		if (cases[i].want)
			assert_fails(limits_check(&l, err), cases[i].want);
		else
			assert_ok(limits_check(&l, err));
		limits_done(&l);
	}
}

static void test_device(void **state unused_attr)
{
	autofree char *path = NULL;
	struct limit_lines lines = { 0 };
	struct oci_limits l = { 0 };
	uint64_t n = 0;

	assert_int_equal(device_limit("/dev/sda:10mb", true, &path, &n), 0);
	assert_string_equal(path, "/dev/sda");
	assert_int_equal(n, 10 << 20);
	assert_int_equal(device_limit("sda:1", false, &path, &n), -EINVAL);
	assert_int_equal(device_limit("/dev/sda", false, &path, &n), -EINVAL);
	assert_int_equal(device_limit("/dev/sda:1m", false, &path, &n),
			 -EINVAL);
	strv_add(&l.read_bps, "/dev/null:1");
	assert_fails(limits_lines(&l, false, &lines, err), ENOTBLK);
	limit_lines_done(&lines);
	limits_done(&l);
}

static void test_drop(void **state unused_attr)
{
	struct oci_limits l = { .memory = 1, .nano_cpus = 2, .pids = 3,
				.swappiness = 4, .cpu_shares = 5 };

	limits_drop(&l, "memory");
	limits_drop(&l, "");
	assert_int_equal(l.memory, 0);
	assert_int_equal(l.swappiness, 0);
	assert_int_equal(l.nano_cpus, 2);
	limits_drop(&l, "cpu");
	assert_int_equal(l.cpu_shares, 0);
	assert_true(limits_any(&l));
	limits_drop(&l, "pids");
	assert_false(limits_any(&l));
}

/* ---- files of a cgroup -------------------------------------------------- */

static void test_keys(void **state unused_attr)
{
	const char *text = "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n"
			   "weird max\nbad x\n";
	uint64_t n = 99;

	assert_true(cgroup_key(text, "oom", &n));
	assert_int_equal(n, 3);
	assert_true(cgroup_key(text, "oom_kill", &n));
	assert_int_equal(n, 4);
	assert_true(cgroup_key(text, "weird", &n));
	assert_true(n == UINT64_MAX);
	assert_false(cgroup_key(text, "oo", &n));
	assert_false(cgroup_key(text, "bad", &n));
	assert_false(cgroup_key("", "oom", &n));
}

static void test_io(void **state unused_attr)
{
	uint64_t in = 1;
	uint64_t out = 1;

	cgroup_io_parse("8:0 rbytes=100 wbytes=20 rios=1 wios=2 dbytes=0 "
			"dios=0\n259:0 rbytes=5 wbytes=6 rios=0 wios=0\n7:0 \n",
			&in, &out);
	assert_int_equal(in, 105);
	assert_int_equal(out, 26);
	cgroup_io_parse("", &in, &out);
	assert_int_equal(in + out, 0);
}

static void test_record(void **state unused_attr)
{
	char tmp[] = "/tmp/bryo-record.XXXXXX";
	struct cgroup c = CGROUP_INIT;
	struct cgroup back;
	struct err err = ERR_INIT;
	int dir;

	assert_non_null(mkdtemp(tmp));
	dir = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c.path = xstrdup(tmp);
	c.missing = xstrdup("");
	assert_int_equal(cgroup_record_write(dir, &c, &err), 0);
	cgroup_record_read(dir, &back);
	assert_string_equal(back.path, tmp);
	assert_string_equal(back.missing, "");
	assert_true(back.fd >= 0);
	cgroup_done(&back);
	/* a path that is gone is none */
	str_set(&c.path, "/nonexistent/x");
	str_set(&c.missing, "memory,cpu");
	assert_int_equal(cgroup_record_write(dir, &c, &err), 0);
	cgroup_record_read(dir, &back);
	assert_null(back.path);
	assert_string_equal(back.missing, "memory,cpu");
	cgroup_done(&back);
	cgroup_done(&c);
	/* none at all */
	assert_int_equal(cgroup_record_write(dir, &c, &err), 0);
	assert_int_equal(faccessat(dir, "cgroup", F_OK, 0), -1);
	cgroup_record_read(dir, &back);
	assert_null(back.missing);
	close(dir);
	rmdir(tmp);
}

static void test_member(void **state unused_attr)
{
	struct member m;

	assert_int_equal(member_parse("42 (a) b) (c) S 7 1 1 0 -1 4194304 1 2 "
				      "3 4 10 20 30 40 20 0 3 0 777 8192 25 "
				      "18446744073709551615 1", &m), 0);
	assert_int_equal(m.id.pid, 42);
	assert_int_equal(m.ppid, 7);
	assert_int_equal(m.state, 'S');
	assert_int_equal(m.cpu, 100);
	assert_int_equal(m.system, 60);
	assert_int_equal(m.threads, 3);
	assert_true(m.id.start == 777);
	assert_int_equal(m.rss, 25);
	assert_int_equal(member_parse("42 (x", &m), -EINVAL);
	assert_int_equal(member_parse("x (y) S 1", &m), -EINVAL);
	assert_int_equal(member_parse("", &m), -EINVAL);
}

UNIT_TESTS(
	unit_test(test_weights),
	unit_test(test_cpusets),
	unit_test(test_lines),
	unit_test(test_swap),
	unit_test(test_unified),
	unit_test(test_device),
	unit_test(test_drop),
	unit_test(test_keys),
	unit_test(test_io),
	unit_test(test_record),
	unit_test(test_member));
