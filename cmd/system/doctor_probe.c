/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probes of `bryo doctor`.
 *
 * Theory of operation.  Each looks at one thing that can be missing, says in
 * one line what it found, and what mends it.  They read files below d->root,
 * so that a test can show them any host; none changes anything.
 */
#include "cmd/system/doctor.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "libpod/core/user/subid.h"
#include "libpod/oci/idmap.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define FILE_MAX 65536
#define IDS_WANTED 65536
#define IDS_FIRST 100000
#define SPACE_WANTED (UINT64_C(1) << 30)
#define YEAR_2025 INT64_C(1735689600)
#define REGISTRY "registry-1.docker.io"
#define REGISTRY_S 5

void finding_done(struct finding *f)
{
	sb_done(&f->detail);
	sb_done(&f->fix);
}

/* ---- looking ----------------------------------------------------------- */

static bool read_file(const struct doctor *d, const char *path, struct sb *ret)
{
	autofree char *full = xasprintf("%s%s", d->root, path);

	return file_load(full, FILE_MAX, ret) == 0;
}

/* A sysctl as a number; -1: there is no such one */
static int64_t read_number(const struct doctor *d, const char *path)
{
	autosb struct sb text = SB_INIT;
	int64_t n;

	if (!read_file(d, path, &text))
		return -1;
	sb_trunc(&text, strcspn(text.buf, "\n"));
	return parse_i64(text.buf, &n) < 0 ? -1 : n;
}

/* In the directories that bryo itself looks into; owned */
static char *find_program(const struct doctor *d, const char *name)
{
	static const char *const dirs[] = { "/usr/bin", "/bin", "/usr/sbin",
					    "/sbin", "/usr/local/bin" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		autofree char *path = xasprintf("%s%s/%s", d->root, dirs[i],
						name);

		if (access(path, X_OK) == 0)
			return take_ptr(path);
	}
	return NULL;
}

/* ---- ids --------------------------------------------------------------- */

/* Behind every range of @file: what one user has is for nobody else. */
static void ids_end(const struct doctor *d, const char *file, uint64_t *end)
{
	autosb struct sb text = SB_INIT;
	autostrv char **lines = NULL;

	if (!read_file(d, file, &text))
		return;
	lines = strv_split(text.buf, '\n');
	for (char **l = lines; *l; l++) {
		autostrv char **word = strv_split(*l, ':');
		uint64_t first;
		uint64_t count;

		if (strv_len(word) == 3 && parse_u64(word[1], &first) == 0 &&
		    parse_u64(word[2], &count) == 0 && first <= UINT32_MAX &&
		    count <= UINT32_MAX)
			*end = MAX(*end, first + count);
	}
}

static enum doctor_verdict check_ids(const struct doctor *d,
				     struct finding *f, const char *file)
{
	autofree char *path = xasprintf("%s/etc/%s", d->root, file);
	struct idmap map = { .n = 0 };
	uint64_t first = IDS_FIRST;
	uint64_t total = 0;
	unsigned long long from;
	unsigned long long to;

	(void)subid_load(path, d->user, d->uid, &map, NULL);
	for (size_t i = 0; i < map.n; i++)
		total += map.range[i].count;
	sb_addf(&f->detail, "%llu ids for %s in /etc/%s",
		(unsigned long long)total, d->user, file);
	if (total >= IDS_WANTED || d->uid == 0)
		return DOCTOR_OK;
	ids_end(d, "/etc/subuid", &first);
	ids_end(d, "/etc/subgid", &first);
	from = first;
	to = first + IDS_WANTED - 1;
	sb_addf(&f->fix, "sudo usermod --add-subuids %llu-%llu "
		"--add-subgids %llu-%llu %s", from, to, from, to, d->user);
	return total ? DOCTOR_WARN : DOCTOR_FAIL;
}

static enum doctor_verdict subuid(const struct doctor *d, struct finding *f)
{
	return check_ids(d, f, "subuid");
}

static enum doctor_verdict subgid(const struct doctor *d, struct finding *f)
{
	return check_ids(d, f, "subgid");
}

