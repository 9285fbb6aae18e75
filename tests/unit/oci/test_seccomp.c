/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/oci/oci.h"
#include "libpod/oci/seccomp/table.h"
#define SECCOMP_ALL_MACHINES
#include "seccomp_filter.h"
#include "util/clock.h"
#include "util/str.h"

/*
 * The generated programs are interpreted for every system call number and
 * for arguments around each rule, and compared with what the table says.
 */

#define NR_END 640
#define X32 0x40000000u

static uint32_t word(const struct seccomp_data *d, uint32_t offset)
{
	uint32_t value;

	assert_in_range(offset, 0, sizeof(*d) - sizeof(value));
	memcpy(&value, (const char *)d + offset, sizeof(value));
	return value;
}

/* Classic BPF, as much of it as filters have. */
static uint32_t simulate(const struct sock_filter *f, size_t n,
			 const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		bool yes = false;

		switch (f[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = word(d, f[pc].k);
			continue;
		case BPF_RET | BPF_K:
			return f[pc].k;
		case BPF_JMP | BPF_JA:
			pc += f[pc].k;
			continue;
		case BPF_JMP | BPF_K | BPF_JEQ:
			yes = a == f[pc].k;
			break;
		case BPF_JMP | BPF_K | BPF_JGE:
			yes = a >= f[pc].k;
			break;
		case BPF_JMP | BPF_K | BPF_JGT:
			yes = a > f[pc].k;
			break;
		case BPF_JMP | BPF_K | BPF_JSET:
			yes = a & f[pc].k;
			break;
		case BPF_ALU | BPF_K | BPF_AND:
			a &= f[pc].k;
			continue;
		default:
			fail_msg("instruction %zu: code %#x", pc, f[pc].code);
		}
		pc += yes ? f[pc].jt : f[pc].jf;
	}
	fail_msg("ran off the end");
	return 0;
}

/*
 * ---- what the table says --------------------------------------------------
 */

static const struct seccomp_rule *rule_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(seccomp_rules); i++)
		if (streq(seccomp_rules[i].name, name))
			return &seccomp_rules[i];
	return NULL;
}

static const struct seccomp_rule *rule_at(uint32_t arch, const char *machine,
					  uint32_t nr)
{
	char *name;
	const struct seccomp_rule *rule;

	/* Ours first: on 386 libseccomp hides these behind socketcall. */
	for (size_t i = 0; i < ARRAY_LEN(seccomp_numbers); i++) {
		const struct seccomp_number *s = &seccomp_numbers[i];

		if ((uint32_t)s->nr == (nr & ~X32) &&
		    (!s->arch || streq(s->arch, machine)))
			return rule_of(s->name);
	}
	name = seccomp_syscall_resolve_num_arch(arch, (int)nr);
	if (!name)
		return NULL;
	rule = rule_of(name);
	free(name);
	return rule;
}

static bool in(const uint32_t *list, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == (uint32_t)value)
			return true;
	return false;
}

static uint32_t refuse(int code)
{
	return SECCOMP_RET_ERRNO | (uint32_t)code;
}

static uint32_t gate(enum seccomp_gate g, int code, uint64_t caps, bool nesting)
{
	return seccomp_gate_open(g, caps, nesting) ? SECCOMP_RET_ALLOW :
						     refuse(code);
}

static uint32_t expected(const struct seccomp_rule *r,
			 const struct seccomp_data *d, uint64_t caps,
			 bool nesting)
{
	if (!r)
		return refuse(ENOSYS);
	switch (r->kind) {
	case SECCOMP_ALLOW:
		return SECCOMP_RET_ALLOW;
	case SECCOMP_REFUSE:
		return refuse(r->code);
	case SECCOMP_GATED:
		return gate(r->gate, r->code, caps, nesting);
	case SECCOMP_CLONE:
		return d->args[0] & SECCOMP_CLONE_FLAGS ?
		       gate(GATE_NEST, ENOSYS, caps, nesting) :
		       SECCOMP_RET_ALLOW;
	case SECCOMP_PERSONALITY:
		return in(seccomp_personalities,
			  ARRAY_LEN(seccomp_personalities), d->args[0]) ?
		       SECCOMP_RET_ALLOW : refuse(ENOSYS);
	case SECCOMP_IOCTL:
		return in(seccomp_ioctls_refused,
			  ARRAY_LEN(seccomp_ioctls_refused), d->args[1]) ?
		       refuse(EPERM) : SECCOMP_RET_ALLOW;
	case SECCOMP_SOCKET:
		if (in(seccomp_families_refused,
		       ARRAY_LEN(seccomp_families_refused), d->args[0]))
			return refuse(EAFNOSUPPORT);
		if ((uint32_t)d->args[0] == AF_NETLINK &&
		    (uint32_t)d->args[2] == SECCOMP_NETLINK_AUDIT)
			return gate(GATE_AUDIT, EAFNOSUPPORT, caps, nesting);
		return SECCOMP_RET_ALLOW;
	}
	return 0;
}

