/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SECRET_SECRET_H
#define CMD_SECRET_SECRET_H

#include "libpod/core/secret/secret.h"

struct json_object;

/** secret_object() - podman's object of inspect, without data; owned */
struct json_object *secret_object(const struct secret *s);

#endif
