/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_IMAGE_FILTER_H
#define CMD_IMAGE_FILTER_H

#include <stdbool.h>

#include "cmd/filter.h"
#include "util/err.h"

struct image;
struct image_filter_value;
struct lineage;
struct store;

/**
 * struct image_filters - --filter of `images` and `image prune`
 * @hide:    untagged images from which others were made do not match, unless
 *           a filter asks for such
 * @values:  of the filters, in their order; owned
 * @lineage: loaded when it is needed; owned
 */
struct image_filters {
	struct store *store;
	bool hide;
	struct filters filters;
	struct image_filter_value *values;
	struct lineage *lineage;
};

/** image_filters_parse() - -EINVAL/ERR_USAGE: a value has no meaning; or no
 *  such image in "before" or "since".  image_filters_done() in any case */
int image_filters_parse(struct store *s, char *const *texts,
			struct image_filters *ret, struct err *err);
void image_filters_done(struct image_filters *f);

#define auto_image_filters cleanup(image_filters_done)

/** image_matches() - 1 yes, 0 no, -errno */
int image_matches(struct image_filters *f, const struct image *img,
		  struct err *err);

/** image_filters_patterns() - of the filter "reference"; a strv, appended */
void image_filters_patterns(const struct image_filters *f, char ***ret);

/** image_name_matches() - "*nginx*", "quay.io/x", "nginx:1.*": against the
 *  name with and without its tag, each from every slash on */
bool image_name_matches(char *const *patterns, const char *name);

/** image_reference_matches() - any name or digest of @img does */
bool image_reference_matches(const char *pattern, const struct image *img);

#endif
