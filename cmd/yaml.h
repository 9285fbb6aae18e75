/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_YAML_H
#define CMD_YAML_H

#include "util/sb.h"

struct json_object;

/** yaml_print() - @o as block style YAML, keys sorted, a newline at the end;
 *  texts that YAML would read as something else are quoted */
void yaml_print(struct json_object *o, struct sb *out);

#endif
