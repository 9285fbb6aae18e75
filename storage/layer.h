/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_H
#define STORAGE_LAYER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"
#include "util/err.h"

/*
 * bryo-layer: the sandboxed process that parses tar.  One process per layer.
 *
 * Client side of its command line and result protocol; the program itself is
 * storage/layer/main.c.  The child gets exactly these descriptors:
 *
 *            unpack, inflate, compress             pack and the like
 *   0  input: the (compressed) layer           /dev/null
 *   1  staging directory, becomes its root     directory to pack, likewise
 *   2  stderr                                  stderr
 *   3  result socket (SOCK_SEQPACKET)          the same
 *   4  copy of the input, or /dev/null;        output: the tar stream
 *      inflate, compress: output, the stream
 *   5  beginning of the input, or /dev/null    /dev/null
 *
 * Messages on descriptor 3 are texts of "key=value" lines: any number of
 * progress ("done=BYTES") and "implied=PATH" messages, then one with either
 * "error=" or the result.
 *
 * What becomes of the members of a layer (the long list is in
 * storage/layer/unpack.c): names lose "/" and "./" in front, a ".." component
 * is an error; the last of several members of one name wins; a symlink of the
 * same layer in the place of a parent directory is followed inside the layer
 * as a chroot would, and is an error when it leads nowhere; whiteouts hide
 * what lower layers have, never what this layer has; device nodes are left
 * out and counted; of the extended attributes user.* and security.capability
 * are kept, but none that overlayfs, fuse-overlayfs or bryo give a meaning.
 */

enum layer_format {	/* how whiteouts are stored */
	LAYER_OVERLAY,	/* char 0:0 and user.overlay.opaque */
	LAYER_PLAIN,	/* .wh. files: stores that cannot hold the former */
};

/**
 * struct layer_host - a bryo-layer that is loaded, and forks jobs
 * @pid: 0: there is none
 *
 * Its jobs are children of the caller like all others, in sandboxes of their
 * own; only loading the program is shared.
 */
struct layer_host {
	pid_t pid;
	int pidfd;
	int sock;
};

#define LAYER_HOST_INIT { 0, -EBADF, -EBADF }

/** layer_host_start() - returns while it still loads
 *  @enter_userns, @arg: as in struct layer_apply */
int layer_host_start(int (*enter_userns)(void *arg, struct err *err),
		     void *arg, struct layer_host *ret, struct err *err);

/** layer_host_end() - jobs go on; also after LAYER_HOST_INIT and twice */
void layer_host_end(struct layer_host *host);

/**
 * struct layer_apply - unpack one layer
 * @input:      descriptor with the compressed (or plain) tar stream
 * @staging:    empty directory that becomes the layer
 * @blob:       file that gets a copy of @input, written from its current
 *              offset on, or -EBADF
 * @resume:     file with the beginning of the stream, or -EBADF; read before
 *              @input, not copied to @blob (both may be the same file, opened
 *              twice)
 * @resume_len: bytes of @resume to use, from offset 0
 * @digest:     "sha256:HEX" expected of @resume and @input together, or NULL
 * @size:       expected bytes of them, or 0
 * @diff_id:    "sha256:HEX" expected of the tar stream, or NULL
 * @max_bytes:  budget of bytes written, also the largest size a sparse file
 *              may claim; 0 = 50 GiB.  Free space less a small reserve is the
 *              limit in any case.
 * @max_entries: budget of members, 0 = 4194304
 * @raw:        the tar is no layer: .wh. names are nothing special, and the
 *              directory may hold something already
 * @unhashed:   nobody asks for its digests: those of the result are ""
 * @single_id:  chown nothing; owners are recorded in the xattr
 *              user.containers.override_stat that fuse-overlayfs reads
 * @enter_userns: as in struct store_conf; may be NULL.  It joins a user
 *              namespace, not a mount namespace: @staging has to be reachable
 *              in the mount namespace of the caller.
 * @host:       forks the job, with an @enter_userns of its own; NULL or
 *              broken: a program is started for it.  layer_job_start() only.
 *
 * Nothing is synced: the caller does that for the staging directory and the
 * blob (one syncfs(2) covers both) before it renames them into place, and it
 * discards them when the job fails.
 */
struct layer_apply {
	int input;
	int staging;
	int blob;
	int resume;
	uint64_t resume_len;
	const char *digest;
	uint64_t size;
	const char *diff_id;
	uint64_t max_bytes;
	uint64_t max_entries;
	enum layer_format format;
	bool raw;
	bool unhashed;
	bool single_id;
	int (*enter_userns)(void *arg, struct err *err);
	void *arg;
	struct layer_host *host;
};

/**
 * struct layer_result - what bryo-layer found
 * @digest, @diff_id: "sha256:HEX", computed
 * @size:     compressed bytes,  @diff_size: bytes of the tar stream
 * @bytes:    bytes of file content written
 * @entries:  members of the archive
 * @setid:    holds setuid, setgid or file-capability files
 * @chained:  a hard link leaves the layer: such a layer depends on those
 *            below it and is refused; set together with the error
 * @skipped:  members and extended attributes that were left out: device
 *            nodes, sockets, attributes of other namespaces
 * @implied:  directories that exist only because something below them does
 *            (0755, 0:0): they have to take the metadata of the layer below;
 *            relative paths, a strv, owned: layer_result_done() frees it
 */
