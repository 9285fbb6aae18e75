/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that stands ready and waits for its start (`init`).  Its init
 * waits at sync_fd, all else is as for a running one; until "go" it never ran.
 * So what ends it now leaves no trace: the commands see that nobody holds the
 * lock and that there is no "started", and call it created (state.c in core).
 *
 * Nobody needs to tell init: it dies with our end of the socket, should we be
 * killed.
 */
#include <string.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "libpod/oci/hooks.h"
#include "libpod/oci/sync.h"
#include "util/cleanup.h"
#include "util/fault.h"

/* Init executes the payload, or says why not: 0, or 1 and the reason. */
static int let_go(struct monitor *m, struct sync_msg *ret)
{
	struct monitor_conf *c = m->conf;
	struct hooks hooks cleanup(hooks_done) = { .n = 0 };
	struct err err = ERR_INIT;
	struct start_record rec = {
		.init = c->init,
		.monitor = proc_self(),
		.start_n = c->start_n,
	};
	int r = hooks_load(c->dir_fd, &hooks, &err);

	if (r == 0)
		r = start_record_write(c->dir_fd, &rec, &err);
	if (r == 0)
		duties_note(c, hooks.stages & 1U << HOOK_POSTSTOP);
	if (r == 0 && FAULT("hold.go") < 0)
		r = err_sys(&err, "start the container");
	if (r == 0)
		r = sync_send(c->sync_fd, SYNC_START, 0, NULL, -EBADF);
	if (r == 0)
		r = sync_recv(c->sync_fd, ret, NULL);
	if (r == 0)
		r = hooks_run(&hooks, HOOK_POSTSTART, c->init.pid, c->dir_fd,
			      &err);
	if (r >= 0)
		return r;
	if (!err.code)
		err_set(&err, ERR_START, EPIPE,
			"the container's first process ended before its start");
	sync_set_err(ret, &err);
	return 1;
}

void hold_go(struct client *c, bool first)
{
	struct monitor *m = c->m;
	struct sync_msg why;

	if (let_go(m, &why) != 0) {
		(void)client_send(c, ATTACH_GO, &why,
				  SYNC_HEAD + why.text_len);
		hold_undo(m);
		return;
	}
	(void)FAULT("hold.started");
	close_fd(m->conf->sync_fd);
	m->held = false;
	c->first = first;
	monitor_payload_runs(m);
	if (client_send(c, ATTACH_GO, NULL, 0) < 0)
		client_drop(c);
}

void hold_undo(struct monitor *m)
{
	pidfd_signal(m->conf->init_pidfd, SIGKILL);
}

void hold_ended(struct monitor *m)
{
	(void)unlinkat(m->conf->dir_fd, "started", 0);
	duties_drop(m->conf, true);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0)
			client_drop(&m->clients[i]);
	ending_start(m);
}
