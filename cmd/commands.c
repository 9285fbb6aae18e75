/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The table of commands and what is asked of it: which command does a line
 * name, what is there below a group, what may have been meant.  A name is a
 * path of one or more words ("volume ls"); each command has one and may have
 * others ("ps", "container ls").  Groups are the words that hold names.
 */
#include "cmd/commands.h"

#include <ctype.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "util/cleanup.h"
#include "util/str.h"

const struct cmd *const commands[] = {
	/* containers */
	&cmd_container_attach,
	&cmd_container_boot,
	&cmd_container_boot_install,
	&cmd_container_boot_status,
	&cmd_container_boot_uninstall,
	&cmd_container_commit,
	&cmd_container_cp,
	&cmd_container_create,
	&cmd_container_diff,
	&cmd_container_exec,
	&cmd_container_exists,
	&cmd_container_export,
	&cmd_healthcheck_run,
	&cmd_healthcheck_timer,
	&cmd_container_init,
	&cmd_container_exec_died,
	&cmd_container_helper,
	&cmd_container_resume,
	&cmd_container_inspect,
	&cmd_container_kill,
	&cmd_container_logs,
	&cmd_container_monitor,
	&cmd_container_mount,
	&cmd_container_pause,
	&cmd_container_port,
	&cmd_container_prune,
	&cmd_container_ps,
	&cmd_container_rename,
	&cmd_container_restart,
	&cmd_container_rm,
	&cmd_container_run,
	&cmd_container_session,
	&cmd_container_start,
	&cmd_container_stats,
	&cmd_container_stop,
	&cmd_container_top,
	&cmd_container_unmount,
	&cmd_container_unpause,
	&cmd_container_update,
	&cmd_container_wait,
	&cmd_diff,
	&cmd_inspect,
	/* images */
	&cmd_image_diff,
	&cmd_image_exists,
	&cmd_image_history,
	&cmd_image_import,
	&cmd_image_inspect,
	&cmd_image_load,
	&cmd_image_ls,
	&cmd_image_mount,
	&cmd_image_prune,
	&cmd_image_pull,
	&cmd_image_push,
	&cmd_registry_login,
	&cmd_registry_logout,
	&cmd_registry_search,
	&cmd_image_rm,
	&cmd_image_save,
	&cmd_image_tag,
	&cmd_image_tree,
	&cmd_image_unmount,
	&cmd_image_untag,
	/* manifest lists */
	&cmd_manifest_add,
	&cmd_manifest_annotate,
	&cmd_manifest_create,
	&cmd_manifest_exists,
	&cmd_manifest_inspect,
	&cmd_manifest_push,
	&cmd_manifest_remove,
	&cmd_manifest_rm,
	/* secrets */
	&cmd_secret_create,
	&cmd_secret_exists,
	&cmd_secret_inspect,
	&cmd_secret_ls,
	&cmd_secret_rm,
	/* volumes */
	&cmd_volume_create,
	&cmd_volume_exists,
	&cmd_volume_export,
	&cmd_volume_import,
	&cmd_volume_inspect,
	&cmd_volume_ls,
	&cmd_volume_mount,
	&cmd_volume_prune,
	&cmd_volume_rm,
	&cmd_volume_unmount,
	/* the engine */
	&cmd_system_check,
	&cmd_system_complete,
	&cmd_system_completion,
	&cmd_system_df,
	&cmd_system_doctor,
	&cmd_system_dump,
	&cmd_system_events,
	&cmd_system_info,
	&cmd_system_migrate,
	&cmd_system_prune,
	&cmd_system_reset,
	&cmd_system_unshare,
	&cmd_system_version,
#ifdef BRYO_TESTING
	&cmd_system_fault_points,
#endif
	NULL,
};

const struct group groups[] = {
	{ "container", "Manage containers", NULL },
	{ "healthcheck", "Run health checks of containers", NULL },
	{ "image", "Manage images", NULL },
	{ "manifest", "Manage manifest lists", NULL },
	{ "secret", "Manage secrets",
	  "Secrets are data that containers get and that no image, log or "
	  "inspect shows" },
	{ "system", "Manage the engine", NULL },
	{ "volume", "Manage volumes",
	  "Volumes are created in and can be shared between containers" },
	{ NULL, NULL, NULL },
};

