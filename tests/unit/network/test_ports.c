/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "network/addr.h"
#include "network/network.h"
#include "tests/unit/network/rig.h"
#include "util/cleanup.h"
#include "util/str.h"

/* ---- syntax ---------------------------------------------------------- */

/* What is accepted, as "ip|host|container|range|proto". */
static const struct {
	const char *text;
	const char *want;
} good_cases[] = {
	{ "80", "|0|80|1|tcp" },
	{ "80/tcp", "|0|80|1|tcp" },
	{ "80/UDP", "|0|80|1|udp" },
	{ "8080:80", "|8080|80|1|tcp" },
	{ ":80", "|0|80|1|tcp" },
	{ "127.0.0.1:8080:80", "127.0.0.1|8080|80|1|tcp" },
	{ "127.0.0.1::80/udp", "127.0.0.1|0|80|1|udp" },
	{ "0.0.0.0:1:65535", "0.0.0.0|1|65535|1|tcp" },
	{ "[::1]:8080:80", "::1|8080|80|1|tcp" },
	{ "[::1]::80", "::1|0|80|1|tcp" },
	{ "[2001:DB8:0::1]:8080:80", "2001:db8::1|8080|80|1|tcp" },
	{ "[::]:8080:80", "::|8080|80|1|tcp" },
	{ "5000-5002:6000-6002", "|5000|6000|3|tcp" },
	{ "1-65535:1-65535/udp", "|1|1|65535|udp" },
	{ "080:80", "|80|80|1|tcp" },
};

static void test_port_parse(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(good_cases); i++) {
		struct port_list list = { 0 };
		char got[128];

		print_message("case: %s\n", good_cases[i].text);
		assert_ok(port_parse(good_cases[i].text, &list, err));
		assert_int_equal(list.n, 1);
		snprintf(got, sizeof(got), "%s|%u|%u|%u|%s", list.v[0].host_ip,
			 list.v[0].host_port, list.v[0].ctr_port,
			 list.v[0].range,
			 list.v[0].proto == PORT_TCP ? "tcp" : "udp");
		assert_string_equal(got, good_cases[i].want);
		port_list_done(&list);
	}
}

/* What is refused, and words that the message must hold. */
static const struct {
	const char *text;
	const char *words;
} bad_cases[] = {
	{ "", "non-empty container port" },
	{ "8080:", "non-empty container port" },
	{ "x", "parsing container port: invalid port number: 'x'" },
	{ "+80", "invalid port number" },
	{ " 80", "invalid port number" },
	{ "80:-1", "parsing container port" },
	{ "70000:80", "parsing host port: port numbers must be between 1 and "
		      "65535 (inclusive), got 70000" },
	{ "80:65536", "parsing container port: port numbers must be" },
	{ "0-1:80-81", "got 0" },
	{ "80:0", "got 0" },
	{ "80:0", "got 0" },
	{ "18446744073709551617:80", "must be between 1 and 65535" },
	{ "80/foo", "unrecognized protocol \"foo\" in port mapping" },
	{ "80/", "unrecognized protocol" },
	{ "80/tcp/udp", "protocol can only be specified once" },
	{ "1-3:1-2", "different lengths: 3 vs 2" },
	{ "8000-8010:80", "different lengths: 11 vs 1" },
	{ "3-1:3-1", "1 is not higher than 3" },
	{ "80-:80", "parsing host port" },
	{ "1-2-3:1-3", "parsing host port" },
	{ "[::1]:80", "must provide host and destination port" },
	{ "[::1]:80:80:80", "must be [ipv6]:hostPort:ctrPort" },
	{ "[::1]80", "followed by a colon" },
	{ "::1]:80:80", "enclosed by []" },
	{ "[::1:80:80", "enclosed by []" },
	{ "[::1]:[::1]:80", "at most one IPv6" },
	{ "::1:80:80", "format is [[hostIP:]hostPort:]containerPort" },
	{ "a:b:c:d", "format is [[hostIP:]hostPort:]containerPort" },
	{ "foo:80:80", "cannot parse \"foo\" as an IP address" },
	{ ":80:80", "non-empty container host IP" },
	{ "1.2.3.4:80", "parsing host port" },
	{ "[fe80::1%lo]:80:80", "cannot parse" },
};

