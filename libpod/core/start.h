/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_START_H
#define CORE_START_H

#include <stdbool.h>
#include <stdint.h>

#include "libpod/core/plan/plan.h"
#include "util/err.h"

struct ctr;
struct monitor_conf;
struct port_socks;
struct runtime;

/*
 * What a start by a command (start.c) and one by the monitor itself (ended.c)
 * share.
 */

/** start_again() - the restart policy wants it when it ends now */
bool start_again(const struct ctr *c);

/** start_is_due() - it has ended, and the policy wants another round */
bool start_is_due(const struct ctr *c);

/** start_plan() - all of @p, which plan_init() has zeroed */
int start_plan(struct plan *p, struct err *err);

/** start_ports() - bind what is published, into @socks (owned by the caller)
 *  and p->c->ports */
int start_ports(struct plan *p, struct port_socks *socks, struct err *err);

/**
 * start_conf() - what the monitor is to know
 * @m:        monitor_conf_init() before; monitor_conf_done() it
 * @lock_fd:  the monitor lock
 * @delay_ms: the back-off, should the policy restart it
 */
void start_conf(struct monitor_conf *m, const struct plan *p, int lock_fd,
		uint32_t delay_ms);

/** start_argv() - a bryo of the same places, for a command of it to be added;
 *  owned */
char **start_argv(const struct runtime *rt);

/** start_listen() - the attach socket in @run_dir; owned descriptor */
int start_listen(int run_dir, struct err *err);

/** start_program() - bryo-monitor, O_PATH; -EBADF when there is none */
int start_program(void);

/** start_bundle() - config.json; a failure is not worth more than a note */
void start_bundle(const struct plan *p);

#endif