/*
 * ---- every number, with telling arguments ----------------------------------
 */

static const uint64_t telling[] = {
	0, 1, 2, 8, 9, 10, 16, 17, 37, 38, 39, 40, 41, 0x11, 0x20000, 0x20001,
	0x20008, 0x5411, 0x5412, 0x5413, 0x541b, 0x541c, 0x541d, 0x10000000,
	0x20000000, 0x40000000, 0x02000000, 0x04000000, 0x08000000, 0x3d0f00,
	0xffffffff, 0xfffffffe, UINT64_C(0xffffffff00005412),
	UINT64_C(0x100000026), UINT64_C(0x1ffffffff), UINT64_C(0x100005412),
};

struct machine {
	const char *name;
	uint32_t scmp;
	uint32_t audit;
	uint32_t base;
};

static void check_machine(const struct oci_seccomp *s, const struct machine *m,
			  uint64_t caps, bool nesting)
{
	for (uint32_t nr = m->base; nr < m->base + NR_END; nr++) {
		const struct seccomp_rule *r = rule_at(m->scmp, m->name, nr);

		for (size_t i = 0; i < ARRAY_LEN(telling); i++) {
			struct seccomp_data d = {
				.nr = (int)nr,
				.arch = m->audit,
				.args = { telling[i], telling[i],
					  i % 2 ? SECCOMP_NETLINK_AUDIT :
						  telling[i] },
			};
			uint32_t have = simulate(s->filter, s->n, &d);
			uint32_t want = expected(r, &d, caps, nesting);

			if (have != want)
				fail_msg("%s %u (%s) arg %#llx caps %#llx: "
					 "%#x, not %#x", m->name, nr,
					 r ? r->name : "-",
					 (unsigned long long)telling[i],
					 (unsigned long long)caps, have, want);
		}
	}
}

static const struct machine x86_64 = { "x86_64", SCMP_ARCH_X86_64,
				       AUDIT_ARCH_X86_64, 0 };
static const struct machine x32 = { "x32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64,
				    X32 };
static const struct machine x86 = { "x86", SCMP_ARCH_X86, AUDIT_ARCH_I386, 0 };
static const struct machine aarch64 = { "aarch64", SCMP_ARCH_AARCH64,
					AUDIT_ARCH_AARCH64, 0 };
static const struct machine arm = { "arm", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 0 };

static const uint64_t cap_sets[] = {
	0,
	~UINT64_C(0),
	SECCOMP_CAP(CAP_SYS_ADMIN),
	SECCOMP_CAP(CAP_BPF),
	SECCOMP_CAP(CAP_PERFMON),
	SECCOMP_CAP(CAP_SYS_CHROOT) | SECCOMP_CAP(CAP_AUDIT_WRITE),
	SECCOMP_CAP(CAP_SYS_PTRACE) | SECCOMP_CAP(CAP_SYS_TIME),
	SECCOMP_CAP(CAP_SYS_BOOT) | SECCOMP_CAP(CAP_SYS_MODULE) |
		SECCOMP_CAP(CAP_SYS_PACCT),
	SECCOMP_CAP(CAP_SYS_RAWIO) | SECCOMP_CAP(CAP_SYS_TTY_CONFIG) |
		SECCOMP_CAP(CAP_SYSLOG),
	SECCOMP_CAP(CAP_DAC_READ_SEARCH) | SECCOMP_CAP(CAP_SYS_NICE),
};

#if defined(__x86_64__)
#define OWN x86_64
#define OTHER x86
#else
#define OWN aarch64
#define OTHER arm
#endif

static void test_native(void **state unused_attr)
{
	for (size_t i = 0; i < 2 * ARRAY_LEN(cap_sets); i++) {
		struct oci_seccomp s = { .filter = NULL };
		uint64_t caps = cap_sets[i / 2];

		assert_ok(oci_seccomp_default(caps, i % 2, false, &s, err));
		check_machine(&s, &OWN, caps, i % 2);
		oci_seccomp_done(&s);
	}
}

static void test_compat(void **state unused_attr)
{
	for (size_t i = 0; i < 4; i++) {
		struct oci_seccomp s = { .filter = NULL };
		uint64_t caps = cap_sets[i / 2];

		assert_ok(oci_seccomp_default(caps, i % 2, true, &s, err));
		check_machine(&s, &OWN, caps, i % 2);
		check_machine(&s, &OTHER, caps, i % 2);
#if defined(__x86_64__)
		check_machine(&s, &x32, caps, i % 2);
#endif
		oci_seccomp_done(&s);
	}
	(void)x32;
}

