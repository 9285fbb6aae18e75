/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_PATH_H
#define UTIL_PATH_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/*
 * Path resolution in trees that an image, a container or a volume owns.
 *
 * The tree is hostile and changing: a path is resolved once, beneath a
 * descriptor of its root, with ".." and absolute symlinks meaning the root
 * (as in a chroot) and magic links refused; what comes back is a descriptor
 * and the caller works on that.  openat2(2) RESOLVE_IN_ROOT does it;
 * KERNEL(5.6): where the call is missing or filtered, a component walk with
 * O_PATH|O_NOFOLLOW does the same (BRYO_FORCE=no-openat2 forces it in tests).
 *
 * All return a CLOEXEC descriptor or -errno; EAGAIN of a racing rename is
 * retried a bounded number of times.
 */

/** path_open() - open @path beneath @root with open(2) flags; no O_CREAT */
int path_open(int root, const char *path, int flags);

/**
 * path_parent() - the directory that holds the last component
 * @ret_name: the last component, copied (never "", "." or ".."); owned
 *
 * -EINVAL when the path has no last component ("/", "..").
 */
int path_parent(int root, const char *path, char **ret_name);

/**
 * path_mkdirs() - mkdir -p beneath @root, O_PATH descriptor of the last one
 * @mode: of directories that are made
 *
 * Follows in-root symlinks; -ENOTDIR when something else is in the way.
 */
int path_mkdirs(int root, const char *path, mode_t mode);

/**
 * path_target() - make sure a mount target exists; O_PATH descriptor of it
 * @is_dir: make a directory, else an empty file (parents are made 0755)
 */
int path_target(int root, const char *path, bool is_dir);

/** path_is_beneath() - @path equals @dir or lies below it, by text */
bool path_is_beneath(const char *path, const char *dir);

/** path_clean() - lexical clean-up of an absolute path ("//", "."; ".." stops
 *  at "/"); owned by the caller */
char *path_clean(const char *path);

/** path_join() - "dir/name"; owned by the caller */
char *path_join(const char *dir, const char *name);

/** path_from_cwd() - @path, below the working directory if it is relative;
 *  owned by the caller.  Not cleaned: ".." behind a symlink means what it
 *  meant. */
int path_from_cwd(const char *path, char **ret, struct err *err);

/** path_absolute() - the same through path_clean() */
int path_absolute(const char *path, char **ret, struct err *err);

#endif
