/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Layers as tar streams.  Inflating and hashing are all of the work, so several
 * bryo-layer do it side by side:
 *
 *   into a file     the size of a stream is known (layer.json), so the archive
 *                   is laid out in advance and every job writes to its own
 *                   place, through an open file of its own
 *   into a pipe     the layer whose turn it is goes straight into it, those
 *                   behind it into memory, AHEAD_BYTES at most; a layer that
 *                   is larger waits for its turn
 *
 * What was written is checked in the same pass: the digest of the blob when
 * the layer is known to come from exactly that blob and it is shorter than
 * the stream, else the diff id.  A failure fails the archive.
 *
 * A blob that is a plain tar is copied.  Where there is no blob at all a layer
 * is packed again from its directory; that gives the same content but hardly
 * the same bytes, so it is an error unless the digest comes out right.
 */
#include "storage/archive/save.h"

#include <errno.h>
#include <poll.h>

#include "storage/image/digest.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/trace.h"

/* More than processors: on a busy machine they share like others do. */
enum { JOBS_MIN = 4, JOBS_MAX = 16 };

#define AHEAD_BYTES (UINT64_C(128) << 20)

/**
 * struct plain - one layer
 * @name:   of the file; owned
 * @blob:   "" or the digest of a blob to try first
 * @info:   owned
 * @out:    memory that its job writes to, owned; -EBADF
 * @job:    while it RUNS
 */
struct plain {
	enum { PLAIN_WAITS, PLAIN_IS_TAR, PLAIN_RUNS, PLAIN_WRITTEN } state;
	char *name;
	char diff_id[DIGEST_MAX];
	char blob[DIGEST_MAX];
	struct layer_info info;
	int out;
	struct layer_job job;
};

/**
 * struct writer - one call of save_plain_write()
 * @staging: an empty directory, root of all sandboxes
 * @ahead:   bytes of memory that are spoken for
 */
struct writer {
	struct save *sv;
	struct staging staging;
	size_t running;
	size_t max;
	uint64_t ahead;
};

int save_plain_add(struct save *sv, const char *diff_id, const char *blob,
		   const char *name, struct err *err)
{
	struct plain *p;

	sv->plain = xreallocarray(sv->plain, sv->n_plain + 1,
				  sizeof(*sv->plain));
	p = &sv->plain[sv->n_plain++];
	*p = (struct plain){ .out = -EBADF, .job = LAYER_JOB_INIT };
	p->name = xstrdup(name);
	memcpy(p->diff_id, diff_id, strlen(diff_id) + 1);
	if (blob)
		memcpy(p->blob, blob, strlen(blob) + 1);
	return layer_read(sv->s, digest_hex(diff_id), &p->info, err);
}

void save_plain_done(struct save *sv)
{
	for (size_t i = 0; i < sv->n_plain; i++) {
		struct plain *p = &sv->plain[i];

		layer_job_end(&p->job);
		layer_info_done(&p->info);
		close_fd(p->out);
		free(p->name);
	}
	free(sv->plain);
	sv->plain = NULL;
	sv->n_plain = 0;
}

/* ---- jobs --------------------------------------------------------------- */

/* The blob is the stream: its name says so. */
static bool is_tar(const struct plain *p, const char *digest)
{
	return streq(digest, p->diff_id);
}

static int start_inflate(struct writer *w, struct plain *p, int blob,
			 const char *digest, uint64_t size, int out,
			 struct err *err)
{
	struct layer_apply a = save_apply(w->sv, blob, size, w->staging.fd);

	if (size < p->info.diff_size && streq(digest, p->info.digest))
		a.digest = digest;
	else
		a.diff_id = p->diff_id;
	return layer_inflate_start(&a, out, &p->job, err);
}

static int start_pack(struct writer *w, struct plain *p, int out,
		      struct err *err)
{
	const struct store_conf *conf = &w->sv->s->conf;

	autoclose int dir = layer_open(w->sv->s, digest_hex(p->diff_id));
	if (dir < 0)
		return err_code(err, dir, "open layer %.19s", p->diff_id);
	return layer_diff_start(dir, p->info.format, out, conf->enter_userns,
				conf->arg, &p->job, err);
}

/* @fd, @digest, @size: of its blob; -errno when it has none */
static int start(struct writer *w, struct plain *p, int fd,
		 const char *digest, uint64_t size, int out, struct err *err)
{
	int r = store_userns(w->sv->s, err);

	if (r == 0 && !*w->staging.name)
		r = staging_new(w->sv->s, &w->staging, err);
	if (r == 0)
		r = fd >= 0 ? start_inflate(w, p, fd, digest, size, out, err) :
			      start_pack(w, p, out, err);
	if (r < 0)
		return r;
	p->state = PLAIN_RUNS;
	w->running++;
	return 0;
}

static int ended(struct plain *p, const struct layer_result *res,
		 struct err *err)
{
	layer_job_end(&p->job);
	p->state = PLAIN_WRITTEN;
	/* packed: nobody knew what would come out */
	if (*res->diff_id && !streq(res->diff_id, p->diff_id))
		return save_missing(p->diff_id, err);
	if (res->diff_size != p->info.diff_size)
		return err_set(err, ERR_FAIL, EIO,
			       "layer %.19s: its tar stream has another size "
			       "than when it was unpacked", p->diff_id);
	return 0;
}

static int read_job(struct writer *w, struct plain *p, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	int r = layer_job_read(&p->job, &res, err);

	if (r < 0)
		return err_wrap(err, r, "layer %.19s", p->diff_id);
	if (r == 0)
		return 0;
	w->running--;
	return ended(p, &res, err);
}

