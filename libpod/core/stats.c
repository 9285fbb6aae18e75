/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses.
 *
 * Theory of operation.  The files of the cgroup, where there are such: they
 * count what has ended, too.  Each of them may be missing (a controller that
 * was not handed down), and all of them where there is no cgroup: then the
 * processes are added up.  Memory is the proportional set size then, so that
 * pages that processes share count once; processor time has that of children
 * that were waited for.
 *
 * The network's counters are those of init's network namespace.
 */
#include "libpod/core/stats.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/oci/cgroup.h"
#include "libpod/oci/members.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/trace.h"

#define PROC_TEXT_MAX (1U << 20)

/* ---- files of /proc ----------------------------------------------------- */

/* The number behind "@key:" in a file of a process; 0 when it is not there */
static uint64_t proc_value(pid_t pid, const char *file, const char *key)
{
	autosb struct sb text = SB_INIT;
	char path[64];
	const char *s;
	uint64_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	if (file_read_at(AT_FDCWD, path, PROC_TEXT_MAX, &text) < 0)
		return 0;
	for (s = text.buf; *s; s += strcspn(s, "\n"), s += *s == '\n') {
		const char *value = str_after(s, key);

		if (value && sscanf(value, ": %" SCNu64, &n) == 1)
			return n;
	}
	return 0;
}

static uint64_t memory_of(const struct member *m)
{
	uint64_t kb = proc_value(m->id.pid, "smaps_rollup", "Pss");

	if (kb)
		return kb * 1024;
	return m->rss * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "  eth0: 100 2 0 0 0 0 0 0 200 ...": bytes in first, bytes out ninth */
void stats_net_parse(const char *text, uint64_t *ret_in, uint64_t *ret_out)
{
	*ret_in = *ret_out = 0;
	while (*text) {
		uint64_t in = 0;
		uint64_t out = 0;
		char name[32] = "";

		if (sscanf(text, " %31[^: \n]: %" SCNu64 " %*u %*u %*u %*u %*u"
				 " %*u %*u %" SCNu64, name, &in, &out) == 3 &&
		    !streq(name, "lo")) {
			*ret_in += in;
			*ret_out += out;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

static void read_net(const struct ctr *c, struct ctr_stats *s)
{
	autosb struct sb text = SB_INIT;
	char path[64];
	struct stat own;
	struct stat its;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", c->init.pid);
	if (stat("/proc/self/ns/net", &own) < 0 || stat(path, &its) < 0 ||
	    (own.st_ino == its.st_ino && own.st_dev == its.st_dev))
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", c->init.pid);
	if (file_read_at(AT_FDCWD, path, PROC_TEXT_MAX, &text) == 0)
		stats_net_parse(text.buf, &s->net_in, &s->net_out);
}

/* ---- the two sources ---------------------------------------------------- */

/* What the cgroup does not count. */
struct wanted {
	bool cpu, memory, pids, block;
};

static void read_cgroup(const struct cgroup *cg, struct ctr_stats *s,
			struct wanted *w)
{
	uint64_t n = 0;
	uint64_t idle = 0;

	if (cg->fd < 0)
		return;
	if (cgroup_value(cg->fd, "cpu.stat", "usage_usec", &n)) {
		s->cpu_ns = n * 1000;
		w->cpu = false;
	}
	if (cgroup_value(cg->fd, "memory.current", NULL, &s->mem)) {
		w->memory = false;
		(void)cgroup_value(cg->fd, "memory.stat", "inactive_file",
				   &idle);
		s->mem -= MIN(idle, s->mem);
	}
	if (cgroup_value(cg->fd, "memory.max", NULL, &n))
		s->mem_limit = MIN(n, s->mem_limit);
	if (cgroup_value(cg->fd, "pids.current", NULL, &s->pids))
		w->pids = false;
	if (cgroup_io(cg->fd, &s->block_in, &s->block_out))
		w->block = false;
}

static void add_members(const struct members *m, const struct wanted *w,
			struct ctr_stats *s)
{
	uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);

	for (size_t i = 0; i < m->n; i++) {
		const struct member *p = &m->v[i];

		if (w->cpu)
			s->cpu_ns += p->cpu * tick_ns;
		if (w->memory)
			s->mem += memory_of(p);
		if (w->pids)
			s->pids += p->threads;
		if (!w->block)
			continue;
		s->block_in += proc_value(p->id.pid, "io", "read_bytes");
		s->block_out += proc_value(p->id.pid, "io", "write_bytes");
	}
}

static uint64_t machine_memory(void)
{
	struct sysinfo si;

	return sysinfo(&si) < 0 ? 0 : (uint64_t)si.totalram * si.mem_unit;
}

int ctr_stats_read(struct runtime *rt, const struct ctr *c,
		   struct ctr_stats *ret, struct err *err)
{
	TRACE("core", "stats");
	struct ctr_stats s = { .mem_limit = machine_memory() };
	struct wanted w = { true, true, true, true };
	struct cgroup cg cleanup(cgroup_done) = CGROUP_INIT;
	auto_members struct members m = { 0 };
	int r;

	ctr_cgroup(rt, c, &cg);
	read_cgroup(&cg, &s, &w);
	if (w.cpu || w.memory || w.pids || w.block) {
		r = members_read(&c->init, &m, err);
		if (r < 0)
			return r;
		add_members(&m, &w, &s);
	} else if (!proc_is_alive(&c->init)) {
		return err_set(err, ERR_STATE, ESRCH,
			       "the container's process has ended");
	}
	read_net(c, &s);
	s.at_ns = clock_mono_ns();
	s.up_ns = (uint64_t)MAX(ctr_up_ns(c, clock_now_ns()), (int64_t)1);
	*ret = s;
	return 0;
}
