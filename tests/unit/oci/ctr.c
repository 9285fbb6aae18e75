/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/oci/ctr.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/trace.h"

#define BUSYBOX "/bin/busybox"
#define EXEC_WAIT_MS 30000

static int dir_fd = -EBADF;
static char dir_path[128];
static int layers_fd = -EBADF;
static struct idmap map;
static bool single;
static unsigned int n_states;

static void noreturn_attr die(const char *what)
{
	fprintf(stderr, "oci tests: %s: %s\n", what, strerror(errno));
	_exit(99);
}

/* ---- U ------------------------------------------------------------------- */

/* "user:start:count" of our user; false when there is none */
static bool subid(const char *file, const char *user, uint32_t *start,
		  uint32_t *count)
{
	autofclose FILE *f = fopen(file, "re");
	char line[256];
	size_t len = strlen(user);

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, user, len) == 0 && line[len] == ':' &&
		    sscanf(line + len, ":%u:%u", start, count) == 2)
			return true;
	return false;
}

static void map_helper(const char *program, pid_t pid, uint32_t own,
		       uint32_t start, uint32_t count)
{
	autofree char *path = proc_find_program(program);
	char text[6][16];
	pid_t child;
	int status;

	snprintf(text[0], 16, "%d", (int)pid);
	snprintf(text[1], 16, "%u", own);
	snprintf(text[2], 16, "%u", start);
	snprintf(text[3], 16, "%u", count);
	if (!path)
		die(program);
	child = fork();
	if (child == 0) {
		execl(path, program, text[0], "0", text[1], "1", "1", text[2],
		      text[3], NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0 || status)
		die(program);
}

/* A child outside of the namespace writes our maps. */
static void enter_mapped(uint32_t uid_start, uint32_t gid_start, uint32_t count)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	pid_t us = getpid();
	int gate[2];
	int status;
	pid_t child;

	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe");
	child = fork();
	if (child == 0) {
		char c;

		close(gate[1]);
		if (read(gate[0], &c, 1) != 1)
			_exit(1);
		map_helper("newuidmap", us, uid, uid_start, count);
		map_helper("newgidmap", us, gid, gid_start, count);
		_exit(0);
	}
	if (unshare(CLONE_NEWUSER) < 0 || write(gate[1], "x", 1) != 1)
		die("unshare");
	close(gate[0]);
	close(gate[1]);
	if (waitpid(child, &status, 0) < 0 || status)
		die("map ids");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		die("become root of U");
}

static void write_text(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
}

static void enter_single(void)
{
	autofree char *uid = xasprintf("0 %u 1", (unsigned int)getuid());
	autofree char *gid = xasprintf("0 %u 1", (unsigned int)getgid());

	if (unshare(CLONE_NEWUSER) < 0)
		die("unshare");
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", uid);
	write_text("/proc/self/gid_map", gid);
}

static void enter_userns(void)
{
	struct err err = ERR_INIT;
	struct idmap outer = { .n = 0 };
	struct passwd *pw = getpwuid(getuid());
	uint32_t uid_start = 0;
	uint32_t gid_start = 0;
	uint32_t count = 0;
	bool have = pw && subid("/etc/subuid", pw->pw_name, &uid_start,
				&count) &&
		    subid("/etc/subgid", pw->pw_name, &gid_start, &count);

	if (getenv("BRYO_TEST_SINGLE"))
		have = false;
	if (getuid() != 0 && have) {
		enter_mapped(uid_start, gid_start, count);
	} else if (getuid() != 0) {
		enter_single();
		single = true;
	}
	if (idmap_read("/proc/self/uid_map", &outer, &err) < 0)
		die(err.msg);
	idmap_identity(&outer, &map);
}

bool ctr_single_id(void)
{
	return single;
}

/*
 * ---- layers ---------------------------------------------------------------
 */

static void make_dir(int at, const char *name)
{
	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		die(name);
}

