/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `image tree`: the layers of an image, base first, each with its size and
 * the names of the images that end with it.  With --whatrequires the layers
 * that other images put on top of this image, as a tree: the layers of all
 * images form one, since two images share a layer for this purpose when they
 * share all layers below it too.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "libpod/core/runtime.h"
#include "storage/image/digest.h"
#include "storage/image/lineage.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

struct tree_args {
	bool whatrequires;
};

static const struct opt tree_opts[] = {
	OPT_BOOL(0, "whatrequires", struct tree_args, whatrequires,
		 "Show the layers of other images that need this one"),
	OPT_END,
};

/**
 * struct node - a layer with those below it
 * @diff_id: borrowed from the lineage
 * @names:   of the images that end here; a strv, owned
 * @child:   owned, @n of them
 */
struct node {
	const char *diff_id;
	uint64_t size;
	char **names;
	struct node **child;
	size_t n;
};

static struct node *node_free(struct node *node)
{
	for (size_t i = 0; node && i < node->n; i++)
		node_free(node->child[i]);
	if (node) {
		strv_free(node->names);
		free(node->child);
		free(node);
	}
	return NULL;
}

static void cleanup_node(struct node **node)
{
	*node = node_free(*node);
}

#define auto_node cleanup(cleanup_node)

static struct node *child_of(const struct node *node, const char *diff_id)
{
	for (size_t i = 0; i < node->n; i++)
		if (streq(node->child[i]->diff_id, diff_id))
			return node->child[i];
	return NULL;
}

static struct node *child_add(struct node *node, const char *diff_id,
			      uint64_t size)
{
	struct node *child = child_of(node, diff_id);

	if (child)
		return child;
	child = xcalloc(1, sizeof(*child));
	child->diff_id = diff_id;
	child->size = size;
	node->child = xreallocarray(node->child, node->n + 1,
				    sizeof(struct node *));
	node->child[node->n++] = child;
	return child;
}

static int add_image(struct node *root, struct store *store,
		     const struct lineage *l, const struct image *img,
		     struct err *err)
{
	char *const *layers = lineage_layers(l, img->id);
	autofree uint64_t *sizes = NULL;
	struct node *node = root;
	size_t n = 0;
	int r = image_layer_sizes(store, img, &sizes, &n, err);

	for (size_t i = 0; r == 0 && i < n && layers && layers[i]; i++)
		node = child_add(node, layers[i], sizes[i]);
	if (node != root)
		strv_extend(&node->names, img->names);
	return r;
}

static int build(struct node *root, struct store *store,
		 const struct lineage *l, struct err *err)
{
	const struct image_list *list = lineage_images(l);
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = add_image(root, store, l, list->v[i], err);
	return r;
}

/* ---- what is printed ---------------------------------------------------- */

static void add_line(struct sb *out, const char *indent, bool last,
		     const struct node *node)
{
	char size[SIZE_TEXT_MAX];

	sb_addf(out, "%s%s ID: %.12s Size: %s", indent, last ? "└──" : "├──",
		digest_hex(node->diff_id),
		size_human(node->size, false, size));
	if (node->names) {
		autofree char *names = strv_join(node->names, " ");

		sb_addf(out, " Top Layer of: [%s]", names);
	}
	sb_add(out, "\n");
}

static void add_below(struct sb *out, const char *indent,
		      const struct node *node)
{
	for (size_t i = 0; i < node->n; i++) {
		bool last = i + 1 == node->n;
		autofree char *deeper = xasprintf("%s%s", indent,
						  last ? "    " : "│   ");

		add_line(out, indent, last, node->child[i]);
		add_below(out, deeper, node->child[i]);
	}
}

static void add_layers(struct sb *out, const struct node *root,
		       char *const *layers, bool whatrequires)
{
	const struct node *node = root;

	for (; layers && *layers && node; layers++) {
		node = child_of(node, *layers);
		if (!node)
			return;
		if (!whatrequires || !layers[1])
			add_line(out, "", !layers[1], node);
	}
	if (whatrequires && node != root)
		add_below(out, "    ", node);
}

static void add_head(struct sb *out, const struct image *img)
{
	autofree char *names = strv_join(img->names, " ");
	char size[SIZE_TEXT_MAX];

	sb_addf(out, "Image ID: %.12s\nTags:     [%s]\nSize:     %s\n",
		img->id, names, size_human(img->size, false, size));
	sb_add(out, img->n_layers ? "Image Layers\n" : "No Image Layers\n");
}

static int tree_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct tree_args *args = p;
	auto_node struct node *root = xcalloc(1, sizeof(*root));
	auto_lineage struct lineage *l = NULL;
	auto_image struct image *img = NULL;
	autosb struct sb out = SB_INIT;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_find(store, argv[0], &img, err);
	if (r == 0)
		r = lineage_load(store, &l, err);
	if (r == 0)
		r = build(root, store, l, err);
	if (r < 0)
		return r;
	add_head(&out, img);
	add_layers(&out, root, lineage_layers(l, img->id),
		   args->whatrequires);
	print_text(out.buf, out.len);
	return 0;
}

const struct cmd cmd_image_tree = {
	.path = "image tree",
	.usage = "[options] IMAGE",
	.summary = "Show the layers of an image as a tree",
	.text = "Lists the layers of an image with their sizes and the images "
		"that end with them.",
	.examples = (const char *const[]){ "image tree quay.io/fedora/fedora",
					   "image tree --whatrequires alpine",
					   NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ tree_opts, NULL },
	.args_size = sizeof(struct tree_args),
	.run = tree_run,
};
