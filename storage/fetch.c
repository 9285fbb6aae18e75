/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Layers from a source into the store, several at a time, in one poll loop of
 * the command's process.  Each missing layer is a slot that goes through
 *
 *   WAIT -> RUN -> UNPACKED -> DONE         (BUSY: another process has it)
 *
 * RUN is a bryo-layer job that reads the blob (from a pipe that bryo-registry
 * fills, or from a file), unpacks it into a staging directory, writes the
 * blob to partial/HEX on the way and checks both digests.  UNPACKED waits for
 * syncfs(2), which a child does for all that are ready, small ones together;
 * then blob and layer are renamed into place, in this order: a blob without
 * its layer is unpacked again, not fetched again.
 *
 * Of several processes that want one blob, the one that has the flock on
 * partial/HEX fetches it; the others look again every now and then.  The lock
 * is on the open file, which bryo-layer has too: it is held as long as
 * anybody may write.  Nobody waits for a lock while he cannot go on with what
 * he holds, so there is no dead-lock.
 *
 * A partial blob stays when the way to the registry broke or we were killed,
 * and the next pull resumes it; it goes when its content was wrong or the
 * disk is full.
 */
#include "storage/fetch_int.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "storage/blob.h"
#include "storage/source.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/trace.h"

enum {
	BUSY_MS = 50,
	SOURCE_WAIT_MS = 10000,
	JOBS_MIN = 4,
	JOBS_MAX = 6,
};

/* ---- jobs --------------------------------------------------------------- */

static int open_input(struct fetch *f, struct slot *sl, uint32_t key,
		      struct err *err)
{
	int fd;

