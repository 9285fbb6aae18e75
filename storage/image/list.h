/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_LIST_H
#define STORAGE_IMAGE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"
#include "util/cleanup.h"
#include "util/err.h"

struct json_object;
struct platform;
struct push_opts;
struct pushed;

/*
 * Manifest lists: an index that names the manifests of one image for several
 * platforms.  A list is an image of its own kind: it has an id, names, and
 * one blob, the index, which is replaced as a whole by each change.
 */

/**
 * struct list - a list as it was when it was read
 * @img:     its row
 * @index:   the document; owned
 * @sources: "DIGEST=SOURCE" of its entries, see storage/schema.c; owned
 */
struct list {
	struct image *img;
	struct json_object *index;
	char **sources;
};

#define LIST_INIT { NULL, NULL, NULL }

void list_done(struct list *l);

#define auto_list cleanup(list_done)

/** list_load() - -ENOENT/ERR_NOT_FOUND; -EINVAL/ERR_INVALID for an image
 *  that is no list */
int list_load(struct store *s, const char *name, struct list *ret,
	      struct err *err);

/**
 * list_create() - an empty one
 * @amend:  one that is there will do
 * @ret_id: owned
 *
 * -EEXIST/ERR_INVALID when the name is taken.
 */
int list_create(struct store *s, const char *name, bool amend, char **ret_id,
		struct err *err);

/**
 * list_update() - change a list
 * @change: changes @l->index and @l->sources; called again from the start
 *          when somebody else changed the list meanwhile
 * @ret_id: owned
 */
int list_update(struct store *s, const char *name,
		int (*change)(struct list *l, void *arg, struct err *err),
		void *arg, char **ret_id, struct err *err);

/** list_entry() - the descriptor with that digest, or NULL; borrowed */
struct json_object *list_entry(const struct list *l, const char *digest);

/** list_put() - add @entry (taken), in place of one of the same digest */
void list_put(struct list *l, struct json_object *entry, const char *source);

/** list_drop() - -ENOENT/ERR_NOT_FOUND when no entry has that digest */
int list_drop(struct list *l, const char *digest, struct err *err);

/**
 * struct list_note - what a user says about entries; strings borrowed, NULL
 * leaves things as they are
 * @features, @os_features: a strv
 * @annotations: a KEY=VALUE strv
 */
struct list_note {
	const char *arch;
	const char *os;
	const char *variant;
	const char *os_version;
	char *const *features;
	char *const *os_features;
	char *const *annotations;
};

void list_note_entry(struct json_object *entry, const struct list_note *note);

/** list_note_set() - add KEY=VALUE annotations to an entry or an index */
void list_note_set(struct json_object *o, char *const *annotations);

/* ---- list_add.c --------------------------------------------------------- */

/**
 * list_add() - add an image to a list
 * @image: a name of the store, else of a registry; or with a transport
 * @all:   when that is a list itself: all of its entries, else the one for
 *         this machine
 * @pull:  how to reach a registry
 */
int list_add(struct store *s, const char *list, const char *image, bool all,
	     const struct list_note *note, const struct pull_opts *pull,
	     char **ret_id, struct err *err);

/** list_remote() - the document that a registry has under @image; owned text
 *  in @ret, its media type in @ret_type (owned) */
int list_remote(const char *image, const struct pull_opts *pull, char **ret,
		char **ret_type, struct err *err);

/**
 * list_members() - the manifests behind a name, each with its descriptor
 * @name:     a list of the store, else what a registry has
 * @ret:      array of { Ref, Descriptor, Manifest }; owned
 * @ret_list: it is a list; else @ret has one element
 */
int list_members(struct store *s, const char *name,
		 const struct pull_opts *pull, struct json_object **ret,
		 bool *ret_list, struct err *err);

/** list_image() - the image of the store that the entry with @digest means;
 *  -ENOENT when it is not here.  @ret: owned */
int list_image(struct store *s, const struct list *l, const char *digest,
	       struct image **ret);

/** list_choose() - the image of the store that is meant for @want (NULL: this
 *  machine); -ENOENT/ERR_NOT_FOUND when it is not here, and @ret_source
 *  (owned) is where it can be pulled from, or NULL */
int list_choose(struct store *s, const struct image *list,
		const struct platform *want, struct image **ret,
		char **ret_source, struct err *err);

/* ---- list_push.c -------------------------------------------------------- */

/**
 * list_push() - the list, and with @all the images that it names
 * @dest:   as in image_push(); NULL: the list's name
 * @opts:   @opts->format is that of the list; images go as they are
 */
int list_push(struct store *s, const char *name, const char *dest, bool all,
	      const struct push_opts *opts, struct pushed *ret,
	      struct err *err);

#endif
