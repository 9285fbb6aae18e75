/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config of a container as JSON and back: what the row keeps of everything
 * that the user asked for.
 *
 * Theory of operation.  Plain fields stand in one table of name, type and
 * offset that both directions walk; what has a form of its own (mounts, ports,
 * limits, health) has a pair of functions.  Fields at their defaults are left
 * out, so a row of an older bryo reads as if the new ones had not been given.
 */
#include "libpod/core/container.h"

#include <stddef.h>

#include "libpod/core/core_priv.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- the config as JSON ------------------------------------------------ */

enum field_type { F_STR, F_STRV, F_BOOL, F_I32, F_U32, F_I64, F_U64 };

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
};

#define FIELD(t, name) { #name, t, offsetof(struct ctr_config, name) }

static const struct field fields[] = {
	FIELD(F_STR, image_id),
	FIELD(F_STR, image_name),
	FIELD(F_STR, image_digest),
	FIELD(F_STR, rootfs),
	FIELD(F_STR, driver),
	FIELD(F_STRV, entrypoint),
	FIELD(F_STRV, cmd),
	FIELD(F_STRV, env),
	FIELD(F_STRV, default_env),
	FIELD(F_STRV, env_merge),
	FIELD(F_STRV, requires),
	FIELD(F_STRV, chrootdirs),
	FIELD(F_STR, workdir),
	FIELD(F_BOOL, workdir_image),
	FIELD(F_STR, user),
	FIELD(F_STRV, group_add),
	FIELD(F_BOOL, tty),
	FIELD(F_BOOL, stdin_open),
	FIELD(F_BOOL, stdin_once),
	FIELD(F_BOOL, attach_stdin),
	FIELD(F_BOOL, attach_stdout),
	FIELD(F_BOOL, attach_stderr),
	FIELD(F_STR, stop_signal_name),
	FIELD(F_I32, stop_signal),
	FIELD(F_U32, stop_timeout),
	FIELD(F_U32, timeout),
	FIELD(F_U32, umask),
	FIELD(F_STRV, ulimits),
	FIELD(F_I32, oom_score_adj),
	FIELD(F_BOOL, oom_score_set),
	FIELD(F_BOOL, init),
	FIELD(F_STR, init_path),
	FIELD(F_U32, personality),
	FIELD(F_U64, systemd_tmpfs),
	FIELD(F_STR, hostname),
	FIELD(F_STR, domainname),
	FIELD(F_BOOL, no_hostname),
	FIELD(F_STRV, labels),
	FIELD(F_STRV, annotations),
	FIELD(F_STRV, default_caps),
	FIELD(F_STRV, cap_add),
	FIELD(F_STRV, cap_drop),
	FIELD(F_BOOL, privileged),
	FIELD(F_BOOL, readonly),
	FIELD(F_BOOL, readonly_tmpfs),
	FIELD(F_STRV, security_opt),
	FIELD(F_BOOL, no_new_privs),
	FIELD(F_STR, seccomp),
	FIELD(F_STRV, mask),
	FIELD(F_STRV, unmask),
	FIELD(F_STRV, proc_opts),
	FIELD(F_STR, userns),
	FIELD(F_STRV, uidmap),
	FIELD(F_STRV, gidmap),
	FIELD(F_STR, subuidname),
	FIELD(F_STR, subgidname),
	FIELD(F_U32, auto_start),
	FIELD(F_U32, auto_size),
	FIELD(F_BOOL, no_passwd),
	FIELD(F_STR, passwd_entry),
	FIELD(F_STR, group_entry),
	FIELD(F_STRV, hostusers),
	FIELD(F_STR, pid),
	FIELD(F_STR, ipc),
	FIELD(F_STR, uts),
	FIELD(F_STR, cgroupns),
	FIELD(F_STR, network),
	FIELD(F_BOOL, publish_all),
	FIELD(F_STRV, expose),
	FIELD(F_STRV, dns),
	FIELD(F_STRV, dns_search),
	FIELD(F_STRV, dns_option),
	FIELD(F_STRV, add_host),
	FIELD(F_BOOL, no_hosts),
	FIELD(F_STR, hosts_file),
	FIELD(F_STR, host_ip),
	FIELD(F_BOOL, env_host),
	FIELD(F_BOOL, unsetenv_all),
	FIELD(F_BOOL, http_proxy),
	FIELD(F_STRV, unsetenv),
	FIELD(F_STRV, devices),
	FIELD(F_STRV, secrets),
	FIELD(F_U64, shm_size),
	FIELD(F_STRV, sysctls),
	FIELD(F_STR, tz),
	FIELD(F_STR, image_volume),
	FIELD(F_U64, limits.memory),
	FIELD(F_I64, limits.memory_swap),
	FIELD(F_U64, limits.reservation),
	FIELD(F_U64, limits.swappiness),
	FIELD(F_U64, limits.cpu_shares),
	FIELD(F_U64, limits.cpu_period),
	FIELD(F_I64, limits.cpu_quota),
	FIELD(F_U64, limits.nano_cpus),
	FIELD(F_U64, limits.rt_period),
	FIELD(F_I64, limits.rt_runtime),
	FIELD(F_STR, limits.cpus),
	FIELD(F_STR, limits.mems),
	FIELD(F_I64, limits.pids),
	FIELD(F_U64, limits.blkio_weight),
	FIELD(F_STRV, limits.weight_device),
	FIELD(F_STRV, limits.read_bps),
	FIELD(F_STRV, limits.write_bps),
	FIELD(F_STRV, limits.read_iops),
	FIELD(F_STRV, limits.write_iops),
	FIELD(F_STRV, limits.unified),
	FIELD(F_BOOL, limits.oom_kill_disable),
	FIELD(F_BOOL, limits.strict),
	FIELD(F_STR, cgroups),
	FIELD(F_STR, cgroup_parent),
	FIELD(F_STR, cgroup_manager),
	FIELD(F_BOOL, auto_remove),
	FIELD(F_BOOL, remove_image),
	FIELD(F_U32, restart_max),
	FIELD(F_STR, log_driver),
	FIELD(F_U64, log_size),
	FIELD(F_U32, log_files),
	FIELD(F_STR, log_path),
	FIELD(F_STR, log_tag),
	FIELD(F_STRV, log_fields),
	FIELD(F_STRV, log_labels),
	FIELD(F_STRV, log_env),
	FIELD(F_BOOL, log_blocking),
	FIELD(F_STR, cidfile),
	FIELD(F_STR, pidfile),
	FIELD(F_STR, conmon_pidfile),
	FIELD(F_STR, image_stop_signal),
	FIELD(F_STR, sdnotify),
	FIELD(F_STRV, create_command),
};