struct layer_result {
	char digest[72];
	char diff_id[72];
	uint64_t size;
	uint64_t diff_size;
	uint64_t bytes;
	uint64_t entries;
	bool setid;
	bool chained;
	uint64_t skipped;
	char **implied;
};

/** layer_result_done() - free what it owns; fine on a zeroed one */
void layer_result_done(struct layer_result *res);

#define auto_layer_result cleanup(layer_result_done)

/**
 * struct layer_job - a running bryo-layer
 * @sock: result socket; poll it, then layer_job_read()
 * @done: bytes of input so far (with those of @resume), from progress messages
 * @over: the last message came, the helper ends by itself
 * @implied: collected until the result comes, @n_implied of them; owned
 */
struct layer_job {
	pid_t pid;
	int pidfd;
	int sock;
	uint64_t done;
	bool over;
	char **implied;
	size_t n_implied;
};

#define LAYER_JOB_INIT { 0, -EBADF, -EBADF, 0, false, NULL, 0 }

/** layer_job_start() - start unpacking; descriptors of @a stay the caller's */
int layer_job_start(const struct layer_apply *a, struct layer_job *ret,
		    struct err *err);

/** layer_job_read() - one message: 1 finished (@ret filled), 0 progress,
 *  -errno with the helper's own reason (names the entry and the limit) */
int layer_job_read(struct layer_job *job, struct layer_result *ret,
		   struct err *err);

/** layer_job_end() - kill if it still runs, reap, close; also after
 *  LAYER_JOB_INIT and twice */
void layer_job_end(struct layer_job *job);

/**
 * layer_diff_stream() - the reverse: a tar of layers/HEX/diff (or of a
 * container's upper directory) with OCI whiteouts, written to @out by a
 * sandboxed bryo-layer child; sorted, stable
 * @format: whiteouts of the directory; all forms are known in both formats
 * @ret: digest = diff_id of the stream
 *
 * Blocks until the stream is complete.  Where the user namespace maps a
 * single id, owners come from user.containers.override_stat.
 */
int layer_diff_stream(int dir, enum layer_format format, int out,
		      int (*enter_userns)(void *arg, struct err *err),
		      void *arg, struct layer_result *ret, struct err *err);

/** layer_diff_start() - the same without waiting */
int layer_diff_start(int dir, enum layer_format format, int out,
		     int (*enter_userns)(void *arg, struct err *err),
		     void *arg, struct layer_job *ret, struct err *err);

enum layer_walk_kind {
	LAYER_MERGED,	/* what the directories show together, as a flat tar */
	LAYER_DIFF,	/* what changed against those below, as a layer */
	LAYER_CHANGES,	/* the same as a list: "A/path" and NUL, unsorted */
};

/**
 * struct layer_walk - several directories, looked at together
 * @root:  directory in which the paths that follow are
 * @tops:  the new state, top first; not empty
 * @below: what was there before, top first; NULL for LAYER_MERGED
 * @omit:  paths without the leading slash: empty files and directories that
 *         were made as mount points
 * @plain: the tops are plain trees, without whiteouts
 * @raw:   nowhere are whiteouts: trees are compared as they lie there
 * @full:  the tops are whole trees (vfs): what is not there was deleted
 * @with_root: a member for the root directory (LAYER_MERGED)
 * @since_ns: @full: what did not change after it has its old content
 * @enter_userns: as in struct layer_apply
 *
 * All borrowed.  Whiteouts are known in each form, whichever driver wrote
 * them.  The child sees these directories and nothing else.
 */
struct layer_walk {
	enum layer_walk_kind kind;
	int root;
	char *const *tops;
	char *const *below;
	char *const *omit;
	bool plain;
	bool raw;
	bool full;
	bool with_root;
	int64_t since_ns;
	int (*enter_userns)(void *arg, struct err *err);
	void *arg;
};

/** layer_walk_start() - a sandboxed child that writes to @out; then as with
 *  layer_job_start().  The result has counts and no digest. */
int layer_walk_start(const struct layer_walk *w, int out,
		     struct layer_job *ret, struct err *err);

/** layer_walk_run() - the same, and wait for the end */
int layer_walk_run(const struct layer_walk *w, int out,
		   struct layer_result *ret, struct err *err);

/**
 * layer_inflate_start() - write the tar stream of a compressed layer to @out;
 * then as with layer_job_start()
 * @a:   input, size, digest, diff_id, max_bytes and enter_userns are used;
 *       @staging is an empty directory, the root of the sandbox, which it
 *       cannot write to: several may share one
 *
 * Of the digests those are computed that @a names; when the stream was not
 * what @a says, that is found out after it was written.
 */
int layer_inflate_start(const struct layer_apply *a, int out,
			struct layer_job *ret, struct err *err);

/** layer_inflate() - the same, and wait for the end */
int layer_inflate(const struct layer_apply *a, int out,
		  struct layer_result *ret, struct err *err);

/**
 * layer_compress() - a layer in another compression, written to @out
 * @a:     as for layer_inflate(); the input may be in any compression or in
 *         none
 * @codec: "gzip" or "zstd"
 * @level: 0 the fast default; gzip 1..9, zstd 1..20
 * @ret:   digest and size are those of the output, diff_size and (when @a
 *         names one) diff_id of the tar stream in it
 *
 * The same layer gives the same bytes.  Blocks until it is complete.
 */
int layer_compress(const struct layer_apply *a, int out, const char *codec,
		   unsigned int level, struct layer_result *ret,
		   struct err *err);

#endif
