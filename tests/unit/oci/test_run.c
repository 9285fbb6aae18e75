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
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/str.h"

static void test_plain(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "echo hello; hostname; id; echo err >&2; exit 7");
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(c.out.buf, "hello\nbox\nuid=0(root) "
					  "gid=0(root)"));
	assert_non_null(strstr(c.out.buf, "err\n"));
	assert_int_equal(c.code, 7);
	assert_null(c.run.warnings);
}

static const char *own_ns(const char *name)
{
	static char link[64];
	autofree char *path = xasprintf("/proc/self/ns/%s", name);
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	link[n > 0 ? n : 0] = '\0';
	return link;
}

static void test_namespaces(void **state unused_attr)
{
	static const char *const names[] = { "user", "mnt", "pid",   "net",
					     "ipc",  "uts", "cgroup" };
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c,
	       "cd /proc/self/ns; for i in user mnt pid net ipc uts cgroup;"
	       "do echo $i=$(readlink $i); done; ps | grep -c '[t]est_run'; "
	       "ip link | grep -c ': '; ip link show lo");
	assert_ok(ctr_run(&c, err));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *key = xasprintf("%s=", names[i]);
		const char *have = ctr_line(&c, key);

		assert_int_equal(strncmp(have, names[i], strlen(names[i])), 0);
		assert_string_not_equal(have, own_ns(names[i]));
	}
	/* nothing of the host is seen */
	assert_non_null(strstr(c.out.buf, "\n0\n1\n"));
	assert_non_null(strstr(c.out.buf, "<LOOPBACK,UP,LOWER_UP>"));
}

static void test_status(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cat /proc/self/status; echo n=$(ls /proc/self/fd | wc -l);"
		   "ls -l /proc/self/fd; umask; pwd; env");
	assert_ok(ctr_run(&c, err));
	assert_string_equal(ctr_line(&c, "CapEff:\t"), "00000000800405fb");
	assert_string_equal(ctr_line(&c, "CapPrm:\t"), "00000000800405fb");
	assert_string_equal(ctr_line(&c, "CapBnd:\t"), "00000000800405fb");
	assert_string_equal(ctr_line(&c, "CapInh:\t"), "0000000000000000");
	assert_string_equal(ctr_line(&c, "CapAmb:\t"), "0000000000000000");
	assert_string_equal(ctr_line(&c, "NoNewPrivs:\t"), "0");
	assert_string_equal(ctr_line(&c, "Seccomp:\t"), "2");
	assert_string_equal(ctr_line(&c, "SigBlk:\t"), "0000000000000000");
	assert_string_equal(ctr_line(&c, "SigIgn:\t"), "0000000000000000");
	if (!ctr_single_id())
		assert_string_equal(ctr_line(&c, "Groups:\t"), "0 10 ");
	/* 0, 1, 2 and ls's own directory */
	assert_string_equal(ctr_line(&c, "n="), "4");
	assert_non_null(strstr(c.out.buf, "0 -> /dev/null\n"));
	assert_non_null(strstr(c.out.buf, "\n0022\n/\n"));
	assert_string_equal(ctr_line(&c, "HOME="), "/root");
}

static void test_other_user(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	if (ctr_single_id())
		return;
	ctr_sh(&c, "id; cat /proc/self/status; echo $HOME; "
		   "echo again > /dev/stdout; cat /etc/shadow");
	c.spec.process.user = "www";
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(c.out.buf,
			       "uid=33(www) gid=33(www) "
			       "groups=4(adm),33(www)\n"));
	assert_string_equal(ctr_line(&c, "CapEff:\t"), "0000000000000000");
	assert_string_equal(ctr_line(&c, "CapPrm:\t"), "0000000000000000");
	assert_string_equal(ctr_line(&c, "CapAmb:\t"), "0000000000000000");
	assert_string_equal(ctr_line(&c, "CapBnd:\t"), "00000000800405fb");
	assert_string_equal(ctr_line(&c, "Seccomp:\t"), "2");
	assert_non_null(strstr(c.out.buf, "/var/www\nagain\n"));
}

static void test_ambient(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	struct oci_process *p = &c.spec.process;

	if (ctr_single_id())
		return;
	ctr_sh(&c, "cat /proc/self/status");
	p->user = "33";
	p->caps_explicit = true;
	p->caps.ambient = UINT64_C(1) << 10; /* NET_BIND_SERVICE */
	assert_ok(ctr_run(&c, err));
	assert_string_equal(ctr_line(&c, "CapEff:\t"), "0000000000000400");
	assert_string_equal(ctr_line(&c, "CapAmb:\t"), "0000000000000400");
}

