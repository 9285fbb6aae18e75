/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One container in the three forms that ps prints: a line of the default
 * table, the fields of a template (texts as podman's own table has them) and
 * an element of `--format json` (podman's names and types).
 */
#include "cmd/container/ps.h"
#include "cmd/format.h"
#include "network/network.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define ID_LEN 64
#define SHORT_ID 12
#define COMMAND_MAX 17
#define NS_PER_S 1000000000LL
#define GO_ZERO_TIME -62135596800LL	/* 0001-01-01 in seconds since 1970 */

static const struct port_list *ports_of(const struct ctr *c)
{
	return c->ports.n ? &c->ports : &c->config.ports;
}

static bool was_started(const struct ctr *c)
{
	return ctr_is_up(c);
}

static char **command_of(const struct ctr *c)
{
	char **v = strv_copy(c->config.entrypoint);

	strv_extend(&v, c->config.cmd);
	return v;
}

static void add_command(const struct ctr *c, bool no_trunc, struct sb *out)
{
	autostrv char **v = command_of(c);
	autofree char *text = strv_join(v, " ");

	if (no_trunc || strlen(text) <= COMMAND_MAX)
		sb_add(out, text);
	else
		sb_addf(out, "%.*s...", COMMAND_MAX, text);
}

static void add_ago(int64_t since_ns, int64_t now_ns, struct sb *out)
{
	char buf[TIME_TEXT_MAX];

	sb_addf(out, "%s ago", time_human(now_ns - since_ns, buf));
}

static void add_status(const struct ctr *c, int64_t now_ns, struct sb *out)
{
	char buf[TIME_TEXT_MAX];

	switch (c->state) {
	case CTR_RUNNING:
		sb_addf(out, "Up %s%s",
			time_human(ctr_up_ns(c, now_ns), buf),
			c->orphaned ? " (unmonitored)" :
			c->error    ? " (degraded)" :
				      "");
		if (c->health != HEALTH_NONE)
			sb_addf(out, " (%s)", health_status_name(c->health));
		return;
	case CTR_PAUSED:
		sb_add(out, "Paused");
		return;
	case CTR_EXITED:
		sb_addf(out, "Exited (%d) ", c->exit_code);
		add_ago(c->finished_ns, now_ns, out);
		return;
	case CTR_INITIALIZED:
		sb_add(out, "Initialized");
		return;
	case CTR_CREATING:
		sb_add(out, "Creating");
		return;
	case CTR_STARTING:
		sb_add(out, "Starting");
		return;
	case CTR_CREATED:
		sb_add(out, "Created");
		return;
	case CTR_STOPPING:
		sb_add(out, "Stopping");
		return;
	case CTR_REMOVING:
		sb_add(out, "Removing");
		return;
	}
}

static void add_range(uint16_t first, uint16_t n, struct sb *out)
{
	sb_addf(out, "%u", first);
	if (n > 1)
		sb_addf(out, "-%u", first + n - 1);
}

void ports_text(const struct port_list *ports, struct sb *out)
{
	for (size_t i = 0; i < ports->n; i++) {
		const struct port_map *m = &ports->v[i];
		bool v6 = strchr(m->host_ip, ':') != NULL;

		if (i)
			sb_add(out, ", ");
		sb_addf(out, "%s%s%s:", v6 ? "[" : "",
			*m->host_ip ? m->host_ip : "0.0.0.0", v6 ? "]" : "");
		add_range(m->host_port, m->range, out);
		sb_add(out, "->");
		add_range(m->ctr_port, m->range, out);
		sb_add(out, m->proto == PORT_UDP ? "/udp" : "/tcp");
	}
}

static void add_size(const struct ctr *c, struct sb *out)
{
	char rw[SIZE_TEXT_MAX], root[SIZE_TEXT_MAX];

	if (c->sizes.known)
		sb_addf(out, "%s (virtual %s)",
			size_human(c->sizes.rw, false, rw),
			size_human(c->sizes.root, false, root));
}

static struct json_object *size_json(const struct ctr *c)
{
	struct json_object *o = NULL;

	if (!c->sizes.known)
		return NULL;
	o = json_object_new_object();
	json_set_i64(o, "rootFsSize", (int64_t)c->sizes.root);
	json_set_i64(o, "rwSize", (int64_t)c->sizes.rw);
	return o;
}

/* A cell must not break the table. */
static void add_cell(struct sb *out, const char *s)
{
	for (; s && *s; s++)
		sb_addch(out, *s == '\t' || *s == '\n' ? ' ' : *s);
}

void ps_table(const struct ctr *c, int64_t now_ns, bool no_trunc,
	      struct sb *out)
{
	autosb struct sb command = SB_INIT;

	add_command(c, no_trunc, &command);
	sb_addf(out, "%.*s\t", no_trunc ? ID_LEN : SHORT_ID, c->id);
	add_cell(out, c->config.image_name);
	sb_addch(out, '\t');
	add_cell(out, command.buf);
	sb_addch(out, '\t');
	add_ago(c->created_ns, now_ns, out);
	sb_addch(out, '\t');
	add_status(c, now_ns, out);
	sb_addch(out, '\t');
	ports_text(ports_of(c), out);
	sb_addf(out, "\t%s", c->name);
	if (c->sizes.known) {
		sb_addch(out, '\t');
		add_size(c, out);
	}
	sb_addch(out, '\n');
}

/* ---- fields of templates ----------------------------------------------- */

static void set_sb(struct json_object *o, const char *key, struct sb *text)
{
	json_set_str(o, key, text->buf);
	sb_trunc(text, 0);
}

static char **mount_targets(const struct ctr *c)
{
	char **v = NULL;

	for (size_t i = 0; i < c->config.n_mounts; i++)
		strv_add(&v, c->config.mounts[i].target);
	return v;
}

/* docker's .LocalVolumes */
static int64_t volume_count(const struct ctr *c)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->config.n_mounts; i++)
		n += c->config.mounts[i].type == MNT_VOLUME;
	return n;
}

