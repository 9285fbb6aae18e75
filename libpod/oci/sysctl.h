/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_SYSCTL_H
#define OCI_SYSCTL_H

/** sysctl_path() - "net.ipv4.x" -> "net/ipv4/x"; owned; -EINVAL for names
 *  with "..", empty parts or other characters than names have */
int sysctl_path(const char *name, char **ret);

/** sysctl_ns() - enum oci_ns_type that the path belongs to, -1: the host */
int sysctl_ns(const char *path);

#endif
