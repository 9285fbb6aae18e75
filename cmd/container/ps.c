/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * All rows are read, those that were not asked for dropped (ps_filter.c), the
 * rest sorted and printed: ids alone, the default table straight from the
 * rows, or templates and JSON over one object per row (ps_row.c).  No lock is
 * taken: ps never waits for a command that works on a container.
 */
#include "cmd/container/ps.h"

#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/table.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"

struct ps_args {
	bool all;
	bool external;
	char **filters;
	char *format;
	int last;
	bool latest;
	bool noheading;
	bool no_trunc;
	bool ns;
	bool quiet;
	bool size;
	char *sort;
	bool sync;
	uint64_t watch;
};

static const struct opt ps_opts[] = {
	OPT_BOOL('a', "all", struct ps_args, all,
		 "Show all containers, not only running ones"),
	OPT_LIST('f', "filter", struct ps_args, filters, "KEY=VALUE",
		 "Show only containers that match"),
	OPT_STR(0, "format", struct ps_args, format, "string",
		"Print with a Go template, or json"),
	{ 'n', "last", NULL, OPT_T_INT,
	  OPT_CHECK_(struct ps_args, last, int), OPT_NO_GIVEN, "int", "-1",
	  "Show the n containers created last, in all states", 0 },
	OPT_BOOL('l', "latest", struct ps_args, latest,
		 "Show the container created last"),
	{ 0, "no-trunc", "notruncate", OPT_T_BOOL,
	  OPT_CHECK_(struct ps_args, no_trunc, bool), OPT_NO_GIVEN, NULL, NULL,
	  "Show full ids and commands", 0 },
	OPT_BOOL(0, "noheading", struct ps_args, noheading,
		 "Do not print headers"),
	{ 0, "ns", "namespace", OPT_T_BOOL,
	  OPT_CHECK_(struct ps_args, ns, bool), OPT_NO_GIVEN, NULL, NULL,
	  "Show the namespaces of each container", 0 },
	OPT_BOOL('q', "quiet", struct ps_args, quiet, "Print ids only"),
	{ 0, "sort", NULL, OPT_T_STR,
	  OPT_CHECK_(struct ps_args, sort, char *), OPT_NO_GIVEN, "choice",
	  "created", "Sort by command, created, id, image, names, "
	  "runningfor, size or status", 0 },
	OPT_BOOL(0, "sync", struct ps_args, sync,
		 "Read the state of each container from the kernel, which is "
		 "always done"),
	OPT_U64('w', "watch", struct ps_args, watch, "uint",
		"Print again every so many seconds"),
	OPT_BOOL(0, "external", struct ps_args, external,
		 "Show containers of other tools too: nobody else writes to "
		 "the store, so there are none"),
	OPT_NOT_YET('p', "pod", NULL, "Show pods"),
	OPT_BOOL('s', "size", struct ps_args, size,
		 "Show what each container wrote, and that with its image"),
	OPT_END,
};

/* The columns of ps_table(), and the headers of "table" templates. */
static const struct column columns[] = {
	{ "ID", "CONTAINER ID" },
	{ "Image", "IMAGE" },
	{ "Command", "COMMAND" },
	{ "CreatedHuman", "CREATED" },
	{ "Status", "STATUS" },
	{ "Ports", "PORTS" },
	{ "Names", "NAMES" },
	{ "Size", "SIZE" },
	{ "Pod", "POD ID" },
	{ "PodName", "PODNAME" },
	{ "RunningFor", "RUNNING FOR" },
	{ "IPAddresses", "IP ADDRESSES" },
	{ NULL, NULL },
};

/* --ns */
static const struct column ns_columns[] = {
	{ "ID", "CONTAINER ID" }, { "Names", "NAMES" }, { "Pid", "PID" },
	{ "CGROUPNS", "CGROUPNS" }, { "IPC", "IPC" }, { "MNT", "MNT" },
	{ "NET", "NET" }, { "PIDNS", "PIDNS" }, { "USERNS", "USERNS" },
	{ "UTS", "UTS" }, { NULL, NULL },
};

#define TABLE_HEADER \
	"CONTAINER ID\tIMAGE\tCOMMAND\tCREATED\tSTATUS\tPORTS\tNAMES"

static void ps_defaults(void *p)
{
	struct ps_args *args = p;

	args->last = -1;
}

static int check_args(const struct ps_args *args, struct err *err)
{
	if (args->last >= 0 && args->latest)
		return err_set(err, ERR_USAGE, EINVAL,
			       "last and latest are mutually exclusive");
	if (args->quiet && (args->size || args->ns))
		return err_set(err, ERR_USAGE, EINVAL,
			       "quiet conflicts with size and namespace");
	if (args->size && args->ns)
		return err_set(err, ERR_USAGE, EINVAL,
			       "size and namespace options conflict");
	return 0;
}