	if (sl->input != FROM_SOURCE) {
		fd = fcntl(sl->lock, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? err_sys(err, "dup") : fd;
	}
	fd = f->src->ops->open(f->src, &sl->l->d, sl->offset, key, err);
	if (fd >= 0)
		sl->streams = f->src->ops->fd(f->src) >= 0;
	return fd;
}

/* The part that is there is read by the job through a second description:
 * the first one stands at the end, to be written. */
static int open_resume(struct slot *sl, struct err *err)
{
	char path[FD_PATH_MAX];
	int fd;

	if (sl->input != FROM_SOURCE || sl->offset == 0)
		return -EBADF;
	if (lseek(sl->lock, 0, SEEK_END) < 0)
		return err_sys(err, "seek in a partial blob");
	fd = open(fd_path(sl->lock, path), O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open a partial blob") : fd;
}

static int job_start(struct fetch *f, struct slot *sl, int input, int resume,
		     struct err *err)
{
	const struct desc *d = &sl->l->d;

	if (mkdirat(sl->staging.fd, "diff", 0755) < 0)
		return err_sys(err, "make a staging directory");
	autoclose int diff = openat(sl->staging.fd, "diff", O_PATH |
				    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (diff < 0)
		return err_sys(err, "open a staging directory");
	const struct layer_apply apply = {
		.input = input,
		.staging = diff,
		.blob = sl->input == FROM_SOURCE ? sl->lock : -EBADF,
		.resume = resume,
		.resume_len = sl->offset,
		.digest = *d->digest ? d->digest : NULL,
		.size = d->size,
		.diff_id = sl->l->diff_id,
		.max_bytes = f->s->conf.layer_max,
		.format = f->format,
		.single_id = f->s->conf.single_id,
		.enter_userns = f->s->conf.enter_userns,
		.arg = f->s->conf.arg,
		.host = &f->s->host,
	};

	store_host(f->s);
	return layer_job_start(&apply, &sl->job, err);
}

static int slot_run(struct fetch *f, struct slot *sl, struct err *err)
{
	uint32_t key = (uint32_t)(sl - f->v);
	int r = store_userns(f->s, err);

	if (r == 0)
		r = staging_new(f->s, &sl->staging, err);
	if (r < 0)
		return r;
	autoclose int resume = open_resume(sl, err);
	if (resume < 0 && resume != -EBADF)
		return resume;
	autoclose int input = open_input(f, sl, key, err);
	if (input < 0)
		return input;
	r = job_start(f, sl, input, resume, err);
	if (r < 0)
		return r;
	sl->state = SLOT_RUN;
	slot_tell(f, sl, sl->streams ? "downloading" : "extracting",
		  sl->offset);
	return 0;
}

/* Sound, and it can be pushed: its blob, this one or another, is there, too */
static bool is_here(struct fetch *f, const struct slot *sl)
{
	const char *digest = sl->l->d.digest;
	auto_layer_info struct layer_info info = { 0 };

	if (!layer_exists(f->s, digest_hex(sl->l->diff_id)) ||
	    layer_read(f->s, digest_hex(sl->l->diff_id), &info, NULL) < 0)
		return false;
	return (*digest && blob_exists(f->s, digest_hex(digest))) ||
	       (*info.digest && blob_exists(f->s, digest_hex(info.digest)));
}

static int slot_begin(struct fetch *f, struct slot *sl, struct err *err)
{
	int r;

	if (!is_here(f, sl)) {
		r = slot_lock(f, sl, err);
		if (r < 0)
			return r;
		if (r > 0) {
			close_fd(sl->lock);
			sl->state = SLOT_BUSY;
			slot_tell(f, sl, "waiting", 0);
			return 0;
		}
	}
	/* Again under the lock: its last owner may have finished the layer */
	if (is_here(f, sl)) {
		if (sl->state == SLOT_WAIT)
			slot_tell_line(f, sl, sl->l->made ? "" :
				       " skipped: already exists");
		if (sl->offset == 0)
			slot_drop_partial(f, sl);
		slot_done(f, sl, sl->l->made ? "done" : "exists");
		return 0;
	}
	if (sl->state == SLOT_WAIT && !sl->again)
		slot_tell_line(f, sl, "");
	if (FAULT("pull.layer.start") < 0)
		return err_sys(err, "fetch layer %s", slot_name(sl));
	r = slot_run(f, sl, err);
	return r < 0 ? err_wrap(err, r, "layer %s", slot_name(sl)) : 0;
}

static size_t count(const struct fetch *f, enum slot_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].state == state;
	return n;
}

static int start_more(struct fetch *f, struct err *err)
{
	size_t running = count(f, SLOT_RUN);
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n && running < f->jobs_max; i++) {
		struct slot *sl = &f->v[i];

		if (sl->state != SLOT_WAIT && sl->state != SLOT_BUSY)
			continue;
		r = slot_begin(f, sl, err);
		running += sl->state == SLOT_RUN;
	}
	return r;
}

/* ---- what happens ------------------------------------------------------- */

static int source_read(struct fetch *f, struct err *err)
{
	struct source_event ev;
	int r;

	while ((r = f->src->ops->event(f->src, &ev, err)) == 1) {
		struct slot *sl = ev.key < f->n ? &f->v[ev.key] : NULL;

		if (!sl || !sl->streams)
			continue;
		if (ev.ended) {
			sl->streams = false;
			sl->src_err = ev.err;
		}
		if (!ev.err.code)
			slot_tell(f, sl,
				  ev.ended ? "extracting" : "downloading",
				  ev.done);
	}
	return r;
}

/* The job failed: did the source end before, or because of that?  It says so
 * in any case, as its pipe has no reader any more. */
static int source_settle(struct fetch *f, struct slot *sl, struct err *err)
{
	uint64_t end = clock_mono_ns() + SOURCE_WAIT_MS * 1000000ull;

	while (sl->streams && clock_mono_ns() < end) {
		struct pollfd p = { f->src->ops->fd(f->src), POLLIN, 0 };
		int r;

		if (poll(&p, 1, 100) < 0 && errno != EINTR)
			return err_sys(err, "poll");
		r = source_read(f, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_full(const struct err *err)
{
	return err->code == ENOSPC || err->code == EDQUOT;
}

/* Bytes of an earlier try, in partial/ or blobs/, are the first suspects. */
static bool worth_another_try(const struct slot *sl, const struct err *why)
{
	return !sl->again && !is_full(why) &&
	       (sl->offset > 0 || sl->input != FROM_SOURCE);
}

static int slot_failed(struct fetch *f, struct slot *sl, struct err *why,
		       struct err *err)
{
	int r;

	layer_job_end(&sl->job);
	r = source_settle(f, sl, err);
	if (r < 0)
		return r;
	/* EPIPE: the source only noticed that the job had gone */
	if (sl->src_err.code && sl->src_err.code != EPIPE) {
		*why = sl->src_err;
	} else if (worth_another_try(sl, why)) {
		r = slot_forget_bytes(f, sl, err);
		if (r < 0)
			return r;
		slot_close(sl);
		err_clear(&sl->src_err);
		sl->again = true;
		sl->state = SLOT_WAIT;
		return 0;
	} else {
		slot_drop_partial(f, sl);
	}
	return err_set(err, why->kind, why->code, "layer %s: %s",
		       slot_name(sl), why->msg);
}

static int slot_unpacked(struct fetch *f, struct slot *sl, struct err *err)
{
	struct desc *d = &sl->l->d;
	bool local = !*d->digest;
	int r;

	layer_job_end(&sl->job);
	if (local) {
		memcpy(d->digest, sl->res.digest, sizeof(d->digest));
		d->size = sl->res.size;
	}
	if (FAULT("pull.layer.unpacked") < 0)
		return err_sys(err, "layer %s", slot_name(sl));
	r = layer_describe(&sl->staging, &sl->res, f->format, local, err);
	if (r < 0)
		return r;
	sl->state = SLOT_UNPACKED;
	sl->unpacked_ns = clock_mono_ns();
	return 0;
}

static int job_read(struct fetch *f, struct slot *sl, struct err *err)
{
	struct err why = ERR_INIT;
	int r = layer_job_read(&sl->job, &sl->res, &why);

	if (r < 0)
		return slot_failed(f, sl, &why, err);
	if (r > 0)
		return slot_unpacked(f, sl, err);
	/* Not every message tells how far it is */
	if (!sl->streams && sl->job.done)
		slot_tell(f, sl, "extracting", sl->job.done);
	return 0;
}

/* ---- the loop ----------------------------------------------------------- */

static int wait_ms(const struct fetch *f)
{
	int due = publish_due_ms(f);

	if (!count(f, SLOT_BUSY))
		return due;
	return due < 0 ? BUSY_MS : MIN(due, BUSY_MS);
}

/* One round of poll; entries are the source, the sync, then the jobs. */
static int wait_round(struct fetch *f, struct err *err)
{
	struct pollfd p[JOBS_MAX + 2];
	struct slot *of[JOBS_MAX + 2] = { NULL };
	nfds_t n = 2;
	int r = 0;

	p[0] = (struct pollfd){ f->src->ops->fd(f->src), POLLIN, 0 };
	p[1] = (struct pollfd){ f->sync_pid ? f->sync_fd : -1, POLLIN, 0 };
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].state != SLOT_RUN)
			continue;
		of[n] = &f->v[i];
		p[n++] = (struct pollfd){ f->v[i].job.sock, POLLIN, 0 };
	}
	if (poll(p, n, wait_ms(f)) < 0)
		return errno == EINTR ? 0 : err_sys(err, "poll");
	if (p[0].revents)
		r = source_read(f, err);
	for (nfds_t i = 2; r == 0 && i < n; i++)
		if (p[i].revents)
			r = job_read(f, of[i], err);
	if (r == 0 && p[1].revents)
		r = publish_ended(f, err);
	return r;
}

static int run(struct fetch *f, struct err *err)
{
	int r;

	while (count(f, SLOT_DONE) < f->n) {
		r = start_more(f, err);
		if (r == 0 && publish_due_ms(f) == 0)
			r = publish_start(f, err);
		if (r == 0 && count(f, SLOT_DONE) < f->n)
			r = wait_round(f, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void fetch_done(struct fetch *f)
{
	if (f->sync_pid)
		publish_wait(f);
	store_host_end(f->s);
	for (size_t i = 0; i < f->n; i++)
		slot_close(&f->v[i]);
	free(f->v);
	free(f->syncing);
}

/* One slot per diff id; one blob cannot have two. */
static int make_slots(struct fetch *f, struct fetch_layer *v, size_t n,
		      struct err *err)
{
	f->v = xcalloc(n ? n : 1, sizeof(*f->v));
	f->syncing = xcalloc(n ? n : 1, sizeof(*f->syncing));
	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t j = 0; j < f->n && !known; j++) {
			const struct fetch_layer *o = f->v[j].l;

			known = streq(o->diff_id, v[i].diff_id);
			if (!known && *v[i].d.digest &&
			    streq(o->d.digest, v[i].d.digest))
				return err_set(err, ERR_INVALID, EINVAL,
					       "layer %s is listed with two "
					       "diff ids", v[i].d.digest);
		}
		if (known)
			continue;
		f->v[f->n++] = (struct slot){
			.l = &v[i],
			.staging = STAGING_INIT,
			.job = LAYER_JOB_INIT,
			.lock = -EBADF,
		};
	}
	return 0;
}

/* Digests that were found out, for layers that came twice or were here. */
static int fill_in(struct fetch *f, struct fetch_layer *v, size_t n,
		   struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		auto_layer_info struct layer_info info = { 0 };
		int r;

		if (*v[i].d.digest)
			continue;
		r = layer_read(f->s, digest_hex(v[i].diff_id), &info, err);
		if (r < 0)
			return r;
		memcpy(v[i].d.digest, info.digest, sizeof(v[i].d.digest));
		v[i].d.size = info.size;
	}
	return 0;
}

int fetch_layers(struct store *s, struct source *src, struct fetch_layer *v,
		 size_t n, const struct progress *p, struct err *err)
{
	cleanup(fetch_done) struct fetch f = {
		.s = s, .src = src, .p = p, .sync_fd = -EBADF,
		.jobs_max = MAX((size_t)JOBS_MIN,
				MIN(store_cpus() + 1, (size_t)JOBS_MAX)),
	};
	struct err why = ERR_INIT;
	int r;

	TRACE("store", "layers");
	r = store_format(s, &f.format, err);
	if (r == 0)
		r = make_slots(&f, v, n, err);
	if (r < 0)
		return r;
	r = run(&f, &why);
	if (r == 0)
		return fill_in(&f, v, n, err);
	for (size_t i = 0; i < f.n; i++) {
		layer_job_end(&f.v[i].job);
		if (is_full(&why) || slot_is_empty(&f.v[i]))
			slot_drop_partial(&f, &f.v[i]);
	}
	return err_set(err, why.kind, why.code, "%s", why.msg);
}
