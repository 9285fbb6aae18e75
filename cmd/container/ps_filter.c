/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Which containers ps lists, and in what order.  Values that name another
 * container (before, since) are looked up once while the filters are parsed;
 * the rest is compared with what ctr_list() read.
 */
#include <ctype.h>
#include <stdlib.h>

#include "cmd/container/ps.h"
#include "cmd/timearg.h"
#include "network/network.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- parsing ----------------------------------------------------------- */

static const char *const states[] = {
	"created",  "creating",	  "dead",    "exited",	 "initialized",
	"paused",   "removing",	  "restarting", "running", "starting",
	"stopped",  "stopping",	  "unknown",
};

static int check_state(const char *value, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcasecmp(states[i], value))
			return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "unknown container state: %s: invalid argument", value);
}

static int check_restart(const char *value, struct err *err)
{
	if (streq(value, "none"))
		return 0;
	for (int r = RESTART_NO; r <= RESTART_UNLESS_STOPPED; r++)
		if (streq(value, ctr_restart_name((enum ctr_restart)r)))
			return 0;
	return err_set(err, ERR_USAGE, EINVAL, "%s invalid restart policy",
		       value);
}

static int find_time(struct runtime *rt, const struct filter *f,
		     struct ps_filters *ps, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, f->value, &c, err);

	if (r < 0)
		return r;
	if (streq(f->key, "since"))
		ps->since_ns = MAX(ps->since_ns, c->created_ns);
	else if (!ps->before_ns || c->created_ns < ps->before_ns)
		ps->before_ns = c->created_ns;
	return 0;
}

static int check_health(const char *value, struct err *err)
{
	static const char *const known[] = { "starting", "healthy",
					     "unhealthy", "none" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (streq(value, known[i]))
			return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "invalid value \"%s\" of filter health: want starting, "
		       "healthy, unhealthy or none", value);
}

static int check_ports(const struct filter *f, struct err *err)
{
	struct port_list list = { 0 };
	struct err why = ERR_INIT;
	int r = port_parse_expose(f->value, &list, &why);

	port_list_done(&list);
	err_clear(&why);
	if (r < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "invalid value \"%s\" of filter %s: want "
			       "PORT[-PORT][/PROTOCOL]", f->value, f->key);
	return 0;
}

static int check(struct runtime *rt, const struct filter *f,
		 struct ps_filters *ps, struct err *err)
{
	int64_t ns = 0;
	int code = 0;
	bool on = false;

