/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/prompt.h"

#include <stdio.h>

bool prompt_confirm(void)
{
	int first = EOF;
	int c = EOF;

	printf("Are you sure you want to continue? [y/N] ");
	fflush(stdout);
	first = getchar();
	for (c = first; c != EOF && c != '\n'; c = getchar())
		;
	return first == 'y' || first == 'Y';
}
