/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --privileged: the devices of the host.  Without root over the host only
 * those that the caller may open can be of use, so only those are bound; the
 * consoles (/dev/ttyN) are the host's own business.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan.h"
#include "util/fd.h"
#include "util/str.h"

/* /dev/bus/usb/001/002 and /dev/dri/by-path are the deepest */
#define DEPTH_MAX 4
#define DEVICES_MAX 512

/* What a container has of its own, and what is not made of devices */
static bool is_own(const char *path)
{
	static const char *const own[] = {
		"/dev/null",   "/dev/zero",    "/dev/full",   "/dev/random",
		"/dev/urandom", "/dev/tty",    "/dev/ptmx",   "/dev/console",
		"/dev/pts",    "/dev/shm",     "/dev/mqueue", "/dev/fd",
		"/dev/.lxc",   "/dev/.udev",   "/dev/.lxd-mounts",
		"/dev/hugepages",
	};
	const char *tty = str_after(path, "/dev/tty");

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (streq(path, own[i]))
			return true;
	return tty && isdigit((unsigned char)*tty);
}

static void add_node(struct plan *p, const char *path, int fd)
{
	struct oci_mount m = {
		.kind = OCI_MOUNT_DEVICE,
		.source = plan_text(p, xstrdup(path)),
		.source_fd = plan_fd(p, fd),
		.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	};

	m.target = m.source;
	plan_mount(p, &m);
}

static void walk(struct plan *p, const char *dir, int depth, int *left)
{
	autoclosedir DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && *left > 0 && (e = readdir(d))) {
		autofree char *path = xasprintf("%s/%s", dir, e->d_name);
		struct stat st;

		if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
		    is_own(path) || plan_has_mount(p, path))
			continue;
		autoclose int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			walk(p, path, depth + 1, left);
		if ((!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) ||
		    access(path, R_OK) < 0)
			continue;
		add_node(p, path, take_fd(fd));
		(*left)--;
	}
}

void device_mounts(struct plan *p)
{
	int left = DEVICES_MAX;

	if (p->c->config.privileged)
		walk(p, "/dev", 0, &left);
}
