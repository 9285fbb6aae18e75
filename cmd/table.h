/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include "util/sb.h"

/**
 * table_align() - what Go's tabwriter makes of tab separated lines
 *
 * Every cell but the last of a line is padded to the longest cell of its
 * column plus two blanks, ten characters at least.  Width counts characters,
 * wide ones twice.
 */
void table_align(const char *text, struct sb *out);

#endif
