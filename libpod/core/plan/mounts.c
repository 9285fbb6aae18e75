/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of a container and the files that are mounted into it.
 *
 * Theory of operation.  First the kernel's own (proc, dev, sys ...), in the
 * fixed order of the runtime-spec, then everything else by path, parents
 * before children.  What the user mounts on a path replaces the default of
 * that path.  Bind sources are opened here, as the user, before any namespace
 * is entered: the runtime only ever sees descriptors.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/device.h"
#include "libpod/core/plan/notify.h"
#include "libpod/core/plan/plan.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define ATTR_SAFE \
	(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* ---- files in the container's directory -------------------------------- */

static int write_file(int dir, const char *name, const char *text, size_t len,
		      struct err *err)
{
	autoclose int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC |
						     O_NOFOLLOW | O_CLOEXEC,
				  0644);

	if (fd < 0 || fchmod(fd, 0644) < 0 || fd_write_full(fd, text, len) < 0)
		return err_sys(err, "write %s", name);
	return 0;
}

static int write_hosts(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	bool host = p->spec.ns[OCI_NS_NET].mode == OCI_NS_HOST;
	const struct net_hosts want = {
		.host_net = host,
		.base_file = c->hosts_file,
		.host_ip = c->host_ip,
		.add = c->add_host,
		.ip = p->slirp ? NET_SLIRP_ADDR : host ? NULL : "127.0.0.1",
		.hostname = p->spec.hostname,
		.name = p->c->name,
	};
	autosb struct sb text = SB_INIT;

	net_hosts(&want, &text);
	return write_file(p->dir, "hosts", text.buf, text.len, err);
}

/* --dns=none: the image's file stays; ours is for those who join the network */
static bool dns_is_none(const struct ctr_config *c)
{
	return strv_contains(c->dns, "none");
}

static int write_resolv(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	autosb struct sb text = SB_INIT;

	net_resolv_conf(p->slirp, dns_is_none(c) ? NULL : c->dns,
			c->dns_search, c->dns_option, &text);
	return write_file(p->dir, "resolv.conf", text.buf, text.len, err);
}

/* Empty, as a mark that this is a container; with --privileged it says more,
 * in shell syntax. */
static int write_containerenv(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	bool rootless = !p->rt->ids.is_root || p->rt->ids.in_userns;
	autosb struct sb text = SB_INIT;

	if (c->privileged)
		sb_addf(&text,
			"engine=\"bryo-" BRYO_VERSION "\"\nname=\"%s\"\n"
			"id=\"%s\"\nimage=\"%s\"\nimageid=\"%s\"\n"
			"rootless=%d\n", p->c->name, p->c->id,
			c->image_name ? c->image_name : "",
			c->image_id ? c->image_id : "", rootless);
	return write_file(p->dir, "containerenv", text.buf, text.len, err);
}

static void plan_hostname(struct plan *p)
{
	const char *name = p->c->config.hostname;

	p->spec.domainname = p->c->config.domainname;
	if (p->spec.ns[OCI_NS_UTS].mode == OCI_NS_NEW)
		p->spec.hostname =
			str_is_empty(name) ?
				plan_text(p, xstrndup(p->c->id, 12)) :
				name;
}

static int write_hostname(struct plan *p, struct err *err)
{
	char host[256] = "";
	const char *name = p->spec.hostname;

	if (!name) {
		(void)gethostname(host, sizeof(host) - 1);
		name = host;
	}
	autofree char *line = xasprintf("%s\n", name);

	return write_file(p->dir, "hostname", line, strlen(line), err);
}

static const char *const file_names[] = { "hosts", "resolv.conf", "hostname",
					  "containerenv" };

