/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_SECCOMP_PROFILE_H
#define OCI_SECCOMP_PROFILE_H

#include "libpod/oci/spec.h"

/** seccomp_profile_compile() - the text of a profile; see oci_seccomp_load() */
int seccomp_profile_compile(const char *text, size_t len, uint64_t caps,
			    struct oci_seccomp *ret, struct err *err);

#endif
