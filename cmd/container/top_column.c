/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The descriptors of `top`: what each prints of a process.  Names and headers
 * are podman's.
 */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "cmd/container/top.h"
#include "cmd/gotext.h"
#include "libpod/oci/oci.h"
#include "util/clock.h"
#include "util/str.h"

/* ---- names ------------------------------------------------------------- */

/* Field 0 of the line of a passwd or group file whose field 2 is @id. */
static bool name_of(const struct sb *file, uint32_t id, struct sb *out)
{
	const char *line = file->buf;

	while (*line) {
		size_t len = strcspn(line, "\n");
		const char *end = line + len;
		const char *name_end = memchr(line, ':', len);
		const char *second =
			name_end ? memchr(name_end + 1, ':',
					  (size_t)(end - name_end - 1)) :
				   NULL;
		uint32_t n = 0;
		size_t digits = second ? strcspn(second + 1, ":\n") : 0;
		autofree char *text =
			second ? xstrndup(second + 1, digits) : NULL;

		if (text && !parse_id(text, &n) && n == id) {
			sb_addn(out, line, (size_t)(name_end - line));
			return true;
		}
		line = *end ? end + 1 : end;
	}
	return false;
}

/* Inside id of an outside one. */
static bool map_id(const struct id_range *v, size_t n, uint32_t outside,
		   uint32_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (outside < v[i].outside ||
		    outside - v[i].outside >= v[i].count)
			continue;
		*ret = v[i].inside + (outside - v[i].outside);
		return true;
	}
	return false;
}

static void put_name(const struct sb *file, uint32_t id, struct sb *out)
{
	if (!name_of(file, id, out))
		sb_addf(out, "%u", id);
}

static void put_uid(const struct top *t, uid_t outside, struct sb *out)
{
	uint32_t id = 0;

	if (map_id(t->uids, t->n_uids, outside, &id))
		put_name(&t->passwd, id, out);
	else
		sb_add(out, "nobody");
}

static void put_gid(const struct top *t, gid_t outside, struct sb *out)
{
	uint32_t id = 0;

	if (map_id(t->gids, t->n_gids, outside, &id))
		put_name(&t->group, id, out);
	else
		sb_add(out, "nogroup");
}

#define COLUMN(name)                                              \
	static void put_##name(const struct top *t unused_attr,   \
			       const struct top_proc *p unused_attr, \
			       struct sb *out)

COLUMN(user)
{
	put_uid(t, p->host_uid, out);
}

COLUMN(ruser)
{
	put_uid(t, p->host_ruid, out);
}

COLUMN(huser)
{
	put_name(&t->host_passwd, p->host_uid, out);
}

COLUMN(group)
{
	put_gid(t, p->host_gid, out);
}

COLUMN(rgroup)
{
	put_gid(t, p->host_rgid, out);
}

COLUMN(hgroup)
{
	put_name(&t->host_group, p->host_gid, out);
}

COLUMN(groups)
{
	for (size_t i = 0; i < p->n_groups; i++) {
		if (i)
			sb_addch(out, ',');
		put_gid(t, p->host_groups[i], out);
	}
}

COLUMN(hgroups)
{
	for (size_t i = 0; i < p->n_groups; i++) {
		if (i)
			sb_addch(out, ',');
		put_name(&t->host_group, p->host_groups[i], out);
	}
}

/* ---- numbers ----------------------------------------------------------- */

COLUMN(pid)
{
	sb_addf(out, "%d", p->pid);
}

COLUMN(ppid)
{
	sb_addf(out, "%d", p->ppid);
}

COLUMN(pgid)
{
	sb_addf(out, "%d", p->pgid);
}

COLUMN(hpid)
{
	sb_addf(out, "%d", p->host_pid);
}

COLUMN(nice)
{
	sb_addf(out, "%ld", p->nice);
}

COLUMN(rss)
{
	sb_addf(out, "%llu", (unsigned long long)p->rss_kb);
}

COLUMN(vsz)
{
	sb_addf(out, "%llu", (unsigned long long)p->vsz_kb);
}

COLUMN(pcpu)
{
	double part = p->elapsed_ns ? 100.0 * (double)p->cpu_ns /
					      (double)p->elapsed_ns :
				      0;

	sb_addf(out, "%.3f", part);
}