/* Drops those that do not match; the list keeps its order. */
static void select_matching(struct ctr_list *list, bool all,
			    const struct ps_filters *filters)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct ctr *c = list->v[i];
		bool shown = all || ctr_is_up(c);

		if (shown && ps_matches(c, filters))
			list->v[n++] = c;
		else
			ctr_free(c);
	}
	list->n = n;
}

/* The @n containers created last, oldest first as they were. */
static void select_last(struct ctr_list *list, size_t n)
{
	size_t drop = list->n > n ? list->n - n : 0;

	for (size_t i = 0; i < drop; i++)
		ctr_free(list->v[i]);
	for (size_t i = drop; i < list->n; i++)
		list->v[i - drop] = list->v[i];
	list->n -= drop;
}

static int collect(struct runtime *rt, const struct ps_args *args,
		   struct ctr_list *list, struct err *err)
{
	auto_ps_filters struct ps_filters filters = PS_FILTERS_INIT;
	int last = args->latest ? 1 : args->last;
	bool all = args->all;
	int r = ps_filters_parse(rt, args->filters, &filters, err);

	if (!r)
		r = ctr_list(rt, list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->n; i++)
		ctr_notice(rt, list->v[i]);
	all |= last > 0 || filters_have(&filters.f, "status") ||
	       filters_have(&filters.f, "exited");
	select_matching(list, all, &filters);
	if (last > 0)
		select_last(list, (size_t)last);
	if (args->size)
		r = ctr_list_measure(rt, list, err);
	return r < 0 ? r : ps_sort(list, args->sort ? args->sort : "created",
				   err);
}

static void print_quiet(const struct ctr_list *list, bool no_trunc)
{
	for (size_t i = 0; i < list->n; i++)
		printf("%.*s\n", no_trunc ? 64 : 12, list->v[i]->id);
}

static void print_default(const struct ctr_list *list,
			  const struct ps_args *args, int64_t now)
{
	autosb struct sb raw = SB_INIT;
	autosb struct sb out = SB_INIT;

	if (!args->noheading)
		sb_addf(&raw, TABLE_HEADER "%s\n", args->size ? "\tSIZE" : "");
	for (size_t i = 0; i < list->n; i++)
		ps_table(list->v[i], now, args->no_trunc, &raw);
	table_align(raw.buf, &out);
	print_text(out.buf, out.len);
}

static int print_formatted(const struct ctr_list *list,
			   const struct ps_args *args, int64_t now,
			   struct err *err)
{
	autojson struct json_object *rows = json_object_new_array();
	bool json = format_is_json(args->format);

	for (size_t i = 0; i < list->n; i++) {
		const struct ctr *c = list->v[i];
		struct json_object *row = json ? ps_json(c, now) :
						 ps_row(c, now,
							args->no_trunc);

		if (args->ns && json)
			json_set(row, "Namespaces", ps_namespaces(c));
		else if (!json)
			ps_add_namespaces(row, c, args->ns);
		json_object_array_add(rows, row);
	}
	return print_rows(args->format, rows, NULL,
			  args->ns ? ns_columns : columns, args->noheading,
			  err);
}

static int print_once(struct runtime *rt, const struct ps_args *args,
		      struct err *err)
{
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	int64_t now = clock_now_ns();
	int r = collect(rt, args, &list, err);

	if (r < 0)
		return r;
	/* --format says more than --quiet, podman goes by it */
	if (args->quiet && str_is_empty(args->format))
		print_quiet(&list, args->no_trunc);
	else if (!args->ns && (str_is_empty(args->format) ||
			       streq(args->format, "table")))
		print_default(&list, args, now);
	else
		r = print_formatted(&list, args, now, err);
	return r;
}

static int ps_run(struct runtime *rt, const void *p, char **argv unused_attr,
		  struct err *err)
{
	const struct ps_args *args = p;
	int r = check_args(args, err);

	if (r < 0)
		return r;
	while (true) {
		if (args->watch && isatty(STDOUT_FILENO))
			printf("\033[2J\033[H");
		r = print_once(rt, args, err);
		if (r < 0 || !args->watch)
			return r;
		r = out_flush(err);
		if (r < 0)
			return r;
		sleep((unsigned int)MIN(args->watch, 86400u));
	}
}

const struct cmd cmd_container_ps = {
	.path = "ps",
	.aliases = (const char *const[]){ "container ls", "container list",
					  "container ps", NULL },
	.usage = "[options]",
	.summary = "List containers",
	.text = "Prints information about the containers, running ones unless "
		"--all is given.",
	.examples = (const char *const[]){ "ps -a",
					   "ps -a --format \"{{.ID}}  "
					   "{{.Image}}  {{.Labels}}\"",
					   "ps --sort names", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ ps_opts, NULL },
	.args_size = sizeof(struct ps_args),
	.defaults = ps_defaults,
	.run = ps_run,
};
