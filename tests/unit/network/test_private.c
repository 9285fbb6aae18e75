/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/addr.h"
#include "network/network.h"
#include "tests/unit/network/rig.h"
#include "util/cleanup.h"
#include "util/proc.h"
#include "util/str.h"

/*
 * A private network as a whole: tap, slirp4netns, published ports, real
 * namespaces (rig.h).
 */

static pid_t publish(struct rig *rig, const char *const *ports, int *ret_leash)
{
	struct port_list list = { 0 };
	struct port_socks socks = { 0 };
	struct proxy_proc proxy = PROXY_PROC_INIT;

	for (; *ports; ports++)
		assert_ok(port_parse(*ports, &list, err));
	assert_ok(ports_bind(&list, &socks, err));
	*ret_leash = leash_make(NULL);
	assert_true(*ret_leash >= 0);
	assert_ok(proxy_spawn(rig->init, &socks, *ret_leash, -EBADF, &proxy,
			      err));
	port_socks_done(&socks);
	port_list_done(&list);
	proxy_proc_done(&proxy);
	return proxy.pid;
}

/* Letting go is how the monitor ends it. */
static void unpublish(pid_t pid, int leash)
{
	close(leash);
	assert_int_equal(proc_wait(pid), 0);
}

static const char *const web_ports[] = { "8080:80", "8080:80/udp", NULL };

/* Who asks where, and which address the server must see. */
static const struct {
	const char *name;
	bool from_host;
	bool udp;
	const char *to;
	const char *seen; /* NULL: exactly what the client itself sees */
} seen_cases[] = {
	{ "tcp, other machine", false, false, RIG_HOST, NULL },
	{ "tcp, other machine, v6", false, false, RIG_HOST6, NULL },
	{ "udp, other machine", false, true, RIG_HOST, NULL },
	{ "udp, other machine, v6", false, true, RIG_HOST6, NULL },
	{ "tcp, host by its address", true, false, RIG_HOST, NULL },
	{ "tcp, host by its address, v6", true, false, RIG_HOST6, NULL },
	{ "udp, host by its address", true, true, RIG_HOST, NULL },
	{ "udp, host by its address, v6", true, true, RIG_HOST6, NULL },
	{ "tcp, loopback", true, false, "127.0.0.1", "10.0.2.100:" },
	{ "tcp, loopback, v6", true, false, "::1", "[fd00::100]:" },
	{ "udp, loopback", true, true, "127.0.0.1", "10.0.2.100:" },
	{ "udp, loopback, v6", true, true, "::1", "[fd00::100]:" },
};

static void test_client_address(void **state unused_attr)
{
	struct rig rig;
	int leash;

	rig_start(&rig, true);
	pid_t proxy = publish(&rig, web_ports, &leash);
	pid_t server = rig_server(rig.init, 80, false);

	for (size_t i = 0; i < ARRAY_LEN(seen_cases); i++) {
		char seen[RIG_TEXT], own[RIG_TEXT];
		pid_t from = seen_cases[i].from_host ? 0 : rig.client;
		const char *want = seen_cases[i].seen;

		/* twice: the second time everything is warm */
		for (int round = 0; round < 2; round++) {
			int r = rig_ask(from, seen_cases[i].udp,
					seen_cases[i].to, 8080, seen, own);

			print_message("case: %s: %s, server saw %s\n",
				      seen_cases[i].name, own, seen);
			assert_int_equal(r, 0);
			if (want)
				assert_true(str_starts(seen, want));
			else
				assert_string_equal(seen, own);
		}
	}
	rig_reap(server);
	unpublish(proxy, leash);
	rig_stop(&rig);
}

/* ---- more of published ports ----------------------------------------- */

/* An IPv6 client of a server that listens on IPv4 only. */
static void test_v6_client_of_v4_server(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	int leash;

	rig_start(&rig, true);
	pid_t proxy = publish(&rig, web_ports, &leash);
	pid_t server = rig_server(rig.init, 80, true);

	for (int udp = 0; udp < 2; udp++) {
		assert_int_equal(
			rig_ask(rig.client, udp, RIG_HOST6, 8080, seen, own),
			0);
		assert_true(str_starts(seen, "10.0.2.100:"));
	}
	rig_reap(server);
	unpublish(proxy, leash);
	rig_stop(&rig);
}

