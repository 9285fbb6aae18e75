/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/oci/oci.h"

/*
 * Theory of operation
 *
 * The floor under `run --rm --network none IMAGE true`: only the system calls
 * that such a container cannot do without.  No state, no monitor, no options,
 * no error texts.  The benchmark divides bryo's time by this program's.
 *
 *   floor hold                    make a user namespace with the full subuid
 *                                 map, print our pid, wait for end of stdin
 *   floor run PID|0 LAYERS DIR CMD...
 *                                 join the namespace of PID (0: make one),
 *                                 overlay of LAYERS (colon separated, top
 *                                 first) with DIR/upper and DIR/work
 *
 * What bryo does in a loop of runs is a join, in a first run a make: the
 * benchmark measures both, each against the same kind here.
 */

static void die(const char *what)
{
	perror(what);
	_exit(125);
}

static void check(int r, const char *what)
{
	if (r < 0)
		die(what);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	check(fd, path);
	if (write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* ---- user namespace ------------------------------------------------------ */

/* First range of this user in /etc/subuid or /etc/subgid. */
static void sub_range(const char *file, char start[16], char count[16])
{
	char line[256];
	const char *user = getenv("USER");
	FILE *f = fopen(file, "re");

	if (!f || !user)
		die(file);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, user, strlen(user)) == 0 &&
		    sscanf(line + strlen(user), ":%15[0-9]:%15[0-9]", start,
			   count) == 2)
			break;
	}
	fclose(f);
}

static pid_t spawn_map(const char *tool, const char *file, pid_t pid,
		       unsigned int own)
{
	char start[16] = "", count[16] = "", target[16], id[16];
	pid_t child;

	sub_range(file, start, count);
	snprintf(target, sizeof(target), "%d", (int)pid);
	snprintf(id, sizeof(id), "%u", own);
	child = vfork();
	if (child == 0) {
		execl(tool, tool, target, "0", id, "1", "1", start, count,
		      (char *)NULL);
		_exit(127);
	}
	return child;
}

/* Become root of a fresh user namespace with the full map. */
static void make_userns(void)
{
	int go[2], ready[2];
	pid_t child;
	char c = 0;

	check(pipe2(go, O_CLOEXEC), "pipe");
	check(pipe2(ready, O_CLOEXEC), "pipe");
	unsigned int uid = getuid(), gid = getgid();
	pid_t self = getpid();

	child = fork();
	if (child == 0) {
		int status;
		pid_t u, g;

		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		u = spawn_map("/usr/bin/newuidmap", "/etc/subuid", self, uid);
		g = spawn_map("/usr/bin/newgidmap", "/etc/subgid", self, gid);
		waitpid(u, &status, 0);
		waitpid(g, &status, 0);
		_exit(write(ready[1], &c, 1) != 1);
	}
	check(unshare(CLONE_NEWUSER), "unshare");
	if (write(go[1], &c, 1) != 1 || read(ready[0], &c, 1) != 1)
		die("maps");
	waitpid(child, NULL, 0);
}

static void join_userns(const char *pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd, path);
	check(setns(fd, CLONE_NEWUSER), "setns");
	close(fd);
}

/* ---- the container ------------------------------------------------------- */

static int fs(const char *type, const char *const *kv, unsigned int attr)
{
	int ctx = (int)syscall(SYS_fsopen, type, 1);
	int fd;

	check(ctx, type);
	for (; kv && kv[0]; kv += 2)
		check((int)syscall(SYS_fsconfig, ctx, kv[1] ? 1 : 0, kv[0],
				   kv[1], 0), kv[0]);
	check((int)syscall(SYS_fsconfig, ctx, 6, NULL, NULL, 0), type);
	fd = (int)syscall(SYS_fsmount, ctx, 1, attr);
	check(fd, type);
	close(ctx);
	return fd;
}

static void attach(int fd, const char *target)
{
	check((int)syscall(SYS_move_mount, fd, "", AT_FDCWD, target, 4),
	      target);
	close(fd);
}

static void overlay(char *layers, const char *dir, const char *target)
{
	char upper[512], work[512];
	const char *kv[256];
	size_t n = 0;

	snprintf(upper, sizeof(upper), "%s/upper", dir);
	snprintf(work, sizeof(work), "%s/work", dir);
	for (char *save = NULL, *l = strtok_r(layers, ":", &save); l && n < 240;
	     l = strtok_r(NULL, ":", &save)) {
		kv[n++] = "lowerdir+";
		kv[n++] = l;
	}
	kv[n++] = "upperdir";
	kv[n++] = upper;
	kv[n++] = "workdir";
	kv[n++] = work;
	kv[n++] = "userxattr";
	kv[n++] = NULL;
	kv[n] = NULL;
	attach(fs("overlay", kv, 0), target);
}

