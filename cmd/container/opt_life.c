/* SPDX-License-Identifier: Apache-2.0 */
/* Name, labels, files, and what happens when the container ends */
#include "cmd/container/create_opts.h"

#include <stdlib.h>

#include "libpod/core/runtime.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

#define A struct create_args

const struct opt create_opts_life[] = {
	OPT_STRV(0, "annotation", A, annotation, "strings",
		 "Add annotations (key=value)"),
	OPT_LIST(0, "chrootdirs", A, chrootdirs, "strings",
		 "Directories that get /etc/hosts and the like, too"),
	OPT_STR(0, "cidfile", A, cidfile, "string",
		"Write the container ID to the file"),
	OPT_STR(0, "sdnotify", A, sdnotify, "string",
		"Who tells systemd that the service is ready: container, "
		"conmon, healthy, ignore"),
	OPT_STR(0, "conmon-pidfile", A, conmon_pidfile, "string",
		"Write the monitor's process ID to the file"),
	OPT_STRV('l', "label", A, label, "strings", "Set metadata"),
	OPT_STRV(0, "label-file", A, label_file, "strings",
		 "Read in a file of labels"),
	OPT_STR(0, "log-driver", A, log_driver, "string",
		"Logging driver: k8s-file, json-file, none, passthrough"),
	OPT_STRV(0, "log-opt", A, log_opt, "strings",
		 "Logging options: max-size=, max-file="),
	OPT_STR(0, "name", A, name, "string", "Assign a name"),
	OPT_STR(0, "pidfile", A, pidfile, "string",
		"Write the container's process ID to the file"),
	OPT_BOOL(0, "replace", A, replace,
		 "Replace a container of the same name"),
	OPT_LIST(0, "requires", A, requires, "strings",
		 "Containers that are started first"),
	OPT_STR(0, "restart", A, restart, "string",
		"Restart policy: no, on-failure[:max], always, "
		"unless-stopped"),
	{ 0, "rm", NULL, OPT_T_BOOL, OPT_CHECK_(A, rm, bool),
	  offsetof(A, rm_given), NULL, NULL,
	  "Remove the container when it ends", 0 },
	OPT_END,
};

#undef A

/* The N of on-failure:N, in podman's words */
static int restart_count(const char *policy, const char *n, uint32_t *ret,
			 struct err *err)
{
	if (!streq(policy, "on-failure"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "restart policy retries can only be specified "
			       "with on-failure restart policy");
	if (strchr(n, ':'))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid restart policy: may specify retries at "
			       "most once");
	if (parse_u32(n, ret) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "parsing restart policy retry count: \"%s\" is "
			       "not a number from 0 up", n);
	return 0;
}

int restart_parse(const char *text, struct ctr_config *c, struct err *err)
{
	size_t len = strcspn(text ? text : "", ":");
	autofree char *policy = xstrndup(text ? text : "", len);
	int r = 0;

	c->restart = RESTART_NO;
	c->restart_max = 0;
	if (text && text[len])
		r = restart_count(policy, text + len + 1, &c->restart_max, err);
	if (r < 0 || !*policy || streq(policy, "no") || streq(policy, "never"))
		return r;
	if (streq(policy, "always"))
		c->restart = RESTART_ALWAYS;
	else if (streq(policy, "unless-stopped"))
		c->restart = RESTART_UNLESS_STOPPED;
	else if (streq(policy, "on-failure"))
		c->restart = RESTART_ON_FAILURE;
	else
		return err_set(err, ERR_INVALID, EINVAL,
			       "running container create option: \"%s\" is not "
			       "a valid restart policy: invalid argument",
			       policy);
	if (c->auto_remove)
		return err_set(err, ERR_USAGE, EINVAL,
			       "the --rm option conflicts with --restart, when "
			       "the restartPolicy is not \"\" and \"no\"");
	return 0;
}

static int set_restart(const struct create_args *a, struct ctr_config *c,
		       struct err *err)
{
	c->auto_remove = a->rm;
	c->remove_image = a->rmi;
	return restart_parse(a->restart, c, err);
}

/* Relative paths mean the caller's directory, also for later removal. */
static int set_file(char **dst, const char *path, struct err *err)
{
	return str_is_empty(path) ? 0 : path_from_cwd(path, dst, err);
}

/* The whole command line, for inspect. */
static void set_create_command(struct ctr_config *c)
{
	autosb struct sb text = SB_INIT;

	if (file_load("/proc/self/cmdline", 1U << 20, &text) < 0)
		return;
	for (size_t i = 0; i < text.len; i += strlen(text.buf + i) + 1)
		strv_add(&c->create_command, text.buf + i);
}

static int set_sdnotify(const char *mode, struct ctr_config *c,
			struct err *err)
{
	static const char *const modes[] = { "container", "conmon", "healthy",
					     "ignore" };

	for (size_t i = 0; mode && i < ARRAY_LEN(modes); i++)
		if (streq(mode, modes[i]))
			str_set(&c->sdnotify, mode);
	return !mode || c->sdnotify ? 0 :
	       err_set(err, ERR_INVALID, EINVAL,
		       "invalid sdnotify value \"%s\": must be container, "
		       "conmon, healthy or ignore: invalid argument", mode);
}

/* Compared and joined as text later on: absolute and plain */
static int set_chrootdirs(char *const *dirs, struct ctr_config *c,
			  struct err *err)
{
	for (; dirs && *dirs; dirs++) {
		if (**dirs != '/' || strstr(*dirs, "/../") ||
		    str_ends(*dirs, "/.."))
			return err_set(err, ERR_INVALID, EINVAL,
				       "--chrootdirs %s: must be an absolute "
				       "path without ..", *dirs);
		strv_add(&c->chrootdirs, *dirs);
	}
	return 0;
}

static int set_requires(struct runtime *rt, char *const *names,
			struct ctr_config *c, struct err *err)
{
	for (; names && *names; names++) {
		auto_ctr struct ctr *other = NULL;
		int r = ctr_find(rt, *names, &other, err);

		if (r < 0)
			return err_wrap(err, r, "\"%s\" is not a valid "
					"container, cannot be used as a "
					"dependency", *names);
		if (!strv_contains(c->requires, other->id))
			strv_add(&c->requires, other->id);
	}
	return 0;
}

int life_parse(struct runtime *rt, const struct create_args *a,
	       struct ctr_config *c, struct err *err)
{
	int r;

	r = set_restart(a, c, err);
	if (r == 0)
		r = log_options(a, c, err);
	if (r == 0)
		r = labels_collect(a->label_file, a->label, &c->labels, err);
	for (char **v = a->annotation; r == 0 && v && *v; v++)
		if (!strchr(*v, '='))
			r = err_set(err, ERR_INVALID, EINVAL,
				    "annotation \"%s\" must be formatted "
				    "KEY=VALUE", *v);
	if (r == 0)
		r = set_file(&c->cidfile, a->cidfile, err);
	if (r == 0)
		r = set_file(&c->pidfile, a->pidfile, err);
	if (r == 0)
		r = set_file(&c->conmon_pidfile, a->conmon_pidfile, err);
	if (r == 0)
		r = set_sdnotify(a->sdnotify, c, err);
	if (r == 0)
		r = set_chrootdirs(a->chrootdirs, c, err);
	if (r < 0)
		return r;
	strv_extend(&c->annotations, a->annotation);
	set_create_command(c);
	r = health_apply(&a->health, &c->health, err);
	return r < 0 ? r : set_requires(rt, a->requires, c, err);
}