/* The container has no IPv6 address at all. */
static void test_v4_only_container(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	int leash;

	rig_start(&rig, false);
	pid_t proxy = publish(&rig, web_ports, &leash);
	pid_t server = rig_server(rig.init, 80, false);

	for (int udp = 0; udp < 2; udp++) {
		assert_int_equal(
			rig_ask(rig.client, udp, RIG_HOST, 8080, seen, own), 0);
		assert_string_equal(seen, own);
		assert_int_equal(
			rig_ask(rig.client, udp, RIG_HOST6, 8080, seen, own),
			0);
		assert_true(str_starts(seen, "10.0.2.100:"));
	}
	rig_reap(server);
	unpublish(proxy, leash);
	rig_stop(&rig);
}

/* Answers to a client in the container's own subnet would never come back. */
static void test_client_in_the_same_subnet(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	int leash;

	rig_start(&rig, true);
	assert_int_equal(rig_sh(0, "ip addr add 10.0.2.1/24 dev h0"), 0);
	assert_int_equal(rig_sh(rig.client, "ip addr add 10.0.2.77/24 dev c0"),
			 0);
	pid_t proxy = publish(&rig, web_ports, &leash);
	pid_t server = rig_server(rig.init, 80, false);

	for (int udp = 0; udp < 2; udp++) {
		assert_int_equal(
			rig_ask(rig.client, udp, "10.0.2.1", 8080, seen, own),
			0);
		assert_true(str_starts(own, "10.0.2.77:"));
		assert_true(str_starts(seen, "10.0.2.100:"));
	}
	rig_reap(server);
	unpublish(proxy, leash);
	rig_stop(&rig);
}

/* Nobody serves the port: the client is told, by a reset. */
static void test_no_server(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	int leash;

	rig_start(&rig, true);
	pid_t proxy = publish(&rig, web_ports, &leash);

	assert_int_equal(rig_ask(rig.client, false, RIG_HOST, 8080, seen, own),
			 ECONNRESET);
	assert_int_equal(rig_ask(rig.client, false, RIG_HOST6, 8080, seen, own),
			 ECONNRESET);

	/* and a server that comes later is found */
	pid_t server = rig_server(rig.init, 80, false);

	assert_int_equal(rig_ask(rig.client, false, RIG_HOST, 8080, seen, own),
			 0);
	rig_reap(server);
	unpublish(proxy, leash);

	/* the port is free again: nothing else holds a listener */
	assert_int_equal(rig_ask(rig.client, false, RIG_HOST, 8080, seen, own),
			 ECONNREFUSED);
	rig_stop(&rig);
}

/* A server on the container's own loopback is not published. */
static int loopback_server(void *arg)
{
	union addr a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr_parse("127.0.0.1", 80, &a);
	if (fd < 0 || bind(fd, &a.sa, addr_len(&a)) < 0 || listen(fd, 8) < 0)
		return 1;
	if (write(*(int *)arg, "r", 1) != 1)
		return 1;
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC) >= 0;
}

static void test_loopback_is_not_published(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT], c;
	struct rig rig;
	int leash, ready[2];

	rig_start(&rig, true);
	pid_t proxy = publish(&rig, web_ports, &leash);

	assert_int_equal(pipe(ready), 0);
	pid_t server = rig_spawn(rig.init, loopback_server, &ready[1]);

	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(rig_ask(rig.client, false, RIG_HOST, 8080, seen, own),
			 ECONNRESET);
	assert_int_equal(rig_ask(0, false, "127.0.0.1", 8080, seen, own),
			 ECONNRESET);
	rig_reap(server);
	close(ready[0]);
	close(ready[1]);
	unpublish(proxy, leash);
	rig_stop(&rig);
}

