/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of bryo-monitor: what is accepted can be written and read
 * again. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/monitor/monitor.h"
#include "util/cleanup.h"
#include "util/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoclose int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct monitor_conf c, again;
	struct err err = ERR_INIT;

	if (fd < 0 || fd_write_full(fd, data, size) < 0)
		abort();
	if (monitor_conf_load(fd, &c, &err) < 0) {
		if (!err.msg[0])
			abort();
		return 0;
	}
	autoclose int copy = monitor_conf_save(&c, NULL);
	if (copy >= 0) {
		if (monitor_conf_load(copy, &again, NULL) < 0 ||
		    again.n_helpers != c.n_helpers ||
		    again.start_n != c.start_n)
			abort();
		monitor_conf_done(&again);
	}
	monitor_conf_done(&c);
	return 0;
}
