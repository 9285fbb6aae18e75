/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_BANNED_H
#define UTIL_BANNED_H

/*
 * Force-included by the Makefile: functions that have a safer form here.  The
 * headers that declare them come first, so that only our own uses are hit.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Some libc headers make macros of them. */
#undef basename
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strtok
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok atoi \
	atol atof gets tmpnam mktemp localtime gmtime ctime asctime popen \
	basename dirname

#endif