/* A host with several addresses answers from the one that was asked. */
static void test_answers_leave_from_the_right_address(void **state unused_attr)
{
	static const char *const second[] = { "192.168.77.9", "fd77::9" };
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	int leash;

	rig_start(&rig, true);
	assert_int_equal(rig_sh(0, "ip addr add 192.168.77.9/24 dev h0;"
				   "ip addr add fd77::9/64 dev h0 nodad"),
			 0);
	pid_t proxy = publish(&rig, web_ports, &leash);
	pid_t server = rig_server(rig.init, 80, false);

	for (size_t i = 0; i < ARRAY_LEN(second); i++) {
		print_message("case: %s\n", second[i]);
		assert_int_equal(
			rig_ask(rig.client, true, second[i], 8080, seen, own),
			0);
		assert_string_equal(seen, own);
	}
	rig_reap(server);
	unpublish(proxy, leash);
	rig_stop(&rig);
}

/* ---- one client port, again and again -------------------------------- */

#define FIXED_PORT 40001

struct fixed {
	uint16_t to[2]; /* published ports, 0 = none */
	int out_fd;
};

/* Connect from FIXED_PORT to both, both open at a time; whom do they see? */
static int fixed_client(void *arg)
{
	struct fixed *f = arg;
	char text[2][RIG_TEXT] = { "", "" };
	int fd[2], on = 1;

	for (int i = 0; i < 2 && f->to[i]; i++) {
		union addr own, to;

		addr_parse(RIG_CLIENT, FIXED_PORT, &own);
		addr_parse(RIG_HOST, f->to[i], &to);
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(fd[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd[i], &own.sa, addr_len(&own)) < 0 ||
		    connect(fd[i], &to.sa, addr_len(&to)) < 0)
			return errno;
		if (read(fd[i], text[i], RIG_TEXT - 1) <= 0)
			return errno ? errno : EPIPE;
	}
	/* end the first in order, so that TIME_WAIT is in the container */
	shutdown(fd[0], SHUT_WR);
	while (read(fd[0], text[0] + RIG_TEXT - 1, 1) > 0)
		;
	text[0][RIG_TEXT - 1] = '\0';
	return write(f->out_fd, text, sizeof(text)) != sizeof(text);
}

static void fixed_ask(struct rig *rig, struct fixed *f, char text[2][RIG_TEXT])
{
	int out[2];

	assert_int_equal(pipe(out), 0);
	f->out_fd = out[1];
	assert_int_equal(rig_run(rig->client, fixed_client, f), 0);
	assert_int_equal(read(out[0], text, 2 * RIG_TEXT), 2 * RIG_TEXT);
	close(out[0]);
	close(out[1]);
}

static void test_same_client_port(void **state unused_attr)
{
	static const char *const ports[] = { "8080:80", "8081:80", NULL };
	struct fixed two = { .to = { 8080, 8081 } };
	struct fixed one = { .to = { 8080 } };
	char text[2][RIG_TEXT];
	struct rig rig;
	int leash;

	rig_start(&rig, true);
	/* the client itself shall be free to come back at once */
	assert_int_equal(rig_sh(rig.client, "sysctl -qw net.ipv4."
					    "tcp_max_tw_buckets=0"),
			 0);
	pid_t proxy = publish(&rig, ports, &leash);
	pid_t server = rig_server(rig.init, 80, false);

	/* the second one cannot have the same address towards one server */
	fixed_ask(&rig, &two, text);
	assert_string_equal(text[0], RIG_CLIENT ":40001\n");
	assert_true(str_starts(text[1], "10.0.2.100:"));

	/* TIME_WAIT of the last connection does not cost the address */
	fixed_ask(&rig, &one, text);
	assert_string_equal(text[0], RIG_CLIENT ":40001\n");

	rig_reap(server);
	unpublish(proxy, leash);
	rig_stop(&rig);
}

/* ---- slirp4netns ----------------------------------------------------- */

/* Of the slirp4netns that runs */
static int rig_leash = -EBADF;

