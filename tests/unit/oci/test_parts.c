/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <json-c/json.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/oci/oci.h"
#include "libpod/oci/sync.h"
#include "libpod/oci/sysctl.h"
#include "util/cleanup.h"
#include "util/json.h"

/*
 * ---- sysctl names
 * ------------------------------------------------------------
 */

static const struct {
	const char *name;
	const char *path;	/* NULL: not a name */
	int ns;			/* -1: the host's */
} sysctl_cases[] = {
	{ "net.ipv4.ip_forward", "net/ipv4/ip_forward", OCI_NS_NET },
	{ "net/ipv4/conf/eth0.1/x", "net/ipv4/conf/eth0.1/x", OCI_NS_NET },
	{ "net.ipv4.conf.eth0/1.x", "net/ipv4/conf/eth0.1/x", OCI_NS_NET },
	{ "kernel.shmmax", "kernel/shmmax", OCI_NS_IPC },
	{ "fs.mqueue.msg_max", "fs/mqueue/msg_max", OCI_NS_IPC },
	{ "kernel.shmmaxx", "kernel/shmmaxx", -1 },
	{ "kernel.core_pattern", "kernel/core_pattern", -1 },
	{ "netx.y", "netx/y", -1 },
	{ "net", "net", -1 },
	{ "fs.file-max", "fs/file-max", -1 },
	{ "net..ipv4", NULL, 0 },
	{ "net.ipv4.", NULL, 0 },
	{ "net/../kernel/core_pattern", NULL, 0 },
	{ "net./../x", NULL, 0 },
	{ "/net/ipv4", NULL, 0 },
	{ ".net", NULL, 0 },
	{ "", NULL, 0 },
	{ "net.ipv4=1", NULL, 0 },
	{ "net.ipv4\n", NULL, 0 },
	{ "net ipv4", NULL, 0 },
};

static void test_sysctl(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(sysctl_cases); i++) {
		autofree char *path = NULL;
		int r = sysctl_path(sysctl_cases[i].name, &path);

		print_message("case: '%s'\n", sysctl_cases[i].name);
		if (!sysctl_cases[i].path) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(path, sysctl_cases[i].path);
		assert_int_equal(sysctl_ns(path), sysctl_cases[i].ns);
	}
}

/*
 * ---- names
 * ---------------------------------------------------------------------
 */

static void test_names(void **state unused_attr)
{
	assert_int_equal(oci_cap_parse("CAP_NET_RAW"), 13);
	assert_int_equal(oci_cap_parse("net_raw"), 13);
	assert_int_equal(oci_cap_parse("cap_checkpoint_restore"), 40);
	assert_int_equal(oci_cap_parse("NET_RAWX"), -1);
	assert_int_equal(oci_cap_parse(""), -1);
	assert_string_equal(oci_cap_name(0), "CAP_CHOWN");
	assert_null(oci_cap_name(41));
	assert_null(oci_cap_name(-1));
	assert_true(oci_caps_default() == 0x800405fb);
	assert_true((oci_caps_all() & oci_caps_default()) ==
		    oci_caps_default());
	assert_int_equal(oci_rlimit_parse("nofile"), RLIMIT_NOFILE);
	assert_int_equal(oci_rlimit_parse("RLIMIT_CORE"), RLIMIT_CORE);
	assert_int_equal(oci_rlimit_parse("files"), -1);
	assert_string_equal(oci_rlimit_name(RLIMIT_NPROC), "nproc");
}

/*
 * ---- the sync socket
 * ------------------------------------------------------------
 */

