/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_PLAN_NOTIFY_H
#define CORE_PLAN_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

struct ctr;

/*
 * systemd's readiness protocol (sd_notify(3)): one datagram of lines to the
 * socket that NOTIFY_SOCKET names.  --sdnotify says who sends what:
 *
 *   container  the start: MAINPID; the payload, which gets the socket: READY
 *   conmon     the start: MAINPID and READY
 *   healthy    the start: MAINPID; the first check that passes: READY
 *   ignore     nothing
 *
 * MAINPID is the monitor, which ends with the container's exit code.  It has
 * to be a child of systemd: one that is not is sent SIGKILL as soon as a unit
 * stops, without being waited for.
 */

/** NOTIFY_TARGET - where the payload finds the socket (container) */
#define NOTIFY_TARGET "/run/bryo-notify"

/** notify_mode() - --sdnotify of @c; borrowed */
const char *notify_mode(const struct ctr *c);

/** notify_for_payload() - the host's socket that the payload is to get;
 *  borrowed, NULL: none */
const char *notify_for_payload(const struct ctr *c);

/** notify_names_monitor() - the start of @c sends MAINPID to somebody */
bool notify_names_monitor(const struct ctr *c);

/** notify_started() - @c runs under the monitor @monitor */
void notify_started(const struct ctr *c, pid_t monitor);

/** notify_healthy() - a check has passed */
void notify_healthy(const struct ctr *c);

#endif