static void test_no_new_privs(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cat /proc/self/status");
	c.spec.process.no_new_privs = true;
	c.spec.process.caps.bounding = 0;
	c.spec.process.caps.effective = 0;
	assert_ok(ctr_run(&c, err));
	assert_string_equal(ctr_line(&c, "NoNewPrivs:\t"), "1");
	assert_string_equal(ctr_line(&c, "Seccomp:\t"), "2");
	assert_string_equal(ctr_line(&c, "CapEff:\t"), "0000000000000000");
	assert_string_equal(ctr_line(&c, "CapBnd:\t"), "0000000000000000");
}

/*
 * ---- masks, read-only parts
 * --------------------------------------------------
 */

static void test_masks(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "for f in /proc/kcore /proc/interrupts /proc/timer_list "
		   "/proc/keys; do [ -e $f ] || continue; "
		   "[ -z \"$(head -c 1 $f)\" ] || echo shows $f; "
		   "echo x 2>/dev/null > $f && echo writable $f; done; "
		   "for d in /proc/acpi /proc/scsi /sys/firmware; do "
		   "[ -e $d ] || continue; [ -z \"$(ls -A $d)\" ] || echo lists"
		   " $d; touch $d/x 2>/dev/null && echo writable $d; done; "
		   "for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger "
		   "/proc/irq/default_smp_affinity /proc/sys/net/core/somaxconn"
		   "; do [ -e $f ] || continue; "
		   "echo 1 2>/dev/null > $f && echo writable $f; done; "
		   "touch /sys/x 2>/dev/null && echo writable /sys; "
		   "mkdir /sys/fs/cgroup/x 2>/dev/null && echo writable cgroup;"
		   "grep -c bryo-mask /proc/self/mountinfo");
	assert_ok(ctr_run(&c, err));
	/* one line: the number of masks */
	assert_null(strstr(c.out.buf, "shows"));
	assert_null(strstr(c.out.buf, "lists"));
	assert_null(strstr(c.out.buf, "writable"));
	assert_true(c.out.len && c.out.buf[0] >= '3');
}

static void test_readonly(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "touch /x; touch /dev/x; touch /dev/shm/x && echo shm; "
		   "grep ' / / ' /proc/self/mountinfo");
	c.spec.rootfs.readonly = true;
	c.mounts[1].attr |= MOUNT_ATTR_RDONLY;
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(c.out.buf, "touch: /x: Read-only file system"));
	assert_non_null(strstr(c.out.buf,
			       "touch: /dev/x: Read-only file system"));
	assert_non_null(strstr(c.out.buf, "\nshm\n"));
	assert_non_null(strstr(c.out.buf, " / / ro,"));
}

static void test_dev(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cd /dev; for i in null zero full random urandom tty; do "
		   "stat -c '%n %F %t:%T' $i; done; readlink fd stdin ptmx; "
		   "echo x > null; head -c 4 zero | wc -c; "
		   "head -c 3 urandom | wc -c; touch /dev/log && echo ok; "
		   "grep ' /dev/null ' /proc/self/mountinfo; "
		   "grep ' /dev/pts ' /proc/self/mountinfo");
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(c.out.buf,
			       "null character special file 1:3\n"
			       "zero character special file 1:5\n"
			       "full character special file 1:7\n"
			       "random character special file 1:8\n"
			       "urandom character special file 1:9\n"
			       "tty character special file 5:0\n"));
	assert_non_null(strstr(c.out.buf, "\n4\n3\nok\n"));
	assert_non_null(strstr(c.out.buf, "/dev/null rw,nosuid,noexec"));
	assert_true(!strstr(c.out.buf, ",gid=") == ctr_single_id());
}

/*
 * ---- terminal, exec, errors
 * ----------------------------------------------------
 */

static void test_terminal(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "tty; stty size; echo x > /dev/tty; "
		   "echo y > /dev/console; ls /proc/self/fd | wc -l");
	c.spec.process.terminal = true;
	c.spec.process.rows = 33;
	c.spec.process.cols = 99;
	assert_ok(ctr_run(&c, err));
	assert_string_equal(c.out.buf,
			    "/dev/pts/0\r\n33 99\r\nx\r\ny\r\n4\r\n");
	assert_int_equal(c.code, 0);
}

