/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/lineage.h"

#include "storage/store.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/**
 * struct kin - what tells the relatives of one image
 * @img:    borrowed from the list
 * @layers, @history: base first; a strv each, owned
 */
struct kin {
	const struct image *img;
	char **layers;
	char **history;
	size_t n_layers;
	size_t n_history;
};

struct lineage {
	struct image_list list;
	struct kin *v;
};

struct lineage *lineage_free(struct lineage *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; i < l->list.n; i++) {
		strv_free(l->v[i].layers);
		strv_free(l->v[i].history);
	}
	free(l->v);
	image_list_done(&l->list);
	free(l);
	return NULL;
}

static void kin_load(struct store *s, const struct image *img, struct kin *k)
{
	autojson struct json_object *config = NULL;
	struct json_object *history;

	k->img = img;
	if (image_config(s, img, &config, NULL) < 0)
		return;
	k->layers = json_strv(json_obj(config, "rootfs"), "diff_ids");
	k->n_layers = strv_len(k->layers);
	history = json_arr(config, "history");
	k->n_history = history ? json_object_array_length(history) : 0;
	for (size_t i = 0; i < k->n_history; i++)
		strv_add(&k->history,
			 json_text(json_object_array_get_idx(history, i)));
}

int lineage_load(struct store *s, struct lineage **ret, struct err *err)
{
	auto_lineage struct lineage *l = xcalloc(1, sizeof(*l));
	int r;

	TRACE("store", "lineage");
	r = image_list(s, &l->list, err);
	if (r < 0)
		return r;
	l->v = xcalloc(l->list.n ? l->list.n : 1, sizeof(*l->v));
	for (size_t i = 0; i < l->list.n; i++)
		kin_load(s, l->list.v[i], &l->v[i]);
	*ret = take_ptr(l);
	return 0;
}

const struct image_list *lineage_images(const struct lineage *l)
{
	return &l->list;
}

static const struct kin *kin_of(const struct lineage *l, const char *id)
{
	for (size_t i = 0; i < l->list.n; i++)
		if (streq(l->list.v[i]->id, id))
			return &l->v[i];
	return NULL;
}

static bool is_beginning(char *const *a, size_t n, char *const *b)
{
	for (size_t i = 0; i < n; i++)
		if (!streq(a[i], b[i]))
			return false;
	return true;
}

static bool is_older(const struct kin *a, const struct kin *b)
{
	if (a->n_history > b->n_history || a->n_layers > b->n_layers)
		return false;
	if (a->n_history == b->n_history && a->n_layers == b->n_layers)
		return false;
	/* Of an image without either everything would be made */
	return a->n_history + a->n_layers > 0 &&
	       is_beginning(a->history, a->n_history, b->history) &&
	       is_beginning(a->layers, a->n_layers, b->layers);
}

const struct image *lineage_parent(const struct lineage *l, const char *id)
{
	const struct kin *child = kin_of(l, id);
	const struct kin *best = NULL;

	for (size_t i = 0; child && i < l->list.n; i++) {
		const struct kin *k = &l->v[i];

		if (is_older(k, child) && (!best || is_older(best, k)))
			best = k;
	}
	return best ? best->img : NULL;
}

bool lineage_is_parent(const struct lineage *l, const char *id,
		       char *const *without)
{
	const struct kin *parent = kin_of(l, id);

	for (size_t i = 0; parent && i < l->list.n; i++)
		if (is_older(parent, &l->v[i]) &&
		    !strv_contains(without, l->list.v[i]->id))
			return true;
	return false;
}

const struct image *lineage_at(const struct lineage *l, const char *id,
			       size_t n)
{
	const struct kin *k = kin_of(l, id);

	if (!k || n > k->n_history)
		return NULL;
	if (n == k->n_history)
		return k->img;
	for (size_t i = 0; i < l->list.n; i++)
		if (l->v[i].n_history == n && is_older(&l->v[i], k))
			return l->v[i].img;
	return NULL;
}

char *const *lineage_layers(const struct lineage *l, const char *id)
{
	const struct kin *k = kin_of(l, id);

	return k ? k->layers : NULL;
}
