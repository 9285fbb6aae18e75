/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/trampoline.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/proc.h"

/* KERNEL(6.3): both flags; older kernels do not know them and need none. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define OVERFLOW_UID 65534
#define SIZE_MAX_INIT (4 << 20)

bool trampoline_needed(void)
{
	struct stat st;

	/*
	 * Asked with the capabilities that we have over the ids which are
	 * mapped here: the container has no more of either.  The owner could
	 * change the mode, so he counts as a writer.  The real root's file
	 * shows as 0 outside of a user namespace and as nobody's inside.
	 */
	return faccessat(AT_FDCWD, "/proc/self/exe", W_OK, AT_EACCESS) == 0 ||
	       errno != EACCES || stat("/proc/self/exe", &st) < 0 ||
	       st.st_uid == geteuid() ||
	       (st.st_uid != 0 && st.st_uid != OVERFLOW_UID);
}

static int new_memfd(void)
{
	int fd = memfd_create("bryo-init", MFD_CLOEXEC | MFD_ALLOW_SEALING |
			      MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("bryo-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

static int copy_all(int from, int to, struct err *err)
{
	ssize_t n;
	size_t total = 0;

	do {
		n = sendfile(to, from, NULL, SIZE_MAX_INIT);
		if (n < 0)
			return err_sys(err, "copy bryo-init");
		total += (size_t)n;
	} while (n > 0 && total <= SIZE_MAX_INIT);
	return 0;
}

static int seal(int fd, struct err *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
			  F_SEAL_WRITE;

	if (fchmod(fd, 0555) < 0)
		return err_sys(err, "chmod the copy of bryo-init");
	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC) == 0 ||
	    fcntl(fd, F_ADD_SEALS, seals) == 0)
		return 0;
	return err_sys(err, "seal the copy of bryo-init");
}

int trampoline_open(bool always, int *ret_fd, struct err *err)
{
	autofree char *path = NULL;
	int r;

	if (!always && !trampoline_needed())
		return 0;
	path = helper_path("bryo-init");
	if (!path)
		return err_set(err, ERR_FAIL, ENOENT,
			       "bryo-init is missing beside the program");
	autoclose int from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return err_sys(err, "open %s", path);
	autoclose int fd = new_memfd();
	if (fd < 0)
		return err_sys(err, "make a sealed copy of bryo-init");
	r = copy_all(from, fd, err);
	if (r == 0)
		r = seal(fd, err);
	if (r == 0)
		*ret_fd = take_fd(fd);
	return r;
}
