/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All mounts of a container: -v, --mount, --tmpfs, --volumes-from, and those
 * of containers.conf.
 *
 * Theory of operation.  What the user typed comes first; two different things
 * on one destination are an error.  --volumes-from and containers.conf fill in
 * what is left, without an error.  -v makes a missing source directory, as the
 * caller and with the caller's umask; --mount leaves that to an error.
 */
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/container/mount_words.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

#define MOUNTS_FILE_MAX (1U << 16)
#define A struct create_args

const struct opt create_opts_storage[] = {
	{ 0, "volume-driver", NULL, OPT_T_STR, offsetof(A, volume_driver),
	  OPT_NO_GIVEN, "string", "local", "Driver of new volumes; there is "
	  "one", 0 },
	OPT_STRV(0, "mount", A, mount, "strings",
		 "Attach a filesystem mount to the container"),
	OPT_STRV(0, "secret", A, secret, "strings",
		 "Give a secret to the container, as a file or a variable"),
	OPT_SIZE(0, "shm-size", A, shm_size, "string", "Size of /dev/shm"),
	OPT_STRV(0, "tmpfs", A, tmpfs, "tmpfs", "Mount a tmpfs"),
	OPT_STRV('v', "volume", A, volume, "strings",
		 "Bind mount a directory or a volume into the container"),
	OPT_LIST(0, "volumes-from", A, volumes_from, "strings",
		 "Mount volumes from other containers"),
	OPT_END,
};

#undef A

static bool same_mount(const struct ctr_mount *a, const struct ctr_mount *b)
{
	return a->type == b->type && streq(a->target, b->target) &&
	       streq(a->source, b->source);
}

static struct ctr_mount *find(struct ctr_config *c, const char *target)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (streq(c->mounts[i].target, target))
			return &c->mounts[i];
	return NULL;
}

/* @m is taken */
static void append(struct ctr_config *c, struct ctr_mount *m)
{
	c->mounts = xreallocarray(c->mounts, c->n_mounts + 1,
				  sizeof(*c->mounts));
	c->mounts[c->n_mounts++] = *m;
}

/* @m is taken */
static int add(struct ctr_config *c, struct ctr_mount *m, struct err *err)
{
	const struct ctr_mount *old = find(c, m->target);
	int r = 0;

	if (!old) {
		append(c, m);
		return 0;
	}
	if (!same_mount(old, m))
		r = err_set(err, ERR_INVALID, EINVAL,
			    "%s: duplicate mount destination", m->target);
	mount_done(m);
	return r;
}

/* mkdir -p with the caller's umask; a file that is there is fine, too. */
static int make_source(const char *path, struct err *err)
{
	autofree char *copy = NULL;

	if (access(path, F_OK) == 0)
		return 0;
	copy = xstrdup(path);
	for (char *p = strchr(copy + 1, '/');; p = strchr(p + 1, '/')) {
		if (p)
			*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return err_sys(err, "create %s for the volume", copy);
		if (!p)
			return 0;
		*p = '/';
	}
}

/* ---- -v, --tmpfs ------------------------------------------------------- */

static int add_volume(struct runtime *rt unused_attr, const char *text,
		      struct ctr_config *c, struct err *err)
{
	struct ctr_mount m = { 0 };
	int r = mount_parse_volume(text, &m, err);

	if (r == 0 && m.type == MNT_BIND)
		r = make_source(m.source, err);
	if (r == 0)
		return add(c, &m, err);
	mount_done(&m);
	return r;
}

static int add_tmpfs(const char *text, struct ctr_config *c, struct err *err)
{
	struct ctr_mount m = { 0 };
	int r = mount_parse_tmpfs(text, &m, err);

	if (r == 0)
		return add(c, &m, err);
	mount_done(&m);
	return r;
}

/* ---- --mount ----------------------------------------------------------- */

/* One mount per file that matches: below a directory, or each at its path. */
static int add_matches(const glob_t *g, const struct ctr_mount *m,
		       struct ctr_config *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->gl_pathc; i++) {
		const char *path = g->gl_pathv[i];
		const char *name = strrchr(path, '/');
		struct ctr_mount one;

		mount_copy(&one, m);
		str_set(&one.source, path);
		if (m->target) {
			free(one.target);
			one.target = path_join(m->target,
					       name ? name + 1 : path);
		} else {
			str_set(&one.target, path);
		}
		r = add(c, &one, err);
	}
	return r;
}

static int add_glob(const char *pattern, const struct ctr_mount *m,
		    struct ctr_config *c, struct err *err)
{
	glob_t g = { 0 };
	int r = glob(pattern, GLOB_ERR, NULL, &g);

	if (r == GLOB_NOMATCH)
		r = err_set(err, ERR_INVALID, ENOENT,
			    "no file paths matching glob \"%s\"", pattern);
	else if (r != 0)
		r = err_set(err, ERR_SYS, EIO, "glob \"%s\" cannot be read",
			    pattern);
	else
		r = add_matches(&g, m, c, err);
	globfree(&g);
	return r;
}

static int find_image(struct runtime *rt, struct ctr_mount *m,
		      struct err *err)
{
	auto_image struct image *img = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_find(store, m->source, &img, err);
	if (r == 0)
		str_set(&m->image_id, img->id);
	return r;
}

static int add_mount(struct runtime *rt, const char *text,
		     struct ctr_config *c, struct err *err)
{
	autofree char *pattern = NULL;
	struct ctr_mount m = { 0 };
	int r = mount_parse_mount(text, &m, &pattern, err);

	if (r == 0 && m.type == MNT_IMAGE)
		r = find_image(rt, &m, err);
	if (r == 0 && !pattern)
		return add(c, &m, err);
	if (r == 0)
		r = add_glob(pattern, &m, c, err);
	mount_done(&m);
	return r;
}

