/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * bryo-registry parses what strangers send and holds the user's credentials.
 * Once the configuration is read (credential helpers included, which are
 * programs) it gives up all it does not need:
 *
 *   descriptors  all but stdio and the client's socket
 *   terminal     a session of its own, and standard error is no terminal any
 *                more: nothing is typed into it, nothing read from it
 *   Landlock     no file but the certificates and what the resolver reads;
 *                no listening socket; no signals to other processes
 *   seccomp      no exec, no tracing, no mounts or namespaces, no keyrings, no
 *                signals; sockets of the Internet only (resolver.h: why)
 *   rlimits      no core file, nothing larger than a manifest written, memory
 *   no_new_privs, not dumpable
 *
 * Landlock and seccomp are layers: a kernel without them (or an ABI too old
 * for a part) only loses that layer.  KERNEL(5.13): Landlock; KERNEL(6.7):
 * its network rules; KERNEL(6.12): its scopes.
 */
#include "storage/registry/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/compiler.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/strv.h"

#define FILE_SIZE_MAX (32u << 20)
#define MEMORY_MAX (1ull << 30)

/* The address sanitizer maps terabytes; no limit on memory then */
#if defined(__SANITIZE_ADDRESS__)
#define SHADOW_MEMORY true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHADOW_MEMORY true
#endif
#endif
#ifndef SHADOW_MEMORY
#define SHADOW_MEMORY false
#endif

/* Newer than the header of Debian 12; the kernel tells what it knows. */
#define ACCESS_FS_TRUNCATE (1ull << 14)
#define ACCESS_FS_IOCTL_DEV (1ull << 15)
#define ACCESS_NET_BIND_TCP (1ull << 0)
#define SCOPE_ABSTRACT_UNIX (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* What the resolver and the TLS library read; missing ones are skipped. */
static const char *const readable[] = {
	"/etc/ssl",
	"/etc/pki",
	"/etc/ca-certificates",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/usr/share/pki",
	"/var/lib/ca-certificates",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/services",
	"/etc/protocols",
	"/etc/localtime",
	"/etc/ld.so.cache",
	"/usr/lib",
	"/usr/lib64",
	"/lib",
	"/lib64",
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager",
	"/run/nscd",
	"/var/run/nscd",
	"/dev/urandom",
	"/dev/null",
};

static int limit(int what, uint64_t max, struct err *err)
{
	struct rlimit rl;

	if (getrlimit((__rlimit_resource_t)what, &rl) < 0)
		return err_sys(err, "getrlimit");
	rl.rlim_max = MIN(rl.rlim_max, (rlim_t)max);
	rl.rlim_cur = MIN(rl.rlim_cur, rl.rlim_max);
	if (setrlimit((__rlimit_resource_t)what, &rl) < 0)
		return err_sys(err, "setrlimit");
	return 0;
}

int sandbox_early(int sock, struct err *err)
{
	int keep[] = { sock };

	fd_close_all_but(keep, ARRAY_LEN(keep));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "prctl PR_SET_DUMPABLE");
	return limit(RLIMIT_CORE, 0, err);
}

/* ---- Landlock ---------------------------------------------------------- */

static uint64_t handled_fs(long abi)
{
	uint64_t all = (1ull << 13) - 1; /* ABI 1: execute ... make sym */

	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		all |= ACCESS_FS_IOCTL_DEV;
	return all;
}

static int allow_read(int ruleset, const char *path, struct err *err)
{
	autoclose int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = fd,
	};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		    &rule, 0) < 0)
		return err_sys(err, "landlock rule for %s", path);
	return 0;
}

static int restrict_files(char *const *paths, struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset_attr attr = { 0 };
	size_t size = sizeof(attr.handled_access_fs);
	int r = 0;

	if (abi < 1) {
		log_debug("no Landlock on this kernel");
		return 0;
	}
	attr.handled_access_fs = handled_fs(abi);
	if (abi >= 4) {
		attr.handled_access_net = ACCESS_NET_BIND_TCP;
		size = offsetof(struct ruleset_attr, scoped);
	}
	if (abi >= 6) {
		attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
		size = sizeof(attr);
	}

	autoclose int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	if (ruleset < 0)
		return err_sys(err, "landlock_create_ruleset");
	for (size_t i = 0; i < ARRAY_LEN(readable) && r == 0; i++)
		r = allow_read(ruleset, readable[i], err);
	for (size_t i = 0; i < strv_len(paths) && r == 0; i++)
		r = allow_read(ruleset, paths[i], err);
	if (r < 0)
		return r;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(err, "landlock_restrict_self");
	return 0;
}

