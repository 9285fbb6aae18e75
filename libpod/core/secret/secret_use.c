/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets in containers.
 *
 * Theory of operation.  A container gets a copy of the data when it is made,
 * "secret-N" in its own directory (0600): what becomes of the secret later does
 * not change it, and it goes with the container.  Files appear through a tmpfs
 * that init makes, so nothing is written where the container's layer is; a
 * variable is given to the process alone and never to config.json.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/plan.h"
#include "libpod/core/secret/secret.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

void secret_use_done(struct secret_use *u)
{
	free(u->name);
	free(u->id);
	free(u->target);
	*u = (struct secret_use){ 0 };
}

static int bad(const char *field, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "option \"%s\" invalid: no valid argument for "
		       "--secret", field);
}

static int set_type(const char *type, struct secret_use *u, struct err *err)
{
	if (!streq(type, "mount") && !streq(type, "env"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "type \"%s\" is invalid: no valid argument for "
			       "--secret", type);
	u->env = type[0] == 'e';
	return 0;
}

/* Return: 1 it was one of these, 0 no, -EINVAL */
static int set_owner(const char *key, const char *value, struct secret_use *u)
{
	int r;

	if (streq(key, "uid"))
		r = parse_id(value, &u->uid);
	else if (streq(key, "gid"))
		r = parse_id(value, &u->gid);
	else if (streq(key, "mode"))
		r = parse_octal(value, &u->mode);
	else
		return 0;
	return r < 0 || u->mode > 07777 ? -EINVAL : 1;
}

static int set_field(const char *field, struct secret_use *u, bool *owner,
		     struct err *err)
{
	const char *eq = strchr(field, '=');
	autofree char *key = xstrndup(field, eq ? (size_t)(eq - field) :
						  strlen(field));
	const char *value = eq ? eq + 1 : "";
	int r = set_owner(key, value, u);

	if (r < 0)
		return bad(field, err);
	*owner |= r == 1;
	if (r == 1)
		return 0;
	if (streq(key, "source") || streq(key, "src") || streq(key, "id"))
		str_set(&u->name, value);
	else if (streq(key, "type"))
		return set_type(value, u, err);
	else if (streq(key, "target") || streq(key, "dst") ||
		 streq(key, "destination"))
		str_set(&u->target, value);
	else
		return bad(field, err);
	return *value ? 0 : bad(field, err);
}

/* Where it appears; a relative target is below /run/secrets. */
static int finish(struct secret_use *u, struct err *err)
{
	autofree char *joined = NULL;

	if (str_is_empty(u->name))
		return err_set(err, ERR_INVALID, EINVAL,
			       "no source found: no valid argument for "
			       "--secret");
	if (!u->target)
		u->target = xstrdup(u->name);
	if (u->env) {
		if (!strchr(u->target, '='))
			return 0;
		return bad(u->target, err);
	}
	joined = u->target[0] == '/' ? xstrdup(u->target) :
				       path_join("/run/secrets", u->target);
	free(u->target);
	u->target = path_clean(joined);
	return streq(u->target, "/") ? bad("target=/", err) : 0;
}

int secret_use_parse(char *const *fields, struct secret_use *ret,
		     struct err *err)
{
	bool owner = false;
	int r = 0;

	*ret = (struct secret_use){ .mode = 0444 };
	if (fields && *fields && !strchr(*fields, '='))
		str_set(&ret->name, *fields++);
	for (; r == 0 && fields && *fields; fields++)
		r = set_field(*fields, ret, &owner, err);
	if (r == 0 && ret->env && owner)
		r = err_set(err, ERR_INVALID, EINVAL,
			    "UID, GID, Mode options cannot be set with secret "
			    "env type");
	return r < 0 ? r : finish(ret, err);
}

char *secret_use_pack(const struct secret_use *u)
{
	return xasprintf("%c,%s,%u,%u,%o,%s,%s", u->env ? 'e' : 'f', u->id,
			 u->uid, u->gid, u->mode, u->name, u->target);
}

int secret_use_unpack(const char *text, struct secret_use *ret)
{
	autostrv char **v = strv_split(text, ',');
	const char *target = text;

	*ret = (struct secret_use){ 0 };
	if (strv_len(v) < 7 || parse_id(v[2], &ret->uid) < 0 ||
	    parse_id(v[3], &ret->gid) < 0 || parse_octal(v[4], &ret->mode) < 0)
		return -EINVAL;
	/* a target may hold commas */
	for (int i = 0; i < 6; i++)
		target = strchr(target, ',') + 1;
	ret->env = v[0][0] == 'e';
	ret->id = xstrdup(v[1]);
	ret->name = xstrdup(v[5]);
	ret->target = xstrdup(target);
	return 0;
}

/* ---- of a container ---------------------------------------------------- */

static char *copy_name(size_t i)
{
	return xasprintf("secret-%zu", i);
}

int secrets_copy(struct runtime *rt, const struct ctr *c, int dir,
		 struct err *err)
{
	char **v = c->config.secrets;
	int r = 0;

	for (size_t i = 0; r == 0 && v && v[i]; i++) {
		struct secret_use u cleanup(secret_use_done) = { 0 };
		auto_secret struct secret *s = NULL;
		autosb struct sb data = SB_INIT;
		autofree char *name = copy_name(i);

		if (secret_use_unpack(v[i], &u) < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "container config: bad secret");
		r = secret_find(rt, u.id, &s, err);
		if (r == 0)
			r = secret_data(rt, s, &data, err);
		if (r == 0)
			r = file_write_at(dir, name, data.buf, data.len, 0600,
					  false, err);
	}
	return r;
}

static int read_copy(int dir, size_t i, const char *what, struct sb *ret,
		     struct err *err)
{
	autofree char *name = copy_name(i);
	int r = file_read_at(dir, name, SECRET_MAX, ret);

	return r < 0 ? err_code(err, r, "read secret %s", what) : 0;
}

int secrets_env(const struct ctr *c, int dir, char ***env, struct err *err)
{
	char **v = c->config.secrets;
	int r = 0;

	for (size_t i = 0; r == 0 && v && v[i]; i++) {
		struct secret_use u cleanup(secret_use_done) = { 0 };
		autosb struct sb data = SB_INIT;

		if (secret_use_unpack(v[i], &u) < 0 || !u.env)
			continue;
		r = read_copy(dir, i, u.name, &data, err);
		if (r == 0)
			strv_env_set(env, u.target, data.buf);
	}
	return r;
}

static int add_file(struct plan *p, size_t i, const struct secret_use *u,
		    struct err *err)
{
	struct oci_file *file = xcalloc(1, sizeof(*file));
	struct oci_mount m = {
		.kind = OCI_MOUNT_FILE,
		.source = plan_text(p, xstrdup(u->name)),
		.source_fd = -EBADF,
		.target = plan_text(p, xstrdup(u->target)),
		.attr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.file = file,
	};
	autosb struct sb data = SB_INIT;
	int r = read_copy(p->dir, i, u->name, &data, err);

	*file = (struct oci_file){ .len = data.len, .uid = u->uid,
				   .gid = u->gid, .mode = u->mode };
	file->data = plan_text(p, sb_take(&data));
	(void)plan_text(p, (char *)file);
	if (r == 0)
		plan_mount(p, &m);
	return r;
}

int plan_secrets(struct plan *p, struct err *err)
{
	char **v = p->c->config.secrets;
	int r = 0;

	for (size_t i = 0; r == 0 && v && v[i]; i++) {
		struct secret_use u cleanup(secret_use_done) = { 0 };

		if (secret_use_unpack(v[i], &u) == 0 && !u.env)
			r = add_file(p, i, &u, err);
	}
	return r;
}
