/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Destinations of push that are files: oci:, oci-archive: and dir:.  Blobs are
 * copied at once, so an event is there as soon as blob() returns.  Manifests
 * of list members come by digest and are blobs among others; the one without
 * a reference is the image, and with it the layout is complete.
 *
 * A new file or directory that was not completed is removed again.
 */
#include "storage/archive/dest_layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/archive/layout.h"
#include "storage/archive/sink.h"
#include "storage/dest.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/**
 * struct layout_dest - one call of push
 * @fd:     of the file or directory, owned
 * @path:   of it, owned
 * @ref:    what the image is called in there, or NULL; owned
 * @index:  of an OCI layout, owned
 * @sent:   digests that are in there; a strv, owned
 * @ended:  keys of blobs whose end was not told yet, owned
 * @made:   it was not there before
 */
struct layout_dest {
	struct dest dest;
	enum dest_layout kind;
	struct sink k;
	int fd;
	char *path;
	char *ref;
	struct json_object *index;
	char **sent;
	struct dest_event *ended;
	size_t n_ended;
	bool made;
	bool complete;
};

static struct layout_dest *dest_of(struct dest *d)
{
	return (struct layout_dest *)d;
}

static char *member_of(const struct layout_dest *ld, const char *digest,
		       const char *suffix)
{
	return xasprintf("%s%s%s",
			 ld->kind == DEST_DIR ? "" : LAYOUT_BLOBS "/",
			 digest_hex(digest),
			 ld->kind == DEST_DIR ? suffix : "");
}

static int layout_has(struct dest *d, const char *digest,
		      struct err *err unused_attr)
{
	struct layout_dest *ld = dest_of(d);
	autofree char *name = member_of(ld, digest, "");

	return strv_contains(ld->sent, digest) ||
	       sink_has(&ld->k, name, NULL);
}

static void tell_ended(struct layout_dest *ld, uint32_t key, uint64_t size,
		       const char *how)
{
	struct dest_event *ev;

	ld->ended = xreallocarray(ld->ended, ld->n_ended + 1,
				  sizeof(*ld->ended));
	ev = &ld->ended[ld->n_ended++];
	*ev = (struct dest_event){
		.key = key, .done = size, .ended = true, .err = ERR_INIT,
	};
	snprintf(ev->how, sizeof(ev->how), "%s", how);
}

static int layout_blob(struct dest *d, const struct desc *b,
		       const char *from unused_attr, int fd, uint32_t key,
		       struct err *err)
{
	struct layout_dest *ld = dest_of(d);
	autofree char *name = member_of(ld, b->digest, "");
	bool there = strv_contains(ld->sent, b->digest) ||
		     sink_has(&ld->k, name, &b->size);
	int r = there ? 0 : sink_copy(&ld->k, name, fd, b->size, err);

	if (r < 0)
		return err_wrap(err, r, "%s", ld->dest.name);
	strv_add(&ld->sent, b->digest);
	tell_ended(ld, key, b->size, there ? "exists" : "sent");
	return 0;
}

static int layout_fd(struct dest *d unused_attr)
{
	return -EBADF;
}

static int layout_event(struct dest *d, struct dest_event *ret,
			struct err *err unused_attr)
{
	struct layout_dest *ld = dest_of(d);

	if (!ld->n_ended)
		return 0;
	*ret = ld->ended[--ld->n_ended];
	return 1;
}

/* ---- manifests ---------------------------------------------------------- */

static int put_manifest(struct layout_dest *ld, const char *digest,
			const void *data, size_t len, struct err *err)
{
	autofree char *name = member_of(ld, digest, ".manifest.json");

	if (strv_contains(ld->sent, digest))
		return 0;
	strv_add(&ld->sent, digest);
	return sink_file(&ld->k, name, data, len, err);
}

