/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container meets the outside: ports, networks, mounts.
 */
#include "libpod/core/inspect_int.h"

#include <sys/mount.h>

#include "libpod/core/core_priv.h"
#include "libpod/oci/spec.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- ports ------------------------------------------------------------- */

/* "80/tcp" */
static void port_key(uint16_t port, enum port_proto proto, char key[32])
{
	(void)snprintf(key, 32, "%u/%s", port,
		       proto == PORT_UDP ? "udp" : "tcp");
}

/* {"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]} */
static struct json_object *bindings(const struct port_list *list)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < list->n; i++) {
		const struct port_map *m = &list->v[i];

		for (unsigned int k = 0; k < m->range; k++) {
			struct json_object *b = json_object_new_object();
			struct json_object *v;
			char key[32];
			char port[8] = "";

			port_key((uint16_t)(m->ctr_port + k), m->proto, key);
			if (m->host_port)
				(void)snprintf(port, sizeof(port), "%u",
					       (m->host_port + k) & 0xffff);
			json_set_str(b, "HostIp", m->host_ip[0] ? m->host_ip :
								  "0.0.0.0");
			json_set_str(b, "HostPort", port);
			v = json_arr(o, key);
			if (!v) {
				v = json_object_new_array();
				json_set(o, key, v);
			}
			json_object_array_add(v, b);
		}
	}
	return o;
}

/* Ports that are only exposed are there with null; in a network that is not
 * the container's own there are none. */
static void add_exposed(struct json_object *o, const struct ctr_config *c)
{
	struct port_list list = { 0 };

	for (char **e = c->expose; e && *e; e++)
		(void)port_parse_expose(*e, &list, NULL);
	for (size_t i = 0; i < list.n; i++) {
		for (unsigned int k = 0; k < list.v[i].range; k++) {
			char key[32];

			port_key((uint16_t)(list.v[i].ctr_port + k),
				 list.v[i].proto, key);
			if (!json_arr(o, key))
				json_set(o, key, NULL);
		}
	}
	port_list_done(&list);
}

static bool has_own_network(const struct ctr_config *c)
{
	return str_is_empty(c->network) || streq(c->network, "slirp4netns");
}

struct json_object *inspect_ports(const struct ctr *c)
{
	struct json_object *o = bindings(c->ports.n ? &c->ports :
						      &c->config.ports);

	if (has_own_network(&c->config))
		add_exposed(o, &c->config);
	return o;
}

static void set_address(struct json_object *o, bool has_one)
{
	inspect_text(o, "Gateway", has_one ? NET_SLIRP_GATEWAY : "");
	inspect_text(o, "IPAddress", has_one ? NET_SLIRP_ADDR : "");
	json_set_i64(o, "IPPrefixLen", has_one ? NET_SLIRP_PREFIX : 0);
}

struct json_object *inspect_network(const struct ctr *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *nets = json_object_new_object();
	bool up = ctr_is_live(c);
	bool slirp = streq(c->config.network, "slirp4netns");
	char path[64] = "";

	inspect_text(o, "EndpointID", "");
	set_address(o, slirp && up);
	inspect_text(o, "IPv6Gateway", "");
	inspect_text(o, "GlobalIPv6Address", "");
	json_set_i64(o, "GlobalIPv6PrefixLen", 0);
	inspect_text(o, "MacAddress", "");
	inspect_text(o, "Bridge", "");
	inspect_text(o, "SandboxID", "");
	json_set_bool(o, "HairpinMode", false);
	inspect_text(o, "LinkLocalIPv6Address", "");
	json_set_i64(o, "LinkLocalIPv6PrefixLen", 0);
	json_set(o, "Ports", inspect_ports(c));
	if (up)
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/net",
			       c->init.pid);
	inspect_text(o, "SandboxKey", path);
	if (slirp) {
		struct json_object *n = json_object_new_object();

		set_address(n, up);
		inspect_text(n, "MacAddress", "");
		inspect_text(n, "NetworkID", "slirp4netns");
		inspect_list(n, "Aliases", NULL);
		json_set(nets, "slirp4netns", n);
	}
	json_set(o, "Networks", nets);
	return o;
}

