/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_IMAGE_ROWS_H
#define CMD_IMAGE_ROWS_H

#include <stddef.h>

#include "util/err.h"

struct image;

/* In place of a repository or tag that there is not, as docker prints it */
#define IMAGE_NONE "<none>"

/**
 * struct image_row - one line of `images`: an image by one of its names
 * @img:  borrowed from the list
 * @repo, @tag: owned
 */
struct image_row {
	const struct image *img;
	char *repo;
	char *tag;
};

/** struct image_rows - { 0 } is the empty list */
struct image_rows {
	struct image_row *v;
	size_t n;
};

void image_rows_done(struct image_rows *rows);

/**
 * image_rows_add() - a row for each name of @img, side by side
 * @img:  borrowed as long as @rows
 * @only: patterns of which a shown name has to match one; NULL, or when none
 *        does: all names.  An image without a name has one row, of its digest's
 *        repository or of IMAGE_NONE
 */
void image_rows_add(struct image_rows *rows, const struct image *img,
		    char *const *only);

/**
 * image_rows_sort() - by created, id, repository, size or tag
 * @key: NULL: the order stays.  ERR_USAGE for any other
 */
int image_rows_sort(struct image_rows *rows, const char *key, struct err *err);

/**
 * image_row_digest() - the digest that the row's own registry has
 *
 * That of another registry would find nothing there.  An image that did not
 * come from one has its manifest's.
 * Return: borrowed from the image
 */
const char *image_row_digest(const struct image_row *row);

#endif