static void dev_node(const char *name)
{
	char from[32], to[32];
	int fd;

	snprintf(from, sizeof(from), "/dev/%s", name);
	snprintf(to, sizeof(to), "dev/%s", name);
	close(open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	fd = (int)syscall(SYS_open_tree, AT_FDCWD, from, 1 | O_CLOEXEC);
	check(fd, from);
	attach(fd, to);
}

static void mounts(void)
{
	static const char *const dev[] = { "mode", "755", "size", "65536k",
					   NULL };
	static const char *const pts[] = { "newinstance", NULL, "ptmxmode",
					   "0666", "mode", "0620", "gid", "5",
					   NULL };
	static const char *const shm[] = { "mode", "1777", "size", "64m",
					   NULL };
	static const char *const nodes[] = { "null", "zero", "full", "random",
					     "urandom", "tty" };

	attach(fs("proc", NULL, 0xe), "proc");
	attach(fs("tmpfs", dev, 2), "dev");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		dev_node(nodes[i]);
	check(mkdir("dev/pts", 0755), "pts");
	check(mkdir("dev/shm", 01777), "shm");
	check(mkdir("dev/mqueue", 0755), "mqueue");
	attach(fs("devpts", pts, 0xa), "dev/pts");
	attach(fs("tmpfs", shm, 0xe), "dev/shm");
	attach(fs("mqueue", NULL, 0xe), "dev/mqueue");
	attach(fs("sysfs", NULL, 0xf), "sys");
}

static void lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ifr.ifr_flags = IFF_UP;
	check(ioctl(s, SIOCSIFFLAGS, &ifr), "lo");
	close(s);
}

static void load_seccomp(void)
{
	struct oci_seccomp sc = { 0 };
	struct sock_fprog prog;

	if (oci_seccomp_default(oci_caps_default(), true, false, &sc, NULL) < 0)
		die("seccomp");
	prog.len = (unsigned short)sc.n;
	prog.filter = (struct sock_filter *)(uintptr_t)sc.filter;
	check((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog),
	      "seccomp");
}

static void child(int go, char *layers, const char *dir, char **argv)
{
	char root[512], c;

	snprintf(root, sizeof(root), "%s/root", dir);
	if (read(go, &c, 1) != 1)
		die("maps");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	lo_up();
	overlay(layers, dir, root);
	check(chdir(root), root);
	mounts();
	check((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(sethostname("floor", 5), "hostname");
	load_seccomp();
	execv(argv[0], argv);
	die(argv[0]);
}

/* The same extents as the parent namespace has, ids unchanged. */
static void write_map(pid_t pid, const char *name)
{
	char self[64], path[64], text[512] = "";
	unsigned int inside, outside, count;
	FILE *f;

	snprintf(self, sizeof(self), "/proc/self/%s", name);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	f = fopen(self, "re");
	if (!f)
		die(self);
	while (fscanf(f, "%u %u %u", &inside, &outside, &count) == 3) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%u %u %u\n", inside,
			 inside, count);
	}
	fclose(f);
	put(path, text);
}

static int run(const char *holder, char *layers, const char *dir, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
			 CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	int go[2], status;
	pid_t pid;

	if (strcmp(holder, "0") == 0)
		make_userns();
	else
		join_userns(holder);
	check(setresgid(0, 0, 0), "setresgid");
	check(setresuid(0, 0, 0), "setresuid");
	check(pipe2(go, O_CLOEXEC), "pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		child(go[0], layers, dir, argv);
	write_map(pid, "uid_map");
	write_map(pid, "gid_map");
	if (write(go[1], "x", 1) != 1)
		die("go");
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	char c;

	if (argc == 2 && strcmp(argv[1], "hold") == 0) {
		make_userns();
		printf("%d\n", (int)getpid());
		fflush(stdout);
		while (read(0, &c, 1) > 0)
			continue;
		return 0;
	}
	if (argc < 6 || strcmp(argv[1], "run") != 0) {
		fprintf(stderr, "usage: floor hold | floor run PID LAYERS DIR "
				"CMD...\n");
		return 125;
	}
	return run(argv[2], argv[3], argv[4], argv + 5);
}
