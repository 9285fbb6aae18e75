/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/choose.h"

#include <errno.h>

#include "storage/image/list.h"
#include "storage/image/platform.h"
#include "storage/store.h"
#include "util/str.h"

static int wrong(const char *name, const struct image *img,
		 const struct platform *want, struct err *err)
{
	autofree char *text = platform_text(want);
	bool variant = !str_is_empty(img->variant);

	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "image with reference %s was found but its platform "
		       "(%s/%s%s%s) does not match the specified platform "
		       "(%s)", name, img->os, img->arch, variant ? "/" : "",
		       variant ? img->variant : "", text);
}

static int choose_entry(struct store *s, const char *name,
			const struct image *list, const struct platform *want,
			struct image **ret, struct err *err)
{
	autofree char *source = NULL;
	int r = list_choose(s, list, want, ret, &source, err);

	return r < 0 ? err_wrap(err, r, "%s", name) : 0;
}

int image_choose(struct store *s, const char *name, const char *platform,
		 struct image **ret, struct err *err)
{
	auto_image struct image *img = NULL;
	struct platform want;
	int r = platform ? platform_parse(platform, &want, err) : 0;

	if (r == 0)
		r = image_find(s, name, &img, err);
	if (r < 0)
		return r;
	if (platform && img->is_list)
		return choose_entry(s, name, img, &want, ret, err);
	if (platform &&
	    !platform_score(&want, img->os, img->arch, img->variant))
		return wrong(name, img, &want, err);
	*ret = take_ptr(img);
	return 0;
}
