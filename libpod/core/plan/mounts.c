/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of a container.
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
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/* ---- the kernel's own mounts ------------------------------------------- */

const struct ctr_mount *plan_user_mount_at(const struct plan *p,
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
	return plan_user_mount_at(p, target) != NULL;
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

	if (!plan_user_mount_at(p, target))
		plan_mount(p, &m);
}

static int add_host_bind(struct plan *p, const char *path, uint64_t attr,
			 struct err *err)
{
	struct oci_mount m = { .kind = OCI_MOUNT_BIND, .source = path,
			       .target = path, .attr = attr };
	int fd;

	if (plan_user_mount_at(p, path))
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
				 .target = "/dev/shm", .attr = PLAN_ATTR_SAFE,
				 .source_fd = -EBADF };
	int r;

	if (p->spec.ns[OCI_NS_IPC].mode == OCI_NS_HOST) {
		r = add_host_bind(p, "/dev/mqueue", PLAN_ATTR_SAFE, err);
		return r < 0 ? r : add_host_bind(p, "/dev/shm", PLAN_ATTR_SAFE,
						 err);
	}
	add_default(p, OCI_MOUNT_MQUEUE, "/dev/mqueue", NULL, PLAN_ATTR_SAFE);
	if (streq(c->ipc, "none") || plan_user_mount_at(p, shm.target))
		return 0;
	shm.data = plan_text(p, xasprintf("mode=1777,size=%" PRIu64,
					  c->shm_size));
	plan_mount(p, &shm);
	return 0;
}

static int add_kernel(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	uint64_t sys = PLAN_ATTR_SAFE | (c->privileged ? 0 : MOUNT_ATTR_RDONLY);
	uint64_t dev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME;
	uint64_t cgroup = systemd_is_on(c) ? PLAN_ATTR_SAFE : sys;
	const char *proc = NULL;

	if (c->readonly && !c->readonly_tmpfs)
		dev |= MOUNT_ATTR_RDONLY;
	if (c->proc_opts)
		proc = plan_text(p, strv_join(c->proc_opts, ","));
	add_default(p, OCI_MOUNT_PROC, "/proc", proc, PLAN_ATTR_SAFE);
	add_default(p, OCI_MOUNT_DEV, "/dev", "mode=755,size=65536k", dev);
	add_default(p, OCI_MOUNT_DEVPTS, "/dev/pts", NULL,
		    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	add_default(p, OCI_MOUNT_SYSFS, "/sys", NULL, sys);
	add_default(p, OCI_MOUNT_CGROUP, "/sys/fs/cgroup", NULL, cgroup);
	return add_ipc(p, err);
}

/* ---- everything else --------------------------------------------------- */

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

static int open_init(const struct ctr_config *c, struct err *err)
{
	int fd = open(c->init_path, O_PATH | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "container-init binary not found on the "
				"host: stat %s", c->init_path) : fd;
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
	fd = open_init(c, err);
	if (fd < 0)
		return fd;
	m.source_fd = plan_fd(p, fd);
	plan_mount(p, &m);
	return 0;
}

static int add_notify(struct plan *p, struct err *err)
{
	const char *path = notify_for_payload(p->c);
	struct oci_mount m = { .kind = OCI_MOUNT_BIND, .source = path,
			       .target = NOTIFY_TARGET,
			       .attr = PLAN_ATTR_SAFE };
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

static int open_timezone(const char *tz, char **ret_path, struct err *err)
{
	autofree char *path = NULL;
	int fd;

	if (streq(tz, "local"))
		path = xstrdup("/etc/localtime");
	else if (tz[0] != '/' && !strstr(tz, ".."))
		path = xasprintf("/usr/share/zoneinfo/%s", tz);
	fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;
	if (fd < 0)
		return err_set(err, ERR_INVALID, ENOENT,
			       "finding timezone: unknown time zone %s", tz);
	*ret_path = take_ptr(path);
	return fd;
}

int plan_files_check(const struct ctr_config *c, struct err *err)
{
	autofree char *path = NULL;
	autoclose int zone = -EBADF;
	autoclose int init = -EBADF;

	if (!str_is_empty(c->tz)) {
		zone = open_timezone(c->tz, &path, err);
		if (zone < 0)
			return zone;
	}
	if (c->init && c->init_path)
		init = open_init(c, err);
	return c->init && c->init_path && init < 0 ? init : 0;
}

static int add_timezone(struct plan *p, struct err *err)
{
	const char *tz = p->c->config.tz;
	struct oci_mount m = { .kind = OCI_MOUNT_BIND,
			       .target = "/etc/localtime",
			       .attr = PLAN_ATTR_SAFE | MOUNT_ATTR_RDONLY };
	autofree char *path = NULL;
	int fd;

	if (str_is_empty(tz))
		return 0;
	fd = open_timezone(tz, &path, err);
	if (fd < 0)
		return fd;
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
		r = plan_add_files(p, err);
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
