/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --format: any text is parsed or refused, what is parsed runs on a small
 * object and comes to an end, and an error says why.
 */
#include <stdlib.h>

#include "cmd/format.h"
#include "util/json.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sample[] =
	"{\"ID\":\"0123\",\"N\":3,\"F\":2.5,\"On\":true,\"Nil\":null,"
	"\"L\":[\"a\",\"b\",[1,2]],\"M\":{\"b\":\"2\",\"a\":\"1\"},"
	"\"S\":{\"X\":{\"Y\":7}},\"T\":\"2026-11-20T13:27:53Z\","
	"\"Label\":{\"k\":\"v\"}}";

static struct json_object *object(void)
{
	struct json_object *o = json_parse(sample, strlen(sample), NULL);

	template_mark_map(json_object_object_get(o, "M"));
	template_mark_time(json_object_object_get(o, "T"));
	template_mark_method(json_object_object_get(o, "Label"));
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xstrndup((const char *)data, size);
	autojson struct json_object *o = object();
	auto_template struct template *t = NULL;
	autosb struct sb out = SB_INIT;
	struct err err = ERR_INIT;

	/* The engine's own limits are for memory; this one is for time. */
	sb_limit(&out, 1 << 20);
	if (template_parse(text, &t, &err) < 0) {
		if (!err.code || !err.msg[0])
			abort();
		return 0;
	}
	if (template_run(t, o, &out, &err) < 0 && (!err.code || !err.msg[0]))
		abort();
	return 0;
}
