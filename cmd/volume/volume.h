/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_VOLUME_VOLUME_H
#define CMD_VOLUME_VOLUME_H

#include "cmd/filter.h"
#include "libpod/core/volume/volume.h"

struct json_object;

/* What the volume commands share. */

#define auto_volume cleanup(cleanup_volume)
#define auto_volume_list cleanup(volume_list_done)

static inline void cleanup_volume(struct volume **v)
{
	*v = volume_free(*v);
}

/** volume_filters_parse() - dangling, driver, label, name, opt, scope, until,
 *  since, anonymous */
int volume_filters_parse(char *const *texts, struct filters *ret,
			 struct err *err);
bool volume_matches(const struct volume *v, const struct filters *f);

/** volume_object() - of inspect, with maps and times marked for templates */
struct json_object *volume_object(const struct volume *v);

#endif
