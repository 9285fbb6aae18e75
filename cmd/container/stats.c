/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One sample after the other, until the command is ended or nothing of what it
 * was asked for runs any more.  The first sample's percentage is over the
 * container's life, every later one over the time since the sample before,
 * which is kept per container id.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/gotext.h"
#include "libpod/core/stats.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

struct stats_args {
	bool all, latest, no_reset, no_stream, no_trunc;
	char *format;
	int interval;
};

static const struct opt stats_opts[] = {
	OPT_BOOL('a', "all", struct stats_args, all,
		 "Show all containers, not only running ones"),
	OPT_STR(0, "format", struct stats_args, format, "string",
		"Print with a Go template, or json"),
	{ 'i', "interval", NULL, OPT_T_INT,
	  OPT_CHECK_(struct stats_args, interval, int), OPT_NO_GIVEN, "int",
	  "5", "Seconds between two samples", 0 },
	OPT_BOOL('l', "latest", struct stats_args, latest,
		 "Use the container created last"),
	OPT_BOOL(0, "no-reset", struct stats_args, no_reset,
		 "Do not clear the screen between two samples"),
	OPT_BOOL(0, "no-stream", struct stats_args, no_stream,
		 "Print one sample and end"),
	OPT_BOOL(0, "no-trunc", struct stats_args, no_trunc,
		 "Print whole ids"),
	OPT_END,
};

static void stats_defaults(void *args)
{
	((struct stats_args *)args)->interval = 5;
}

static const struct column columns[] = {
	{ "ID", "ID" },
	{ "Name", "NAME" },
	{ "CPUPerc", "CPU %" },
	{ "MemUsage", "MEM USAGE / LIMIT" },
	{ "MemPerc", "MEM %" },
	{ "NetIO", "NET IO" },
	{ "BlockIO", "BLOCK IO" },
	{ "PIDs", "PIDS" },
	{ "UpTime", "CPU TIME" },
	{ "AvgCPU", "AVG CPU %" },
	{ "MemUsageBytes", "" },
	{ NULL, NULL },
};

/* ---- samples ------------------------------------------------------------ */

struct before {
	char id[65];
	struct ctr_stats s;
};

struct history {
	struct before *v;
	size_t n;
};

static void history_done(struct history *h)
{
	free(h->v);
}

/* The sample before, replaced by @s; false when there was none. */
static bool history_swap(struct history *h, const char *id,
			 const struct ctr_stats *s, struct ctr_stats *ret)
{
	for (size_t i = 0; i < h->n; i++) {
		if (!streq(h->v[i].id, id))
			continue;
		*ret = h->v[i].s;
		h->v[i].s = *s;
		return true;
	}
	h->v = xreallocarray(h->v, h->n + 1, sizeof(*h->v));
	h->v[h->n].s = *s;
	memcpy(h->v[h->n++].id, id, sizeof(h->v->id));
	return false;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double cpu_percent(struct history *h, const char *id,
			  const struct ctr_stats *s)
{
	struct ctr_stats was;

	if (!history_swap(h, id, s, &was) || s->cpu_ns < was.cpu_ns)
		return percent(s->cpu_ns, s->up_ns);
	return percent(s->cpu_ns - was.cpu_ns, s->at_ns - was.at_ns);
}

/* ---- texts -------------------------------------------------------------- */

static void set_percent(struct json_object *o, const char *key, double value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%.2f%%", value);
	json_set_str(o, key, text);
}

static void set_pair(struct json_object *o, const char *key, uint64_t a,
		     uint64_t b)
{
	char first[SIZE_TEXT_MAX];
	char second[SIZE_TEXT_MAX];
	autofree char *text = xasprintf("%s / %s",
					size_human(a, false, first),
					size_human(b, false, second));

	json_set_str(o, key, text);
}

/* 1024 instead of 1000, for those who compare it with -m */
static void set_binary(struct json_object *o, const struct ctr_stats *s)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	const uint64_t v[] = { s->mem, s->mem_limit };
	autosb struct sb text = SB_INIT;

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		double n = (double)v[i];
		size_t u = 0;

		for (; n >= 1024 && u + 1 < ARRAY_LEN(units); u++)
			n /= 1024;
		sb_addf(&text, "%s%.4g%s", i ? " / " : "", n, units[u]);
	}
	json_set_str(o, "MemUsageBytes", text.buf);
}

/* The same value under podman's name and docker's */
static void set_alias(struct json_object *o, const char *key, const char *of)
{
	json_set(o, key, json_object_get(json_object_object_get(o, of)));
}

static void set_duration(struct json_object *o, const char *key, uint64_t ns)
{
	autosb struct sb text = SB_INIT;

	go_duration(&text, (int64_t)ns);
	json_set_str(o, key, text.buf);
}

