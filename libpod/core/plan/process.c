/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a container, and what `run` and `exec` have in common:
 * capabilities, limits, the seccomp filter, the environment.
 */
#include "libpod/core/plan/plan.h"

#include <sys/ioctl.h>
#include <sys/resource.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/notify.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- capabilities ------------------------------------------------------- */

static int cap_mask(char *const *names, uint64_t all, uint64_t *ret,
		    struct err *err)
{
	*ret = 0;
	for (; names && *names; names++) {
		int cap;

		if (strcasecmp(*names, "all") == 0) {
			*ret |= all;
			continue;
		}
		cap = oci_cap_parse(*names);
		if (cap < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid capability \"%s\": unknown "
				       "capability", *names);
		*ret |= UINT64_C(1) << cap;
	}
	return 0;
}

static bool names_all(char *const *names)
{
	for (; names && *names; names++)
		if (strcasecmp(*names, "all") == 0)
			return true;
	return false;
}

/* What a user other than root gets: only what was asked for by name. */
static uint64_t caps_asked(const struct ctr_config *c, uint64_t have)
{
	uint64_t add = 0;

	(void)cap_mask(c->cap_add, oci_caps_all(), &add, NULL);
	return add & have;
}

int caps_resolve(const struct ctr_config *c, bool privileged, uint64_t *ret,
		 struct err *err)
{
	uint64_t all = oci_caps_all();
	uint64_t base = privileged ? all : oci_caps_default();
	uint64_t add;
	uint64_t drop;
	int r = 0;

	if (c->default_caps && !privileged)
		r = cap_mask(c->default_caps, all, &base, err);
	if (r == 0)
		r = cap_mask(c->cap_add, all, &add, err);
	if (r == 0)
		r = cap_mask(c->cap_drop, all, &drop, err);
	if (r < 0)
		return r;
	if (privileged && !c->privileged)	/* exec's, whatever c drops */
		*ret = all;
	else if (names_all(c->cap_drop))	/* all, then what is added */
		*ret = add;
	else
		*ret = (base | add) & ~drop;
	return 0;
}

static uint64_t to_limit(rlim_t v)
{
	return v == RLIM_INFINITY ? UINT64_MAX : (uint64_t)v;
}

