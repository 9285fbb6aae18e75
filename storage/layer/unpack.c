/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <unistd.h>

#include "storage/layer/xattr.h"
#include "util/fd.h"
#include "util/safe.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * libarchive parses tar (that format only, no filters) out of the blocks that
 * stream.c hands it, and never writes; this file decides what a member means,
 * tree.c makes it.
 *
 *   member                          becomes
 *   directory, file, symlink, fifo  that
 *   hard link                       a link to what this layer has under the
 *                                   target's name; else an error ("chained")
 *   .wh.NAME                        a whiteout of NAME
 *   .wh..wh..opq                    its directory is opaque
 *   .wh..wh.ANYTHING                nothing (aufs had more of them)
 *   .wh., .wh.., .wh...             an error, and so is .wh.NAME/anything
 *   devices, sockets                left out, counted
 *
 *   SCHILY.xattr.*                  user.* kept, but those that overlayfs,
 *                                   fuse-overlayfs or bryo interpret: left
 *                                   out and counted, as are other namespaces
 *   security.capability             kept without its root id: the kernel
 *                                   puts that of our namespace in
 *   ACLs, uname, gname, atime       ignored
 *
 * Budgets hold for all that a member can claim; see also tree.h.  An error
 * names the member, escaped.
 */

enum {
	XATTR_MAX = 256,
	XATTR_BYTES_MAX = 256 * 1024,
};

/* The reader and what its callback needs. */
struct reader {
	struct archive *a;	/* owned */
	struct stream *stream;	/* borrowed */
	struct err stream_err;	/* why the callback failed */
	struct sb name;		/* of the member, as from tree_name() */
	struct sb target;
};

/* ---- reading ------------------------------------------------------------- */

static la_ssize_t read_block(struct archive *a, void *arg, const void **buf)
{
	struct reader *rd = arg;
	size_t len = 0;
	int r = stream_next(rd->stream, buf, &len, &rd->stream_err);

	if (r < 0) {
		archive_set_error(a, -r, "input failed");
		return ARCHIVE_FATAL;
	}
	return r == 0 ? 0 : (la_ssize_t)len;
}

/* The reason of a failed libarchive call: the input's own, or its text. */
static int reader_error(struct reader *rd, struct err *err)
{
	const char *text = archive_error_string(rd->a);

	if (err_is_set(&rd->stream_err)) {
		*err = rd->stream_err;
		return -err->code;
	}

	autofree char *safe = safe_line(text ? text : "malformed archive");
	return err_set(err, ERR_INVALID, EBADMSG, "not a valid tar: %s", safe);
}

static int reader_open(struct reader *rd, struct err *err)
{
	rd->a = archive_read_new();
	if (!rd->a)
		die_oom();
	if (archive_read_support_format_tar(rd->a) != ARCHIVE_OK ||
	    archive_read_support_filter_none(rd->a) != ARCHIVE_OK ||
	    archive_read_open(rd->a, rd, NULL, read_block, NULL) != ARCHIVE_OK)
		return reader_error(rd, err);
	return 0;
}

static void reader_done(struct reader *rd)
{
	archive_read_free(rd->a);
	sb_done(&rd->name);
	sb_done(&rd->target);
}

/* ---- attributes ---------------------------------------------------------- */

/*
 * Revision 3 carries the user id of a namespace root, which means nothing
 * here.  As revision 2 the kernel adds that of our own namespace.
 */
static bool caps_convert(struct tree_xattr *x, struct vfs_cap_data *copy)
{
	struct vfs_cap_data v;

	if (x->size != XATTR_CAPS_SZ_2 && x->size != XATTR_CAPS_SZ_3)
		return false;
	memcpy(&v, x->value, sizeof(v));
	v.magic_etc = htole32(VFS_CAP_REVISION_2 |
			      (le32toh(v.magic_etc) & VFS_CAP_FLAGS_MASK));
	*copy = v;
	x->value = copy;
	x->size = sizeof(*copy);
	return true;
}

struct xattrs {
	struct tree_xattr v[XATTR_MAX];
	struct vfs_cap_data caps;
	size_t n;
	bool has_caps;
};

static int take_xattrs(struct archive_entry *e, struct xattrs *ret,
		       struct layer_result *res, struct err *err)
{
	size_t bytes = 0;
	int n = archive_entry_xattr_reset(e);

	ret->n = 0;
	ret->has_caps = false;
	if (n > XATTR_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "more than %d extended attributes", XATTR_MAX);
	while (n-- > 0) {
		struct tree_xattr x;

		if (archive_entry_xattr_next(e, &x.name, &x.value, &x.size) !=
		    ARCHIVE_OK)
			break;
		bytes += x.size;
		if (bytes > XATTR_BYTES_MAX)
			return err_set(err, ERR_LIMIT, E2BIG,
				       "more than %d bytes of extended "
				       "attributes", XATTR_BYTES_MAX);
		bool caps = streq(x.name, XATTR_CAPS);
		if (!xattr_is_kept(x.name) ||
		    (caps && !caps_convert(&x, &ret->caps))) {
			res->skipped++;
			continue;
		}
		ret->has_caps |= caps;
		ret->v[ret->n++] = x;
	}
	return 0;
}

