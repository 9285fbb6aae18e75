/* SPDX-License-Identifier: Apache-2.0 */
#include "util/trash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

#define RETRIES 20
#define RETRY_US 100000

/* Power may go while a layer is half deleted.  It must not come back to its
 * name then: that it has left is written out first. */
static void settle(int trash, int fd, const char *name, bool *settled)
{
	char path[NAME_MAX + sizeof("/layer.json")];

	snprintf(path, sizeof(path), "%s/layer.json", name);
	if (*settled || !path_is_at(trash, path))
		return;
	(void)fsync(fd);
	*settled = true;
}

/* One pass over trash/: how many entries went and how many did not. */
static void empty_pass(int trash, int *ret_gone, int *ret_left)
{
	autoclosedir DIR *d = dir_stream_at(trash, ".");
	const struct dirent *e;
	bool settled = false;

	*ret_gone = *ret_left = 0;
	while (d && dir_next(d, &e, NULL) > 0) {
		if (*e->d_name == '.')
			continue;
		settle(trash, dirfd(d), e->d_name, &settled);
		if (tree_remove_at(trash, e->d_name, NULL) == 0)
			++*ret_gone;
		else
			++*ret_left;
	}
}

/* Until nothing is left.  Somebody who still has a directory open may write
 * into it while it is deleted (a monitor that ends): try again then. */
static void empty_locked(int trash)
{
	int gone, left;

	for (int tries = 0; tries < RETRIES;) {
		empty_pass(trash, &gone, &left);
		if (!gone && !left)
			return;
		if (gone)
			continue;
		usleep(RETRY_US);
		tries++;
	}
}

void trash_empty(int trash)
{
	int gone, left;

	do {
		autoclose int lock = dir_open_at(trash, ".");

		if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
			return;
		empty_locked(trash);
		close_fd(lock);
		empty_pass(trash, &gone, &left);
	} while (gone);
}
