/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/registry/registry.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/sha256.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * usage: regclient [KEY=VALUE...] HOST/REPO manifest REF   > body
 *        regclient ... small DIGEST SIZE                   > body
 *        regclient ... blob DIGEST SIZE [OFFSET]           > body
 *        regclient ... blobs DIGEST:SIZE...    one line per blob, parallel
 *        regclient ... tags
 *        regclient ... upload FILE DIGEST [FROM]           > how
 *        regclient ... put REF TYPE FILE
 *
 * bryo-registry without the image store around it, for tests: keys are those
 * of struct registry_conf.  A manifest's media type goes to stderr as
 * "type=...", the count of a blob's progress as "done=...".  A failure prints
 * "Error: ..." and "errno=NAME" and ends with 125.
 */

struct options {
	struct registry_conf conf;
	char *host;
	unsigned int nap_ms; /* before the reader starts to read */
	uint64_t stop_at;    /* the reader goes away after so many bytes */
};

static int parse_key(struct options *o, char *arg)
{
	char *value = strchr(arg, '=');
	uint32_t number = 0;

	*value++ = '\0';
	if (streq(arg, "authfile"))
		o->conf.authfile = value;
	else if (streq(arg, "creds"))
		o->conf.creds = value;
	else if (streq(arg, "cert_dir"))
		o->conf.cert_dir = value;
	else if (streq(arg, "stop_at"))
		return parse_u64(value, &o->stop_at);
	else if (parse_u32(value, &number) < 0)
		return -EINVAL;
	else if (streq(arg, "tls_verify"))
		o->conf.tls_verify = (int)number;
	else if (streq(arg, "retry"))
		o->conf.retry = (int)number;
	else if (streq(arg, "stall_s"))
		o->conf.stall_s = number;
	else if (streq(arg, "nap_ms"))
		o->nap_ms = number;
	else
		return -EINVAL;
	return 0;
}

static int show(int r, const struct err *err)
{
	if (r >= 0)
		return 0;
	fprintf(stderr, "Error: %s\nerrno=%s\n", err->msg, strerrorname_np(-r));
	return 125;
}

/* A child that copies the pipe to stdout */
static pid_t start_reader(const struct options *o, int fd, int other)
{
	uint64_t total = 0;
	char buf[65536];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	close(other);
	usleep(o->nap_ms * 1000);
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0 || fd_write_full(1, buf, (size_t)n) < 0)
			_exit(0);
		total += (uint64_t)n;
		if (o->stop_at && total >= o->stop_at)
			_exit(0);
	}
}

static int wait_event(struct registry *r, struct registry_event *ev,
		      struct err *err)
{
	int res;

	do {
		struct pollfd p = { .fd = registry_fd(r), .events = POLLIN };

		res = registry_read(r, ev, err);
		if (res == 0 && poll(&p, 1, -1) < 0)
			return err_sys(err, "poll");
	} while (res == 0 || (res == 1 && ev->kind == REG_PROGRESS));
	return res;
}

static int do_blob(const struct options *o, struct registry *r, char **argv,
		   struct err *err)
{
	struct registry_event ev;
	uint64_t size, offset = 0;
	int p[2];
	int res;

	if (!argv[0] || !argv[1] || parse_u64(argv[1], &size) < 0 ||
	    (argv[2] && parse_u64(argv[2], &offset) < 0))
		return err_set(err, ERR_USAGE, EINVAL, "usage");
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");

	pid_t reader = start_reader(o, p[0], p[1]);

	close(p[0]);
	res = registry_blob_start(r, argv[0], size, offset, p[1], 7, err);
	close(p[1]);
	if (res >= 0)
		res = wait_event(r, &ev, err);
	waitpid(reader, NULL, 0);
	if (res < 0)
		return res;
	fprintf(stderr, "done=%" PRIu64 "\n", ev.done);
	if (ev.kind == REG_FAILED) {
		*err = ev.err;
		return -ev.err.code;
	}
	return 0;
}

/* Child: hash what comes and say whether it is what was asked for */
static void noreturn_attr check_blob(int fd, const char *digest)
{
	struct err err = ERR_INIT;
	struct sha256 *h = NULL;
	char hex[SHA256_HEX];
	char buf[65536];
	ssize_t n;

	if (sha256_new(&h, &err) < 0)
		_exit(2);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		sha256_add(h, buf, (size_t)n);
	sha256_hex(h, hex);
	_exit(streq(hex, digest + 7) ? 0 : 1);
}

static int start_one(struct registry *r, char *arg, uint32_t key, pid_t *ret,
		     struct err *err)
{
	char *colon = strrchr(arg, ':');
	uint64_t size;
	int p[2];
	int res;

