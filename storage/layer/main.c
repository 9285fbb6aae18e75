/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "storage/layer/encode.h"
#include "storage/layer/host.h"
#include "storage/layer/pack.h"
#include "storage/layer/report.h"
#include "storage/layer/sandbox.h"
#include "storage/layer/unpack.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/sha256.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * bryo-layer: unpacks, packs, inflates or compresses one layer, see
 * storage/layer.h
 *
 * Theory of operation
 *
 * Started by storage/layer.c as root of the user's namespace, or forked by the
 * host of one client (host.c).  First all that has to be loaded, then the
 * sandbox (a second process, see sandbox.c), then the work.  The first process
 * only waits: it tells the client why when the worker was killed, by the
 * system call filter or a limit.
 */

enum {
	DEFAULT_ENTRIES = 4 * 1024 * 1024,
	/* tar's own bytes per member: header, padding, a pax header */
	MEMBER_OVERHEAD = 2048,
	PIPE_SIZE = 1024 * 1024,
	/* zstd's tables at its highest level */
	COMPRESS_MEMORY = 512 * 1024 * 1024,
};

#define DEFAULT_BYTES (UINT64_C(50) << 30)

enum mode {
	MODE_UNPACK,
	MODE_PACK,
	MODE_INFLATE,
	MODE_COMPRESS,
	MODE_MERGED,
	MODE_DIFF,
	MODE_CHANGES,
};

struct job {
	enum mode mode;
	enum layer_format format;
	bool single_id;
	const char *digest;
	const char *diff_id;
	const char *codec;
	uint64_t level;
	uint64_t size;
	uint64_t resume_len;
	uint64_t max_bytes;
	uint64_t max_entries;
	uint64_t since_ns;
	uint64_t tops;
	char **trees;	/* owned */
	char **omit;	/* owned */
	bool raw;
	bool unhashed;
	bool plain;
	bool full;
	bool with_root;
};

/* ---- command line -------------------------------------------------------- */

enum arg_type { ARG_U64, ARG_BOOL, ARG_TEXT, ARG_LIST, ARG_FORMAT };

#define ARG(type, field) { #field, ARG_##type, offsetof(struct job, field) }

static const struct arg {
	const char *key;
	enum arg_type type;
	size_t offset;
} args[] = {
	ARG(FORMAT, format),
	ARG(BOOL, single_id),
	ARG(TEXT, digest),
	ARG(TEXT, diff_id),
	ARG(TEXT, codec),
	ARG(U64, level),
	ARG(U64, size),
	ARG(U64, resume_len),
	ARG(U64, max_bytes),
	ARG(U64, max_entries),
	ARG(U64, since_ns),
	ARG(U64, tops),
	{ "tree", ARG_LIST, offsetof(struct job, trees) },
	ARG(LIST, omit),
	ARG(BOOL, raw),
	ARG(BOOL, unhashed),
	ARG(BOOL, plain),
	ARG(BOOL, full),
	ARG(BOOL, with_root),
};

#undef ARG

static int parse_format(const char *v, enum layer_format *ret)
{
	if (!streq(v, "plain") && !streq(v, "overlay"))
		return -EINVAL;
	*ret = streq(v, "plain") ? LAYER_PLAIN : LAYER_OVERLAY;
	return 0;
}

static int store_arg(const struct arg *a, const char *v, void *field)
{
	switch (a->type) {
	case ARG_U64:
		return parse_u64(v, field);
	case ARG_BOOL:
		return parse_bool(v, field);
	case ARG_TEXT:
		*(const char **)field = v;
		return 0;
	case ARG_LIST:
		strv_add(field, v);
		return 0;
	case ARG_FORMAT:
		return parse_format(v, field);
	}
	return -EINVAL;
}

static int parse_arg(struct job *job, const char *key, const char *v)
{
	for (size_t i = 0; i < ARRAY_LEN(args); i++)
		if (streq(key, args[i].key))
			return store_arg(&args[i], v,
					 (char *)job + args[i].offset);
	return -EINVAL;
}

