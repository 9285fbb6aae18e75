/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/global.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/config/conf.h"
#include "cmd/config/storage_conf.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/syslog.h"
#include "util/trace.h"

static const struct opt engine_opts[] = {
	OPT_STR(0, "cgroup-manager", struct globals, cgroup_manager, "string",
		"Who makes cgroups: systemd or cgroupfs (default: systemd "
		"where it runs)"),
	OPT_BOOL('D', "debug", struct globals, debug,
		 "Set the log level to debug"),
	OPT_STR(0, "default-mounts-file", struct globals, default_mounts_file,
		"string", "File with mounts for every container, a line "
		"SOURCE[:TARGET] each"),
	OPT_STR(0, "events-backend", struct globals, events_backend, "string",
		"Where events are kept: file (the state database) or none"),
	OPT_STRV(0, "hooks-dir", struct globals, hooks_dir, "string",
		 "Directory of OCI hooks; a later one counts more"),
	{ 'l', "log-level", NULL, OPT_T_STR,
	  OPT_CHECK_(struct globals, log_level, char *), OPT_NO_GIVEN,
	  "string", "warn",
	  "Log messages at and above this level (trace, debug, info, warn, "
	  "warning, error, fatal, panic)", 0 },
	OPT_SIZE(0, "max-layer-size", struct globals, layer_max, "size",
		 "Refuse layers that unpack to more than this"),
	OPT_BOOL(0, "noout", struct globals, noout,
		 "Do not write to standard output"),
	OPT_STR(0, "out", struct globals, out, "string",
		"Send standard output to a file"),
	OPT_BOOL('r', "remote", struct globals, remote,
		 "Use a remote service: there is none, only =false works"),
	OPT_STR(0, "root", struct globals, root, "string",
		"Directory in which images, containers and volumes are kept"),
	OPT_STR(0, "runroot", struct globals, runroot, "string",
		"Directory of the state that a reboot voids"),
	OPT_STR(0, "storage-driver", struct globals, storage_driver, "string",
		"How containers see their layers: overlay, fuse-overlayfs or "
		"vfs"),
	OPT_STRV(0, "storage-opt", struct globals, storage_opt, "string",
		 "Option of the storage driver: overlay.mount_program="),
	OPT_BOOL(0, "syslog", struct globals, syslog,
		 "Send log lines to syslog, too"),
	OPT_STR(0, "tmpdir", struct globals, tmpdir, "string",
		"The same as --runroot, which wins when both are given"),
	OPT_BOOL('v', "version", struct globals, version,
		 "Print the version and end"),
	OPT_STR(0, "volumepath", struct globals, volumepath, "string",
		"Directory in which volumes are kept"),
	OPT_END,
};

/* Everything else that podman and docker know before the command. */
static const struct opt later_opts[] = {
	OPT_NOT_YET(0, "cdi-spec-dir", "string", "CDI specification directory"),
	OPT_NOT_YET(0, "config", "string", "Location of the config files"),
	OPT_NOT_YET(0, "conmon", "string", "Path of the conmon binary"),
	OPT_NOT_YET('c', "connection", "string", "Connection to a remote "
		    "service"),
	OPT_NOT_YET(0, "context", "string", "Docker context to use"),
	OPT_NOT_YET('H', "host", "string", "Docker daemon to connect to"),
	OPT_NOT_YET(0, "identity", "string", "SSH identity file"),
	OPT_NOT_YET(0, "imagestore", "string", "Separate image store"),
	OPT_NOT_YET(0, "module", "string", "containers.conf module to load"),
	OPT_NOT_YET(0, "network-cmd-path", "string",
		    "Command that configures the network"),
	OPT_NOT_YET(0, "network-config-dir", "string",
		    "Directory of network configuration"),
	OPT_NOT_YET(0, "runtime", "string", "OCI runtime to use"),
	OPT_NOT_YET(0, "runtime-flag", "string", "Flag for the OCI runtime"),
	OPT_NOT_YET(0, "ssh", "string", "SSH mode"),
	OPT_NOT_YET(0, "tls", NULL, "Use TLS"),
	OPT_NOT_YET(0, "tls-ca", "string", "CA of a remote service"),
	OPT_NOT_YET(0, "tls-cert", "string", "Client certificate"),
	OPT_NOT_YET(0, "tls-details", "string", "TLS policy file"),
	OPT_NOT_YET(0, "tls-key", "string", "Client key"),
	OPT_NOT_YET(0, "tlscacert", "string", "CA of a docker daemon"),
	OPT_NOT_YET(0, "tlscert", "string", "Client certificate"),
	OPT_NOT_YET(0, "tlskey", "string", "Client key"),
	OPT_NOT_YET(0, "tlsverify", NULL, "Verify a docker daemon"),
	OPT_NOT_YET(0, "transient-store", NULL, "Keep no state over a reboot"),
	OPT_NOT_YET(0, "url", "string", "URL of a remote service"),
	OPT_END,
};

const struct opt *const global_opts[] = { engine_opts, later_opts, NULL };