static void slirp_start(struct rig *rig, struct slirp *s)
{
	*s = (struct slirp)SLIRP_INIT;
	rig_leash = leash_make(NULL);
	assert_true(rig_leash >= 0);
	assert_ok(slirp_spawn(rig->init, rig_leash, s, err));
	assert_ok(slirp_wait(s, 30000, err));
}

static void slirp_stop(struct slirp *s)
{
	/* its leash is all that keeps it */
	slirp_done(s);
	close_fd(rig_leash);
	assert_int_equal(proc_wait(s->pid), 0);
}

static void test_outbound(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	struct slirp s;

	rig_start(&rig, true);
	slirp_start(&rig, &s);
	pid_t other = rig_server(rig.client, 7000, false);
	pid_t host = rig_server(0, 7000, false);

	/* another machine and the host's own address, both families */
	static const char *const reach[] = { RIG_CLIENT, RIG_CLIENT6, RIG_HOST,
					     RIG_HOST6 };

	for (size_t i = 0; i < ARRAY_LEN(reach); i++) {
		print_message("case: %s\n", reach[i]);
		assert_int_equal(
			rig_ask(rig.init, false, reach[i], 7000, seen, own), 0);
		assert_true(str_starts(
			seen, strchr(reach[i], ':') ? "[fd77::1]:" : RIG_HOST));
	}
	assert_int_equal(rig_ask(rig.init, true, RIG_CLIENT, 7000, seen, own),
			 0);

	/* but never what listens on the host's loopback */
	static const char *const forbidden[] = { NET_SLIRP_GATEWAY,
						 NET_SLIRP_DNS, "127.0.0.1",
						 NET_SLIRP_GATEWAY6, "::1" };

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		print_message("case: %s\n", forbidden[i]);
		assert_int_not_equal(
			rig_ask(rig.init, false, forbidden[i], 7000, seen, own),
			0);
	}
	rig_reap(other);
	rig_reap(host);
	slirp_stop(&s);
	rig_stop(&rig);
}

/* Published ports do not get in the way of what the container sends. */
static int send_from_published(void *arg)
{
	struct fixed *f = arg;
	char text[2][RIG_TEXT] = { "", "" };
	union addr own, to;
	int on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval wait = { .tv_sec = 30 };

	addr_parse("0.0.0.0", 80, &own);
	addr_parse(RIG_CLIENT, 7000, &to);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (bind(fd, &own.sa, addr_len(&own)) < 0 ||
	    sendto(fd, "who", 3, 0, &to.sa, addr_len(&to)) < 0 ||
	    recv(fd, text[0], RIG_TEXT - 1, 0) < 0)
		return errno;
	return write(f->out_fd, text, sizeof(text)) != sizeof(text);
}

static void test_udp_server_sends_first(void **state unused_attr)
{
	struct fixed f = { .out_fd = -EBADF };
	char text[2][RIG_TEXT], seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	struct slirp s;
	int leash, out[2];

	rig_start(&rig, true);
	slirp_start(&rig, &s);
	pid_t proxy = publish(&rig, web_ports, &leash);
	pid_t other = rig_server(rig.client, 7000, false);

	/* some other client is being served meanwhile */
	pid_t server = rig_server(rig.init, 80, false);

	assert_int_equal(rig_ask(0, true, RIG_HOST, 8080, seen, own), 0);
	assert_string_equal(seen, own);
	rig_reap(server);

	assert_int_equal(pipe(out), 0);
	f.out_fd = out[1];
	assert_int_equal(rig_run(rig.init, send_from_published, &f), 0);
	assert_int_equal(read(out[0], text, sizeof(text)), sizeof(text));
	assert_true(str_starts(text[0], RIG_HOST ":"));
	close(out[0]);
	close(out[1]);

	rig_reap(other);
	unpublish(proxy, leash);
	slirp_stop(&s);
	rig_stop(&rig);
}

