/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/volume/volume.h"

#include "cmd/format.h"
#include "cmd/marks.h"
#include "cmd/timearg.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

int volume_filters_parse(char *const *texts, struct filters *ret,
			 struct err *err)
{
	static const char *const known[] = {
		"anonymous", "dangling", "driver", "label", "name",
		"opt",	     "scope",	 "since",  "until", NULL,
	};
	static const struct filter_texts words = {
		{ "filter input must be in the form of filter=value: ",
		  " is invalid" },
		{ "\"", "\" is an invalid volume filter" },
	};
	int r = filters_parse(texts, known, &words, ret, err);

	for (size_t i = 0; !r && i < ret->n; i++) {
		const struct filter *f = &ret->v[i];
		int64_t ns = 0;
		bool on = false;

		if ((streq(f->key, "until") || streq(f->key, "since")) &&
		    time_arg(f->value, TIME_AGO, &ns) < 0)
			r = err_set(err, ERR_USAGE, EINVAL,
				    "invalid time \"%s\" of filter %s",
				    f->value, f->key);
		else if ((streq(f->key, "dangling") ||
			  streq(f->key, "anonymous")) &&
			 parse_bool(f->value, &on) < 0)
			r = err_set(err, ERR_USAGE, EINVAL,
				    "%s is not a valid value for the "
				    "\"%s\" filter - must be true or false",
				    f->value, f->key);
	}
	return r;
}

static bool bool_is(const char *value, bool fact)
{
	bool want = false;

	return !parse_bool(value, &want) && want == fact;
}

static bool test(const struct filter *f, void *obj)
{
	const struct volume *v = obj;
	int64_t ns = 0;

	if (streq(f->key, "anonymous"))
		return bool_is(f->value, v->anonymous);
	if (streq(f->key, "dangling"))
		return bool_is(f->value, !strv_len(v->users));
	if (streq(f->key, "driver"))
		return streq(f->value, v->driver);
	if (streq(f->key, "label"))
		return filter_label(f->value, v->labels);
	if (streq(f->key, "name"))
		return filter_regex(f->value, v->name);
	if (streq(f->key, "opt"))
		return filter_label(f->value, v->options);
	if (streq(f->key, "scope"))
		return streq(f->value, "local");
	if (time_arg(f->value, TIME_AGO, &ns) < 0)
		return false;
	return streq(f->key, "until") ? v->created_ns < ns :
					v->created_ns > ns;
}

bool volume_matches(const struct volume *v, const struct filters *f)
{
	return filters_match(f, test, (void *)(uintptr_t)v);
}

struct json_object *volume_object(const struct volume *v)
{
	static const char *const maps[] = { "Labels", "Options", NULL };
	static const char *const times[] = { "CreatedAt", NULL };
	static const struct zero_field zeros[] = {
		{ "UID", json_type_int },	{ "GID", json_type_int },
		{ "Status", json_type_object }, { "Timeout", json_type_int },
		{ NULL, json_type_null },
	};
	struct json_object *o = volume_inspect(v);

	marks_set(o, maps, times, NULL);
	template_zeros(o, zeros);
	return o;
}
