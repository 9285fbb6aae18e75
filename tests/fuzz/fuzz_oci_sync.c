/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/oci/sync.h"
#include "libpod/oci/sysctl.h"
#include "util/cleanup.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One packet from a process that is not ours any more; a sysctl name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *name = xstrndup((const char *)data, size);
	autofree char *path = NULL;
	struct err err = ERR_INIT;
	struct sync_msg msg;
	int pair[2];

	if (sysctl_path(name, &path) == 0 &&
	    (strstr(path, "..") == path || path[0] == '/' ||
	     strstr(path, "/../")))
		abort();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	if (send(pair[0], data, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 &&
	    size && sync_recv(pair[1], &msg, NULL) == 1)
		(void)sync_err(&msg, &err);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
