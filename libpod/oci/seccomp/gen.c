/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpod/oci/seccomp/table.h"
#include "util/compiler.h"

/*
 * Theory of operation
 *
 * Build-time program: writes the default filters as C arrays to stdout.
 * libseccomp tells the system call numbers, of foreign machines too; the BPF
 * is ours.  Neighbouring numbers with the same verdict become one interval,
 * and the program is a binary search over the intervals: a third of the
 * instructions that libseccomp makes of the same table, and the kernel, which
 * runs a new filter once for every number, takes it in less time.
 *
 * Capabilities would multiply the variants, so one program serves them all:
 * what depends on them returns a mark (SECCOMP_GATE_DATA), which is replaced
 * when the filter is loaded.
 *
 * BPF only jumps forward, so code is emitted from its end: what is jumped to
 * exists already, and its distance is known.
 */

#define CODE_MAX 4096
#define X32_BIT 0x40000000u

struct program {
	struct sock_filter code[CODE_MAX];	/* last instruction first */
	size_t n;
};

static size_t emit(struct program *p, uint16_t op, uint8_t jt, uint8_t jf,
		   uint32_t k)
{
	if (p->n == CODE_MAX) {
		fprintf(stderr, "seccomp: program too long\n");
		exit(1);
	}
	p->code[p->n] = (struct sock_filter){ op, jt, jf, k };
	return p->n++;
}

/* An instruction within reach of a branch that is emitted at once. */
static size_t reach(struct program *p, size_t target)
{
	/* the branch itself, and perhaps a second JA, come in between */
	if (p->n - target < 250)
		return target;
	return emit(p, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(p->n - target - 1));
}

static size_t branch(struct program *p, uint16_t test, uint32_t k, size_t yes,
		     size_t no)
{
	yes = reach(p, yes);
	no = reach(p, no);
	return emit(p, BPF_JMP | BPF_K | test, (uint8_t)(p->n - yes - 1),
		    (uint8_t)(p->n - no - 1), k);
}

static size_t load(struct program *p, size_t offset)
{
	return emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* An equal return instruction that is near enough, or a new one. */
static size_t ret(struct program *p, uint32_t value)
{
	for (size_t i = p->n; i-- > 0 && p->n - i < 200;)
		if (p->code[i].code == (BPF_RET | BPF_K) &&
		    p->code[i].k == value)
			return i;
	return emit(p, BPF_RET | BPF_K, 0, 0, value);
}

static uint32_t errno_ret(int code)
{
	return SECCOMP_RET_ERRNO | (uint32_t)code;
}

static uint32_t gate_ret(enum seccomp_gate gate, int code)
{
	return SECCOMP_RET_ERRNO | SECCOMP_GATE_DATA(gate, code);
}

static size_t arg_low(unsigned int i)
{
	/* both machines are little-endian */
	return offsetof(struct seccomp_data, args) + i * sizeof(uint64_t);
}

/* ---- the rules that look at arguments ---------------------------------- */

static size_t check_clone(struct program *p)
{
	size_t yes = ret(p, gate_ret(GATE_NEST, ENOSYS));
	size_t no = ret(p, SECCOMP_RET_ALLOW);

	branch(p, BPF_JSET, SECCOMP_CLONE_FLAGS, yes, no);
	return load(p, arg_low(0));
}

/* Argument @arg is one of @values: @hit, else @miss. */
static size_t check_list(struct program *p, unsigned int arg,
			 const uint32_t *values, size_t n, size_t hit,
			 size_t miss)
{
	for (size_t i = 0; i < n; i++)
		miss = branch(p, BPF_JEQ, values[i], hit, miss);
	return load(p, arg_low(arg));
}

static size_t check_socket(struct program *p)
{
	size_t refuse = ret(p, errno_ret(EAFNOSUPPORT));
	size_t allow = ret(p, SECCOMP_RET_ALLOW);
	size_t audit = ret(p, gate_ret(GATE_AUDIT, EAFNOSUPPORT));
	size_t netlink;
	size_t next;

	branch(p, BPF_JEQ, SECCOMP_NETLINK_AUDIT, audit, allow);
	netlink = load(p, arg_low(2));
	next = branch(p, BPF_JEQ, SECCOMP_AF_NETLINK, netlink, allow);
	return check_list(p, 0, seccomp_families_refused,
			  ARRAY_LEN(seccomp_families_refused), refuse, next);
}

static size_t verdict(struct program *p, const struct seccomp_rule *r)
{
	size_t hit;
	size_t miss;

	if (!r)
		return ret(p, errno_ret(ENOSYS));
	switch (r->kind) {
	case SECCOMP_ALLOW:
		return ret(p, SECCOMP_RET_ALLOW);
	case SECCOMP_REFUSE:
		return ret(p, errno_ret(r->code));
	case SECCOMP_GATED:
		return ret(p, gate_ret(r->gate, r->code));
	case SECCOMP_CLONE:
		return check_clone(p);
	case SECCOMP_SOCKET:
		return check_socket(p);
	case SECCOMP_PERSONALITY:
		hit = ret(p, SECCOMP_RET_ALLOW);
		miss = ret(p, errno_ret(ENOSYS));
		return check_list(p, 0, seccomp_personalities,
				  ARRAY_LEN(seccomp_personalities), hit, miss);
	case SECCOMP_IOCTL:
		hit = ret(p, errno_ret(EPERM));
		miss = ret(p, SECCOMP_RET_ALLOW);
		return check_list(p, 1, seccomp_ioctls_refused,
				  ARRAY_LEN(seccomp_ioctls_refused), hit, miss);
	}
	abort();
}

/*
 * ---- numbers --------------------------------------------------------------
 */

struct machine {
	const char *name;
	uint32_t scmp;
	uint32_t audit;
	uint32_t base;		/* of all its numbers */
};

static int number(const struct machine *m, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(m->scmp, name);

	if (nr >= 0)
		return nr;
	for (size_t i = 0; i < ARRAY_LEN(seccomp_numbers); i++) {
		const struct seccomp_number *n = &seccomp_numbers[i];

		if (strcmp(n->name, name) != 0)
			continue;
		if (!n->arch || strcmp(n->arch, m->name) == 0)
			return n->nr | (int)m->base;
	}
	return -1;
}

struct interval {
	uint32_t first;
	const struct seccomp_rule *rule;	/* NULL: the default */
};

struct intervals {
	struct interval v[4 * ARRAY_LEN(seccomp_rules) + 1];
	size_t n;
};

static bool same(const struct seccomp_rule *a, const struct seccomp_rule *b)
{
	if (!a || !b)
		return a == b;
	return a->kind == b->kind && a->gate == b->gate && a->code == b->code;
}

static void add(struct intervals *all, uint32_t first,
		const struct seccomp_rule *rule)
{
	if (all->n && same(all->v[all->n - 1].rule, rule))
		return;
	/* number 0 is not the default: the interval before it is empty */
	if (all->n && all->v[all->n - 1].first == first)
		all->n--;
	all->v[all->n++] = (struct interval){ first, rule };
}

struct numbered {
	uint32_t nr;
	const struct seccomp_rule *rule;
};

static int by_number(const void *a, const void *b)
{
	const struct numbered *x = a;
	const struct numbered *y = b;

	return (x->nr > y->nr) - (x->nr < y->nr);
}

/* Append the numbers of @m; all of them are above what is there already. */
static void add_machine(struct intervals *all, const struct machine *m)
{
	struct numbered v[ARRAY_LEN(seccomp_rules)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(seccomp_rules); i++) {
		int nr = number(m, seccomp_rules[i].name);

		if (nr < 0)
			continue;
		v[n].nr = (uint32_t)nr;
		v[n++].rule = &seccomp_rules[i];
	}
	qsort(v, n, sizeof(*v), by_number);
	for (size_t i = 0; i < n; i++) {
		add(all, v[i].nr, v[i].rule);
		if (i + 1 == n || v[i + 1].nr > v[i].nr + 1)
			add(all, v[i].nr + 1, NULL);
	}
}

static size_t search(struct program *p, const struct intervals *all, size_t lo,
		     size_t hi)
{
	size_t mid = lo + (hi - lo) / 2;
	size_t right;
	size_t left;

	if (hi - lo == 1)
		return verdict(p, all->v[lo].rule);
	right = search(p, all, mid, hi);
	left = search(p, all, lo, mid);
	return branch(p, BPF_JGE, all->v[mid].first, right, left);
}

static size_t machine_code(struct program *p, const struct intervals *all)
{
	search(p, all, 0, all->n);
	return load(p, offsetof(struct seccomp_data, nr));
}

static void print(const char *name, const struct program *p)
{
	printf("\nstatic const struct sock_filter seccomp_%s[] = {\n", name);
	for (size_t i = p->n; i-- > 0;)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", p->code[i].code,
		       p->code[i].jt, p->code[i].jf, p->code[i].k);
	printf("};\n");
}

