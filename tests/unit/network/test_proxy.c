/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/proxy.h"
#include "tests/unit/network/rig.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

/*
 * The proxy's inside over loopback: this process is client and server, a
 * child runs proxy_serve() between 127.0.0.1:PUBLISHED and 127.0.0.1:SERVER.
 */
#define PUBLISHED 8080
#define SERVER_PORT 9090

struct fixture {
	pid_t pid;
	int exit_fd;
	int server; /* listening or bound, ours */
	int client;
	int accepted;
};

static union addr loopback(uint16_t port)
{
	union addr a;

	addr_parse("127.0.0.1", port, &a);
	return a;
}

static int make_socket(int type)
{
	struct timeval limit = { .tv_sec = 20 };
	int on = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	/* two UDP sockets with SO_REUSEADDR may be given the same port */
	if (type != SOCK_STREAM)
		return fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd;
}

/* @nofile: descriptor limit of the proxy, 0 = as it is */
static void start(struct fixture *f, const char *proto, rlim_t nofile)
{
	autofree char *spec =
		xasprintf("127.0.0.1:%d:%d/%s", PUBLISHED, SERVER_PORT, proto);
	union addr a = loopback(SERVER_PORT);
	struct port_list list = { 0 };
	struct port_socks socks = { 0 };
	bool tcp = streq(proto, "tcp");
	int quit[2];

	*f = (struct fixture){ .client = -EBADF, .accepted = -EBADF };
	f->server = make_socket(tcp ? SOCK_STREAM : SOCK_DGRAM);
	assert_return_code(bind(f->server, &a.sa, addr_len(&a)), errno);
	if (tcp)
		assert_return_code(listen(f->server, 4096), errno);

	assert_ok(port_parse(spec, &list, err));
	assert_ok(ports_bind(&list, &socks, err));
	assert_return_code(pipe2(quit, O_CLOEXEC), errno);
	fflush(NULL);
	f->pid = fork();
	if (f->pid == 0) {
		static struct proxy p;
		struct rlimit lim = { nofile, nofile };

		close(quit[1]);
		close(f->server);
		if (nofile)
			setrlimit(RLIMIT_NOFILE, &lim);
		addr_parse("127.0.0.1", 0, &p.up.v4);
		p.exit_fd = quit[0];
		p.n_listeners = 1;
		p.listeners = xcalloc(1, sizeof(*p.listeners));
		p.listeners[0].fd = socks.fd[0];
		p.listeners[0].proto = socks.map[0].proto;
		p.listeners[0].port = SERVER_PORT;
		_exit(proxy_serve(&p, NULL) < 0);
	}
	close(quit[0]);
	f->exit_fd = quit[1];
	port_socks_done(&socks);
	port_list_done(&list);
}

static void stop(struct fixture *f)
{
	close_fd(f->client);
	close_fd(f->accepted);
	close_fd(f->server);
	close_fd(f->exit_fd);
	assert_int_equal(proc_wait(f->pid), 0);
}

static int dial(int type)
{
	union addr a = loopback(PUBLISHED);
	int fd = make_socket(type);

	assert_return_code(connect(fd, &a.sa, addr_len(&a)), errno);
	return fd;
}

