/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines that a start adds to the container's /etc/passwd and /etc/group:
 * the payload's user where the image does not know it, under his name of the
 * host with --userns=keep-id, and those of --hostuser.  NSS of the host is
 * asked here, in the command; init only gets texts.
 */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/plan.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

#define NSS_BUF 16384

/** struct host_user - a user of the host; owned */
struct host_user {
	char *name;
	char *gecos;
	char *home;
	char *group;
	uid_t uid;
	gid_t gid;
};

static void host_user_done(struct host_user *u)
{
	free(u->name);
	free(u->gecos);
	free(u->home);
	free(u->group);
}

static char *group_name(gid_t gid)
{
	autofree char *buf = xmalloc(NSS_BUF);
	struct group gr;
	struct group *found = NULL;

	if (getgrgid_r(gid, &gr, buf, NSS_BUF, &found) != 0 || !found)
		return NULL;
	return xstrdup(gr.gr_name);
}

/* By name, or else by id; -ENOENT */
static int host_user_find(const char *name, uid_t uid, struct host_user *ret)
{
	autofree char *buf = xmalloc(NSS_BUF);
	struct passwd pw;
	struct passwd *found = NULL;
	int r = name ? getpwnam_r(name, &pw, buf, NSS_BUF, &found) :
		       getpwuid_r(uid, &pw, buf, NSS_BUF, &found);

	if (r != 0 || !found)
		return -ENOENT;
	ret->name = xstrdup(pw.pw_name);
	ret->gecos = xstrdup(pw.pw_gecos);
	ret->home = xstrdup(pw.pw_dir);
	ret->uid = pw.pw_uid;
	ret->gid = pw.pw_gid;
	ret->group = group_name(pw.pw_gid);
	return 0;
}

bool plan_is_mounted(const struct plan *p, const char *dir)
{
	const struct ctr_config *c = &p->c->config;

	for (size_t i = 0; i < c->n_mounts; i++)
		if (!streq(c->mounts[i].target, "/") &&
		    path_is_beneath(dir, c->mounts[i].target))
			return true;
	return false;
}

/* A home of the host exists in the container when it is mounted there. */
static const char *home_inside(const struct plan *p, const struct host_user *u)
{
	return plan_is_mounted(p, u->home) ? u->home : p->c->config.workdir;
}

static int add_host_user(struct plan *p, const char *text, struct err *err)
{
	struct host_user u cleanup(host_user_done) = { 0 };
	uint32_t uid;
	int r;

	r = host_user_find(text, 0, &u);
	if (r < 0 && parse_id(text, &uid) == 0)
		r = host_user_find(NULL, uid, &u);
	if (r < 0)
		return err_set(err, ERR_START, ENOENT,
			       "--hostuser: user: unknown user %s", text);
	strv_addf(&p->host_users, "%s:*:%u:%u:%s:%s:/bin/sh", u.name,
		  (unsigned int)u.uid, (unsigned int)u.gid, u.gecos,
		  home_inside(p, &u));
	if (u.group)
		strv_addf(&p->host_groups, "%s:x:%u:%s", u.group,
			  (unsigned int)u.gid, u.name);
	return 0;
}

static void keep_id_names(struct plan *p)
{
	struct oci_accounts *a = &p->spec.accounts;
	struct host_user u cleanup(host_user_done) = { 0 };

	if (!str_starts(p->c->config.userns, "keep-id") ||
	    host_user_find(NULL, p->rt->ids.uid, &u) < 0)
		return;
	a->user = plan_text(p, xstrdup(u.name));
	a->home = plan_text(p, xstrdup(home_inside(p, &u)));
	if (u.group)
		a->group = plan_text(p, xstrdup(u.group));
}

int plan_accounts(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	struct oci_accounts *a = &p->spec.accounts;
	int r = 0;

	if (c->no_passwd)
		return 0;
	a->add = true;
	a->passwd_entry = c->passwd_entry;
	a->group_entry = c->group_entry;
	if (c->userns)
		keep_id_names(p);
	for (char **u = c->hostusers; r == 0 && u && *u; u++)
		r = add_host_user(p, *u, err);
	a->host_users = p->host_users;
	a->host_groups = p->host_groups;
	return r;
}
