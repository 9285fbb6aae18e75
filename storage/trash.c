/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Removal is a rename into trash/ and returns at once; a child in the
 * background, as root of the user namespace, deletes what lies there: see
 * util/trash.h.  What is left after a crash is found by the next
 * store_sweep().
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "storage/store_int.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/trash.h"

/* Room for the rows of a removal on a full disk. */
#define RESERVE_NAME "reserve"
#define RESERVE_BYTES (2 << 20)

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

/* The caller's pipes must not stay open for as long as this takes. */
static void noreturn_attr empty_child(struct store *s)
{
	int trash = s->dir[STORE_TRASH];

	setsid();
	(void)fd_null(0, 2);
	if (s->conf.enter_userns && s->conf.enter_userns(s->conf.arg, NULL) < 0)
		child_exit(1);
	fd_close_all_but(&trash, 1);
	trash_empty(trash);
	child_exit(0);
}

void trash_reap(struct store *s)
{
	if (s->emptier > 0)
		(void)proc_wait(s->emptier);
	s->emptier = 0;
}

void store_trash_begin(struct store *s)
{
	pid_t pid;

	if (store_dir(s, STORE_TRASH, NULL) < 0)
		return;
	trash_reap(s);
	pid = fork();
	if (pid == 0) {
		/* Twice: nobody has to reap the one that works */
		if (fork() == 0)
			empty_child(s);
		child_exit(0);
	}
	if (pid > 0)
		s->emptier = pid;
}

void store_trash_empty(struct store *s)
{
	store_trash_begin(s);
	trash_reap(s);
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
