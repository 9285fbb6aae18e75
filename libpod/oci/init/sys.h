/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_INIT_SYS_H
#define OCI_INIT_SYS_H

#include <asm/unistd.h>

/*
 * System calls without a C library: bryo-init is copied into a sealed memfd
 * at each start that needs it, so every page counts.
 */

#if defined(__x86_64__)

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define START_ASM                                                         \
	".text\n.globl _start\n.type _start,@function\n_start:\n"         \
	"	endbr64\n	xor %ebp, %ebp\n	mov %rsp, %rdi\n" \
	"	and $-16, %rsp\n	call start_main\n	hlt\n"

#elif defined(__aarch64__)

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#define START_ASM                                                         \
	".text\n.globl _start\n.type _start,%function\n_start:\n"         \
	"	mov x29, #0\n	mov x30, #0\n	mov x0, sp\n"             \
	"	and sp, x0, #-16\n	bl start_main\n	brk #0\n"

#else
#error "bryo-init: no system calls for this machine"
#endif

#define SYS(n, ...) sys_pick(n, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define sys_pick(n, a, b, c, d, e, f, ...)                                 \
	sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),   \
	     (long)(f))

#endif
