/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/network/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/addr.h"
#include "network/network.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

static void noreturn_attr die(const char *what)
{
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static void write_file(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_full(fd, text, strlen(text)) < 0)
		die(path);
}

void rig_enter(void)
{
	autofree char *uid = xasprintf("0 %u 1\n", (unsigned)getuid());
	autofree char *gid = xasprintf("0 %u 1\n", (unsigned)getgid());
	struct err err = ERR_INIT;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		die("unshare");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uid);
	write_file("/proc/self/gid_map", gid);
	if (net_lo_up(&err) < 0)
		die(err.msg);
}

/* ---- processes ------------------------------------------------------- */

pid_t rig_spawn(pid_t pid, int (*fn)(void *arg), void *arg)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		die("fork");
	if (child)
		return child;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pid) {
		autoclose int fd = (int)syscall(SYS_pidfd_open, pid, 0);

		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
			die("setns");
	}
	_exit(fn(arg));
}

int rig_run(pid_t pid, int (*fn)(void *arg), void *arg)
{
	return proc_wait(rig_spawn(pid, fn, arg));
}

void rig_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	proc_wait(pid);
}

static int shell(void *arg)
{
	execl("/bin/sh", "sh", "-ec", arg, NULL);
	return 127;
}

int rig_sh(pid_t pid, const char *command)
{
	autofree char *copy = xstrdup(command);

	return rig_run(pid, shell, copy);
}

int rig_hide(const char *with, const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (access(with, F_OK) < 0 && mount("none", path, "tmpfs", 0, NULL) < 0)
		die(path);
	if (access(with, F_OK) == 0 &&
	    mount(with, path, NULL, MS_BIND, NULL) < 0)
		die(path);
	return 0;
}

/* ---- namespaces ------------------------------------------------------ */

/* A process in namespaces of its own, after @setup ran in them. */
static pid_t holder(int flags, int (*setup)(void *arg), void *arg)
{
	int ready[2], go[2];
	pid_t child;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	fflush(NULL);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(flags) < 0)
			die("unshare for a holder");
		if (write(ready[1], "1", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(98);
		if (setup && setup(arg) != 0)
			_exit(97);
		if (write(ready[1], "2", 1) != 1)
			_exit(98);
		for (;;)
			pause();
	}
	close(ready[1]);
	close(go[0]);
	if (read(ready[0], &c, 1) != 1)
		die("holder");
	if (flags & CLONE_NEWUSER) {
		autofree char *uid_map = xasprintf("/proc/%d/uid_map", child);
		autofree char *gid_map = xasprintf("/proc/%d/gid_map", child);

		write_file(uid_map, "0 0 1\n");
		write_file(gid_map, "0 0 1\n");
	}
	if (write(go[1], "g", 1) != 1 || read(ready[0], &c, 1) != 1)
		die("setup of a holder");
	close(ready[0]);
	close(go[1]);
	return child;
}

static int tap_setup(void *arg)
{
	struct net_tap tap = { .ipv6 = *(bool *)arg };
	struct err err = ERR_INIT;

	if (net_tap_setup(&tap, &err) == 0)
		return 0;
	fprintf(stderr, "rig: %s\n", err.msg);
	return 1;
}

void rig_start(struct rig *rig, bool ipv6)
{
	autofree char *link = NULL;

	rig->client = holder(CLONE_NEWNET, NULL, NULL);
	rig->init = holder(CLONE_NEWUSER | CLONE_NEWNET, tap_setup, &ipv6);

	link = xasprintf("ip link del h0 2>/dev/null || :;"
			 "ip link add h0 type veth peer name c0 netns %d;"
			 "ip addr add " RIG_HOST "/24 dev h0;"
			 "ip addr add " RIG_HOST6 "/64 dev h0 nodad;"
			 "ip link set h0 up",
			 rig->client);
	if (rig_sh(0, link) != 0 ||
	    rig_sh(rig->client, "ip addr add " RIG_CLIENT "/24 dev c0;"
				"ip addr add " RIG_CLIENT6 "/64 dev c0 nodad;"
				"ip link set lo up; ip link set c0 up") != 0)
		die("veth");
}

void rig_stop(struct rig *rig)
{
	rig_reap(rig->init);
	rig_reap(rig->client);
	/* it also goes with the client's namespace, a little later */
	rig_sh(0, "ip link del h0 2>/dev/null || :");
}

/* ---- server ---------------------------------------------------------- */

struct server {
	uint16_t port;
	bool v4_only;
	int ready_fd;
};

