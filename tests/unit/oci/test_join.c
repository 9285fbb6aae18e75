/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/str.h"

/*
 * Containers that share namespaces with others, with the host, or sit in one.
 */

static int ns_open(pid_t pid, const char *name)
{
	autofree char *path = xasprintf("/proc/%d/ns/%s", (int)pid, name);

	return open(path, O_RDONLY | O_CLOEXEC);
}

static void sleeper(struct ctr *c)
{
	autoclose int out = -EBADF;
	char b[2];

	ctr_sh(c, "echo r; exec sleep 1000");
	assert_ok(ctr_start(c, &out, err));
	assert_int_equal(read(out, b, 2), 2);
	ctr_wait_exec(c, "sleep");
}

static void join(struct ctr *c, enum oci_ns_type type, const struct ctr *with,
		 const char *name)
{
	c->spec.ns[type].mode = OCI_NS_JOIN;
	c->spec.ns[type].fd = ns_open(with->run.init.pid, name);
	assert_true(c->spec.ns[type].fd >= 0);
}

/* --network, --ipc, --pid container:X; the user namespace comes along */
static void test_container(void **state unused_attr)
{
	auto_ctr struct ctr first = CTR_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	sleeper(&first);
	ctr_sh(&c, "ps | grep -c 'sleep 1000$'; hostname; "
		   "mount -t sysfs s /tmp 2>&1 | grep -c denied; "
		   "cat /proc/self/status; for i in user net ipc uts pid mnt; "
		   "do [ $(readlink /proc/1/ns/$i) = $(readlink "
		   "/proc/self/ns/$i) ] && echo same $i; done");
	join(&c, OCI_NS_USER, &first, "user");
	join(&c, OCI_NS_NET, &first, "net");
	join(&c, OCI_NS_IPC, &first, "ipc");
	join(&c, OCI_NS_UTS, &first, "uts");
	join(&c, OCI_NS_PID, &first, "pid");
	c.spec.hostname = "other";	/* of a joined uts: stays as it is */
	assert_ok(ctr_run(&c, err));
	assert_int_equal(strncmp(c.out.buf, "1\nbox\n", 6), 0);
	assert_non_null(strstr(c.out.buf, "same user\nsame net\nsame ipc\n"
					  "same uts\nsame pid\n"));
	assert_null(strstr(c.out.buf, "same mnt"));
	assert_non_null(strstr(c.out.buf, "CapEff:\t00000000800405fb\n"));
	for (size_t i = 0; i < OCI_NS_COUNT; i++)
		if (c.spec.ns[i].mode == OCI_NS_JOIN)
			close(c.spec.ns[i].fd);
}

/* Only the network, sysfs and ports belong to it */
static void test_network(void **state unused_attr)
{
	auto_ctr struct ctr first = CTR_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	sleeper(&first);
	ctr_sh(&c,
	       "ls /sys/class/net; ps | grep -c '[t]est_join'; echo $(readlink "
	       "/proc/self/ns/net)");
	join(&c, OCI_NS_USER, &first, "user");
	join(&c, OCI_NS_NET, &first, "net");
	assert_ok(ctr_run(&c, err));
	autofree char *path = xasprintf("/proc/%d/ns/net",
					(int)first.run.init.pid);
	char link[64] = "";
	assert_true(readlink(path, link, sizeof(link) - 1) > 0);
	assert_int_equal(strncmp(c.out.buf, "lo\n0\n", 5), 0);
	assert_non_null(strstr(c.out.buf, link));
	close(c.spec.ns[OCI_NS_USER].fd);
	close(c.spec.ns[OCI_NS_NET].fd);
}

static void test_host(void **state unused_attr)
{
	const struct oci_sysctl s = { .name = "net.ipv4.ping_group_range",
				      .value = "0 0" };
	struct err why = ERR_INIT;
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;
	char link[64] = "";

	ctr_sh(&c, "readlink /proc/self/ns/net; ls /sys/class > /dev/null && "
		   "echo sys; touch /sys/x; hostname");
	c.spec.ns[OCI_NS_NET].mode = OCI_NS_HOST;
	c.spec.ns[OCI_NS_UTS].mode = OCI_NS_HOST;
	c.spec.ns[OCI_NS_IPC].mode = OCI_NS_HOST;
	c.spec.ns[OCI_NS_CGROUP].mode = OCI_NS_HOST;
	assert_ok(ctr_run(&c, err));
	assert_true(readlink("/proc/self/ns/net", link, sizeof(link) - 1) > 0);
	assert_int_equal(strncmp(c.out.buf, link, strlen(link)), 0);
	assert_non_null(strstr(c.out.buf, "\nsys\n"));
	assert_non_null(strstr(c.out.buf, "Read-only file system"));
	assert_null(strstr(c.out.buf, "\nbox\n"));
	ctr_sh(&d, "true");
	d.spec.ns[OCI_NS_NET].mode = OCI_NS_HOST;
	d.spec.sysctls = &s;
	d.spec.n_sysctls = 1;
	assert_true(ctr_run(&d, &why) < 0);
	assert_non_null(strstr(why.msg, "can't be set since"));
}

static void test_host_pid(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	autofree char *us = xasprintf("grep -c . /proc/%d/stat; "
				      "touch /proc/sys/x", (int)getpid());

	ctr_sh(&c, us);
	c.spec.ns[OCI_NS_PID].mode = OCI_NS_HOST;
	assert_ok(ctr_run(&c, err));
	assert_int_equal(strncmp(c.out.buf, "1\n", 2), 0);
}

/*
 * ---- in a container whose /proc is masked
 * --------------------------------------
 */

static void write_file(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/*
 * As an outer container looks: /proc has a mount on it that belongs to a more
 * privileged namespace.  Two levels: the mount, then a user namespace to which
 * it is locked.
 */
static void inside_masked(void *fault)
{
	auto_ctr struct ctr c = CTR_INIT;

	if (fault) {
		setenv("BRYO_FAULT", fault, 1);
		fault_init();
	}
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("x", "/proc/bus", "tmpfs", 0, NULL), 0);
	assert_int_equal(mount("x", "/proc/irq", "tmpfs", 0, NULL), 0);
	assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", "0 0 1");
	write_file("/proc/self/gid_map", "0 0 1");
	ctr_sh(&c, "grep -c . /proc/self/status; hostname; id -u");
	c.spec.uid_map = (struct idmap){ { { 0, 0, 1 } }, 1 };
	c.spec.gid_map = c.spec.uid_map;
	c.spec.setgroups_deny = true;
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(c.out.buf, "\nbox\n0\n"));
	assert_non_null(c.run.warnings);
	assert_non_null(strstr(c.run.warnings, "outer pid namespace"));
	assert_null(strchr(strchr(c.run.warnings, '\n') + 1, '\n'));
}

/* Also when init has given up before we look at it. */
static void test_masked_proc(void **state unused_attr)
{
	static char late[] = "oci.create.mapped:delay=200@1";

	unit_in_child(inside_masked, NULL);
	unit_in_child(inside_masked, late);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_container), unit_test(test_network),
		unit_test(test_host),	   unit_test(test_host_pid),
		unit_test(test_masked_proc),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