static int complete(struct layout_dest *ld, const char *type, const void *data,
		    size_t len, struct err *err)
{
	char digest[DIGEST_MAX];
	int r;

	if (ld->kind == DEST_DIR) {
		r = dirlayout_end(&ld->k, data, len, err);
	} else {
		r = digest_of(data, len, digest, err);
		if (r == 0)
			r = put_manifest(ld, digest, data, len, err);
		if (r < 0)
			return r;
		layout_index_add(ld->index, type, digest, len, ld->ref, NULL);
		r = layout_end(&ld->k, ld->index, err);
	}
	if (r == 0)
		r = sink_finish(&ld->k, err);
	ld->complete = r == 0;
	return r;
}

static int layout_manifest(struct dest *d, const char *ref, const char *type,
			   const void *data, size_t len, struct err *err)
{
	struct layout_dest *ld = dest_of(d);
	int r = digest_is_valid(ref) ?
			put_manifest(ld, ref, data, len, err) :
			complete(ld, type, data, len, err);

	return r < 0 ? err_wrap(err, r, "%s", ld->dest.name) : 0;
}

/* ---- open and close ----------------------------------------------------- */

static void layout_close(struct dest *d)
{
	struct layout_dest *ld = dest_of(d);

	sink_done(&ld->k);
	if (ld->made && !ld->complete && ld->kind == DEST_OCI_ARCHIVE)
		(void)unlink(ld->path);
	else if (ld->made && !ld->complete)
		(void)tree_remove_at(AT_FDCWD, ld->path, NULL);
	json_object_put(ld->index);
	close_fd(ld->fd);
	strv_free(ld->sent);
	free(ld->ended);
	free(ld->path);
	free(ld->ref);
	free(ld);
}

static const struct dest_ops layout_ops = {
	.has = layout_has,
	.blob = layout_blob,
	.fd = layout_fd,
	.event = layout_event,
	.manifest = layout_manifest,
	.close = layout_close,
};

static int open_archive(struct layout_dest *ld, struct err *err)
{
	struct stat st;

	ld->made = access(ld->path, F_OK) < 0;
	ld->fd = open(ld->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY,
		      0666);
	if (ld->fd < 0)
		return err_sys(err, "open %s", ld->path);
	if (fstat(ld->fd, &st) < 0)
		return err_sys(err, "stat %s", ld->path);
	if (S_ISREG(st.st_mode) && st.st_size)
		return err_set(err, ERR_INVALID, EEXIST,
			       "%s: there is a file already, and an archive "
			       "cannot be added to", ld->path);
	ld->k = sink_tar(ld->fd);
	return 0;
}

static int open_dir(struct layout_dest *ld, struct err *err)
{
	ld->made = mkdir(ld->path, 0777) == 0;
	if (!ld->made && errno != EEXIST)
		return err_sys(err, "make directory %s", ld->path);
	ld->fd = open(ld->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ld->fd < 0)
		return err_sys(err, "open %s", ld->path);
	ld->k = sink_dir(ld->fd);
	return 0;
}

int dest_layout_open(const char *name, enum dest_layout kind,
		     const char *path, const char *ref, struct dest **ret,
		     struct err *err)
{
	struct layout_dest *ld = xcalloc(1, sizeof(*ld));
	int r;

	ld->dest.ops = &layout_ops;
	ld->dest.name = xstrdup(name);
	ld->dest.format = kind == DEST_DIR ? NULL : "oci";
	ld->kind = kind;
	ld->k = (struct sink)SINK_INIT;
	ld->fd = -EBADF;
	ld->path = xstrdup(path);
	ld->ref = xstrdup(ref);
	auto_dest struct dest *d = &ld->dest;
	if (kind == DEST_DIR && ref)
		return err_set(err, ERR_USAGE, EINVAL,
			       "%s: dir: takes a path only", name);
	r = kind == DEST_OCI_ARCHIVE ? open_archive(ld, err) :
				       open_dir(ld, err);
	if (r == 0)
		r = kind == DEST_DIR ? dirlayout_begin(&ld->k, err) :
				       layout_begin(&ld->k, &ld->index, err);
	if (r < 0)
		return r;
	*ret = take_ptr(d);
	return 0;
}
