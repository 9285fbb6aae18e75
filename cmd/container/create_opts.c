/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of `create` and `run`, and the way from them to a container's
 * config.  The tables are the list; what a flag means is in opt_*.c, in the
 * small functions below, or (defaults of the image) in libpod/core.
 */
#include "cmd/container/create_opts.h"

#include <stdlib.h>

#include "cmd/config/conf.h"
#include "cmd/container/create_conf.h"
#include "cmd/container/select.h"
#include "cmd/image/pullopts.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "libpod/oci/cgroup.h"
#include "libpod/oci/oci.h"
#include "libpod/oci/sysctl.h"
#include "storage/image/list.h"
#include "storage/image/platform.h"
#include "storage/store.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/log.h"
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
		"Seconds to wait for the stop signal to work (default 10)"),
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

const struct opt create_opts_image[] = {
	OPT_STR(0, "arch", A, arch, "ARCH",
		"Choose this architecture of the image"),
	OPT_STR(0, "authfile", A, authfile, "string",
		"Path of the authentication file"),
	OPT_STR(0, "cert-dir", A, cert_dir, "path",
		"Directory with certificates and keys"),
	OPT_STR(0, "creds", A, creds, "[username[:password]]",
		"Credentials for the registry"),
	OPT_TRI(0, "disable-content-trust", A, no_trust,
		"Do not verify docker's image signatures (always on)"),
	OPT_STR(0, "image-volume", A, image_volume, "string",
		"What VOLUMEs of the image become: anonymous, tmpfs, ignore"),
	OPT_STR(0, "os", A, os, "OS", "Choose this system of the image"),
	OPT_STR(0, "platform", A, platform, "OS/ARCH[/VARIANT]",
		"Choose this platform of the image"),
	OPT_STR(0, "pull", A, pull, "string",
		"Pull the image first: always, missing, never, newer"),
	OPT_BOOL('q', "quiet", A, quiet, "Suppress output when pulling"),
	OPT_INT(0, "retry", A, retry, "uint", "Tries after a failed pull"),
	OPT_STR(0, "retry-delay", A, retry_delay, "string",
		"Time between two tries"),
	OPT_BOOL(0, "rootfs", A, rootfs,
		 "The first argument is a directory, not an image"),
	OPT_TRI(0, "tls-verify", A, tls_verify,
		"Require HTTPS and verify certificates"),
	OPT_STR(0, "variant", A, variant, "VARIANT",
		"Choose this variant of the architecture"),
	OPT_END,
};

const struct opt create_opts_network[] = {
	OPT_STRV(0, "add-host", A, add_host, "strings",
		 "Add a host-to-IP mapping (name[;name]:ip or name=ip)"),
	OPT_LIST(0, "dns", A, dns, "strings", "Set DNS servers"),
	{ 0, "dns-option", "dns-opt", OPT_T_STRV, offsetof(A, dns_option),
	  OPT_NO_GIVEN, "strings", NULL, "Set DNS options", OPT_SPLIT },
	OPT_LIST(0, "dns-search", A, dns_search, "strings",
		 "Set DNS search domains"),
	OPT_LIST(0, "expose", A, expose, "strings",
		 "Expose a port or a range of ports"),
	OPT_STR(0, "hosts-file", A, hosts_file, "string",
		"Base of /etc/hosts: a file of the host, or none"),
	{ 0, "network", "net", OPT_T_STRV, offsetof(A, networks), OPT_NO_GIVEN,
	  "string", NULL, "Connect the container to a network", 0 },
	OPT_TRI(0, "no-hosts", A, no_hosts,
		"Do not create /etc/hosts, use the image's"),
	OPT_LIST('p', "publish", A, publish, "strings",
		 "Publish a port or a range of ports to the host"),
	OPT_BOOL('P', "publish-all", A, publish_all,
		 "Publish all exposed ports to random ports of the host"),
	OPT_END,
};

