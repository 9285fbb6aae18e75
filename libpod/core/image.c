/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image says about its containers: defaults below what the user asked
 * for.  Images are data: nothing here changes what bryo does on the host.
 */
#include <stdlib.h>

#include "libpod/core/core_priv.h"
#include "network/network.h"
#include "storage/store.h"
#include "util/json.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

#define DEFAULT_PATH \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Environment: defaults < containers.conf < proxies < image < --env-merge <
 * --env-host < the user. */

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
		   "0123456789_"

static const char *const proxy_vars[] = {
	"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
	"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
};

static void add_proxies(char ***env)
{
	for (size_t i = 0; i < ARRAY_LEN(proxy_vars); i++) {
		const char *value = getenv(proxy_vars[i]);

		if (value)
			strv_env_set(env, proxy_vars[i], value);
	}
}

/* $NAME and ${NAME} are the image's variables; other dollars stay. */
static void expand(const char *text, char *const *image, struct sb *out)
{
	while (*text) {
		bool brace = text[0] == '$' && text[1] == '{';
		const char *name = text + 1 + brace;
		size_t n = *text == '$' ? strspn(name, NAME_CHARS) : 0;
		const char *value;

		if (n == 0 || (brace && name[n] != '}')) {
			sb_addch(out, *text++);
			continue;
		}
		autofree char *key = xstrndup(name, n);

		value = strv_env_get(image, key);
		sb_add(out, value ? value : "");
		text = name + n + brace;
	}
}

static void put_merged(char ***env, const char *var, char *const *image)
{
	autosb struct sb text = SB_INIT;

	expand(var, image, &text);
	strv_env_put(env, text.buf);
}

/* Of lists that nobody here wrote: what has no name or no value is left out */
static void put_pairs(char ***env, char *const *from)
{
	for (; from && *from; from++)
		if (strchr(*from, '=') && **from != '=')
			strv_env_put(env, *from);
}

static void put_defaults(char ***env, const struct ctr_config *c)
{
	strv_env_put(env, DEFAULT_PATH);
	strv_env_put(env, "container=podman");
	if (c->tty)
		strv_env_put(env, "TERM=xterm");
	put_pairs(env, c->default_env);
}

/* The later wins; --unsetenv-all spares what was asked for by name. */
static void merge_env(const struct ctr_config *c, char *const *image,
		      char ***ret)
{
	autostrv char **env = NULL;

	if (!c->unsetenv_all)
		put_defaults(&env, c);
	if (c->http_proxy)
		add_proxies(&env);
	if (!c->unsetenv_all)
		put_pairs(&env, image);
	for (char **v = c->env_merge; v && *v; v++)
		put_merged(&env, *v, image);
	for (char **v = c->unsetenv; v && *v; v++)
		strv_env_unset(env, *v);
	if (c->env_host)
		put_pairs(&env, environ);
	for (char **v = c->env; v && *v; v++)
		strv_env_put(&env, *v);
	*ret = take_ptr(env);
}

/* ---- the rest ---------------------------------------------------------- */

/* A given entrypoint hides the image's command; "" only resets. */
static void merge_command(struct ctr_config *c, struct json_object *image)
{
	bool given = c->entrypoint != NULL;

	if (given && strv_len(c->entrypoint) == 1 && !c->entrypoint[0][0])
		c->entrypoint = strv_free(c->entrypoint);
	if (!given)
		c->entrypoint = json_strv(image, "Entrypoint");
	if (!c->cmd && !given)
		c->cmd = json_strv(image, "Cmd");
}

static void merge_labels(struct ctr_config *c, struct json_object *image)
{
	autostrv char **all = NULL;
	struct json_object *labels = json_obj(image, "Labels");

	if (labels)
		all = json_env_list(labels);
	for (char **v = c->labels; v && *v; v++)
		strv_env_put(&all, *v);
	strv_free(c->labels);
	c->labels = take_ptr(all);
}

static void merge_user(struct ctr_config *c, struct json_object *image)
{
	const char *workdir = json_str(image, "WorkingDir");

	if (str_is_empty(c->user))
		str_set(&c->user, json_str(image, "User"));
	if (str_is_empty(c->workdir) && !str_is_empty(workdir)) {
		str_set(&c->workdir, workdir);
		c->workdir_image = true;
	}
	if (str_is_empty(c->workdir))
		str_set(&c->workdir, "/");
}

