/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's output is logged, and how it is found again.
 *
 * Theory of operation.  The monitor writes (libpod/monitor/log_write.c), in
 * a process that is static and knows no names: what it needs is prepared
 * here at each start, the directory of --log-opt path, the journal's socket,
 * and the fields that each record carries.  They are one text: the JSON object
 * "attrs" for json-file, lines of the journal's protocol for journald.
 */
#include "libpod/core/log/log.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "libpod/core/log/journal.h"
#include "libpod/core/plan/plan.h"
#include "libpod/monitor/log_read.h"
#include "libpod/monitor/log_write.h"
#include "libpod/monitor/monitor.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_BUFFER (1 << 20)

/* ---- what fits together ------------------------------------------------ */

static const struct {
	const char *name;
	enum log_driver driver;
	bool file, fields;
} drivers[] = {
	{ "k8s-file", LOGDRV_K8S_FILE, true, false },
	{ "json-file", LOGDRV_JSON_FILE, true, true },
	{ "journald", LOGDRV_JOURNALD, false, true },
	{ "none", LOGDRV_NONE, false, false },
	{ "passthrough", LOGDRV_PASSTHROUGH, false, false },
	{ "passthrough-tty", LOGDRV_PASSTHROUGH, false, false },
};

static size_t driver_of(const struct ctr_config *c)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (streq(c->log_driver, drivers[i].name))
			return i;
	return 0;
}

bool log_is_passthrough(const struct ctr_config *c)
{
	return drivers[driver_of(c)].driver == LOGDRV_PASSTHROUGH;
}

/* In the order of docker's documentation; NULL: the rest is text. */
static const char *const tag_fields[] = {
	"{{.ID}}",	"{{.FullID}}",	    "{{.Name}}",
	"{{.ImageID}}", "{{.ImageFullID}}", "{{.ImageName}}",
};

static const char *tag_value(const struct ctr *c, size_t field)
{
	const char *const values[] = {
		c->id,		    c->id,		c->name,
		c->config.image_id, c->config.image_id, c->config.image_name,
	};

	return values[field] ? values[field] : "";
}

/* @c NULL: only look whether every field is known */
static int expand_tag(const char *tag, const struct ctr *c, struct sb *out,
		      struct err *err)
{
	while (*tag) {
		size_t i = 0;

		while (i < ARRAY_LEN(tag_fields) &&
		       !str_starts(tag, tag_fields[i]))
			i++;
		if (i < ARRAY_LEN(tag_fields)) {
			if (c)
				sb_addf(out, "%.*s", i % 3 == 0 ? 12 : 255,
					tag_value(c, i));
			tag += strlen(tag_fields[i]);
			continue;
		}
		if (str_starts(tag, "{{"))
			return err_set(err, ERR_USAGE, EINVAL,
				       "log option tag: unknown field in "
				       "\"%s\" (known: .ID, .FullID, .Name, "
				       ".ImageID, .ImageFullID, .ImageName)",
				       tag);
		sb_addch(out, *tag++);
	}
	return 0;
}

static int err_option(struct err *err, const struct ctr_config *c,
		      const char *option, const char *with)
{
	return err_set(err, ERR_USAGE, EINVAL,
		       "log option \"%s\" does not work with the log driver "
		       "%s, only with %s", option, c->log_driver, with);
}

/* The first option that only a driver with a file has; NULL: none is given */
static const char *file_option(const struct ctr_config *c)
{
	if (c->log_path)
		return "path";
	return c->log_blocking ? "mode" : NULL;
}

/* The first option that adds a field to each record */
static const char *field_option(const struct ctr_config *c)
{
	if (c->log_fields)
		return "label";
	if (c->log_labels)
		return "labels";
	return c->log_env ? "env" : NULL;
}

int log_config_check(const struct ctr_config *c, struct err *err)
{
	autosb struct sb scratch = SB_INIT;
	size_t i = driver_of(c);
	const char *for_file = drivers[i].file ? NULL : file_option(c);
	const char *for_field = drivers[i].fields ? NULL : field_option(c);

	if (log_is_passthrough(c) && c->tty)
		return err_set(err, ERR_USAGE, EINVAL,
			       "the %s log driver cannot be used with --tty",
			       c->log_driver);
	if (for_file)
		return err_option(err, c, for_file, "k8s-file and json-file");
	if (for_field)
		return err_option(err, c, for_field, "json-file and journald");
	return c->log_tag ? expand_tag(c->log_tag, NULL, &scratch, err) : 0;
}

/* ---- the fields of each record ----------------------------------------- */

/* KEY=VALUE pairs that the options ask for; owned */
static char **collect(const struct ctr *c, const char *tag)
{
	const struct ctr_config *conf = &c->config;
	char **out = NULL;

	for (char **k = conf->log_labels; k && *k; k++) {
		const char *v = strv_env_get(conf->labels, *k);

		if (v)
			strv_addf(&out, "%s=%s", *k, v);
	}
	strv_extend(&out, conf->log_fields);
	for (char **k = conf->log_env; k && *k; k++) {
		const char *v = strv_env_get(conf->env, *k);

		if (v)
			strv_addf(&out, "%s=%s", *k, v);
	}
	if (tag && drivers[driver_of(conf)].driver == LOGDRV_JSON_FILE)
		strv_addf(&out, "tag=%s", tag);
	return out;
}

static char *json_extra(char *const *pairs)
{
	autojson struct json_object *o = NULL;

	if (!pairs)
		return NULL;
	o = json_new_env_map(pairs);
	return xstrdup(json_text(o));
}