/* A connection: f->client is one end, f->accepted the other. */
static void join(struct fixture *f)
{
	struct timeval limit = { .tv_sec = 20 };
	int on = 1;

	f->client = dial(SOCK_STREAM);
	f->accepted = accept4(f->server, NULL, NULL, SOCK_CLOEXEC);
	assert_return_code(f->accepted, errno);
	setsockopt(f->accepted, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(f->accepted, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(f->accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void reset(int *fd)
{
	struct linger hard = { 1, 0 };

	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close_fd(*fd);
}

/* ---- a stream that can be checked ------------------------------------ */

/* Byte number @i of the test stream: no period that a buffer could hide. */
static void pattern(uint64_t at, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t x = (at + i) * 0x9e3779b97f4a7c15ull;

		buf[i] = (uint8_t)(x >> 40 ^ x >> 21);
	}
}

struct transfer {
	int fd;
	uint64_t size;
	size_t chunk;
};

/* Child: send the stream, then the end of it. */
static int sender(void *arg)
{
	struct transfer *t = arg;
	static uint8_t buf[1 << 20];

	for (uint64_t at = 0; at < t->size;) {
		size_t n = (size_t)MIN((uint64_t)t->chunk, t->size - at);

		pattern(at, buf, n);
		if (fd_write_full(t->fd, buf, n) < 0)
			return 1;
		at += n;
	}
	return shutdown(t->fd, SHUT_WR) < 0;
}

/* Child: receive all of it and the end, compare. */
static int receiver(void *arg)
{
	struct transfer *t = arg;
	static uint8_t buf[1 << 20], want[1 << 20];
	uint64_t at = 0;
	ssize_t n;

	while ((n = read(t->fd, buf, t->chunk)) > 0) {
		pattern(at, want, (size_t)n);
		if (memcmp(buf, want, (size_t)n) != 0)
			return 2;
		at += (uint64_t)n;
	}
	return n < 0 ? 3 : at != t->size;
}

static void expect_transfer(int from, int to, uint64_t size, size_t chunk)
{
	struct transfer in = { from, size, chunk };
	struct transfer out = { to, size, 1 << 20 };
	pid_t child = rig_spawn(0, sender, &in);

	assert_int_equal(receiver(&out), 0);
	assert_int_equal(proc_wait(child), 0);
}

static const struct {
	const char *name;
	uint64_t size;
	size_t chunk;
} transfer_cases[] = {
	{ "nothing", 0, 1 },
	{ "one byte", 1, 1 },
	{ "up to the change to splice", 128 * 1024, 4096 },
	{ "one more", 128 * 1024 + 1, 4096 },
	{ "single bytes, past the change", 200 * 1024, 1 },
	{ "100 MB", 100 << 20, 1 << 20 },
};

static void test_bytes_arrive(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(transfer_cases); i++) {
		for (int back = 0; back < 2; back++) {
			struct fixture f;

			print_message("case: %s%s\n", transfer_cases[i].name,
				      back ? ", from the server" : "");
			start(&f, "tcp", 0);
			join(&f);
			expect_transfer(back ? f.accepted : f.client,
					back ? f.client : f.accepted,
					transfer_cases[i].size,
					transfer_cases[i].chunk);
			stop(&f);
		}
	}
}

/*
 * With tiny socket buffers nearly every write is a short one, in the copying
 * part too.
 */
static void small_buffers(bool on)
{
	const char *sizes = on ? "'4096 8192 8192'" : "'4096 131072 4194304'";
	autofree char *command = xasprintf(
		"sysctl -qw net.ipv4.tcp_rmem=%s net.ipv4.tcp_wmem=%s", sizes,
		sizes);

	assert_int_equal(rig_sh(0, command), 0);
}

static void test_short_writes(void **state unused_attr)
{
	small_buffers(true);
	for (int back = 0; back < 2; back++) {
		struct fixture f;

		start(&f, "tcp", 0);
		join(&f);
		expect_transfer(back ? f.accepted : f.client,
				back ? f.client : f.accepted, 300 * 1000,
				70000);
		stop(&f);
	}
	small_buffers(false);
}

/* Both directions at once do not wait for each other. */
static void test_both_directions(void **state unused_attr)
{
	struct fixture f;

	start(&f, "tcp", 0);
	join(&f);

	struct transfer up = { f.client, 20 << 20, 1 << 16 };
	struct transfer down = { f.accepted, 20 << 20, 1 << 16 };
	pid_t child[3] = {
		rig_spawn(0, sender, &up),
		rig_spawn(0, sender, &down),
		rig_spawn(0, receiver, &up),
	};

	assert_int_equal(receiver(&down), 0);
	for (size_t i = 0; i < ARRAY_LEN(child); i++)
		assert_int_equal(proc_wait(child[i]), 0);
	stop(&f);
}

/* The end of one direction leaves the other one open. */
static void test_half_close(void **state unused_attr)
{
	for (int back = 0; back < 2; back++) {
		struct fixture f;
		char c;

		start(&f, "tcp", 0);
		join(&f);
		int first = back ? f.accepted : f.client;
		int second = back ? f.client : f.accepted;

		shutdown(first, SHUT_WR);
		assert_int_equal(read(second, &c, 1), 0);
		expect_transfer(second, first, 1 << 20, 1000);
		stop(&f);
	}
}

static void test_reset_is_passed_on(void **state unused_attr)
{
	for (int back = 0; back < 2; back++) {
		struct fixture f;
		char c;

		start(&f, "tcp", 0);
		join(&f);
		assert_int_equal(write(f.client, "x", 1), 1);
		assert_int_equal(read(f.accepted, &c, 1), 1);
		reset(back ? &f.accepted : &f.client);
		assert_int_equal(read(back ? f.client : f.accepted, &c, 1), -1);
		assert_int_equal(errno, ECONNRESET);
		stop(&f);
	}
}

/* A reset that comes while we still are in connect(2) is told by that. */
static void test_refused_is_a_reset(void **state unused_attr)
{
	union addr a = loopback(PUBLISHED);
	struct fixture f;
	char c;

	start(&f, "tcp", 0);
	close_fd(f.server);
	f.client = make_socket(SOCK_STREAM);
	if (connect(f.client, &a.sa, addr_len(&a)) == 0)
		assert_int_equal(read(f.client, &c, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	stop(&f);
}

/* ---- slow and dead peers --------------------------------------------- */

/* Processor time of a process so far, in clock ticks. */
static unsigned long cpu_ticks(pid_t pid)
{
	autofree char *path = xasprintf("/proc/%d/stat", pid);
	autosb struct sb text = SB_INIT;
	unsigned long user, sys;

	assert_int_equal(file_read_at(AT_FDCWD, path, 4096, &text), 0);
	assert_int_equal(sscanf(strrchr(text.buf, ')') + 1,
				" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
				"%lu %lu",
				&user, &sys),
			 2);
	return user + sys;
}

/* It comes to rest: on a busy machine it may have work left at first. */
static void expect_idle(pid_t pid)
{
	unsigned long took = ULONG_MAX;

	for (int i = 0; i < 50 && took > 4; i++) {
		unsigned long before = cpu_ticks(pid);

		usleep(200000);
		took = cpu_ticks(pid) - before;
	}
	assert_in_range(took, 0, 4);
}

/* Fill the way from @from on, with @most at most, until nothing more goes in;
 * how much did. */
static uint64_t fill_with(int from, uint64_t most)
{
	static uint8_t buf[65536];
	uint64_t at = 0;

	for (int quiet = 0; quiet < 5 && at < most;) {
		size_t len = MIN(sizeof(buf), most - at);

		pattern(at, buf, len);
		ssize_t n = send(from, buf, len, MSG_DONTWAIT);

		if (n > 0)
			at += (uint64_t)n;
		quiet = n > 0 ? 0 : quiet + 1;
		if (n < 0)
			usleep(20000);
	}
	return at;
}

static uint64_t fill_up(int from)
{
	return fill_with(from, UINT64_MAX);
}

static void test_slow_reader(void **state unused_attr)
{
	struct fixture f;

	start(&f, "tcp", 0);
	join(&f);
	uint64_t sent = fill_up(f.accepted);

	print_message("%ju bytes under way\n", (uintmax_t)sent);
	expect_idle(f.pid);

	struct transfer all = { f.client, sent, 1 << 20 };

	shutdown(f.accepted, SHUT_WR);
	assert_int_equal(receiver(&all), 0);
	stop(&f);
}

/*
 * The client ended its half, then the server sent some and ended too, but the
 * client does not read: the proxy has a socket with data and EPOLLHUP that it
 * cannot empty.  How much that takes depends on buffers: try.
 */
static void test_hangup_under_pressure(void **state unused_attr)
{
	uint64_t most = 0;

	small_buffers(true);
	for (int part = 0; part <= 16; part++) {
		struct transfer all = { .chunk = 1 << 20 };
		struct fixture f;
		char c;

		start(&f, "tcp", 0);
		join(&f);
		shutdown(f.client, SHUT_WR);
		assert_int_equal(read(f.accepted, &c, 1), 0);
		all.size = fill_with(f.accepted, part ? most * part / 16 :
							UINT64_MAX);
		if (!part)
			most = all.size;
		close_fd(f.accepted);
		expect_idle(f.pid);

		all.fd = f.client;
		assert_int_equal(receiver(&all), 0);
		stop(&f);
	}
	small_buffers(false);
}

/* A reset while the other side reads nothing: no spinning, all is freed. */
static void test_reset_under_pressure(void **state unused_attr)
{
	struct fixture f;
	char c;

	start(&f, "tcp", 0);
	join(&f);
	fill_up(f.accepted);
	reset(&f.client);
	usleep(50000);
	expect_idle(f.pid);
	while (read(f.accepted, &c, 1) > 0)
		;
	assert_true(write(f.accepted, "x", 1) < 0 ||
		    write(f.accepted, "x", 1) < 0);
	stop(&f);
}

/* One connection that never stops does not keep a second one waiting. */
static int flood(void *arg)
{
	static char buf[1 << 18];

	while (write(*(int *)arg, buf, sizeof(buf)) > 0)
		;
	return 0;
}

static int drain(void *arg)
{
	static char buf[1 << 18];

	while (read(*(int *)arg, buf, sizeof(buf)) > 0)
		;
	return 0;
}

static void test_fairness(void **state unused_attr)
{
	struct fixture f;

	start(&f, "tcp", 0);
	join(&f);
	pid_t child[2] = { rig_spawn(0, flood, &f.client),
			   rig_spawn(0, drain, &f.accepted) };

	usleep(100000);
	for (int i = 0; i < 50; i++) {
		autoclose int client = dial(SOCK_STREAM);
		autoclose int server = accept4(f.server, NULL, NULL, 0);
		struct pollfd p = { server, POLLIN, 0 };
		char c;

		assert_return_code(server, errno);
		assert_int_equal(write(client, "x", 1), 1);
		assert_int_equal(poll(&p, 1, 20000), 1);
		assert_int_equal(read(server, &c, 1), 1);
	}
	rig_reap(child[0]);
	rig_reap(child[1]);
	stop(&f);
}

/* A pump comes back after its budget, however much there is to move. */
static void tcp_pair(int ret[2])
{
	union addr a = loopback(SERVER_PORT);
	autoclose int listener = make_socket(SOCK_STREAM);

	assert_return_code(bind(listener, &a.sa, addr_len(&a)), errno);
	assert_return_code(listen(listener, 1), errno);
	ret[0] = make_socket(SOCK_STREAM);
	assert_return_code(connect(ret[0], &a.sa, addr_len(&a)), errno);
	ret[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_return_code(ret[1], errno);
}

static void test_budget(void **state unused_attr)
{
	struct stream_env *env = xcalloc(1, sizeof(*env));
	struct stream s;
	int in[2], out[2];

	tcp_pair(in);
	tcp_pair(out);
	stream_init(&s);
	assert_true(fill_up(in[0]) > 2 << 20);
	fd_nonblock(out[0], true);
	assert_int_equal(stream_pump(&s, in[1], out[0], env), STREAM_READ);
	assert_in_range(s.moved, 1, 1 << 20);
	stream_done(&s, env);
	stream_env_done(env);
	free(env);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

/* ---- many ------------------------------------------------------------ */

#define CROWD 200

/* More clients than the proxy has descriptors: all are served in the end. */
static void test_descriptors_run_out(void **state unused_attr)
{
	int client[CROWD], served = 0;
	struct fixture f;

	start(&f, "tcp", 128);
	for (int i = 0; i < CROWD; i++) {
		client[i] = dial(SOCK_STREAM);
		assert_int_equal(write(client[i], &i, sizeof(i)), sizeof(i));
	}
	expect_idle(f.pid);
	for (; served < CROWD; served++) {
		autoclose int fd = accept4(f.server, NULL, NULL, SOCK_CLOEXEC);
		struct pollfd p = { fd, POLLIN, 0 };
		int who = -1;
		char c = 'y';

		assert_return_code(fd, errno);
		assert_int_equal(poll(&p, 1, 20000), 1);
		assert_int_equal(read(fd, &who, sizeof(who)), sizeof(who));
		assert_in_range(who, 0, CROWD - 1);
		assert_int_equal(write(fd, &c, 1), 1);
		assert_int_equal(read(client[who], &c, 1), 1);
		close_fd(client[who]);
	}
	expect_idle(f.pid);
	stop(&f);
}

/* ---- UDP ------------------------------------------------------------- */

static void test_datagrams(void **state unused_attr)
{
	static const size_t sizes[] = { 0, 1, 1472, 9000, 65507 };
	static uint8_t out[65507], in[65536];
	struct fixture f;

	start(&f, "udp", 0);
	f.client = dial(SOCK_DGRAM);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		union addr peer;
		socklen_t len = sizeof(peer);
		ssize_t want = (ssize_t)sizes[i];

		print_message("case: %zu bytes\n", sizes[i]);
		pattern(i, out, sizes[i]);
		assert_int_equal(send(f.client, out, sizes[i], 0), want);
		assert_int_equal(
			recvfrom(f.server, in, sizeof(in), 0, &peer.sa, &len),
			want);
		assert_memory_equal(in, out, sizes[i]);

		pattern(i + 77, out, sizes[i]);
		assert_int_equal(
			sendto(f.server, out, sizes[i], 0, &peer.sa, len),
			want);
		assert_int_equal(recv(f.client, in, sizeof(in), 0), want);
		assert_memory_equal(in, out, sizes[i]);
	}
	stop(&f);
}

/* Each client gets its own answers, and only those. */
static void test_datagrams_do_not_mix(void **state unused_attr)
{
	int client[50];
	struct fixture f;

	start(&f, "udp", 0);
	for (int i = 0; i < 50; i++) {
		client[i] = dial(SOCK_DGRAM);
		assert_int_equal(send(client[i], &i, sizeof(i), 0), sizeof(i));
	}
	for (int i = 0; i < 50; i++) {
		union addr peer;
		socklen_t len = sizeof(peer);
		int who;

		assert_int_equal(recvfrom(f.server, &who, sizeof(who), 0,
					  &peer.sa, &len),
				 sizeof(who));
		assert_int_equal(
			sendto(f.server, &who, sizeof(who), 0, &peer.sa, len),
			sizeof(who));
	}
	for (int i = 0; i < 50; i++) {
		int who = -1;

		assert_int_equal(recv(client[i], &who, sizeof(who), 0),
				 sizeof(who));
		assert_int_equal(who, i);
		close(client[i]);
	}
	stop(&f);
}

/* More clients than flows or descriptors: the oldest give way. */
static void test_flows_are_bounded(void **state unused_attr)
{
	struct fixture f;
	autofree char *count = NULL;

	start(&f, "udp", 100);
	for (int i = 0; i < 3000; i++) {
		autoclose int client = dial(SOCK_DGRAM);
		int who = -1;

		assert_int_equal(send(client, &i, sizeof(i), 0), sizeof(i));
		if (recv(f.server, &who, sizeof(who), 0) != sizeof(who))
			fail_msg("datagram %d is lost", i);
		assert_int_equal(who, i);
	}
	stop(&f);

	start(&f, "udp", 0);
	for (int i = 0; i < 3000; i++) {
		autoclose int client = dial(SOCK_DGRAM);
		int who = -1;

		assert_int_equal(send(client, &i, sizeof(i), 0), sizeof(i));
		assert_int_equal(recv(f.server, &who, sizeof(who), 0),
				 sizeof(who));
	}
	count = xasprintf("test $(ls /proc/%d/fd | wc -l) -lt 2100", f.pid);
	assert_int_equal(rig_sh(0, count), 0);
	stop(&f);
}

/* ---- configuration --------------------------------------------------- */

static const char *const bad_confs[] = {
	"",
	"exit 3\naddr 10.0.2.100\n",
	"exit 3\nlisten 4 tcp 80\n",
	"addr 10.0.2.100\nlisten 4 tcp 80\n",
	"exit 1\naddr 10.0.2.100\nlisten 4 tcp 80\n",
	"exit 3\naddr 10.0.2.100\nlisten 4 tcp 0\n",
	"exit 3\naddr 10.0.2.100\nlisten 4 tcp 65536\n",
	"exit 3\naddr 10.0.2.100\nlisten 4 sctp 80\n",
	"exit 3\naddr 10.0.2.100\nlisten -4 tcp 80\n",
	"exit 3\naddr 10.0.2.100\nlisten 4 tcp 80 x\n",
	"exit 3\naddr 10.0.2\nlisten 4 tcp 80\n",
	"exit 3\naddr 10.0.2.100\nlisten 4 tcp 80\ntransparent maybe\n",
	"exit 3\naddr 10.0.2.100\nlisten 4 tcp 80\nfoo bar\n",
};

static void test_configuration(void **state unused_attr)
{
	struct proxy *p = xcalloc(1, sizeof(*p));
	struct upstream up = { .transparent = true };
	int fds[] = { 7, 8 };
	struct port_map maps[] = {
		{ .ctr_port = 80, .range = 1, .proto = PORT_TCP },
		{ .ctr_port = 53, .range = 1, .proto = PORT_UDP },
	};
	struct port_socks socks = { .fd = fds, .map = maps, .n = 2 };
	autosb struct sb text = SB_INIT;

	addr_parse("10.0.2.100", 0, &up.v4);
	addr_parse("fd00::100", 0, &up.v6);
	autoclose int fd = memfd_create("conf", MFD_CLOEXEC);
	size_t n;

	assert_true(fd >= 0);
	assert_null(proxy_fds(NULL, &n));
	assert_null(proxy_fds("", &n));
	assert_int_equal(n, 0);
	assert_ok(proxy_conf_save(fd, &up, &socks, 5, err));
	/* whoever reads begins anew */
	for (int i = 0; i < 2; i++) {
		autofree char *conf = proxy_conf_read(fd);
		autofree int *named = proxy_fds(conf, &n);

		assert_int_equal(n, 3);
		assert_int_equal(named[0], 5);
		assert_int_equal(named[1], 7);
		assert_int_equal(named[2], 8);
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_all(fd, 4096, &text), 0);
	assert_ok(proxy_conf_parse(text.buf, p, err));
	assert_int_equal(p->exit_fd, 5);
	assert_true(p->up.transparent);
	assert_true(addr_eq(&p->up.v4, &up.v4));
	assert_true(addr_eq(&p->up.v6, &up.v6));
	assert_int_equal(p->n_listeners, 2);
	assert_int_equal(p->listeners[1].fd, 8);
	assert_int_equal(p->listeners[1].port, 53);
	assert_int_equal(p->listeners[1].proto, PORT_UDP);
	free(p->listeners);

	for (size_t i = 0; i < ARRAY_LEN(bad_confs); i++) {
		*p = (struct proxy){ .exit_fd = -EBADF };
		print_message("case: %s", bad_confs[i]);
		assert_fails(proxy_conf_parse(bad_confs[i], p, err), EINVAL);
		free(p->listeners);
	}
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test(test_bytes_arrive),
		unit_test(test_short_writes),
		unit_test(test_both_directions),
		unit_test(test_half_close),
		unit_test(test_reset_is_passed_on),
		unit_test(test_refused_is_a_reset),
		unit_test(test_slow_reader),
		unit_test(test_hangup_under_pressure),
		unit_test(test_reset_under_pressure),
		unit_test(test_fairness),
		unit_test(test_budget),
		unit_test(test_descriptors_run_out),
		unit_test(test_datagrams),
		unit_test(test_datagrams_do_not_mix),
		unit_test(test_flows_are_bounded),
		unit_test(test_configuration),
	};

	rig_enter();
	alarm(600);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