/* The gates of a program as it was generated, settled here. */
static void settle(const struct sock_filter *from, size_t n,
		   struct oci_seccomp *ret)
{
	struct sock_filter *f = xmemdup(from, n * sizeof(*from));

	for (size_t i = 0; i < n; i++) {
		uint32_t k = f[i].k;

		if (f[i].code == (BPF_RET | BPF_K) &&
		    (k & ~0xffffu) == SECCOMP_RET_ERRNO && (k & 0x8000))
			f[i].k = seccomp_gate_open((k & 0x7fff) >> 8, 0, true) ?
				 SECCOMP_RET_ALLOW :
				 SECCOMP_RET_ERRNO | (k & 0xff);
	}
	ret->filter = f;
	ret->n = n;
}

/* Both machines' programs are right on either machine. */
static void test_all_machines(void **state unused_attr)
{
	struct oci_seccomp s;

	settle(seccomp_x86_64, ARRAY_LEN(seccomp_x86_64), &s);
	check_machine(&s, &x86_64, 0, true);
	oci_seccomp_done(&s);
	settle(seccomp_x86_64_compat, ARRAY_LEN(seccomp_x86_64_compat), &s);
	check_machine(&s, &x86, 0, true);
	check_machine(&s, &x32, 0, true);
	oci_seccomp_done(&s);
	settle(seccomp_aarch64, ARRAY_LEN(seccomp_aarch64), &s);
	check_machine(&s, &aarch64, 0, true);
	oci_seccomp_done(&s);
	settle(seccomp_aarch64_compat, ARRAY_LEN(seccomp_aarch64_compat), &s);
	check_machine(&s, &aarch64, 0, true);
	check_machine(&s, &arm, 0, true);
	oci_seccomp_done(&s);
}

/* Foreign ABIs and numbers out of range get ENOSYS, whatever the call. */
static void test_foreign(void **state unused_attr)
{
	struct oci_seccomp s = { .filter = NULL };

	assert_ok(oci_seccomp_default(~UINT64_C(0), true, false, &s, err));
	for (uint32_t nr = 0; nr < NR_END; nr++) {
		struct seccomp_data d = { .nr = (int)nr, .arch = OTHER.audit };

		assert_int_equal(simulate(s.filter, s.n, &d), refuse(ENOSYS));
		d.arch = OWN.audit;
		d.nr = (int)(nr | X32);
		assert_int_equal(simulate(s.filter, s.n, &d), refuse(ENOSYS));
		d.nr = -(int)nr - 1;
		assert_int_equal(simulate(s.filter, s.n, &d), refuse(ENOSYS));
	}
	oci_seccomp_done(&s);
}

/* The arm private calls lie far above the others. */
static void test_arm_private(void **state unused_attr)
{
	struct seccomp_data d = { .nr = 0x0f0005, .arch = AUDIT_ARCH_ARM };
	struct oci_seccomp s;

	settle(seccomp_aarch64_compat, ARRAY_LEN(seccomp_aarch64_compat), &s);
	assert_int_equal(simulate(s.filter, s.n, &d), SECCOMP_RET_ALLOW);
	d.nr = 0x0f0008;
	assert_int_equal(simulate(s.filter, s.n, &d), refuse(ENOSYS));
	oci_seccomp_done(&s);
}

/* The kernel takes it, and does as simulated. */
static void in_kernel(const struct oci_seccomp *s)
{
	struct sock_fprog prog = { (unsigned short)s->n,
				   (struct sock_filter *)(uintptr_t)s->filter };
	uint64_t start;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	start = clock_mono_ns();
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(1);
	print_message("%zu instructions loaded in %llu us\n", s->n,
		      (unsigned long long)(clock_mono_ns() - start) / 1000);
	if (socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT)
		_exit(2);
	if (syscall(SYS_keyctl, 0, 0, 0) >= 0 || errno != ENOSYS)
		_exit(3);
	if (syscall(SYS_ioctl, 0, 0xffffffff00005412, "x") >= 0 ||
	    errno != EPERM)
		_exit(4);
	if (syscall(SYS_swapoff, "x") >= 0 || errno != EPERM)
		_exit(5);
	_exit(getppid() > 0 ? 0 : 6);
}

static void test_kernel(void **state unused_attr)
{
	struct oci_seccomp s = { .filter = NULL };
	int status = 0;
	pid_t pid;

	assert_ok(oci_seccomp_default(oci_caps_default(), true, false, &s,
				      err));
	pid = fork();
	if (pid == 0)
		in_kernel(&s);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	oci_seccomp_done(&s);
}

UNIT_TESTS(unit_test(test_native), unit_test(test_compat),
	   unit_test(test_all_machines), unit_test(test_foreign),
	   unit_test(test_arm_private), unit_test(test_kernel));
