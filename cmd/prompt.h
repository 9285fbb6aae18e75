/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PROMPT_H
#define CMD_PROMPT_H

#include <stdbool.h>

/** prompt_confirm() - "Are you sure you want to continue? [y/N] "; only a line
 *  from stdin that begins with y or Y is a yes */
bool prompt_confirm(void);

#endif