/* ---- seccomp ----------------------------------------------------------- */

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

/* x32 calls come with this bit in the number */
#define X32_BIT 0x40000000u

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
#define NO_FAMILY RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT)
#define IF_EQUAL(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define DENY(call) IF_EQUAL(SYS_##call, 0, 1), REFUSE

static const struct sock_filter filter[] = {
	LOAD(arch),
	IF_EQUAL(NATIVE_ARCH, 1, 0),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	DENY(execve),
	DENY(execveat),
	DENY(ptrace),
	DENY(process_vm_readv),
	DENY(process_vm_writev),
	DENY(pidfd_getfd),
	DENY(kcmp),
	DENY(mount),
	DENY(umount2),
	DENY(pivot_root),
	DENY(chroot),
	DENY(move_mount),
	DENY(open_tree),
	DENY(fsopen),
	DENY(fsmount),
	DENY(unshare),
	DENY(setns),
	DENY(bpf),
	DENY(perf_event_open),
	DENY(userfaultfd),
	DENY(io_uring_setup),
	DENY(add_key),
	DENY(request_key),
	DENY(keyctl),
	DENY(open_by_handle_at),
	DENY(init_module),
	DENY(finit_module),
	DENY(kexec_load),
	DENY(personality),
	DENY(tkill),
	DENY(rt_sigqueueinfo),
	DENY(rt_tgsigqueueinfo),
	DENY(pidfd_send_signal),
};

/*
 * By their arguments: signals at oneself, as abort(3) does; of socket(2) the
 * families that HTTP and the resolver need; of socketpair(2) streams, as
 * libcurl makes them: a datagram socket can be connected elsewhere.
 */
static int restrict_calls(bool sockets, struct err *err)
{
	const uint32_t self = (uint32_t)getpid();
	const uint32_t more = sockets ? AF_UNIX : AF_INET;
	const struct sock_filter by_args[] = {
		IF_EQUAL(SYS_kill, 1, 0),
		IF_EQUAL(SYS_tgkill, 0, 4),
		LOAD(args[0]),
		IF_EQUAL(self, 0, 1),
		RETURN(SECCOMP_RET_ALLOW),
		REFUSE,

		IF_EQUAL(SYS_socket, 0, 7),
		LOAD(args[0]),
		IF_EQUAL(AF_INET, 3, 0),
		IF_EQUAL(AF_INET6, 2, 0),
		IF_EQUAL(AF_NETLINK, 1, 0),
		IF_EQUAL(more, 0, 1),
		RETURN(SECCOMP_RET_ALLOW),
		NO_FAMILY,

		IF_EQUAL(SYS_socketpair, 0, 5),
		LOAD(args[1]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
		IF_EQUAL(SOCK_STREAM, 0, 1),
		RETURN(SECCOMP_RET_ALLOW),
		NO_FAMILY,

		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_filter code[ARRAY_LEN(filter) + ARRAY_LEN(by_args)];
	const struct sock_fprog prog = { ARRAY_LEN(code), code };

	memcpy(code, filter, sizeof(filter));
	memcpy(code + ARRAY_LEN(filter), by_args, sizeof(by_args));

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0)
		return 0;
	if (errno != EINVAL)
		return err_sys(err, "install the seccomp filter");
	log_debug("no seccomp on this kernel");
	return 0;
}

/* ---- terminal ----------------------------------------------------------- */

/* Who has the user's terminal can type into it (TIOCSTI; Linux 6.2 may be told
 * not to have it), and read what the user types. */
static int leave_terminal(struct err *err)
{
	int r;

	/* Fails for the leader of a group, which nobody starts us as */
	(void)setsid();
	if (!isatty(STDERR_FILENO))
		return 0;
	r = fd_null(STDERR_FILENO, STDERR_FILENO);
	return r < 0 ? err_code(err, r, "leave the terminal") : 0;
}

int sandbox_enter(char *const *paths, bool sockets, struct err *err)
{
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "prctl PR_SET_NO_NEW_PRIVS");
	r = leave_terminal(err);
	if (r == 0)
		r = limit(RLIMIT_FSIZE, FILE_SIZE_MAX, err);
	if (r == 0 && !SHADOW_MEMORY)
		r = limit(RLIMIT_AS, MEMORY_MAX, err);
	if (r == 0)
		r = restrict_files(paths, err);
	return r < 0 ? r : restrict_calls(sockets, err);
}
