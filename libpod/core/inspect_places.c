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

/* {"80/tcp":[{"HostIp":"","HostPort":"8080"}]} */
struct json_object *inspect_bindings(const struct port_list *list)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < list->n; i++) {
		const struct port_map *m = &list->v[i];

		for (unsigned int k = 0; k < m->range; k++) {
			struct json_object *b = json_object_new_object();
			struct json_object *v;
			char key[32];
			char port[8] = "";

			(void)snprintf(key, sizeof(key), "%u/%s",
				       m->ctr_port + k,
				       m->proto == PORT_UDP ? "udp" : "tcp");
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

const struct port_list *inspect_ports(const struct ctr *c)
{
	return c->ports.n ? &c->ports : &c->config.ports;
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
	json_set(o, "Ports", inspect_bindings(inspect_ports(c)));
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

/* "rw,rprivate,nosuid,nodev,tmpcopyup,size=1m" */
static char *tmpfs_text(const struct ctr_mount *m)
{
	autostrv char **v = NULL;

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
	if (m->options)
		strv_add(&v, m->options);
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