	*colon = '\0';
	if (parse_u64(colon + 1, &size) < 0)
		return err_set(err, ERR_USAGE, EINVAL, "usage");
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	*ret = fork();
	if (*ret == 0) {
		close(p[1]);
		check_blob(p[0], arg);
	}
	res = registry_blob_start(r, arg, size, 0, p[1], key, err);
	close(p[0]);
	close(p[1]);
	return res;
}

static int do_blobs(struct registry *r, char **argv, struct err *err)
{
	size_t n = strv_len(argv);
	autofree pid_t *pids = xcalloc(n, sizeof(*pids));
	int res = 0;

	for (size_t i = 0; i < n && res >= 0; i++)
		res = start_one(r, argv[i], (uint32_t)i, &pids[i], err);
	for (size_t i = 0; i < n && res >= 0; i++) {
		struct registry_event ev;
		int status = 0;

		res = wait_event(r, &ev, err);
		if (res < 0)
			break;
		waitpid(pids[ev.key], &status, 0);
		printf("%" PRIu32 " %s %s\n", ev.key,
		       ev.kind == REG_DONE ? "done" : ev.err.msg,
		       WEXITSTATUS(status) == 0 ? "digest" : "mismatch");
	}
	return res < 0 ? res : 0;
}

static int do_upload(struct registry *r, char **argv, struct err *err)
{
	autoclose int fd = argv[0] ? open(argv[0], O_RDONLY | O_CLOEXEC) : -1;
	struct registry_event ev;
	struct stat st;
	int res;

	if (fd < 0 || fstat(fd, &st) < 0 || !argv[1])
		return err_set(err, ERR_USAGE, EINVAL, "usage");
	res = registry_upload(r, argv[1], (uint64_t)st.st_size, argv[2], fd, 3,
			      err);
	if (res >= 0)
		res = wait_event(r, &ev, err);
	if (res < 0)
		return res;
	if (ev.kind == REG_FAILED) {
		*err = ev.err;
		return -ev.err.code;
	}
	puts(ev.how);
	return 0;
}

static int do_put(struct registry *r, char **argv, struct err *err)
{
	autosb struct sb body = SB_INIT;
	int res;

	if (strv_len(argv) != 3)
		return err_set(err, ERR_USAGE, EINVAL, "usage");
	res = file_load(argv[2], 64u << 20, &body);
	return res < 0 ? err_code(err, res, "%s", argv[2]) :
			 registry_put(r, argv[0], argv[1], body.buf, body.len,
				      err);
}

static int run(const struct options *o, struct registry *r, char **argv,
	       struct err *err)
{
	autosb struct sb body = SB_INIT;
	autofree char *type = NULL;
	autostrv char **tags = NULL;
	const char *cmd = argv[0] ? argv[0] : "";
	uint64_t size = 0;
	int res;

	if (streq(cmd, "blob"))
		return do_blob(o, r, argv + 1, err);
	if (streq(cmd, "blobs"))
		return do_blobs(r, argv + 1, err);
	if (streq(cmd, "upload"))
		return do_upload(r, argv + 1, err);
	if (streq(cmd, "put"))
		return do_put(r, argv + 1, err);
	if (streq(cmd, "tags")) {
		res = registry_tags(r, &tags, err);
		for (size_t i = 0; i < strv_len(tags); i++)
			puts(tags[i]);
		return res;
	}
	if (streq(cmd, "manifest") && argv[1]) {
		res = registry_manifest(r, argv[1], &body, &type, err);
		if (res >= 0)
			fprintf(stderr, "type=%s\n", type);
	} else if (streq(cmd, "small") && argv[1] && argv[2] &&
		   parse_u64(argv[2], &size) == 0) {
		res = registry_blob_small(r, argv[1], size, &body, err);
	} else {
		return err_set(err, ERR_USAGE, EINVAL, "usage");
	}
	return res < 0 ? res : fd_write_full(1, body.buf, body.len);
}

int main(int argc, char **argv)
{
	struct options o = { .conf = { .tls_verify = -1, .retry = -1 } };
	struct registry *r = NULL;
	struct err err = ERR_INIT;
	int i = 1;
	int res;

	signal(SIGPIPE, SIG_IGN);
	/* A repository name has no '=' */
	for (; i < argc && strchr(argv[i], '='); i++) {
		if (parse_key(&o, argv[i]) < 0)
			return 2;
	}
	if (i >= argc || !strchr(argv[i], '/'))
		return 2;
	o.host = argv[i];
	o.conf.host = o.host;
	o.conf.repo = strchr(o.host, '/') + 1;
	*strchr(o.host, '/') = '\0';
	o.conf.push = i + 1 < argc && (streq(argv[i + 1], "upload") ||
				       streq(argv[i + 1], "put"));
	res = registry_open(&o.conf, &r, &err);
	if (res >= 0)
		res = run(&o, r, argv + i + 1, &err);
	registry_close(r);
	return show(res, &err);
}
