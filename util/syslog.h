/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_SYSLOG_H
#define UTIL_SYSLOG_H

/* <syslog.h> and util/log.h have the same names for levels: apart. */

/** syslog_open() - from now on syslog_line() works, in this process only: a
 *  child may see the /dev/log of a container
 *  @name: borrowed for good */
void syslog_open(const char *name);

/** syslog_line() - @severity as in RFC 5424, 0 to 7; nothing before
 *  syslog_open() */
void syslog_line(int severity, const char *text);

#endif