/* The kernel does not choose a published port for an outgoing connection. */
static void test_published_port_is_reserved(void **state unused_attr)
{
	static const char *const ports[] = { "8080:50000", NULL };
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	struct slirp s;
	int leash;

	rig_start(&rig, true);
	slirp_start(&rig, &s);
	assert_int_equal(rig_sh(rig.init, "sysctl -qw net.ipv4."
					  "ip_local_port_range='50000 50001'"),
			 0);
	pid_t proxy = publish(&rig, ports, &leash);
	pid_t other = rig_server(rig.client, 7000, false);

	/* connect(2) prefers even numbers: it would take the published one */
	assert_int_equal(rig_ask(rig.init, false, RIG_CLIENT, 7000, seen, own),
			 0);
	assert_string_equal(own, "10.0.2.100:50001");
	rig_reap(other);
	unpublish(proxy, leash);
	slirp_stop(&s);
	rig_stop(&rig);
}

/* slirp4netns dies: addresses stay, published ports too, a new one attaches */
static void test_slirp_restart(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct rig rig;
	struct slirp s;
	int leash;

	rig_start(&rig, true);
	slirp_start(&rig, &s);
	pid_t proxy = publish(&rig, web_ports, &leash);
	pid_t server = rig_server(rig.init, 80, false);
	pid_t other = rig_server(rig.client, 7000, false);

	rig_reap(s.pid);
	slirp_done(&s);
	close_fd(rig_leash);
	assert_int_equal(rig_ask(rig.client, false, RIG_HOST, 8080, seen, own),
			 0);
	assert_string_equal(seen, own);

	slirp_start(&rig, &s);
	assert_int_equal(rig_ask(rig.init, false, RIG_CLIENT, 7000, seen, own),
			 0);
	rig_reap(other);
	rig_reap(server);
	unpublish(proxy, leash);
	slirp_stop(&s);
	rig_stop(&rig);
}

/* Its own words reach the user. */
static void test_slirp_fails(void **state unused_attr)
{
	struct slirp s = SLIRP_INIT;
	struct err why = ERR_INIT;
	struct rig rig;

	rig_start(&rig, true);
	rig_reap(rig.init);
	autoclose int leash = leash_make(NULL);
	assert_ok(slirp_spawn(rig.init, leash, &s, err));
	assert_int_equal(slirp_wait(&s, 30000, &why), -EPIPE);
	print_message("%s\n", why.msg);
	assert_int_equal(why.kind, ERR_START);
	assert_non_null(strstr(why.msg, "slirp4netns ended: "));
	assert_null(strstr(why.msg, "no reason given"));
	slirp_done(&s);
	proc_wait(s.pid);
	rig_reap(rig.client);
}

/* ---- what may be missing on a host ----------------------------------- */

static int without_slirp(void *arg unused_attr)
{
	struct slirp s = SLIRP_INIT;
	struct err why = ERR_INIT;

	/* a file that is not executable instead */
	if (rig_hide("/etc/passwd", "/usr/bin/slirp4netns") < 0 ||
	    slirp_spawn(1, -EBADF, &s, &why) != -ENOENT ||
	    why.kind != ERR_START)
		return 1;
	print_message("%s\n", why.msg);
	return !strstr(why.msg, "apt-get install slirp4netns") ||
	       !strstr(why.msg, "--network none or host");
}

static int without_tun(void *arg unused_attr)
{
	struct net_tap tap = { .ipv6 = true };
	struct err why = ERR_INIT;

	if (rig_hide("/var/empty-for-sure", "/dev/net") < 0 ||
	    net_tap_setup(&tap, &why) != -ENOENT || why.kind != ERR_START)
		return 1;
	print_message("%s\n", why.msg);
	return !strstr(why.msg, "/dev/net/tun") ||
	       !strstr(why.msg, "modprobe tun");
}

static void test_missing_program_and_device(void **state unused_attr)
{
	assert_int_equal(rig_run(0, without_slirp, NULL), 0);
	assert_int_equal(rig_run(0, without_tun, NULL), 0);
}

/* ---- the proxy as a program ------------------------------------------ */

