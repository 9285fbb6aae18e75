/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/caps.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/oci/oci.h"
#include "util/cleanup.h"
#include "util/str.h"

/* Bits of a capability set; the kernel uses 41 of them. */
#define CAPS_MAX 64

#define BIT(cap) (UINT64_C(1) << (cap))

uint64_t oci_caps_default(void)
{
	return BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) |
	       BIT(CAP_FSETID) | BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) |
	       BIT(CAP_SETFCAP) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) |
	       BIT(CAP_SETUID) | BIT(CAP_SYS_CHROOT);
}

uint64_t oci_caps_all(void)
{
	return BIT(cap_max_bits()) - 1;
}

int oci_cap_parse(const char *name)
{
	autofree char *text = NULL;
	cap_value_t cap = -1;

	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	text = xasprintf("cap_%s", name);
	str_lower(text);
	/* libcap takes what a name starts with; only all of it is one */
	if (cap_from_name(text, &cap) < 0 || cap < 0 || cap >= CAPS_MAX ||
	    strcasecmp(oci_cap_name(cap) ? oci_cap_name(cap) : "", text) != 0)
		return -1;
	return cap;
}

const char *oci_cap_name(int cap)
{
	static char names[CAPS_MAX][32];
	char *text;

	if (cap < 0 || cap >= CAPS_MAX)
		return NULL;
	if (names[cap][0])
		return names[cap];
	/* A number that libcap has no name for comes back as digits. */
	text = cap_to_name(cap);
	if (!text)
		die_oom();
	if (str_starts(text, "cap_")) {
		(void)snprintf(names[cap], sizeof(names[cap]), "%s", text);
		for (char *p = names[cap]; *p; p++)
			*p = (char)toupper((unsigned char)*p);
	}
	cap_free(text);
	return names[cap][0] ? names[cap] : NULL;
}

int caps_bound(uint64_t keep, struct err *err)
{
	/* Numbers beyond our names exist on newer kernels: drop them too. */
	for (int cap = 0; cap < 64; cap++) {
		if (keep & BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0;
		return err_sys(err, "drop capability %d from the bounding set",
			       cap);
	}
	return 0;
}

int caps_set(uint64_t permitted, uint64_t effective, uint64_t inheritable,
	     struct err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(err, "set capabilities");
	return 0;
}

int caps_get_permitted(uint64_t *ret, struct err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return err_sys(err, "get capabilities");
	*ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

int caps_ambient(uint64_t set, struct err *err)
{
	for (int cap = 0; cap < 64; cap++) {
		if (!(set & BIT(cap)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_sys(err, "raise ambient capability %d", cap);
	}
	return 0;
}
