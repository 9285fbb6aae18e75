/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_FILTER_H
#define CMD_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"
#include "util/err.h"

/*
 * --filter KEY=VALUE of the listing commands.  Values of one key are
 * alternatives, different keys must all match; labels and KEY!=VALUE must
 * all match too.
 */
struct filter {
	char *key;
	char *value;
	bool negated;
};

struct filters {
	struct filter *v;
	size_t n;
};

#define FILTERS_INIT { NULL, 0 }

/**
 * struct filter_texts - podman words its errors differently per command
 * @bad_form: what surrounds a text that is no filter
 * @bad_key:  what surrounds an unknown key
 */
struct filter_texts {
	const char *bad_form[2];
	const char *bad_key[2];
};

/** filters_parse() - @known: NULL-terminated keys; -EINVAL/ERR_USAGE */
int filters_parse(char *const *texts, const char *const *known,
		  const struct filter_texts *words, struct filters *ret,
		  struct err *err);
void filters_done(struct filters *f);

/** filters_have() - one of them has this key */
bool filters_have(const struct filters *f, const char *key);

/** filters_match() - ask @test about each filter and combine the answers */
bool filters_match(const struct filters *f,
		   bool (*test)(const struct filter *f, void *obj),
		   void *obj);

/** filter_label() - "k", "k=v", with * and ? as wildcards, against a
 *  KEY=VALUE list */
bool filter_label(const char *want, char *const *labels);

/** filter_regex() - an extended regular expression that matches somewhere;
 *  one that does not compile is compared as text */
bool filter_regex(const char *pattern, const char *text);

#define auto_filters cleanup(filters_done)

#endif
