/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_LAUNCH_H
#define MONITOR_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "libpod/monitor/monitor.h"
#include "libpod/oci/cgroup.h"
#include "libpod/oci/oci.h"
#include "network/network.h"
#include "util/err.h"

/*
 * Process M, from the fork of the CLI to monitor_become().
 *
 *   CLI                         M
 *   launch_spawn()  --fork-->   setsid, subreaper, join U
 *                               oci_create(), slirp4netns, port proxy
 *                   <--------   LAUNCH_CREATED (init, monitor)
 *   launch_created()
 *   launch_go()     -------->
 *                               "started" file
 *                               oci_start()
 *                   <--------   LAUNCH_STARTED, or why not
 *                               monitor_become()
 *
 * Should the CLI die before "go", M sees its end of the socket hang up and
 * undoes everything: nothing runs that nobody was told of.  Should M die, the
 * CLI sees the end of the file and says so; init then dies with its sync
 * socket.
 *
 * With @hold the payload does not run yet: "go" makes M a bryo-monitor that
 * waits for ATTACH_GO, which launch_resume() of a later command says.
 *
 * The CLI holds the container's flock on conf->lock_fd when it forks; M
 * inherits the open file and with it the lock.
 */

enum launch_net {
	LAUNCH_NET_OTHER, /* none, host, joined: nothing to do for M */
	LAUNCH_NET_SLIRP, /* private: slirp4netns and a proxy for the ports */
};

/**
 * struct launch - what M is to do
 * @spec:        borrowed
 * @conf:        borrowed; all but the init, stdio, console, leash and helper
 *               fields, which M fills in
 * @want_stdin:  the payload gets a pipe as stdin, else /dev/null
 * @net:         see enum launch_net
 * @socks:       listeners for the proxy; NULL or empty: none
 * @join_userns: enters U; called in M before anything is created, may be NULL
 * @arg:         of @join_userns
 * @cgroup:      what cgroup the container is to get, NULL: none is made
 * @monitor_fd:  bryo-monitor, O_PATH; -EBADF: stay in the big program
 * @sibling:     M is to be a child of our parent: systemd only follows the
 *               main process of a unit when that is its own child
 * @hold:        the payload is not to run yet
 */
struct launch {
	const struct oci_spec *spec;
	struct monitor_conf *conf;
	bool want_stdin;
	enum launch_net net;
	const struct port_socks *socks;
	int (*join_userns)(void *arg, struct err *err);
	void *arg;
	const struct cgroup_want *cgroup;
	int monitor_fd;
	bool sibling;
	bool hold;
};

#define LAUNCH_WARNINGS_MAX 2048

/** struct launch_report - what the CLI learns
 *  @warnings: of cgroup_make() and oci_create(), one per line, cut to fit */
struct launch_report {
	struct proc_id init;
	struct proc_id monitor;
	char warnings[LAUNCH_WARNINGS_MAX];
};

/**
 * struct launch_proc - M as the CLI knows it
 * @pidfd:     owned; -EBADF when M is our child, to be reaped by @pid
 * @report_fd: owned
 */
struct launch_proc {
	pid_t pid;
	int pidfd;
	int report_fd;
};

#define LAUNCH_PROC_INIT { 0, -EBADF, -EBADF }

/**
 * launch_spawn() - fork M
 * @ret: launch_proc_done() it
 *
 * M keeps what @l->conf names and closes everything else, the caller's
 * database included, without touching it.
 */
int launch_spawn(const struct launch *l, struct launch_proc *ret,
		 struct err *err);

/**
 * launch_created() - wait until init stands ready to run the payload
 *
 * On failure M has undone all it did and has ended; @err says why.
 */
int launch_created(struct launch_proc *p, struct launch_report *ret,
		   struct err *err);

/**
 * launch_go() - let the payload run, and wait until it does
 *
 * On failure (ERR_START, ERR_CMD_NOT_FOUND, ...) M has ended.
 */
int launch_go(struct launch_proc *p, struct err *err);

/**
 * launch_resume() - let the payload of a held container run
 * @sock:  connection to its monitor; borrowed
 * @first: and be its first client (monitor_conf.client_fd)
 *
 * On failure the monitor undoes everything and ends.
 */
int launch_resume(int sock, bool first, struct err *err);

/** launch_abort() - before launch_go(): M undoes everything and ends */
void launch_abort(struct launch_proc *p);

/** launch_proc_done() - close the socket; before launch_go() this aborts */
void launch_proc_done(struct launch_proc *p);

/**
 * launch_here() - the same without a fork: this process becomes the monitor
 *
 * For `bryo __monitor` (--restart), which already holds the lock and lives in
 * U.  Does not return on success; on failure everything is undone, @err says
 * why, and the caller decides whether to try again.
 */
int launch_here(const struct launch *l, struct err *err);

#endif