/* With own id maps our uid is not root inside: give the files to who is. */
static int chown_files(void *arg, struct err *err)
{
	struct plan *p = arg;
	uint32_t uid;
	uint32_t gid;

	if (!idmap_to_outside(&p->spec.uid_map, 0, &uid) ||
	    !idmap_to_outside(&p->spec.gid_map, 0, &gid))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(file_names); i++)
		if (fchownat(p->dir, file_names[i], uid, gid,
			     AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_sys(err, "chown %s", file_names[i]);
	return 0;
}

bool plan_own_root(const struct plan *p)
{
	uint32_t uid = 0;
	uint32_t gid = 0;

	(void)idmap_to_outside(&p->spec.uid_map, 0, &uid);
	(void)idmap_to_outside(&p->spec.gid_map, 0, &gid);
	return uid != 0 || gid != 0;
}

/* The next start could not write a file that belongs to a subuid. */
static void drop_foreign_files(struct plan *p)
{
	for (size_t i = 0; i < ARRAY_LEN(file_names); i++)
		(void)unlinkat(p->dir, file_names[i], 0);
}

int plan_files(struct plan *p, struct err *err)
{
	TRACE("core", "plan files");
	const struct ctr_config *c = &p->c->config;
	bool own_ids = plan_own_root(p);
	int r;

	plan_hostname(p);
	if (own_ids)
		drop_foreign_files(p);
	r = write_hostname(p, err);
	if (r == 0 && !c->no_hosts)
		r = write_hosts(p, err);
	if (r == 0 && !streq(c->network, "none"))
		r = write_resolv(p, err);
	if (r == 0)
		r = write_containerenv(p, err);
	if (r == 0 && own_ids)
		r = userns_run(p->rt, chown_files, p, err);
	return r;
}

/* ---- the kernel's own mounts ------------------------------------------- */

static const struct ctr_mount *user_mount(const struct plan *p,
					  const char *target)
{
	const struct ctr_config *c = &p->c->config;

	for (size_t i = 0; i < c->n_mounts; i++)
		if (streq(c->mounts[i].target, target))
			return &c->mounts[i];
	return NULL;
}

bool plan_has_mount(const struct plan *p, const char *target)
{
	for (size_t i = 0; i < p->n_mounts; i++)
		if (streq(p->mounts[i].target, target))
			return true;
	return user_mount(p, target) != NULL;
}

/* A default, unless the user mounts something there. */
static void add_default(struct plan *p, enum oci_mount_kind kind,
			const char *target, const char *data, uint64_t attr)
{
	struct oci_mount m = {
		.kind = kind,
		.target = target,
		.data = data,
		.attr = attr,
		.source_fd = -EBADF,
	};

	if (!user_mount(p, target))
		plan_mount(p, &m);
}

static int add_host_bind(struct plan *p, const char *path, uint64_t attr,
			 struct err *err)
{
	struct oci_mount m = { .kind = OCI_MOUNT_BIND, .source = path,
			       .target = path, .attr = attr };
	int fd;

	if (user_mount(p, path))
		return 0;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;	/* a host without /dev/mqueue */
	if (fd < 0)
		return err_sys(err, "open %s", path);
	m.source_fd = plan_fd(p, fd);
	plan_mount(p, &m);
	return 0;
}

static int add_ipc(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	struct oci_mount shm = { .kind = OCI_MOUNT_TMPFS, .source = "shm",
				 .target = "/dev/shm", .attr = ATTR_SAFE,
				 .source_fd = -EBADF };
	int r;

	if (p->spec.ns[OCI_NS_IPC].mode == OCI_NS_HOST) {
		r = add_host_bind(p, "/dev/mqueue", ATTR_SAFE, err);
		return r < 0 ? r : add_host_bind(p, "/dev/shm", ATTR_SAFE,
						 err);
	}
	add_default(p, OCI_MOUNT_MQUEUE, "/dev/mqueue", NULL, ATTR_SAFE);
	if (streq(c->ipc, "none") || user_mount(p, shm.target))
		return 0;
	shm.data = plan_text(p, xasprintf("mode=1777,size=%" PRIu64,
					  c->shm_size));
	plan_mount(p, &shm);
	return 0;
}

static int add_kernel(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	uint64_t sys = ATTR_SAFE | (c->privileged ? 0 : MOUNT_ATTR_RDONLY);
	uint64_t dev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME;
	uint64_t cgroup = systemd_is_on(c) ? ATTR_SAFE : sys;
	const char *proc = NULL;

	if (c->readonly && !c->readonly_tmpfs)
		dev |= MOUNT_ATTR_RDONLY;
	if (c->proc_opts)
		proc = plan_text(p, strv_join(c->proc_opts, ","));
	add_default(p, OCI_MOUNT_PROC, "/proc", proc, ATTR_SAFE);
	add_default(p, OCI_MOUNT_DEV, "/dev", "mode=755,size=65536k", dev);
	add_default(p, OCI_MOUNT_DEVPTS, "/dev/pts", NULL,
		    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	add_default(p, OCI_MOUNT_SYSFS, "/sys", NULL, sys);
	add_default(p, OCI_MOUNT_CGROUP, "/sys/fs/cgroup", NULL, cgroup);
	return add_ipc(p, err);
}

/* ---- everything else --------------------------------------------------- */

static int add_file(struct plan *p, int dir, const char *name,
		    const char *target, struct err *err)
{
	struct oci_mount m = {
		.kind = OCI_MOUNT_BIND,
		.source = name,
		.target = target,
		.attr = ATTR_SAFE,
	};
	int fd;

	if (user_mount(p, target))
		return 0;
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;	/* --no-hosts, --network none */
	if (fd < 0)
		return err_sys(err, "open %s", name);
	m.source_fd = plan_fd(p, fd);
	if (p->c->config.readonly)
		m.attr |= MOUNT_ATTR_RDONLY;
	plan_mount(p, &m);
	return 0;
}

/* --network container:X shows X's name service, too. */
static int net_files_dir(struct plan *p, struct err *err)
{
	const char *id = str_after(p->c->config.network ?
					   p->c->config.network : "",
				   "container:");
	int fd;

	if (!id)
		return p->dir;
	fd = dir_open_at(p->rt->ctrs_fd, id);
	if (fd < 0)
		return err_code(err, fd, "open the directory of container %s",
				id);
	return plan_fd(p, fd);
}

/* --chrootdirs: what is below one of these sees the same files. */
static int add_file_all(struct plan *p, int dir, const char *name,
			const char *target, struct err *err)
{
	int r = add_file(p, dir, name, target, err);

	for (char **d = p->c->config.chrootdirs; r == 0 && d && *d; d++) {
		size_t n = strlen(*d);

		while (n > 0 && (*d)[n - 1] == '/')
			n--;
		r = add_file(p, dir, name,
			     plan_text(p, xasprintf("%.*s%s", (int)n, *d,
						    target)),
			     err);
	}
	return r;
}

static int add_files(struct plan *p, struct err *err)
{
	const struct ctr_mount *run = user_mount(p, "/run");
	int net = net_files_dir(p, err);
	int r;

	if (net < 0)
		return net;
	r = add_file_all(p, net, "hosts", "/etc/hosts", err);
	if (r == 0 && !dns_is_none(&p->c->config))
		r = add_file_all(p, net, "resolv.conf", "/etc/resolv.conf",
				 err);
	if (r == 0)
		r = p->c->config.no_hostname ? 0 :
		    add_file_all(p, p->dir, "hostname", "/etc/hostname", err);
	/* not into the user's own directory */
	if (r == 0 && (!run || run->type == MNT_TMPFS))
		r = add_file(p, p->dir, "containerenv", "/run/.containerenv",
			     err);
	return r;
}

static void add_readonly_tmpfs(struct plan *p)
{
	static const char *const dirs[] = { "/run", "/tmp", "/var/tmp" };

	if (!p->c->config.readonly || !p->c->config.readonly_tmpfs)
		return;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		struct oci_mount m = {
			.kind = OCI_MOUNT_TMPFS,
			.source_fd = -EBADF,
			.target = dirs[i],
			.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			.copy_up = true,
		};

		if (!plan_has_mount(p, dirs[i]))
			plan_mount(p, &m);
	}
}

/* --init-path: a program of the host that becomes pid 1 */
static int add_init(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	struct oci_mount m = {
		.kind = OCI_MOUNT_BIND,
		.source = c->init_path,
		.target = INIT_TARGET,
		.attr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			MOUNT_ATTR_NODEV,
	};
	int fd;

	if (!c->init || !c->init_path)
		return 0;
	fd = open(c->init_path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "--init-path %s", c->init_path);
	m.source_fd = plan_fd(p, fd);
	plan_mount(p, &m);
	return 0;
}

static int add_notify(struct plan *p, struct err *err)
{
	const char *path = notify_for_payload(p->c);
	struct oci_mount m = { .kind = OCI_MOUNT_BIND, .source = path,
			       .target = NOTIFY_TARGET, .attr = ATTR_SAFE };
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "NOTIFY_SOCKET %s", path);
	m.source_fd = plan_fd(p, fd);
	plan_mount(p, &m);
	return 0;
}

