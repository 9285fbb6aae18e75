/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities, --security-opt and the namespaces other than the network */
#include "cmd/container/create_opts.h"
#include "libpod/oci/oci.h"
#include "util/str.h"
#include "util/strv.h"

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

/* What switches off a module that is not there is granted; a wish for one is
 * an error, never silently dropped. */
static int module_opt(const char *key, const char *value, struct err *err)
{
	if (streq(value, "disable") || streq(value, "unconfined"))
		return 0;
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "--security-opt %s=%s is not supported yet", key,
		       value ? value : "");
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
		str_set(&c->seccomp, streq(value, "default") ? NULL : value);
	else if (streq(key, "mask"))
		add_paths(&c->mask, value);
	else if (streq(key, "unmask"))
		add_paths(&c->unmask, value);
	else if (streq(key, "systempaths") && streq(value, "unconfined"))
		strv_add(&c->unmask, "ALL");
	else if (streq(key, "label") || streq(key, "apparmor"))
		return module_opt(key, value, err);
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

/* ---- namespaces -------------------------------------------------------- */

static int bad_mode(const char *flag, const char *mode, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "unrecognized namespace mode %s passed to --%s", mode,
		       flag);
}

/* @words: modes beside private, host, container:X and ns:PATH */
static int set_mode(char **dst, const char *flag, const char *mode,
		    const char *const *words, struct err *err)
{
	bool good;

	if (str_is_empty(mode))
		return 0;
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

int security_parse(const struct create_args *a, struct ctr_config *c,
		   struct err *err)
{
	static const char *const ipc_words[] = { "shareable", "none", NULL };
	int r;

	r = check_caps(a->cap_add, err);
	if (r == 0)
		r = check_caps(a->cap_drop, err);
	for (char **o = a->security_opt; r == 0 && o && *o; o++)
		r = one_opt(*o, c, err);
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
	strv_extend(&c->cap_add, a->cap_add);
	strv_extend(&c->cap_drop, a->cap_drop);
	strv_extend(&c->security_opt, a->security_opt);
	strv_extend(&c->sysctls, a->sysctl);
	strv_extend(&c->devices, a->device);
	c->privileged = a->privileged;
	c->readonly = a->read_only;
	c->readonly_tmpfs = a->read_only_tmpfs;
	return 0;
}
