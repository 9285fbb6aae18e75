/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/layer/host.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/*
 * Theory of operation
 *
 * The client side of bryo-layer: starts the program with the descriptors that
 * storage/layer.h lists, as root of the user's namespace, and reads its
 * messages.  Runs in the process of the command; the helper sandboxes itself
 * and this side never touches what it unpacks.
 *
 * The messages come from a process that has parsed hostile bytes: they are
 * bounded, every number is parsed strictly, digests have to be digests, and
 * an error text is cut to fit and shown as it is (the helper has escaped it;
 * safe_line() in cmd/ does so once more).
 */

enum {
	/* the helper splits its lists; nothing it sends is longer */
	MSG_MAX = 64 * 1024,
	IMPLIED_MAX = 40000,
	END_WAIT_MS = 5000,
};

void layer_result_done(struct layer_result *res)
{
	res->implied = strv_free(res->implied);
}

static int take_number(const char *v, uint64_t *ret)
{
	return parse_u64(v, ret);
}

static int take_flag(const char *v, bool *ret)
{
	if (!streq(v, "0") && !streq(v, "1"))
		return -EINVAL;
	*ret = *v == '1';
	return 0;
}

static int take_digest(const char *v, char ret[72])
{
	const char *hex = str_after(v, "sha256:");

	if (!hex || !hex_is_valid(hex, 64))
		return -EINVAL;
	memcpy(ret, v, strlen(v) + 1);
	return 0;
}

/* "KIND CODE TEXT", as report_error() of bryo-layer writes it */
static int take_error(char *v, struct err *err)
{
	char *code = strchr(v, ' ');
	char *text = code ? strchr(code + 1, ' ') : NULL;
	uint32_t kind, number;

	if (!text)
		return -EINVAL;
	*code++ = '\0';
	*text++ = '\0';
	if (parse_u32(v, &kind) < 0 || parse_u32(code, &number) < 0 ||
	    kind > ERR_INVALID || number == 0 || number > 4095)
		return -EINVAL;
	err_set(err, (enum err_kind)kind, (int)number, "%s", text);
	return -(int)number;
}

/* strv_add() looks for the end each time; here there may be 32768. */
static int take_implied(const char *v, struct layer_job *job)
{
	size_t n = job->n_implied;

	if (n >= IMPLIED_MAX)
		return -E2BIG;
	if ((n & (n - 1)) == 0)
		job->implied = xreallocarray(job->implied, n ? n * 2 + 1 : 2,
					     sizeof(*job->implied));
	job->implied[n] = xstrdup(v);
	job->implied[n + 1] = NULL;
	job->n_implied++;
	return 0;
}

/* One line into the result; unknown keys are a bug of ours, so refused. */
static int take_line(const char *key, const char *v, struct layer_result *res)
{
	if (streq(key, "digest"))
		return take_digest(v, res->digest);
	if (streq(key, "diff_id"))
		return take_digest(v, res->diff_id);
	if (streq(key, "size"))
		return take_number(v, &res->size);
	if (streq(key, "diff_size"))
		return take_number(v, &res->diff_size);
	if (streq(key, "bytes"))
		return take_number(v, &res->bytes);
	if (streq(key, "entries"))
		return take_number(v, &res->entries);
	if (streq(key, "skipped"))
		return take_number(v, &res->skipped);
	if (streq(key, "setid"))
		return take_flag(v, &res->setid);
	if (streq(key, "chained"))
		return take_flag(v, &res->chained);
	return -EINVAL;
}

/* 1 the result is complete, 0 more to come, -errno */
static int take_message(struct layer_job *job, char *msg,
			struct layer_result *res, struct err *err)
{
	char *save = NULL;
	int r = 0;