static const struct {
	const char *arg0;
	enum err_kind kind;
	const char *text;
} exec_cases[] = {
	{ "nosuch", ERR_CMD_NOT_FOUND,
	  "executable file `nosuch` not found in $PATH: No such file or "
	  "directory" },
	{ "/no/such", ERR_CMD_NOT_FOUND,
	  "executable file `/no/such` not found in $PATH: No such file or "
	  "directory" },
	{ "/etc", ERR_START, "exec `/etc`: is a directory" },
	{ "/etc/passwd", ERR_START, "exec `/etc/passwd`: permission denied" },
	{ "/bin/noformat", ERR_START, "exec format error" },
	{ "/bin/nointerp", ERR_CMD_NOT_FOUND, "not found" },
	{ "", ERR_CMD_NOT_FOUND, "not found" },
};

static void test_exec_errors(void **state unused_attr)
{
	static char *const lower[] = { (char *)(uintptr_t)"errs/diff",
				       (char *)(uintptr_t)"bb/diff", NULL };
	autoclose int image = ctr_image("errs");

	mkdirat(image, "bin", 0755);
	autoclose int bin = openat(image, "bin", O_PATH | O_CLOEXEC);
	assert_ok(
		file_write_at(bin, "noformat", "\1\2\3", 3, 0755, false, err));
	assert_ok(file_write_at(bin, "nointerp", "#!/none\n", 8, 0755, false,
				err));
	for (size_t i = 0; i < ARRAY_LEN(exec_cases); i++) {
		char *const args[] = { (char *)(uintptr_t)exec_cases[i].arg0,
				       NULL };
		struct err why = ERR_INIT;
		auto_ctr struct ctr c = CTR_INIT;

		ctr_init(&c, args);
		c.spec.rootfs.lower = lower;
		c.spec.rootfs.n_lower = 2;
		assert_true(ctr_run(&c, &why) < 0);
		print_message("%s: %s\n", args[0], why.msg);
		assert_int_equal(why.kind, exec_cases[i].kind);
		assert_non_null(strstr(why.msg, exec_cases[i].text));
	}
}

static void test_workdir(void **state unused_attr)
{
	struct err why = ERR_INIT;
	auto_ctr struct ctr a = CTR_INIT;
	auto_ctr struct ctr b = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;

	ctr_sh(&a, "pwd");
	a.spec.process.cwd = "/nosuch";
	assert_true(ctr_run(&a, &why) < 0);
	assert_string_equal(why.msg, "workdir \"/nosuch\" does not exist on "
				     "container testctr");
	assert_int_equal(why.kind, ERR_START);
	ctr_sh(&b, "pwd; stat -c %a .");
	b.spec.process.cwd = "/made/a/b";
	b.spec.process.cwd_create = true;
	assert_ok(ctr_run(&b, err));
	assert_string_equal(b.out.buf, "/made/a/b\n755\n");
	ctr_sh(&d, "pwd");
	d.spec.process.cwd = "/etc/passwd";
	assert_true(ctr_run(&d, &why) < 0);
	assert_int_equal(why.kind, ERR_START);
}

/*
 * ---- the rest of the spec
 * ---------------------------------------------------------
 */

static void test_limits(void **state unused_attr)
{
	const struct oci_rlimit limits[] = {
		{ RLIMIT_NOFILE, 100, 200 },
		{ RLIMIT_CORE, 0, 0 },
		{ RLIMIT_FSIZE, UINT64_MAX, UINT64_MAX },
		{ RLIMIT_NICE, 40, 40 },
		{ RLIMIT_RTPRIO, UINT64_MAX, UINT64_MAX },
	};
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cat /proc/self/limits; umask");
	c.spec.process.rlimits = limits;
	c.spec.process.n_rlimits = ARRAY_LEN(limits);
	c.spec.process.umask = 077;
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(ctr_line(&c, "Max open files"), " 100 "));
	assert_non_null(strstr(ctr_line(&c, "Max open files"), " 200 "));
	assert_non_null(strstr(c.out.buf, "\n0077\n"));
	if (getuid() == 0 && c.spec.uid_map.range[0].count > 70000)
		return;	/* the real root may raise */
	assert_non_null(c.run.warnings);
	assert_non_null(strstr(c.run.warnings, "limit nice is clamped"));
	/* "unlimited" is as much as there is */
	assert_null(strstr(c.run.warnings, "rtprio"));
}