static void *field_at(const struct ctr_config *c, const struct field *f)
{
	return (char *)(uintptr_t)c + f->offset;
}

static void field_to_json(struct json_object *o, const struct ctr_config *c,
			  const struct field *f)
{
	void *p = field_at(c, f);

	switch (f->type) {
	case F_STR:
		json_set_str(o, f->key, *(char **)p);
		break;
	case F_STRV:
		if (*(char ***)p)
			json_set_strv(o, f->key, *(char ***)p);
		break;
	case F_BOOL:
		if (*(bool *)p)
			json_set_bool(o, f->key, true);
		break;
	case F_I32:
		if (*(int *)p)
			json_set_i64(o, f->key, *(int *)p);
		break;
	case F_U32:
		if (*(uint32_t *)p)
			json_set_u64(o, f->key, *(uint32_t *)p);
		break;
	case F_I64:
		if (*(int64_t *)p)
			json_set_i64(o, f->key, *(int64_t *)p);
		break;
	case F_U64:
		if (*(uint64_t *)p)
			json_set_u64(o, f->key, *(uint64_t *)p);
		break;
	}
}

static void field_from_json(struct json_object *o, struct ctr_config *c,
			    const struct field *f)
{
	void *p = field_at(c, f);

	switch (f->type) {
	case F_STR:
		str_set(p, json_str(o, f->key));
		break;
	case F_STRV:
		*(char ***)p = strv_free(*(char ***)p);
		*(char ***)p = json_strv(o, f->key);
		break;
	case F_BOOL:
		*(bool *)p = json_flag(o, f->key, false);
		break;
	case F_I32:
		*(int *)p = (int)json_i64(o, f->key, 0);
		break;
	case F_U32:
		*(uint32_t *)p = (uint32_t)json_i64(o, f->key, 0);
		break;
	case F_I64:
		*(int64_t *)p = json_i64(o, f->key, 0);
		break;
	case F_U64:
		*(uint64_t *)p = (uint64_t)json_i64(o, f->key, 0);
		break;
	}
}

