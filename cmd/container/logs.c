/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Records of the log go to the stream that they came from, byte for byte.
 * Stdout and stderr may be one terminal or pipe: then the pieces of an
 * unfinished line are kept per stream until the line ends, and a line that
 * never ends gets a newline before the other stream goes on.  With --follow
 * nothing is kept back, since a prompt has no newline.
 *
 * Several containers are read one after the other; with --follow each has a
 * process of its own, as reading waits.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/timearg.h"
#include "libpod/core/container.h"
#include "libpod/core/log/log.h"
#include "libpod/monitor/log_read.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define LINE_MAX_KEPT (1u << 20)
#define N_COLORS 6

struct logs_args {
	bool color;
	bool details;
	bool follow;
	bool latest;
	bool names;
	char *since;
	int64_t tail;
	bool timestamps;
	char *until;
};

static const struct opt logs_opts[] = {
	OPT_BOOL(0, "color", struct logs_args, color,
		 "Give the lines of each container a colour"),
	OPT_BOOL(0, "details", struct logs_args, details,
		 "Show the attributes of --log-opt tag, label, labels and env"),
	OPT_BOOL('f', "follow", struct logs_args, follow,
		 "Go on until the container ends"),
	OPT_BOOL('l', "latest", struct logs_args, latest,
		 "Use the container created last"),
	OPT_BOOL('n', "names", struct logs_args, names,
		 "Put the container's name before each line"),
	OPT_STR(0, "since", struct logs_args, since, "string",
		"Only lines from a time on, or from so long ago"),
	{ 0, "tail", NULL, OPT_T_I64,
	  OPT_CHECK_(struct logs_args, tail, int64_t), OPT_NO_GIVEN, "int",
	  "-1", "Only the last n lines; -1 or all: every line", OPT_ALL },
	OPT_BOOL('t', "timestamps", struct logs_args, timestamps,
		 "Put the time before each line"),
	OPT_STR(0, "until", struct logs_args, until, "string",
		"Only lines before a time"),
	OPT_END,
};

static void logs_defaults(void *p)
{
	((struct logs_args *)p)->tail = LOG_TAIL_ALL;
}

/* One of the two streams on our side. */
struct sink {
	FILE *file;
	struct sb line;		/* the unfinished line that is kept back */
	bool open;		/* something of a line is printed */
};

struct reader {
	const struct logs_args *args;
	const struct ctr *ctr;
	const char *prefix;	/* NULL: none */
	int color;		/* -1: none */
	bool shared;		/* stdout and stderr are one file */
	struct sink out, err;
};

