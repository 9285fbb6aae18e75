/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_TRASH_H
#define UTIL_TRASH_H

/**
 * trash_empty() - delete everything below a directory that others move what
 * is to go into
 * @trash: borrowed
 *
 * One process works at a time (flock on the directory).  Who finds the lock
 * taken goes away, so whoever holds it, for a single entry of its own too,
 * has to call this after it let go: what was moved there meanwhile is
 * forgotten otherwise.  What cannot be deleted now is tried again for some
 * seconds, then it stays.
 */
void trash_empty(int trash);

#endif