static void test_sysctl(void **state unused_attr)
{
	const struct oci_sysctl good[] = {
		{ "net.ipv4.ip_unprivileged_port_start", "0", false },
		{ "kernel.msgmax", "8191", false },
	};
	static const char *const bad[] = { "kernel.core_pattern",
					   "vm.swappiness", "net..x",
					   "net.ipv4/../../kernel" };
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start "
		   "/proc/sys/kernel/msgmax");
	c.spec.sysctls = good;
	c.spec.n_sysctls = ARRAY_LEN(good);
	assert_ok(ctr_run(&c, err));
	assert_string_equal(c.out.buf, "0\n8191\n");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct oci_sysctl s = { bad[i], "x", false };
		struct err why = ERR_INIT;
		auto_ctr struct ctr d = CTR_INIT;

		ctr_sh(&d, "true");
		d.spec.sysctls = &s;
		d.spec.n_sysctls = 1;
		assert_true(ctr_run(&d, &why) < 0);
		assert_int_equal(why.kind, ERR_INVALID);
		assert_non_null(strstr(why.msg, bad[i]));
	}
}

static void test_oom(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cat /proc/self/oom_score_adj");
	c.spec.process.oom_score_set = true;
	c.spec.process.oom_score_adj = 123;
	assert_ok(ctr_run(&c, err));
	assert_string_equal(c.out.buf, "123\n");
}

static void test_passwd_entry(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;

	if (ctr_single_id())
		return;
	ctr_sh(&c, "whoami; echo $HOME; tail -n 1 /etc/passwd");
	c.spec.process.user = "4711:12";
	c.spec.accounts.add = true;
	assert_ok(ctr_run(&c, err));
	assert_string_equal(c.out.buf,
			    "4711\n/\n4711:*:4711:12:container "
			    "user:/:/bin/sh\n");
	ctr_sh(&d, "tail -n 1 /etc/passwd; touch /x");
	d.spec.process.user = "4711";
	d.spec.accounts.add = true;
	d.spec.rootfs.readonly = true;
	assert_ok(ctr_run(&d, err));
	assert_non_null(strstr(d.out.buf, "4711:*:4711:0:container user:/:"));
	/* the layer below did not change */
	autosb struct sb text = SB_INIT;
	autoclose int etc = openat(ctr_layers(), "bb/diff/etc",
				   O_PATH | O_CLOEXEC);
	assert_int_equal(file_read_at(etc, "passwd", 65536, &text), 0);
	assert_null(strstr(text.buf, "4711"));
}

/*
 * ---- mounts
 * ---------------------------------------------------------------------
 */

static void make_tree(const char *name)
{
	mkdirat(ctr_dir(), name, 0755);
	autoclose int dir = openat(ctr_dir(), name, O_PATH | O_CLOEXEC);
	assert_ok(file_write_at(dir, "file", "data\n", 5, 0644, false, err));
}

static void test_binds(void **state unused_attr)
{
	const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	struct oci_mount *m;
	auto_ctr struct ctr c = CTR_INIT;

	make_tree("vol");
	autoclose int dir = openat(ctr_dir(), "vol", O_PATH | O_CLOEXEC);
	autoclose int file = openat(dir, "file", O_PATH | O_CLOEXEC);
	ctr_sh(&c, "cat /a/b/c/file /new/f; echo more > /a/b/c/new; "
		   "echo x > /ro/file; echo x > /new/f; "
		   "grep ' /a/b/c ' /proc/self/mountinfo");
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/a/b/c");
	m->source_fd = dir;
	m->attr = safe;
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/ro");
	m->source_fd = dir;
	m->attr = safe | MOUNT_ATTR_RDONLY;
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/new/f");
	m->source_fd = file;
	m->attr = safe | MOUNT_ATTR_RDONLY;
	assert_ok(ctr_run(&c, err));
	assert_int_equal(strncmp(c.out.buf, "data\ndata\n", 10), 0);
	assert_non_null(strstr(c.out.buf, "can't create /ro/file: Read-only"));
	assert_non_null(strstr(c.out.buf, "can't create /new/f: Read-only"));
	assert_non_null(strstr(c.out.buf, " /a/b/c rw,nosuid,nodev"));
	assert_int_equal(faccessat(dir, "new", F_OK, 0), 0);
}

/*
 * A machine's cgroup v2 over its v1 trees: what is below has no path any more,
 * what is on top gets the flags.
 */
