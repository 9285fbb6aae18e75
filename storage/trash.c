/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Removal is a rename into trash/ and returns at once; a child in the
 * background, as root of the user namespace, deletes what lies there.  One
 * such child works at a time (flock on the directory).  A child that finds
 * the lock taken goes away: the holder looks once more after it let go, so
 * nothing that was moved before that is forgotten.  What is left after a
 * crash is found by the next store_sweep().
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "storage/store_int.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

/* Room for the rows of a removal on a full disk. */
#define RESERVE_NAME "reserve"
#define RESERVE_BYTES (2 << 20)

#define RETRIES 20
#define RETRY_US 100000

int store_trash_move(struct store *s, int dirfd, const char *name,
		     struct err *err)
{
	int trash = store_dir(s, STORE_TRASH, err);
	char unique[STORE_UNIQUE_MAX];

	if (trash < 0)
		return trash;
	store_unique(s, unique);
	if (renameat(dirfd, name, trash, unique) == 0 || errno == ENOENT)
		return 0;
	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	return err_sys(err, "move %s to the trash", name);
}

/* Power may go while a layer is half deleted.  It must not come back to its
 * name then: that it has left is written out first. */
static void settle(int trash, int fd, const char *name, bool *settled)
{
	char path[NAME_MAX + sizeof("/layer.json")];

	snprintf(path, sizeof(path), "%s/layer.json", name);
	if (*settled || faccessat(trash, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	(void)fsync(fd);
	*settled = true;
}

/* One pass over trash/: how many entries went and how many did not. */
static void empty_pass(int trash, int *ret_gone, int *ret_left)
{
	autoclose int fd = dir_open_at(trash, ".");
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool settled = false;
	struct dirent *e;

	*ret_gone = *ret_left = 0;
	if (!d)
		return;
	take_fd(fd);
	while ((e = readdir(d))) {
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

static void empty_all(int trash)
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

/* The caller's pipes must not stay open for as long as this takes. */
static void noreturn_attr empty_child(struct store *s)
{
	int trash = s->dir[STORE_TRASH];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (s->conf.enter_userns && s->conf.enter_userns(s->conf.arg, NULL) < 0)
		child_exit(1);
	for (int fd = 0; fd < 3; fd++)
		if (null >= 0)
			dup2(null, fd);
	fd_close_all_but(&trash, 1);
	empty_all(trash);
	child_exit(0);
}

void store_trash_empty(struct store *s)
{
	pid_t pid;

	if (store_dir(s, STORE_TRASH, NULL) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		/* Twice: nobody has to reap the one that works */
		if (fork() == 0)
			empty_child(s);
		child_exit(0);
	}
	if (pid > 0)
		proc_wait(pid);
}

int store_trash(struct store *s, int dirfd, const char *name, struct err *err)
{
	int r = store_trash_move(s, dirfd, name, err);

	if (r == 0)
		store_trash_empty(s);
	return r;
}

bool trash_is_locked(struct store *s)
{
	int trash = store_dir(s, STORE_TRASH, NULL);
	autoclose int lock = trash < 0 ? trash : dir_open_at(trash, ".");

	return lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0;
}

void reserve_make(struct store *s)
{
	autoclose int fd = openat(s->conf.data_fd, RESERVE_NAME,
				  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				  0600);

	/* Best effort: without it a removal on a full disk may have to fail */
	if (fd >= 0 && posix_fallocate(fd, 0, RESERVE_BYTES) != 0)
		unlinkat(s->conf.data_fd, RESERVE_NAME, 0);
}

bool reserve_drop(struct store *s)
{
	return unlinkat(s->conf.data_fd, RESERVE_NAME, 0) == 0;
}
