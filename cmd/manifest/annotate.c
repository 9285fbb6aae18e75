/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/manifest/manifest.h"
#include "libpod/core/runtime.h"
#include "storage/image/digest.h"
#include "storage/image/list.h"
#include "storage/image/ref.h"
#include "storage/store.h"
#include "util/str.h"

struct annotate_args {
	bool index;
	struct entry_args entry;
};

static const struct opt annotate_opts[] = {
	ENTRY_OPTS(struct annotate_args, entry, "Set "),
	OPT_BOOL(0, "index", struct annotate_args, index,
		 "Annotate the list, not an entry"),
	OPT_NOT_YET(0, "subject", "string", "Set what the list is about"),
	OPT_END,
};

/**
 * struct job - one call
 * @digest: of the entry
 */
struct job {
	struct list_note note;
	char digest[DIGEST_MAX];
};

static int change(struct list *l, void *arg, struct err *err)
{
	const struct job *job = arg;
	struct json_object *entry;

	if (!*job->digest) {
		list_note_set(l->index, job->note.annotations);
		return 0;
	}
	entry = list_entry(l, job->digest);
	if (!entry)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%s: no entry of the manifest list has this "
			       "digest", job->digest);
	list_note_entry(entry, &job->note);
	return 0;
}

/* Some entry came from the repository of @name in a registry. */
static bool came_from(const struct list *l, const char *name)
{
	auto_ref struct ref ref = REF_INIT;
	autofree char *repo = NULL;
	autofree char *source = NULL;

	if (ref_parse(name, &ref, NULL) < 0)
		return false;
	ref_complete(&ref, "docker.io");
	repo = ref_repo(&ref);
	source = xasprintf("=docker://%s@", repo);
	for (char **s = l->sources; s && *s; s++)
		if (strstr(*s, source))
			return true;
	return false;
}

/* What the registry has under this name now */
static int remote_digest(const char *name, char ret[DIGEST_MAX],
			 struct err *err)
{
	const struct pull_opts pull = { .tls_verify = -1, .retry = -1 };
	autofree char *text = NULL;
	autofree char *type = NULL;
	int r = list_remote(name, &pull, &text, &type, err);

	return r < 0 ? r : digest_of(text, strlen(text), ret, err);
}

/* A digest, an image of the store, or the name by which an image of a
 * registry was added. */
static int digest_arg(struct store *store, const char *list, const char *text,
		      char ret[DIGEST_MAX], struct err *err)
{
	auto_list struct list l = LIST_INIT;
	auto_image struct image *img = NULL;
	const char *name = str_after(text, "docker://");
	int r = list_load(store, list, &l, err);

	if (r < 0)
		return r;
	if (digest_is_valid(text))
		return digest_set(ret, text, "digest", err);
	if (name && came_from(&l, name))
		return remote_digest(name, ret, err);
	r = image_find(store, text, &img, err);
	if (r == 0)
		return digest_set(ret, img->digest, "digest", err);
	if (r != -ENOENT || !came_from(&l, text))
		return r;
	err_clear(err);
	return remote_digest(text, ret, err);
}

static int check(const struct annotate_args *args, char **argv,
		 struct err *err)
{
	const struct entry_args *e = &args->entry;
	bool changes = e->arch || e->os || e->variant || e->os_version ||
		       e->features || e->os_features;

	if (args->index && (changes || argv[1]))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--index takes annotations only, and no image");
	if (!args->index && !argv[1])
		return err_set(err, ERR_USAGE, EINVAL,
			       "an image or a digest must be specified, or "
			       "--index");
	return annotations_check(e->annotations, err);
}

static int annotate_run(struct runtime *rt, const void *p, char **argv,
			struct err *err)
{
	const struct annotate_args *args = p;
	struct job job = { .note = entry_note(&args->entry) };
	autofree char *id = NULL;
	struct store *store;
	int r = check(args, argv, err);

	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r == 0 && !args->index)
		r = digest_arg(store, argv[0], argv[1], job.digest, err);
	if (r == 0)
		r = list_update(store, argv[0], change, &job, &id, err);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

const struct cmd cmd_manifest_annotate = {
	.path = "manifest annotate",
	.usage = "[options] LIST [IMAGE]",
	.summary = "Change an entry of a manifest list",
	.text = "Sets platform and annotations of an entry, which is given by "
		"its digest, as an image of the store, or by the name of a "
		"registry that it was added by.",
	.examples = (const char *const[]){ "manifest annotate --arch arm64 "
					   "mylist:v1 sha256:59eec8...", NULL },
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ annotate_opts, NULL },
	.args_size = sizeof(struct annotate_args),
	.run = annotate_run,
};
