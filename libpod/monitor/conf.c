/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What M knows crosses its exec into bryo-monitor as a sealed memfd of
 * "key=value\n" lines.  One table says which keys there are and how each is
 * written and read, so that the two directions cannot drift apart.  A list
 * (helper, argv) repeats its key.
 *
 * The reader trusts nothing: it is the same parser that the fuzz target
 * feeds.  In texts a newline and a backslash are written as \n and \\.
 */
#include "libpod/monitor/monitor.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define CONF_MAX 65536
#define CONF_FD_MAX (1 << 20)
#define CONF_ARGV_MAX 64
#define CONF_LOG_FILES_MAX 100

enum conf_kind {
	CONF_TEXT,
	CONF_ARGV,
	CONF_FD,
	CONF_PIDS,
	CONF_PID,
	CONF_BOOL,
	CONF_U32,
	CONF_U64,
	CONF_DRIVER,
};

#define FIELD(key, kind, member) \
	{ key, kind, offsetof(struct monitor_conf, member) }

static const struct conf_field {
	const char *key;
	enum conf_kind kind;
	size_t offset;
} fields[] = {
	FIELD("id", CONF_TEXT, id),
	FIELD("name", CONF_TEXT, name),
	FIELD("start_n", CONF_U32, start_n),
	FIELD("dir_fd", CONF_FD, dir_fd),
	FIELD("run_fd", CONF_FD, run_fd),
	FIELD("lock_fd", CONF_FD, lock_fd),
	FIELD("init_pid", CONF_PID, init.pid),
	FIELD("init_start", CONF_U64, init.start),
	FIELD("init_pidfd", CONF_FD, init_pidfd),
	FIELD("sync_fd", CONF_FD, sync_fd),
	FIELD("stdin_fd", CONF_FD, stdin_fd),
	FIELD("stdout_fd", CONF_FD, stdout_fd),
	FIELD("stderr_fd", CONF_FD, stderr_fd),
	FIELD("console_fd", CONF_FD, console_fd),
	FIELD("client_fd", CONF_FD, client_fd),
	FIELD("listen_fd", CONF_FD, listen_fd),
	FIELD("leash_fd", CONF_FD, leash_fd),
	FIELD("helper_pid", CONF_PIDS, helper_pids),
	FIELD("slirp_pid", CONF_PID, slirp_pid),
	FIELD("proxy_pid", CONF_PID, proxy_pid),
	FIELD("proxy_fd", CONF_FD, proxy_fd),
	FIELD("cgroup", CONF_TEXT, cgroup),
	FIELD("stdin_once", CONF_BOOL, stdin_once),
	FIELD("log_driver", CONF_DRIVER, log_driver),
	FIELD("log_size_max", CONF_U64, log_size_max),
	FIELD("log_files_max", CONF_U32, log_files_max),
	FIELD("log_dir_fd", CONF_FD, log_dir_fd),
	FIELD("log_name", CONF_TEXT, log_name),
	FIELD("log_extra", CONF_TEXT, log_extra),
	FIELD("journal_fd", CONF_FD, journal_fd),
	FIELD("log_blocking", CONF_BOOL, log_blocking),
	FIELD("timeout_s", CONF_U32, timeout_s),
	FIELD("durable_exit", CONF_BOOL, durable_exit),
	FIELD("restart", CONF_BOOL, restart),
	FIELD("restart_on_failure", CONF_BOOL, restart_on_failure),
	FIELD("restart_delay_ms", CONF_U32, restart_delay_ms),
	FIELD("health_argv", CONF_ARGV, health_argv),
	FIELD("health_first_ms", CONF_U32, health_first_ms),
	FIELD("note_argv", CONF_ARGV, note_argv),
	FIELD("exec_argv", CONF_ARGV, exec_argv),
	FIELD("exec_path", CONF_TEXT, exec_path),
};

static const char *const driver_names[] = {
	[LOGDRV_K8S_FILE] = "k8s-file",
	[LOGDRV_JSON_FILE] = "json-file",
	[LOGDRV_JOURNALD] = "journald",
	[LOGDRV_NONE] = "none",
	[LOGDRV_PASSTHROUGH] = "passthrough",
};

