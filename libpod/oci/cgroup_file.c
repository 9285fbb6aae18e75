/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of one cgroup.  Part of bryo-monitor as well: nothing here may
 * pull in more than util.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/cgroup.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"

#define FILE_MAX_BYTES (1U << 20)
#define KILL_MS 500
#define FREEZE_MS 5000
#define DEPTH_MAX 32

int cgroup_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cgroup_write(int dir, const char *file, const char *value)
{
	autoclose int fd = openat(dir, file,
				  O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t len = strlen(value);

	if (fd < 0)
		return -errno;
	return write(fd, value, len) == (ssize_t)len ? 0 : -errno;
}

/* ---- reading ----------------------------------------------------------- */

static bool number(const char *s, uint64_t *ret)
{
	autofree char *word = xstrndup(s, strcspn(s, " \n"));

	if (streq(word, "max")) {
		*ret = UINT64_MAX;
		return true;
	}
	return parse_u64(word, ret) == 0;
}

bool cgroup_key(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	while (*text) {
		if (strncmp(text, key, len) == 0 && text[len] == ' ')
			return number(text + len + 1, ret);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}

bool cgroup_value(int fd, const char *file, const char *key, uint64_t *ret)
{
	autosb struct sb text = SB_INIT;

	if (file_read_at(fd, file, FILE_MAX_BYTES, &text) < 0)
		return false;
	return key ? cgroup_key(text.buf, key, ret) : number(text.buf, ret);
}

int cgroup_oom(int fd)
{
	uint64_t n = 0;

	if (!cgroup_value(fd, "memory.events", "oom_kill", &n))
		return -1;
	return n > 0;
}

/* "8:0 rbytes=1 wbytes=2 rios=...": one line a device */
void cgroup_io_parse(const char *text, uint64_t *ret_read,
		     uint64_t *ret_written)
{
	uint64_t n;

	*ret_read = *ret_written = 0;
	while (*text) {
		const char *value = str_after(text, "rbytes=");
		uint64_t *sum = ret_read;

		if (!value) {
			value = str_after(text, "wbytes=");
			sum = ret_written;
		}
		if (value && number(value, &n))
			*sum += n;
		text += strcspn(text, " \n");
		text += *text != '\0';
	}
}

bool cgroup_io(int fd, uint64_t *ret_read, uint64_t *ret_written)
{
	autosb struct sb text = SB_INIT;

	if (file_read_at(fd, "io.stat", FILE_MAX_BYTES, &text) < 0)
		return false;
	cgroup_io_parse(text.buf, ret_read, ret_written);
	return true;
}

/* ---- waiting ----------------------------------------------------------- */

/* Until @key of cgroup.events is @want; the kernel tells by POLLPRI. */
static bool wait_event(int fd, const char *key, uint64_t want, int ms)
{
	uint64_t end = clock_mono_ns() + (uint64_t)ms * 1000000;
	uint64_t have = !want;

	autoclose int events = openat(fd, "cgroup.events",
				      O_RDONLY | O_CLOEXEC);
	while (events >= 0) {
		struct pollfd p = { .fd = events, .events = POLLPRI };
		uint64_t now = clock_mono_ns();
		char text[256];
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);

		if (n < 0)
			return false;
		text[n] = '\0';
		if (cgroup_key(text, key, &have) && have == want)
			return true;
		if (now >= end)
			return false;
		(void)poll(&p, 1, (int)((end - now) / 1000000) + 1);
	}
	return false;
}

int cgroup_freeze(int fd, bool on, struct err *err)
{
	int r = cgroup_write(fd, "cgroup.freeze", on ? "1" : "0");

	if (r < 0)
		return err_code(err, r, "write cgroup.freeze");
	if (wait_event(fd, "frozen", on, FREEZE_MS))
		return 0;
	(void)cgroup_write(fd, "cgroup.freeze", "0");
	return err_set(err, ERR_STATE, ETIMEDOUT,
		       "its processes do not %s within %d seconds",
		       on ? "freeze" : "thaw", FREEZE_MS / 1000);
}

/* ---- removing ---------------------------------------------------------- */

/* A payload may have made cgroups below. */
static void remove_below(int dir, int depth)
{
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	const struct dirent *e;

	while (d && dir_next(d, &e, NULL) > 0) {
		if (e->d_type != DT_DIR)
			continue;
		autoclose int sub = dir_open_at(dir, e->d_name);

		if (sub >= 0 && depth < DEPTH_MAX)
			remove_below(sub, depth + 1);
		(void)unlinkat(dir, e->d_name, AT_REMOVEDIR);
	}
}

void cgroup_remove(const char *path)
{
	autoclose int fd = -EBADF;

	if (rmdir(path) == 0 || errno == ENOENT)
		return;
	fd = cgroup_open(path);
	if (fd < 0)
		return;
	/* KERNEL(5.14): without cgroup.kill what lives stays */
	(void)cgroup_write(fd, "cgroup.kill", "1");
	(void)wait_event(fd, "populated", 0, KILL_MS);
	remove_below(fd, 0);
	(void)rmdir(path);
}

/* ---- the record -------------------------------------------------------- */

#define RECORD "cgroup"

int cgroup_record_write(int run_fd, const struct cgroup *c, struct err *err)
{
	autofree char *text = NULL;

	if (run_fd < 0)
		return 0;
	if (!c->path && !c->missing) {
		(void)unlinkat(run_fd, RECORD, 0);
		return 0;
	}
	text = xasprintf("%s\n%s%s\n", c->path ? c->path : "",
			 c->missing ? "-" : "", c->missing ? c->missing : "");
	return file_write_at(run_fd, RECORD, text, strlen(text), 0600, false,
			     err);
}

void cgroup_record_read(int run_fd, struct cgroup *ret)
{
	autosb struct sb text = SB_INIT;
	char *second;

	*ret = (struct cgroup)CGROUP_INIT;
	if (run_fd < 0 ||
	    file_read_at(run_fd, RECORD, 8192, &text) < 0)
		return;
	second = strchr(text.buf, '\n');
	if (!second)
		return;
	*second++ = '\0';
	second[strcspn(second, "\n")] = '\0';
	/* "-" and names, so that "" (what v2 does not know) shows */
	if (second[0] == '-')
		ret->missing = xstrdup(second + 1);
	if (text.buf[0] != '/')
		return;
	ret->fd = cgroup_open(text.buf);
	if (ret->fd >= 0)
		ret->path = xstrdup(text.buf);
	else
		ret->fd = -EBADF;
}
