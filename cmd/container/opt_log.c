/* SPDX-License-Identifier: Apache-2.0 */
/* --log-driver and --log-opt of create and run. */
#include "cmd/container/create_opts.h"

#include <unistd.h>

#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

#define LOG_FILES_MAX_ARG 100

/* Whoever types it as a rule does not mean to give away the terminal. */
static int check_terminal(const struct ctr_config *c, struct err *err)
{
	bool tty = isatty(0) || isatty(1) || isatty(2);

	if (streq(c->log_driver, "passthrough") && tty)
		return err_set(err, ERR_USAGE, EINVAL,
			       "the '--log-driver passthrough' option cannot "
			       "be used on a TTY. If you really want it, use "
			       "'--log-driver passthrough-tty'");
	return 0;
}

static int set_driver(const char *name, struct ctr_config *c, struct err *err)
{
	static const char *const known[] = { "k8s-file",    "json-file",
					     "journald",    "none",
					     "passthrough", "passthrough-tty" };

	if (str_is_empty(name))
		name = "k8s-file";
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!streq(name, known[i]))
			continue;
		str_set(&c->log_driver, name);
		return check_terminal(c, err);
	}
	if (streq(name, "syslog") || streq(name, "local") ||
	    streq(name, "fluentd") || streq(name, "gelf"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "log driver %s is not supported yet", name);
	return err_set(err, ERR_INVALID, EINVAL,
		       "running container create option: invalid log driver: "
		       "invalid argument");
}

/* "8000", "1.5m", "10MB": decimal here, as podman and docker have it */
static int parse_log_size(const char *text, uint64_t *ret)
{
	static const char *const units[] = { "", "k", "m", "g", "t" };
	size_t n = strspn(text, "0123456789.");
	autofree char *number = xstrndup(text, n);
	autofree char *unit = xstrdup(text + n);
	double scale = 1;
	double value;

	str_lower(unit);
	n = strlen(unit);
	if (n > 0 && unit[n - 1] == 'b')
		unit[n - 1] = '\0';
	if (parse_double(number, &value) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(units); i++, scale *= 1000) {
		if (!streq(unit, units[i]))
			continue;
		if (value * scale > (double)INT64_MAX)
			return -ERANGE;
		*ret = (uint64_t)(value * scale);
		return 0;
	}
	return -EINVAL;
}

/* ---- one function per option; -EINVAL: bad value ------------------------ */

static int set_max_size(const char *v, struct ctr_config *c)
{
	return parse_log_size(v, &c->log_size);
}

static int set_max_file(const char *v, struct ctr_config *c)
{
	uint32_t n;

	if (parse_u32(v, &n) < 0 || n < 1 || n > LOG_FILES_MAX_ARG)
		return -EINVAL;
	c->log_files = n;
	return 0;
}

static int set_path(const char *v, struct ctr_config *c)
{
	const char *slash = strrchr(v, '/');
	const char *name = slash ? slash + 1 : v;
	char *path = NULL;
	int r;

	if (!*name || streq(name, ".") || streq(name, "..") ||
	    strlen(name) > 240)
		return -EINVAL;
	r = path_from_cwd(v, &path, NULL);
	if (r < 0)
		return r;
	free(c->log_path);
	c->log_path = path;
	return 0;
}

static int set_tag(const char *v, struct ctr_config *c)
{
	str_set(&c->log_tag, *v ? v : NULL);
	return 0;
}

static int set_label(const char *v, struct ctr_config *c)
{
	if (*v == '=' || !strchr(v, '='))
		return -EINVAL;
	strv_add(&c->log_fields, v);
	return 0;
}

static int add_names(const char *v, char ***list)
{
	autostrv char **names = strv_split(v, ',');

	strv_extend(list, names);
	return 0;
}

static int set_labels(const char *v, struct ctr_config *c)
{
	return add_names(v, &c->log_labels);
}

static int set_env(const char *v, struct ctr_config *c)
{
	return add_names(v, &c->log_env);
}

static int set_mode(const char *v, struct ctr_config *c)
{
	if (!streq(v, "blocking") && !streq(v, "non-blocking"))
		return -EINVAL;
	c->log_blocking = streq(v, "blocking");
	return 0;
}

static const struct {
	const char *key;
	int (*set)(const char *value, struct ctr_config *c);
} options[] = {
	{ "max-size=", set_max_size }, { "max-file=", set_max_file },
	{ "path=", set_path },	       { "tag=", set_tag },
	{ "label=", set_label },       { "labels=", set_labels },
	{ "env=", set_env },	       { "mode=", set_mode },
};

static int set_option(const char *text, struct ctr_config *c, struct err *err)
{
	static const char *const later[] = { "env-regex=", "labels-regex=",
					     "compress=", "max-buffer-size=" };

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *value = str_after(text, options[i].key);

		if (value && options[i].set(value, c) == 0)
			return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (str_starts(text, later[i]))
			return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
				       "log option \"%s\" is not supported "
				       "yet", text);
	return err_set(err, ERR_INVALID, EINVAL, "invalid log option \"%s\"",
		       text);
}

/* The sizes of files make sense for files only. */
static int check_sizes(const struct create_args *a, const struct ctr_config *c,
		       struct err *err)
{
	if (streq(c->log_driver, "k8s-file") ||
	    streq(c->log_driver, "json-file"))
		return 0;
	for (char **o = a->log_opt; o && *o; o++)
		if (str_starts(*o, "max-"))
			return err_set(err, ERR_USAGE, EINVAL,
				       "log option \"%s\" does not work with "
				       "the log driver %s, only with k8s-file "
				       "and json-file", *o, c->log_driver);
	return 0;
}

int log_options(const struct create_args *a, struct ctr_config *c,
		struct err *err)
{
	int r = set_driver(a->log_driver, c, err);

	if (a->conf.log_size_max)
		c->log_size = a->conf.log_size_max < 0 ?
				      0 : (uint64_t)a->conf.log_size_max;
	str_set(&c->log_tag, str_is_empty(a->conf.log_tag) ?
				     NULL : a->conf.log_tag);

	for (char **o = a->log_opt; r == 0 && o && *o; o++)
		r = set_option(*o, c, err);
	return r < 0 ? r : check_sizes(a, c, err);
}
