/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --sysctl and default_sysctls.  A sysctl is for a namespace that the
 * container has for itself: of those that the user typed the others are an
 * error, of containers.conf's the others cannot be meant for this container.
 */
#include "cmd/container/create_opts.h"

#include "libpod/oci/oci.h"
#include "libpod/oci/sysctl.h"
#include "util/str.h"
#include "util/strv.h"

/* enum oci_ns_type of "NAME=VALUE"; -errno: there is no such sysctl, or it is
 * in no namespace */
static int type_of(const char *sysctl)
{
	autofree char *name = xstrndup(sysctl, strcspn(sysctl, "="));
	autofree char *path = NULL;
	int r = sysctl_path(name, &path);

	return r < 0 ? r : sysctl_ns(path);
}

int sysctls_check(char *const *sysctls, struct err *err)
{
	for (; sysctls && *sysctls; sysctls++) {
		if (!strchr(*sysctls, '='))
			return err_set(err, ERR_INVALID, EINVAL,
				       "%s is invalid, sysctl values must be "
				       "in the form of KEY=VALUE", *sysctls);
		if (type_of(*sysctls) < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "sysctl '%.*s' is not allowed: it is "
				       "not in a separate kernel namespace",
				       (int)strcspn(*sysctls, "="), *sysctls);
	}
	return 0;
}

static bool is_own(const struct ctr_config *c, int type)
{
	if (type == OCI_NS_NET)
		return streq(c->network, "slirp4netns") ||
		       streq(c->network, "none");
	if (type == OCI_NS_IPC)
		return !c->ipc || streq(c->ipc, "private") ||
		       streq(c->ipc, "shareable") || streq(c->ipc, "none");
	return type == OCI_NS_UTS && (!c->uts || streq(c->uts, "private"));
}

static int check_host_ns(char *const *sysctls, const struct ctr_config *c,
			 struct err *err)
{
	const struct {
		enum oci_ns_type type;
		const char *name, *mode;
	} ns[] = {
		{ OCI_NS_NET, "Network", c->network },
		{ OCI_NS_IPC, "IPC", c->ipc },
		{ OCI_NS_UTS, "UTS", c->uts },
	};

	for (; sysctls && *sysctls; sysctls++)
		for (size_t i = 0; i < ARRAY_LEN(ns); i++)
			if ((int)ns[i].type == type_of(*sysctls) &&
			    streq(ns[i].mode, "host"))
				return err_set(err, ERR_INVALID, EINVAL,
					       "sysctl %s can't be set since "
					       "%s Namespace set to host: "
					       "invalid argument", *sysctls,
					       ns[i].name);
	return 0;
}

int sysctls_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err)
{
	int r = check_host_ns(a->sysctl, c, err);

	if (r < 0)
		return r;
	for (char **s = a->conf.sysctls; s && *s; s++)
		if (is_own(c, type_of(*s)))
			strv_add(&c->sysctls, *s);
	strv_extend(&c->sysctls, a->sysctl);
	return 0;
}