COLUMN(etime)
{
	go_duration(out, (int64_t)p->elapsed_ns);
}

COLUMN(time)
{
	go_duration(out, (int64_t)p->cpu_ns);
}

COLUMN(stime)
{
	char buf[TIME_TEXT_MAX];

	sb_add(out, time_go(p->start_ns, buf));
}

/* ---- the rest ---------------------------------------------------------- */

COLUMN(args)
{
	sb_add(out, p->args);
}

COLUMN(comm)
{
	sb_add(out, p->comm);
}

COLUMN(state)
{
	sb_addch(out, p->state);
}

COLUMN(tty)
{
	unsigned int dev_major = major((dev_t)p->tty);
	unsigned int dev_minor = minor((dev_t)p->tty);

	if (dev_major >= 136 && dev_major <= 143)
		sb_addf(out, "pts/%u", (dev_major - 136) * 256 + dev_minor);
	else if (dev_major == 4)
		sb_addf(out, "tty%u", dev_minor);
	else
		sb_add(out, "?");
}

COLUMN(seccomp)
{
	static const char *const modes[] = { "disabled", "strict", "filter" };

	if (p->seccomp >= 0 && (size_t)p->seccomp < ARRAY_LEN(modes))
		sb_add(out, modes[p->seccomp]);
	else
		sb_add(out, "?");
}

/* Names without CAP_; every capability that the kernel knows is "full". */
static void put_caps(uint64_t mask, struct sb *out)
{
	uint64_t all = 0;
	bool first = true;

	for (int i = 0; i < 64 && oci_cap_name(i); i++)
		all |= (uint64_t)1 << i;
	if (!mask || (mask & all) == all) {
		sb_add(out, mask ? "full" : "none");
		return;
	}
	for (int i = 0; i < 64; i++) {
		const char *name = oci_cap_name(i);

		if (!(mask >> i & 1))
			continue;
		sb_addf(out, "%s%s", first ? "" : ",",
			name ? name + strlen("CAP_") : "?");
		first = false;
	}
}

COLUMN(capinh)
{
	put_caps(p->caps[0], out);
}

COLUMN(capprm)
{
	put_caps(p->caps[1], out);
}

COLUMN(capeff)
{
	put_caps(p->caps[2], out);
}

COLUMN(capbnd)
{
	put_caps(p->caps[3], out);
}

COLUMN(capamb)
{
	put_caps(p->caps[4], out);
}

COLUMN(label)
{
	sb_add(out, p->label);
}

static const struct top_column columns[] = {
	{ "args", "COMMAND", put_args },
	{ "capamb", "AMBIENT CAPS", put_capamb },
	{ "capbnd", "BOUNDING CAPS", put_capbnd },
	{ "capeff", "EFFECTIVE CAPS", put_capeff },
	{ "capinh", "INHERITED CAPS", put_capinh },
	{ "capprm", "PERMITTED CAPS", put_capprm },
	{ "comm", "COMMAND", put_comm },
	{ "etime", "ELAPSED", put_etime },
	{ "group", "GROUP", put_group },
	{ "groups", "GROUPS", put_groups },
	{ "hgroup", "HGROUP", put_hgroup },
	{ "hgroups", "HGROUPS", put_hgroups },
	{ "hpid", "HPID", put_hpid },
	{ "huser", "HUSER", put_huser },
	{ "label", "LABEL", put_label },
	{ "nice", "NI", put_nice },
	{ "pcpu", "%CPU", put_pcpu },
	{ "pgid", "PGID", put_pgid },
	{ "pid", "PID", put_pid },
	{ "ppid", "PPID", put_ppid },
	{ "rgroup", "RGROUP", put_rgroup },
	{ "rss", "RSS", put_rss },
	{ "ruser", "RUSER", put_ruser },
	{ "seccomp", "SECCOMP", put_seccomp },
	{ "state", "STATE", put_state },
	{ "stime", "STIME", put_stime },
	{ "time", "TIME", put_time },
	{ "tty", "TTY", put_tty },
	{ "user", "USER", put_user },
	{ "vsz", "VSZ", put_vsz },
};

const struct top_column *top_column_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (streq(columns[i].name, name))
			return &columns[i];
	return NULL;
}
