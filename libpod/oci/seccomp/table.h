/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_SECCOMP_TABLE_H
#define OCI_SECCOMP_TABLE_H

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * bryo's default seccomp policy, as data.  The generator (gen.c) turns it into
 * BPF at build time, the unit test interprets that BPF and compares it with
 * this table again.  What is not named gets ENOSYS, so that a libc falls back
 * to an older call.
 */

/*
 * A gate is a set of rules that is open or closed as a whole, depending on
 * what the container was given.
 */
enum seccomp_gate {
	GATE_NEST,	/* namespaces and mounts: kernel checks capabilities */
	GATE_ADMIN,
	GATE_AUDIT,	/* AF_NETLINK with NETLINK_AUDIT */
	GATE_BOOT,
	GATE_BPF,
	GATE_CHROOT,
	GATE_HANDLE,
	GATE_MODULE,
	GATE_NICE,
	GATE_PACCT,
	GATE_PERFMON,
	GATE_PTRACE,
	GATE_RAWIO,
	GATE_SYSLOG,
	GATE_TIME,
	GATE_TTY,
	GATE_COUNT,
};

#define SECCOMP_CAP(cap) (UINT64_C(1) << (cap))

/* Any one of these capabilities opens the gate. */
static const uint64_t seccomp_gate_caps[GATE_COUNT] = {
	[GATE_NEST] = SECCOMP_CAP(CAP_SYS_ADMIN),
	[GATE_ADMIN] = SECCOMP_CAP(CAP_SYS_ADMIN),
	[GATE_AUDIT] = SECCOMP_CAP(CAP_AUDIT_WRITE),
	[GATE_BOOT] = SECCOMP_CAP(CAP_SYS_BOOT),
	[GATE_BPF] = SECCOMP_CAP(CAP_SYS_ADMIN) | SECCOMP_CAP(CAP_BPF),
	[GATE_CHROOT] = SECCOMP_CAP(CAP_SYS_CHROOT),
	[GATE_HANDLE] = SECCOMP_CAP(CAP_DAC_READ_SEARCH),
	[GATE_MODULE] = SECCOMP_CAP(CAP_SYS_MODULE),
	[GATE_NICE] = SECCOMP_CAP(CAP_SYS_NICE),
	[GATE_PACCT] = SECCOMP_CAP(CAP_SYS_PACCT),
	[GATE_PERFMON] = SECCOMP_CAP(CAP_SYS_ADMIN) |
			 SECCOMP_CAP(CAP_PERFMON),
	[GATE_PTRACE] = SECCOMP_CAP(CAP_SYS_PTRACE),
	[GATE_RAWIO] = SECCOMP_CAP(CAP_SYS_RAWIO),
	[GATE_SYSLOG] = SECCOMP_CAP(CAP_SYSLOG),
	[GATE_TIME] = SECCOMP_CAP(CAP_SYS_TIME),
	[GATE_TTY] = SECCOMP_CAP(CAP_SYS_TTY_CONFIG),
};

static inline bool seccomp_gate_open(enum seccomp_gate gate, uint64_t caps,
				     bool nesting)
{
	return (caps & seccomp_gate_caps[gate]) ||
	       (gate == GATE_NEST && nesting);
}

/*
 * In the generated program a gate is a return value that the kernel has no use
 * for; oci_seccomp_default() replaces it by ALLOW or by the errno.
 */
#define SECCOMP_GATE_MARK 0x8000u
#define SECCOMP_GATE_DATA(gate, code) \
	(SECCOMP_GATE_MARK | (unsigned int)(gate) << 8 | (unsigned int)(code))

enum seccomp_kind {
	SECCOMP_ALLOW,
	SECCOMP_REFUSE,		/* with .code */
	SECCOMP_GATED,		/* open: allow, closed: .code */
	SECCOMP_CLONE,		/* namespace flags are GATE_NEST, else ENOSYS */
	SECCOMP_PERSONALITY,	/* some values, else ENOSYS */
	SECCOMP_SOCKET,		/* not AF_ALG, AF_VSOCK; audit is gated */
	SECCOMP_IOCTL,		/* not TIOCSTI, TIOCLINUX */
};

