/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_INSPECT_INT_H
#define CORE_INSPECT_INT_H

/*
 * Between the parts of inspect: the object and its Config (inspect.c),
 * HostConfig (inspect_host.c), ports and mounts (inspect_places.c).  Objects
 * that are returned are owned by the caller.
 */
struct cgroup;
struct ctr;
struct ctr_config;
struct json_object;
struct runtime;

/** inspect_text() - NULL is "" */
void inspect_text(struct json_object *o, const char *key, const char *s);

/** inspect_list() - no strings are [], not null */
void inspect_list(struct json_object *o, const char *key, char *const *v);

/** inspect_host() - HostConfig; @cg: what is in force, NULL: nothing made */
struct json_object *inspect_host(struct runtime *rt, const struct ctr *ctr,
				 const struct cgroup *cg);

/** inspect_ports() - those of the running container, else those asked for:
 *  {"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}],"443/tcp":null}; null:
 *  the port is exposed and not published */
struct json_object *inspect_ports(const struct ctr *c);

/** inspect_network() - NetworkSettings */
struct json_object *inspect_network(const struct ctr *c);

/** inspect_mounts() - Mounts: what the user mounts, and volumes */
struct json_object *inspect_mounts(const struct runtime *rt,
				   const struct ctr_config *c);

/** inspect_binds() - Binds: the same in the form of -v */
struct json_object *inspect_binds(const struct ctr_config *c);

/** inspect_tmpfs() - Tmpfs: target to options */
struct json_object *inspect_tmpfs(const struct ctr_config *c);

#endif