/* The old texts and code: scripts look for them. */
static int set_log_level(const struct globals *g)
{
	autofree char *safe = NULL;
	enum log_level level = LOG_WARN;
	const char *name = g->log_level;

	if (g->debug && name) {
		fprintf(stderr,
			"Setting --log-level and --debug is not allowed\n");
		return 1;
	}
	if (g->debug)
		name = "debug";
	if (!name)
		return 0;
	if (!log_level_parse(name, &level)) {
		safe = safe_line(name);
		fprintf(stderr,
			"Log Level \"%s\" is not supported, choose from: "
			"trace, debug, info, warn, warning, error, fatal, "
			"panic\n", safe);
		return 1;
	}
	log_max = level;
	if (level == LOG_TRACE)
		trace_to_log();
	log_info("%s filtering at log level %s", cmd_prog(), name);
	return 0;
}

static int redirect(const struct globals *g, struct err *err)
{
	const char *path = g->noout ? "/dev/null" : g->out;
	autoclose int fd = -EBADF;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (dup2(fd, STDOUT_FILENO) < 0)
		return err_sys(err, "redirect standard output");
	return 0;
}

int global_apply(const struct globals *g, struct err *err)
{
	int r;

	if (g->syslog)
		syslog_open(cmd_prog());
	r = set_log_level(g);
	if (r)
		return r;
	if (g->remote)
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--remote is not supported yet");
	return redirect(g, err);
}

/* ---- what core gets ----------------------------------------------------- */

static const char *or(const char *flag, const char *configured)
{
	if (flag)
		return flag;
	return str_is_empty(configured) ? NULL : configured;
}

/* fuse-overlayfs by this name is a driver of its own here. */
static int storage_opt(const char *text, const char **driver, struct err *err)
{
	const char *name = str_after(text, "overlay.");
	const char *path = str_after(name ? name : text, "mount_program=");
	autofree char *found = NULL;

	if (!strchr(text, '='))
		return err_set(err, ERR_USAGE, EINVAL,
			       "storage option \"%s\" is not KEY=VALUE", text);
	if (!path)
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "storage option \"%s\" is not supported yet",
			       text);
	found = proc_find_program("fuse-overlayfs");
	if (!found || !streq(path, found))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "storage option \"%s\" is not supported yet: "
			       "the only program is %s", text,
			       found ? found : "fuse-overlayfs, which is not "
					       "installed");
	*driver = "fuse-overlayfs";
	return 0;
}

static int storage_opts(const struct globals *g, const char **driver,
			struct err *err)
{
	int r = 0;

	for (char **o = g->storage_opt; r == 0 && o && *o; o++)
		r = storage_opt(*o, driver, err);
	if (r == 0 && g->storage_opt && g->storage_driver &&
	    !streq(g->storage_driver, "overlay") &&
	    !streq(g->storage_driver, "fuse-overlayfs"))
		r = err_set(err, ERR_USAGE, EINVAL,
			    "--storage-opt overlay.mount_program does not work "
			    "with --storage-driver %s", g->storage_driver);
	return r;
}

static int check_cgroup_manager(const char *name, struct err *err)
{
	if (str_is_empty(name) || streq(name, "systemd") ||
	    streq(name, "cgroupfs"))
		return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "unknown cgroup manager \"%s\": systemd or cgroupfs",
		       name);
}

/* The journal of rows is "file" to podman's users; one who has configured
 * podman's for journald wants events, and gets them here. */
static int events_off(const char *flag, const char *configured, bool *ret,
		      struct err *err)
{
	const char *name = flag ? flag : configured;

	*ret = streq(name, "none");
	if (str_is_empty(name) || *ret || streq(name, "file") ||
	    (!flag && streq(name, "journald")))
		return 0;
	if (streq(name, "journald"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--events-backend journald is not supported "
			       "yet: want file or none");
	return err_set(err, ERR_USAGE, EINVAL,
		       "unknown events backend \"%s\": file or none: invalid "
		       "argument", name);
}

int global_runtime_opts(const struct globals *g, struct runtime_opts *ret,
			struct err *err)
{
	const struct storage_conf *storage = storage_conf_get();
	const struct conf *conf = conf_get();
	const char *runroot = g->runroot ? g->runroot : g->tmpdir;
	int r;

	*ret = (struct runtime_opts){
		.root = or(g->root, storage->root),
		.runroot = or(runroot, storage->runroot),
		.storage_driver = or(g->storage_driver, storage->driver),
		.volumepath = g->volumepath,
		.cgroup_manager = g->cgroup_manager,
		.hooks_dirs = g->hooks_dir ? g->hooks_dir : conf->hooks_dir,
		.layer_max = g->layer_max,
	};
	r = storage_opts(g, &ret->storage_driver, err);
	if (r < 0)
		return r;
	if (g->default_mounts_file)
		conf_set("containers", "default_mounts_file",
			 g->default_mounts_file);
	r = check_cgroup_manager(g->cgroup_manager, err);
	if (r == 0)
		r = check_cgroup_manager(conf->cgroup_manager, err);
	/* systemd comes first anyway; in the file it is no demand */
	if (!ret->cgroup_manager && streq(conf->cgroup_manager, "cgroupfs"))
		ret->cgroup_manager = conf->cgroup_manager;
	if (r == 0)
		r = events_off(g->events_backend, conf->events_logger,
			       &ret->no_events, err);
	return r;
}
