/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VOLUME_VOLUME_H
#define CORE_VOLUME_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

struct runtime;
struct json_object;

struct volume {
	char *name;
	char *driver;		/* "local" */
	char *mountpoint;	/* absolute path of _data */
	char **labels;
	char **options;		/* "k=v" */
	int64_t created_ns;
	bool anonymous;
	bool needs_copy_up;
	char **users;		/* container ids */
};

struct volume_list {
	struct volume **v;
	size_t n;
};

struct volume *volume_free(struct volume *v);
void volume_list_done(struct volume_list *l);

/** volume_create() - @name NULL: 64 hex.  -EEXIST "volume already exists" */
int volume_create(struct runtime *rt, const char *name, char *const *labels,
		  char *const *options, bool ignore, struct volume **ret,
		  struct err *err);
int volume_find(struct runtime *rt, const char *name, struct volume **ret,
		struct err *err);
int volume_list(struct runtime *rt, struct volume_list *ret, struct err *err);

/** volume_remove() - -EBUSY/ERR_IN_USE while containers use it, unless
 *  @force removes those first, giving them @timeout_s to stop */
int volume_remove(struct runtime *rt, const char *name, bool force,
		  uint32_t timeout_s, struct err *err);

/** volume_export() - its files as a tar, sorted, with a "./" for itself */
int volume_export(struct runtime *rt, const struct volume *v, int out,
		  struct err *err);

/** volume_import() - unpack the tar (compressed or not) from @fd into it;
 *  files that it does not name stay */
int volume_import(struct runtime *rt, const struct volume *v, int fd,
		  struct err *err);
struct json_object *volume_inspect(const struct volume *v);

#endif
