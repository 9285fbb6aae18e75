/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SYSTEM_INFO_DOCKER_H
#define CMD_SYSTEM_INFO_DOCKER_H

struct json_object;

/**
 * info_put_docker() - add docker's fields to the tree that templates see
 * @all:   gets them, hidden from JSON
 * @host, @store: borrowed; branches of that tree under Go's names
 */
void info_put_docker(struct json_object *all, struct json_object *host,
		     struct json_object *store);

#endif
