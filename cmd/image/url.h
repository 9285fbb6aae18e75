/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_IMAGE_URL_H
#define CMD_IMAGE_URL_H

#include <stdbool.h>

#include "util/err.h"

struct store;

/** input_is_url() - load and import read it from the network */
bool input_is_url(const char *text);

/** open_url() - download it; @quiet: do not say so on stderr
 *  Return: a descriptor, owned; -errno */
int open_url(struct store *s, const char *url, bool quiet, struct err *err);

#endif