/* What does not run uses nothing that could be told. */
static void set_nothing(struct json_object *o)
{
	static const char *const keys[] = { "CPUPerc", "MemPerc", "PIDs",
					    "UpTime", "AvgCPU" };
	static const char *const pairs[] = { "MemUsage", "MemUsageBytes",
					     "NetIO", "BlockIO" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_set_str(o, keys[i], "--");
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		json_set_str(o, pairs[i], "-- / --");
}

static void set_values(struct json_object *o, const char *id,
		       const struct ctr_stats *s, struct history *h)
{
	char pids[24];

	(void)snprintf(pids, sizeof(pids), "%llu",
		       (unsigned long long)s->pids);
	set_percent(o, "CPUPerc", cpu_percent(h, id, s));
	set_pair(o, "MemUsage", s->mem, s->mem_limit);
	set_binary(o, s);
	set_percent(o, "MemPerc", percent(s->mem, s->mem_limit));
	set_pair(o, "NetIO", s->net_in, s->net_out);
	set_pair(o, "BlockIO", s->block_in, s->block_out);
	json_set_str(o, "PIDs", pids);
	set_duration(o, "UpTime", s->cpu_ns);
	set_percent(o, "AvgCPU", percent(s->cpu_ns, s->up_ns));
}

static struct json_object *row_of(const struct ctr *c,
				  const struct ctr_stats *s,
				  struct history *h, bool no_trunc)
{
	struct json_object *o = json_object_new_object();
	autofree char *id = xasprintf("%.*s", no_trunc ? 64 : 12, c->id);

	json_set_str(o, "ID", id);
	json_set_str(o, "ContainerID", c->id);
	json_set_str(o, "Name", c->name);
	if (s)
		set_values(o, c->id, s, h);
	else
		set_nothing(o);
	set_alias(o, "Container", "ID");
	set_alias(o, "CPU", "CPUPerc");
	set_alias(o, "Mem", "MemPerc");
	set_alias(o, "PIDS", "PIDs");
	return o;
}

/* podman's keys of --format json */
static struct json_object *json_of(struct json_object *row)
{
	static const char *const keys[][2] = {
		{ "id", "ID" },		    { "name", "Name" },
		{ "cpu_time", "UpTime" },   { "cpu_percent", "CPUPerc" },
		{ "avg_cpu", "AvgCPU" },    { "mem_usage", "MemUsage" },
		{ "mem_percent", "MemPerc" }, { "net_io", "NetIO" },
		{ "block_io", "BlockIO" },  { "pids", "PIDs" },
	};
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_set(o, keys[i][0],
			 json_object_get(json_object_object_get(row,
								keys[i][1])));
	return o;
}

/* ---- which containers ---------------------------------------------------- */

static int check_args(const struct stats_args *args, char **argv,
		      struct err *err)
{
	int n = (args->all ? 1 : 0) + (args->latest ? 1 : 0) +
		(argv[0] ? 1 : 0);

	if (n > 1)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all, --latest and containers cannot be used "
			       "together");
	if (args->interval < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "invalid interval: must be 0 or more seconds");
	return 0;
}

static void add_ctr(struct ctr_list *list, struct ctr *c)
{
	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = c;
}

static void keep_running(struct ctr_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (ctr_is_up(list->v[i]))
			list->v[n++] = list->v[i];
		else
			ctr_free(list->v[i]);
	}
	list->n = n;
}

static int collect(struct runtime *rt, const struct stats_args *args,
		   char **argv, struct ctr_list *ret, struct err *err)
{
	struct ctr *c = NULL;
	int r = 0;

	if (!*argv && !args->latest) {
		r = ctr_list(rt, ret, err);
		if (r == 0 && !args->all)
			keep_running(ret);
		return r;
	}
	if (args->latest) {
		r = ctr_latest(rt, &c, err);
		if (r == 0)
			add_ctr(ret, c);
	}
	for (; r == 0 && *argv; argv++) {
		r = ctr_look(rt, *argv, &c, err);
		if (r == 0)
			add_ctr(ret, c);
	}
	return r;
}

/* ---- the command --------------------------------------------------------- */

/* How many of them run; -errno */
static int print_once(struct runtime *rt, const struct stats_args *args,
		      char **argv, struct history *h, struct err *err)
{
	auto_ctr_list struct ctr_list list = { 0 };
	autojson struct json_object *rows = json_object_new_array();
	autojson struct json_object *json = json_object_new_array();
	int running = 0;
	int r = collect(rt, args, argv, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct ctr *c = list.v[i];
		struct ctr_stats s;
		bool up = ctr_is_up(c) &&
			  ctr_stats_read(rt, c, &s, NULL) == 0;
		struct json_object *row = row_of(c, up ? &s : NULL, h,
						 args->no_trunc);

		running += up;
		json_object_array_add(rows, row);
		json_object_array_add(json, json_of(row));
	}
	if (r == 0)
		r = print_rows(args->format, rows, json, columns, false, err);
	return r < 0 ? r : running;
}

static int stats_run(struct runtime *rt, const void *p, char **argv,
		     struct err *err)
{
	const struct stats_args *args = p;
	struct history h cleanup(history_done) = { 0 };
	struct timespec pause = { .tv_sec = args->interval };
	bool reset = !args->no_reset && !args->no_stream &&
		     isatty(STDOUT_FILENO);
	bool named = argv[0] || args->latest;
	int r = check_args(args, argv, err);

	if (args->interval == 0)
		pause.tv_nsec = 100000000;
	while (r >= 0) {
		if (reset)
			printf("\033[2J\033[H");
		r = print_once(rt, args, argv, &h, err);
		if (r < 0 || args->no_stream || (named && r == 0))
			break;
		r = out_flush(err);
		if (r >= 0)
			(void)nanosleep(&pause, NULL);
	}
	return r < 0 ? r : 0;
}

const struct cmd cmd_container_stats = {
	.path = "stats",
	.aliases = (const char *const[]){ "container stats", NULL },
	.usage = "[options] [CONTAINER...]",
	.summary = "Display a live stream of what containers use",
	.text = "Without names: all running containers. Works with a cgroup "
		"and without one.",
	.examples = (const char *const[]){ "stats", "stats --no-stream web",
					   "stats --format json --no-stream",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ stats_opts, NULL },
	.args_size = sizeof(struct stats_args),
	.defaults = stats_defaults,
	.run = stats_run,
};
