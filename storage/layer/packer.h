/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_PACKER_H
#define STORAGE_LAYER_PACKER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "storage/layer.h"
#include "util/sb.h"
#include "util/sha256.h"

/**
 * struct packer - a tar stream that is being written
 * @fd:        it goes there; borrowed
 * @single_id: owners come from user.containers.override_stat
 * @res:       counts and sizes are added; borrowed
 * @path:      of the next member, "a/b"; "" is the root
 *
 * Fill the first three; packer_hash() where the digest is wanted.
 */
struct packer {
	int fd;
	bool single_id;
	struct layer_result *res;

	struct sb path;
	struct sha256 *hash;	/* owned, may be NULL */
	struct sb out;		/* what is not written yet */
	void *seen;		/* tsearch tree of owned struct seen */
};

int packer_hash(struct packer *p, struct err *err);

/** packer_descend() - the next member is @name below @p->path */
void packer_descend(struct packer *p, const char *name);

/** packer_dir() - the directory @p->path, open as @fd: "a/b/", "./" */
int packer_dir(struct packer *p, int fd, struct err *err);

/** packer_entry() - the file @p->path, NAME in @at: all but a directory
 *  A device 0:0 becomes a whiteout, another name of an inode a hard link. */
int packer_entry(struct packer *p, int at, const char *name,
		 const struct stat *st, struct err *err);

/** packer_whiteout() - the empty file @name in @dir (@dir_len bytes) */
int packer_whiteout(struct packer *p, const char *dir, size_t dir_len,
		    const char *name, struct err *err);

/** packer_meta() - owner and mode of an open file, with those that a single-id
 *  store recorded; @ret_xattrs: the attributes that a layer carries, appended
 *  as pax records */
int packer_meta(int fd, bool single_id, struct stat *ret,
		struct sb *ret_xattrs, struct err *err);

/** packer_flush() - write what is collected in @p->out */
int packer_flush(struct packer *p, struct err *err);

/** packer_end() - the end marker; @ret_hex: sha256 of all that was written, or
 *  "" */
int packer_end(struct packer *p, char ret_hex[SHA256_HEX], struct err *err);
void packer_done(struct packer *p);

#endif
