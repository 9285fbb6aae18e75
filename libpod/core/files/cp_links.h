/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_FILES_CP_LINKS_H
#define CORE_FILES_CP_LINKS_H

#include <stddef.h>
#include <sys/stat.h>

/*
 * Files with several names in a tree that is being copied.  So many are
 * remembered, of others each name becomes a file of its own.
 */
#define CP_LINKS_MAX 256

/**
 * struct cp_link - a file that was copied
 * @dev, @ino: of the source
 * @name: of the copy; owned
 * @dir:  where that is, or -EBADF; owned
 * @to_dev, @to_ino: of the copy
 */
struct cp_link {
	dev_t dev, to_dev;
	ino_t ino, to_ino;
	char *name;
	int dir;
};

struct cp_links {
	struct cp_link v[CP_LINKS_MAX];
	size_t n;
};

/** cp_links_find() - what became of the source @st; NULL: not seen yet, or it
 *  has one name only.  Borrowed */
const struct cp_link *cp_links_find(const struct cp_links *l,
				    const struct stat *st);

/** cp_links_add() - @name in @dir (duplicated; -EBADF: none) is the copy of a
 *  source that cp_links_find() has not found */
void cp_links_add(struct cp_links *l, const struct stat *st, int dir,
		  const char *name);

/** cp_links_make() - one more name for a copy: 0, or -errno when its name is
 *  something else by now, or cannot be linked; @name is free then */
int cp_links_make(const struct cp_link *seen, int dir, const char *name);

void cp_links_done(struct cp_links *l);

#endif