static enum doctor_verdict check_map(const struct doctor *d,
				     struct finding *f, const char *name)
{
	autofree char *path = find_program(d, name);
	struct stat st;

	if (!path) {
		sb_addf(&f->detail, "%s is not installed", name);
		sb_add(&f->fix, "sudo apt install uidmap");
		return DOCTOR_FAIL;
	}
	if (d->no_new_privs) {
		sb_addf(&f->detail, "%s cannot gain its privilege: "
			"no_new_privs is set", path + strlen(d->root));
		sb_add(&f->fix, "start bryo outside of what sets it, e.g. "
		       "NoNewPrivileges= of a unit, bwrap, setpriv");
		return DOCTOR_FAIL;
	}
	if (stat(path, &st) == 0 &&
	    ((st.st_mode & S_ISUID) ||
	     getxattr(path, "security.capability", NULL, 0) > 0)) {
		sb_add(&f->detail, path + strlen(d->root));
		return DOCTOR_OK;
	}
	sb_addf(&f->detail, "%s is neither setuid nor has it capabilities",
		path + strlen(d->root));
	sb_addf(&f->fix, "sudo chmod u+s %s", path + strlen(d->root));
	return DOCTOR_FAIL;
}

static enum doctor_verdict newuidmap(const struct doctor *d, struct finding *f)
{
	return check_map(d, f, "newuidmap");
}

static enum doctor_verdict newgidmap(const struct doctor *d, struct finding *f)
{
	return check_map(d, f, "newgidmap");
}

/* ---- the kernel -------------------------------------------------------- */

/* @bad: the value that forbids, @good: the one that allows */
static enum doctor_verdict check_sysctl(const struct doctor *d,
					struct finding *f, const char *name,
					int64_t bad, int64_t good)
{
	autofree char *path = xasprintf("/proc/sys/%s", name);
	int64_t value;

	for (char *p = path + strlen("/proc/sys/"); *p; p++)
		if (*p == '.')
			*p = '/';
	value = read_number(d, path);
	if (value < 0)
		sb_addf(&f->detail, "no %s here", name);
	else
		sb_addf(&f->detail, "%s = %lld", name, (long long)value);
	if (value != bad)
		return DOCTOR_OK;
	sb_addf(&f->fix, "sudo sysctl -w %s=%lld", name, (long long)good);
	return DOCTOR_FAIL;
}

static enum doctor_verdict userns_max(const struct doctor *d,
				      struct finding *f)
{
	return check_sysctl(d, f, "user.max_user_namespaces", 0, 10000);
}

static enum doctor_verdict userns_clone(const struct doctor *d,
					struct finding *f)
{
	return check_sysctl(d, f, "kernel.unprivileged_userns_clone", 0, 1);
}

static enum doctor_verdict apparmor(const struct doctor *d, struct finding *f)
{
	return check_sysctl(d, f,
			    "kernel.apparmor_restrict_unprivileged_userns", 1,
			    0);
}

static enum doctor_verdict overlay(const struct doctor *d, struct finding *f)
{
	autosb struct sb text = SB_INIT;
	autofree char *fuse = find_program(d, "fuse-overlayfs");
	bool native = read_file(d, "/proc/filesystems", &text) &&
		      strstr(text.buf, "\toverlay\n");
	unsigned int major = 0;
	unsigned int minor = 0;

	sb_trunc(&text, 0);
	if (read_file(d, "/proc/sys/kernel/osrelease", &text) &&
	    sscanf(text.buf, "%u.%u", &major, &minor) == 2)
		native &= major > 5 || (major == 5 && minor >= 11);
	sb_addf(&f->detail, "kernel %u.%u: %s", major, minor,
		native ? "overlay in user namespaces" :
		fuse ? "fuse-overlayfs" : "no overlay, images are copied");
	if (native || fuse)
		return DOCTOR_OK;
	sb_add(&f->fix, "sudo modprobe overlay; sudo apt install "
	       "fuse-overlayfs");
	return DOCTOR_WARN;
}