/* As in real life: this very binary is what proxy_spawn() execs. */
static void test_proxy_program(void **state unused_attr)
{
	char seen[RIG_TEXT], own[RIG_TEXT];
	struct port_list list = { 0 };
	struct port_socks socks = { 0 };
	struct rig rig;
	struct proxy_proc proxy = PROXY_PROC_INIT;
	int leash;
	autoclose int self = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	assert_return_code(self, errno);
	rig_start(&rig, true);
	assert_ok(port_parse("8080:80", &list, err));
	assert_ok(port_parse("8080:80/udp", &list, err));
	assert_ok(ports_bind(&list, &socks, err));
	leash = leash_make(NULL);
	assert_true(leash >= 0);
	assert_ok(proxy_spawn(rig.init, &socks, leash, self, &proxy, err));
	port_list_done(&list);
	pid_t server = rig_server(rig.init, 80, false);

	for (int udp = 0; udp < 2; udp++) {
		assert_int_equal(
			rig_ask(rig.client, udp, RIG_HOST, 8080, seen, own), 0);
		assert_string_equal(seen, own);
	}

	/* only what transparent sockets need is left of its privileges */
	autofree char *check =
		xasprintf("grep -q '^CapEff:.*0000003400$' /proc/%d/status &&"
			  "grep -q '^NoNewPrivs:.*1$' /proc/%d/status",
			  proxy.pid, proxy.pid);
	assert_int_equal(rig_sh(0, check), 0);

	/* killed, and another one in its place: the same ports, addresses */
	kill(proxy.pid, SIGKILL);
	assert_int_equal(proc_wait(proxy.pid), 128 + SIGKILL);
	autofree char *conf = proxy_conf_read(proxy.conf_fd);
	proxy_proc_done(&proxy);
	proxy.pid = proxy_respawn(rig.init, conf, self, NULL);
	assert_true(proxy.pid > 0);
	for (int udp = 0; udp < 2; udp++) {
		assert_int_equal(
			rig_ask(rig.client, udp, RIG_HOST, 8080, seen, own), 0);
		assert_string_equal(seen, own);
	}

	rig_reap(server);
	unpublish(proxy.pid, leash);
	port_socks_done(&socks);
	rig_stop(&rig);
}

/* The namespace is gone: one clear error, no process left. */
static void test_proxy_without_container(void **state unused_attr)
{
	struct port_list list = { 0 };
	struct port_socks socks = { 0 };
	struct err why = ERR_INIT;
	struct rig rig;
	struct proxy_proc proxy = PROXY_PROC_INIT;

	rig_start(&rig, true);
	assert_ok(port_parse("8080:80", &list, err));
	assert_ok(ports_bind(&list, &socks, err));
	kill(rig.init, SIGKILL);
	siginfo_t info;
	assert_int_equal(
		waitid(P_PID, (id_t)rig.init, &info, WEXITED | WNOWAIT), 0);
	autoclose int leash = leash_make(NULL);
	assert_true(proxy_spawn(rig.init, &socks, leash, -EBADF, &proxy, &why) <
		    0);
	print_message("%s\n", why.msg);
	assert_non_null(strstr(why.msg, "start the port proxy"));
	assert_int_equal(proxy.conf_fd, -EBADF);
	port_socks_done(&socks);
	port_list_done(&list);
	rig_stop(&rig);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		unit_test(test_client_address),
		unit_test(test_v6_client_of_v4_server),
		unit_test(test_v4_only_container),
		unit_test(test_client_in_the_same_subnet),
		unit_test(test_no_server),
		unit_test(test_loopback_is_not_published),
		unit_test(test_answers_leave_from_the_right_address),
		unit_test(test_same_client_port),
		unit_test(test_outbound),
		unit_test(test_udp_server_sends_first),
		unit_test(test_published_port_is_reserved),
		unit_test(test_slirp_restart),
		unit_test(test_slirp_fails),
		unit_test(test_missing_program_and_device),
		unit_test(test_proxy_program),
		unit_test(test_proxy_without_container),
	};
	int fd;

	if (argc == 3 && streq(argv[1], "proxy") &&
	    parse_int(argv[2], &fd) == 0)
		return proxy_main(fd);

	rig_enter();
	alarm(600);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
