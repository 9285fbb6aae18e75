/* SPDX-License-Identifier: Apache-2.0 */
/* The probes of doctor on made-up hosts. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/system/doctor.h"
#include "tests/unit/unit.h"
#include "util/fd.h"
#include "util/str.h"

static char root[] = "/tmp/bryo-doctor-test.XXXXXX";

static void write_at(const char *path, const char *text, mode_t mode)
{
	autofree char *full = xasprintf("%s%s", root, path);

	for (char *p = full + strlen(root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(full, 0755);
		*p = '/';
	}
	autoclose int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				mode);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

/* Each row changes one file of the host, then one probe is asked. */
static const struct {
	const char *name;
	const char *probe;
	const char *path;
	const char *text;
	mode_t mode;
	enum doctor_verdict want;
	const char *fix;
} cases[] = {
	{ "no ranges", "subuid", "/etc/subuid", "other:1:65536\n", 0644,
	  DOCTOR_FAIL, "usermod --add-subuids 100000-165535 "
	  "--add-subgids 100000-165535 joe" },
	{ "the usual ranges are others'", "subuid", "/etc/subuid",
	  "ann:100000:65536\nodd\n\nbob:231072:65536\ntim:165536:65536\n",
	  0644, DOCTOR_FAIL, "--add-subuids 296608-362143 "
	  "--add-subgids 296608-362143 joe" },
	{ "a small range", "subuid", "/etc/subuid", "joe:100000:1000\n", 0644,
	  DOCTOR_WARN, "usermod --add-subuids" },
	{ "a full range", "subuid", "/etc/subuid", "joe:100000:65536\n", 0644,
	  DOCTOR_OK, "" },
	{ "another program only", "newuidmap", "/usr/bin/newgidmap", "", 04755,
	  DOCTOR_FAIL, "apt install uidmap" },
	{ "no setuid bit", "newuidmap", "/usr/bin/newuidmap", "", 0755,
	  DOCTOR_FAIL, "chmod u+s /usr/bin/newuidmap" },
	{ "setuid", "newuidmap", "/usr/bin/newuidmap", "", 04755, DOCTOR_OK,
	  "" },
	{ "no namespaces", "userns-max", "/proc/sys/user/max_user_namespaces",
	  "0\n", 0644, DOCTOR_FAIL, "user.max_user_namespaces=" },
	{ "namespaces", "userns-max", "/proc/sys/user/max_user_namespaces",
	  "5\n", 0644, DOCTOR_OK, "" },
	{ "Debian's switch", "userns-clone",
	  "/proc/sys/kernel/unprivileged_userns_clone", "0\n", 0644,
	  DOCTOR_FAIL, "kernel.unprivileged_userns_clone=1" },
	{ "Ubuntu's switch", "apparmor",
	  "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
	  0644, DOCTOR_FAIL,
	  "kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "no program for own ids", "fuse", "/dev/null", "", 0644,
	  DOCTOR_WARN, "apt install fuse-overlayfs" },
	{ "an old kernel", "overlay", "/proc/sys/kernel/osrelease",
	  "5.10.0-8\n", 0644, DOCTOR_WARN, "fuse-overlayfs" },
	{ "with a program for it", "overlay", "/usr/bin/fuse-overlayfs", "",
	  0755, DOCTOR_OK, "" },
	{ "program and device", "fuse", "/dev/fuse", "", 0666,
	  DOCTOR_OK, "" },
	{ "no tun", "tun", "/dev/null", "", 0644, DOCTOR_WARN,
	  "modprobe tun" },
	{ "no cgroup v2", "cgroups", "/sys/fs/other", "", 0644, DOCTOR_WARN,
	  "unified_cgroup_hierarchy" },
	{ "not delegated", "cgroups", "/sys/fs/cgroup/cgroup.controllers",
	  "cpu memory pids\n", 0644, DOCTOR_WARN, "Delegate=" },
	{ "delegated", "cgroups", "/sys/fs/cgroup/user.slice/user-1000.slice/"
	  "user@1000.service/cgroup.controllers", "memory pids\n", 0644,
	  DOCTOR_OK, "" },
	{ "systemd without linger", "linger", "/run/systemd/system/x", "",
	  0644, DOCTOR_WARN, "loginctl enable-linger" },
	{ "linger", "linger", "/var/lib/systemd/linger/joe", "", 0644,
	  DOCTOR_OK, "" },
	{ "ports from 1024", "ports",
	  "/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0644,
	  DOCTOR_WARN, "ip_unprivileged_port_start=80" },
	{ "ports from 80", "ports",
	  "/proc/sys/net/ipv4/ip_unprivileged_port_start", "80\n", 0644,
	  DOCTOR_OK, "" },
};

static const struct doctor_probe *find_probe(const char *name)
{
	const struct doctor_probe *p = doctor_probes;

	while (p->name && !streq(p->name, name))
		p++;
	assert_non_null(p->name);
	return p;
}

static void test_probes(void **state unused_attr)
{
	const struct doctor d = { .root = root, .user = "joe", .uid = 1000,
				  .runtime_dir = NULL, .data_dir = "/" };

	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct finding f = { .detail = SB_INIT, .fix = SB_INIT };

		print_message("case: %s\n", cases[i].name);
		write_at(cases[i].path, cases[i].text, cases[i].mode);
		assert_int_equal(find_probe(cases[i].probe)->fn(&d, &f),
				 cases[i].want);
		assert_true(f.detail.len > 0);
		if (*cases[i].fix)
			assert_non_null(strstr(f.fix.buf, cases[i].fix));
		else
			assert_int_equal(f.fix.len, 0);
		finding_done(&f);
	}
	assert_int_equal(tree_remove_at(AT_FDCWD, root, NULL), 0);
}

static void test_no_new_privs(void **state unused_attr)
{
	const struct doctor d = { .root = "", .user = "joe", .uid = 1000,
				  .no_new_privs = true, .data_dir = "/" };
	struct finding f = { .detail = SB_INIT, .fix = SB_INIT };

	assert_int_equal(find_probe("newuidmap")->fn(&d, &f), DOCTOR_FAIL);
	assert_non_null(strstr(f.detail.buf, "no_new_privs is set"));
	assert_non_null(strstr(f.fix.buf, "NoNewPrivileges="));
	finding_done(&f);
}

/* What podman makes of it does no harm; what others could write to does. */
static void test_runtime_dir(void **state unused_attr)
{
	char dir[] = "/tmp/bryo-doctor-run.XXXXXX";
	static const mode_t modes[] = { 0700, 0711, 0755, 0733 };
	const struct doctor d = { .root = "", .user = "joe", .uid = getuid(),
				  .runtime_dir = dir, .data_dir = "/" };

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct finding f = { .detail = SB_INIT, .fix = SB_INIT };

		assert_int_equal(chmod(dir, modes[i]), 0);
		assert_int_equal(find_probe("runtime-dir")->fn(&d, &f),
				 i < 2 ? DOCTOR_OK : DOCTOR_FAIL);
		finding_done(&f);
	}
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_no_new_privs),
		cmocka_unit_test(test_runtime_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
