/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_TOP_H
#define CMD_CONTAINER_TOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"
#include "util/proc.h"
#include "util/sb.h"

/*
 * The processes of a container, read from the host's /proc: nothing is run in
 * the container and its image needs no ps.
 */

/** struct top_proc - one process; numbers as the container sees them unless
 *  the name says host */
struct top_proc {
	pid_t host_pid, host_ppid;
	pid_t pid, ppid, pgid;
	uid_t host_uid, host_ruid;
	gid_t host_gid, host_rgid;
	gid_t *host_groups;	/* owned */
	size_t n_groups;
	char state;
	int tty;		/* device number */
	long nice;
	uint64_t cpu_ns;	/* user and system time */
	int64_t start_ns;	/* since 1970 */
	uint64_t elapsed_ns;
	uint64_t vsz_kb, rss_kb;
	uint64_t caps[5];	/* inherited, permitted, effective, bounding,
				   ambient */
	int seccomp;
	char *comm;		/* owned */
	char *label;		/* owned; of the security module, "?": none */
	char *args;		/* owned; blanks between the words */
};

/** struct id_range - one line of a uid_map or gid_map */
struct id_range {
	uint32_t inside, outside, count;
};

#define TOP_RANGES_MAX 340

/**
 * struct top - the container and its processes, oldest first; all owned
 */
struct top {
	struct top_proc *v;
	size_t n;
	int64_t boot_ns;	/* the machine's, since 1970 */
	struct id_range uids[TOP_RANGES_MAX], gids[TOP_RANGES_MAX];
	size_t n_uids, n_gids;
	struct sb passwd, group;	/* of the container */
	struct sb host_passwd, host_group;
};

/**
 * top_read() - every process in the pid namespace of @init
 *
 * A container in the host's pid namespace: @init and what descends from it.
 */
int top_read(const struct proc_id *init, struct top *ret, struct err *err);
void top_done(struct top *t);

/** struct top_column - a descriptor: "pcpu" has the header "%CPU" */
struct top_column {
	const char *name;
	const char *header;
	void (*print)(const struct top *t, const struct top_proc *p,
		      struct sb *out);
};

/** top_column_find() - by name; NULL when there is none */
const struct top_column *top_column_find(const char *name);

#endif
