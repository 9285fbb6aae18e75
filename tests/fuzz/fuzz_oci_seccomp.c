/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "libpod/oci/oci.h"
#include "libpod/oci/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_seccomp s = { .filter = NULL };
	struct err err = ERR_INIT;

	if (oci_seccomp_compile((const char *)data, size, 1, &s, &err) == 0)
		oci_seccomp_done(&s);
	return 0;
}