const struct opt create_opts_storage[] = {
	{ 0, "volume-driver", NULL, OPT_T_STR, offsetof(A, volume_driver),
	  OPT_NO_GIVEN, "string", "local", "Driver of new volumes; there is "
	  "one", 0 },
	OPT_STRV(0, "mount", A, mount, "strings",
		 "Attach a filesystem mount to the container"),
	OPT_STRV(0, "secret", A, secret, "strings",
		 "Give a secret to the container, as a file or a variable"),
	OPT_SIZE(0, "shm-size", A, shm_size, "string", "Size of /dev/shm"),
	OPT_STRV(0, "tmpfs", A, tmpfs, "tmpfs", "Mount a tmpfs"),
	OPT_STRV('v', "volume", A, volume, "strings",
		 "Bind mount a directory or a volume into the container"),
	OPT_LIST(0, "volumes-from", A, volumes_from, "strings",
		 "Mount volumes from other containers"),
	OPT_END,
};

const struct opt create_opts_health[] = {
	HEALTH_OPTS(A, health),
	OPT_END,
};

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

const struct opt create_opts_limits[] = {
	OPT_STRV(0, "cgroup-conf", A, limits.cgroup_conf, "FILE=VALUE",
		 "Write a file of the container's cgroup"),
	OPT_STR(0, "cgroup-parent", A, cgroup_parent, "string",
		"Parent cgroup: NAME.slice, or a path"),
	OPT_STR(0, "cgroups", A, cgroups, "string",
		"Cgroup of the container: enabled, disabled, no-conmon, "
		"split"),
	LIMIT_OPTS(A),
	OPT_BOOL(0, "oom-kill-disable", A, oom_kill_disable,
		 "Do not kill when memory runs out (cgroup v1 only)"),
	OPT_END,
};

/* Known to podman or docker; each is an error that says so. */
const struct opt create_opts_later[] = {
	OPT_NOT_YET(0, "cpu-count", "int", "CPU count (Windows)"),
	OPT_NOT_YET(0, "cpu-percent", "int", "CPU percent (Windows)"),
	OPT_NOT_YET(0, "decryption-key", "strings", "Keys to decrypt with"),
	OPT_NOT_YET(0, "gpus", "string", "GPU devices"),
	OPT_NOT_YET(0, "io-maxbandwidth", "string", "IO limit (Windows)"),
	OPT_NOT_YET(0, "io-maxiops", "uint", "IO limit (Windows)"),
	OPT_NOT_YET(0, "ip", "string", "IPv4 address"),
	OPT_NOT_YET(0, "ip6", "string", "IPv6 address"),
	OPT_NOT_YET(0, "link", "list", "Link to another container"),
	OPT_NOT_YET(0, "link-local-ip", "list", "Link-local addresses"),
	OPT_NOT_YET(0, "mac-address", "string", "MAC address"),
	OPT_NOT_YET(0, "network-alias", "strings", "Further names"),
	OPT_NOT_YET(0, "pod", "string", "Pod to join"),
	OPT_NOT_YET(0, "pod-id-file", "string", "File with a pod's ID"),
	OPT_NOT_YET(0, "rdt-class", "string", "Class of service"),
	OPT_NOT_YET(0, "runtime", "string", "OCI runtime"),
	OPT_NOT_YET(0, "storage-opt", "strings", "Storage options"),
	OPT_NOT_YET(0, "use-api-socket", NULL, "Mount docker's socket"),
	OPT_END,
};

#undef A

void create_defaults(void *args)
{
	struct create_args *a = args;

	a->tls_verify = a->no_trust = -1;
	a->retry = -1;
	a->env_host = a->http_proxy = a->init = -1;
	a->no_hosts = a->privileged = a->read_only = -1;
	a->passwd = true;
	a->read_only_tmpfs = true;
	a->stop_timeout = -1;
	a->shm_size = SHM_SIZE_UNSET;
}

