/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ids may this user use?
 *
 * Theory of operation.  Three cases:
 *  - root: effective uid 0 with CAP_SYS_ADMIN in its own user namespace, be
 *    it the host's, a container's, or U itself (a monitor that exec'ed bryo).
 *    Containers get the namespace's own map; no helper is needed.
 *  - full: /etc/subuid and /etc/subgid give ranges and newuidmap/newgidmap
 *    can work: 0 is the user, 1 and up are the ranges.
 *  - single: everything else.  One id; the reason is kept for one warning.
 *
 * Nothing is created here and no helper is run: whether the helpers really
 * work turns out when U is made (userns.c), which falls back to single-id
 * mode and leaves a note in the run directory that is read here.
 */
#include "libpod/core/runtime.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/user/subid.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

#define SINGLE_NOTE "userns-single"
#define SINGLE_NOTE_S 60

static int single(struct rootless *ids, const char *fmt, ...) printf_like(2, 3);

static int single(struct rootless *ids, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ids->single_why, sizeof(ids->single_why), fmt, ap);
	va_end(ap);
	ids->single = true;
	ids->uid_map = (struct idmap){ .range = { { 0, ids->uid, 1 } },
				       .n = 1 };
	ids->gid_map = (struct idmap){ .range = { { 0, ids->gid, 1 } },
				       .n = 1 };
	return 0;
}

void rootless_set_single(struct runtime *rt, const char *why)
{
	single(&rt->ids, "%s", why);
	(void)file_write_at(rt->run_fd, SINGLE_NOTE, why, strlen(why), 0600,
			    false, NULL);
}

void rootless_init(struct rootless *ids)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { { 0 } };
	struct idmap map;

	ids->uid = geteuid();
	ids->gid = getegid();
	if (ids->uid != 0 || syscall(SYS_capget, &head, data) < 0)
		return;
	ids->is_root = data[0].effective & (1U << CAP_SYS_ADMIN);
	if (idmap_read("/proc/self/uid_map", &map, NULL) < 0)
		return;
	ids->in_userns = map.n != 1 || map.range[0].inside != 0 ||
			 map.range[0].outside != 0 ||
			 map.range[0].count != UINT32_MAX;
}

/* The note of a helper that failed; forgotten after a while, since the cause
 * may have been removed. */
static bool read_note(int run_fd, struct sb *text)
{
	struct stat st;
	int64_t age;

	if (fstatat(run_fd, SINGLE_NOTE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	age = clock_now_ns() / 1000000000 - st.st_mtim.tv_sec;
	/* from the future: a clock that was set back keeps nothing for ever */
	if (age > SINGLE_NOTE_S || age < 0) {
		(void)unlinkat(run_fd, SINGLE_NOTE, 0);
		return false;
	}
	return file_read_at(run_fd, SINGLE_NOTE, 256, text) >= 0;
}

/* newuidmap gets its privilege from the set-uid bit or file capabilities. */
static bool is_privileged(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid == 0)
		return true;
	return getxattr(path, "security.capability", NULL, 0) > 0;
}

static int check_helper(struct rootless *ids, const char *name)
{
	autofree char *path = proc_find_program(name);

	if (!path)
		return single(ids, "%s is not installed (fix: sudo apt-get "
				   "install uidmap)", name);
	if (!is_privileged(path))
		return single(ids, "%s is neither set-uid root nor has file "
				   "capabilities (fix: sudo chmod u+s %s)",
			      path, path);
	return 1;
}

/* Inside a container the user's ranges may not exist at all. */
static bool mapped_here(const char *file, const struct idmap *map)
{
	struct idmap self;

	if (idmap_read(file, &self, NULL) < 0)
		return false;
	for (size_t i = 1; i < map->n; i++) {
		const struct idmap_range *r = &map->range[i];

		if (!idmap_has_inside(&self, r->outside) ||
		    !idmap_has_inside(&self, r->outside + r->count - 1))
			return false;
	}
	return true;
}

static int no_range(struct rootless *ids, const char *file, const char *name)
{
	if (!name)
		return single(ids, "user %u has no name and %s no range for it",
			      (unsigned int)ids->uid, file);
	return single(ids, "%s has no range for user %s (fix: sudo usermod "
			   "--add-subuids 100000-165535 --add-subgids "
			   "100000-165535 %s, or what `bryo doctor` says where "
			   "others have these)", file, name, name);
}

static int load_ranges(struct rootless *ids, struct err *err)
{
	char buf[4096];
	struct passwd pw;
	struct passwd *found = NULL;
	const char *name;
	int r;

	if (getpwuid_r(ids->uid, &pw, buf, sizeof(buf), &found) != 0)
		found = NULL;
	name = found ? found->pw_name : NULL;
	r = subid_load("/etc/subuid", name, ids->uid, &ids->uid_map, err);
	if (r < 0)
		return r;
	if (r == 0)
		return no_range(ids, "/etc/subuid", name);
	r = subid_load("/etc/subgid", name, ids->uid, &ids->gid_map, err);
	if (r < 0)
		return r;
	if (r == 0)
		return no_range(ids, "/etc/subgid", name);
	return 1;
}

static int load_user(struct runtime *rt, struct err *err)
{
	struct rootless *ids = &rt->ids;
	autosb struct sb note = SB_INIT;
	int r;

	ids->uid_map = (struct idmap){ .range = { { 0, ids->uid, 1 } },
				       .n = 1 };
	ids->gid_map = (struct idmap){ .range = { { 0, ids->gid, 1 } },
				       .n = 1 };
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return single(ids, "no_new_privs is set, so newuidmap cannot "
				   "gain its privilege (fix: start bryo "
				   "outside of what sets it, e.g. "
				   "NoNewPrivileges= of a unit, bwrap)");
	if (read_note(rt->run_fd, &note))
		return single(ids, "%s", note.buf);
	r = check_helper(ids, "newuidmap");
	if (r > 0)
		r = check_helper(ids, "newgidmap");
	if (r > 0)
		r = load_ranges(ids, err);
	if (r <= 0)
		return r;
	if (!mapped_here("/proc/self/uid_map", &ids->uid_map) ||
	    !mapped_here("/proc/self/gid_map", &ids->gid_map))
		return single(ids, "the ranges of /etc/subuid and /etc/subgid "
				   "do not exist in this user namespace (fix: "
				   "ranges that /proc/self/uid_map has)");
	return 0;
}

static int load_root(struct rootless *ids, struct err *err)
{
	struct idmap outer;
	int r;

	r = idmap_read("/proc/self/uid_map", &outer, err);
	if (r < 0)
		return r;
	idmap_identity(&outer, &ids->uid_map);
	r = idmap_read("/proc/self/gid_map", &outer, err);
	if (r < 0)
		return r;
	idmap_identity(&outer, &ids->gid_map);
	ids->single = idmap_count(&ids->uid_map) == 1;
	if (ids->single)
		(void)snprintf(ids->single_why, sizeof(ids->single_why),
			       "this user namespace has one id");
	return 0;
}

int rootless_load(struct runtime *rt, struct err *err)
{
	struct rootless *ids = &rt->ids;
	int r;

	if (ids->loaded)
		return 0;
	r = ids->is_root ? load_root(ids, err) : load_user(rt, err);
	if (r < 0)
		return r;
	ids->loaded = true;
	return 0;
}