/* ---- Mounts ------------------------------------------------------------ */

static void mount_options(const struct ctr_mount *m, char ***v)
{
	if (!m->suid)
		strv_add(v, "nosuid");
	if (!m->dev)
		strv_add(v, "nodev");
	if (m->noexec)
		strv_add(v, "noexec");
	if (m->overlay)
		strv_add(v, "O");
	if (m->chown)
		strv_add(v, "U");
	if (m->idmap)
		strv_add(v, "idmap");
	if (m->type != MNT_IMAGE)
		strv_add(v, m->nonrecursive ? "bind" : "rbind");
}

static bool shows_files(const struct ctr_mount *m)
{
	return m->type == MNT_BIND || m->type == MNT_VOLUME ||
	       m->type == MNT_IMAGE;
}

static const char *mount_type_name(enum ctr_mount_type type)
{
	return type == MNT_BIND ? "bind" :
	       type == MNT_VOLUME ? "volume" : "image";
}

struct json_object *inspect_mounts(const struct runtime *rt,
				   const struct ctr_config *c)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];
		struct json_object *o;
		autofree char *source = NULL;
		autostrv char **opts = NULL;

		if (!shows_files(m))
			continue;
		o = json_object_new_object();
		json_set_str(o, "Type", mount_type_name(m->type));
		if (m->type == MNT_VOLUME) {
			json_set_str(o, "Name", m->source);
			source = xasprintf("%s/%s/_data", rt->volumes_path,
					   m->source);
		}
		json_set_str(o, "Source", source ? source : m->source);
		json_set_str(o, "Destination", m->target);
		inspect_text(o, "Driver", m->type == MNT_VOLUME ? "local" : "");
		inspect_text(o, "Mode", m->relabel ? m->relabel : "");
		mount_options(m, &opts);
		inspect_list(o, "Options", opts);
		json_set_bool(o, "RW", !m->ro);
		json_set_str(o, "Propagation",
			     spec_propagation(m->propagation));
		json_set_str(o, "SubPath", m->subpath);
		json_object_array_add(a, o);
	}
	return a;
}

/* "SOURCE:TARGET:rw,rprivate,nosuid,nodev,rbind" */
struct json_object *inspect_binds(const struct ctr_config *c)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];
		autostrv char **opts = NULL;
		autofree char *joined = NULL;
		autofree char *text = NULL;

		if (!shows_files(m) || m->type == MNT_IMAGE)
			continue;
		mount_options(m, &opts);
		joined = strv_join(opts, ",");
		text = xasprintf("%s:%s:%s,%s,%s", m->source, m->target,
				 m->ro ? "ro" : "rw",
				 spec_propagation(m->propagation), joined);
		json_object_array_add(a, json_object_new_string(text));
	}
	return a;
}

/* "size=1m,rw,rprivate,nosuid,nodev,tmpcopyup": what was asked for first */
static char *tmpfs_text(const struct ctr_mount *m)
{
	autostrv char **v = NULL;

	if (m->options)
		strv_add(&v, m->options);
	strv_add(&v, m->ro ? "ro" : "rw");
	strv_add(&v, "rprivate");
	if (!m->suid)
		strv_add(&v, "nosuid");
	if (!m->dev)
		strv_add(&v, "nodev");
	if (m->noexec)
		strv_add(&v, "noexec");
	if (!m->nocopy)
		strv_add(&v, "tmpcopyup");
	return strv_join(v, ",");
}

struct json_object *inspect_tmpfs(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];
		autofree char *text = NULL;

		if (m->type != MNT_TMPFS)
			continue;
		text = tmpfs_text(m);
		json_set_str(o, m->target, text);
	}
	return o;
}