static void bind_covered(void *arg unused_attr)
{
	autofree char *top = xasprintf("%s/covered", ctr_dir_path());
	autofree char *below = xasprintf("%s/below", top);
	auto_ctr struct ctr c = CTR_INIT;
	struct oci_mount *m;

	assert_int_equal(unshare(CLONE_NEWNS), 0);
	make_tree("covered");
	assert_int_equal(mount("x", top, "tmpfs", 0, NULL), 0);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(mount("x", below, "tmpfs", 0, NULL), 0);
	assert_int_equal(mount("x", top, "tmpfs", 0, NULL), 0);
	autoclose int dir = openat(ctr_dir(), ".", O_PATH | O_CLOEXEC);
	ctr_sh(&c, "touch /tree/covered/x; ls /tree/covered");
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/tree");
	m->source_fd = dir;
	m->attr = MOUNT_ATTR_RDONLY;
	assert_ok(ctr_run(&c, err));
	assert_string_equal(c.out.buf, "touch: /tree/covered/x: "
				       "Read-only file system\n");
}

static void test_bind_covered(void **state unused_attr)
{
	unit_in_child(bind_covered, NULL);
}

/* hosts, resolv.conf and the like lie beside "upper" */
static void test_bind_of_state(void **state unused_attr)
{
	struct oci_mount *m;
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cat /etc/hosts; readlink /etc/mtab");
	assert_ok(file_write_at(c.state_fd, "hosts", "h\n", 2, 0644, false,
				err));
	autoclose int hosts = openat(c.state_fd, "hosts", O_PATH | O_CLOEXEC);
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/etc/hosts");
	m->source_fd = hosts;
	assert_ok(ctr_run(&c, err));
	assert_string_equal(c.out.buf, "h\n/proc/mounts\n");
}

static void test_replaced_source(void **state unused_attr)
{
	struct oci_mount *m;
	struct err why = ERR_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	make_tree("old");
	autoclose int dir = openat(ctr_dir(), "old", O_PATH | O_CLOEXEC);
	assert_int_equal(renameat(ctr_dir(), "old", ctr_dir(), "older"), 0);
	make_tree("old");
	/* The path follows a rename; an unlinked directory has none. */
	ctr_sh(&c, "ls /m");
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/m");
	m->source_fd = dir;
	assert_ok(ctr_run(&c, err));
	auto_ctr struct ctr d = CTR_INIT;
	assert_ok(tree_remove_at(ctr_dir(), "older", err));
	ctr_sh(&d, "ls /m");
	m = ctr_mount(&d, OCI_MOUNT_BIND, "/m");
	m->source_fd = dir;
	assert_true(ctr_run(&d, &why) < 0);
}

static void test_tmpfs(void **state unused_attr)
{
	struct oci_mount *m;
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "cat /etc/group | head -n 1; echo x > /etc/y; "
		   "ls -ld /run/lock; df -k /run/lock | tail -n 1; "
		   "echo x > /run/lock/x");
	m = ctr_mount(&c, OCI_MOUNT_TMPFS, "/etc");
	m->copy_up = true;
	m = ctr_mount(&c, OCI_MOUNT_TMPFS, "/run/lock");
	m->data = "size=64k,mode=1777";
	m->attr = MOUNT_ATTR_RDONLY;
	assert_ok(ctr_run(&c, err));
	assert_int_equal(strncmp(c.out.buf, "root:x:0:\n", 10), 0);
	assert_non_null(strstr(c.out.buf, "drwxrwxrwt"));
	assert_non_null(strstr(c.out.buf, " 64 "));
	assert_non_null(strstr(c.out.buf, "Read-only file system"));
}

static void test_volume_copy(void **state unused_attr)
{
	struct oci_mount *m;
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;
	struct stat st;

	mkdirat(ctr_dir(), "named", 0755);
	autoclose int dir = openat(ctr_dir(), "named", O_PATH | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		struct ctr *p = i ? &d : &c;

		ctr_sh(p, "ls /etc; rm -f /etc/group");
		m = ctr_mount(p, OCI_MOUNT_BIND, "/etc");
		m->source_fd = dir;
		m->volume_copy = true;
		assert_ok(ctr_run(p, err));
	}
	assert_string_equal(c.out.buf, "group\npasswd\n");
	assert_string_equal(d.out.buf, "passwd\n");	/* not copied again */
	assert_int_equal(fstatat(dir, "passwd", &st, 0), 0);
}

