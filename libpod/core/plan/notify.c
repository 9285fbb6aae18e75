/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/plan/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "libpod/core/container.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/str.h"

static const char *socket_path(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && (path[0] == '/' || path[0] == '@') ? path : NULL;
}

/* Nobody who listens is no failure: the unit may be of another type. */
static void send_text(const char *text)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *path = socket_path();
	size_t len = path ? strlen(path) : 0;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				     len);

	if (!path || len >= sizeof(sa.sun_path))
		return;
	memcpy(sa.sun_path, path, len);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
			     (struct sockaddr *)&sa, size) < 0)
		log_debug("notify %s: %s", path, err_reason(errno));
}

const char *notify_mode(const struct ctr *c)
{
	return c->config.sdnotify ? c->config.sdnotify : "container";
}

static bool mode_is(const struct ctr *c, const char *mode)
{
	return streq(notify_mode(c), mode);
}

const char *notify_for_payload(const struct ctr *c)
{
	const char *path = socket_path();

	return path && path[0] == '/' && mode_is(c, "container") ? path : NULL;
}

bool notify_names_monitor(const struct ctr *c)
{
	return socket_path() && !mode_is(c, "ignore");
}

void notify_started(const struct ctr *c, pid_t monitor)
{
	char text[64];

	if (!notify_names_monitor(c))
		return;
	(void)snprintf(text, sizeof(text), "MAINPID=%d%s", monitor,
		       mode_is(c, "conmon") ? "\nREADY=1" : "");
	send_text(text);
}

void notify_healthy(const struct ctr *c)
{
	if (mode_is(c, "healthy"))
		send_text("READY=1");
}
