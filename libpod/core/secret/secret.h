/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SECRET_SECRET_H
#define CORE_SECRET_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/sb.h"

struct runtime;

#define SECRET_MAX 512000	/* bytes of data, as podman has it */

/** struct secret - all of it but the data; owned */
struct secret {
	char id[26];	/* 25 hex digits */
	char *name;
	char **labels;		/* "k=v" */
	char **options;		/* of the driver, "k=v" */
	int64_t created_ns;
	int64_t updated_ns;
};

struct secret_list {
	struct secret **v;	/* by name */
	size_t n;
};

struct secret *secret_free(struct secret *s);
void secret_list_done(struct secret_list *l);

static inline void cleanup_secret(struct secret **s)
{
	*s = secret_free(*s);
}

#define auto_secret cleanup(cleanup_secret)
#define auto_secret_list cleanup(secret_list_done)

enum secret_flags {
	SECRET_REPLACE = 1, /* one of that name is replaced; its id stays new */
	SECRET_IGNORE = 2,  /* one of that name is left as it is */
};

/**
 * secret_create() - keep @data under @name
 * @s:     borrowed: .name, .labels, .options are read, the rest is filled
 *
 * Durable.  -EEXIST/ERR_EXISTS "NAME: secret name in use"
 */
int secret_create(struct runtime *rt, struct secret *s, const void *data,
		  size_t len, unsigned int flags, struct err *err);

/** secret_find() - by name, id or unique id prefix; -ENOENT: podman's words */
int secret_find(struct runtime *rt, const char *name, struct secret **ret,
		struct err *err);
int secret_list(struct runtime *rt, struct secret_list *ret, struct err *err);

/** secret_data() - appended to @ret */
int secret_data(struct runtime *rt, const struct secret *s, struct sb *ret,
		struct err *err);
int secret_remove(struct runtime *rt, const char *name, struct err *err);

/**
 * struct secret_use - one --secret of a container; all borrowed from @text
 * @env:    a variable called @target, else a file of that absolute path
 */
struct secret_use {
	char *name;
	char *id;
	char *target;
	bool env;
	uint32_t uid, gid, mode;
};

/** secret_use_parse() - NAME[,type=mount|env][,target=T][,uid=][,gid=][,mode=]
 *  as fields; @ret is owned, also after a failure */
int secret_use_parse(char *const *fields, struct secret_use *ret,
		     struct err *err);
void secret_use_done(struct secret_use *u);

/** secret_use_pack() - one line for a container's config; owned.
 *  secret_use_unpack() is the reverse */
char *secret_use_pack(const struct secret_use *u);
int secret_use_unpack(const char *text, struct secret_use *ret);

#endif