/* ---- --volumes-from CONTAINER[:ro,rw,z] -------------------------------- */

static int from_words(const char *text, bool *ro, struct err *err)
{
	autostrv char **words = strv_split(text, ',');

	for (char **w = words; w && *w; w++) {
		if (!streq(*w, "ro") && !streq(*w, "rw") && !streq(*w, "z"))
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid options \"%s\", can only "
				       "specify 'ro', 'rw', and 'z'", text);
		*ro |= streq(*w, "ro");
	}
	return 0;
}

/* @own: how many mounts the user asked for himself: those stay */
static void copy_mounts(const struct ctr *from, bool ro, size_t own,
			struct ctr_config *c)
{
	for (size_t i = 0; i < from->config.n_mounts; i++) {
		const struct ctr_mount *m = &from->config.mounts[i];
		struct ctr_mount *old = find(c, m->target);
		struct ctr_mount copy;

		if (m->type != MNT_BIND && m->type != MNT_VOLUME)
			continue;
		if (old && (size_t)(old - c->mounts) < own)
			continue;
		mount_copy(&copy, m);
		copy.ro |= ro;
		if (!old) {
			append(c, &copy);
			continue;
		}
		mount_done(old);
		*old = copy;
	}
}

static int add_from(struct runtime *rt, const char *text, size_t own,
		    struct ctr_config *c, struct err *err)
{
	const char *colon = strchr(text, ':');
	autofree char *name = colon ? xstrndup(text, (size_t)(colon - text)) :
				      xstrdup(text);
	auto_ctr struct ctr *from = NULL;
	bool ro = false;
	int r = 0;

	if (colon)
		r = from_words(colon + 1, &ro, err);
	if (r == 0)
		r = ctr_find(rt, name, &from, err);
	if (r == 0)
		copy_mounts(from, ro, own, c);
	return r;
}

/* ---- containers.conf --------------------------------------------------- */

/* What was typed for the same place has come first. */
static int add_default(struct runtime *rt, const char *text,
		       int (*parse)(struct runtime *rt, const char *text,
				    struct ctr_config *c, struct err *err),
		       struct ctr_config *c, struct err *err)
{
	struct ctr_config own = { .n_mounts = 0 };
	int r = parse(rt, text, &own, err);

	for (size_t i = 0; i < own.n_mounts; i++) {
		if (r == 0 && !find(c, own.mounts[i].target))
			append(c, &own.mounts[i]);
		else
			mount_done(&own.mounts[i]);
	}
	free(own.mounts);
	return r;
}

/* SOURCE[:TARGET], read-only: what every container is to see of the host */
static int add_line(struct runtime *rt unused_attr, const char *text,
		    struct ctr_config *c, struct err *err)
{
	const char *colon = strchr(text, ':');
	struct ctr_mount m = { .type = MNT_BIND, .ro = true };
	int r;

	m.source = colon ? xstrndup(text, (size_t)(colon - text)) :
			   xstrdup(text);
	r = mount_set_target(&m, colon ? colon + 1 : text, err);
	if (r == 0 && m.source[0] != '/')
		r = err_set(err, ERR_INVALID, EINVAL,
			    "%s is not an absolute path", m.source);
	if (r == 0 && access(m.source, F_OK) == 0)
		return add(c, &m, err);
	if (r == 0)
		log_warn("%s does not exist, it is not mounted", m.source);
	mount_done(&m);
	return r;
}

static int add_mounts_file(struct runtime *rt, const char *path,
			   struct ctr_config *c, struct err *err)
{
	autosb struct sb text = SB_INIT;
	autostrv char **lines = NULL;
	int r;

	if (str_is_empty(path))
		return 0;
	r = file_load(path, MOUNTS_FILE_MAX, &text);
	if (r < 0)
		return err_code(err, r, "read mounts file %s", path);
	lines = strv_split(text.buf, '\n');
	for (char **l = lines; r == 0 && l && *l; l++) {
		const char *line = str_trim(*l);

		if (*line && *line != '#')
			r = add_default(rt, line, add_line, c, err);
	}
	return r < 0 ? err_wrap(err, r, "%s", path) : 0;
}

/* ---- together ---------------------------------------------------------- */

/* What is left of the places goes to the configuration. */
static int add_configured(struct runtime *rt, const struct create_conf *conf,
			  struct ctr_config *c, struct err *err)
{
	int r = 0;

	for (char **v = conf->mounts; r == 0 && v && *v; v++)
		r = add_default(rt, *v, add_mount, c, err);
	for (char **v = conf->volumes; r == 0 && v && *v; v++)
		r = add_default(rt, *v, add_volume, c, err);
	return r < 0 ? err_wrap(err, r, "containers.conf") :
		       add_mounts_file(rt, conf->mounts_file, c, err);
}

int mounts_parse(struct runtime *rt, const struct create_args *a,
		 struct ctr_config *c, struct err *err)
{
	size_t own;
	int r = mount_volume_driver(a->volume_driver, err);

	for (char **v = a->mount; r == 0 && v && *v; v++)
		r = add_mount(rt, *v, c, err);
	for (char **v = a->volume; r == 0 && v && *v; v++)
		r = add_volume(rt, *v, c, err);
	for (char **v = a->tmpfs; r == 0 && v && *v; v++)
		r = add_tmpfs(*v, c, err);
	own = c->n_mounts;
	for (char **v = a->volumes_from; r == 0 && v && *v; v++)
		r = add_from(rt, *v, own, c, err);
	return r < 0 ? r : add_configured(rt, &a->conf, c, err);
}