static enum doctor_verdict check_device(const struct doctor *d,
					struct finding *f, const char *path,
					const char *module, const char *what)
{
	autofree char *full = xasprintf("%s%s", d->root, path);

	if (access(full, R_OK | W_OK) == 0) {
		sb_add(&f->detail, path);
		return DOCTOR_OK;
	}
	sb_addf(&f->detail, "%s: %s; %s", path, err_reason(errno), what);
	sb_addf(&f->fix, "sudo modprobe %s; sudo chmod 0666 %s", module, path);
	return DOCTOR_WARN;
}

static enum doctor_verdict fuse(const struct doctor *d, struct finding *f)
{
	autofree char *path = find_program(d, "fuse-overlayfs");

	if (!path) {
		sb_add(&f->detail, "fuse-overlayfs is not installed; --userns "
		       "keep-id and older kernels need it");
		sb_add(&f->fix, "sudo apt install fuse-overlayfs");
		return DOCTOR_WARN;
	}
	return check_device(d, f, "/dev/fuse", "fuse",
			    "--userns keep-id and older kernels need it");
}

static enum doctor_verdict tun(const struct doctor *d, struct finding *f)
{
	return check_device(d, f, "/dev/net/tun", "tun",
			    "there is no private network without it");
}

static enum doctor_verdict slirp(const struct doctor *d, struct finding *f)
{
	autofree char *path = find_program(d, "slirp4netns");

	if (path) {
		sb_add(&f->detail, path + strlen(d->root));
		return DOCTOR_OK;
	}
	sb_add(&f->detail, "slirp4netns is not installed: only --network host "
	       "and none work");
	sb_add(&f->fix, "sudo apt install slirp4netns");
	return DOCTOR_WARN;
}

static enum doctor_verdict ports(const struct doctor *d, struct finding *f)
{
	int64_t first = read_number(
		d, "/proc/sys/net/ipv4/ip_unprivileged_port_start");

	sb_addf(&f->detail, "ports can be published from %lld up",
		(long long)(first < 0 ? 1024 : first));
	if (d->uid == 0 || (first >= 0 && first <= 80))
		return DOCTOR_OK;
	sb_add(&f->fix,
	       "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80");
	return DOCTOR_WARN;
}

/* ---- systemd and the session ------------------------------------------- */

static enum doctor_verdict cgroups(const struct doctor *d, struct finding *f)
{
	autofree char *own = xasprintf(
		"/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/"
		"cgroup.controllers", d->uid, d->uid);
	autosb struct sb text = SB_INIT;

	if (!read_file(d, "/sys/fs/cgroup/cgroup.controllers", &text)) {
		sb_add(&f->detail, "no cgroup v2: limits cannot be enforced");
		sb_add(&f->fix, "boot with systemd.unified_cgroup_hierarchy=1");
		return DOCTOR_WARN;
	}
	sb_trunc(&text, 0);
	if (d->uid == 0 ||
	    (read_file(d, own, &text) && strstr(text.buf, "memory") &&
	     strstr(text.buf, "pids"))) {
		sb_add(&f->detail, "memory and pids are delegated");
		return DOCTOR_OK;
	}
	sb_add(&f->detail, "memory and pids are not delegated to the user");
	sb_add(&f->fix, "sudo systemctl edit user@.service: [Service] "
	       "Delegate=cpu cpuset io memory pids");
	return DOCTOR_WARN;
}

static enum doctor_verdict runtime_dir(const struct doctor *d,
				       struct finding *f)
{
	struct stat st;

	if (!d->runtime_dir) {
		sb_add(&f->detail, "XDG_RUNTIME_DIR is not set: /tmp is used");
		sb_addf(&f->fix, "export XDG_RUNTIME_DIR=/run/user/%u", d->uid);
		return DOCTOR_WARN;
	}
	sb_add(&f->detail, d->runtime_dir);
	/* podman makes it 0711: harmless, what is ours in it is 0700 */
	if (stat(d->runtime_dir, &st) == 0 && st.st_uid == d->uid &&
	    (st.st_mode & 066) == 0)
		return DOCTOR_OK;
	sb_add(&f->detail, ": not a private directory of the user");
	sb_addf(&f->fix, "sudo install -d -m 0700 -o %s %s", d->user,
		d->runtime_dir);
	return DOCTOR_FAIL;
}