static int limit_value(const char *s, uint64_t *ret)
{
	if (streq(s, "-1") || streq(s, "unlimited")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_u64(s, ret);
}

/* What is wrong with a ulimit before its numbers are compared; NULL: nothing.
 * Owned by the caller. */
static char *ulimit_fault(const char *text, char **v, struct oci_rlimit *ret)
{
	size_t len = strcspn(text, "=");
	autofree char *name = xstrndup(text, len);
	size_t n = strv_len(v);

	if (!text[len])
		return xasprintf("invalid ulimit argument: %s", text);
	ret->resource = oci_rlimit_parse(name);
	if (ret->resource < 0)
		return xasprintf("invalid ulimit type: %s", name);
	if (n > 2)
		return xasprintf("too many limit value arguments - %s, can "
				 "only have up to two, `soft[:hard]`",
				 text + len + 1);
	if (n < 1 || limit_value(v[0], &ret->soft) < 0 ||
	    limit_value(v[n - 1], &ret->hard) < 0)
		return xasprintf("invalid limit: %s", text + len + 1);
	return NULL;
}

int ulimit_parse(const char *text, struct oci_rlimit *ret, struct err *err)
{
	const char *eq = strchr(text, '=');
	autostrv char **v = eq ? strv_split(eq + 1, ':') : NULL;
	autofree char *fault = ulimit_fault(text, v, ret);

	if (fault)
		return err_set(err, ERR_INVALID, EINVAL,
			       "ulimit option \"%s\" requires name=SOFT:HARD, "
			       "failed to be parsed: %s", text, fault);
	if (ret->soft > ret->hard)
		return err_set(err, ERR_INVALID, EINVAL,
			       "ulimit option \"%s\" requires name=SOFT:HARD, "
			       "failed to be parsed: ulimit soft limit must be "
			       "less than or equal to hard limit: soft: %s%s, "
			       "hard: %s", text, v[0],
			       ret->soft == UINT64_MAX ? " (unlimited)" : "",
			       v[1]);
	return 0;
}

int ulimits_check(char *const *ulimits, struct err *err)
{
	struct oci_rlimit l;
	int r = 0;

	for (; r == 0 && ulimits && *ulimits; ulimits++)
		if (!streq(*ulimits, "host"))
			r = ulimit_parse(*ulimits, &l, err);
	return r;
}

static void set_limit(struct oci_rlimit *list, size_t *n,
		      const struct oci_rlimit *l)
{
	for (size_t i = 0; i < *n; i++) {
		if (list[i].resource == l->resource) {
			list[i] = *l;
			return;
		}
	}
	list[(*n)++] = *l;
}

static void default_limit(struct oci_rlimit *list, size_t *n, int resource,
			  uint64_t most)
{
	struct rlimit cur = { 0 };
	struct oci_rlimit l = { .resource = resource };

	(void)getrlimit((__rlimit_resource_t)resource, &cur);
	l.soft = l.hard = MIN(to_limit(cur.rlim_max), most);
	set_limit(list, n, &l);
}

/* As many files and processes as the caller may have, but a million at most;
 * no core dumps, which a handler of the host would get. */
int limits_fill(const struct ctr_config *c, struct oci_process *ret,
		struct oci_rlimit **rlimits, struct err *err)
{
	struct oci_rlimit *list =
		xcalloc(strv_len(c->ulimits) + 3, sizeof(*list));
	struct oci_rlimit l;
	size_t n = 0;

	*rlimits = list;
	if (!strv_contains(c->ulimits, "host")) {
		default_limit(list, &n, RLIMIT_NOFILE, (uint64_t)1 << 20);
		default_limit(list, &n, RLIMIT_NPROC, (uint64_t)1 << 20);
		default_limit(list, &n, RLIMIT_CORE, 0);
	}
	for (char **u = c->ulimits; u && *u; u++) {
		int r;

		if (streq(*u, "host"))
			continue;
		r = ulimit_parse(*u, &l, err);
		if (r < 0)
			return r;
		set_limit(list, &n, &l);
	}
	ret->rlimits = list;
	ret->n_rlimits = n;
	return 0;
}

static int fill_seccomp(const struct ctr_config *c, bool privileged,
			struct oci_process *ret, struct err *err)
{
	if (streq(c->seccomp, "unconfined") || (privileged && !c->seccomp))
		return 0;
	if (c->seccomp) {
		int r = oci_seccomp_compile(c->seccomp, strlen(c->seccomp),
					    ret->caps.bounding, &ret->seccomp,
					    err);

		return r < 0 ? err_wrap(err, r, "seccomp profile") : 0;
	}
	return oci_seccomp_default(ret->caps.bounding, true, false,
				   &ret->seccomp, err);
}

int process_fill(const struct ctr_config *c, bool privileged,
		 struct oci_process *ret, struct oci_rlimit **rlimits,
		 struct err *err)
{
	uint64_t caps;
	int r;

	r = caps_resolve(c, privileged, &caps, err);
	if (r < 0)
		return r;
	ret->caps = (struct oci_caps){ caps, caps, caps_asked(c, caps) };
	ret->caps_explicit = c->cap_add != NULL;
	ret->umask = c->umask;
	ret->personality = c->personality;
	ret->no_new_privs = c->no_new_privs;
	ret->oom_score_adj = c->oom_score_adj;
	ret->oom_score_set = c->oom_score_set;
	ret->groups = c->group_add;
	if (strv_contains(c->group_add, "keep-groups")) {
		ret->keep_groups = true;
		ret->groups = NULL;
	}
	r = limits_fill(c, ret, rlimits, err);
	if (r < 0)
		return r;
	return fill_seccomp(c, privileged, ret, err);
}

char *ctr_hostname(const struct ctr *c)
{
	const struct ctr_config *conf = &c->config;
	char host[HOST_NAME_MAX + 1] = "";

	if (streq(conf->uts, "host") ||
	    (str_is_empty(conf->hostname) && streq(conf->network, "host"))) {
		(void)gethostname(host, sizeof(host) - 1);
		return xstrdup(host);
	}
	return str_is_empty(conf->hostname) ? xstrndup(c->id, 12) :
					      xstrdup(conf->hostname);
}

char **ctr_env(const struct ctr *c)
{
	char **env = strv_copy(c->config.env);
	autofree char *host = NULL;

	systemd_env(c, &env);
	if (strv_env_get(env, "HOSTNAME"))
		return env;
	host = ctr_hostname(c);
	strv_env_set(&env, "HOSTNAME", host);
	return env;
}

void window_size(struct oci_process *p)
{
	struct winsize ws;

	for (int fd = 0; fd < 3; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &ws) < 0)
			continue;
		p->rows = ws.ws_row;
		p->cols = ws.ws_col;
		return;
	}
}

/* Secrets come last, so that config.json can do without them. */
static int plan_secret_env(struct plan *p, struct err *err)
{
	autostrv char **secret = NULL;
	int r = secrets_env(p->c, p->dir, &secret, err);

	for (char **v = secret; r == 0 && v && *v; v++) {
		autofree char *key = xstrndup(*v, strcspn(*v, "="));

		strv_env_unset(p->env, key);
	}
	p->n_env = strv_len(p->env);
	strv_extend(&p->env, secret);
	return r;
}

int plan_process(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	struct oci_process *proc = &p->spec.process;
	int r;

	if (c->init && c->init_path) {
		strv_add(&p->args, INIT_TARGET);
		strv_add(&p->args, "--");
	}
	strv_extend(&p->args, c->entrypoint);
	strv_extend(&p->args, c->cmd);
	proc->args = p->args;
	p->env = ctr_env(p->c);
	if (notify_for_payload(p->c))
		strv_env_set(&p->env, "NOTIFY_SOCKET", NOTIFY_TARGET);
	r = plan_secret_env(p, err);
	if (r < 0)
		return r;
	proc->env = p->env;
	proc->cwd = c->workdir;
	proc->cwd_create = c->workdir_image;
	proc->cwd_mounted = plan_is_mounted(p, c->workdir);
	proc->user = c->user ? c->user : "";
	proc->terminal = c->tty;
	if (c->tty)
		window_size(proc);
	proc->keep_fds = c->keep_fds;
	proc->n_keep_fds = c->n_keep_fds;
	p->spec.init_process = c->init && !c->init_path;
	r = plan_accounts(p, err);
	if (r < 0)
		return r;
	return process_fill(c, c->privileged, proc, &p->rlimits, err);
}