/* ---- the process ------------------------------------------------------- */

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

	if (sig && parse_stop_signal(sig, &c->stop_signal, err) < 0)
		return -err->code;
	str_set(&c->stop_signal_name, sig);
	if (a->stop_timeout > UINT32_MAX || a->timeout > UINT32_MAX ||
	    a->timeout < 0)
		return err_set(err, ERR_INVALID, ERANGE,
			       "--stop-timeout, --timeout: out of range");
	/* a negative one waits for ever, as podman has it */
	if (a->stop_timeout >= 0)
		c->stop_timeout = (uint32_t)a->stop_timeout;
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

static int set_process(const struct create_args *a, struct ctr_config *c,
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

/* ---- identity and life ------------------------------------------------- */

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
	autofree char *cwd = NULL;

	if (str_is_empty(path))
		return 0;
	if (path[0] == '/') {
		str_set(dst, path);
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return err_sys(err, "current directory");
	free(*dst);
	*dst = xasprintf("%s/%s", cwd, path);
	return 0;
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

static int set_life(const struct create_args *a, struct ctr_config *c,
		    struct err *err)
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
	return health_apply(&a->health, &c->health, err);
}

static int set_image(const struct create_args *a, char *const *argv,
		     struct ctr_config *c, struct err *err)
{
	const char *mode = a->image_volume;

	if (a->no_trust == 0)
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--disable-content-trust=false is not supported "
			       "yet");

	if (a->rootfs)
		c->rootfs = xstrdup(argv[0]);
	else
		c->image_name = xstrdup(argv[0]);
	if (mode && (streq(mode, "bind") || streq(mode, "anonymous")))
		mode = NULL;
	if (mode && !streq(mode, "tmpfs") && !streq(mode, "ignore"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid image-volume type \"%s\". Pick one of "
			       "bind, tmpfs, or ignore", mode);
	str_set(&c->image_volume, mode);
	strv_extend(&c->cmd, argv + 1);
	return 0;
}

static int set_limits(const struct runtime *rt, const struct create_args *a,
		      struct ctr_config *c, struct err *err)
{
	static const char *const modes[] = { "enabled", "disabled",
					     "no-conmon", "split" };
	const char *mode = a->cgroups;
	size_t i = 0;

	while (mode && i < ARRAY_LEN(modes) && !streq(mode, modes[i]))
		i++;
	if (i == ARRAY_LEN(modes))
		return err_set(err, ERR_INVALID, EINVAL,
			       "unsupported cgroup mode \"%s\": enabled, "
			       "disabled, no-conmon or split: invalid argument",
			       mode);
	if (cgroup_parent_check(a->cgroup_parent,
				streq(rt->opts.cgroup_manager, "systemd") ?
					CGROUP_SYSTEMD : CGROUP_AUTO,
				err) < 0)
		return -err->code;
	str_set(&c->cgroups, mode);
	str_set(&c->cgroup_parent, a->cgroup_parent);
	str_set(&c->cgroup_manager, rt->opts.cgroup_manager);
	c->limits.oom_kill_disable = a->oom_kill_disable;
	return limits_parse(&a->limits, &c->limits, err);
}

/* Those for namespaces that the container has for itself; the others cannot
 * be meant for it. */
static void add_default_sysctls(const struct create_args *a,
				struct ctr_config *c)
{
	const struct {
		enum oci_ns_type type;
		bool own;
	} ns[] = {
		{ OCI_NS_NET, streq(c->network, "slirp4netns") ||
			      streq(c->network, "none") },
		{ OCI_NS_IPC, !c->ipc || streq(c->ipc, "private") ||
			      streq(c->ipc, "shareable") ||
			      streq(c->ipc, "none") },
		{ OCI_NS_UTS, !c->uts || streq(c->uts, "private") },
	};
	autostrv char **all = NULL;

	for (char **s = a->conf.sysctls; s && *s; s++) {
		autofree char *name = xstrndup(*s, strcspn(*s, "="));
		autofree char *path = NULL;
		int type = sysctl_path(name, &path) < 0 ? -1 : sysctl_ns(path);

		for (size_t i = 0; i < ARRAY_LEN(ns); i++)
			if ((int)ns[i].type == type && ns[i].own)
				strv_add(&all, *s);
	}
	strv_extend(&all, c->sysctls);
	strv_free(c->sysctls);
	c->sysctls = take_ptr(all);
}

/* What is typed cannot be for a namespace that is the host's. */
static int check_host_ns(const struct create_args *a,
			 const struct ctr_config *c, struct err *err)
{
	const struct {
		enum oci_ns_type type;
		const char *name, *mode;
	} ns[] = {
		{ OCI_NS_NET, "Network", c->network },
		{ OCI_NS_IPC, "IPC", c->ipc },
		{ OCI_NS_UTS, "UTS", c->uts },
	};

	for (char **s = a->sysctl; s && *s; s++) {
		autofree char *name = xstrndup(*s, strcspn(*s, "="));
		autofree char *path = NULL;
		int type = sysctl_path(name, &path) < 0 ? -1 : sysctl_ns(path);

		for (size_t i = 0; i < ARRAY_LEN(ns); i++)
			if ((int)ns[i].type == type &&
			    streq(ns[i].mode, "host"))
				return err_set(err, ERR_INVALID, EINVAL,
					       "sysctl %s can't be set since "
					       "%s Namespace set to host: "
					       "invalid argument", *s,
					       ns[i].name);
	}
	return 0;
}

/* The flags and the command; @ret is the caller's also on failure. */
static int config_make(struct runtime *rt, const struct create_args *a,
		       char *const *argv, struct ctr_config *ret,
		       struct err *err)
{
	int r;

	ctr_config_init(ret);
	r = set_image(a, argv, ret, err);
	if (r == 0)
		r = set_process(a, ret, err);
	if (r == 0)
		r = set_life(a, ret, err);
	if (r == 0)
		r = set_requires(rt, a->requires, ret, err);
	if (r == 0)
		r = security_parse(a, ret, err);
	if (r == 0)
		r = users_parse(a, ret, err);
	if (r == 0)
		r = machine_parse(a, ret, err);
	if (r == 0)
		r = set_limits(rt, a, ret, err);
	if (r == 0)
		r = network_parse(a, ret, err);
	if (r == 0)
		r = mounts_parse(rt, a, ret, err);
	if (r == 0)
		r = secrets_parse(rt, a, ret, err);
	ret->shm_size = a->shm_size;
	if (r == 0)
		r = check_host_ns(a, ret, err);
	if (r == 0)
		add_default_sysctls(a, ret);
	return r;
}

/* ---- the image --------------------------------------------------------- */

static int check_policy(const char *policy, struct err *err)
{
	static const char *const known[] = { "always", "missing", "never",
					     "newer" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (streq(policy, known[i]))
			return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "unsupported pull policy \"%s\"", policy);
}

static bool fits_platform(const struct image *img, const char *platform)
{
	autofree char *have = NULL;

	if (!platform)
		return true;
	have = xasprintf("%s/%s", img->os, img->arch);
	return streq(have, platform) ||
	       (str_starts(platform, have) && platform[strlen(have)] == '/');
}

static int pull(struct runtime *rt, struct store *store,
		const struct create_args *a, const char *name,
		const char *policy, const char *platform, struct image **ret,
		struct err *err)
{
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	autostrv char **ids = NULL;
	struct pull_opts opts = {
		.platform = platform,
		.authfile = a->authfile,
		.creds = a->creds,
		.cert_dir = a->cert_dir,
		.tls_verify = a->tls_verify,
		.policy = policy,
		.retry = a->retry,
		.progress = &ui.p,
	};
	int r = retry_delay_option(a->retry_delay, &opts.retry_delay_ms, err);

	if (r < 0)
		return r;
	progress_ui_init(&ui, a->quiet);
	r = image_pull(store, name, &opts, &ids, err);
	progress_ui_done(&ui);
	if (r == 0 && ids)
		r = event_image(rt, EVENT_PULL, ids[0], name, err);
	if (r < 0)
		return r;
	return image_find(store, strv_len(ids) ? ids[0] : name, ret, err);
}

/* Of a manifest list the image for the platform; one that is not here is
 * pulled from where it was added. */
static int image_of_list(struct runtime *rt, struct store *store,
			 const struct create_args *a, const char *platform,
			 const struct image *list, struct image **ret,
			 struct err *err)
{
	autofree char *source = NULL;
	struct platform want;
	int r = platform ? platform_parse(platform, &want, err) : 0;

	if (r == 0)
		r = list_choose(store, list, platform ? &want : NULL, ret,
				&source, err);
	if (r == 0 || !source || streq(a->pull, "never"))
		return r;
	err_clear(err);
	return pull(rt, store, a, source, "always", NULL, ret, err);
}

/* Find the image, pull it as --pull says; NULL with --rootfs. */
static int image_of(struct runtime *rt, const struct create_args *a,
		    const char *name, struct image **ret, struct err *err)
{
	const char *policy = a->pull ? a->pull : "missing";
	autofree char *platform = NULL;
	auto_image struct image *img = NULL;
	struct err why = ERR_INIT;
	struct store *store;
	int r;

	if (a->rootfs)
		return 0;
	r = check_policy(policy, err);
	if (r == 0)
		r = authfile_check(a->authfile, err);
	if (r == 0)
		r = platform_option(a->platform, a->arch, a->os, a->variant,
				    &platform, err);
	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r < 0)
		return r;
	if (streq(policy, "always") || streq(policy, "newer"))
		return pull(rt, store, a, name, policy, platform, ret, err);
	r = image_find(store, name, &img, &why);
	if (r < 0 && why.kind != ERR_NOT_FOUND)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	if (r == 0 && img->is_list)
		return image_of_list(rt, store, a, platform, img, ret, err);
	if (r == 0 && fits_platform(img, platform)) {
		*ret = take_ptr(img);
		return 0;
	}
	if (streq(policy, "never"))
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%s: image not known", name);
	/* there, but for another machine: fetch the right one */
	return pull(rt, store, a, name, r == 0 ? "always" : policy, platform,
		    ret, err);
}

