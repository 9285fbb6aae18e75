/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_MARKS_H
#define CMD_MARKS_H

struct json_object;

/**
 * marks_set() - tell templates what JSON does not say
 * @maps:  paths of Go maps: "Config.Labels"; NULL-terminated
 * @times: paths of RFC 3339 strings
 * @durations: paths of nanoseconds, or NULL
 *
 * A path that is not there is passed over; "[]" stands for every element of
 * a list: "Mounts[].Options".
 */
void marks_set(struct json_object *o, const char *const *maps,
	       const char *const *times, const char *const *durations);

#endif