struct seccomp_rule {
	const char *name;
	enum seccomp_kind kind;
	enum seccomp_gate gate;
	int code;
};

#define ALLOW(name) { #name, SECCOMP_ALLOW, GATE_COUNT, 0 }
#define REFUSE(name, code) { #name, SECCOMP_REFUSE, GATE_COUNT, code }
#define GATED(name, gate, code) { #name, SECCOMP_GATED, GATE_##gate, code }
#define ARGS_CLONE SECCOMP_CLONE
#define ARGS_PERSONALITY SECCOMP_PERSONALITY
#define ARGS_SOCKET SECCOMP_SOCKET
#define ARGS_IOCTL SECCOMP_IOCTL
#define CHECKED(name, kind) { #name, kind, GATE_COUNT, 0 }

static const struct seccomp_rule seccomp_rules[] = {
#include "libpod/oci/seccomp/rules.inc"
};

#undef ALLOW
#undef REFUSE
#undef GATED
#undef CHECKED

/* CLONE_NEWNS|NEWCGROUP|NEWUTS|NEWIPC|NEWUSER|NEWPID|NEWNET */
#define SECCOMP_CLONE_FLAGS 0x7E020000u

/* PER_LINUX, PER_LINUX32, UNAME26 with both, and "ask" */
static const uint32_t seccomp_personalities[] = {
	0x0, 0x8, 0x20000, 0x20008, 0xffffffff,
};

/* Requests that type into the terminal; the kernel looks at 32 bits. */
static const uint32_t seccomp_ioctls_refused[] = { 0x5412, 0x541C };

#define SECCOMP_AF_NETLINK 16
#define SECCOMP_NETLINK_AUDIT 9
static const uint32_t seccomp_families_refused[] = { 38, 40 };

/*
 * Numbers that a libseccomp may not know, the same everywhere (new calls), or
 * that it hides behind socketcall(2) and ipc(2) on 386.
 */
struct seccomp_number {
	const char *name;
	const char *arch;	/* NULL: all */
	int nr;
};

static const struct seccomp_number seccomp_numbers[] = {
	{ "cachestat", NULL, 451 },	 { "fchmodat2", NULL, 452 },
	{ "futex_wake", NULL, 454 },	 { "futex_wait", NULL, 455 },
	{ "futex_requeue", NULL, 456 },	 { "statmount", NULL, 457 },
	{ "listmount", NULL, 458 },	 { "mseal", NULL, 462 },
	{ "setxattrat", NULL, 463 },	 { "getxattrat", NULL, 464 },
	{ "listxattrat", NULL, 465 },	 { "removexattrat", NULL, 466 },
	{ "map_shadow_stack", NULL, 453 }, { "uretprobe", "x86_64", 335 },
	{ "socket", "x86", 359 },	 { "socketpair", "x86", 360 },
	{ "bind", "x86", 361 },		 { "connect", "x86", 362 },
	{ "listen", "x86", 363 },	 { "accept4", "x86", 364 },
	{ "getsockopt", "x86", 365 },	 { "setsockopt", "x86", 366 },
	{ "getsockname", "x86", 367 },	 { "getpeername", "x86", 368 },
	{ "sendto", "x86", 369 },	 { "sendmsg", "x86", 370 },
	{ "recvmmsg", "x86", 337 },	 { "sendmmsg", "x86", 345 },
	{ "recvfrom", "x86", 371 },	 { "recvmsg", "x86", 372 },
	{ "shutdown", "x86", 373 },	 { "semget", "x86", 393 },
	{ "semctl", "x86", 394 },	 { "shmget", "x86", 395 },
	{ "shmctl", "x86", 396 },	 { "shmat", "x86", 397 },
	{ "shmdt", "x86", 398 },	 { "msgget", "x86", 399 },
	{ "msgsnd", "x86", 400 },	 { "msgrcv", "x86", 401 },
	{ "msgctl", "x86", 402 },
};

#endif
