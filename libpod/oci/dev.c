/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libpod/oci/steps.h"
#include "util/cleanup.h"

/* Bound from the host, as nobody may make device nodes in a user namespace. */
static const struct {
	const char *host;	/* also where it is in the container */
	unsigned int major;
	unsigned int minor;
} nodes[] = {
	{ "/dev/null", 1, 3 },	  { "/dev/zero", 1, 5 },
	{ "/dev/full", 1, 7 },	  { "/dev/random", 1, 8 },
	{ "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static const struct {
	const char *name;
	const char *to;
} links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
	{ "core", "/proc/kcore" },
};

static int add_node(struct init *in, int dev_fd, size_t i, struct err *err)
{
	const char *name = nodes[i].host + sizeof("/dev/") - 1;
	struct stat st;

	autoclose int from = open(nodes[i].host, O_PATH | O_NOFOLLOW |
				  O_CLOEXEC);
	if (from < 0)
		return err_sys(err, "open %s", nodes[i].host);
	if (fstat(from, &st) < 0)
		return err_sys(err, "stat %s", nodes[i].host);
	if (!S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(nodes[i].major, nodes[i].minor))
		return err_set(err, ERR_FAIL, ENODEV,
			       "%s of the host is not device %u:%u",
			       nodes[i].host, nodes[i].major, nodes[i].minor);
	autoclose int fd = mnt_clone(&in->mnt, from, false, err);
	if (fd < 0)
		return fd;
	autoclose int target = openat(dev_fd, name, O_WRONLY | O_CREAT |
				      O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (target < 0)
		return err_sys(err, "make %s", nodes[i].host);
	return mnt_attach(&in->mnt, fd, target, err);
}

int dev_populate(struct init *in, int dev_fd, struct err *err)
{
	int r;

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		r = add_node(in, dev_fd, i, err);

		if (r < 0)
			return r;
	}
	/* All nodes with one call: the tree has nothing else in it yet. */
	r = mnt_setattr(&in->mnt, dev_fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
			true, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].to, dev_fd, links[i].name) < 0)
			return err_sys(err, "link /dev/%s", links[i].name);
	return 0;
}