static struct json_object *mount_to_json(const struct ctr_mount *m)
{
	struct json_object *o = json_object_new_object();

	json_set_i64(o, "type", m->type);
	json_set_str(o, "source", m->source);
	json_set_str(o, "target", m->target);
	json_set_str(o, "options", m->options);
	json_set_bool(o, "ro", m->ro);
	json_set_bool(o, "exec_set", m->exec_set);
	json_set_bool(o, "noexec", m->noexec);
	json_set_bool(o, "suid", m->suid);
	json_set_bool(o, "dev", m->dev);
	json_set_bool(o, "anonymous", m->anonymous);
	json_set_bool(o, "nocopy", m->nocopy);
	json_set_bool(o, "chown", m->chown);
	json_set_str(o, "subpath", m->subpath);
	json_set_str(o, "upperdir", m->upperdir);
	json_set_str(o, "workdir", m->workdir);
	json_set_str(o, "image_id", m->image_id);
	json_set_str(o, "relabel", m->relabel);
	json_set_bool(o, "overlay", m->overlay);
	json_set_bool(o, "idmap", m->idmap);
	json_set_bool(o, "nonrecursive", m->nonrecursive);
	json_set_bool(o, "nofollow", m->nofollow);
	json_set_u64(o, "propagation", m->propagation);
	return o;
}

static void mount_from_json(struct json_object *o, struct ctr_mount *m)
{
	m->type = (enum ctr_mount_type)json_i64(o, "type", MNT_BIND);
	m->source = xstrdup(json_str(o, "source"));
	m->target = xstrdup(json_str(o, "target"));
	m->options = xstrdup(json_str(o, "options"));
	m->ro = json_flag(o, "ro", false);
	m->exec_set = json_flag(o, "exec_set", false);
	m->noexec = json_flag(o, "noexec", false);
	m->suid = json_flag(o, "suid", false);
	m->dev = json_flag(o, "dev", false);
	m->anonymous = json_flag(o, "anonymous", false);
	m->nocopy = json_flag(o, "nocopy", false);
	m->chown = json_flag(o, "chown", false);
	m->subpath = xstrdup(json_str(o, "subpath"));
	m->upperdir = xstrdup(json_str(o, "upperdir"));
	m->workdir = xstrdup(json_str(o, "workdir"));
	m->image_id = xstrdup(json_str(o, "image_id"));
	m->relabel = xstrdup(json_str(o, "relabel"));
	m->overlay = json_flag(o, "overlay", false);
	m->idmap = json_flag(o, "idmap", false);
	m->nonrecursive = json_flag(o, "nonrecursive", false);
	m->nofollow = json_flag(o, "nofollow", false);
	m->propagation = (unsigned long)json_i64(o, "propagation", 0);
}

struct json_object *ctr_config_to_json(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *mounts = json_object_new_array();
	autosb struct sb ports = SB_INIT;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		field_to_json(o, c, &fields[i]);
	for (size_t i = 0; i < c->n_mounts; i++)
		json_object_array_add(mounts, mount_to_json(&c->mounts[i]));
	json_set(o, "mounts", mounts);
	ports_pack(&c->ports, &ports);
	json_set_str(o, "ports", ports.buf);
	json_set_i64(o, "restart", c->restart);
	json_set_i64(o, "systemd", c->systemd);
	if (c->health)
		json_set(o, "healthcheck", health_conf_to_json(c->health));
	return o;
}

int ctr_config_from_json(struct json_object *o, struct ctr_config *ret,
			 struct err *err)
{
	struct json_object *mounts = json_arr(o, "mounts");
	size_t n = mounts ? json_object_array_length(mounts) : 0;
	const char *ports = json_str(o, "ports");

	if (!json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "container config is not an object");
	ctr_config_done(ret);
	ctr_config_init(ret);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		field_from_json(o, ret, &fields[i]);
	ret->mounts = n ? xcalloc(n, sizeof(*ret->mounts)) : NULL;
	ret->n_mounts = n;
	for (size_t i = 0; i < n; i++)
		mount_from_json(json_object_array_get_idx(mounts, i),
				&ret->mounts[i]);
	if (ports && ports_unpack(ports, &ret->ports) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "container config: bad ports '%s'", ports);
	ret->restart = (enum ctr_restart)json_i64(o, "restart", RESTART_NO);
	ret->systemd = (enum ctr_systemd)json_i64(o, "systemd",
						  SYSTEMD_OFF);
	ret->health = health_conf_from_json(json_obj(o, "healthcheck"));
	return 0;
}