/* A bad signal of an image must not make it unusable. */
static void merge_stop_signal(struct ctr_config *c, struct json_object *image)
{
	const char *sig = json_str(image, "StopSignal");

	if (!str_is_empty(sig) && parse_signal(sig, &(int){ 0 }) == 0)
		str_set(&c->image_stop_signal, sig);
	if (c->stop_signal == 0 && c->image_stop_signal)
		(void)parse_signal(c->image_stop_signal, &c->stop_signal);
	if (c->stop_signal == 0 && systemd_is_on(c))
		(void)parse_signal("RTMIN+3", &c->stop_signal);
	if (c->stop_signal == 0)
		c->stop_signal = SIGTERM;
}

static void merge_expose(struct ctr_config *c, struct json_object *image)
{
	struct json_object *ports = json_obj(image, "ExposedPorts");

	if (!ports)
		return;
	json_object_object_foreach(ports, key, value) {
		struct port_list list = { 0 };

		(void)value;
		if (port_parse_expose(key, &list, NULL) == 0 &&
		    !strv_contains(c->expose, key))
			strv_add(&c->expose, key);
		port_list_done(&list);
	}
}

static bool has_mount(const struct ctr_config *c, const char *target)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (streq(c->mounts[i].target, target))
			return true;
	return false;
}

static void add_image_volume(struct ctr_config *c, const char *path)
{
	struct ctr_mount m = { .type = MNT_VOLUME, .anonymous = true };
	char name[65];

	m.target = path_clean(path);
	if (has_mount(c, m.target) || streq(m.target, "/")) {
		free(m.target);
		return;
	}
	if (streq(c->image_volume, "tmpfs")) {
		m.type = MNT_TMPFS;
		m.anonymous = false;
	} else {
		id_random(name);
		m.source = xstrdup(name);
	}
	c->mounts = xreallocarray(c->mounts, c->n_mounts + 1,
				  sizeof(*c->mounts));
	c->mounts[c->n_mounts++] = m;
}

static void merge_volumes(struct ctr_config *c, struct json_object *image)
{
	struct json_object *volumes = json_obj(image, "Volumes");

	if (!volumes || streq(c->image_volume, "ignore"))
		return;
	json_object_object_foreach(volumes, key, value) {
		(void)value;
		if (key[0] == '/')
			add_image_volume(c, key);
	}
}

static void merge(struct ctr_config *c, struct json_object *image)
{
	autostrv char **image_env = image ? json_strv(image, "Env") : NULL;
	char **env = NULL;

	merge_env(c, image_env, &env);
	strv_free(c->env);
	c->env = env;
	c->default_env = strv_free(c->default_env);
	c->env_merge = strv_free(c->env_merge);
	merge_command(c, image);
	systemd_detect(c);
	merge_labels(c, image);
	merge_user(c, image);
	merge_stop_signal(c, image);
	merge_expose(c, image);
	merge_volumes(c, image);
	health_conf_merge(&c->health, json_obj(image, "Healthcheck"));
}

/* The image's own name for what the user typed: "nginx" is
 * "docker.io/library/nginx:latest". */
static void resolve_name(const struct image *img, struct ctr_config *c)
{
	autofree char *tagged = xasprintf("%s:latest", c->image_name);
	autofree char *tail = xasprintf("/%s", c->image_name);
	autofree char *tagged_tail = xasprintf("/%s", tagged);
	const char *best = strv_len(img->names) ? img->names[0] : NULL;

	for (char **n = img->names; n && *n; n++) {
		if (streq(*n, c->image_name) || streq(*n, tagged) ||
		    str_ends(*n, tail) || str_ends(*n, tagged_tail)) {
			best = *n;
			break;
		}
	}
	if (best)
		str_set(&c->image_name, best);
}

int config_merge_image(struct runtime *rt, const struct image *img,
		       struct ctr_config *c, struct err *err)
{
	autojson struct json_object *doc = NULL;
	struct store *store;
	int r;

	if (!img) {
		merge(c, NULL);
		return 0;
	}
	r = runtime_store(rt, &store, err);
	if (r == 0)
		r = image_config(store, img, &doc, err);
	if (r < 0)
		return r;
	str_set(&c->image_id, img->id);
	str_set(&c->image_digest, img->digest);
	if (c->image_name)
		resolve_name(img, c);
	merge(c, json_obj(doc, "config"));
	return 0;
}