int ctr_image(const char *name)
{
	autofree char *diff = xasprintf("%s/diff", name);

	make_dir(layers_fd, name);
	make_dir(layers_fd, diff);
	return openat(layers_fd, diff, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void copy_busybox(int at)
{
	autoclose int from = open(BUSYBOX, O_RDONLY | O_CLOEXEC);
	autoclose int to = openat(at, "bin/busybox", O_WRONLY | O_CREAT |
				  O_CLOEXEC, 0755);
	autosb struct sb data = SB_INIT;

	if (from < 0 || to < 0 || fd_read_all(from, 16 << 20, &data) < 0 ||
	    fd_write_full(to, data.buf, data.len) < 0)
		die(BUSYBOX);
}

static void busybox_layer(void)
{
	static const char *const applets[] = {
		"sh",	"ls",	 "cat",	  "id",	    "true",  "false", "echo",
		"sleep", "mount", "ip",	  "stat",   "head",  "tail",  "tty",
		"stty", "ps",	 "touch", "mkdir",  "rm",    "wc",    "grep",
		"sed",	"ln",	 "chmod", "readlink", "kill", "env",  "pwd",
		"hostname", "test", "mkfifo", "sort", "cut", "whoami",
		"chown", "ulimit", "find", "dd", "tr", "umask", "df",
	};
	autoclose int fd = ctr_image("bb");

	static const char *const dirs[] = { "bin", "etc", "tmp", "dev", "proc",
					    "sys" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		make_dir(fd, dirs[i]);
	copy_busybox(fd);
	for (size_t i = 0; i < ARRAY_LEN(applets); i++) {
		autofree char *name = xasprintf("bin/%s", applets[i]);

		if (symlinkat("busybox", fd, name) < 0)
			die(name);
	}
	autoclose int etc = openat(fd, "etc", O_PATH | O_CLOEXEC);
	static const char passwd[] =
		"root:x:0:0:root:/root:/bin/sh\n"
		"www:x:33:33:www:/var/www:/bin/false\n"
		"1000:x:0:0:trap:/trap:/bin/sh\n";
	static const char group[] =
		"root:x:0:\nadm:x:4:www\nwww:x:33:\nwheel:x:10:root\n";
	if (file_write_at(etc, "passwd", passwd, strlen(passwd), 0644, false,
			  NULL) < 0 ||
	    file_write_at(etc, "group", group, strlen(group), 0644, false,
			  NULL) < 0)
		die("passwd");
}

int ctr_dir(void)
{
	return dir_fd;
}

const char *ctr_dir_path(void)
{
	return dir_path;
}

int ctr_layers(void)
{
	return layers_fd;
}

/* Clear of the numbers that --preserve-fds is about. */
static int high(int fd)
{
	int r = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	if (r < 0)
		die("fcntl");
	close(fd);
	return r;
}

static const struct {
	const char *key;
	const char *value;
} modes[] = {
	{ NULL, NULL },			    /* all that this machine has */
	{ "BRYO_TEST_SINGLE", "1" },	    /* no subuids */
	{ "BRYO_FORCE", "no-mount-api" },   /* KERNEL(5.12) */
	{ "BRYO_FORCE", "no-openat2" },	    /* KERNEL(5.6) */
};

/* Fork for each mode; true in the child, false when all are done. */
static bool each_mode(int *ret_failed)
{
	*ret_failed = 0;
	if (getenv("BRYO_TEST_SINGLE") || getenv("BRYO_FORCE"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		int status = 0;
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			if (modes[i].key)
				setenv(modes[i].key, modes[i].value, 1);
			fprintf(stderr, "# mode: %s\n", modes[i].key ?
				modes[i].value : "plain");
			return true;
		}
		if (waitpid(pid, &status, 0) < 0 || status)
			(*ret_failed)++;
	}
	return false;
}

int ctr_main(int (*tests)(void))
{
	const char *tmp = getenv("TMPDIR");
	struct err err = ERR_INIT;
	int r;

	signals_reset();
	if (!each_mode(&r))
		return r;
	trace_init();
	fault_init();
	umask(022);
	snprintf(dir_path, sizeof(dir_path), "%s/bryo-oci.XXXXXX",
		 tmp ? tmp : "/tmp");
	enter_userns();
	if (!mkdtemp(dir_path))
		die(dir_path);
	dir_fd = high(open(dir_path, O_PATH | O_DIRECTORY | O_CLOEXEC));
	make_dir(dir_fd, "layers");
	layers_fd = high(openat(dir_fd, "layers", O_PATH | O_DIRECTORY |
				O_CLOEXEC));
	busybox_layer();
	r = tests();
	if (tree_remove_at(AT_FDCWD, dir_path, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	return r;
}

/*
 * ---- a container -----------------------------------------------------------
 */

static char *const default_env[] = {
	(char *)(uintptr_t)"PATH=/bin",
	(char *)(uintptr_t)"container=bryo",
	NULL,
};

static char *const default_lower[] = { (char *)(uintptr_t)"bb/diff", NULL };

struct oci_mount *ctr_mount(struct ctr *c, enum oci_mount_kind kind,
			    const char *target)
{
	struct oci_mount *m = &c->mounts[c->spec.n_mounts++];

	*m = (struct oci_mount){
		.kind = kind,
		.target = target,
		.source_fd = -EBADF,
	};
	return m;
}

static void default_mounts(struct ctr *c)
{
	const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			      MOUNT_ATTR_NOEXEC;
	struct oci_mount *m;

	ctr_mount(c, OCI_MOUNT_PROC, "/proc")->attr = safe;
	ctr_mount(c, OCI_MOUNT_DEV, "/dev");
	ctr_mount(c, OCI_MOUNT_DEVPTS, "/dev/pts")->attr =
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	m = ctr_mount(c, OCI_MOUNT_TMPFS, "/dev/shm");
	m->attr = safe;
	m->source = "shm";
	m->data = "size=64000k,mode=1777";
	ctr_mount(c, OCI_MOUNT_MQUEUE, "/dev/mqueue")->attr = safe;
	ctr_mount(c, OCI_MOUNT_SYSFS, "/sys")->attr = safe | MOUNT_ATTR_RDONLY;
	ctr_mount(c, OCI_MOUNT_CGROUP, "/sys/fs/cgroup")->attr =
		safe | MOUNT_ATTR_RDONLY;
}

static int new_state(void)
{
	autofree char *name = xasprintf("state%u", n_states++);
	int fd;

	make_dir(dir_fd, name);
	fd = high(openat(dir_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
	make_dir(fd, "upper");
	make_dir(fd, "work");
	make_dir(fd, "mnt");
	return fd;
}

void ctr_init(struct ctr *c, char *const *args)
{
	struct oci_process *p = &c->spec.process;

	*c = (struct ctr)CTR_INIT;
	c->state_fd = new_state();
	c->spec.id = "testctr";
	c->spec.hostname = "box";
	c->spec.rootfs.driver = OCI_ROOTFS_OVERLAY;
	c->spec.rootfs.layers_fd = layers_fd;
	c->spec.rootfs.lower = default_lower;
	c->spec.rootfs.n_lower = 1;
	c->spec.rootfs.state_fd = c->state_fd;
	c->spec.rootfs.dir_fd = -EBADF;
	c->spec.uid_map = map;
	c->spec.gid_map = map;
	c->spec.setgroups_deny = single;
	c->spec.mounts = c->mounts;
	c->spec.masked = oci_masked_default(&c->spec.n_masked);
	c->spec.readonly = oci_readonly_default(&c->spec.n_readonly);
	p->args = args;
	p->env = default_env;
	p->cwd = "/";
	p->user = "";
	p->umask = 022;
	p->caps.bounding = oci_caps_default();
	p->caps.effective = oci_caps_default();
	if (oci_seccomp_default(p->caps.bounding, true, false, &p->seccomp,
				NULL) < 0)
		die("seccomp");
	default_mounts(c);
}

void ctr_sh(struct ctr *c, const char *script)
{
	ctr_init(c, c->sh);
	c->sh[0] = (char *)(uintptr_t)"sh";
	c->sh[1] = (char *)(uintptr_t)"-c";
	c->sh[2] = (char *)(uintptr_t)script;
}

void ctr_done(struct ctr *c)
{
	oci_abort(&c->run);
	oci_ctr_done(&c->run);
	oci_seccomp_done(&c->spec.process.seccomp);
	close_fd(c->state_fd);
	close_fd(c->io.console_fd);
	sb_done(&c->out);
	free(c->lower_name);
}

void ctr_wait_exec(const struct ctr *c, const char *program)
{
	autofree char *path = xasprintf("/proc/%d/cmdline",
					(int)c->run.init.pid);

	for (int i = 0; i < EXEC_WAIT_MS; i++) {
		autosb struct sb line = SB_INIT;

		/* a string for each argument */
		if (file_read_at(AT_FDCWD, path, 4096, &line) == 0 &&
		    streq(line.buf, program))
			return;
		usleep(1000);
	}
	die(path);
}

int ctr_wait(int *pidfd)
{
	siginfo_t info = { 0 };

	while (waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED | __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	close_fd(*pidfd);
	return info.si_code == CLD_EXITED ? info.si_status :
					    128 + info.si_status;
}

int ctr_start(struct ctr *c, int *ret_out, struct err *err)
{
	int out[2];
	int r;

	if (pipe2(out, O_CLOEXEC) < 0)
		die("pipe");
	autoclose int ours = out[0];
	autoclose int theirs = out[1];
	if (!c->spec.process.terminal) {
		c->io.stdio[1] = theirs;
		c->io.stdio[2] = theirs;
	}
	r = oci_create(&c->spec, &c->io, NULL, NULL, &c->run, err);
	if (r == 0)
		r = oci_start(&c->run, err);
	if (r == 0)
		*ret_out = take_fd(ours);
	return r;
}

int ctr_run(struct ctr *c, struct err *err)
{
	autoclose int out = -EBADF;
	int r = ctr_start(c, &out, err);

	if (r < 0)
		return r;
	fd_read_all(c->spec.process.terminal ? c->io.console_fd : out, 1 << 20,
		    &c->out);
	c->code = ctr_wait(&c->run.pidfd);
	c->run.init.pid = 0;
	if (c->run.fuse_pid)
		proc_wait(c->run.fuse_pid);
	c->run.fuse_pid = 0;
	return 0;
}

const char *ctr_line(const struct ctr *c, const char *key)
{
	static char line[512];
	const char *p = c->out.buf;
	size_t len = strlen(key);

	while (p && *p) {
		size_t n = strcspn(p, "\n");

		if (strncmp(p, key, len) == 0) {
			snprintf(line, sizeof(line), "%.*s", (int)(n - len),
				 p + len);
			return line;
		}
		p += n + (p[n] == '\n');
	}
	return "";
}
