/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `events`: what is in the journal, and what comes into it.
 *
 * Theory of operation.  Without --since and --until only what happens from now
 * on is printed, for ever; with one of them, and with --stream=false, the
 * journal is read from its beginning.  --until ends the command.  Between two
 * looks it sleeps until the state changes (event_wait()).
 *
 * Called as docker it prints docker's line, its words and its JSON object.
 */
#include <limits.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/filter.h"
#include "cmd/format.h"
#include "cmd/timearg.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define SHORT_ID 12

struct events_args {
	char **filters;
	char *format;
	bool no_trunc;
	char *since;
	bool stream;
	char *until;
};

static const struct opt events_opts[] = {
	OPT_LIST('f', "filter", struct events_args, filters, "KEY=VALUE",
		 "Print only events that match"),
	OPT_STR(0, "format", struct events_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL(0, "no-trunc", struct events_args, no_trunc,
		 "Print whole IDs (default true)"),
	OPT_STR(0, "since", struct events_args, since, "string",
		"Print what happened since this time"),
	OPT_BOOL(0, "stream", struct events_args, stream,
		 "Go on with what happens from now on (default true)"),
	OPT_STR(0, "until", struct events_args, until, "string",
		"End at this time"),
	OPT_END,
};

static void events_defaults(void *p)
{
	struct events_args *args = p;

	args->no_trunc = true;
	args->stream = true;
}

/**
 * struct printer - one `events`
 * @since, @until: bounds of the times, 0: none
 * @docker: called by that name
 * @end:    behind a template's text
 */
struct printer {
	struct filters filters;
	struct template *template;
	const char *end;
	int64_t since;
	int64_t until;
	bool docker;
	bool no_trunc;
};

/* ---- words ------------------------------------------------------------- */

/* docker's word for a status of ours, and its column in filters */
static const struct {
	const char *type;	/* NULL: each */
	const char *ours;
	const char *docker;
} words[] = {
	{ NULL, "died", "die" },
	{ "container", "remove", "destroy" },
	{ "volume", "remove", "destroy" },
	{ "network", "remove", "destroy" },
	{ "image", "remove", "delete" },
	{ NULL, "loadfromarchive", "load" },
	{ NULL, "exec", "exec_start" },
};

static const char *docker_word(const char *type, const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (streq(words[i].ours, status) &&
		    (!words[i].type || streq(words[i].type, type)))
			return words[i].docker;
	return status;
}

static bool is_status(const char *want, const struct event_row *e)
{
	return streq(want, e->status) ||
	       streq(want, docker_word(e->type, e->status)) ||
	       (streq(want, "rm") && streq(e->status, "remove"));
}

/* ---- filters ----------------------------------------------------------- */

static const char *const keys[] = {
	"container", "event", "id",   "image",	"label", "name",
	"network",   "pod",   "scope", "type", "volume", NULL,
};

static const struct filter_texts texts = {
	{ "\"", "\" is an invalid filter" },
	{ "\"", "\" is an invalid filter" },
};

static bool is_named(const struct event_row *e, const char *type,
		     const char *want)
{
	if (!streq(e->type, type) || str_is_empty(want))
		return false;
	return streq(e->name, want) || str_starts(e->id, want);
}

/* "busybox" is meant by localhost:5000/busybox:latest as well */
static bool is_image(const char *have, const char *want)
{
	const char *at = strstr(have, want);
	char end;

	if (!at || str_is_empty(want) || (at != have && at[-1] != '/'))
		return false;
	end = at[strlen(want)];
	return !end || end == ':' || end == '@';
}

static bool test_one(const struct filter *f, void *obj)
{
	const struct event_row *e = obj;
	autostrv char **labels = NULL;

	if (streq(f->key, "event"))
		return is_status(f->value, e);
	/* there is no swarm */
	if (streq(f->key, "scope"))
		return streq(f->value, "local");
	if (streq(f->key, "type"))
		return streq(f->value, e->type);
	if (streq(f->key, "id"))
		return *f->value && str_starts(e->id, f->value);
	if (streq(f->key, "name"))
		return streq(e->name, f->value);
	if (streq(f->key, "image"))
		return is_image(e->image, f->value) ||
		       (streq(e->type, "image") &&
			(is_image(e->name, f->value) ||
			 is_named(e, "image", f->value)));
	if (streq(f->key, "label")) {
		labels = json_env_list(e->attrs);
		return filter_label(f->value, labels);
	}
	return is_named(e, f->key, f->value);
}

static bool wanted(const struct printer *p, const struct event_row *e)
{
	struct event_row copy = *e;

	if ((p->since && e->time_ns < p->since) ||
	    (p->until && e->time_ns > p->until))
		return false;
	return filters_match(&p->filters, test_one, &copy);
}

/* ---- objects ----------------------------------------------------------- */

static void put_times(struct json_object *o, const struct event_row *e)
{
	json_set_i64(o, "time", e->time_ns / NS_PER_S);
	json_set_i64(o, "timeNano", e->time_ns);
}

static void put_exit_code(struct json_object *o, const struct event_row *e)
{
	const char *text = json_str(e->attrs, "exitCode");
	int code = 0;

	if (text && parse_int(text, &code) == 0)
		json_set_i64(o, "ContainerExitCode", code);
	else
		template_put_hidden(o, "ContainerExitCode",
				    json_object_new_int(0));
}

static struct json_object *attrs_of(const struct event_row *e)
{
	struct json_object *attrs = json_object_get(e->attrs);

	template_mark_map(attrs);
	return attrs;
}

static struct json_object *podman_object(const struct event_row *e,
					 const char *line)
{
	struct json_object *o = json_object_new_object();
	const char *health = json_str(e->attrs, "health_status");
	char time[TIME_TEXT_MAX];
	struct json_object *t;

	put_exit_code(o, e);
	json_set_str(o, "ID", e->id);
	json_set_str(o, "Image", e->image);
	json_set_str(o, "Name", e->name);
	json_set_str(o, "Status", e->status);
	t = json_object_new_string(time_rfc3339(e->time_ns, time));
	template_mark_time(t);
	json_set(o, "Time", t);
	json_set_str(o, "Type", e->type);
	json_set(o, "Attributes", attrs_of(e));
	put_times(o, e);
	template_put_hidden(o, "TimeNano", json_object_new_int64(e->time_ns));
	template_put_hidden(o, "HealthStatus",
		   json_object_new_string(health ? health : ""));
	template_put_hidden(o, "PodID", json_object_new_string(""));
	template_put_hidden(o, "Network",
		   json_object_new_string(streq(e->type, "network") ? e->name :
								      ""));
	template_put_hidden(o, "ToHumanReadable", json_object_new_string(line));
	template_put_hidden(o, "Action",
		   json_object_new_string(docker_word(e->type, e->status)));
	return o;
}

/* Whom an event is about: containers, and images that are known by id only,
 * have one; docker calls the others by name. */
static const char *docker_id(const struct event_row *e)
{
	if (streq(e->type, "image"))
		return *e->name ? e->name : e->id;
	return *e->id ? e->id : e->name;
}

static struct json_object *docker_object(const struct event_row *e)
{
	struct json_object *o = json_object_new_object();
	struct json_object *actor = json_object_new_object();
	struct json_object *attrs = attrs_of(e);
	const char *action = docker_word(e->type, e->status);

	if (*e->image)
		json_set_str(attrs, "image", e->image);
	if (*e->name)
		json_set_str(attrs, "name", e->name);
	json_set_str(actor, "ID", docker_id(e));
	json_set(actor, "Attributes", attrs);
	if (streq(e->type, "container")) {
		json_set_str(o, "status", action);
		json_set_str(o, "id", e->id);
		json_set_str(o, "from", e->image);
	}
	json_set_str(o, "Type", e->type);
	json_set_str(o, "Action", action);
	json_set(o, "Actor", actor);
	json_set_str(o, "scope", "local");
	put_times(o, e);
	return o;
}

/* ---- lines ------------------------------------------------------------- */

static void add_pair(struct sb *out, const char *key, const char *value)
{
	sb_addf(out, "%s%s=%s", out->buf[out->len - 1] == '(' ? "" : ", ", key,
		value);
}

static void add_attrs(struct sb *out, const struct event_row *e)
{
	autostrv char **list = json_env_list(e->attrs);

	if (list)
		strv_sort(list);
	for (char **a = list; a && *a; a++)
		sb_addf(out, "%s%s",
			out->buf[out->len - 1] == '(' ? "" : ", ", *a);
}

static void add_id(struct sb *out, const struct printer *p, const char *id)
{
	if (*id)
		sb_addf(out, " %.*s", p->no_trunc ? INT_MAX : SHORT_ID, id);
}

static void podman_line(const struct printer *p, const struct event_row *e,
			struct sb *out)
{
	char time[TIME_TEXT_MAX];

	sb_addf(out, "%s %s %s", time_go(e->time_ns, time), e->type,
		e->status);
	add_id(out, p, e->id);
	if (streq(e->type, "container")) {
		sb_add(out, " (");
		add_pair(out, "image", e->image);
		add_pair(out, "name", e->name);
		add_attrs(out, e);
		sb_addch(out, ')');
	} else if (*e->name) {
		sb_addf(out, " %s", e->name);
	}
}

static void docker_line(const struct printer *p, const struct event_row *e,
			struct sb *out)
{
	char time[TIME_TEXT_MAX];

	sb_addf(out, "%s %s %s", time_rfc3339(e->time_ns, time), e->type,
		docker_word(e->type, e->status));
	add_id(out, p, docker_id(e));
	sb_add(out, " (");
	add_attrs(out, e);
	if (*e->image)
		add_pair(out, "image", e->image);
	if (*e->name)
		add_pair(out, "name", e->name);
	sb_addch(out, ')');
}

static int print_event(const struct event_row *e, void *arg, struct err *err)
{
	const struct printer *p = arg;
	autojson struct json_object *o = NULL;
	autosb struct sb line = SB_INIT;
	autosb struct sb out = SB_INIT;
	int r = 0;

	if (!wanted(p, e))
		return 0;
	if (p->docker)
		docker_line(p, e, &line);
	else
		podman_line(p, e, &line);
	if (!p->template) {
		sb_addf(&out, "%s\n", line.buf);
	} else {
		o = p->docker ? docker_object(e) : podman_object(e, line.buf);
		r = template_run(p->template, o, &out, err);
		sb_add(&out, p->end);
	}
	if (r < 0)
		return r;
	print_text(out.buf, out.len);
	return 0;
}

/* ---- the command ------------------------------------------------------- */

static int parse_time(const char *text, const char *name, int64_t *ret,
		      struct err *err)
{
	if (text && time_arg(text, TIME_AGO, ret) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "unable to parse --%s \"%s\"", name, text);
	return 0;
}

static int printer_init(struct printer *p, const struct events_args *args,
			struct err *err)
{
	const char *format = format_is_json(args->format) ? "{{json .}}" :
							     args->format;
	int r;

	p->docker = streq(cmd_prog(), "docker");
	p->no_trunc = args->no_trunc;
	r = filters_parse(args->filters, keys, &texts, &p->filters, err);
	if (r == 0)
		r = parse_time(args->since, "since", &p->since, err);
	if (r == 0)
		r = parse_time(args->until, "until", &p->until, err);
	if (r == 0 && !str_is_empty(format)) {
		r = template_parse(format, &p->template, err);
		p->end = format_line_end(format);
	}
	return r;
}

/* Milliseconds until --until; 0: it is over. */
static int time_left(const struct printer *p)
{
	int64_t ms;

	if (!p->until)
		return -1;
	ms = (p->until - clock_now_ns() + NS_PER_MS - 1) / NS_PER_MS;
	return (int)MIN(MAX(ms, (int64_t)0), (int64_t)INT_MAX);
}

static int follow(struct runtime *rt, struct printer *p, int64_t seq,
		  struct err *err)
{
	autoclose int watch = event_watch(rt);
	int left = -1;
	int r;

	do {
		/* what is new is looked at once more when the time is up */
		left = time_left(p);
		r = event_each(rt, &seq, print_event, p, err);
		if (r == 0)
			r = out_flush(err);
		if (r == 0 && left != 0)
			(void)event_wait(watch, left);
	} while (r == 0 && left != 0);
	return r;
}

static int print_all(struct runtime *rt, const struct events_args *args,
		     struct printer *p, struct err *err)
{
	bool history = args->since || args->until || !args->stream;
	int64_t seq = 0;
	int r = 0;

	if (!history)
		r = event_last(rt, &seq, err);
	if (r < 0)
		return r;
	if (args->stream)
		return follow(rt, p, seq, err);
	r = event_each(rt, &seq, print_event, p, err);
	return r < 0 ? r : out_flush(err);
}

static int events_run(struct runtime *rt, const void *args,
		      char **argv unused_attr, struct err *err)
{
	struct printer p = { .end = "\n" };
	int r = printer_init(&p, args, err);

	if (r == 0 && rt->opts.no_events)
		r = err_set(err, ERR_INVALID, EINVAL,
			    "cannot read events with the \"none\" backend");
	if (r == 0)
		r = print_all(rt, args, &p, err);
	template_free(p.template);
	filters_done(&p.filters);
	return r;
}

const struct cmd cmd_system_events = {
	.path = "events",
	.aliases = (const char *const[]){ "system events", NULL },
	.usage = "[options]",
	.summary = "Show what happens to containers, images and volumes",
	.text = "Prints a line for each event, until it is interrupted. With "
		"--since or --until past events come first.",
	.examples = (const char *const[]){ "events --filter event=died",
					   "events --since 10m --stream=false",
					   "events --format json", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ events_opts, NULL },
	.args_size = sizeof(struct events_args),
	.defaults = events_defaults,
	.run = events_run,
};
