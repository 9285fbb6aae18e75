/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/monitor.h"

#include <stdio.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "network/network.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

/* Only returns when the exec failed. */
static void exec_monitor(const struct monitor_conf *c, int monitor_fd,
			 int conf_fd)
{
	char program[] = "bryo-monitor", option[] = "--conf-fd", number[16];
	char *argv[] = { program, option, number, c->name ? c->name : c->id,
			 NULL };

	fd_cloexec(conf_fd, false);
	snprintf(number, sizeof(number), "%d", conf_fd);
	fexecve(monitor_fd, argv, environ);
}

void monitor_become(struct monitor_conf *c, int monitor_fd)
{
	int conf_fd = monitor_conf_save(c, NULL);
	size_t n_proxy;
	autofree char *conf = c->proxy_fd < 0 ? NULL :
						proxy_conf_read(c->proxy_fd);
	autofree int *proxy = proxy_fds(conf, &n_proxy);
	autofree int *keep = xcalloc(MONITOR_FDS_MAX + n_proxy + 2,
				     sizeof(*keep));
	size_t n = monitor_conf_fds(c, keep);

	for (size_t i = 0; i < n_proxy; i++)
		keep[n++] = proxy[i];
	for (size_t i = 0; i < n; i++)
		if (keep[i] >= 0)
			fd_cloexec(keep[i], false);
	keep[n++] = monitor_fd;
	keep[n++] = conf_fd;
	fd_close_all_but(keep, n);	/* sorts them */
	if (monitor_fd >= 0 && conf_fd >= 0)
		exec_monitor(c, monitor_fd, conf_fd);
	close_fd(monitor_fd);
	close_fd(conf_fd);
	child_exit(monitor_main(c));
}