	if (streq(f->key, "status"))
		return check_state(f->value, err);
	if (streq(f->key, "restart-policy"))
		return check_restart(f->value, err);
	if (streq(f->key, "before") || streq(f->key, "since"))
		return find_time(rt, f, ps, err);
	if (streq(f->key, "health"))
		return check_health(f->value, err);
	if (streq(f->key, "pod"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--filter %s is not supported yet", f->key);
	if (streq(f->key, "exited") && parse_int(f->value, &code) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "exited code out of range \"%s\"", f->value);
	if (streq(f->key, "until") &&
	    time_arg(f->value, TIME_AGO, &ns) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "failed to parse value as time or duration: "
			       "\"%s\"", f->value);
	if (streq(f->key, "publish") || streq(f->key, "expose"))
		return check_ports(f, err);
	if ((streq(f->key, "should-start-on-boot") ||
	     streq(f->key, "is-task")) && parse_bool(f->value, &on) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "invalid value \"%s\" of filter %s", f->value,
			       f->key);
	return 0;
}

int ps_filters_parse(struct runtime *rt, char *const *texts,
		     struct ps_filters *ret, struct err *err)
{
	static const char *const known[] = {
		"ancestor", "before", "command", "exited", "expose",
		"health",   "id",     "is-task", "label",  "name",
		"network",  "pod",    "publish", "restart-policy",
		"should-start-on-boot", "since", "status", "until",
		"volume",   NULL,
	};
	static const struct filter_texts words = {
		{ "invalid filter \"", "\"" },
		{ "", " is an invalid filter" },
	};
	auto_ps_filters struct ps_filters ps = PS_FILTERS_INIT;
	int r = filters_parse(texts, known, &words, &ps.f, err);

	ps.rt = rt;
	for (size_t i = 0; !r && i < ps.f.n; i++)
		r = check(rt, &ps.f.v[i], &ps, err);
	if (r < 0)
		return r;
	*ret = ps;
	ps = (struct ps_filters)PS_FILTERS_INIT;
	return 0;
}

void ps_filters_done(struct ps_filters *f)
{
	filters_done(&f->f);
}

/* ---- matching ---------------------------------------------------------- */

/* A prefix in any case, or a regular expression */
static bool id_matches(const char *want, const char *id)
{
	return !strncasecmp(id, want, strlen(want)) || filter_regex(want, id);
}

/* "/x" and "^/x$" are docker's spelling of a name */
static bool name_matches(const char *want, const char *name)
{
	autosb struct sb pattern = SB_INIT;

	if (*want == '/') {
		want++;
	} else if (str_starts(want, "^/")) {
		sb_addch(&pattern, '^');
		want += 2;
	}
	sb_add(&pattern, want);
	return filter_regex(pattern.buf, name);
}

/* The image by id prefix, by name with or without tag, by its last part */
static bool image_matches(const char *want, const struct ctr *c)
{
	const char *id = c->config.image_id ? c->config.image_id : "";
	const char *name = c->config.image_name ? c->config.image_name : "";
	autofree char *bare = xstrdup(name);
	char *colon = strrchr(bare, ':');
	const char *hex = str_after(want, "sha256:");
	const char *tail = NULL;

	hex = hex ? hex : want;
	if (strlen(hex) >= 3 && str_starts(id, hex))
		return true;
	if (colon && !strchr(colon, '/'))
		*colon = '\0';
	if (streq(want, name) || streq(want, bare))
		return true;
	for (tail = strchr(name, '/'); tail; tail = strchr(tail + 1, '/'))
		if (streq(want, tail + 1))
			return true;
	for (tail = strchr(bare, '/'); tail; tail = strchr(tail + 1, '/'))
		if (streq(want, tail + 1))
			return true;
	return false;
}

static bool state_matches(const char *want, const struct ctr *c)
{
	if (!strcasecmp(want, "stopped"))
		want = "exited";
	return !strcasecmp(want, ctr_state_name(c->state));
}

static bool volume_used(const char *want, const struct ctr *c)
{
	for (size_t i = 0; i < c->config.n_mounts; i++)
		if (streq(want, c->config.mounts[i].source) ||
		    streq(want, c->config.mounts[i].target))
			return true;
	return false;
}

bool starts_on_boot(const struct ctr *c)
{
	return c->config.restart == RESTART_ALWAYS ||
	       (c->config.restart == RESTART_UNLESS_STOPPED &&
		!c->stopped_by_user);
}

static bool exited_with(const char *want, const struct ctr *c)
{
	int code = 0;

	return !parse_int(want, &code) && c->state == CTR_EXITED &&
	       c->exit_code == code;
}

static bool command_matches(const char *want, const struct ctr *c)
{
	const char *first = c->config.entrypoint ? c->config.entrypoint[0] :
			    c->config.cmd	 ? c->config.cmd[0] :
						   "";

	return filter_regex(want, first);
}

static bool older_than(const char *value, const struct ctr *c)
{
	int64_t ns = 0;

	return !time_arg(value, TIME_AGO, &ns) && c->created_ns < ns;
}

static bool health_matches(const char *value, const struct ctr *c)
{
	return streq(value, c->health == HEALTH_NONE ?
			    "none" : health_status_name(c->health));
}

static bool restart_matches(const char *want, const struct ctr *c)
{
	if (streq(want, "none"))
		want = "no";
	return streq(want, ctr_restart_name(c->config.restart));
}

static bool boot_matches(const char *want, const struct ctr *c)
{
	bool on = false;

	return !parse_bool(want, &on) && on == starts_on_boot(c);
}

static bool lists_meet(const struct port_list *a, const struct port_map *m)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct port_map *p = &a->v[i];

		if (p->proto == m->proto && p->ctr_port >= m->ctr_port &&
		    p->ctr_port - m->ctr_port < m->range)
			return true;
	}
	return false;
}

/* By the port in the container; @expose: those that are only exposed, too */
static bool ports_match(const char *want, const struct ctr *c, bool expose)
{
	struct port_list wanted = { 0 };
	struct port_list have = { 0 };
	bool found = false;

	(void)port_parse_expose(want, &wanted, NULL);
	for (char **e = c->config.expose; expose && e && *e; e++)
		(void)port_parse_expose(*e, &have, NULL);
	for (size_t i = 0; !found && i < have.n; i++)
		found = lists_meet(&wanted, &have.v[i]);
	for (size_t i = 0; !found && i < c->config.ports.n; i++)
		found = lists_meet(&wanted, &c->config.ports.v[i]);
	for (size_t i = 0; !found && i < c->ports.n; i++)
		found = lists_meet(&wanted, &c->ports.v[i]);
	port_list_done(&wanted);
	port_list_done(&have);
	return found;
}

static bool publishes(const char *want, const struct ctr *c)
{
	return ports_match(want, c, false);
}

