/* SPDX-License-Identifier: Apache-2.0 */
/* The process: its command, environment, streams, stop signal and limits */
#include "cmd/container/create_opts.h"

#include "cmd/container/select.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define A struct create_args

const struct opt create_opts_process[] = {
	OPT_LIST('a', "attach", A, attach, "strings",
		 "Attach to STDIN, STDOUT or STDERR"),
	OPT_STR(0, "entrypoint", A, entrypoint, "string",
		"Overwrite the default ENTRYPOINT of the image"),
	OPT_STRV('e', "env", A, env, "strings", "Set environment variables"),
	OPT_STRV(0, "env-file", A, env_file, "strings",
		 "Read in a file of environment variables"),
	OPT_STRV(0, "env-merge", A, env_merge, "strings",
		 "Set variables, with ${NAME} from the image's"),
	OPT_TRI(0, "env-host", A, env_host,
		"Use all current host environment variables"),
	OPT_TRI(0, "http-proxy", A, http_proxy,
		"Set proxy environment variables based on the host's"),
	OPT_BOOL('i', "interactive", A, interactive,
		 "Make STDIN available to the process"),
	OPT_STR_INT(0, "oom-score-adj", A, oom_score_adj, "int",
		   "Tune the host's OOM preferences (-1000 to 1000)"),
	OPT_LIST(0, "preserve-fd", A, preserve_fd, "uints",
		 "Pass these file descriptors, and no others"),
	OPT_INT(0, "preserve-fds", A, preserve_fds, "uint",
		"Pass a number of additional file descriptors"),
	OPT_STR(0, "stop-signal", A, stop_signal, "string",
		"Signal to stop the container"),
	OPT_I64(0, "stop-timeout", A, stop_timeout, "uint",
		"Seconds to wait for the stop signal to work (default 10; "
		"-1: for ever)"),
	OPT_I64(0, "timeout", A, timeout, "uint",
		"Seconds the container may run before it is killed"),
	OPT_BOOL('t', "tty", A, tty, "Allocate a pseudo-TTY"),
	OPT_STR(0, "tz", A, tz, "string", "Set the time zone"),
	OPT_STRV(0, "ulimit", A, ulimit, "strings", "Ulimit options"),
	OPT_STR(0, "umask", A, umask, "string", "Set the umask"),
	OPT_LIST(0, "unsetenv", A, unsetenv, "strings",
		 "Unset environment default variables"),
	OPT_BOOL(0, "unsetenv-all", A, unsetenv_all,
		 "Unset all default environment variables"),
	OPT_STR('w', "workdir", A, workdir, "string",
		"Working directory inside the container"),
	OPT_END,
};

#undef A

/* '["/bin/echo","x"]' or one word; "" resets the image's */
static int set_entrypoint(const char *text, struct ctr_config *c,
			  struct err *err)
{
	autojson struct json_object *o = NULL;
	size_t n;

	if (!text)
		return 0;
	if (text[0] == '[')
		o = json_parse(text, strlen(text), NULL);
	if (!o || !json_object_is_type(o, json_type_array)) {
		strv_add(&c->entrypoint, text);
		return 0;
	}
	n = json_object_array_length(o);
	for (size_t i = 0; i < n; i++) {
		struct json_object *s = json_object_array_get_idx(o, i);

		if (!json_object_is_type(s, json_type_string))
			return err_set(err, ERR_INVALID, EINVAL,
				       "--entrypoint: not a list of strings");
		strv_add(&c->entrypoint, json_object_get_string(s));
	}
	if (n == 0)
		strv_add(&c->entrypoint, "");
	return 0;
}

static int set_stop(const struct create_args *a, struct ctr_config *c,
		    struct err *err)
{
	const char *sig = a->stop_signal;
	int r = sig ? parse_stop_signal(sig, &c->stop_signal, err) : 0;