/* Before 1970 or beyond 64 bits of nanoseconds (2262): 1970, as others do;
 * file systems disagree about such times. */
static struct timespec time_of(struct archive_entry *e)
{
	struct timespec t = {
		.tv_sec = archive_entry_mtime(e),
		.tv_nsec = archive_entry_mtime_nsec(e),
	};

	if (t.tv_sec < 0 || t.tv_sec >= INT64_MAX / 1000000000 ||
	    t.tv_nsec < 0 || t.tv_nsec > 999999999)
		return (struct timespec){ 0 };
	return t;
}

static struct tree_meta meta_of(struct archive_entry *e,
				const struct xattrs *x)
{
	return (struct tree_meta){
		.uid = archive_entry_uid(e),
		.gid = archive_entry_gid(e),
		.mode = archive_entry_perm(e),
		.mtime = time_of(e),
		.xattr = x->v,
		.n_xattr = x->n,
	};
}

/* ---- content ------------------------------------------------------------- */

/* One piece of content; what lies between @pos and @offset is a hole. */
static int write_piece(struct unpack *u, int fd, const void *buf, size_t len,
		       int64_t offset, int64_t *pos, struct err *err)
{
	int r;

	if (budget_size(u->budget, (uint64_t)offset + len, err) < 0 ||
	    budget_content(u->budget, len, err) < 0)
		return -err->code;
	if (offset != *pos && lseek(fd, offset, SEEK_SET) < 0)
		return err_sys(err, "seek");
	r = fd_write_full(fd, buf, len);
	if (r < 0)
		return err_code(err, r, "write");
	*pos = offset + (int64_t)len;
	return 0;
}

static int write_content(struct unpack *u, struct reader *rd,
			 struct archive_entry *e, int fd, struct err *err)
{
	int64_t size = archive_entry_size(e);
	int64_t pos = 0, offset;
	const void *buf;
	size_t len;
	int r;

	if (size == 0)
		return 0;
	for (;;) {
		r = archive_read_data_block(rd->a, &buf, &len, &offset);
		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK)
			return reader_error(rd, err);
		if (len && write_piece(u, fd, buf, len, offset, &pos, err) < 0)
			return -err->code;
	}
	if (pos < size && ftruncate(fd, size) < 0)
		return err_sys(err, "set the size");
	return 0;
}

static int unpack_file(struct unpack *u, struct reader *rd,
		       struct archive_entry *e, const char *base,
		       const struct tree_meta *m, struct err *err)
{
	int64_t size = archive_entry_size(e);

	if (size < 0)
		return err_set(err, ERR_INVALID, EINVAL, "negative size");
	if (budget_size(u->budget, (uint64_t)size, err) < 0)
		return -err->code;

	autoclose int fd = tree_file(u->tree, base, m, err);
	if (fd < 0)
		return fd;
	if (write_content(u, rd, e, fd, err) < 0)
		return -err->code;
	return tree_file_end(u->tree, take_fd(fd), m, err);
}

/* ---- members ------------------------------------------------------------- */

static int unpack_symlink(struct unpack *u, struct archive_entry *e,
			  const char *base, const struct tree_meta *m,
			  struct err *err)
{
	const char *target = archive_entry_symlink(e);

	if (!target || !*target)
		return err_set(err, ERR_INVALID, EINVAL,
			       "symlink without a target");
	return tree_symlink(u->tree, base, target, m, err);
}

static int unpack_link(struct unpack *u, struct reader *rd, const char *base,
		       const char *target, struct layer_result *res,
		       struct err *err)
{
	int r = tree_name(target, &rd->target, err);

	if (r < 0)
		return err_wrap(err, r, "hard link target");
	r = tree_link(u->tree, base, rd->target.buf, err);
	if (r == -ENOENT && err->kind == ERR_UNSUPPORTED)
		res->chained = true;
	return r;
}

static int unpack_whiteout(struct unpack *u, const char *base,
			   struct err *err)
{
	const char *name = base + strlen(WHITEOUT_PREFIX);

	if (streq(base, WHITEOUT_OPAQUE))
		return tree_opaque(u->tree, err);
	if (str_starts(name, WHITEOUT_PREFIX))
		return 0;
	if (!*name || streq(name, ".") || streq(name, ".."))
		return err_set(err, ERR_INVALID, EINVAL,
			       "whiteout of nothing");
	return tree_whiteout(u->tree, name, err);
}

