/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bryo-monitor: the small static program that a container's monitor becomes
 * once the payload runs.  It is not for users; monitor_become() and
 * proxy_spawn() start it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/monitor/monitor.h"
#include "network/network.h"
#include "util/fault.h"
#include "util/str.h"

static int run_monitor(int conf_fd)
{
	struct monitor_conf conf;
	struct err err = ERR_INIT;

	if (monitor_conf_load(conf_fd, &conf, &err) < 0) {
		fprintf(stderr, "Error: %s\n", err.msg);
		return 125;
	}
	close(conf_fd);
	conf.is_program = true;
	return monitor_main(&conf);
}

int main(int argc, char **argv)
{
	int fd = -1;

	fault_init();
	if (argc >= 3 && parse_int(argv[2], &fd) == 0 && fd > 2) {
		if (streq(argv[1], "--conf-fd"))
			return run_monitor(fd);
		if (streq(argv[1], "proxy"))
			return proxy_main(fd);
	}
	fprintf(stderr, "Error: bryo-monitor is started by bryo\n");
	return 125;
}