static bool exposes(const char *want, const struct ctr *c)
{
	return ports_match(want, c, true);
}

/* A task is part of a swarm's service: there is none. */
static bool task_matches(const char *want, const struct ctr *c unused_attr)
{
	bool on = false;

	return !parse_bool(want, &on) && !on;
}

static const struct {
	const char *key;
	bool (*fn)(const char *want, const struct ctr *c);
} tests[] = {
	{ "ancestor", image_matches },
	{ "command", command_matches },
	{ "exited", exited_with },
	{ "expose", exposes },
	{ "health", health_matches },
	{ "is-task", task_matches },
	{ "publish", publishes },
	{ "restart-policy", restart_matches },
	{ "should-start-on-boot", boot_matches },
	{ "status", state_matches },
	{ "until", older_than },
	{ "volume", volume_used },
};

struct subject {
	const struct ctr *c;
	struct runtime *rt;
};

/* before and since were looked up: see ps_matches() */
static bool test(const struct filter *f, void *obj)
{
	const struct subject *s = obj;
	const struct ctr *c = s->c;

	/* one that waits has exited, too */
	if (streq(f->key, "status") && !strcasecmp(f->value, "restarting"))
		return ctr_is_restarting(s->rt, c);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		if (streq(f->key, tests[i].key))
			return tests[i].fn(f->value, c);
	if (streq(f->key, "id"))
		return id_matches(f->value, c->id);
	if (streq(f->key, "name"))
		return name_matches(f->value, c->name);
	if (streq(f->key, "label"))
		return filter_label(f->value, c->config.labels);
	if (streq(f->key, "network"))
		return streq(f->value, c->config.network);
	return true;
}

bool ps_matches(const struct ctr *c, const struct ps_filters *f)
{
	if (f->since_ns && c->created_ns <= f->since_ns)
		return false;
	if (f->before_ns && c->created_ns >= f->before_ns)
		return false;
	return filters_match(&f->f, test, &(struct subject){ c, f->rt });
}

/* ---- order ------------------------------------------------------------- */

static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_created(const void *a, const void *b)
{
	const struct ctr *x = *(struct ctr *const *)a;
	const struct ctr *y = *(struct ctr *const *)b;

	return (x->created_ns > y->created_ns) -
	       (x->created_ns < y->created_ns);
}

static int by_started(const void *a, const void *b)
{
	const struct ctr *x = *(struct ctr *const *)a;
	const struct ctr *y = *(struct ctr *const *)b;

	return (x->started_ns > y->started_ns) -
	       (x->started_ns < y->started_ns);
}

static int by_name(const void *a, const void *b)
{
	return by_text((*(struct ctr *const *)a)->name,
		       (*(struct ctr *const *)b)->name);
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(struct ctr *const *)a)->id,
		      (*(struct ctr *const *)b)->id);
}

static int by_image(const void *a, const void *b)
{
	return by_text((*(struct ctr *const *)a)->config.image_name,
		       (*(struct ctr *const *)b)->config.image_name);
}

static int by_status(const void *a, const void *b)
{
	return strcmp(ctr_state_name((*(struct ctr *const *)a)->state),
		      ctr_state_name((*(struct ctr *const *)b)->state));
}

static int by_size(const void *a, const void *b)
{
	const struct ctr *x = *(struct ctr *const *)a;
	const struct ctr *y = *(struct ctr *const *)b;

	return (x->sizes.root > y->sizes.root) -
	       (x->sizes.root < y->sizes.root);
}

static int by_command(const void *a, const void *b)
{
	const struct ctr *x = *(struct ctr *const *)a;
	const struct ctr *y = *(struct ctr *const *)b;
	autofree char *s = strv_join(x->config.cmd, " ");
	autofree char *t = strv_join(y->config.cmd, " ");

	return strcmp(s, t);
}

int ps_sort(struct ctr_list *list, const char *by, struct err *err)
{
	static const struct {
		const char *name;
		int (*fn)(const void *a, const void *b);
	} orders[] = {
		{ "command", by_command }, { "created", by_created },
		{ "id", by_id },	   { "image", by_image },
		{ "names", by_name },	   { "runningfor", by_started },
		{ "size", by_size },	   { "status", by_status },
	};

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (!streq(by, orders[i].name))
			continue;
		if (list->n)
			qsort(list->v, list->n, sizeof(struct ctr *),
			      orders[i].fn);
		return 0;
	}
	return err_set(err, ERR_USAGE, EINVAL,
		       "invalid argument \"%s\" for \"--sort\" flag: \"%s\" "
		       "is not a valid value.  Choose from: \"command, "
		       "created, id, image, names, runningfor, size, status\"",
		       by, by);
}