/* The descriptors of a conf */
static const size_t fd_offsets[] = {
	offsetof(struct monitor_conf, dir_fd),
	offsetof(struct monitor_conf, run_fd),
	offsetof(struct monitor_conf, lock_fd),
	offsetof(struct monitor_conf, init_pidfd),
	offsetof(struct monitor_conf, sync_fd),
	offsetof(struct monitor_conf, stdin_fd),
	offsetof(struct monitor_conf, stdout_fd),
	offsetof(struct monitor_conf, stderr_fd),
	offsetof(struct monitor_conf, console_fd),
	offsetof(struct monitor_conf, client_fd),
	offsetof(struct monitor_conf, listen_fd),
	offsetof(struct monitor_conf, leash_fd),
	offsetof(struct monitor_conf, proxy_fd),
	offsetof(struct monitor_conf, log_dir_fd),
	offsetof(struct monitor_conf, journal_fd),
};

void monitor_conf_init(struct monitor_conf *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ARRAY_LEN(fd_offsets); i++)
		*(int *)(void *)((char *)c + fd_offsets[i]) = -EBADF;
	c->log_files_max = 1;
}

void monitor_conf_done(struct monitor_conf *c)
{
	free(c->id);
	free(c->name);
	free(c->cgroup);
	free(c->exec_path);
	free(c->log_name);
	free(c->log_extra);
	strv_free(c->health_argv);
	strv_free(c->note_argv);
	strv_free(c->exec_argv);
	monitor_conf_init(c);
}

size_t monitor_conf_fds(const struct monitor_conf *c, int ret[MONITOR_FDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(fd_offsets); i++)
		ret[n++] = *(const int *)(const void *)((const char *)c +
							fd_offsets[i]);
	return n;
}

/* ---- writing --------------------------------------------------------- */

static void put_text(struct sb *out, const char *key, const char *text)
{
	if (!text)
		return;
	sb_addf(out, "%s=", key);
	for (; *text; text++) {
		if (*text == '\n')
			sb_add(out, "\\n");
		else if (*text == '\\')
			sb_add(out, "\\\\");
		else
			sb_addch(out, *text);
	}
	sb_addch(out, '\n');
}

static void put_ints(struct sb *out, const char *key, const int *v, int n)
{
	for (int i = 0; i < n; i++) {
		if (v[i] >= 0)
			sb_addf(out, "%s=%d\n", key, v[i]);
	}
}

static void put_field(struct sb *out, const struct conf_field *f,
		      const struct monitor_conf *c)
{
	const void *p = (const char *)c + f->offset;
	char *const *argv;

	switch (f->kind) {
	case CONF_TEXT:
		put_text(out, f->key, *(char *const *)p);
		break;
	case CONF_ARGV:
		argv = *(char **const *)p;
		for (; argv && *argv; argv++)
			put_text(out, f->key, *argv);
		break;
	case CONF_FD:
		put_ints(out, f->key, p, 1);
		break;
	case CONF_PIDS:
		put_ints(out, f->key, p, c->n_helpers);
		break;
	case CONF_PID:
		put_ints(out, f->key, p, 1);
		break;
	case CONF_BOOL:
		sb_addf(out, "%s=%d\n", f->key, *(const bool *)p ? 1 : 0);
		break;
	case CONF_U32:
		sb_addf(out, "%s=%u\n", f->key, *(const uint32_t *)p);
		break;
	case CONF_U64:
		sb_addf(out, "%s=%llu\n", f->key,
			(unsigned long long)*(const uint64_t *)p);
		break;
	case CONF_DRIVER:
		sb_addf(out, "%s=%s\n", f->key,
			driver_names[*(const enum log_driver *)p]);
		break;
	}
}

int monitor_conf_save(const struct monitor_conf *c, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put_field(&text, &fields[i], c);
	if (text.len > CONF_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "monitor configuration is too long");

	autoclose int fd = fd_memory("bryo-monitor-conf", err);
	if (fd < 0)
		return fd;
	r = fd_write_full(fd, text.buf, text.len);
	if (r < 0)
		return err_code(err, r, "write the monitor configuration");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
		  F_SEAL_WRITE) < 0)
		return err_sys(err, "seal the monitor configuration");
	return take_fd(fd);
}

/* ---- reading --------------------------------------------------------- */

/* Undo put_text() in place. */
static int unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s != '\\') {
			*to++ = *s;
			continue;
		}
		s++;
		if (*s != 'n' && *s != '\\')
			return -EINVAL;
		*to++ = *s == 'n' ? '\n' : '\\';
	}
	*to = '\0';
	return 0;
}

static int get_text(char **p, char *value)
{
	if (*p || unescape(value) < 0)
		return -EINVAL;
	*p = xstrdup(value);
	return 0;
}

static int get_argv(char ***p, char *value)
{
	if (strv_len(*p) >= CONF_ARGV_MAX || unescape(value) < 0)
		return -EINVAL;
	strv_add(p, value);
	return 0;
}