static int add_timezone(struct plan *p, struct err *err)
{
	const char *tz = p->c->config.tz;
	struct oci_mount m = { .kind = OCI_MOUNT_BIND,
			       .target = "/etc/localtime",
			       .attr = ATTR_SAFE | MOUNT_ATTR_RDONLY };
	autofree char *path = NULL;
	int fd;

	if (str_is_empty(tz))
		return 0;
	if (streq(tz, "local"))
		path = xstrdup("/etc/localtime");
	else if (tz[0] != '/' && !strstr(tz, ".."))
		path = xasprintf("/usr/share/zoneinfo/%s", tz);
	fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;
	if (fd < 0)
		return err_set(err, ERR_INVALID, ENOENT,
			       "finding timezone: unknown time zone %s", tz);
	m.source_fd = plan_fd(p, fd);
	m.source = plan_text(p, take_ptr(path));
	plan_mount(p, &m);
	return 0;
}

static int by_target(const void *a, const void *b)
{
	const struct oci_mount *x = a;
	const struct oci_mount *y = b;

	return strcmp(x->target, y->target);
}

int plan_mounts(struct plan *p, struct err *err)
{
	TRACE("core", "plan mounts");
	const struct ctr_config *c = &p->c->config;
	size_t kernel;
	int r;

	r = add_kernel(p, err);
	kernel = p->n_mounts;
	if (r == 0)
		systemd_mounts(p);
	if (r == 0)
		add_readonly_tmpfs(p);
	if (r == 0)
		device_mounts(p);
	if (r == 0)
		r = add_init(p, err);
	if (r == 0)
		r = add_files(p, err);
	if (r == 0)
		r = add_timezone(p, err);
	if (r == 0)
		r = add_notify(p, err);
	for (size_t i = 0; r == 0 && i < c->n_mounts; i++)
		r = plan_user_mount(p, i, err);
	for (char **d = c->devices; r == 0 && d && *d; d++)
		r = device_mount(p, *d, err);
	if (r == 0)
		r = plan_secrets(p, err);
	if (r < 0)
		return r;
	/* "/a" sorts before "/a/b": parents come first */
	qsort(p->mounts + kernel, p->n_mounts - kernel, sizeof(*p->mounts),
	      by_target);
	p->spec.mounts = p->mounts;
	p->spec.n_mounts = p->n_mounts;
	return 0;
}

int plan_visit_mounts(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_mounts; i++) {
		enum ctr_mount_type type = c->mounts[i].type;

		if (type == MNT_BIND || type == MNT_VOLUME ||
		    type == MNT_IMAGE)
			r = plan_user_mount(p, i, err);
	}
	if (r < 0)
		return r;
	if (p->n_mounts > 1)
		qsort(p->mounts, p->n_mounts, sizeof(*p->mounts), by_target);
	p->spec.mounts = p->mounts;
	p->spec.n_mounts = p->n_mounts;
	return 0;
}