static int server_socket(int family, int type, uint16_t port)
{
	union addr a;
	int on = 1;
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	addr_parse(family == AF_INET ? "0.0.0.0" : "::", port, &a);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (fd < 0 || bind(fd, &a.sa, addr_len(&a)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 128) < 0))
		die("server");
	return fd;
}

static void serve_tcp(int listener)
{
	union addr peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd = accept4(listener, &peer.sa, &len, SOCK_CLOEXEC);
	char text[ADDR_TEXT_MAX], buf[65536];
	ssize_t n;

	if (fd < 0 || fork() != 0) {
		close(fd);
		return;
	}
	dprintf(fd, "%s\n", addr_text(&peer, text));
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (fd_write_full(fd, buf, (size_t)n) < 0)
			break;
	_exit(0);
}

static void serve_udp(int fd)
{
	union addr peer = { 0 };
	socklen_t len = sizeof(peer);
	char text[ADDR_TEXT_MAX], buf[65536];

	if (recvfrom(fd, buf, sizeof(buf), 0, &peer.sa, &len) < 0)
		return;
	int n = snprintf(buf, sizeof(buf), "%s\n", addr_text(&peer, text));

	sendto(fd, buf, (size_t)n, 0, &peer.sa, len);
}

static int server(void *arg)
{
	struct server *s = arg;
	struct pollfd p[4];
	nfds_t n = 0;

	for (int family = 0; family < (s->v4_only ? 1 : 2); family++) {
		int f = family ? AF_INET6 : AF_INET;

		p[n++].fd = server_socket(f, SOCK_STREAM, s->port);
		p[n++].fd = server_socket(f, SOCK_DGRAM, s->port);
	}
	signal(SIGCHLD, SIG_IGN);
	if (write(s->ready_fd, "r", 1) != 1)
		return 1;
	close(s->ready_fd);
	for (;;) {
		for (nfds_t i = 0; i < n; i++)
			p[i].events = POLLIN;
		if (poll(p, n, -1) < 0)
			return 1;
		for (nfds_t i = 0; i < n; i++)
			if (p[i].revents)
				(i % 2 ? serve_udp : serve_tcp)(p[i].fd);
	}
}

pid_t rig_server(pid_t pid, uint16_t port, bool v4_only)
{
	struct server s = { .port = port, .v4_only = v4_only };
	int ready[2];
	pid_t child;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	s.ready_fd = ready[1];
	child = rig_spawn(pid, server, &s);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		die("server did not start");
	close(ready[0]);
	return child;
}

/* ---- client ---------------------------------------------------------- */

struct question {
	bool udp;
	union addr to;
	int out_fd;
};

/* Reads up to the newline; a client waits half a minute at most. */
static int read_line(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t r;

		if (poll(&p, 1, 30000) <= 0)
			return ETIMEDOUT;
		r = read(fd, buf + n, size - 1 - n);
		if (r < 0)
			return errno;
		if (r == 0)
			return ECONNRESET;
		n += (size_t)r;
		if (buf[n - 1] == '\n') {
			buf[n - 1] = '\0';
			return 0;
		}
	}
	return EMSGSIZE;
}

static int client(void *arg)
{
	struct question *q = arg;
	char answer[2][RIG_TEXT] = { "", "" };
	union addr own = { 0 };
	socklen_t len = sizeof(own);
	char text[ADDR_TEXT_MAX];
	int fd, error;

	fd = socket(q->to.sa.sa_family,
		    (q->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &q->to.sa, addr_len(&q->to)) < 0)
		return errno;
	if (q->udp && send(fd, "who", 3, 0) < 0)
		return errno;
	error = read_line(fd, answer[0], RIG_TEXT);
	if (error)
		return error;
	if (getsockname(fd, &own.sa, &len) < 0)
		return errno;
	snprintf(answer[1], RIG_TEXT, "%s", addr_text(&own, text));
	return fd_write_full(q->out_fd, answer, sizeof(answer)) < 0;
}

int rig_ask(pid_t pid, bool udp, const char *ip, uint16_t port,
	    char seen[RIG_TEXT], char own[RIG_TEXT])
{
	struct question q = { .udp = udp };
	char answer[2][RIG_TEXT] = { "", "" };
	int out[2], r;

	if (addr_parse(ip, port, &q.to) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("question");
	q.out_fd = out[1];
	r = rig_run(pid, client, &q);
	close(out[1]);
	if (r == 0 && fd_read_full(out[0], answer, sizeof(answer)) < 0)
		r = EIO;
	close(out[0]);
	memcpy(seen, answer[0], RIG_TEXT);
	memcpy(own, answer[1], RIG_TEXT);
	return r;
}