static int get_int(int *p, const char *value, int min, int max)
{
	int v = 0;

	if (parse_int(value, &v) < 0 || v < min || v > max)
		return -EINVAL;
	*p = v;
	return 0;
}

static int get_list(int *v, int *n, const char *value, int min, int max)
{
	if (*n >= MONITOR_HELPERS_MAX || get_int(&v[*n], value, min, max) < 0)
		return -EINVAL;
	(*n)++;
	return 0;
}

static int get_bool(bool *p, const char *value)
{
	if (!streq(value, "0") && !streq(value, "1"))
		return -EINVAL;
	*p = value[0] == '1';
	return 0;
}

static int get_driver(enum log_driver *p, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(driver_names); i++) {
		if (streq(value, driver_names[i])) {
			*p = (enum log_driver)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int get_field(struct monitor_conf *c, const struct conf_field *f,
		     char *value)
{
	void *p = (char *)c + f->offset;

	switch (f->kind) {
	case CONF_TEXT:
		return get_text(p, value);
	case CONF_ARGV:
		return get_argv(p, value);
	case CONF_FD:
		return get_int(p, value, 0, CONF_FD_MAX);
	case CONF_PIDS:
		return get_list(p, &c->n_helpers, value, 1, INT_MAX);
	case CONF_PID:
		return get_int(p, value, 0, INT_MAX);
	case CONF_BOOL:
		return get_bool(p, value);
	case CONF_U32:
		return parse_u32(value, p);
	case CONF_U64:
		return parse_u64(value, p);
	case CONF_DRIVER:
		return get_driver(p, value);
	}
	return -EINVAL;
}

/* Which field a line is for; its value starts at *ret_value. */
static const struct conf_field *find_field(char *line, char **ret_value)
{
	char *eq = strchr(line, '=');

	if (!eq)
		return NULL;
	*eq = '\0';
	*ret_value = eq + 1;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (streq(fields[i].key, line))
			return &fields[i];
	}
	return NULL;
}

static bool is_list(enum conf_kind kind)
{
	return kind == CONF_ARGV || kind == CONF_PIDS;
}

static int parse_lines(struct monitor_conf *c, char *text, struct err *err)
{
	bool seen[ARRAY_LEN(fields)] = { false };
	int number = 0;

	while (*text) {
		char *end = strchr(text, '\n');
		const struct conf_field *f;
		char *value = NULL;

		number++;
		if (!end)
			return err_set(err, ERR_INVALID, EINVAL,
				       "monitor configuration is cut off");
		*end = '\0';
		f = find_field(text, &value);
		if (!f || (seen[f - fields] && !is_list(f->kind)) ||
		    get_field(c, f, value) < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "monitor configuration: bad line %d",
				       number);
		seen[f - fields] = true;
		text = end + 1;
	}
	return 0;
}

static int check(const struct monitor_conf *c, struct err *err)
{
	const char *what = NULL;

	if (!c->id || !hex_is_valid(c->id, 0))
		what = "no id";
	else if (c->init.pid <= 0)
		what = "no init process";
	else if (c->dir_fd < 0)
		what = "no container directory";
	else if (c->log_files_max < 1 || c->log_files_max > CONF_LOG_FILES_MAX)
		what = "number of log files";
	else if (c->log_name && (strchr(c->log_name, '/') ||
				 strlen(c->log_name) > LOG_BASE_MAX))
		what = "name of the log file";
	else if (c->log_extra && strlen(c->log_extra) > LOG_EXTRA_MAX)
		what = "fields of the log";
	else if ((c->exec_argv || c->health_argv || c->note_argv) &&
		 !c->exec_path)
		what = "arguments without a program";
	if (what)
		return err_set(err, ERR_INVALID, EINVAL,
			       "monitor configuration: %s", what);
	return 0;
}

int monitor_conf_load(int fd, struct monitor_conf *ret, struct err *err)
{
	autosb struct sb text = SB_INIT;
	struct monitor_conf c;
	int r;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read the monitor configuration");
	r = fd_read_all(fd, CONF_MAX, &text);
	if (r < 0)
		return err_code(err, r, "read the monitor configuration");
	if (strlen(text.buf) != text.len)
		return err_set(err, ERR_INVALID, EINVAL,
			       "monitor configuration holds a NUL byte");

	monitor_conf_init(&c);
	r = parse_lines(&c, text.buf, err);
	if (r == 0)
		r = check(&c, err);
	if (r < 0) {
		monitor_conf_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}
