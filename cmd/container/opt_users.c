/* SPDX-License-Identifier: Apache-2.0 */
/* Who the container's processes are: ids, groups, accounts, user namespace */
#include "cmd/container/create_opts.h"

#include <stdlib.h>

#include "libpod/core/user/usermap.h"
#include "util/str.h"
#include "util/strv.h"

#define A struct create_args

const struct opt create_opts_users[] = {
	OPT_LIST(0, "gidmap", A, gidmap, "strings",
		 "Map of group ids: CONTAINER:FROM[:AMOUNT]"),
	OPT_LIST(0, "group-add", A, group_add, "strings",
		 "Add additional groups to the process (or keep-groups)"),
	OPT_STR(0, "group-entry", A, group_entry, "string",
		"Line for /etc/group in place of the default one"),
	OPT_LIST(0, "hostuser", A, hostuser, "strings",
		 "Users of the host to add to /etc/passwd"),
	OPT_BOOL(0, "passwd", A, passwd,
		 "Add the user to /etc/passwd and /etc/group"),
	OPT_STR(0, "passwd-entry", A, passwd_entry, "string",
		"Line for /etc/passwd in place of the default one"),
	OPT_STR(0, "subgidname", A, subgidname, "string",
		"Name of the range in /etc/subgid to use"),
	OPT_STR(0, "subuidname", A, subuidname, "string",
		"Name of the range in /etc/subuid to use"),
	OPT_LIST(0, "uidmap", A, uidmap, "strings",
		 "Map of user ids: CONTAINER:FROM[:AMOUNT]"),
	OPT_STR('u', "user", A, user, "string",
		"Username or UID (format: <name|uid>[:<group|gid>])"),
	OPT_STR(0, "userns", A, userns, "string", "User namespace to use"),
	OPT_END,
};

#undef A

static int set_groups(const struct create_args *a, struct ctr_config *c,
		      struct err *err)
{
	if (strv_contains(a->group_add, "keep-groups") &&
	    strv_len(a->group_add) > 1)
		return err_set(err, ERR_INVALID, EINVAL,
			       "the '--group-add keep-groups' option is not "
			       "allowed with any other --group-add options");
	strv_extend(&c->group_add, a->group_add);
	return 0;
}

/* A line break would add lines that nobody asked for. */
static int set_entry(char **dst, const char *flag, const char *text,
		     struct err *err)
{
	if (text && strchr(text, '\n') && strchr(text, '\n')[1])
		return err_set(err, ERR_INVALID, EINVAL,
			       "--%s is one line, not several", flag);
	str_set(dst, str_is_empty(text) ? NULL : text);
	return 0;
}

/* What the environment says counts where no flag says anything, then what
 * containers.conf says. */
static const char *default_userns(const struct create_args *a)
{
	const char *mode = getenv("PODMAN_USERNS");

	if (a->uidmap || a->gidmap || a->subuidname || a->subgidname)
		return NULL;
	return str_is_empty(mode) ? a->conf.userns : mode;
}

int users_parse(const struct create_args *a, struct ctr_config *c,
		struct err *err)
{
	int r;

	str_set(&c->user, a->user);
	str_set(&c->userns, str_is_empty(a->userns) ? default_userns(a) :
						      a->userns);
	str_set(&c->subuidname, a->subuidname);
	str_set(&c->subgidname, a->subgidname);
	strv_extend(&c->uidmap, a->uidmap);
	strv_extend(&c->gidmap, a->gidmap);
	strv_extend(&c->hostusers, a->hostuser);
	c->no_passwd = !a->passwd;
	r = ns_ref_check(c->userns, "user", err);
	if (r == 0)
		r = set_groups(a, c, err);
	if (r == 0)
		r = set_entry(&c->passwd_entry, "passwd-entry",
			      a->passwd_entry, err);
	if (r == 0)
		r = set_entry(&c->group_entry, "group-entry", a->group_entry,
			      err);
	return r < 0 ? r : usermap_check(c, err);
}
