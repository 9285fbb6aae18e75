/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_CLEANUP_H
#define UTIL_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Cleanup attributes replace goto: declare an owning variable where it is
 * acquired, hand it on only with take_ptr()/take_fd().  Every destructor
 * keeps errno.  An unowned descriptor has the value -EBADF.
 */

#define cleanup(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -EBADF;
	errno = saved;
}

static inline void cleanup_fclose(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

static inline void cleanup_closedir(DIR **d)
{
	int saved = errno;

	if (*d)
		closedir(*d);
	errno = saved;
}

#define autofree cleanup(cleanup_free)
#define autoclose cleanup(cleanup_close)
#define autofclose cleanup(cleanup_fclose)
#define autoclosedir cleanup(cleanup_closedir)

/* Hand an owned pointer on: the variable becomes NULL, its type is kept. */
#define take_ptr(p)                              \
	(__extension__({                         \
		__typeof__(p) *take_pp_ = &(p);  \
		__typeof__(p) take_p_ = *take_pp_; \
		*take_pp_ = NULL;                \
		take_p_;                         \
	}))

/* Hand an owned descriptor on: the variable becomes -EBADF. */
#define take_fd(fd) take_fd_(&(fd))

static inline int take_fd_(int *fd)
{
	int r = *fd;

	*fd = -EBADF;
	return r;
}

/* Close a descriptor now and forget it; keeps errno, ignores negative ones. */
#define close_fd(fd) cleanup_close(&(fd))

#endif
