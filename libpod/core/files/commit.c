/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The config of a committed image: that of the container's image, with what
 * the container was told to be (command, environment, user, ports, labels)
 * and then the --change instructions.  What only belongs to the run (TERM of
 * a terminal, container=..., proxies of the host) does not go into it.
 */
#include "libpod/core/files/commit.h"

#include <string.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/files/changes.h"
#include "storage/image/change.h"
#include "storage/store.h"
#include "util/fault.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- the config --------------------------------------------------------- */

/* A variable that the engine set for the run. */
static bool is_of_the_run(const char *var)
{
	static const char *const texts[] = { "container=podman", "TERM=xterm" };
	static const char *const proxies[] = {
		"http_proxy=", "https_proxy=", "ftp_proxy=", "no_proxy=",
		"HTTP_PROXY=", "HTTPS_PROXY=", "FTP_PROXY=", "NO_PROXY=",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (streq(var, texts[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
		if (str_starts(var, proxies[i]))
			return true;
	return false;
}

static void set_env(struct json_object *config, char *const *env)
{
	autostrv char **image = json_strv(config, "Env");
	autostrv char **v = NULL;

	for (; env && *env; env++)
		if (!is_of_the_run(*env) || strv_contains(image, *env))
			strv_add(&v, *env);
	if (v)
		json_set_strv(config, "Env", v);
}

static void set_ports(struct json_object *config, const struct ctr_config *c)
{
	struct json_object *ports = json_object_new_object();

	for (char **e = c->expose; e && *e; e++)
		json_set(ports, *e, json_object_new_object());
	for (size_t i = 0; i < c->ports.n; i++) {
		const struct port_map *m = &c->ports.v[i];

		for (unsigned int k = 0; k < m->range; k++) {
			autofree char *key =
				xasprintf("%u/%s", m->ctr_port + k,
					  m->proto == PORT_UDP ? "udp" :
								 "tcp");

			json_set(ports, key, json_object_new_object());
		}
	}
	if (json_object_object_length(ports))
		json_set(config, "ExposedPorts", ports);
	else
		json_object_put(ports);
}

static void set_volumes(struct json_object *config, const struct ctr_config *c)
{
	struct json_object *volumes = json_obj(config, "Volumes");

	if (!volumes) {
		volumes = json_object_new_object();
		json_set(config, "Volumes", volumes);
	}
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].type == MNT_VOLUME ||
		    c->mounts[i].type == MNT_BIND)
			json_set(volumes, c->mounts[i].target,
				 json_object_new_object());
}

static void set_strv(struct json_object *config, const char *key,
		     char *const *v)
{
	if (v)
		json_set_strv(config, key, v);
	else
		json_object_object_del(config, key);
}

static void merge(struct json_object *config, const struct ctr_config *c,
		  const struct ctr_commit_opts *opts)
{
	set_env(config, c->env);
	set_strv(config, "Cmd", c->cmd);
	set_strv(config, "Entrypoint", c->entrypoint);
	if (!str_is_empty(c->user))
		json_set_str(config, "User", c->user);
	if (!streq(c->workdir, "/") || json_str(config, "WorkingDir"))
		json_set_str(config, "WorkingDir", c->workdir);
	if (c->labels)
		json_set(config, "Labels", json_new_env_map(c->labels));
	if (!str_is_empty(c->stop_signal_name))
		json_set_str(config, "StopSignal", c->stop_signal_name);
	if (c->health)
		json_set(config, "Healthcheck",
			 health_conf_to_image(c->health));
	set_ports(config, c);
	if (opts->volumes)
		set_volumes(config, c);
}

/* The image's document, without what belongs to its own making. */
static int make_config(struct store *store, const struct ctr *c,
		       const struct image *img,
		       const struct ctr_commit_opts *opts,
		       struct json_object **ret, struct err *err)
{
	static const char *const stale[] = { "container", "container_config",
					     "id", "parent", "throwaway" };
	autojson struct json_object *doc = NULL;
	struct json_object *config;
	int r = image_config(store, img, &doc, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(stale); i++)
		json_object_object_del(doc, stale[i]);
	config = json_obj(doc, "config");
	if (!config) {
		config = json_object_new_object();
		json_set(doc, "config", config);
	}
	merge(config, &c->config, opts);
	json_set_str(doc, "author", opts->author);
	if (opts->docker)
		json_set_str(doc, "comment", opts->message);
	if (opts->config)
		r = change_merge(config, opts->config, err);
	for (char *const *line = opts->changes; r == 0 && line && *line;
	     line++)
		r = change_apply(config, *line, err);
	*ret = take_ptr(doc);
	return r;
}

/* ---- commit ------------------------------------------------------------- */

static char *command_of(const struct ctr *c)
{
	autostrv char **argv = NULL;

	strv_extend(&argv, c->config.entrypoint);
	strv_extend(&argv, c->config.cmd);
	return strv_join(argv, " ");
}

static int commit(struct runtime *rt, struct store *store, struct ctr *c,
		  const struct ctr_top *t, const struct ctr_commit_opts *opts,
		  char ret_id[65], struct err *err)
{
	auto_ctr_hold struct ctr_hold hold = CTR_HOLD_INIT;
	autojson struct json_object *doc = NULL;
	autofree char *command = command_of(c);
	struct image_new new = {
		.name = opts->name,
		.author = opts->author,
		.comment = opts->message,
		.created_by = command,
		.docker = opts->docker,
		.progress = opts->progress,
	};
	int r = make_config(store, c, t->image, opts, &doc, err);

	if (r == 0 && opts->pause && c->state == CTR_RUNNING)
		r = ctr_hold(rt, c, &hold, err);
	if (r == 0 && FAULT("commit.paused") < 0)
		r = err_sys(err, "commit");
	if (r < 0)
		return r;
	new.config = doc;
	r = image_commit(store, t->image, &t->top, &new, opts->squash, ret_id,
			 err);
	/* as long as nobody can remove it */
	if (r == 0)
		(void)event_ctr(rt, c, EVENT_COMMIT, NULL, NULL);
	return r;
}

int ctr_commit(struct runtime *rt, struct ctr *c,
	       const struct ctr_commit_opts *opts, char ret_id[65],
	       struct err *err)
{
	auto_ctr_top struct ctr_top t = { .path = NULL };
	struct store *store;
	int r = ctr_top(rt, c, &store, &t, err);

	if (r == 0)
		r = commit(rt, store, c, &t, opts, ret_id, err);
	if (r < 0) {
		r = err_wrap(err, r, "commit container %.12s", c->id);
		return ctr_err_gone(rt, c->id, r, err);
	}
	return 0;
}
