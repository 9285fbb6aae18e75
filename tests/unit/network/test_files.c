/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "network/addr.h"
#include "network/files.h"
#include "network/network.h"
#include "util/sb.h"

/* ---- resolv.conf ----------------------------------------------------- */

#define WORDS(...) ((char **)(const char *[]){ __VA_ARGS__, NULL })

static const struct {
	const char *name;
	const char *base;
	bool private_net;
	char **dns;
	char **search;
	char **options;
	const char *want;
} resolv_cases[] = {
	{ "empty host file", "", true, NULL, NULL, NULL,
	  "nameserver 10.0.2.3\n" },
	{ "empty host file, host network", "", false, NULL, NULL, NULL, "" },
	{ "servers behind ours", "nameserver 9.9.9.9\nnameserver 2620:fe::fe\n",
	  true, NULL, NULL, NULL,
	  "nameserver 10.0.2.3\nnameserver 9.9.9.9\nnameserver 2620:fe::fe\n" },
	{ "loopback and link-local servers are of no use",
	  "nameserver 127.0.0.53\nnameserver ::1\nnameserver fe80::1%eth0\n"
	  "nameserver fe80::1\nnameserver 192.168.1.1\n",
	  true, NULL, NULL, NULL,
	  "nameserver 10.0.2.3\nnameserver 192.168.1.1\n" },
	{ "host network keeps them", "nameserver 127.0.0.53\n", false, NULL,
	  NULL, NULL, "nameserver 127.0.0.53\n" },
	{ "search and options",
	  "# made by hand\noptions edns0 trust-ad\n\tsearch a.example\n"
	  "nameserver\t1.1.1.1 # comment\nsearch b.example c.example\r\n",
	  false, NULL, NULL, NULL,
	  "search b.example c.example\nnameserver 1.1.1.1\n"
	  "options edns0 trust-ad\n" },
	{ "domain", "domain a.example\n; no\nbogus x\nnameserver\n", false,
	  NULL, NULL, NULL, "search a.example\n" },
	{ "given ones replace",
	  "search a.example\nnameserver 1.1.1.1\noptions x\n", true,
	  WORDS("8.8.8.8", "8.8.4.4"), WORDS("s.example"), WORDS("ndots:2"),
	  "search s.example\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n"
	  "options ndots:2\n" },
	{ "a dot is no search list", "search a.example\nnameserver 1.1.1.1\n",
	  false, NULL, WORDS("."), NULL, "nameserver 1.1.1.1\n" },
	{ "no newline at the end", "nameserver 1.1.1.1", false, NULL, NULL,
	  NULL, "nameserver 1.1.1.1\n" },
};

static void test_resolv_conf(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(resolv_cases); i++) {
		autosb struct sb out = SB_INIT;

		print_message("case: %s\n", resolv_cases[i].name);
		resolv_conf_make(resolv_cases[i].base,
				 resolv_cases[i].private_net,
				 resolv_cases[i].dns, resolv_cases[i].search,
				 resolv_cases[i].options, &out);
		assert_string_equal(out.buf, resolv_cases[i].want);
	}
}

/* ---- hosts ----------------------------------------------------------- */

#define BASE "127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n"

static const struct {
	const char *name;
	struct hosts hosts;
	const char *want;
} hosts_cases[] = {
	{ "private network",
	  { BASE, NULL, "192.168.1.5", "10.0.2.100", "0123456789ab", "web" },
	  BASE "192.168.1.5\thost.containers.internal host.docker.internal\n"
	       "10.0.2.100\t0123456789ab web\n" },
	{ "added ones are first",
	  { BASE, WORDS("a:1.2.3.4", "b;c:::1", "gw:host-gateway"), "10.9.9.9",
	    NULL, NULL, NULL },
	  "1.2.3.4\ta\n::1\tb c\n10.9.9.9\tgw\n" BASE
	  "10.9.9.9\thost.containers.internal host.docker.internal\n" },
	{ "no way to the host",
	  { BASE, WORDS("gw:host-gateway"), NULL, "127.0.0.1", "id", "name" },
	  BASE "127.0.0.1\tid name\n" },
	{ "host's names of its own stay, ours go",
	  { BASE "127.0.1.1\tmachine.example machine\n# a comment\n\n"
		 "10.0.2.100 oldid web # from outside\n"
		 "10.8.8.8 host.containers.internal host.docker.internal\n",
	    NULL, "1.1.1.1", "10.0.2.100", "id", "web" },
	  BASE "127.0.1.1\tmachine.example machine\n# a comment\n\n"
	       "10.0.2.100\toldid\n"
	       "1.1.1.1\thost.containers.internal host.docker.internal\n"
	       "10.0.2.100\tid web\n" },
	{ "localhost is made where it is missing",
	  { "", NULL, NULL, NULL, NULL, NULL },
	  "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
	{ "a container called localhost",
	  { BASE, NULL, NULL, "10.0.2.100", "id", "localhost" },
	  BASE "10.0.2.100\tid localhost\n" },
	{ "host name and name are the same",
	  { BASE, NULL, NULL, "10.0.2.100", "web", "web" },
	  BASE "10.0.2.100\tweb\n" },
	{ "name only",
	  { BASE, NULL, NULL, "10.0.2.100", NULL, "web" },
	  BASE "10.0.2.100\tweb\n" },
};

static void test_hosts(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(hosts_cases); i++) {
		autosb struct sb out = SB_INIT;

		print_message("case: %s\n", hosts_cases[i].name);
		hosts_make(&hosts_cases[i].hosts, &out);
		assert_string_equal(out.buf, hosts_cases[i].want);
	}
}

