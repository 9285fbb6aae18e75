/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities, --security-opt and the namespaces other than the network */
#include "cmd/container/create_opts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "libpod/core/plan/device.h"
#include "libpod/oci/oci.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

#define A struct create_args

const struct opt create_opts_security[] = {
	OPT_LIST(0, "cap-add", A, cap_add, "strings",
		 "Add capabilities to the container"),
	OPT_LIST(0, "cap-drop", A, cap_drop, "strings",
		 "Drop capabilities from the container"),
	OPT_STR(0, "cgroupns", A, cgroupns, "string",
		"Cgroup namespace to use"),
	OPT_LIST(0, "device", A, device, "strings",
		 "Add a host device to the container"),
	OPT_LIST(0, "device-cgroup-rule", A, device_cgroup_rule, "strings",
		 "Add a rule to the device cgroup (root only)"),
	OPT_STR(0, "ipc", A, ipc, "string", "IPC namespace to use"),
	OPT_STR(0, "pid", A, pid, "string", "PID namespace to use"),
	OPT_TRI(0, "privileged", A, privileged,
		"Give all capabilities over the container, mask nothing"),
	OPT_TRI(0, "read-only", A, read_only,
		"Make the container's root filesystem read-only"),
	OPT_BOOL(0, "read-only-tmpfs", A, read_only_tmpfs,
		 "With --read-only, mount tmpfs on /run, /tmp and /var/tmp"),
	OPT_STR(0, "seccomp-policy", A, seccomp_policy, "string",
		"Where the seccomp profile comes from: default"),
	OPT_STRV(0, "security-opt", A, security_opt, "strings",
		 "Security options"),
	OPT_LIST(0, "sysctl", A, sysctl, "strings", "Sysctl options"),
	OPT_STR(0, "uts", A, uts, "string", "UTS namespace to use"),
	OPT_END,
};

#undef A

/* ---- --security-opt ---------------------------------------------------- */

static void add_paths(char ***list, const char *text)
{
	autostrv char **paths = strv_split(text, ':');

	strv_extend(list, paths);
}

static int no_new_privs(const char *value, struct ctr_config *c,
			struct err *err)
{
	c->no_new_privs = true;
	if (value && parse_bool(value, &c->no_new_privs) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid --security-opt 1: "
			       "\"no-new-privileges=%s\"", value);
	return 0;
}

/* Labels mean nothing where SELinux is off, as podman has it. */
static int label_opt(const char *value, struct err *err)
{
	if (streq(value, "disable") || streq(value, "nested") ||
	    access("/sys/fs/selinux/enforce", F_OK) < 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "--security-opt label=%s is not supported yet", value);
}

/* A profile that is asked for is applied or an error, never dropped. */
static int apparmor_opt(const char *value, struct err *err)
{
	autosb struct sb on = SB_INIT;

	if (streq(value, "unconfined"))
		return 0;
	if (file_read_at(AT_FDCWD, "/sys/module/apparmor/parameters/enabled",
			 16, &on) < 0 || on.buf[0] != 'Y')
		return err_set(
			err, ERR_INVALID, EINVAL,
			"Apparmor profile \"%s\" specified, but Apparmor "
			"is not enabled on this system",
			value);
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "--security-opt apparmor=%s is not supported yet",
		       value);
}

/* hidepid= and subset=; flags of mounts would undo what init sets. */
static int proc_opts(const char *value, struct ctr_config *c, struct err *err)
{
	autostrv char **v = strv_split(value, ',');

	for (char **o = v; o && *o; o++)
		if (!str_starts(*o, "hidepid=") && !str_starts(*o, "gid=") &&
		    !streq(*o, "subset=pid") && !streq(*o, "nosuid") &&
		    !streq(*o, "nodev") && !streq(*o, "noexec"))
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid option \"%s\" for the proc "
				       "mount: want hidepid=, gid= or "
				       "subset=pid", *o);
	for (char **o = v; o && *o; o++)
		if (strchr(*o, '='))
			strv_add(&c->proc_opts, *o);
	return 0;
}

