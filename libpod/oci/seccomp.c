/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "libpod/oci/oci.h"
#include "libpod/oci/seccomp/table.h"
#include "seccomp_filter.h"
#include "util/str.h"

#if defined(__x86_64__)
#define NATIVE seccomp_x86_64
#define COMPAT seccomp_x86_64_compat
#elif defined(__aarch64__)
#define NATIVE seccomp_aarch64
#define COMPAT seccomp_aarch64_compat
#else
#error "no default seccomp filter for this machine"
#endif

/* Replace the mark of a gate by what it comes to for this container. */
static uint32_t settle(uint32_t value, uint64_t caps, bool nesting)
{
	unsigned int data = value & SECCOMP_RET_DATA;
	enum seccomp_gate gate;

	if ((value & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO ||
	    !(data & SECCOMP_GATE_MARK))
		return value;
	gate = (enum seccomp_gate)((data & ~SECCOMP_GATE_MARK) >> 8);
	if (gate < GATE_COUNT && seccomp_gate_open(gate, caps, nesting))
		return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_ERRNO | (data & 0xff);
}

int oci_seccomp_default(uint64_t caps, bool nesting, bool compat,
			struct oci_seccomp *ret, struct err *err)
{
	const struct sock_filter *from = compat ? COMPAT : NATIVE;
	size_t n = compat ? ARRAY_LEN(COMPAT) : ARRAY_LEN(NATIVE);
	struct sock_filter *filter = xmemdup(from, n * sizeof(*from));

	(void)err;
	for (size_t i = 0; i < n; i++)
		if (filter[i].code == (BPF_RET | BPF_K))
			filter[i].k = settle(filter[i].k, caps, nesting);
	ret->filter = filter;
	ret->n = n;
	return 0;
}

void oci_seccomp_done(struct oci_seccomp *s)
{
	free((void *)(uintptr_t)s->filter);
	*s = (struct oci_seccomp){ .filter = NULL };
}