static void test_port_parse_refuses(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
		struct port_list list = { 0 };
		struct err why = ERR_INIT;

		print_message("case: '%s'\n", bad_cases[i].text);
		assert_int_equal(port_parse(bad_cases[i].text, &list, &why),
				 -EINVAL);
		assert_int_equal(why.kind, ERR_USAGE);
		print_message("      %s\n", why.msg);
		assert_non_null(strstr(why.msg, bad_cases[i].words));
		assert_null(list.v);
	}
}

static void test_sctp_is_unsupported(void **state unused_attr)
{
	struct port_list list = { 0 };
	struct err why = ERR_INIT;

	assert_int_equal(port_parse("80:80/sctp", &list, &why),
			 -EPROTONOSUPPORT);
	assert_int_equal(why.kind, ERR_UNSUPPORTED);
}

/* A range without host ports: each port becomes random for itself. */
static void test_random_range_is_split(void **state unused_attr)
{
	struct port_list list = { 0 };

	assert_ok(port_parse("127.0.0.1::5000-5002/udp", &list, err));
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(list.v[i].ctr_port, 5000 + i);
		assert_int_equal(list.v[i].host_port, 0);
		assert_int_equal(list.v[i].range, 1);
		assert_int_equal(list.v[i].proto, PORT_UDP);
		assert_string_equal(list.v[i].host_ip, "127.0.0.1");
	}
	port_list_done(&list);
}

static void test_same_port_twice(void **state unused_attr)
{
	struct port_list list = { 0 };

	assert_ok(port_parse("8080:80", &list, err));
	assert_ok(port_parse("8080:80/tcp", &list, err));
	assert_int_equal(list.n, 1);
	assert_ok(port_parse("8080:80/udp", &list, err));
	assert_ok(port_parse("127.0.0.1:8080:80", &list, err));
	assert_int_equal(list.n, 3);
	port_list_done(&list);
}

static void test_expose(void **state unused_attr)
{
	struct port_list list = { 0 };

	assert_ok(port_parse_expose("80", &list, err));
	assert_ok(port_parse_expose("53/udp", &list, err));
	assert_ok(port_parse_expose("1000-1010/tcp", &list, err));
	assert_int_equal(list.n, 13);
	assert_int_equal(list.v[1].proto, PORT_UDP);
	assert_int_equal(list.v[12].ctr_port, 1010);

	assert_fails(port_parse_expose("80:80", &list, err), EINVAL);
	assert_fails(port_parse_expose("0", &list, err), EINVAL);
	assert_fails(port_parse_expose("", &list, err), EINVAL);
	assert_int_equal(list.n, 13);
	port_list_done(&list);
}

/* EXPOSE lines come from images: what they may cost is bounded. */
static void test_list_is_bounded(void **state unused_attr)
{
	struct port_list list = { 0 };

	assert_ok(port_parse_expose("1-65535/tcp", &list, err));
	assert_ok(port_parse_expose("1-65535/udp", &list, err));
	assert_fails(port_parse_expose("1-65535/tcp", &list, err), E2BIG);
	assert_int_equal(list.n, 2 * 65535);
	port_list_done(&list);
}

/* ---- sockets --------------------------------------------------------- */

static uint16_t port_of(int fd, int *ret_family)
{
	union addr a = { 0 };
	socklen_t len = sizeof(a);

	assert_return_code(getsockname(fd, &a.sa, &len), errno);
	*ret_family = a.sa.sa_family;
	return addr_port(&a);
}