/* ---- life -------------------------------------------------------------- */

void ctr_config_init(struct ctr_config *c)
{
	*c = (struct ctr_config){ 0 };
	c->stop_timeout = 10;
	c->umask = 0022;
	c->readonly_tmpfs = true;
	c->http_proxy = true;
	c->log_files = 2;
	c->log_size = 100000000;
	c->shm_size = 64U << 20;
}

void mount_done(struct ctr_mount *m)
{
	free(m->source);
	free(m->target);
	free(m->options);
	free(m->subpath);
	free(m->upperdir);
	free(m->workdir);
	free(m->image_id);
	free(m->relabel);
	*m = (struct ctr_mount){ 0 };
}

void mount_copy(struct ctr_mount *to, const struct ctr_mount *from)
{
	*to = *from;
	to->source = xstrdup(from->source);
	to->target = xstrdup(from->target);
	to->options = xstrdup(from->options);
	to->subpath = xstrdup(from->subpath);
	to->upperdir = xstrdup(from->upperdir);
	to->workdir = xstrdup(from->workdir);
	to->image_id = xstrdup(from->image_id);
	to->relabel = xstrdup(from->relabel);
}

void ctr_config_done(struct ctr_config *c)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		void *p = field_at(c, &fields[i]);

		if (fields[i].type == F_STR)
			free(*(char **)p);
		else if (fields[i].type == F_STRV)
			strv_free(*(char ***)p);
	}
	for (size_t i = 0; i < c->n_mounts; i++)
		mount_done(&c->mounts[i]);
	free(c->mounts);
	free(c->keep_fds);
	port_list_done(&c->ports);
	health_conf_free(c->health);
	*c = (struct ctr_config){ 0 };
}

/* ---- ports as text: "ip host ctr range proto;" ------------------------- */

void ports_pack(const struct port_list *list, struct sb *out)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct port_map *m = &list->v[i];

		sb_addf(out, "%s,%u,%u,%u,%c;", m->host_ip, m->host_port,
			m->ctr_port, m->range,
			m->proto == PORT_UDP ? 'u' : 't');
	}
}

static int port_unpack(char *item, struct port_map *m)
{
	autostrv char **v = strv_split(item, ',');
	uint32_t n[3];

	if (strv_len(v) != 5 || strlen(v[0]) >= sizeof(m->host_ip))
		return -EINVAL;
	for (int i = 0; i < 3; i++)
		if (parse_u32(v[i + 1], &n[i]) < 0 || n[i] > UINT16_MAX)
			return -EINVAL;
	memcpy(m->host_ip, v[0], strlen(v[0]) + 1);
	m->host_port = (uint16_t)n[0];
	m->ctr_port = (uint16_t)n[1];
	m->range = (uint16_t)n[2];
	m->proto = v[4][0] == 'u' ? PORT_UDP : PORT_TCP;
	return 0;
}

int ports_unpack(const char *text, struct port_list *ret)
{
	autostrv char **items = strv_split(text, ';');
	size_t n = strv_len(items);

	port_list_done(ret);
	*ret = (struct port_list){ 0 };
	if (n == 0)
		return 0;
	ret->v = xcalloc(n, sizeof(*ret->v));
	for (size_t i = 0; i < n; i++) {
		if (!items[i][0])
			continue;
		if (port_unpack(items[i], &ret->v[ret->n]) < 0)
			return -EINVAL;
		ret->n++;
	}
	return 0;
}

/*
 * ---- what a list shows, as lines "<tag><text>" --------------------------
 *
 * Parsing a thousand JSON configs takes 30 ms, this takes half of one.  A
 * newline or a backslash in the text is escaped by a backslash.
 */

static void brief_add(struct sb *out, char tag, const char *text)
{
	if (!text)
		return;
	sb_addch(out, tag);
	for (; *text; text++) {
		if (*text == '\n' || *text == '\\')
			sb_addch(out, '\\');
		sb_addch(out, *text == '\n' ? 'n' : *text);
	}
	sb_addch(out, '\n');
}

