/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/desc.h"

#include "util/json.h"

struct json_object *desc_json(const char *type, const char *digest,
			      uint64_t size)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "mediaType", type);
	json_set_str(o, "digest", digest);
	json_set_u64(o, "size", size);
	return o;
}

struct json_object *desc_json_docker(const char *type, const char *digest,
				     uint64_t size)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "mediaType", type);
	json_set_u64(o, "size", size);
	json_set_str(o, "digest", digest);
	return o;
}
