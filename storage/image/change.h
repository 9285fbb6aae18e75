/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_CHANGE_H
#define STORAGE_IMAGE_CHANGE_H

#include "util/err.h"

struct json_object;

/**
 * change_apply() - one --change of commit and import
 * @config: the "config" object of an image's config; changed
 * @line:   an instruction of a Dockerfile: "CMD [\"sh\"]", "ENV a=b c=d";
 *          "CMD=sh" is the same as "CMD sh"
 *
 * CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD SHELL STOPSIGNAL USER
 * VOLUME WORKDIR.
 * Return: 0, -EINVAL/ERR_USAGE
 */
int change_apply(struct json_object *config, const char *line,
		 struct err *err);

/**
 * change_merge() - commit --config: what @more says over @config
 * @more: a "config" object as docker's images have it, borrowed; what it does
 *        not have, or has empty, stays as it is
 *
 * Maps and Env are merged by key, ONBUILD is appended, all else is replaced.
 * Return: 0, -EINVAL/ERR_INVALID for a field of another type
 */
int change_merge(struct json_object *config, struct json_object *more,
		 struct err *err);

#endif
