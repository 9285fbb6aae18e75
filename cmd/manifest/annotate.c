/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/manifest/manifest.h"
#include "libpod/core/runtime.h"
#include "storage/image/digest.h"
#include "storage/image/list.h"

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

/* A digest, or an image of the store. */
static int digest_arg(struct store *store, const char *text,
		      char ret[DIGEST_MAX], struct err *err)
{
	auto_image struct image *img = NULL;
	int r;

	if (digest_is_valid(text))
		return digest_set(ret, text, "digest", err);
	r = image_find(store, text, &img, err);
	return r < 0 ? r : digest_set(ret, img->digest, "digest", err);
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
		r = digest_arg(store, argv[1], job.digest, err);
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
		"its digest or as an image of the store.",
	.examples = (const char *const[]){ "manifest annotate --arch arm64 "
					   "mylist:v1 sha256:59eec8...", NULL },
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ annotate_opts, NULL },
	.args_size = sizeof(struct annotate_args),
	.run = annotate_run,
};
