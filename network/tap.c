/* SPDX-License-Identifier: Apache-2.0 */
#include "network/network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "network/addr.h"
#include "network/netlink.h"
#include "util/cleanup.h"
#include "util/fd.h"

#define TAP_NAME "tap0"
#define TUN_PATH "/dev/net/tun"

/*
 * The device is persistent: it exists before slirp4netns is ready and it
 * stays, with addresses and routes, when slirp4netns is restarted.
 */
static int tap_create(struct err *err)
{
	struct ifreq ifr = { .ifr_name = TAP_NAME };
	autoclose int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return err_set(err, ERR_START, errno,
			       "a private network needs " TUN_PATH ", which is "
			       "missing (fix: sudo modprobe tun; in a "
			       "container: give it --device " TUN_PATH "; or "
			       "use --network none or host)");
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return err_set(
			err, ERR_START, errno,
			"a private network needs " TUN_PATH ", which "
			"this user may not open (fix: sudo chmod 666 " TUN_PATH
			"; or use --network none or host)");
	if (fd < 0)
		return err_sys(err, "open " TUN_PATH);

	ifr.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return err_sys(err, "create device " TAP_NAME);
	if (ioctl(fd, TUNSETPERSIST, 1UL) < 0)
		return err_sys(err, "make device " TAP_NAME " persistent");
	return 0;
}

static int tap_family(struct nl *nl, int ifindex, const char *addr,
		      unsigned prefix, const char *gateway, struct err *err)
{
	union addr a, gw;
	int r;

	if (addr_parse(addr, 0, &a) < 0 || addr_parse(gateway, 0, &gw) < 0)
		return err_set(err, ERR_FAIL, EINVAL, "bad address %s", addr);

	/* no duplicate address detection: usable before slirp is there */
	r = nl_addr_add(nl, ifindex, &a, prefix, a.sa.sa_family == AF_INET6,
			err);
	if (r < 0)
		return r;

	struct nl_route route = {
		.family = a.sa.sa_family,
		.gateway = &gw,
		.oif = ifindex,
	};
	r = nl_route_add(nl, &route, err);
	return r < 0 ? err_wrap(err, r, "default via %s", gateway) : 0;
}

/* A static setup and router advertisements of slirp would give us two. */
static void tap_ignore_ra(void)
{
	autoclose int fd =
		open("/proc/sys/net/ipv6/conf/" TAP_NAME "/accept_ra",
		     O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)fd_write_full(fd, "0", 1);
}

int net_tap_setup(void *arg, struct err *err)
{
	const struct net_tap *tap = arg;
	autonl struct nl nl = NL_INIT;
	unsigned ifindex;
	int r;

	r = net_lo_up(err);
	if (r < 0)
		return r;
	r = tap_create(err);
	if (r < 0)
		return r;
	ifindex = if_nametoindex(TAP_NAME);
	if (!ifindex)
		return err_sys(err, "find device " TAP_NAME);

	r = nl_open(&nl, err);
	if (r < 0)
		return r;
	tap_ignore_ra();
	r = nl_link_up(&nl, (int)ifindex, tap->mtu ? tap->mtu : NET_SLIRP_MTU,
		       err);
	if (r < 0)
		return err_wrap(err, r, TAP_NAME);
	r = tap_family(&nl, (int)ifindex, NET_SLIRP_ADDR, NET_SLIRP_PREFIX,
		       NET_SLIRP_GATEWAY, err);
	if (r < 0 || !tap->ipv6)
		return r;

	/* a host without IPv6 is no reason to have no network */
	tap_family(&nl, (int)ifindex, NET_SLIRP_ADDR6, NET_SLIRP_PREFIX6,
		   NET_SLIRP_GATEWAY6, NULL);
	return 0;
}