/* 1 when a parent in @name is one of aufs' own, -errno for a whiteout */
static int check_parents(const char *name, struct err *err)
{
	for (const char *slash; (slash = strchr(name, '/')); name = slash + 1) {
		if (!str_starts(name, WHITEOUT_PREFIX))
			continue;
		if (str_starts(name, WHITEOUT_PREFIX WHITEOUT_PREFIX))
			return 1;
		return err_set(err, ERR_INVALID, EINVAL,
			       "a whiteout is used as a directory");
	}
	return 0;
}

static int unpack_root(struct unpack *u, struct archive_entry *e,
		       const struct tree_meta *m, struct err *err)
{
	if (archive_entry_hardlink(e) || archive_entry_filetype(e) != AE_IFDIR)
		return err_set(err, ERR_INVALID, EINVAL,
			       "the root is not a directory");
	return tree_root(u->tree, m, err);
}

static int unpack_typed(struct unpack *u, struct reader *rd,
			struct archive_entry *e, const char *base,
			const struct xattrs *x, struct layer_result *res,
			struct err *err)
{
	const struct tree_meta m = meta_of(e, x);

	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		res->setid |= (m.mode & 06000) || x->has_caps;
		return unpack_file(u, rd, e, base, &m, err);
	case AE_IFDIR:
		return tree_dir(u->tree, base, &m, err);
	case AE_IFLNK:
		return unpack_symlink(u, e, base, &m, err);
	case AE_IFIFO:
		return tree_fifo(u->tree, base, &m, err);
	default:
		res->skipped++;
		return 0;
	}
}

static bool is_left_out(struct archive_entry *e)
{
	switch (archive_entry_filetype(e)) {
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFSOCK:
		return !archive_entry_hardlink(e);
	default:
		return false;
	}
}

static int unpack_member(struct unpack *u, struct reader *rd,
			 struct archive_entry *e, const char *name,
			 struct layer_result *res, struct err *err)
{
	const char *link = archive_entry_hardlink(e);
	struct xattrs x;
	const char *base;
	int r;

	if (tree_name(name, &rd->name, err) < 0)
		return -err->code;
	r = u->raw ? 0 : check_parents(rd->name.buf, err);
	if (r)
		return r < 0 ? r : 0;
	if (take_xattrs(e, &x, res, err) < 0)
		return -err->code;
	if (!rd->name.len) {
		const struct tree_meta m = meta_of(e, &x);

		return unpack_root(u, e, &m, err);
	}
	if (is_left_out(e)) {
		res->skipped++;
		return 0;
	}
	if (tree_parent(u->tree, rd->name.buf, &base, err) < 0)
		return -err->code;
	if (!u->raw && str_starts(base, WHITEOUT_PREFIX))
		return unpack_whiteout(u, base, err);
	if (link)
		return unpack_link(u, rd, base, link, res, err);
	return unpack_typed(u, rd, e, base, &x, res, err);
}

/* 1 a member was handled, 0 the end, -errno */
static int unpack_next(struct unpack *u, struct reader *rd,
		       struct layer_result *res, struct err *err)
{
	struct archive_entry *e;
	int r = archive_read_next_header(rd->a, &e);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return reader_error(rd, err);
	if (++res->entries > u->max_entries)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "more than %" PRIu64 " members",
			       u->max_entries);

	const char *name = archive_entry_pathname(e);
	if (!name)
		return err_set(err, ERR_INVALID, EILSEQ,
			       "member %" PRIu64 " has no readable name",
			       res->entries);
	r = unpack_member(u, rd, e, name, res, err);
	if (r < 0 && !err_is_set(&rd->stream_err)) {
		autofree char *safe = safe_line(name);

		return err_wrap(err, r, "member '%.300s'", safe);
	}
	return r < 0 ? r : 1;
}

/* The parser stops at the end of the archive; the hashes go on. */
static int drain(struct reader *rd, struct err *err)
{
	const void *buf;
	size_t len;
	int r;

	do {
		r = stream_next(rd->stream, &buf, &len, err);
	} while (r > 0);
	return r;
}

/* No byte at all is an empty layer, which libarchive does not know. */
static bool is_empty(const struct reader *rd)
{
	return rd->stream->tar_len == 0 && !err_is_set(&rd->stream_err);
}

int unpack_run(struct unpack *u, struct layer_result *res, struct err *err)
{
	struct reader rd = {
		.stream = u->stream,
		.stream_err = ERR_INIT,
		.name = SB_INIT,
		.target = SB_INIT,
	};
	int r = reader_open(&rd, err);

	if (r == 0)
		do {
			r = unpack_next(u, &rd, res, err);
		} while (r > 0);
	if (r < 0 && is_empty(&rd))
		r = err_clear(err);
	if (r == 0)
		r = drain(&rd, err);
	if (r == 0)
		r = tree_end(u->tree, err);
	res->bytes = u->budget->used;
	reader_done(&rd);
	return r;
}