static void test_sync(void **state unused_attr)
{
	const struct err sent = { EPERM, ERR_START, "why not" };
	struct err got = ERR_INIT;
	struct sync_msg msg;
	int pair[2];
	int fd = -1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    pair), 0);
	assert_int_equal(sync_send(pair[0], SYNC_CREATED, 5, "text", pair[1]),
			 0);
	assert_int_equal(sync_recv(pair[1], &msg, &fd), 1);
	assert_int_equal(msg.type, SYNC_CREATED);
	assert_int_equal(msg.value, 5);
	assert_string_equal(msg.text, "text");
	assert_true(fd >= 0);
	close(fd);
	sync_send_err(pair[0], &sent);
	assert_int_equal(sync_recv(pair[1], &msg, NULL), 1);
	assert_int_equal(sync_err(&msg, &got), -EPERM);
	assert_int_equal(got.kind, ERR_START);
	assert_string_equal(got.msg, "why not");
	/* malformed: too short, a length that lies, an unknown type */
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(sync_recv(pair[1], &msg, NULL), -EPROTO);
	msg = (struct sync_msg){ .type = SYNC_ERR, .text_len = 100 };
	assert_true(send(pair[0], &msg, SYNC_HEAD, 0) > 0);
	assert_int_equal(sync_recv(pair[1], &msg, NULL), -EPROTO);
	msg = (struct sync_msg){ .type = 99 };
	assert_true(send(pair[0], &msg, SYNC_HEAD, 0) > 0);
	assert_int_equal(sync_recv(pair[1], &msg, NULL), -EPROTO);
	close(pair[0]);
	assert_int_equal(sync_recv(pair[1], &msg, NULL), 0);
	close(pair[1]);
}

/* Who fails before it has read what we sent gets its reason through. */
static void test_sync_reset(void **state unused_attr)
{
	const struct err sent = { ENOENT, ERR_START, "no such place" };
	struct err got = ERR_INIT;
	struct sync_msg msg;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    pair), 0);
	assert_int_equal(sync_send(pair[0], SYNC_MAPPED, 0, NULL, -EBADF), 0);
	sync_send_err(pair[1], &sent);
	close(pair[1]);
	assert_int_equal(sync_recv(pair[0], &msg, NULL), 1);
	assert_int_equal(sync_err(&msg, &got), -ENOENT);
	assert_string_equal(got.msg, "no such place");
	assert_int_equal(sync_recv(pair[0], &msg, NULL), 0);
	close(pair[0]);
}

/*
 * ---- config.json
 * ----------------------------------------------------------------
 */

static void test_spec_json(void **state unused_attr)
{
	char *const args[] = { (char *)(uintptr_t)"sh", NULL };
	const struct oci_rlimit limit = { RLIMIT_NOFILE, 1024, UINT64_MAX };
	const struct oci_mount mount = {
		.kind = OCI_MOUNT_BIND,
		.source = "/src",
		.source_fd = -EBADF,
		.target = "/dst",
		.attr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
	};
	struct oci_spec spec = {
		.id = "x",
		.hostname = "h",
		.mounts = &mount,
		.n_mounts = 1,
		.uid_map = { { { 0, 1000, 1 } }, 1 },
		.gid_map = { { { 0, 1000, 1 } }, 1 },
	};
	autojson struct json_object *o = NULL;
	struct json_object *process;
	const char *text;

	spec.process.args = args;
	spec.process.user = "33:44";
	spec.process.caps.bounding = 1;
	spec.process.rlimits = &limit;
	spec.process.n_rlimits = 1;
	spec.ns[OCI_NS_NET].mode = OCI_NS_HOST;
	o = spec_to_json(&spec);
	process = json_obj(o, "process");
	assert_int_equal(json_i64(json_obj(process, "user"), "uid", 0), 33);
	assert_int_equal(json_i64(json_obj(process, "user"), "gid", 0), 44);
	text = json_text(o);
	assert_non_null(strstr(text, "\"bounding\":[\"CAP_CHOWN\"]"));
	assert_non_null(strstr(text, "{\"destination\":\"/dst\","
				     "\"type\":\"bind\",\"source\":\"/src\","
				     "\"options\":[\"rbind\",\"rprivate\","
				     "\"ro\",\"nosuid\"]}"));
	assert_non_null(strstr(text, "\"RLIMIT_NOFILE\""));
	assert_non_null(strstr(text, "18446744073709551615"));
	assert_non_null(strstr(text, "\"hostname\":\"h\""));
	assert_null(strstr(text, "\"network\""));
	assert_non_null(strstr(text, "\"type\":\"pid\""));
}

UNIT_TESTS(unit_test(test_sysctl), unit_test(test_names), unit_test(test_sync),
	   unit_test(test_sync_reset), unit_test(test_spec_json));