/* Words of @path when @argv starts with it, else 0. */
static size_t path_words(const char *path, char *const *argv)
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(path, " ");

		if (!argv[n] || strlen(argv[n]) != len ||
		    memcmp(argv[n], path, len) != 0)
			return 0;
		n++;
		if (!path[len])
			return n;
		path += len + 1;
	}
}

const struct cmd *cmd_find(char *const *argv, size_t *ret_words)
{
	static const char *const none[] = { NULL };
	const struct cmd *best = NULL;
	size_t most = 0;

	for (size_t i = 0; commands[i]; i++) {
		const struct cmd *c = commands[i];
		const char *const *alias = c->aliases ? c->aliases : none;
		size_t n = path_words(c->path, argv);

		for (; *alias; alias++) {
			size_t other = path_words(*alias, argv);

			n = MAX(n, other);
		}
		if (n > most) {
			most = n;
			best = c;
		}
	}
	if (best)
		*ret_words = most;
	return best;
}

const struct group *group_find(char *const *argv, size_t *ret_words)
{
	const struct group *best = NULL;
	size_t most = 0;

	for (const struct group *g = groups; g->path; g++) {
		size_t n = path_words(g->path, argv);

		if (n > most) {
			most = n;
			best = g;
		}
	}
	if (best)
		*ret_words = most;
	return best;
}

/* The last word of @path when the words before it are @group, else NULL. */
static const char *name_in(const char *path, const char *group)
{
	size_t len = strlen(group);
	const char *name = path;

	if (len) {
		if (!str_starts(path, group) || path[len] != ' ')
			return NULL;
		name = path + len + 1;
	}
	return strchr(name, ' ') ? NULL : name;
}

struct entry {
	const char *name;
	const char *summary;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name,
		      ((const struct entry *)b)->name);
}

static size_t add_command(struct entry *v, size_t n, const struct cmd *c,
			  const char *group, bool all)
{
	const char *const *alias = c->aliases;
	const char *name = name_in(c->path, group);

	if (name)
		v[n++] = (struct entry){ name, c->summary };
	for (; alias && *alias && (all || !name); alias++) {
		name = name_in(*alias, group);
		if (name)
			v[n++] = (struct entry){ name, c->summary };
	}
	return n;
}

static size_t count_names(void)
{
	size_t n = 0;

	for (size_t i = 0; commands[i]; i++) {
		const char *const *alias = commands[i]->aliases;

		for (n++; alias && *alias; alias++)
			n++;
	}
	for (const struct group *g = groups; g->path; g++)
		n++;
	return n;
}

void cmd_each_name(const char *group, bool all,
		   void (*fn)(const char *name, const char *summary, void *arg),
		   void *arg)
{
	autofree struct entry *v = xcalloc(count_names(), sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN))
			n = add_command(v, n, commands[i], group, all);
	for (const struct group *g = groups; g->path; g++) {
		const char *name = name_in(g->path, group);

		if (name)
			v[n++] = (struct entry){ name, g->summary };
	}
	qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++)
		fn(v[i].name, v[i].summary, arg);
}

/* ---- what may have been meant ----------------------------------------- */

#define TYPED_MAX 32

/* Levenshtein distance, letters of either case alike. */
static size_t distance(const char *a, const char *b)
{
	size_t row[TYPED_MAX + 1];
	size_t n = strlen(b);

	if (n > TYPED_MAX || strlen(a) > TYPED_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t up = row[j];
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);

			row[j] = MIN(diagonal + !same,
				     MIN(up, row[j - 1]) + 1);
			diagonal = up;
		}
	}
	return row[n];
}

struct similar {
	FILE *out;
	const char *typed;
	bool any;
};

static void print_similar(const char *name, const char *summary unused_attr,
			  void *arg)
{
	struct similar *s = arg;

	if (distance(s->typed, name) > 2 &&
	    strncasecmp(name, s->typed, strlen(s->typed)) != 0)
		return;
	if (!s->any)
		fprintf(s->out, "\nDid you mean this?\n");
	fprintf(s->out, "\t%s\n", name);
	s->any = true;
}

void cmd_similar(FILE *out, const char *group, const char *typed)
{
	struct similar s = { out, typed, false };

	if (!*typed)
		return;
	cmd_each_name(group, true, print_similar, &s);
	if (s.any)
		fprintf(out, "\n");
}