static char **networks_of(const struct ctr *c)
{
	const char *net = c->config.network;
	char **v = NULL;

	if (!str_is_empty(net) && !streq(net, "none") && !streq(net, "host") &&
	    !str_starts(net, "container:") && !str_starts(net, "ns:"))
		strv_add(&v, net);
	return v;
}

static struct json_object *list_of(char *const *v)
{
	struct json_object *list = json_object_new_array();

	for (; v && *v; v++)
		json_object_array_add(list, json_object_new_string(*v));
	return list;
}

/* docker's .IPAddresses: "network/address", while the container runs */
static void set_addresses(struct json_object *o, const struct ctr *c,
			  char *const *networks)
{
	struct json_object *list = json_object_new_array();

	for (; ctr_is_up(c) && networks && *networks; networks++) {
		autofree char *text = xasprintf("%s/%s", *networks,
						NET_SLIRP_ADDR);

		json_object_array_add(list, json_object_new_string(text));
	}
	template_put_hidden(o, "IPAddresses", list);
}

/* What only docker's ps has, for templates */
static void set_docker(struct json_object *o, const struct ctr *c,
		       char *const *networks)
{
	const char *health = c->health == HEALTH_NONE ?
				     "" : health_status_name(c->health);

	template_put_hidden(o, "HealthStatus", json_object_new_string(health));
	template_put_hidden(o, "LocalVolumes",
			    json_object_new_int64(volume_count(c)));
	set_addresses(o, c, networks);
}

static void set_joined(struct json_object *o, const char *key, char **v)
{
	autofree char *text = strv_join(v, ",");

	json_set_str(o, key, text);
}

static void set_labels(struct json_object *o, const struct ctr *c)
{
	autostrv char **labels = strv_copy(c->config.labels);
	struct json_object *map = json_new_env_map(labels);

	strv_sort(labels);
	set_joined(o, "Labels", labels);
	template_mark_method(map);
	json_set(o, "Label", map);
}

static int64_t seconds(int64_t ns)
{
	return ns ? ns / NS_PER_S : GO_ZERO_TIME;
}

struct json_object *ps_row(const struct ctr *c, int64_t now_ns, bool no_trunc)
{
	struct json_object *o = json_object_new_object();
	autostrv char **mounts = mount_targets(c);
	autostrv char **networks = networks_of(c);
	autosb struct sb text = SB_INIT;
	char buf[TIME_TEXT_MAX];

