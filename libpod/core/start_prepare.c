/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What a container needs before it is launched, whoever starts it: the attach
 * socket, the listeners of its ports, what its monitor is to know, and the
 * plan, which is everything that oci_create() will do.  Nothing here is seen
 * by others until launch_spawn(); plan_done() and closing what was opened is
 * the whole undo.
 */
#include "libpod/core/start.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/files/mount.h"
#include "libpod/core/plan/plan.h"
#include "libpod/monitor/launch.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/* ---- sockets ----------------------------------------------------------- */

/* RUN/containers/ID/attach, whatever the length of RUN */
int start_listen(int run_dir, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
						   SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path),
		       "/proc/self/fd/%d/attach", run_dir);
	(void)unlinkat(run_dir, "attach", 0);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(fd, 64) < 0)
		return err_sys(err, "attach socket");
	return take_fd(fd);
}

static int err_no_socket(struct runtime *rt, const struct ctr *c,
			 struct err *err)
{
	if (ctr_lock_probe(rt, c->id) != 1)
		return err_set(err, ERR_STATE, ENOTCONN,
			       "container %s has no monitor to attach to",
			       c->name);
	return err_set(err, ERR_STATE, ENOTCONN,
		       "the socket of container %s in %s is gone: restart the "
		       "container to attach to it", c->name, rt->run_path);
}

int ctr_attach(struct runtime *rt, const struct ctr *c, int *ret_sock,
	       struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	autoclose int dir = dir_open_at(rt->run_ctrs_fd, c->id);
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "socket");
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path),
		       "/proc/self/fd/%d/attach", dir);
	if (dir < 0 ||
	    connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_no_socket(rt, c, err);
	*ret_sock = take_fd(fd);
	return 0;
}

/* ---- the monitor's configuration --------------------------------------- */

char **start_argv(const struct runtime *rt)
{
	char **v = NULL;

	strv_add(&v, "bryo");
	strv_addf(&v, "--root=%s", rt->data_path);
	strv_addf(&v, "--runroot=%s", rt->run_path);
	if (rt->opts.volumepath)
		strv_addf(&v, "--volumepath=%s", rt->volumes_path);
	if (rt->opts.no_events)
		strv_add(&v, "--events-backend=none");
	return v;
}

/* What the monitor executes in place when the container has ended. */
static char **end_argv(const struct runtime *rt, const struct ctr *c,
		       int lock_fd, uint32_t delay_ms)
{
	char **v = start_argv(rt);

	strv_add(&v, "__monitor");
	strv_addf(&v, "--start=%u", c->start_n);
	strv_addf(&v, "--lock-fd=%d", lock_fd);
	strv_addf(&v, "--delay=%u", delay_ms);
	strv_add(&v, c->id);
	return v;
}

bool start_again(const struct ctr *c)
{
	const struct ctr_config *conf = &c->config;

	if (conf->restart == RESTART_NO || c->stopped_by_user)
		return false;
	return conf->restart != RESTART_ON_FAILURE || conf->restart_max == 0 ||
	       c->restarts < conf->restart_max;
}

/* A health check may want a restart, whatever the policy is. */
static bool health_restarts(const struct ctr_config *c)
{
	return health_is_on(c->health) &&
	       (c->health->action == HEALTH_ACTION_RESTART ||
		c->health->startup.retries > 0);
}

bool ctr_comes_back(const struct ctr_config *c)
{
	return c->restart != RESTART_NO || health_restarts(c);
}

