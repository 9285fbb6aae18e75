/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of the host in a container, each a bind mount of its node.
 *
 * --device names them, or a directory of them.  --privileged means all: but
 * without root over the host only those that the caller may open can be of
 * use, so only those are bound; the consoles (/dev/ttyN) are the host's own
 * business.
 */
#include "libpod/core/plan/device.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/core/plan/plan.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

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

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/* @source and @target are copied, @fd is taken. */
static void add_node(struct plan *p, const char *source, const char *target,
		     int fd)
{
	struct oci_mount m = {
		.kind = OCI_MOUNT_DEVICE,
		.source = plan_text(p, xstrdup(source)),
		.target = plan_text(p, xstrdup(target)),
		.source_fd = plan_fd(p, fd),
		.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	};

	plan_mount(p, &m);
}

/**
 * struct walk - devices beneath a directory of the host
 * @left: so many may still be added
 */
struct walk {
	struct plan *p;
	int left;
};

static void walk(struct walk *w, const char *dir, const char *target,
		 int depth)
{
	autoclosedir DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && w->left > 0 && (e = readdir(d))) {
		autofree char *from = xasprintf("%s/%s", dir, e->d_name);
		autofree char *to = xasprintf("%s/%s", target, e->d_name);
		struct stat st;

		if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
		    is_own(to) || plan_has_mount(w->p, to))
			continue;
		autoclose int fd = open(from, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			walk(w, from, to, depth + 1);
		if (!is_device(&st) || access(from, R_OK) < 0)
			continue;
		add_node(w->p, from, to, take_fd(fd));
		w->left--;
	}
}

void device_mounts(struct plan *p)
{
	struct walk w = { p, DEVICES_MAX };

	if (p->c->config.privileged)
		walk(&w, "/dev", "/dev", 0);
}

int device_mount(struct plan *p, const char *text, struct err *err)
{
	auto_device struct device dev = { 0 };
	struct walk w = { p, DEVICES_MAX };
	struct stat st;
	int r = device_parse(text, &dev, err);

	if (r < 0)
		return r;
	autoclose int fd = open(dev.source, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "device %s", dev.source);
	if (is_device(&st)) {
		add_node(p, dev.source, dev.target, take_fd(fd));
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s is not a device node", dev.source);
	walk(&w, dev.source, dev.target, 0);
	return w.left < DEVICES_MAX ? 0 :
	       err_set(err, ERR_INVALID, ENODEV,
		       "no devices that you may open in %s", dev.source);
}

/* ---- the text of --device ---------------------------------------------- */

static bool is_mode(const char *text)
{
	return *text && text[strspn(text, "rwm")] == '\0' &&
	       strlen(text) <= strlen("rwm");
}

int device_parse(const char *text, struct device *ret, struct err *err)
{
	autostrv char **v = strv_split(text, ':');
	size_t n = strv_len(v);
	const char *target = n > 1 ? v[1] : NULL;
	const char *mode = n > 2 ? v[2] : NULL;

	if (n < 1 || n > 3 || v[0][0] != '/')
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid device specification: %s", text);
	if (n == 2 && target[0] != '/') {
		mode = target;
		target = NULL;
	}
	if (mode && !is_mode(mode))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid device mode: %s", mode);
	if (target && target[0] != '/')
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid device specification: %s: the path in "
			       "the container must be absolute", text);
	ret->source = xstrdup(v[0]);
	ret->target = path_clean(target ? target : v[0]);
	ret->mode = xstrdup(mode ? mode : "rwm");
	return 0;
}

void device_done(struct device *dev)
{
	free(dev->source);
	free(dev->target);
	free(dev->mode);
}
