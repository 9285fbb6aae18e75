/* SPDX-License-Identifier: Apache-2.0 */
/* The foreground of `run`, `start -a` and `attach`. */
#include "cmd/container/attached.h"

#include <unistd.h>

#include "cmd/config/conf.h"
#include "cmd/output.h"
#include "libpod/core/log/log.h"
#include "libpod/monitor/monitor.h"
#include "util/proc.h"

const char *detach_keys(const char *typed)
{
	const char *configured = conf_get()->detach_keys;

	if (typed)
		return typed;
	return configured ? configured : ATTACH_KEYS_DEFAULT;
}

int attached_check(const struct attached *a, struct err *err)
{
	const char *spec = detach_keys(a->detach_keys);
	char keys[ATTACH_KEYS_MAX];
	size_t n;

	if (attach_keys_parse(spec, keys, &n) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid detach keys: %s", spec);
	return 0;
}

/* An exit code as a process can give it; the unknown one is 255. */
static int to_exit(int code)
{
	return code & 0xff;
}

static int ended(struct runtime *rt, struct ctr *c, int sock, bool settle,
		 int code, struct err *err)
{
	bool trash = false;
	int r;

	if (!settle)
		return to_exit(code);
	r = ctr_settled(rt, c, &code, &trash, err);
	if (r < 0)
		return r;
	if (!runtime_wants_upkeep(rt))
		attach_settle(sock, trash);
	return to_exit(code);
}

/* The monitor died under us: the witnesses say what became of the payload. */
static int lost(struct runtime *rt, struct ctr *c, bool settle,
		struct err *err)
{
	int code = -1;
	int r = ctr_wait(rt, c, &code, err);

	if (r == 0 && settle)
		r = ctr_settled(rt, c, &code, NULL, err);
	return r < 0 ? r : to_exit(code);
}

/* Our end of the streams, of those that @a wants. */
static void set_streams(struct attach_client *client, const struct attached *a,
			const struct ctr *c)
{
	/* two readers of one file would share its bytes */
	if (a->in && !log_is_passthrough(&c->config))
		client->in_fd = STDIN_FILENO;
	if (a->out)
		client->out_fd = STDOUT_FILENO;
	if (a->err)
		client->err_fd = STDERR_FILENO;
}

int attached_run(struct runtime *rt, struct ctr *c, int sock, bool settle,
		 const struct attached *a, struct err *err)
{
	autoclose int owned = sock;
	autoclose int pidfd = -EBADF;
	struct attach_client client = ATTACH_CLIENT_INIT;
	const char *spec = detach_keys(a->detach_keys);
	char keys[ATTACH_KEYS_MAX];
	int code = -1;
	int r;

	r = attached_check(a, err);
	if (r < 0)
		return r;
	(void)attach_keys_parse(spec, keys, &client.n_detach_keys);
	client.detach_keys = keys;
	client.sock = owned;
	client.tty = c->config.tty;
	set_streams(&client, a, c);
	if (a->sig_proxy && !client.tty) {
		pidfd = proc_open(&c->init);
		client.sig_proxy_pidfd = pidfd < 0 ? -EBADF : pidfd;
	}
	/* one that comes back is for its monitor, which starts it again */
	if (ctr_comes_back(&c->config) && !c->config.auto_remove)
		settle = false;
	r = attach_run(&client, &code, err);
	if (r == ATTACH_DETACHED)
		return 0;
	if (r == ATTACH_ENDED)
		return ended(rt, c, owned, settle, code, err);
	if (r == ATTACH_LOST)
		return lost(rt, c, settle, err);
	if (r == -EINTR)	/* a signal without --sig-proxy: leave it be */
		return 128 + client.signal;
	if (r == -EPIPE)	/* `run ... | head`: as quiet as any producer */
		die_of_sigpipe();
	return r;
}
