/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_NETWORK_RIG_H
#define TESTS_UNIT_NETWORK_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A made-up network for which nobody has to be root: the test enters a user
 * namespace U of its own and plays the monitor there.
 *
 *	client namespace            "host" namespace          container
 *	c0 192.168.77.2  --veth--  h0 192.168.77.1
 *	   fd77::2                    fd77::1     slirp4netns -- tap0
 *	   fe80::...                  lo                         lo
 *
 * The container has a user namespace below U, as real ones do.
 */
#define RIG_HOST "192.168.77.1"
#define RIG_HOST6 "fd77::1"
#define RIG_CLIENT "192.168.77.2"
#define RIG_CLIENT6 "fd77::2"

struct rig {
	pid_t client;	/* holds the client's network namespace */
	pid_t init;	/* holds the container's namespaces, has tap0 */
};

/** rig_enter() - into U and the host namespace; before everything else */
void rig_enter(void);

/** rig_start() - make the namespaces; ends the test program on failure */
void rig_start(struct rig *rig, bool ipv6);
void rig_stop(struct rig *rig);

/** rig_run() - fork, enter @pid's network namespace, run @fn there
 *  Return: what @fn returned, 0..127, or 128 + signal */
int rig_run(pid_t pid, int (*fn)(void *arg), void *arg);

/** rig_spawn() - the same without waiting; pid of the child */
pid_t rig_spawn(pid_t pid, int (*fn)(void *arg), void *arg);

/** rig_reap() - SIGKILL and wait */
void rig_reap(pid_t pid);

/** rig_sh() - run a shell command in @pid's network namespace (0: ours) */
int rig_sh(pid_t pid, const char *command);

/** rig_hide() - in a mount namespace of the calling child only: cover @path
 *  with @with, or with an empty directory when @with does not exist */
int rig_hide(const char *with, const char *path);

/*
 * Servers and clients that tell each other whom they see.
 */

/** rig_server() - TCP and UDP server on @port of both families (or IPv4 only)
 *  in @pid's namespace: greets with the peer's "ip:port\n", then echoes.
 *  UDP: answers each datagram with "ip:port\n".  Ready on return. */
pid_t rig_server(pid_t pid, uint16_t port, bool v4_only);

/**
 * rig_ask() - from @pid's namespace: connect, whom does the server see?
 * @seen: "ip:port" as the server saw it
 * @own:  "ip:port" as the client sees itself
 *
 * Return: 0, or the errno of the client
 */
#define RIG_TEXT 64
int rig_ask(pid_t pid, bool udp, const char *ip, uint16_t port,
	    char seen[RIG_TEXT], char own[RIG_TEXT]);

#endif