static void bind_text(const char *text, struct port_list *list,
		      struct port_socks *socks)
{
	assert_ok(port_parse(text, list, err));
	assert_ok(ports_bind(list, socks, err));
}

static void test_random_is_equal_on_both_families(void **state unused_attr)
{
	struct port_list list = { 0 };
	struct port_socks s = { 0 };
	int family[2];

	bind_text("80", &list, &s);
	assert_int_equal(s.n, 2);
	assert_int_not_equal(list.v[0].host_port, 0);
	assert_int_equal(port_of(s.fd[0], &family[0]), list.v[0].host_port);
	assert_int_equal(port_of(s.fd[1], &family[1]), list.v[0].host_port);
	assert_int_equal(family[0], AF_INET);
	assert_int_equal(family[1], AF_INET6);
	assert_string_equal(s.map[0].host_ip, "0.0.0.0");
	assert_string_equal(s.map[1].host_ip, "::");
	port_socks_done(&s);
	port_list_done(&list);
}

static void test_address_in_use(void **state unused_attr)
{
	static const char *const protos[] = { "tcp", "udp" };

	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		struct port_list list = { 0 }, again = { 0 };
		struct port_socks s = { 0 }, none = { 0 };
		struct err why = ERR_INIT;
		autofree char *first = xasprintf("127.0.0.1::80/%s", protos[i]);
		char words[128];

		bind_text(first, &list, &s);
		autofree char *second =
			xasprintf("%u:80/%s", list.v[0].host_port, protos[i]);
		assert_ok(port_parse(second, &again, err));
		assert_int_equal(ports_bind(&again, &none, &why), -EADDRINUSE);
		assert_int_equal(why.kind, ERR_START);
		print_message("%s\n", why.msg);
		snprintf(words, sizeof(words),
			 "%s 0.0.0.0:%u: bind: address "
			 "already in use",
			 protos[i], list.v[0].host_port);
		assert_non_null(strstr(why.msg, words));
		assert_null(none.fd);

		/* free again once the sockets are closed */
		port_socks_done(&s);
		assert_ok(ports_bind(&again, &none, err));
		port_socks_done(&none);
		port_list_done(&list);
		port_list_done(&again);
	}
}

/* A conflict in the middle of a range leaves none of it bound. */
static void test_range_is_all_or_nothing(void **state unused_attr)
{
	struct port_list list = { 0 }, range = { 0 };
	struct port_socks s = { 0 }, r = { 0 };

	bind_text("127.0.0.1::80", &list, &s);
	uint16_t taken = list.v[0].host_port;
	autofree char *text =
		xasprintf("127.0.0.1:%u-%u:1-3", taken - 2, taken);
	assert_ok(port_parse(text, &range, err));
	assert_fails(ports_bind(&range, &r, err), EADDRINUSE);
	port_socks_done(&s);

	assert_ok(ports_bind(&range, &r, err));
	assert_int_equal(r.n, 3);
	assert_int_equal(r.map[2].host_port, taken);
	assert_int_equal(r.map[2].ctr_port, 3);
	port_socks_done(&r);
	port_list_done(&list);
	port_list_done(&range);
}

static void test_foreign_address(void **state unused_attr)
{
	struct port_list list = { 0 };
	struct port_socks s = { 0 };
	struct err why = ERR_INIT;

	assert_ok(port_parse("192.0.2.1:8080:80", &list, err));
	assert_int_equal(ports_bind(&list, &s, &why), -EADDRNOTAVAIL);
	assert_non_null(strstr(why.msg, "192.0.2.1:8080"));
	assert_non_null(strstr(why.msg, "cannot assign requested address"));
	port_list_done(&list);
}

