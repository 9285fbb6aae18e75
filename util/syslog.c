/* SPDX-License-Identifier: Apache-2.0 */
#include "util/syslog.h"

#include <syslog.h>
#include <unistd.h>

static pid_t owner;

void syslog_open(const char *name)
{
	openlog(name, LOG_PID, LOG_USER);
	owner = getpid();
}

void syslog_line(int severity, const char *text)
{
	if (owner && owner == getpid())
		syslog(severity, "%s", text);
}