/* The words of podman and of docker */
static bool builtin_profile(const char *value)
{
	return streq(value, "default") || streq(value, "builtin");
}

static int one_opt(const char *text, struct ctr_config *c, struct err *err)
{
	size_t n = strcspn(text, "=:");
	autofree char *key = xstrndup(text, n);
	const char *value = text[n] ? text + n + 1 : NULL;

	if (streq(key, "no-new-privileges"))
		return no_new_privs(value, c, err);
	if (!value)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid --security-opt 1: \"%s\"", text);
	if (streq(key, "seccomp"))
		str_set(&c->seccomp, builtin_profile(value) ? NULL : value);
	else if (streq(key, "mask"))
		add_paths(&c->mask, value);
	else if (streq(key, "unmask"))
		add_paths(&c->unmask, value);
	else if (streq(key, "systempaths") && streq(value, "unconfined"))
		strv_add(&c->unmask, "ALL");
	else if (streq(key, "label"))
		return label_opt(value, err);
	else if (streq(key, "apparmor"))
		return apparmor_opt(value, err);
	else if (streq(key, "proc-opts"))
		return proc_opts(value, c, err);
	else
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid --security-opt 2: \"%s\"", text);
	return 0;
}

static int check_caps(char *const *names, struct err *err)
{
	for (; names && *names; names++)
		if (strcasecmp(*names, "all") != 0 &&
		    oci_cap_parse(*names) < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid capability \"%s\": unknown "
				       "capability", *names);
	return 0;
}

/*
 * The profile is read once, when the container is made: a start may come from
 * another directory, after a reboot, or when the file has gone.
 */
static int read_profile(struct ctr_config *c, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	if (!c->seccomp || streq(c->seccomp, "unconfined"))
		return 0;
	r = file_load_any(c->seccomp, OCI_SECCOMP_PROFILE_MAX, &text);
	if (r < 0)
		return err_code(err, r, "open seccomp profile %s", c->seccomp);
	if (!text.buf || strlen(text.buf) != text.len)
		return err_set(err, ERR_INVALID, EINVAL,
			       "seccomp profile %s: not a text", c->seccomp);
	str_set(&c->seccomp, text.buf);
	return 0;
}

static int check_devices(char *const *v, struct err *err)
{
	int r = 0;

	for (; r == 0 && v && *v; v++) {
		auto_device struct device dev = { 0 };

		r = device_parse(*v, &dev, err);
		if (r == 0 && access(dev.source, F_OK) < 0)
			r = err_sys(err, "stat %s", dev.source);
	}
	return r;
}

/* Which programs a device may be used by is the business of a cgroup. */
static int check_device_rules(const struct create_args *a, struct err *err)
{
	if (!a->device_cgroup_rule)
		return 0;
	if (geteuid() != 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "device cgroup rules are not supported in "
			       "rootless mode or in a user namespace");
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "--device-cgroup-rule is not supported yet");
}

/* An image does not choose its own filter. */
static int check_policy(const char *policy, struct err *err)
{
	if (!policy || streq(policy, "default"))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid --seccomp-policy \"%s\": want default", policy);
}

/* ---- namespaces -------------------------------------------------------- */

static int bad_mode(const char *flag, const char *mode, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "unrecognized namespace mode %s passed to --%s", mode,
		       flag);
}

/* @what: as podman's texts call it */
int ns_ref_check(const char *mode, const char *what, struct err *err)
{
	const char *id = mode ? str_after(mode, "container:") : NULL;
	const char *path = mode ? str_after(mode, "ns:") : NULL;

	if ((id && !*id) || (path && !*path))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid config provided: namespace mode %s "
			       "requires a value", id ? "container" : "path");
	if (path && access(path, F_OK) < 0)
		return err_sys(err, "cannot find specified %s namespace path: "
			       "stat %s", what, path);
	return 0;
}

