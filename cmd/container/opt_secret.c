/* SPDX-License-Identifier: Apache-2.0 */
/* --secret NAME[,type=mount|env][,target=T][,uid=N][,gid=N][,mode=N] */
#include "cmd/container/create_opts.h"
#include "libpod/core/secret/secret.h"
#include "util/str.h"
#include "util/strv.h"

static bool has_target(const struct ctr_config *c, const char *target)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (streq(c->mounts[i].target, target))
			return true;
	for (char **v = c->secrets; v && *v; v++) {
		struct secret_use u cleanup(secret_use_done) = { 0 };

		if (secret_use_unpack(*v, &u) == 0 && !u.env &&
		    streq(u.target, target))
			return true;
	}
	return false;
}

static int add(struct runtime *rt, const char *text, struct ctr_config *c,
	       struct err *err)
{
	struct secret_use u cleanup(secret_use_done) = { 0 };
	auto_secret struct secret *s = NULL;
	autostrv char **fields = NULL;
	int r;

	opt_csv(text, &fields);
	r = secret_use_parse(fields, &u, err);
	if (r == 0)
		r = secret_find(rt, u.name, &s, err);
	if (r < 0)
		return r;
	if (!u.env && has_target(c, u.target))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s: duplicate mount destination", u.target);
	str_set(&u.id, s->id);
	str_set(&u.name, s->name);
	strv_push(&c->secrets, secret_use_pack(&u));
	return 0;
}

int secrets_parse(struct runtime *rt, const struct create_args *a,
		  struct ctr_config *c, struct err *err)
{
	int r = 0;

	for (char **v = a->secret; r == 0 && v && *v; v++)
		r = add(rt, *v, c, err);
	return r;
}
