/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/filter.h"

#include <fnmatch.h>
#include <regex.h>

#include "util/str.h"
#include "util/strv.h"

static bool is_known(const char *key, const char *const *known)
{
	for (; *known; known++)
		if (streq(*known, key))
			return true;
	return false;
}

static int parse_one(const char *text, const char *const *known,
		     const struct filter_texts *words, struct filter *ret,
		     struct err *err)
{
	const char *eq = strchr(text, '=');
	size_t len = eq ? (size_t)(eq - text) : 0;

	if (!len)
		return err_set(err, ERR_USAGE, EINVAL, "%s%s%s",
			       words->bad_form[0], text, words->bad_form[1]);
	ret->negated = len > 1 && text[len - 1] == '!';
	ret->key = xstrndup(text, len - ret->negated);
	ret->value = xstrdup(eq + 1);
	if (!is_known(ret->key, known))
		return err_set(err, ERR_USAGE, EINVAL, "%s%s%s",
			       words->bad_key[0], ret->key, words->bad_key[1]);
	return 0;
}

int filters_parse(char *const *texts, const char *const *known,
		  const struct filter_texts *words, struct filters *ret,
		  struct err *err)
{
	auto_filters struct filters f = FILTERS_INIT;

	f.v = xcalloc(strv_len(texts) + 1, sizeof(*f.v));
	for (; texts && *texts; texts++) {
		int r = parse_one(*texts, known, words, &f.v[f.n++], err);

		if (r < 0)
			return r;
	}
	*ret = f;
	f = (struct filters)FILTERS_INIT;
	return 0;
}

void filters_done(struct filters *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].key);
		free(f->v[i].value);
	}
	free(f->v);
	*f = (struct filters)FILTERS_INIT;
}

bool filters_have(const struct filters *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (streq(f->v[i].key, key))
			return true;
	return false;
}

bool filters_match(const struct filters *f,
		   bool (*test)(const struct filter *f, void *obj), void *obj)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct filter *one = &f->v[i];
		bool any = false;

		if (one->negated || streq(one->key, "label")) {
			if (test(one, obj) == one->negated)
				return false;
			continue;
		}
		for (size_t j = 0; j < f->n && !any; j++)
			any = !f->v[j].negated &&
			      streq(f->v[j].key, one->key) &&
			      test(&f->v[j], obj);
		if (!any)
			return false;
	}
	return true;
}

bool filter_label(const char *want, char *const *labels)
{
	bool has_value = strchr(want, '=') != NULL;

	for (; labels && *labels; labels++) {
		autofree char *key = xstrndup(*labels, strcspn(*labels, "="));

		if (!fnmatch(want, has_value ? *labels : key, 0) ||
		    streq(want, *labels))
			return true;
		/* "k=" asks for an empty value, which is stored as "k=" or
		 * as a bare "k" */
		if (has_value && !strchr(*labels, '=') &&
		    !strncmp(want, key, strlen(key)) &&
		    streq(want + strlen(key), "="))
			return true;
	}
	return false;
}

bool filter_regex(const char *pattern, const char *text)
{
	regex_t re;
	bool hit = false;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
		return streq(pattern, text);
	hit = !regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return hit;
}