/* @words: modes beside private, host, container:X and ns:PATH */
static int set_mode(char **dst, const char *flag, const char *mode,
		    const char *const *words, struct err *err)
{
	static const char *const names[][2] = {
		{ "pid", "PID" }, { "ipc", "IPC" }, { "uts", "UTS" },
	};
	const char *what = "cgroup";
	bool good;
	int r;

	if (str_is_empty(mode))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (streq(flag, names[i][0]))
			what = names[i][1];
	r = ns_ref_check(mode, what, err);
	if (r < 0)
		return r;
	good = streq(mode, "private") || streq(mode, "host") ||
	       (str_starts(mode, "container:") && mode[10]) ||
	       (str_starts(mode, "ns:") && mode[3]);
	for (; !good && words && *words; words++)
		good = streq(mode, *words);
	if (!good)
		return bad_mode(flag, mode, err);
	str_set(dst, mode);
	return 0;
}

static bool is_all(const char *cap)
{
	return strcasecmp(cap, "all") == 0;
}

/* "all" and single ones go together: all of it but, nothing of it but. */
static int check_both(char *const *add, char *const *drop, struct err *err)
{
	for (; drop && *drop; drop++) {
		for (char *const *a = add; a && *a; a++) {
			if (is_all(*a) && is_all(*drop))
				return err_set(err, ERR_INVALID, EINVAL,
					       "adding all caps and removing "
					       "all caps not allowed");
			if (is_all(*a) || is_all(*drop) ||
			    oci_cap_parse(*a) != oci_cap_parse(*drop))
				continue;
			return err_set(err, ERR_INVALID, EINVAL,
				       "capability \"%s\" cannot be dropped "
				       "and added",
				       oci_cap_name(oci_cap_parse(*a)));
		}
	}
	return 0;
}

/* What is kept as it was typed */
static int check_lists(const struct create_args *a, struct err *err)
{
	int r = check_caps(a->cap_add, err);

	if (r == 0)
		r = check_caps(a->cap_drop, err);
	if (r == 0)
		r = check_both(a->cap_add, a->cap_drop, err);
	if (r == 0)
		r = check_caps(a->conf.caps, err);
	if (r == 0)
		r = sysctls_check(a->sysctl, err);
	if (r == 0)
		r = sysctls_check(a->conf.sysctls, err);
	if (r == 0)
		r = check_device_rules(a, err);
	if (r == 0)
		r = check_devices(a->device, err);
	if (r == 0)
		r = check_policy(a->seccomp_policy, err);
	return r;
}

int security_parse(const struct create_args *a, struct ctr_config *c,
		   struct err *err)
{
	static const char *const ipc_words[] = { "shareable", "none", NULL };
	int r = check_lists(a, err);

	for (char **o = a->security_opt; r == 0 && o && *o; o++)
		r = one_opt(*o, c, err);
	if (r == 0)
		r = read_profile(c, err);
	if (r == 0)
		r = set_mode(&c->pid, "pid", a->pid, NULL, err);
	if (r == 0)
		r = set_mode(&c->ipc, "ipc", a->ipc, ipc_words, err);
	if (r == 0)
		r = set_mode(&c->uts, "uts", a->uts, NULL, err);
	if (r == 0)
		r = set_mode(&c->cgroupns, "cgroupns", a->cgroupns, NULL, err);
	if (r < 0)
		return r;
	strv_extend(&c->default_caps, a->conf.caps);
	strv_extend(&c->cap_add, a->cap_add);
	strv_extend(&c->cap_drop, a->cap_drop);
	strv_extend(&c->security_opt, a->security_opt);
	strv_extend(&c->devices, a->device);
	c->privileged = a->privileged;
	c->readonly = a->read_only;
	c->readonly_tmpfs = a->read_only_tmpfs;
	return 0;
}
