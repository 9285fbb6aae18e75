/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What attach clients may send, to a monitor whose payload is this process.
 * The input is a list of messages, each behind a byte: bit 7 says which of
 * two clients sends it, the others are its length.  Nothing of it may end the
 * monitor, cost a descriptor or reach anything but the payload's stdin, and
 * what a client with stdin sends there comes out as it was.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "util/cleanup.h"
#include "util/sb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * struct rig - a monitor without a loop_run()
 * @stdin_fd: the payload's end
 * @sent:     what has to come out there
 */
struct rig {
	struct monitor_conf conf;
	int stdin_fd;
	int peer[2];
	struct sb sent, came;
};

static struct monitor m;

static void rig_init(struct rig *r, bool once)
{
	int fds[2], pair[2];

	memset(&m, 0, sizeof(m));
	monitor_conf_init(&r->conf);
	r->conf.log_driver = LOGDRV_NONE;
	r->conf.stdin_once = once;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    loop_new(&m.loop, NULL) < 0)
		abort();
	r->stdin_fd = fds[0];
	r->conf.stdin_fd = fds[1];
	m.conf = &r->conf;
	output_start(&m);
	input_start(&m);
	clients_start(&m);
	for (int i = 0; i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			       pair) < 0)
			abort();
		r->peer[i] = pair[1];
		client_add(&m, pair[0], i == 0);
	}
}

static void rig_done(struct rig *r)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		if (m.clients[i].fd >= 0)
			client_drop(&m.clients[i]);
	}
	input_close(&m);
	loop_free(m.loop);
	close(r->peer[0]);
	close(r->peer[1]);
	close(r->stdin_fd);
	sb_done(&r->sent);
	sb_done(&r->came);
}

static void collect(struct rig *r)
{
	char buf[256];
	ssize_t n;

	while ((n = read(r->stdin_fd, buf, sizeof(buf))) > 0)
		sb_addn(&r->came, buf, (size_t)n);
}

static void message(struct rig *r, struct client *c, const uint8_t *data,
		    size_t len)
{
	const char *body = (const char *)data + 1;

	if (data[0] == ATTACH_STDIN) {
		memcpy(m.in.data, body, len - 1);
		body = m.in.data;
		if (c->hello && (c->want & ATTACH_WANT_STDIN) && m.in.fd >= 0)
			sb_addn(&r->sent, data + 1, len - 1);
	}
	client_message(c, data[0], body, len - 1);
	monitor_kick(&m);
	collect(r);
	if (m.in.len)
		abort();	/* the pipe had room for it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig r = { .sent = SB_INIT, .came = SB_INIT };

	if (size < 1)
		return 0;
	rig_init(&r, data[0] & 1);
	for (size_t at = 1; at < size;) {
		struct client *c = &m.clients[data[at] >> 7];
		size_t len = MIN((size_t)(data[at] & 0x7f), size - at - 1);

		at++;
		if (len > 0 && c->fd >= 0)
			message(&r, c, data + at, len);
		at += len;
	}
	if (r.sent.len != r.came.len ||
	    memcmp(r.sent.buf, r.came.buf, r.sent.len) != 0)
		abort();
	rig_done(&r);
	return 0;
}
