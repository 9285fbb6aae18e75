/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/reset.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include "libpod/core/runtime.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

#define NAME "reset"
#define TELL_NS 1000000000ULL
#define WAIT_NS (120 * 1000000000ULL)
#define STEP_MS 20

/* "pid 123" of who resets; it may just be about to write that. */
static void holder(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[MAX(n, 0)] = '\0';
}

/* flock for a bounded time, with a word to the user when it is long */
static int lock_wait(const struct runtime *rt, int fd, struct err *err)
{
	uint64_t start = clock_mono_ns();
	bool told = false;
	char who[32];

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		uint64_t waited = clock_mono_ns() - start;

		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, "lock %s/" NAME, rt->data_path);
		holder(fd, who, sizeof(who));
		if (waited >= WAIT_NS)
			return err_set(err, ERR_FAIL, EBUSY,
				       "system reset is at work (%s): try "
				       "again when it is done", who);
		if (waited >= TELL_NS && !told) {
			log_warn("waiting for system reset (%s)", who);
			told = true;
		}
		(void)poll(NULL, 0, STEP_MS);
	}
	return 0;
}

int reset_wait(struct runtime *rt, struct err *err)
{
	autoclose int fd = openat(rt->data_fd, NAME,
				  O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return 0;
	r = lock_wait(rt, fd, err);
	/* who removes it holds the lock */
	if (r < 0 || !fd_is_at(fd, rt->data_fd, NAME))
		return r;
	log_warn("a system reset was interrupted: what it had not removed is "
		 "still there");
	(void)unlinkat(rt->data_fd, NAME, 0);
	return 0;
}

int reset_begin(struct runtime *rt, int *ret_fd, struct err *err)
{
	for (;;) {
		autoclose int fd = openat(rt->data_fd, NAME,
					  O_RDWR | O_CREAT | O_NOFOLLOW |
					  O_CLOEXEC, 0600);
		char who[32];
		int n;
		int r;

		if (fd < 0)
			return err_sys(err, "create %s/" NAME, rt->data_path);
		r = lock_wait(rt, fd, err);
		if (r < 0)
			return r;
		if (!fd_is_at(fd, rt->data_fd, NAME))
			continue;
		n = snprintf(who, sizeof(who), "pid %d", (int)getpid());
		/* only for the eyes; a full disk must not stop a reset */
		(void)!pwrite(fd, who, (size_t)n, 0);
		*ret_fd = take_fd(fd);
		return 0;
	}
}

void reset_end(struct runtime *rt, int fd)
{
	(void)unlinkat(rt->data_fd, NAME, 0);
	close(fd);
}