	if (r < 0)
		return r;
	str_set(&c->stop_signal_name, sig);
	if (a->stop_timeout > INT32_MAX)
		return err_set(err, ERR_INVALID, ERANGE,
			       "--stop-timeout %" PRId64 ": out of range",
			       a->stop_timeout);
	if (a->timeout > UINT32_MAX || a->timeout < 0)
		return err_set(err, ERR_INVALID, ERANGE,
			       "--timeout %" PRId64 ": out of range",
			       a->timeout);
	if (a->stop_timeout >= 0)
		c->stop_timeout = (uint32_t)a->stop_timeout;
	else if (a->stop_timeout != INT64_MIN)
		c->stop_timeout = CTR_STOP_FOREVER;
	c->timeout = (uint32_t)a->timeout;
	return 0;
}

static int set_umask(const char *text, struct ctr_config *c, struct err *err)
{
	if (!text)
		return 0;
	if (parse_octal(text, &c->umask) < 0 || strlen(text) > 4 ||
	    c->umask > 0777)
		return err_set(err, ERR_INVALID, EINVAL,
			       "running container create option: invalid umask "
			       "string %s: invalid argument", text);
	return 0;
}

static int set_oom(const char *text, struct ctr_config *c, struct err *err)
{
	if (!text)
		return 0;
	if (parse_int(text, &c->oom_score_adj) < 0 ||
	    c->oom_score_adj < -1000 || c->oom_score_adj > 1000)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid value \"%s\" for --oom-score-adj: want "
			       "-1000 to 1000", text);
	c->oom_score_set = true;
	return 0;
}

static int set_attach(const struct create_args *a, struct ctr_config *c,
		      struct err *err)
{
	c->attach_stdin = !a->attach && a->interactive;
	c->attach_stdout = c->attach_stderr = !a->attach;
	for (char **s = a->attach; s && *s; s++) {
		if (strcasecmp(*s, "stdin") == 0)
			c->attach_stdin = true;
		else if (strcasecmp(*s, "stdout") == 0)
			c->attach_stdout = true;
		else if (strcasecmp(*s, "stderr") == 0)
			c->attach_stderr = true;
		else
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid stream \"%s\" for --attach - "
				       "must be one of stdin, stdout, or "
				       "stderr: invalid argument", *s);
	}
	/* the end of our stdin is the end of the container's */
	c->stdin_once = c->attach_stdin && a->interactive;
	return 0;
}

static int set_env_merge(char *const *vars, struct ctr_config *c,
			 struct err *err)
{
	for (; vars && *vars; vars++) {
		if (!strchr(*vars, '=') || **vars == '=')
			return err_set(err, ERR_INVALID, EINVAL,
				       "--env-merge \"%s\" must be formatted "
				       "KEY=VALUE", *vars);
		strv_add(&c->env_merge, *vars);
	}
	return 0;
}

int process_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err)
{
	int r;

	r = set_entrypoint(a->entrypoint, c, err);
	if (r == 0)
		r = env_collect(a->env_file, a->env, &c->env, err);
	if (r == 0)
		r = set_stop(a, c, err);
	if (r == 0)
		r = set_umask(a->umask, c, err);
	if (r == 0)
		r = set_oom(a->oom_score_adj, c, err);
	if (r == 0)
		r = set_attach(a, c, err);
	if (r == 0)
		r = ulimits_check(a->ulimit, err);
	if (r == 0)
		r = set_env_merge(a->env_merge, c, err);
	if (r < 0)
		return r;
	r = keep_fds_parse(a->preserve_fds, a->preserve_fd, &c->keep_fds,
			   &c->n_keep_fds, err);
	if (r < 0)
		return r;
	strv_extend(&c->default_env, a->conf.env);
	strv_extend(&c->ulimits, a->ulimit);
	strv_extend(&c->unsetenv, a->unsetenv);
	str_set(&c->workdir, a->workdir);
	str_set(&c->tz, a->tz);
	c->env_host = a->env_host;
	c->unsetenv_all = a->unsetenv_all;
	c->http_proxy = a->http_proxy;
	c->tty = a->tty;
	c->stdin_open = a->interactive;
	return 0;
}
