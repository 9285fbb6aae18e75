/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_REGISTRIES_CONF_H
#define STORAGE_REGISTRIES_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

/*
 * containers-registries.conf(5), version 2: which registries an unqualified
 * name is looked for at, where a name is really fetched from, and which
 * registries may be spoken to without verified TLS.
 */
struct registries_conf;

/**
 * registries_conf_load() - read all files that apply
 * @env: KEY=VALUE list (usually environ): HOME, XDG_CONFIG_HOME,
 *       CONTAINERS_REGISTRIES_CONF
 *
 * CONTAINERS_REGISTRIES_CONF names the one file that is read; else it is the
 * user's or the system's registries.conf followed by the registries.conf.d
 * directories, and docker's daemon.json (storage/daemon_json.h).  With no file
 * at all docker.io is the search list.
 */
int registries_conf_load(char *const *env, struct registries_conf **ret,
			 struct err *err);

/** registries_conf_parse() - one document from memory; for tests */
int registries_conf_parse(const char *text, size_t len,
			  struct registries_conf **ret, struct err *err);

void registries_conf_free(struct registries_conf *conf);

static inline void cleanup_registries_conf(struct registries_conf **conf)
{
	registries_conf_free(*conf);
	*conf = NULL;
}

#define auto_registries_conf cleanup(cleanup_registries_conf)

/** registries_conf_is_short() - @name ("nginx", "a/b:tag") has no registry:
 *  the part before the first slash has no dot, no colon and is not
 *  "localhost" */
bool registries_conf_is_short(const char *name);

/**
 * registries_conf_expand() - the full names that a short name stands for
 * @name: "nginx", "nginx:1.25", "me/app@sha256:..."; tag and digest are kept
 * @ret:  strv to which at least one is appended, to be tried in this order
 *
 * An alias gives just its target.  Otherwise the search list does, docker.io
 * names with library/ where they have no other folder.  localhost/NAME is not
 * in the list: the store looks for a local image before it asks this.  A name
 * that has a registry comes back as it is (docker.io/nginx with library/).
 */
int registries_conf_expand(const struct registries_conf *conf, const char *name,
			   char ***ret, struct err *err);

/** registries_conf_search() - `unqualified-search-registries`; a borrowed
 *  strv, NULL or empty when there are none */
char *const *registries_conf_search(const struct registries_conf *conf);

/** registries_conf_helpers() - `credential-helpers`; a borrowed strv, NULL
 *  when the key is absent */
char *const *registries_conf_helpers(const struct registries_conf *conf);

enum registries_mirror_use {
	MIRROR_ALL,
	MIRROR_DIGEST_ONLY,
	MIRROR_TAG_ONLY,
};

/**
 * struct registries_source - one place to fetch a repository from
 * @host:     "mirror.example:5000"; owned
 * @repo:     "cache/library/nginx"; owned
 * @insecure: plain HTTP and unverified certificates are accepted there
 * @mirror:   not the registry that was named
 * @use:      references that this mirror is asked for
 */
struct registries_source {
	char *host;
	char *repo;
	bool insecure;
	bool mirror;
	enum registries_mirror_use use;
};

struct registries_sources {
	struct registries_source *v;
	size_t n;
};

/**
 * registries_conf_sources() - where HOST/REPO is fetched from
 * @ret: mirrors in order, the primary last; registries_sources_done()
 *
 * Return: 0, -EACCES when the configuration blocks it
 */
int registries_conf_sources(const struct registries_conf *conf,
			    const char *host, const char *repo,
			    struct registries_sources *ret, struct err *err);

void registries_sources_done(struct registries_sources *list);

#define auto_registries_sources cleanup(registries_sources_done)

#endif