static void test_nofile_is_raised_and_restored(void **state unused_attr)
{
	struct port_list list = { 0 };
	struct port_socks s = { 0 };
	struct err why = ERR_INIT;
	struct rlimit old, lim;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	lim = (struct rlimit){ 64, 512 };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);

	assert_ok(port_parse("127.0.0.1::20000-20199", &list, err));
	assert_ok(ports_bind(&list, &s, err));
	assert_int_equal(s.n, 200);
	port_socks_done(&s);
	getrlimit(RLIMIT_NOFILE, &lim);
	assert_int_equal(lim.rlim_cur, 64);

	assert_ok(port_parse("127.0.0.1::30000-30399", &list, err));
	assert_int_equal(ports_bind(&list, &s, &why), -EMFILE);
	assert_non_null(strstr(why.msg, "hard limit is 512"));
	port_list_done(&list);

	lim.rlim_cur = 512;
	setrlimit(RLIMIT_NOFILE, &lim);
}

/* ---- in a network of our own ----------------------------------------- */

/*
 * A random number is free for all families, or another one is taken.  (The
 * kernel looks in the lower half of the range, odd numbers first.)
 */
static void test_random_conflict(void **state unused_attr)
{
	struct port_list list = { 0 };
	struct port_socks s = { 0 }, taken = { 0 };
	struct port_list v6 = { 0 };

	assert_int_equal(rig_sh(0, "sysctl -qw net.ipv4.ip_local_port_range="
				   "'40000 40007'"),
			 0);
	for (int i = 0; i < 20; i++) {
		assert_ok(port_parse("[::]:40000-40002:1-3", &v6, err));
		assert_ok(ports_bind(&v6, &taken, err));
		bind_text("80", &list, &s);
		assert_int_equal(list.v[0].host_port, 40003);
		assert_int_equal(s.n, 2);
		port_socks_done(&s);
		port_socks_done(&taken);
		port_list_done(&list);
		port_list_done(&v6);
	}
	assert_int_equal(rig_sh(0, "sysctl -qw net.ipv4.ip_local_port_range="
				   "'32768 60999'"),
			 0);
}

/* Fixed port, IPv6 side taken by somebody: published on IPv4 alone. */
static void test_v6_is_optional(void **state unused_attr)
{
	struct port_list list = { 0 }, v6 = { 0 };
	struct port_socks s = { 0 }, taken = { 0 };

	bind_text("[::]:8080:80", &v6, &taken);
	bind_text("8080:80", &list, &s);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.map[0].host_ip, "0.0.0.0");
	port_socks_done(&s);

	/* asked for by name it is an error */
	assert_fails(ports_bind(&v6, &s, err), EADDRINUSE);
	port_socks_done(&taken);
	port_list_done(&list);
	port_list_done(&v6);
}

static int bind_privileged(void *arg unused_attr)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { 0 };
	struct port_list list = { 0 };
	struct port_socks s = { 0 };
	struct err why = ERR_INIT;
	int r;

	if (syscall(SYS_capset, &h, none) < 0 ||
	    port_parse("80:80", &list, &why) < 0)
		return 1;
	r = ports_bind(&list, &s, &why);
	print_message("%s\n", why.msg);
	port_list_done(&list);
	return r != -EACCES || why.kind != ERR_START ||
	       !strstr(why.msg, "privileged port 80") ||
	       !strstr(why.msg,
		       "sudo sysctl net.ipv4.ip_unprivileged_port_start=80");
}

static void test_privileged_port(void **state unused_attr)
{
	assert_int_equal(rig_run(0, bind_privileged, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test(test_port_parse),
		unit_test(test_port_parse_refuses),
		unit_test(test_sctp_is_unsupported),
		unit_test(test_random_range_is_split),
		unit_test(test_same_port_twice),
		unit_test(test_expose),
		unit_test(test_list_is_bounded),
		unit_test(test_random_is_equal_on_both_families),
		unit_test(test_address_in_use),
		unit_test(test_range_is_all_or_nothing),
		unit_test(test_foreign_address),
		unit_test(test_nofile_is_raised_and_restored),
		unit_test(test_random_conflict),
		unit_test(test_v6_is_optional),
		unit_test(test_privileged_port),
	};

	rig_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