static void test_bad_targets(void **state unused_attr)
{
	static const char *const targets[] = { "/", "/..", "/./", "/etc/passwd",
					       "/etc/passwd/x" };
	struct oci_mount *m;

	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct err why = ERR_INIT;
		auto_ctr struct ctr c = CTR_INIT;

		ctr_sh(&c, "true");
		m = ctr_mount(&c, OCI_MOUNT_TMPFS, targets[i]);
		m->data = "size=64k";
		assert_true(ctr_run(&c, &why) < 0);
		print_message("%s: %s\n", targets[i], why.msg);
		assert_non_null(strstr(why.msg, targets[i]));
	}
}

/*
 * ---- --init
 * --------------------------------------------------------------------------
 */

static void test_init(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;
	autoclose int out = -EBADF;
	char b[2];

	/* the orphan is reaped by pid 1 and does not stay a zombie */
	ctr_sh(&c, "echo me=$$; (sleep 0 & ); sleep 0.1; i=0; "
		   "while p=$(ps); echo \"$p\" | grep -q '[ ]Z ' &&"
		   " [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.1; done; "
		   "echo \"$p\"; ls -l /proc/1/exe; exit 5");
	c.spec.init_process = true;
	assert_ok(ctr_run(&c, err));
	assert_int_equal(c.code, 5);
	assert_string_equal(ctr_line(&c, "me="), "2");
	assert_null(strstr(c.out.buf, " Z "));
	assert_non_null(strstr(c.out.buf, "/memfd:bryo-init"));
	ctr_sh(&d, "trap 'exit 9' USR1; echo r; while :; do sleep 1; done");
	d.spec.init_process = true;
	assert_ok(ctr_start(&d, &out, err));
	assert_int_equal(read(out, b, 2), 2);
	kill(d.run.init.pid, SIGUSR1);
	assert_int_equal(ctr_wait(&d.run.pidfd), 9);
	struct err why = ERR_INIT;
	char *const args[] = { (char *)(uintptr_t)"/bin/nosuch", NULL };
	auto_ctr struct ctr e = CTR_INIT;
	ctr_init(&e, args);
	e.spec.init_process = true;
	assert_true(ctr_run(&e, &why) < 0);
	assert_int_equal(why.kind, ERR_CMD_NOT_FOUND);
}

/*
 * Init fails before we answered it, or looked at it: its reason is told all
 * the same.  Last of all, as one delay stays.
 */
static void test_fails_early(void **state unused_attr)
{
	static const struct {
		const char *fault;
		bool place;	/* fails before it waits for us, or after */
	} cases[] = {
		{ "oci.create.cloned:delay=200@1", true },
		{ "oci.create.mapped:delay=200@1", false },
		{ "oci.init.places:delay=200", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct oci_mount *m;
		struct err why = ERR_INIT;
		auto_ctr struct ctr c = CTR_INIT;

		make_tree("taken");
		autoclose int dir = openat(ctr_dir(), "taken",
					   O_PATH | O_CLOEXEC);
		setenv("BRYO_FAULT", cases[i].fault, 1);
		fault_init();
		unsetenv("BRYO_FAULT");
		ctr_sh(&c, "true");
		if (cases[i].place) {
			assert_ok(tree_remove_at(ctr_dir(), "taken", err));
			m = ctr_mount(&c, OCI_MOUNT_BIND, "/m");
			m->source_fd = dir;
		} else {
			c.spec.process.cwd = "/nosuch";
		}
		assert_true(ctr_run(&c, &why) < 0);
		print_message("%s: %s\n", cases[i].fault, why.msg);
		assert_non_null(strstr(why.msg, cases[i].place ?
				       "taken (deleted): no such file" :
				       "workdir \"/nosuch\" does not exist"));
	}
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_plain),
		unit_test(test_namespaces),
		unit_test(test_status),
		unit_test(test_other_user),
		unit_test(test_ambient),
		unit_test(test_no_new_privs),
		unit_test(test_masks),
		unit_test(test_readonly),
		unit_test(test_dev),
		unit_test(test_terminal),
		unit_test(test_exec_errors),
		unit_test(test_workdir),
		unit_test(test_limits),
		unit_test(test_sysctl),
		unit_test(test_oom),
		unit_test(test_passwd_entry),
		unit_test(test_binds),
		unit_test(test_bind_covered),
		unit_test(test_bind_of_state),
		unit_test(test_replaced_source),
		unit_test(test_tmpfs),
		unit_test(test_volume_copy),
		unit_test(test_bad_targets),
		unit_test(test_init),
		unit_test(test_fails_early),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
