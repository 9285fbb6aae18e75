/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/hosts and /etc/resolv.conf of the host as input.  What is made of
 * them, taken as the host's file of a container in the container, is stable.
 */
#include <stdlib.h>
#include <string.h>

#include "network/files.h"
#include "util/cleanup.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_resolv(const char *text)
{
	autosb struct sb once = SB_INIT;
	autosb struct sb twice = SB_INIT;

	resolv_conf_make(text, false, NULL, NULL, NULL, &once);
	resolv_conf_make(once.buf, false, NULL, NULL, NULL, &twice);
	if (!streq(once.buf, twice.buf))
		abort();
}

static void check_hosts(const char *text)
{
	autosb struct sb once = SB_INIT;
	autosb struct sb twice = SB_INIT;
	struct hosts h = {
		.base = text,
		.gateway = "10.1.1.1",
		.ip = "10.0.2.100",
		.hostname = "abc",
		.name = "web",
	};

	hosts_make(&h, &once);
	h.base = once.buf;
	hosts_make(&h, &twice);
	if (!streq(once.buf, twice.buf))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 65536)
		return 0;
	autofree char *text = xstrndup((const char *)data + 1, size - 1);

	if (data[0] & 1)
		check_hosts(text);
	else
		check_resolv(text);
	return 0;
}
