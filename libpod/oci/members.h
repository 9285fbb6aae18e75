/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_MEMBERS_H
#define OCI_MEMBERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/proc.h"

/*
 * The processes of a container, for what has to be done without a cgroup:
 * stop all of them, add up what they use.
 */

/**
 * struct member - one process, from its /proc/PID/stat
 * @state:  'R', 'S', 'D', 'T' (stopped), 't' (traced), 'Z', 'X', ...
 * @cpu:    clock ticks of user and system time, its reaped children included
 * @system: the part of @cpu that is system time
 * @rss:    pages
 */
struct member {
	struct proc_id id;
	pid_t ppid;
	char state;
	uint64_t cpu, system;
	uint64_t rss;
	uint32_t threads;
};

/** struct members - oldest first, so that a parent stands before its child as
 *  a rule and init at the top; owned */
struct members {
	struct member *v;
	size_t n;
};

/**
 * members_read() - every process in the pid namespace of @init and every
 * descendant of one (in pid namespaces below)
 * @ret: members_done() it
 *
 * In the caller's own pid namespace (--pid=host): @init and its descendants.
 * -ESRCH/ERR_STATE when @init has ended.
 */
int members_read(const struct proc_id *init, struct members *ret,
		 struct err *err);
void members_done(struct members *m);

/** member_parse() - the text of a stat file, "pid (comm) S ppid ...";
 *  -EINVAL */
int member_parse(const char *text, struct member *ret);

/**
 * members_stop() - SIGSTOP all of them, until none runs
 * @kept: owned; the ones that were stopped before, by themselves: they are
 *        not continued by members_continue()
 *
 * Repeats until a whole look finds nobody that runs, so a fork in between does
 * not escape.  -EBUSY: they fork faster than that for seconds, -EBUSY as well
 * when one does not stop (in an uninterruptible wait); what was stopped is
 * continued then.
 */
int members_stop(const struct proc_id *init, struct members *kept,
		 struct err *err);

/** members_continue() - the reverse, children before their parents */
int members_continue(const struct proc_id *init, const struct members *kept,
		     struct err *err);

#define auto_members cleanup(members_done)

#endif
