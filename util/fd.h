/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_FD_H
#define UTIL_FD_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"
#include "util/sb.h"

/*
 * Descriptors: O_CLOEXEC at birth, EINTR and short counts handled here.
 * Functions return 0 or a count, -errno on failure; those without an err
 * parameter leave the wording to the caller.
 */

/** fd_read_full() - up to @len bytes, fewer only at the end of the file */
ssize_t fd_read_full(int fd, void *buf, size_t len);

/** fd_write_full() - all of @len bytes; 0 or -errno */
int fd_write_full(int fd, const void *buf, size_t len);

/** fd_read_all() - append all that is left; -EFBIG once more than @max came */
int fd_read_all(int fd, size_t max, struct sb *out);

/**
 * file_read_at() - a whole small file
 * @dirfd: or AT_FDCWD
 * @max:   -EFBIG beyond that
 *
 * O_NOFOLLOW|O_NONBLOCK|O_NOCTTY, regular files only (/proc counts).
 */
int file_read_at(int dirfd, const char *name, size_t max, struct sb *out);

/** file_load() - the same for a file that the user chose or configured:
 *  symlinks are followed */
int file_load(const char *path, size_t max, struct sb *out);

/** file_load_any() - the same for an argument, which may be a pipe: <(CMD),
 *  /dev/stdin.  Waits for what is not there yet */
int file_load_any(const char *path, size_t max, struct sb *out);

/**
 * file_write_at() - replace a file: temporary name, [fsync,] rename[, fsync
 * of the directory]
 * @durable: it is there after a power cut once this returned 0
 */
int file_write_at(int dirfd, const char *name, const void *data, size_t len,
		  mode_t mode, bool durable, struct err *err);

/**
 * fd_memory() - an empty file in memory, which nobody can ever execute
 * @name: what /proc/PID/fd shows
 * Return: the descriptor, owned by the caller, or -errno
 */
int fd_memory(const char *name, struct err *err);

/** fd_is_at() - @fd is the file that is called @name in @dir now: whoever
 *  locks a file that others rename or remove has to ask afterwards */
bool fd_is_at(int fd, int dir, const char *name);

/** fd_cloexec() - set or clear FD_CLOEXEC */
int fd_cloexec(int fd, bool on);

/**
 * fd_null() - the descriptors @first to @last, all open, become /dev/null
 *
 * They are kept across exec.
 *
 * Return: 0, or -errno: then some are as they were.
 */
int fd_null(int first, int last);

/** fd_nonblock() - set or clear O_NONBLOCK */
int fd_nonblock(int fd, bool on);

/**
 * fd_close_all_but() - close every descriptor from 3 up that is not listed
 * @keep: borrowed, any order, negative ones ignored, sorted in place
 */
void fd_close_all_but(int *keep, size_t n);

/** fd_path() - "/proc/self/fd/N"; for calls that have no *at form */
#define FD_PATH_MAX 32
const char *fd_path(int fd, char buf[FD_PATH_MAX]);

/** fd_real_path() - where @fd is, without links; owned by the caller, NULL with
 *  errno, also when it is nowhere (a pipe) */
char *fd_real_path(int fd);

/** sock_send() - one short message, however often that is interrupted
 *  Return: 0, or -errno (-EPIPE, never SIGPIPE) */
int sock_send(int sock, const void *data, size_t len);

/** sock_send_fds()/sock_recv_fds() - one message with descriptors
 *
 * Received descriptors are CLOEXEC; *n_fds is in: room, out: received.
 * Return: bytes, 0 = end of file, -errno
 */
ssize_t sock_send_fds(int sock, const void *data, size_t len, const int *fds,
		      size_t n_fds);
ssize_t sock_recv_fds(int sock, void *data, size_t len, int *fds,
		      size_t *n_fds);

/**
 * path_is_at() - is there anything called @name, a link that leads nowhere
 * included; false with errno
 *
 * Not the C library's faccessat(): that is faccessat2(2), which a container's
 * filter of system calls may refuse with EPERM (docker before 20.10 does).
 */
bool path_is_at(int dirfd, const char *name);

/** dir_open_at() - O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC; -errno */
int dir_open_at(int dirfd, const char *name);

/**
 * dir_stream_at() - for dir_next(); as dir_open_at()
 * @name: "." reads @dirfd itself, which may be O_PATH, from its first name on
 *
 * Return: owned by the caller (autoclosedir), NULL with errno
 */
DIR *dir_stream_at(int dirfd, const char *name);

/**
 * dir_next() - the next name but "." and ".."
 * @ret: borrowed from @d, until the next call
 *
 *     while (r == 0 && (r = dir_next(d, &e, err)) > 0)
 *             r = use(e->d_name, err);
 *
 * Return: 1, 0 at the end, -errno
 */
int dir_next(DIR *d, const struct dirent **ret, struct err *err);

/** dir_list() - what is in @dirfd but hidden names, sorted, owned by the
 *  caller; NULL: nothing, or nothing that can be read */
char **dir_list(int dirfd);

/**
 * dir_make_at() - mkdir (existing is fine) and open
 *
 * Refuses what is not a directory of ours (owner and, for @mode 0700, no
 * group or other bits): a hostile run directory is never used.
 * Return: the descriptor or -errno with @err set
 */
int dir_make_at(int dirfd, const char *name, mode_t mode, struct err *err);

/**
 * tree_remove_at() - rm -rf by descriptors, never through a symlink
 *
 * Directories without permission bits are given them first.  A missing name
 * is success.  Stays on one file system.
 */
int tree_remove_at(int dirfd, const char *name, struct err *err);

#endif