static enum doctor_verdict linger(const struct doctor *d, struct finding *f)
{
	static const char *const enable[] = { "loginctl", "enable-linger",
					      NULL };
	autofree char *mark = xasprintf("%s/var/lib/systemd/linger/%s",
					d->root, d->user);
	autofree char *systemd = xasprintf("%s/run/systemd/system", d->root);

	if (d->uid == 0 || access(systemd, F_OK) < 0) {
		sb_add(&f->detail, "not needed here");
		return DOCTOR_OK;
	}
	if (access(mark, F_OK) == 0) {
		sb_add(&f->detail, "containers outlive the login");
		return DOCTOR_OK;
	}
	sb_add(&f->detail, "containers may be ended at logout, and none is "
	       "started at boot");
	sb_add(&f->fix, "loginctl enable-linger");
	f->fix_argv = enable;
	return DOCTOR_WARN;
}

/* ---- the rest ---------------------------------------------------------- */

static enum doctor_verdict space(const struct doctor *d, struct finding *f)
{
	struct statvfs v;
	uint64_t left;

	if (statvfs(d->data_dir, &v) < 0) {
		sb_addf(&f->detail, "%s: %s", d->data_dir, err_reason(errno));
		sb_add(&f->fix, "set HOME or XDG_DATA_HOME to a directory of "
		       "yours");
		return DOCTOR_FAIL;
	}
	left = (uint64_t)v.f_bavail * v.f_frsize;
	sb_addf(&f->detail, "%.1f GB left at %s", (double)left / 1e9,
		d->data_dir);
	if (left >= SPACE_WANTED)
		return DOCTOR_OK;
	sb_add(&f->fix, "bryo system prune");
	return DOCTOR_WARN;
}

static enum doctor_verdict system_clock(const struct doctor *d unused_attr,
					struct finding *f)
{
	int64_t now = (int64_t)time(NULL);

	if (now >= YEAR_2025) {
		sb_add(&f->detail, "plausible");
		return DOCTOR_OK;
	}
	sb_add(&f->detail, "it is years behind: certificates of registries "
	       "are not valid yet");
	sb_add(&f->fix, "sudo timedatectl set-ntp true");
	return DOCTOR_FAIL;
}

/* In a child: looking up a name may take a minute. */
static bool can_connect(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	bool good = false;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return false;
	for (struct addrinfo *a = list; a && !good; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		good = fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0;
		close_fd(fd);
	}
	freeaddrinfo(list);
	return good;
}

static enum doctor_verdict registry(const struct doctor *d unused_attr,
				    struct finding *f)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)alarm(REGISTRY_S);
		child_exit(can_connect(REGISTRY, "443") ? 0 : 1);
	}
	if (pid > 0 && proc_wait(pid) == 0) {
		sb_add(&f->detail, REGISTRY " answers");
		return DOCTOR_OK;
	}
	sb_add(&f->detail, REGISTRY " cannot be reached");
	sb_add(&f->fix, "check the network, or set https_proxy or a mirror in "
	       "registries.conf");
	return DOCTOR_WARN;
}

const struct doctor_probe doctor_probes[] = {
	{ "subuid", subuid },
	{ "subgid", subgid },
	{ "newuidmap", newuidmap },
	{ "newgidmap", newgidmap },
	{ "userns-max", userns_max },
	{ "userns-clone", userns_clone },
	{ "apparmor", apparmor },
	{ "overlay", overlay },
	{ "fuse", fuse },
	{ "tun", tun },
	{ "slirp4netns", slirp },
	{ "cgroups", cgroups },
	{ "runtime-dir", runtime_dir },
	{ "linger", linger },
	{ "ports", ports },
	{ "space", space },
	{ "clock", system_clock },
	{ "registry", registry },
	{ NULL, NULL },
};
