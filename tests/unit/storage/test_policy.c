/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>

#include "storage/policy.h"
#include "util/compiler.h"

#define ACCEPT "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\":\"reject\"}]"
#define SIGNED "[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"}]"
#define BOTH                                                                   \
	"[{\"type\":\"insecureAcceptAnything\"},{\"type\":\"sigstoreSigned\"}" \
	"]"

static const char text[] =
	"{\"default\":" REJECT ",\"transports\":{"
	"\"docker\":{"
	"\"quay.io\":" ACCEPT ","
	"\"quay.io/team\":" SIGNED ","
	"\"quay.io/team/app\":" ACCEPT ","
	"\"quay.io/team/app:bad\":" REJECT ","
	"\"host:5000\":" ACCEPT ","
	"\"*.example.com\":" ACCEPT ","
	"\"*.b.example.com\":" REJECT ","
	"\"both.io\":" BOTH "},"
	"\"oci\":{\"/a\":" ACCEPT ",\"/a/b\":" REJECT "},"
	"\"dir\":{\"\":" SIGNED ",\"/\":" ACCEPT "},"
	"\"docker-archive\":{\"\":" ACCEPT "}}}";

static const struct {
	const char *transport;
	const char *name;
	bool allowed;
} cases[] = {
	{ "docker", "quay.io/other:1", true },
	{ "docker", "quay.io/team/x:1", false },
	{ "docker", "quay.io/teamwork:1", true },
	{ "docker", "quay.io/team/app:1", true },
	{ "docker", "quay.io/team/app:bad", false },
	{ "docker", "quay.io/team/app@sha256:00", true },
	{ "docker", "quay.io/team/app/deep:1", true },
	{ "docker", "quay.io.evil/x:1", false },
	{ "docker", "host:5000/x:1", true },
	{ "docker", "host:5001/x:1", false },
	{ "docker", "a.example.com/x:1", true },
	{ "docker", "example.com/x:1", false },
	{ "docker", "a.b.example.com/x:1", false },
	{ "docker", "notexample.com/x:1", false },
	{ "docker", "both.io/x:1", false },
	{ "oci", "/a/x", true },
	{ "oci", "/a/b/c", false },
	{ "oci", "/ab", false },
	{ "dir", "/x/y", true },
	{ "dir", NULL, false },
	{ "docker-archive", "/tmp/x.tar", true },
	{ "docker-archive", NULL, true },
	{ "oci-archive", "/tmp/x.tar", false },
};

static void test_scopes(void **state)
{
	struct policy *p = NULL;

	(void)state;
	assert_ok(policy_parse(text, strlen(text), "policy.json", &p, err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("case: %s:%s\n", cases[i].transport,
			      cases[i].name ? cases[i].name : "-");
		if (cases[i].allowed)
			assert_ok(policy_allows(p, cases[i].transport,
						cases[i].name, err));
		else
			assert_fails(policy_allows(p, cases[i].transport,
						   cases[i].name, err),
				     EPERM);
	}
	policy_free(p);
}

/* Whatever is not understood is an error, never a yes */
static const char *const bad[] = {
	"", "[]", "{}", "{\"default\":[]}", "{\"default\":{}}",
	"{\"default\":[{}]}", "{\"default\":[{\"type\":\"accept\"}]}",
	"{\"default\":[\"reject\"]}",
	"{\"default\":" ACCEPT ",\"default\":" REJECT "}",
	"{\"default\":" ACCEPT ",\"Transports\":{}}",
	"{\"default\":" ACCEPT ",\"transports\":[]}",
	"{\"default\":" ACCEPT ",\"transports\":{\"docker\":[]}}",
	"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"x.io\":[]}}}",
	"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"x.io\":"
	"[{\"type\":\"new\"}]}}}",
};

static void test_bad(void **state)
{
	struct policy *p = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("case: %s\n", bad[i]);
		assert_fails(policy_parse(bad[i], strlen(bad[i]), "p", &p,
					  err), EINVAL);
	}
	assert_ok(policy_allows(NULL, "docker", "quay.io/x:1", err));
}

UNIT_TESTS(unit_test(test_scopes), unit_test(test_bad));