/* A field's name has capitals, digits and underscores, and no _ in front. */
static void add_field(struct sb *out, const char *name, size_t len,
		      const char *value)
{
	while (len > 0 && !isalnum((unsigned char)*name)) {
		name++;
		len--;
	}
	if (len == 0 || len > 64 || isdigit((unsigned char)*name))
		return;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		sb_addch(out, isalnum(c) ? (char)toupper(c) : '_');
	}
	sb_addch(out, '=');
	for (; *value; value++)
		sb_addch(out, *value == '\n' ? ' ' : *value);
	sb_addch(out, '\n');
}

static void add_known(struct sb *out, const char *name, const char *value)
{
	add_field(out, name, strlen(name), value ? value : "");
}

static char *journal_extra(const struct ctr *c, char *const *pairs,
			   const char *tag)
{
	autofree char *short_id = xstrndup(c->id, 12);
	struct sb out = SB_INIT;

	for (; pairs && *pairs; pairs++) {
		size_t len = strcspn(*pairs, "=");

		add_field(&out, *pairs, len,
			  (*pairs)[len] ? *pairs + len + 1 : "");
	}
	add_known(&out, "CONTAINER_ID", short_id);
	add_known(&out, "CONTAINER_ID_FULL", c->id);
	add_known(&out, "CONTAINER_NAME", c->name);
	add_known(&out, "IMAGE_NAME", c->config.image_name);
	if (tag)
		add_known(&out, "CONTAINER_TAG", tag);
	add_known(&out, "SYSLOG_IDENTIFIER", tag ? tag : short_id);
	return sb_take(&out);
}

static int fill_extra(const struct ctr *c, struct monitor_conf *m,
		      struct err *err)
{
	autosb struct sb tag = SB_INIT;
	autostrv char **pairs = NULL;
	const char *t = c->config.log_tag ? tag.buf : NULL;
	int r = 0;

	if (c->config.log_tag)
		r = expand_tag(c->config.log_tag, c, &tag, err);
	if (r < 0)
		return r;
	t = c->config.log_tag ? tag.buf : NULL;
	pairs = collect(c, t);
	if (m->log_driver == LOGDRV_JSON_FILE)
		m->log_extra = json_extra(pairs);
	else if (m->log_driver == LOGDRV_JOURNALD)
		m->log_extra = journal_extra(c, pairs, t);
	if (m->log_extra && strlen(m->log_extra) > LOG_EXTRA_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "labels, variables and tag of the log are "
			       "longer than %d bytes", LOG_EXTRA_MAX);
	return 0;
}

/* ---- at a start -------------------------------------------------------- */

/* The directory of --log-opt path; *ret_name is a part of @path. */
static int open_place(const char *path, const char **ret_name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = xstrndup(path, (size_t)(slash - path));
	int fd = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open the directory of the log %s", path);
	*ret_name = slash + 1;
	return fd;
}

static int open_journal(struct err *err)
{
	const struct sockaddr_un sa = { .sun_family = AF_UNIX,
					.sun_path = JOURNAL_SOCKET };
	const struct timeval limit = { .tv_sec = 1 };
	const int size = JOURNAL_BUFFER;
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "socket");
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(err, ERR_FAIL, errno,
			       "log driver journald: connect " JOURNAL_SOCKET
			       ": %s (is systemd-journald running?)",
			       err_reason(errno));
	/* a journald that hangs costs lines, not the container */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return take_fd(fd);
}

int plan_log(struct plan *p, struct monitor_conf *m, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	const char *name = NULL;

	m->log_driver = drivers[driver_of(c)].driver;
	m->log_size_max = c->log_size;
	m->log_files_max = MAX(c->log_files, 1U);
	m->log_blocking = c->log_blocking;
	if (c->log_path) {
		int fd = open_place(c->log_path, &name, err);

		if (fd < 0)
			return fd;
		m->log_dir_fd = plan_fd(p, fd);
		m->log_name = xstrdup(name);
	}
	if (m->log_driver == LOGDRV_JOURNALD) {
		int fd = open_journal(err);

		if (fd < 0)
			return fd;
		m->journal_fd = plan_fd(p, fd);
	}
	return fill_extra(p->c, m, err);
}

/* ---- reading ----------------------------------------------------------- */

static bool has_log(const struct ctr *c)
{
	size_t i = driver_of(&c->config);

	return drivers[i].file || drivers[i].driver == LOGDRV_JOURNALD;
}

char *ctr_log_path(const struct runtime *rt, const struct ctr *c)
{
	if (!drivers[driver_of(&c->config)].file)
		return NULL;
	if (c->config.log_path)
		return xstrdup(c->config.log_path);
	return xasprintf("%s/containers/%s/" LOG_NAME, rt->data_path, c->id);
}

int ctr_log_read(struct runtime *rt, const struct ctr *c,
		 struct log_read_opts *o,
		 int (*fn)(void *arg, const struct log_rec *rec), void *arg,
		 struct err *err)
{
	autoclose int dir = -EBADF;

	if (!has_log(c))
		return err_set(err, ERR_STATE, EINVAL,
			       "this container is using the '%s' log driver, "
			       "cannot read logs: this container is not "
			       "logging output", c->config.log_driver);
	if (streq(c->config.log_driver, "journald"))
		return journal_read(c->id, o, fn, arg, err);
	dir = c->config.log_path ? open_place(c->config.log_path, &o->name,
					      err) :
				   ctr_dir(rt, c, err);
	return dir < 0 ? dir : log_read(dir, o, fn, arg, err);
}
