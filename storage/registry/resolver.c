/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/registry/resolver.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/str.h"
#include "util/strv.h"

/* "nas.local:5000", "http://proxy.local/" */
static bool is_multicast_name(const char *text)
{
	autofree char *low = xstrdup(text);
	const char *p = low;

	str_lower(low);
	while ((p = strstr(p, ".local"))) {
		p += strlen(".local");
		if (!*p || strchr(":/.", *p))
			return true;
	}
	return false;
}

/* The sources on the line "hosts:"; NULL without such a line */
static char **host_sources(const char *nsswitch)
{
	autostrv char **lines = strv_split(nsswitch, '\n');

	for (char **line = lines; line && *line; line++) {
		const char *rest = str_after(str_trim(*line), "hosts:");
		autofree char *list = NULL;

		if (!rest)
			continue;
		list = xstrndup(rest, strcspn(rest, "#"));
		for (char *p = list; *p; p++)
			if (*p == '\t')
				*p = ' ';
		return strv_split(list, ' ');
	}
	return NULL;
}

bool resolver_needs_sockets(const char *nsswitch, const char *resolv_conf,
			    char *const *names)
{
	autostrv char **sources = host_sources(nsswitch);

	for (size_t i = 0; i < strv_len(names); i++)
		if (is_multicast_name(names[i]))
			return true;
	if (!sources)
		return false;
	if (!strv_contains(sources, "dns"))
		return true;
	/* 127.0.0.53 and .54 are systemd-resolved itself */
	return strv_contains(sources, "resolve") &&
	       !strstr(resolv_conf, "nameserver 127.0.0.5");
}
