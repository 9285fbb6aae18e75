/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "libpod/core/core_priv.h"
#include "storage/store.h"
#include "util/str.h"

bool config_has_tree(const struct ctr_config *c)
{
	return streq(c->driver, store_driver_name(STORE_VFS));
}

const char *config_files(const struct ctr_config *c)
{
	return config_has_tree(c) ? "tree" : "upper";
}

#define BATCH 64	/* containers whose directories are open at once */

static int image_bytes(struct store *s, const struct ctr *c, uint64_t *ret,
		       struct err *err)
{
	auto_image struct image *img = NULL;
	int r;

	*ret = 0;
	if (str_is_empty(c->config.image_id))
		return 0;	/* --rootfs */
	r = image_find(s, c->config.image_id, &img, err);
	if (r == 0)
		*ret = img->size;
	return r;
}

/* The vfs driver has the image's files in the container's own tree. */
static int set_sizes(struct store *s, struct ctr *c, uint64_t bytes,
		     struct err *err)
{
	uint64_t image;
	int r = image_bytes(s, c, &image, err);

	if (r < 0)
		return r;
	if (config_has_tree(&c->config))
		bytes = bytes > image ? bytes - image : 0;
	c->sizes = (struct ctr_sizes){ true, bytes, bytes + image };
	return 0;
}

static int measure(struct runtime *rt, struct store *s, struct ctr *const *v,
		   size_t n, struct err *err)
{
	struct store_usage use[BATCH], *each[BATCH];
	size_t opened = 0;
	int r = 0;

	for (; r == 0 && opened < n; opened++) {
		struct ctr *c = v[opened];

		r = ctr_config_load(rt, c, err);
		/* one that is being removed has nothing any more */
		use[opened] = (struct store_usage){
			.dirfd = openat(rt->ctrs_fd, c->id,
					O_PATH | O_DIRECTORY | O_CLOEXEC |
						O_NOFOLLOW),
			.name = r == 0 ? config_files(&c->config) : NULL,
		};
		each[opened] = &use[opened];
	}
	if (r == 0)
		r = store_usage(s, each, n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = set_sizes(s, v[i], use[i].bytes, err);
	while (opened > 0)
		close_fd(use[--opened].dirfd);
	return r;
}

int ctr_list_measure(struct runtime *rt, const struct ctr_list *list,
		     struct err *err)
{
	struct store *s;
	int r = runtime_store(rt, &s, err);

	for (size_t i = 0; r == 0 && i < list->n; i += BATCH)
		r = measure(rt, s, list->v + i, MIN(list->n - i, (size_t)BATCH),
			    err);
	return r;
}
