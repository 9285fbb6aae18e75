/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SYSTEM_DOCTOR_H
#define CMD_SYSTEM_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include "util/sb.h"

/* What rootless containers need of a host, one probe each. */

enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_WARN,	/* works, but something is missed */
	DOCTOR_FAIL,
};

/**
 * struct doctor - what a probe may look at
 * @root: in front of every path of the host; "" but in tests
 * @user, @uid: who asks; borrowed
 * @runtime_dir: XDG_RUNTIME_DIR or NULL; borrowed
 * @no_new_privs: set for us: no set-uid program helps
 * @data_dir: where images go, or its nearest parent that exists; borrowed
 */
struct doctor {
	const char *root;
	const char *user;
	uint32_t uid;
	bool no_new_privs;
	const char *runtime_dir;
	const char *data_dir;
};

/**
 * struct finding - what a probe found
 * @detail: one line: what is there, or the cause
 * @fix:    a command line or setting that mends it, or ""
 * @fix_argv: the same as a program that needs no root; NULL: there is none
 */
struct finding {
	enum doctor_verdict verdict;
	struct sb detail;
	struct sb fix;
	const char *const *fix_argv;
};

struct doctor_probe {
	const char *name;
	enum doctor_verdict (*fn)(const struct doctor *d, struct finding *f);
};

/** doctor_probes - ended by a NULL name */
extern const struct doctor_probe doctor_probes[];

void finding_done(struct finding *f);

#endif