static void brief_addv(struct sb *out, char tag, char *const *v)
{
	for (; v && *v; v++)
		brief_add(out, tag, *v);
}

static void brief_mounts(const struct ctr_config *c, struct sb *out)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];

		if (m->type != MNT_BIND && m->type != MNT_VOLUME)
			continue;
		brief_add(out, m->type == MNT_BIND ? 'b' :
			       m->anonymous	   ? 'a' : 'v', m->source);
		brief_add(out, 't', m->target);
	}
}

/* The containers that have to stay as long as this one is there. */
static void brief_needs(const struct ctr_config *c, struct sb *out)
{
	const char *modes[] = { c->network, c->pid,	 c->ipc,
				c->uts,	    c->cgroupns, c->userns };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		brief_add(out, 'j', str_after(modes[i] ? modes[i] : "",
					      "container:"));
	brief_addv(out, 'j', c->requires);
}

void config_brief(const struct ctr_config *c, struct sb *out)
{
	char restart[2] = { (char)('0' + c->restart), '\0' };
	autosb struct sb ports = SB_INIT;

	brief_add(out, 'I', c->image_id);
	brief_add(out, 'i', c->image_name);
	brief_addv(out, 'e', c->entrypoint);
	brief_addv(out, 'c', c->cmd);
	brief_addv(out, 'l', c->labels);
	brief_addv(out, 'x', c->expose);
	brief_add(out, 'n', c->network);
	brief_add(out, 'r', restart);
	ports_pack(&c->ports, &ports);
	brief_add(out, 'p', ports.buf);
	brief_add(out, 'f', c->cidfile);
	brief_mounts(c, out);
	if (c->auto_remove)
		brief_add(out, 'R', c->remove_image ? "i" : "");
	brief_needs(c, out);
}

static void brief_mount(struct ctr_config *c, char tag, char *source)
{
	struct ctr_mount *m;

	c->mounts = xreallocarray(c->mounts, c->n_mounts + 1,
				  sizeof(*c->mounts));
	m = &c->mounts[c->n_mounts++];
	*m = (struct ctr_mount){ .type = tag == 'b' ? MNT_BIND : MNT_VOLUME,
				 .source = source,
				 .anonymous = tag == 'a' };
}

/* @text is taken */
static void brief_field(struct ctr_config *c, char tag, char *text)
{
	char **str = NULL;
	char ***strv = NULL;

	switch (tag) {
	case 'I':
		str = &c->image_id;
		break;
	case 'i':
		str = &c->image_name;
		break;
	case 'n':
		str = &c->network;
		break;
	case 'f':
		str = &c->cidfile;
		break;
	case 'p':
		(void)ports_unpack(text, &c->ports);
		break;
	case 'e':
		strv = &c->entrypoint;
		break;
	case 'c':
		strv = &c->cmd;
		break;
	case 'l':
		strv = &c->labels;
		break;
	case 'x':
		strv = &c->expose;
		break;
	case 'b':
	case 'v':
	case 'a':
		brief_mount(c, tag, text);
		return;
	case 't':
		if (c->n_mounts > 0)
			str = &c->mounts[c->n_mounts - 1].target;
		break;
	case 'r':
		c->restart = (enum ctr_restart)(text[0] - '0');
		break;
	case 'R':
		c->auto_remove = true;
		c->remove_image = text[0] == 'i';
		break;
	default:
		break;
	}
	if (strv) {
		strv_push(strv, text);
	} else if (str) {
		free(*str);
		*str = text;
	} else {
		free(text);
	}
}

static char *brief_unescape(const char *s, size_t n)
{
	char *text = xstrndup(s, n);
	char *out = text;

	if (!memchr(s, '\\', n))
		return text;
	for (const char *in = text; *in; in++) {
		if (*in == '\\' && in[1]) {
			in++;
			*out++ = *in == 'n' ? '\n' : *in;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
	return text;
}

void config_brief_parse(const char *text, struct ctr_config *c)
{
	while (text && *text) {
		const char *eol = strchrnul(text, '\n');

		brief_field(c, *text,
			    brief_unescape(text + 1, (size_t)(eol - text) - 1));
		text = *eol ? eol + 1 : eol;
	}
}