/* Until at least one of the jobs had something to say. */
static int wait_round(struct writer *w, struct err *err)
{
	autofree struct pollfd *v = xcalloc(w->running, sizeof(*v));
	autofree struct plain **of = xcalloc(w->running, sizeof(*of));
	nfds_t n = 0;
	int r = 0;

	for (size_t i = 0; i < w->sv->n_plain; i++) {
		struct plain *p = &w->sv->plain[i];

		if (p->state != PLAIN_RUNS)
			continue;
		of[n] = p;
		v[n++] = (struct pollfd){ p->job.sock, POLLIN, 0 };
	}
	if (poll(v, n, -1) < 0)
		return errno == EINTR ? 0 : err_sys(err, "poll");
	for (nfds_t i = 0; r == 0 && i < n; i++)
		if (v[i].revents)
			r = read_job(w, of[i], err);
	return r;
}

/* ---- into a file -------------------------------------------------------- */

static int place(struct writer *w, struct plain *p, struct err *err)
{
	const char *digest = NULL;
	uint64_t size = 0;
	int r = 0;

	autoclose int fd = save_open_blob(w->sv, *p->blob ? p->blob : NULL,
					  &p->info, &digest, &size);
	save_tell(w->sv, "Copying blob ", p->diff_id);
	if (fd >= 0 && is_tar(p, digest))
		return sink_copy(&w->sv->k, p->name, fd, size, err);
	while (r == 0 && w->running >= w->max)
		r = wait_round(w, err);
	if (r < 0)
		return r;
	autoclose int out = sink_reserve(&w->sv->k, p->name, p->info.diff_size,
					 err);
	return out < 0 ? out : start(w, p, fd, digest, size, out, err);
}

static int write_places(struct writer *w, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->sv->n_plain; i++)
		r = place(w, &w->sv->plain[i], err);
	while (r == 0 && w->running)
		r = wait_round(w, err);
	return r;
}

/* ---- into a stream ------------------------------------------------------ */

static int start_one_ahead(struct writer *w, struct plain *p, struct err *err)
{
	const char *digest = NULL;
	uint64_t size = 0;
	int r;

	autoclose int fd = save_open_blob(w->sv, *p->blob ? p->blob : NULL,
					  &p->info, &digest, &size);
	if (fd >= 0 && is_tar(p, digest)) {
		p->state = PLAIN_IS_TAR;
		return 0;
	}
	autoclose int out = fd_memory("bryo-save", err);
	if (out < 0)
		return out;
	r = start(w, p, fd, digest, size, out, err);
	if (r < 0)
		return r;
	p->out = take_fd(out);
	w->ahead += p->info.diff_size;
	return 0;
}

static int start_ahead(struct writer *w, size_t from, struct err *err)
{
	int r = 0;

	for (size_t i = from; r == 0 && i < w->sv->n_plain; i++) {
		struct plain *p = &w->sv->plain[i];

		if (w->running >= w->max)
			break;
		if (p->state != PLAIN_WAITS ||
		    p->info.diff_size > AHEAD_BYTES)
			continue;
		if (w->ahead + p->info.diff_size > AHEAD_BYTES)
			break;
		r = start_one_ahead(w, p, err);
	}
	return r;
}

static int wait_for(struct writer *w, size_t i, struct err *err)
{
	int r = 0;

	while (r == 0 && w->sv->plain[i].state == PLAIN_RUNS) {
		r = start_ahead(w, i + 1, err);
		if (r == 0)
			r = wait_round(w, err);
	}
	return r;
}

/* Its turn, and nobody began with it. */
static int pass(struct writer *w, size_t i, struct err *err)
{
	struct plain *p = &w->sv->plain[i];
	const char *digest = NULL;
	uint64_t size = 0;
	int r;

	autoclose int fd = save_open_blob(w->sv, *p->blob ? p->blob : NULL,
					  &p->info, &digest, &size);
	if (fd >= 0 && is_tar(p, digest)) {
		p->state = PLAIN_WRITTEN;
		return sink_copy(&w->sv->k, p->name, fd, size, err);
	}
	r = sink_begin(&w->sv->k, p->name, p->info.diff_size, err);
	if (r == 0)
		r = start(w, p, fd, digest, size, w->sv->k.fd, err);
	if (r == 0)
		r = wait_for(w, i, err);
	return r < 0 ? r : sink_end(&w->sv->k, p->name, p->info.diff_size,
				    err);
}

static int write_in_turn(struct writer *w, size_t i, struct err *err)
{
	struct plain *p = &w->sv->plain[i];
	int r;

	save_tell(w->sv, "Copying blob ", p->diff_id);
	if (p->out < 0)
		return pass(w, i, err);
	r = wait_for(w, i, err);
	if (r == 0)
		r = start_ahead(w, i + 1, err);
	if (r == 0)
		r = sink_copy(&w->sv->k, p->name, p->out, p->info.diff_size,
			      err);
	close_fd(p->out);
	w->ahead -= p->info.diff_size;
	return r;
}

int save_plain_write(struct save *sv, struct err *err)
{
	struct writer w = {
		.sv = sv, .staging = STAGING_INIT, .max = MAX((size_t)JOBS_MIN,
			   MIN(store_cpus(), (size_t)JOBS_MAX)),
	};
	int r = 0;

	TRACE("store", "plain layers");
	if (sink_can_reserve(&sv->k))
		r = write_places(&w, err);
	else
		for (size_t i = 0; r == 0 && i < sv->n_plain; i++)
			r = write_in_turn(&w, i, err);
	save_plain_done(sv);
	staging_done(&w.staging);
	return r;
}