/* The whole functions: what this machine has, in the right form. */
static void test_host_files(void **state unused_attr)
{
	autosb struct sb hosts = SB_INIT;
	autosb struct sb host_net = SB_INIT;
	autosb struct sb resolv = SB_INIT;
	char ip[INET6_ADDRSTRLEN];
	union addr a;

	net_hosts(&(struct net_hosts){ .ip = NET_SLIRP_ADDR,
				      .hostname = "abc",
				      .name = "web" }, &hosts);
	assert_non_null(strstr(hosts.buf, "10.0.2.100\tabc web\n"));
	net_hosts(&(struct net_hosts){ .host_net = true, .hostname = "abc",
				      .name = "web" }, &host_net);
	assert_non_null(
		strstr(host_net.buf, "127.0.0.1\thost.containers.internal"));
	net_resolv_conf(true, NULL, NULL, NULL, &resolv);
	assert_non_null(strstr(resolv.buf, "nameserver 10.0.2.3\n"));

	if (net_host_addr(ip)) {
		assert_int_equal(addr_parse(ip, 0, &a), 0);
		assert_false(addr_is_loopback(&a));
		assert_non_null(strstr(hosts.buf, ip));
	}
}

/* ---- addresses ------------------------------------------------------- */

static const struct {
	const char *addr;
	const char *net;
	unsigned prefix;
	bool want;
} in_cases[] = {
	{ "10.0.2.1", "10.0.2.100", 24, true },
	{ "10.0.3.1", "10.0.2.100", 24, false },
	{ "10.0.3.1", "10.0.2.100", 23, true },
	{ "10.0.2.100", "10.0.2.100", 32, true },
	{ "10.0.2.101", "10.0.2.100", 32, false },
	{ "1.2.3.4", "10.0.2.100", 0, true },
	{ "fd00::5", "fd00::100", 64, true },
	{ "fd00:0:0:1::5", "fd00::100", 64, false },
	{ "fd00:0:0:1::5", "fd00::100", 63, true },
	{ "::ffff:10.0.2.1", "10.0.2.100", 24, false },
	{ "10.0.2.1", "10.0.2.100", 33, false },
};

static void test_addr_in(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(in_cases); i++) {
		union addr a, net;

		print_message("case: %s in %s/%u\n", in_cases[i].addr,
			      in_cases[i].net, in_cases[i].prefix);
		assert_int_equal(addr_parse(in_cases[i].addr, 1, &a), 0);
		assert_int_equal(addr_parse(in_cases[i].net, 2, &net), 0);
		assert_int_equal(addr_in(&a, &net, in_cases[i].prefix),
				 in_cases[i].want);
	}
}

static void test_addr_text(void **state unused_attr)
{
	static const char *const bad[] = {
		"",	      "1.2.3",	   "1.2.3.4.5", "::g",	   "[::1]",
		"fe80::1%lo", "256.1.1.1", " 1.2.3.4",	"1.2.3.4 "
	};
	char text[ADDR_TEXT_MAX];
	union addr a;

	assert_int_equal(addr_parse("1.2.3.4", 80, &a), 0);
	assert_string_equal(addr_text(&a, text), "1.2.3.4:80");
	assert_int_equal(addr_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				    65535, &a),
			 0);
	assert_string_equal(addr_text(&a, text),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(addr_parse(bad[i], 0, &a), -22);
}

UNIT_TESTS(unit_test(test_resolv_conf), unit_test(test_hosts),
	   unit_test(test_host_files), unit_test(test_addr_in),
	   unit_test(test_addr_text));
