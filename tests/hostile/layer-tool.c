/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "storage/layer.h"
#include "util/proc.h"
#include "util/str.h"

/*
 * usage: layer-tool unpack DIR [KEY=VALUE...] < layer
 *        layer-tool pack DIR [format=plain] > layer
 *
 * bryo-layer without the store around it, for tests: keys are those of struct
 * layer_apply, blob= and resume= are file names; host=1 has the job forked by
 * one that is loaded, with host=killed by one that is not there any more.
 * Prints the result as KEY=VALUE lines on stdout (pack: stderr), or one error
 * line on stderr.  Runs in the user namespace it is started in.
 */

static struct layer_host host = LAYER_HOST_INIT;

static int parse_host(struct layer_apply *a, const char *v)
{
	struct err err = ERR_INIT;

	if (layer_host_start(NULL, NULL, &host, &err) < 0)
		return -err.code;
	a->host = &host;
	if (streq(v, "killed")) {
		pidfd_signal(host.pidfd, SIGKILL);
		pidfd_wait(host.pidfd, -1);
	}
	return 0;
}

static int parse_arg(struct layer_apply *a, const char *key, const char *v)
{
	if (streq(key, "host"))
		return parse_host(a, v);
	if (streq(key, "format")) {
		a->format = streq(v, "plain") ? LAYER_PLAIN : LAYER_OVERLAY;
		return 0;
	}
	if (streq(key, "digest"))
		a->digest = v;
	else if (streq(key, "diff_id"))
		a->diff_id = v;
	else if (streq(key, "blob"))
		a->blob = open(v, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			       0600);
	else if (streq(key, "resume"))
		a->resume = open(v, O_RDONLY | O_CLOEXEC);
	else if (streq(key, "resume_len"))
		return parse_u64(v, &a->resume_len);
	else if (streq(key, "size"))
		return parse_u64(v, &a->size);
	else if (streq(key, "max_bytes"))
		return parse_u64(v, &a->max_bytes);
	else if (streq(key, "max_entries"))
		return parse_u64(v, &a->max_entries);
	else if (streq(key, "single_id"))
		return parse_bool(v, &a->single_id);
	else
		return -EINVAL;
	return 0;
}

static void print_result(FILE *to, const struct layer_result *res)
{
	fprintf(to,
		"digest=%s\ndiff_id=%s\nsize=%" PRIu64 "\ndiff_size=%" PRIu64
		"\nbytes=%" PRIu64 "\nentries=%" PRIu64 "\nsetid=%d\n"
		"skipped=%" PRIu64 "\n",
		res->digest, res->diff_id, res->size, res->diff_size,
		res->bytes, res->entries, res->setid, res->skipped);
	for (char **p = res->implied; p && *p; p++)
		fprintf(to, "implied=%s\n", *p);
}

/* Of bryo-layer alone: neither our memory nor other processes count. */
static void print_usage(FILE *to)
{
	struct rusage ru;

	if (getrusage(RUSAGE_CHILDREN, &ru) == 0)
		fprintf(to, "rss_kb=%ld\ncpu_ms=%ld\n", ru.ru_maxrss,
			(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000 +
			(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1000);
}

static int unpack(struct layer_apply *a, struct layer_result *res,
		  struct err *err)
{
	struct layer_job job = LAYER_JOB_INIT;
	int r = layer_job_start(a, &job, err);

	while (r == 0)
		r = layer_job_read(&job, res, err);
	layer_job_end(&job);
	layer_host_end(&host);
	return r < 0 ? r : 0;
}

int main(int argc, char **argv)
{
	struct layer_apply a = {
		.input = STDIN_FILENO, .blob = -EBADF, .resume = -EBADF,
	};
	auto_layer_result struct layer_result res = { 0 };
	struct err err = ERR_INIT;
	int r;

	signals_reset();
	if (argc < 3)
		return 2;
	a.staging = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 3; i < argc; i++) {
		char *v = strchr(argv[i], '=');

		if (v)
			*v++ = '\0';
		if (!v || parse_arg(&a, argv[i], v) < 0)
			return 2;
	}
	if (streq(argv[1], "pack"))
		r = layer_diff_stream(a.staging, a.format, STDOUT_FILENO, NULL,
				      NULL, &res, &err);
	else
		r = unpack(&a, &res, &err);
	print_usage(streq(argv[1], "pack") ? stderr : stdout);
	if (r < 0) {
		fprintf(stderr, "%s%s\n", res.chained ? "chained: " : "",
			err.msg);
		return 1;
	}
	print_result(streq(argv[1], "pack") ? stderr : stdout, &res);
	return 0;
}