/* ---- create ------------------------------------------------------------ */

static int replace(struct runtime *rt, const char *name, struct err *err)
{
	const struct ctr_rm_opts opts = { .force = true, .volumes = true,
					  .timeout_s = CTR_TIMEOUT_CONFIG };
	auto_ctr struct ctr *old = NULL;
	int r = ctr_find(rt, name, &old, err);

	/* only the name itself, not an id that begins so */
	if (r == 0 && streq(old->name, name))
		r = ctr_remove(rt, old, &opts, err);
	if (r == -ENOENT) {
		err_clear(err);
		r = 0;
	}
	return r;
}

int create_container(struct runtime *rt, const struct create_args *typed,
		     char *const *argv, bool run, struct image **ret_img,
		     struct ctr **ret, struct err *err)
{
	struct ctr_config config cleanup(ctr_config_done) = { 0 };
	struct create_filled f cleanup(create_filled_done);
	const struct create_args *a = &f.args;
	int r = create_fill(typed, conf_get(), &f, err);

	if (r < 0)
		return r;
	if (a->replace && !a->name)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot replace container without --name being "
			       "set");
	if (typed->shm_size != SHM_SIZE_UNSET &&
	    (streq(a->ipc, "host") || streq(a->ipc, "none")))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid config provided: cannot set shmsize "
			       "when running in the {%s } IPC Namespace",
			       a->ipc);
	r = config_make(rt, a, argv, &config, err);
	if (r == 0)
		r = image_of(rt, a, argv[0], ret_img, err);
	if (r == 0 && a->replace)
		r = replace(rt, a->name, err);
	if (r < 0)
		return r;
	return ctr_create(rt, *ret_img, &config, a->name, run, ret, err);
}
