/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.conf, which is TOML.  Whatever is accepted answers for any name:
 * the last source is the registry itself, and no source has an empty part.
 */
#include <stdlib.h>

#include "storage/registries_conf.h"
#include "util/json.h"
#include "util/strv.h"
#include "util/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sources(const struct registries_conf *conf, const char *host,
			  const char *repo)
{
	auto_registries_sources struct registries_sources list = { 0 };

	if (registries_conf_sources(conf, host, repo, &list, NULL) < 0)
		return;
	if (list.n == 0 || list.v[list.n - 1].mirror)
		abort();
	for (size_t i = 0; i < list.n; i++) {
		if (!*list.v[i].host || !*list.v[i].repo ||
		    strchr(list.v[i].host, '/'))
			abort();
	}
}

static void check_expand(const struct registries_conf *conf, const char *name)
{
	autostrv char **names = NULL;

	if (registries_conf_expand(conf, name, &names, NULL) == 0 && !names)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_registries_conf struct registries_conf *conf = NULL;
	autojson struct json_object *o = NULL;
	const char *text = (const char *)data;
	struct err err = ERR_INIT;

	o = toml_parse(text, size, &err);
	if (!o != (err.code != 0) || (!o && !err.msg[0]))
		abort();
	err_clear(&err);
	if (registries_conf_parse(text, size, &conf, &err) < 0) {
		if (!err.code || !err.msg[0])
			abort();
		return 0;
	}
	if (!o)
		abort();
	check_sources(conf, "docker.io", "library/nginx");
	check_sources(conf, "a.io:5000", "team/app");
	check_sources(conf, "x.wild.io", "a");
	check_expand(conf, "nginx");
	check_expand(conf, "me/app:1");
	return 0;
}
