/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers.conf and storage.conf.  The text counts twice, laid over itself:
 * a list is never more than doubled, and what was accepted once is accepted
 * again.  Places of the store never are the ones that the file names.
 */
#include <stdlib.h>

#include "cmd/config/conf.h"
#include "cmd/config/conf_tree.h"
#include "cmd/config/storage_conf.h"
#include "util/str.h"
#include "util/strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const char *path)
{
	if (path && (path[0] != '/' || !str_ends(path, "-bryo")))
		abort();
}

static void check_storage(const char *text, size_t size)
{
	const struct storage_places who = {
		.home = "/home/joe", .user = "joe", .uid = 1000,
		.is_user = 1, .own_file = 1,
	};
	struct storage_conf c cleanup(storage_conf_done);
	struct err err = ERR_INIT;

	if (storage_conf_parse(text, size, &who, &c, &err) < 0 &&
	    !err.msg[0])
		abort();
	check_place(c.root);
	check_place(c.runroot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_tree t cleanup(conf_tree_done) = { .root = NULL };
	struct conf c cleanup(conf_done);
	const char *text = (const char *)data;
	struct err err = ERR_INIT;
	int r = conf_parse(text, size, &c, &err);

	if (r < 0 && (!err.code || !err.msg[0]))
		abort();
	if (r == 0 && (conf_tree_text(&t, text, size, NULL) < 0 ||
		       conf_tree_text(&t, text, size, NULL) < 0))
		abort();
	check_storage(text, size);
	return 0;
}