static int parse_mode(const char *v, enum mode *ret)
{
	static const char *const names[] = {
		[MODE_UNPACK] = "unpack",
		[MODE_PACK] = "pack",
		[MODE_INFLATE] = "inflate",
		[MODE_COMPRESS] = "compress",
		[MODE_MERGED] = "merged",
		[MODE_DIFF] = "diff",
		[MODE_CHANGES] = "changes",
	};

	for (size_t i = 0; v && i < ARRAY_LEN(names); i++) {
		if (streq(names[i], v)) {
			*ret = (enum mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Sums of them must not overflow. */
static uint64_t limit(uint64_t value, uint64_t fallback, uint64_t max)
{
	return MIN(value ? value : fallback, max);
}

static int parse_args(int argc, char **argv, struct job *ret, struct err *err)
{
	if (parse_mode(argc > 1 ? argv[1] : NULL, &ret->mode) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "bryo-layer is started by bryo, not by hand");
	for (int i = 2; i < argc; i++) {
		char *v = strchr(argv[i], '=');

		if (v)
			*v++ = '\0';
		if (!v || parse_arg(ret, argv[i], v) < 0)
			return err_set(err, ERR_USAGE, EINVAL,
				       "bryo-layer: bad argument %s", argv[i]);
	}
	ret->max_bytes = limit(ret->max_bytes, DEFAULT_BYTES,
			       UINT64_C(1) << 62);
	ret->max_entries = limit(ret->max_entries, DEFAULT_ENTRIES,
				 UINT64_C(1) << 40);
	if (ret->tops > strv_len(ret->trees) ||
	    (ret->mode >= MODE_MERGED && !ret->tops))
		return err_set(err, ERR_USAGE, EINVAL,
			       "bryo-layer: bad number of trees");
	return 0;
}

/* ---- unpack -------------------------------------------------------------- */

static void digest_text(const char hex[SHA256_HEX], char ret[72])
{
	snprintf(ret, 72, "sha256:%s", hex);
}

static void take_digests(struct stream *s, struct layer_result *res)
{
	char raw[SHA256_HEX], tar[SHA256_HEX];

	stream_digests(s, raw, tar);
	if (*raw)
		digest_text(raw, res->digest);
	if (*tar)
		digest_text(tar, res->diff_id);
	res->size = s->raw_len;
	res->diff_size = s->tar_len;
}

/* What came in is what was asked for?  Compressed bytes first: when they are
 * others, all that follows from them is beside the point. */
static int verify(const struct job *job, const struct layer_result *res,
		  struct err *err)
{
	if (job->size && res->size != job->size)
		return err_set(err, ERR_INVALID, EBADMSG,
			       "layer has %" PRIu64 " bytes, not the %" PRIu64
			       " its descriptor says", res->size, job->size);
	if (job->digest && !streq(job->digest, res->digest))
		return err_set(err, ERR_INVALID, EBADMSG,
			       "digest is %s, not %s", res->digest,
			       job->digest);
	if (job->diff_id && !streq(job->diff_id, res->diff_id))
		return err_set(err, ERR_INVALID, EBADMSG,
			       "unpacked digest is %s, not %s", res->diff_id,
			       job->diff_id);
	return 0;
}

static void progress(void *arg unused_attr, uint64_t done)
{
	report_progress(done);
}

static int copied(void *arg, size_t len, struct err *err)
{
	return budget_copied(arg, len, err);
}

static int unpack(const struct job *job, const struct sandbox *sb,
		  struct layer_result *res, struct err *err)
{
	struct budget budget;
	struct stream stream = {
		.input = LAYER_FD_INPUT,
		.resume = LAYER_FD_RESUME,
		.resume_len = job->resume_len,
		.blob = LAYER_FD_OUT,
		.raw_max = job->size,
		.tar_max = job->max_bytes +
			   job->max_entries * MEMBER_OVERHEAD,
		.progress = progress,
		.copied = copied,
		.arg = &budget,
		.no_raw_hash = job->unhashed,
		.no_tar_hash = job->unhashed,
	};
	struct tree tree = {
		.root = LAYER_FD_ROOT,
		.format = job->format,
		.single_id = job->single_id || idmap_total(&sb->uids) == 1,
		.uids = &sb->uids,
		.gids = &sb->gids,
	};
	struct unpack u = { &stream, &tree, &budget, job->max_entries,
			    job->raw };
	int r;

	r = budget_init(&budget, LAYER_FD_ROOT, job->max_bytes, err);
	if (r == 0)
		r = tree_begin(&tree, err);
	if (r == 0)
		r = stream_open(&stream, err);
	if (r == 0)
		r = unpack_run(&u, res, err);
	if (r == 0) {
		take_digests(&stream, res);
		r = verify(job, res, err);
	}
	if (r == 0)
		r = report_implied(&tree, err);
	tree_done(&tree);
	stream_close(&stream);
	return r;
}

/* ---- inflate ------------------------------------------------------------- */

/* Without the tar parser and a directory.  Hashing is half of the work: only
 * what was asked for. */
static struct stream stream_of(const struct job *job)
{
	return (struct stream){
		.input = LAYER_FD_INPUT,
		.resume = -EBADF,
		.blob = -EBADF,
		.raw_max = job->size,
		.no_raw_hash = !job->digest,
		.no_tar_hash = !job->diff_id,
		.tar_max = job->max_bytes +
			   job->max_entries * MEMBER_OVERHEAD,
	};
}

/* The stream as it is below the compression. */
static int inflate(const struct job *job, struct layer_result *res,
		   struct err *err)
{
	struct stream stream = stream_of(job);
	const void *block;
	size_t len;
	int r = stream_open(&stream, err);

	while (r == 0) {
		r = stream_next(&stream, &block, &len, err);
		if (r <= 0)
			break;
		r = fd_write_full(LAYER_FD_OUT, block, len);
		if (r < 0)
			err_code(err, r, "write the layer");
	}
	if (r == 0) {
		take_digests(&stream, res);
		r = verify(job, res, err);
	}
	stream_close(&stream);
	return r;
}

/* ---- compress ------------------------------------------------------------ */

static int copy_encoded(struct stream *s, struct encoder *e, struct err *err)
{
	const void *block;
	size_t len;
	int r;

	while ((r = stream_next(s, &block, &len, err)) > 0) {
		r = encoder_add(e, block, len, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* The result's digest and size are those of the output. */
static int compress_layer(const struct job *job, struct layer_result *res,
			  struct err *err)
{
	struct stream stream = stream_of(job);
	struct encoder *e = NULL;
	char hex[SHA256_HEX];
	int r = stream_open(&stream, err);

	if (r == 0)
		r = encoder_new(job->codec ? job->codec : "",
				(unsigned int)MIN(job->level, UINT64_C(1000)),
				LAYER_FD_OUT, &e, err);
	if (r == 0)
		r = copy_encoded(&stream, e, err);
	if (r == 0) {
		take_digests(&stream, res);
		r = verify(job, res, err);
	}
	if (r == 0)
		r = encoder_end(e, hex, &res->size, err);
	if (r == 0)
		digest_text(hex, res->digest);
	encoder_free(e);
	stream_close(&stream);
	return r;
}

/* ---- pack ---------------------------------------------------------------- */

static int pack(const struct job *job, const struct sandbox *sb,
		struct layer_result *res, struct err *err)
{
	static const enum pack_kind kinds[] = {
		[MODE_PACK] = PACK_LAYER,
		[MODE_MERGED] = PACK_MERGED,
		[MODE_DIFF] = PACK_DIFF,
		[MODE_CHANGES] = PACK_LIST,
	};
	const struct pack p = {
		.kind = kinds[job->mode],
		.root = LAYER_FD_ROOT,
		.out = LAYER_FD_OUT,
		.single_id = idmap_total(&sb->uids) == 1,
		.trees = sb->tree_fds,
		.n_trees = sb->n_trees,
		.n_tops = (size_t)job->tops,
		.plain = job->plain || job->raw,
		.raw = job->raw,
		.full = job->full,
		.with_root = job->with_root,
		.since_ns = (int64_t)job->since_ns,
		.omit = job->omit,
	};
	char hex[SHA256_HEX];
	int r = pack_run(&p, res, hex, err);

	if (r == 0 && *hex)
		digest_text(hex, res->diff_id);
	return r;
}

/* ---- processes ----------------------------------------------------------- */

static pid_t worker_pid;

static void kill_worker(int sig unused_attr)
{
	kill(worker_pid, SIGKILL);
}

/* The client gives up: end the worker, but stay to reap it. */
static void pass_term(pid_t worker)
{
	const struct sigaction sa = { .sa_handler = kill_worker };
	sigset_t term;

	worker_pid = worker;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigaction(SIGTERM, &sa, NULL);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
}

static void block_term(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
}

/* The first process: @worker does everything, tell when it was killed. */
static int wait_worker(pid_t worker)
{
	struct err err = ERR_INIT;
	int status;

	pass_term(worker);
	for (int fd = 0; fd <= LAYER_FD_RESUME; fd++)
		if (fd != LAYER_FD_SOCK && fd != STDERR_FILENO)
			close(fd);
	status = proc_wait(worker);
	if (status <= 1)
		return status;
	if (status == 128 + SIGXCPU || status == 128 + SIGKILL)
		err_set(&err, ERR_LIMIT, ETIME,
			"bryo-layer was killed: it took too long, or memory "
			"ran out");
	else if (status > 128)
		err_set(&err, ERR_FAIL, EIO, "bryo-layer was stopped by %s%s",
			signal_name(status - 128),
			status == 128 + SIGSYS ?
				" (a system call that it may not make)" : "");
	else
		err_set(&err, ERR_LIMIT, ENOMEM,
			"bryo-layer needed more memory than it may have");
	report_error(NULL, &err);
	return 1;
}

static int work(const struct job *job, const struct sandbox *sb)
{
	struct layer_result res = { 0 };
	struct err err = ERR_INIT;
	int r = sandbox_lock(sb, &err);

	if (r == 0 && job->mode == MODE_UNPACK)
		r = unpack(job, sb, &res, &err);
	else if (r == 0 && job->mode == MODE_COMPRESS)
		r = compress_layer(job, &res, &err);
	else if (r == 0 && job->mode == MODE_INFLATE)
		r = inflate(job, &res, &err);
	else if (r == 0)
		r = pack(job, sb, &res, &err);
	if (r == 0)
		r = report_result(&res, &err);
	if (r < 0)
		report_error(&res, &err);
	return r < 0;
}

/* The limit counts from the beginning of a file, and an archive may have
 * much in front of a layer. */
static uint64_t out_offset(void)
{
	off_t at = lseek(LAYER_FD_OUT, 0, SEEK_CUR);

	return at > 0 ? (uint64_t)at : 0;
}

/* What every job needs of libcrypto, once; one that fails says so itself */
static void warm_up(void)
{
	char hex[SHA256_HEX];

	(void)sha256_data("", 0, hex, NULL);
}

static int run_job(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct sandbox sb = { 0 };
	struct job job = { 0 };
	bool child = false;
	int r;

	/* a command that was killed does not leave us behind */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	r = parse_args(argc, argv, &job, &err);
	if (r < 0) {
		fprintf(stderr, "Error: %s\n", err.msg);
		return 125;
	}
	(void)fcntl(LAYER_FD_INPUT, F_SETPIPE_SZ, PIPE_SIZE);
	(void)fcntl(LAYER_FD_OUT, F_SETPIPE_SZ, PIPE_SIZE);
	sb.read_only = job.mode != MODE_UNPACK;
	sb.memory = job.mode == MODE_COMPRESS ? COMPRESS_MEMORY : 0;
	sb.trees = job.trees;
	sb.max_file = out_offset() + job.max_bytes +
		      job.max_entries * MEMBER_OVERHEAD;
	r = sha256_load(&err);
	block_term();
	if (r == 0)
		r = sandbox_fork(&sb, &child, &err);
	if (r < 0) {
		report_error(NULL, &err);
		child_exit(1);
	}
	child_exit(child ? work(&job, &sb) : wait_worker(r));
}

int main(int argc, char **argv)
{
	signals_reset();
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* names in pax headers are UTF-8; "C" would refuse all but ASCII */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (argc == 2 && streq(argv[1], "host")) {
		warm_up();
		argc = host_run(&argv);
	}
	return run_job(argc, argv);
}