static bool is_one_file(void)
{
	struct stat a, b;

	return !fstat(STDOUT_FILENO, &a) && !fstat(STDERR_FILENO, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* "k=v,k2=v2 ", by name */
static void add_details(const struct log_rec *rec, struct sb *out)
{
	autojson struct json_object *o = NULL;
	autostrv char **pairs = NULL;
	autofree char *text = NULL;

	if (rec->attrs)
		o = json_parse(rec->attrs, rec->n_attrs, NULL);
	if (o)
		pairs = json_env_list(o);
	if (!pairs)
		return;
	strv_sort(pairs);
	text = strv_join(pairs, ",");
	sb_addf(out, "%s ", text);
}

static void add_prefix(const struct reader *r, const struct log_rec *rec,
		       struct sb *out)
{
	char buf[TIME_TEXT_MAX];

	if (r->color >= 0)
		sb_addf(out, "\033[3%dm", r->color + 1);
	if (r->prefix)
		sb_addf(out, "%s ", r->prefix);
	if (r->args->timestamps)
		sb_addf(out, "%s ", time_rfc3339(rec->time_ns, buf));
	if (r->args->details)
		add_details(rec, out);
}

/* Everything of one stream leaves through here. */
static void put(struct reader *r, struct sink *s, const struct sb *text,
		bool ended)
{
	struct sink *other = s == &r->out ? &r->err : &r->out;

	if (r->shared && other->open) {
		fputc('\n', other->file);
		other->open = false;
	}
	fflush(other->file);
	fwrite(text->buf, 1, text->len, s->file);
	s->open = !ended && text->len;
}

static int put_record(void *arg, const struct log_rec *rec)
{
	struct reader *r = arg;
	struct sink *s = rec->stream == LOG_STDERR ? &r->err : &r->out;

	if (!s->line.len && !s->open)
		add_prefix(r, rec, &s->line);
	sb_addn(&s->line, rec->text, rec->len);
	if (rec->partial && !r->args->follow && s->line.len < LINE_MAX_KEPT)
		return 0;
	if (!rec->partial && r->color >= 0)
		sb_add(&s->line, "\033[0m");
	if (!rec->partial)
		sb_addch(&s->line, '\n');
	put(r, s, &s->line, !rec->partial);
	sb_trunc(&s->line, 0);
	if (r->args->follow)
		fflush(s->file);
	return ferror(s->file) ? -EIO : 0;
}

static void flush_rest(struct reader *r, bool more)
{
	struct sink *sinks[] = { &r->out, &r->err };

	for (size_t i = 0; i < ARRAY_LEN(sinks); i++) {
		if (sinks[i]->line.len)
			put(r, sinks[i], &sinks[i]->line, false);
		if (more && sinks[i]->open)
			fputc('\n', sinks[i]->file);
		sb_done(&sinks[i]->line);
		fflush(sinks[i]->file);
	}
}

/* Nobody but the monitor writes the log. */
static int ended(void *arg)
{
	const struct ctr *c = arg;

	return !proc_is_alive(&c->monitor);
}

static int read_opts(const struct logs_args *args, const struct ctr *c,
		     struct log_read_opts *ret, struct err *err)
{
	*ret = (struct log_read_opts)LOG_READ_INIT;
	ret->tail = args->tail < 0 ? LOG_TAIL_ALL : args->tail;
	ret->follow = args->follow;
	ret->ended = ended;
	ret->arg = (void *)(uintptr_t)c;
	if (args->since && time_arg(args->since, TIME_AGO, &ret->since_ns) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "failed to parse time \"%s\" of --since",
			       args->since);
	if (args->until &&
	    time_arg(args->until, TIME_AHEAD, &ret->until_ns) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "failed to parse time \"%s\" of --until",
			       args->until);
	return 0;
}

/* Stderr as such writes every line for itself. */
static FILE *buffered_stderr(void)
{
	autoclose int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "we");

	if (f)
		take_fd(fd);
	return f;
}

static int read_one(struct runtime *rt, const struct ctr *c,
		    const struct logs_args *args, bool several, int index,
		    struct err *err)
{
	autofree char *short_id = xstrndup(c->id, 12);
	struct reader reader = {
		.args = args,
		.ctr = c,
		.prefix = args->names ? c->name : several ? short_id : NULL,
		.color = args->color ? index % N_COLORS : -1,
		.shared = is_one_file(),
		.out = { stdout, SB_INIT, false },
		.err = { stderr, SB_INIT, false },
	};
	struct log_read_opts opts = LOG_READ_INIT;
	autofclose FILE *buffered = NULL;
	int r = read_opts(args, c, &opts, err);

	if (r < 0)
		return r;
	buffered = buffered_stderr();
	if (buffered)
		reader.err.file = buffered;
	if (args->details && streq(c->config.log_driver, "journald"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--details is not supported with the log "
			       "driver journald");
	r = ctr_log_read(rt, c, &opts, put_record, &reader, err);
	flush_rest(&reader, several);
	return r < 0 && !err_is_set(err) ? err_code(err, r, "write the log") :
					   r;
}

/* ---- which containers -------------------------------------------------- */

static int find_all(struct runtime *rt, const struct logs_args *args,
		    char **argv, struct ctr_list *list, struct err *err)
{
	size_t n = strv_len(argv);
	int code = 0;

	if (args->latest && n)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and containers cannot be used "
			       "together");
	if (!args->latest && !n)
		return err_set(err, ERR_USAGE, EINVAL,
			       "specify at least one container name or ID to "
			       "log");
	list->v = xcalloc(n + 1, sizeof(struct ctr *));
	if (args->latest)
		return ctr_latest(rt, &list->v[list->n++], err);
	for (; *argv; argv++) {
		struct err why = ERR_INIT;

		if (ctr_look(rt, *argv, &list->v[list->n], &why) < 0)
			code = exit_worse(code, cmd_error(&why, false));
		else
			list->n++;
	}
	return code;
}

/* In a child: no database, no stdio buffers of the parent. */
static int follow_child(struct runtime *rt, const struct ctr *c,
			const struct logs_args *args, int index)
{
	struct err err = ERR_INIT;

	if (read_one(rt, c, args, true, index, &err) < 0)
		return cmd_error(&err, false);
	return 0;
}

static int follow_all(struct runtime *rt, const struct ctr_list *list,
		      const struct logs_args *args, struct err *err)
{
	autofree pid_t *pids = xcalloc(list->n, sizeof(*pids));
	int code = 0;
	int r = 0;

	fflush(stdout);
	for (size_t i = 0; i < list->n && !r; i++) {
		pids[i] = fork();
		if (!pids[i])
			child_exit(follow_child(rt, list->v[i], args, (int)i));
		if (pids[i] < 0)
			r = err_fork(err, errno, "fork");
	}
	for (size_t i = 0; i < list->n; i++) {
		if (pids[i] > 0)
			code = exit_worse(code, proc_wait(pids[i]));
	}
	return r < 0 ? r : code;
}

static int logs_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct logs_args *args = p;
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	bool several = strv_len(argv) > 1;
	int code = find_all(rt, args, argv, &list, err);

	if (code < 0)
		return code;
	if (args->follow && list.n > 1) {
		int r = follow_all(rt, &list, args, err);

		return r < 0 ? r : exit_worse(code, r);
	}
	for (size_t i = 0; i < list.n; i++) {
		struct err why = ERR_INIT;

		if (read_one(rt, list.v[i], args, several, (int)i, &why) < 0)
			code = exit_worse(code, cmd_error(&why, false));
	}
	return code;
}

const struct cmd cmd_container_logs = {
	.path = "logs",
	.aliases = (const char *const[]){ "container logs", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Fetch the logs of one or more containers",
	.text = "Prints what the containers wrote, their standard output to "
		"standard output and their standard error to standard error.",
	.examples = (const char *const[]){ "logs ctrID",
					   "logs --names ctrID1 ctrID2",
					   "logs --tail 2 mywebserver",
					   "logs --follow=true --since 10m "
					   "ctrID", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ logs_opts, NULL },
	.args_size = sizeof(struct logs_args),
	.defaults = logs_defaults,
	.run = logs_run,
};