	sb_addn(&text, c->id, no_trunc ? ID_LEN : SHORT_ID);
	set_sb(o, "ID", &text);
	json_set_str(o, "Image", c->config.image_name ? c->config.image_name :
							"");
	if (c->config.image_id)
		sb_addf(&text, "%.*s", no_trunc ? ID_LEN : SHORT_ID,
			c->config.image_id);
	set_sb(o, "ImageID", &text);
	add_command(c, no_trunc, &text);
	set_sb(o, "Command", &text);
	json_set_str(o, "Created", time_rfc3339(c->created_ns, buf));
	template_mark_time(json_object_object_get(o, "Created"));
	json_set_str(o, "CreatedAt", time_go(c->created_ns, buf));
	add_ago(c->created_ns, now_ns, &text);
	json_set_str(o, "CreatedHuman", text.buf);
	set_sb(o, "RunningFor", &text);
	add_status(c, now_ns, &text);
	set_sb(o, "Status", &text);
	json_set_str(o, "State", ctr_state_name(c->state));
	ports_text(ports_of(c), &text);
	set_sb(o, "Ports", &text);
	json_set_str(o, "Names", c->name);
	set_labels(o, c);
	json_set(o, "Mounts", list_of(mounts));
	set_joined(o, "Networks", networks);
	json_set_i64(o, "Pid", was_started(c) ? c->init.pid : 0);
	add_size(c, &text);
	set_sb(o, "Size", &text);
	json_set_str(o, "Pod", "");
	json_set_str(o, "PodName", "");
	json_set_i64(o, "ExitCode", c->exit_code);
	json_set_bool(o, "Exited", c->state == CTR_EXITED);
	json_set_i64(o, "ExitedAt", seconds(c->finished_ns));
	json_set_i64(o, "StartedAt", seconds(c->started_ns));
	json_set_i64(o, "Restarts", c->restarts);
	json_set_bool(o, "AutoRemove", c->config.auto_remove);
	json_set_bool(o, "IsInfra", false);
	json_set_str(o, "CIDFile", c->config.cidfile ? c->config.cidfile : "");
	set_joined(o, "ExposedPorts", c->config.expose);
	set_docker(o, c, networks);
	return o;
}

/* ---- --format json ----------------------------------------------------- */

static struct json_object *ports_json(const struct port_list *ports)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < ports->n; i++) {
		const struct port_map *m = &ports->v[i];
		struct json_object *o = json_object_new_object();

		json_set_str(o, "host_ip", m->host_ip);
		json_set_i64(o, "container_port", m->ctr_port);
		json_set_i64(o, "host_port", m->host_port);
		json_set_i64(o, "range", m->range);
		json_set_str(o, "protocol",
			     m->proto == PORT_UDP ? "udp" : "tcp");
		json_object_array_add(list, o);
	}
	return list;
}

struct json_object *ps_json(const struct ctr *c, int64_t now_ns)
{
	struct json_object *o = json_object_new_object();
	autostrv char **command = command_of(c);
	autostrv char **mounts = mount_targets(c);
	autostrv char **networks = networks_of(c);
	autosb struct sb text = SB_INIT;
	struct json_object *labels = json_new_env_map(c->config.labels);
	char *names[] = { c->name, NULL };

	template_mark_map(labels);
	json_set_bool(o, "AutoRemove", c->config.auto_remove);
	json_set(o, "Command", list_of(command));
	add_ago(c->created_ns, now_ns, &text);
	set_sb(o, "CreatedAt", &text);
	json_set_str(o, "CIDFile", c->config.cidfile ? c->config.cidfile : "");
	json_set_bool(o, "Exited", c->state == CTR_EXITED);
	json_set_i64(o, "ExitedAt", seconds(c->finished_ns));
	json_set_i64(o, "ExitCode", c->exit_code);
	json_set(o, "ExposedPorts", list_of(c->config.expose));
	json_set_str(o, "Id", c->id);
	json_set_str(o, "Image", c->config.image_name ? c->config.image_name :
							"");
	json_set_str(o, "ImageID",
		     c->config.image_id ? c->config.image_id : "");
	json_set_bool(o, "IsInfra", false);
	json_set(o, "Labels", labels);
	json_set(o, "Mounts", list_of(mounts));
	json_set(o, "Names", list_of(names));
	json_set(o, "Namespaces", json_object_new_object());
	json_set(o, "Networks", list_of(networks));
	json_set_i64(o, "Pid", was_started(c) ? c->init.pid : 0);
	json_set_str(o, "Pod", "");
	json_set_str(o, "PodName", "");
	json_set(o, "Ports", ports_json(ports_of(c)));
	json_set_i64(o, "Restarts", c->restarts);
	json_set(o, "Size", size_json(c));
	json_set_i64(o, "StartedAt", seconds(c->started_ns));
	json_set_str(o, "State", ctr_state_name(c->state));
	add_status(c, now_ns, &text);
	set_sb(o, "Status", &text);
	json_set_i64(o, "Created", seconds(c->created_ns));
	return o;
}