	for (char *line = strtok_r(msg, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *v = strchr(line, '=');

		if (!v)
			return -EPROTO;
		*v++ = '\0';
		if (streq(line, "error"))
			return take_error(v, err);
		if (streq(line, "end"))
			return 1;
		if (streq(line, "done"))
			r = take_number(v, &job->done);
		else if (streq(line, "implied"))
			r = take_implied(v, job);
		else
			r = take_line(line, v, res);
		if (r < 0)
			return -EPROTO;
	}
	return 0;
}

static void add_u64(char ***argv, const char *key, uint64_t v)
{
	if (v)
		strv_addf(argv, "%s=%" PRIu64, key, v);
}

static void add_str(char ***argv, const char *key, const char *v)
{
	if (v)
		strv_addf(argv, "%s=%s", key, v);
}

/* ---- starting ------------------------------------------------------------ */

static int spawn(char *const *argv, const int *fds, size_t n_fds,
		 int (*prepare)(void *arg, struct err *err), void *arg,
		 int *ret_pidfd, struct err *err)
{
	autofree char *path = helper_path("bryo-layer");
	const struct proc_spawn s = {
		.path = path,
		.argv = argv,
		.fds = fds,
		.n_fds = n_fds,
		.prepare = prepare,
		.arg = arg,
	};

	if (!path)
		return err_set(err, ERR_FAIL, ENOENT,
			       "helper program bryo-layer is missing");
	return proc_spawn(&s, ret_pidfd, err);
}

static int sockets(int *ret_ours, int *ret_theirs, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make a socket pair");
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

int layer_host_start(int (*enter_userns)(void *arg, struct err *err),
		     void *arg, struct layer_host *ret, struct err *err)
{
	char name[] = "bryo-layer", mode[] = "host";
	char *argv[] = { name, mode, NULL };
	struct layer_host host = LAYER_HOST_INIT;
	autoclose int ours = -EBADF;
	autoclose int theirs = -EBADF;
	int r = sockets(&ours, &theirs, err);

	if (r < 0)
		return r;

	const int fds[] = { -1, -1, STDERR_FILENO, theirs, -1, -1 };

	host.pid = spawn(argv, fds, ARRAY_LEN(fds), enter_userns, arg,
			 &host.pidfd, err);
	if (host.pid < 0)
		return host.pid;
	host.sock = take_fd(ours);
	*ret = host;
	return 0;
}

void layer_host_end(struct layer_host *host)
{
	if (host->pid > 0) {
		/* it holds nothing: jobs are no children of it */
		pidfd_signal(host->pidfd, SIGKILL);
		proc_wait(host->pid);
	}
	close_fd(host->pidfd);
	close_fd(host->sock);
	*host = (struct layer_host)LAYER_HOST_INIT;
}

/* 1 when it was forked, 0 when it was not: another way will do, -errno */
static int host_fork(struct layer_host *host, char *const *argv,
		     const int fds[5], int result, struct layer_job *job,
		     struct err *err)
{
	autosb struct sb text = SB_INIT;
	int32_t pid = 0;
	ssize_t n;

	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int send[HOST_FDS] = {
		[HOST_INPUT] = fds[0] < 0 ? null : fds[0],
		[HOST_ROOT] = fds[1],
		[HOST_RESULT] = result,
		[HOST_OUT] = fds[3] < 0 ? null : fds[3],
		[HOST_RESUME] = fds[4] < 0 ? null : fds[4],
	};
	for (; *argv; argv++)
		sb_addn(&text, *argv, strlen(*argv) + 1);
	if (null < 0 || text.len > HOST_MSG_MAX ||
	    sock_send_fds(host->sock, text.buf, text.len, send, HOST_FDS) < 0)
		return 0;
	do {
		n = recv(host->sock, &pid, sizeof(pid), 0);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(pid) && pid < 0)
		return 0;
	/* it may have forked before it died: no second job on the same input */
	if (n != (ssize_t)sizeof(pid))
		return err_set(err, ERR_FAIL, EPIPE,
			       "bryo-layer ended unexpectedly");
	job->pid = pid;
	job->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return job->pidfd < 0 ? err_sys(err, "pidfd_open") : 1;
}

/* Start the helper; @fds has five entries, the result socket comes between. */
static int start(char *const *argv, const int fds[5],
		 struct layer_host *host,
		 int (*prepare)(void *arg, struct err *err), void *arg,
		 struct layer_job *ret, struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	autoclose int ours = -EBADF;
	autoclose int theirs = -EBADF;
	int r = sockets(&ours, &theirs, err);

	if (r < 0)
		return r;

	const int child_fds[] = { fds[0], fds[1], fds[2],
				  theirs, fds[3], fds[4] };

	if (host && host->pid > 0) {
		r = host_fork(host, argv, fds, theirs, &job, err);
		if (r < 0)
			return r;
		if (r == 0)
			layer_host_end(host);
	}
	if (job.pid <= 0)
		job.pid = spawn(argv, child_fds, ARRAY_LEN(child_fds), prepare,
				arg, &job.pidfd, err);
	if (job.pid < 0)
		return job.pid;
	job.sock = take_fd(ours);
	*ret = job;
	return 0;
}

int layer_job_start(const struct layer_apply *a, struct layer_job *ret,
		    struct err *err)
{
	const int fds[5] = { a->input, a->staging, STDERR_FILENO,
			     a->blob < 0 ? -1 : a->blob,
			     a->resume < 0 ? -1 : a->resume };
	autostrv char **argv = NULL;

	strv_add(&argv, "bryo-layer");
	strv_add(&argv, "unpack");
	add_str(&argv, "format",
		a->format == LAYER_PLAIN ? "plain" : "overlay");
	add_str(&argv, "digest", a->digest);
	add_str(&argv, "diff_id", a->diff_id);
	add_u64(&argv, "size", a->size);
	add_u64(&argv, "resume_len", a->resume < 0 ? 0 : a->resume_len);
	add_u64(&argv, "max_bytes", a->max_bytes);
	add_u64(&argv, "max_entries", a->max_entries);
	add_u64(&argv, "raw", a->raw);
	add_u64(&argv, "unhashed", a->unhashed);
	add_u64(&argv, "single_id", a->single_id);
	return start(argv, fds, a->host, a->enter_userns, a->arg, ret, err);
}

/* The socket ended without a result: the process tells why. */
static int report_death(struct layer_job *job, struct err *err)
{
	int status = proc_wait(job->pid);

	job->pid = 0;
	if (status > 128)
		return err_set(err, ERR_FAIL, EIO,
			       "bryo-layer was killed by %s",
			       signal_name(status - 128));
	return err_set(err, ERR_FAIL, EIO,
		       "bryo-layer ended without a result (exit status %d)",
		       status);
}

int layer_job_read(struct layer_job *job, struct layer_result *ret,
		   struct err *err)
{
	autofree char *msg = xmalloc(MSG_MAX + 1);
	auto_layer_result struct layer_result res = { 0 };
	ssize_t n;
	int r;

	do {
		n = recv(job->sock, msg, MSG_MAX, MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "read from bryo-layer");
	if (n == 0)
		return report_death(job, err);
	if (n > MSG_MAX)
		return err_set(err, ERR_FAIL, EPROTO,
			       "bryo-layer sent a message of %zd bytes", n);
	msg[n] = '\0';

	r = take_message(job, msg, &res, err);
	job->over = r != 0 && r != -EPROTO;
	if (r == -EPROTO && !err_is_set(err))
		return err_set(err, ERR_FAIL, EPROTO,
			       "bryo-layer sent a malformed message");
	if (r < 0) {
		ret->chained = res.chained;
		return r;
	}
	if (r == 1) {
		res.implied = take_ptr(job->implied);
		*ret = res;
		res.implied = NULL;
	}
	return r;
}

void layer_job_end(struct layer_job *job)
{
	int saved = errno;

	if (job->pid > 0 && !job->over)
		pidfd_signal(job->pidfd, SIGTERM);
	if (job->pid > 0) {
		/* it reaps its own child, so it gets the time to do so */
		if (pidfd_wait(job->pidfd, END_WAIT_MS) != 1)
			pidfd_signal(job->pidfd, SIGKILL);
		proc_wait(job->pid);
	}
	close_fd(job->pidfd);
	close_fd(job->sock);
	strv_free(job->implied);
	*job = (struct layer_job)LAYER_JOB_INIT;
	errno = saved;
}

static int wait_result(struct layer_job *job, struct layer_result *ret,
		       struct err *err)
{
	int r;

	do {
		r = layer_job_read(job, ret, err);
	} while (r == 0);
	layer_job_end(job);
	return r < 0 ? r : 0;
}

int layer_diff_start(int dir, enum layer_format format, int out,
		     int (*enter_userns)(void *arg, struct err *err),
		     void *arg, struct layer_job *ret, struct err *err)
{
	const int fds[5] = { -1, dir, STDERR_FILENO, out, -1 };
	autostrv char **argv = NULL;

	strv_add(&argv, "bryo-layer");
	strv_add(&argv, "pack");
	add_str(&argv, "format", format == LAYER_PLAIN ? "plain" : "overlay");
	return start(argv, fds, NULL, enter_userns, arg, ret, err);
}

int layer_diff_stream(int dir, enum layer_format format, int out,
		      int (*enter_userns)(void *arg, struct err *err),
		      void *arg, struct layer_result *ret, struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	int r;

	TRACE("store", "pack");
	r = layer_diff_start(dir, format, out, enter_userns, arg, &job, err);
	return r < 0 ? r : wait_result(&job, ret, err);
}

/* A stream in, a stream out, no directory; @argv has the mode */
static int convert(const struct layer_apply *a, int out, char ***argv,
		   struct layer_job *ret, struct err *err)
{
	const int fds[5] = { a->input, a->staging, STDERR_FILENO, out, -1 };

	add_str(argv, "digest", a->digest);
	add_str(argv, "diff_id", a->diff_id);
	add_u64(argv, "size", a->size);
	add_u64(argv, "max_bytes", a->max_bytes);
	return start(*argv, fds, NULL, a->enter_userns, a->arg, ret, err);
}

int layer_inflate_start(const struct layer_apply *a, int out,
			struct layer_job *ret, struct err *err)
{
	autostrv char **argv = NULL;

	strv_add(&argv, "bryo-layer");
	strv_add(&argv, "inflate");
	return convert(a, out, &argv, ret, err);
}

int layer_inflate(const struct layer_apply *a, int out,
		  struct layer_result *ret, struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	int r;

	TRACE("store", "inflate");
	r = layer_inflate_start(a, out, &job, err);
	return r < 0 ? r : wait_result(&job, ret, err);
}

int layer_compress(const struct layer_apply *a, int out, const char *codec,
		   unsigned int level, struct layer_result *ret,
		   struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	autostrv char **argv = NULL;
	int r;

	TRACE("store", "compress");
	strv_add(&argv, "bryo-layer");
	strv_add(&argv, "compress");
	add_str(&argv, "codec", codec);
	add_u64(&argv, "level", level);
	r = convert(a, out, &argv, &job, err);
	return r < 0 ? r : wait_result(&job, ret, err);
}

int layer_walk_start(const struct layer_walk *w, int out,
		     struct layer_job *ret, struct err *err)
{
	static const char *const modes[] = {
		[LAYER_MERGED] = "merged",
		[LAYER_DIFF] = "diff",
		[LAYER_CHANGES] = "changes",
	};
	const int fds[5] = { -1, w->root, STDERR_FILENO, out, -1 };
	autostrv char **argv = NULL;

	strv_add(&argv, "bryo-layer");
	strv_add(&argv, modes[w->kind]);
	add_u64(&argv, "tops", strv_len(w->tops));
	for (char *const *p = w->tops; p && *p; p++)
		add_str(&argv, "tree", *p);
	for (char *const *p = w->below; p && *p; p++)
		add_str(&argv, "tree", *p);
	for (char *const *p = w->omit; p && *p; p++)
		add_str(&argv, "omit", *p);
	add_u64(&argv, "plain", w->plain);
	add_u64(&argv, "raw", w->raw);
	add_u64(&argv, "full", w->full);
	add_u64(&argv, "with_root", w->with_root);
	add_u64(&argv, "since_ns", (uint64_t)w->since_ns);
	return start(argv, fds, NULL, w->enter_userns, w->arg, ret, err);
}

int layer_walk_run(const struct layer_walk *w, int out,
		   struct layer_result *ret, struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	int r = layer_walk_start(w, out, &job, err);

	TRACE("store", "walk");
	while (r == 0)
		r = layer_job_read(&job, ret, err);
	layer_job_end(&job);
	return r < 0 ? r : 0;
}
