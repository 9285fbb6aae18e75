/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "storage/registry/resolver.h"
#include "util/str.h"

static bool needs(const char *nsswitch, const char *resolv_conf,
		  const char *host)
{
	char *text = xstrdup(host);
	char *names[] = { text, NULL };
	bool r = resolver_needs_sockets(nsswitch, resolv_conf, names);

	free(text);
	return r;
}

static void test_sources(void **state)
{
	const char *stub = "nameserver 127.0.0.53\n";
	const char *far = "search lan\nnameserver 192.0.2.1\n";

	(void)state;
	assert_false(needs("", "", "quay.io"));
	assert_false(needs("passwd: files\n", far, "quay.io"));
	assert_false(needs("hosts: files dns\n", far, "quay.io"));
	assert_false(needs("hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns",
			   far, "quay.io:5000"));
	assert_true(needs("hosts: files sss\n", far, "quay.io"));
	assert_true(needs("  hosts: files # dns\n", far, "quay.io"));
	/* Fedora and Arch; resolv.conf leads to systemd-resolved or not */
	assert_false(needs("hosts: files resolve [!UNAVAIL=return] dns\n",
			   stub, "quay.io"));
	assert_true(needs("hosts: files resolve [!UNAVAIL=return] dns\n", far,
			  "quay.io"));
}

static void test_names(void **state)
{
	const char *dns = "hosts: files dns\n";

	(void)state;
	assert_true(needs(dns, "", "nas.local"));
	assert_true(needs(dns, "", "NAS.Local:5000"));
	assert_true(needs(dns, "", "nas.local."));
	assert_true(needs(dns, "", "http://me@proxy.local:3128/"));
	assert_false(needs(dns, "", "local.example"));
	assert_false(needs(dns, "", "nas.localnet.example"));
	assert_false(needs(dns, "", "localhost:5000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test(test_sources),
		unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