void start_conf(struct monitor_conf *m, const struct plan *p, int lock_fd,
		uint32_t delay_ms)
{
	const struct ctr *c = p->c;

	m->id = xstrdup(c->id);
	m->name = xstrdup(c->name);
	m->start_n = c->start_n;
	m->dir_fd = p->dir;
	m->run_fd = p->run_dir;
	m->lock_fd = lock_fd;
	m->stdin_once = c->config.stdin_once;
	m->timeout_s = c->config.timeout;
	m->durable_exit = !c->config.auto_remove;
	m->restart = start_again(c) || health_restarts(&c->config);
	m->restart_on_failure = c->config.restart == RESTART_ON_FAILURE;
	m->restart_delay_ms = delay_ms;
	m->health_argv = start_argv(p->rt);
	strv_add(&m->health_argv, "__health");
	strv_add(&m->health_argv, c->id);
	m->note_argv = start_argv(p->rt);
	strv_add(&m->note_argv, "__helper");
	strv_add(&m->note_argv, c->id);
	m->health_first_ms = health_first_ms(c->config.health);
	m->exec_argv = end_argv(p->rt, c, lock_fd, delay_ms);
	m->exec_path = xstrdup(self_path());
}

/* ---- the plan ---------------------------------------------------------- */

int start_plan(struct plan *p, struct err *err)
{
	TRACE("core", "plan");
	int r;

	p->run_dir = dir_make_at(p->rt->run_ctrs_fd, p->c->id, 0700, err);
	if (p->run_dir < 0)
		return p->run_dir;
	p->dir = ctr_dir(p->rt, p->c, err);
	if (p->dir < 0)
		return p->dir;
	r = ctr_mount_check(p->dir, p->c, err);
	if (r == 0)
		r = plan_namespaces(p, err);
	if (r == 0)
		r = plan_rootfs(p, err);
	if (r == 0)
		r = plan_files(p, err);
	if (r == 0)
		r = plan_mounts(p, err);
	if (r == 0)
		r = plan_security(p, err);
	if (r == 0)
		r = plan_process(p, err);
	if (r == 0)
		r = plan_hooks(p, err);
	return r;
}

/* -P: every exposed port that was not published by hand, at a random one */
static int publish_all(struct ctr *c, struct err *err)
{
	struct port_list all = { 0 };
	int r = 0;

	for (char **e = c->config.expose; r == 0 && e && *e; e++)
		r = port_parse_expose(*e, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		bool have = false;

		for (size_t j = 0; j < c->ports.n; j++)
			have |= c->ports.v[j].ctr_port == all.v[i].ctr_port &&
				c->ports.v[j].proto == all.v[i].proto;
		if (have)
			continue;
		c->ports.v = xreallocarray(c->ports.v, c->ports.n + 1,
					   sizeof(*c->ports.v));
		c->ports.v[c->ports.n++] = all.v[i];
	}
	port_list_done(&all);
	return r;
}

int start_ports(struct plan *p, struct port_socks *socks, struct err *err)
{
	struct ctr *c = p->c;
	int r = 0;

	port_list_done(&c->ports);
	c->ports = (struct port_list){ 0 };
	if (!p->slirp)
		return 0;
	if (c->config.ports.n > 0) {
		c->ports.v = xmemdup(c->config.ports.v,
				     c->config.ports.n *
					     sizeof(*c->ports.v));
		c->ports.n = c->config.ports.n;
	}
	if (c->config.publish_all)
		r = publish_all(c, err);
	if (r == 0 && c->ports.n > 0)
		r = ports_bind(&c->ports, socks, err);
	return r;
}

int start_program(void)
{
	autofree char *path = helper_path("bryo-monitor");
	int fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;

	return fd < 0 ? -EBADF : fd;
}

/* ---- the bundle --------------------------------------------------------- */

void start_bundle(const struct plan *p)
{
	TRACE("core", "config.json");
	autojson struct json_object *json = NULL;
	char *secret = p->env ? p->env[p->n_env] : NULL;
	const char *text;

	if (secret)
		p->env[p->n_env] = NULL;
	json = spec_to_json(&p->spec);
	if (secret)
		p->env[p->n_env] = secret;
	text = json_text(json);

	if (file_write_at(p->dir, "config.json", text, strlen(text), 0600,
			  false, NULL) < 0)
		log_debug("container %.12s: config.json not written",
			  p->c->id);
}