/*
 * @x32: more numbers of the native audit arch; @foreign: another audit arch;
 * either may be NULL.
 */
static void generate(const char *name, const struct machine *native,
		     const struct machine *x32, const struct machine *foreign)
{
	static struct intervals all;
	static struct program p;
	size_t other;
	size_t own;

	p.n = 0;
	other = ret(&p, errno_ret(ENOSYS));
	if (foreign) {
		all.n = 0;
		add(&all, 0, NULL);
		add_machine(&all, foreign);
		own = machine_code(&p, &all);
		other = branch(&p, BPF_JEQ, foreign->audit, own, other);
	}
	all.n = 0;
	add(&all, 0, NULL);
	add_machine(&all, native);
	if (x32)
		add_machine(&all, x32);
	own = machine_code(&p, &all);
	branch(&p, BPF_JEQ, native->audit, own, other);
	load(&p, offsetof(struct seccomp_data, arch));
	print(name, &p);
}

int main(void)
{
	const struct machine x86_64 = { "x86_64", SCMP_ARCH_X86_64,
					AUDIT_ARCH_X86_64, 0 };
	const struct machine x32 = { "x32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64,
				     X32_BIT };
	const struct machine x86 = { "x86", SCMP_ARCH_X86, AUDIT_ARCH_I386, 0 };
	const struct machine aarch64 = { "aarch64", SCMP_ARCH_AARCH64,
					 AUDIT_ARCH_AARCH64, 0 };
	const struct machine arm = { "arm", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 0 };

	printf("/* made by libpod/oci/seccomp/gen.c */\n"
	       "#if defined(__x86_64__) || defined(SECCOMP_ALL_MACHINES)\n");
	generate("x86_64", &x86_64, NULL, NULL);
	generate("x86_64_compat", &x86_64, &x32, &x86);
	printf("\n#endif\n"
	       "#if defined(__aarch64__) || defined(SECCOMP_ALL_MACHINES)\n");
	generate("aarch64", &aarch64, NULL, NULL);
	generate("aarch64_compat", &aarch64, NULL, &arm);
	printf("\n#endif\n");
	return fflush(stdout) == 0 ? 0 : 1;
}
