/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -v, --mount, --tmpfs and --volumes-from: three spellings of one thing.
 *
 * Theory of operation.  Each text becomes a struct ctr_mount.  The words that
 * all three share (ro, exec, propagation, ...) are in one table; what a
 * spelling adds is handled beside it.  -v makes a missing source directory, as
 * the caller and with the caller's umask; --mount leaves that to an error.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "cmd/container/create_opts.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- words that all spellings share ------------------------------------ */

static int unknown_option(const char *word, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "%s: invalid mount option", word);
}

static int set_propagation(const char *word, struct ctr_mount *m)
{
	static const struct {
		const char *word;
		unsigned long flags;
	} kinds[] = {
		{ "private", MS_PRIVATE },
		{ "rprivate", MS_PRIVATE | MS_REC },
		{ "slave", MS_SLAVE },
		{ "rslave", MS_SLAVE | MS_REC },
		{ "shared", MS_SHARED },
		{ "rshared", MS_SHARED | MS_REC },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!streq(word, kinds[i].word))
			continue;
		m->propagation = kinds[i].flags;
		return 1;
	}
	return 0;
}

/* 1 known, 0 not one of these */
static int shared_word(const char *word, struct ctr_mount *m)
{
	if (streq(word, "ro") || streq(word, "readonly"))
		m->ro = true;
	else if (streq(word, "rw"))
		m->ro = false;
	else if (streq(word, "exec") || streq(word, "noexec"))
		m->noexec = word[0] == 'n';
	else if (streq(word, "suid") || streq(word, "nosuid"))
		m->suid = word[0] != 'n';
	else if (streq(word, "dev") || streq(word, "nodev"))
		m->dev = word[0] != 'n';
	else
		return set_propagation(word, m);
	if (streq(word, "exec") || streq(word, "noexec"))
		m->exec_set = true;
	return 1;
}

static int set_target(struct ctr_mount *m, const char *path, struct err *err)
{
	autofree char *clean = path[0] == '/' ? path_clean(path) : NULL;

	if (!clean)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid container path \"%s\", must be an "
			       "absolute path", path);
	if (streq(clean, "/"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "container path \"%s\" cannot be the root",
			       path);
	free(m->target);
	m->target = take_ptr(clean);
	return 0;
}

static int absolute(const char *path, char **ret, struct err *err)
{
	autofree char *cwd = NULL;
	autofree char *joined = NULL;

	if (path[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return err_sys(err, "current directory");
		joined = path_join(cwd, path);
	}
	*ret = path_clean(joined ? joined : path);
	return 0;
}

static void make_anonymous(struct ctr_mount *m)
{
	char name[65];

	id_random(name);
	m->type = MNT_VOLUME;
	m->anonymous = true;
	str_set(&m->source, name);
}

static int check_volume_name(const char *name, struct err *err)
{
	if (name_is_valid(name))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "\"%s\" includes invalid characters for a volume name, "
		       "only [a-zA-Z0-9][a-zA-Z0-9_.-]* is allowed; a host "
		       "directory needs an absolute path or one with ./",
		       name);
}

/* ---- -v [SOURCE:]TARGET[:OPTIONS] -------------------------------------- */

static int volume_word(const char *word, struct ctr_mount *m, struct err *err)
{
	if (shared_word(word, m))
		return 0;
	/* labels of an LSM that is not there; binds are recursive anyway */
	if (streq(word, "z") || streq(word, "Z") || streq(word, "rbind") ||
	    streq(word, "bind") || streq(word, "copy"))
		return 0;
	if (streq(word, "nocopy")) {
		m->nocopy = true;
		return 0;
	}
	if (streq(word, "U") || streq(word, "O") || streq(word, "idmap") ||
	    str_starts(word, "idmap=") || str_starts(word, "upperdir=") ||
	    str_starts(word, "workdir="))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "volume option '%s' is not supported yet",
			       word);
	return unknown_option(word, err);
}

static int volume_source(const char *source, struct ctr_mount *m,
			 struct err *err)
{
	int r;

	if (source[0] == '/' || source[0] == '.') {
		m->type = MNT_BIND;
		free(m->source);
		m->source = NULL;
		return absolute(source, &m->source, err);
	}
	m->type = MNT_VOLUME;
	r = check_volume_name(source, err);
	if (r == 0)
		str_set(&m->source, source);
	return r;
}

int mount_parse_volume(const char *text, struct ctr_mount *m, struct err *err)
{
	autostrv char **v = strv_split(text, ':');
	autostrv char **words = NULL;
	size_t n = strv_len(v);
	int r = 0;

	*m = (struct ctr_mount){ 0 };
	if (n < 1 || n > 3 || !v[n > 1 ? 1 : 0][0] || !v[0][0])
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid volume specification: '%s'", text);
	if (n == 1)
		make_anonymous(m);
	else
		r = volume_source(v[0], m, err);
	if (r == 0)
		r = set_target(m, v[n == 1 ? 0 : 1], err);
	if (n == 3)
		words = strv_split(v[2], ',');
	for (char **w = words; r == 0 && w && *w; w++)
		r = volume_word(*w, m, err);
	return r;
}

/* ---- --tmpfs TARGET[:OPTIONS] ------------------------------------------ */

static void tmpfs_data(struct ctr_mount *m, const char *key, const char *value)
{
	autofree char *old = m->options;

	m->options = old ? xasprintf("%s,%s=%s", old, key, value) :
			   xasprintf("%s=%s", key, value);
}

static int tmpfs_word(const char *word, struct ctr_mount *m, struct err *err)
{
	static const char *const keys[] = { "size", "mode", "uid", "gid",
					    "nr_inodes", "nr_blocks", "huge" };
	const char *eq = strchr(word, '=');

	if (shared_word(word, m))
		return 0;
	if (streq(word, "tmpcopyup") || streq(word, "notmpcopyup")) {
		m->nocopy = word[0] == 'n';
		return 0;
	}
	for (size_t i = 0; eq && i < ARRAY_LEN(keys); i++) {
		if (strlen(keys[i]) != (size_t)(eq - word) ||
		    strncmp(word, keys[i], (size_t)(eq - word)) != 0)
			continue;
		tmpfs_data(m, keys[i], eq + 1);
		return 0;
	}
	if (str_starts(word, "noswap"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "the 'noswap' option is only allowed with "
			       "rootful tmpfs mounts: must provide an argument "
			       "for option");
	return unknown_option(word, err);
}

int mount_parse_tmpfs(const char *text, struct ctr_mount *m, struct err *err)
{
	const char *colon = strchr(text, ':');
	autofree char *target = colon ? xstrndup(text, (size_t)(colon - text)) :
					xstrdup(text);
	autostrv char **words = colon ? strv_split(colon + 1, ',') : NULL;
	int r;

	*m = (struct ctr_mount){ .type = MNT_TMPFS };
	r = set_target(m, target, err);
	for (char **w = words; r == 0 && w && *w; w++)
		r = tmpfs_word(*w, m, err);
	return r;
}

/* ---- --mount KEY=VALUE,... --------------------------------------------- */

static int set_type(const char *type, struct ctr_mount *m, struct err *err)
{
	static const struct {
		const char *name;
		enum ctr_mount_type type;
	} types[] = { { "bind", MNT_BIND },
		      { "volume", MNT_VOLUME },
		      { "tmpfs", MNT_TMPFS },
		      { "devpts", MNT_DEVPTS } };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!streq(type, types[i].name))
			continue;
		m->type = types[i].type;
		return 0;
	}
	if (streq(type, "image") || streq(type, "glob") ||
	    streq(type, "ramfs") || streq(type, "artifact"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "mount type \"%s\" is not supported yet", type);
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid filesystem type \"%s\"", type);
}

/* "ro", "ro=true", "readonly=false", "rw", "rw=false" */
static int set_ro(const char *key, const char *value, struct ctr_mount *m,
		  struct err *err)
{
	bool on = true;

	if (value && parse_bool(value, &on) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s=%s: invalid mount option", key, value);
	m->ro = streq(key, "rw") ? !on : on;
	return 0;
}

static int tmpfs_key(const char *key, const char *value, struct ctr_mount *m,
		     struct err *err)
{
	if (m->type != MNT_TMPFS)
		return unknown_option(key, err);
	if (streq(key, "tmpfs-size"))
		tmpfs_data(m, "size", value);
	else
		tmpfs_data(m, "mode", value);
	return 0;
}

static bool is_any(const char *key, const char *const *names)
{
	for (; *names; names++)
		if (streq(key, *names))
			return true;
	return false;
}

static int mount_key(const char *key, const char *value, struct ctr_mount *m,
		     struct err *err)
{
	static const char *const sources[] = { "src", "source", NULL };
	static const char *const targets[] = { "dst", "dest", "destination",
					       "target", NULL };
	static const char *const ros[] = { "ro", "readonly", "rw", NULL };
	static const char *const nothing[] = { "relabel", "consistency",
					       "bind-recursive", NULL };

	if (streq(key, "type"))
		return 0;	/* looked at first */
	if (is_any(key, ros))
		return set_ro(key, value, m, err);
	if (!value && (shared_word(key, m)))
		return 0;
	if (!value && m->type == MNT_TMPFS)
		return tmpfs_word(key, m, err);
	if (!value && (streq(key, "nocopy") || streq(key, "volume-nocopy"))) {
		m->nocopy = true;
		return 0;
	}
	if (!value)
		return unknown_option(key, err);
	if (is_any(key, targets))
		return set_target(m, value, err);
	if (is_any(key, sources)) {
		str_set(&m->source, value);
		return 0;
	}
	if (streq(key, "bind-propagation"))
		return set_propagation(value, m) ? 0 :
						   unknown_option(value, err);
	if (streq(key, "tmpfs-size") || streq(key, "tmpfs-mode"))
		return tmpfs_key(key, value, m, err);
	if (is_any(key, nothing))
		return 0;
	if (streq(key, "U") || streq(key, "chown") ||
	    streq(key, "volume-opt") || streq(key, "idmap") ||
	    streq(key, "subpath") || streq(key, "bind-nonrecursive"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "mount option '%s' is not supported yet", key);
	return unknown_option(key, err);
}

static int finish_mount(struct ctr_mount *m, struct err *err)
{
	autofree char *source = NULL;
	int r;

	if (!m->target)
		return err_set(err, ERR_INVALID, EINVAL,
			       "must set volume destination");
	if (m->type == MNT_VOLUME) {
		if (m->source)
			return check_volume_name(m->source, err);
		make_anonymous(m);
		return 0;
	}
	if (m->type != MNT_BIND)
		return 0;
	if (str_is_empty(m->source))
		return err_set(err, ERR_INVALID, EINVAL,
			       "must set source for a bind mount");
	r = absolute(m->source, &source, err);
	if (r < 0)
		return r;
	free(m->source);
	m->source = take_ptr(source);
	return 0;
}

int mount_parse_mount(const char *text, struct ctr_mount *m, struct err *err)
{
	autostrv char **words = strv_split(text, ',');
	const char *type = strv_env_get(words, "type");
	int r = 0;

	*m = (struct ctr_mount){ .type = MNT_VOLUME };
	if (type)
		r = set_type(type, m, err);
	for (char **w = words; r == 0 && w && *w; w++) {
		char *eq = strchr(*w, '=');

		if (eq)
			*eq = '\0';
		r = mount_key(*w, eq ? eq + 1 : NULL, m, err);
		if (eq)
			*eq = '=';
	}
	return r < 0 ? r : finish_mount(m, err);
}

/* ---- all together ------------------------------------------------------ */

static void mount_free(struct ctr_mount *m)
{
	free(m->source);
	free(m->target);
	free(m->options);
}

static bool same_mount(const struct ctr_mount *a, const struct ctr_mount *b)
{
	return a->type == b->type && streq(a->target, b->target) &&
	       streq(a->source, b->source);
}

/* @m is taken */
static int add(struct ctr_config *c, struct ctr_mount *m, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < c->n_mounts; i++) {
		if (!streq(c->mounts[i].target, m->target))
			continue;
		if (!same_mount(&c->mounts[i], m))
			r = err_set(err, ERR_INVALID, EINVAL,
				    "%s: duplicate mount destination",
				    m->target);
		mount_free(m);
		return r;
	}
	c->mounts = xreallocarray(c->mounts, c->n_mounts + 1,
				  sizeof(*c->mounts));
	c->mounts[c->n_mounts++] = *m;
	return 0;
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

typedef int (*parse_fn)(const char *text, struct ctr_mount *m,
			struct err *err);

static int add_each(char *const *texts, parse_fn parse, struct ctr_config *c,
		    struct err *err)
{
	for (; texts && *texts; texts++) {
		struct ctr_mount m = { 0 };
		int r = parse(*texts, &m, err);

		if (r == 0 && parse == mount_parse_volume &&
		    m.type == MNT_BIND)
			r = make_source(m.source, err);
		if (r < 0) {
			mount_free(&m);
			return r;
		}
		r = add(c, &m, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_mounts(const struct ctr *from, bool ro, struct ctr_config *c,
		       struct err *err)
{
	for (size_t i = 0; i < from->config.n_mounts; i++) {
		struct ctr_mount m = from->config.mounts[i];
		int r;

		if (m.type != MNT_BIND && m.type != MNT_VOLUME)
			continue;
		m.source = xstrdup(m.source);
		m.target = xstrdup(m.target);
		m.options = xstrdup(m.options);
		m.ro |= ro;
		r = add(c, &m, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --volumes-from CONTAINER[:ro|rw|z] */
static int add_from(struct runtime *rt, const char *text, struct ctr_config *c,
		    struct err *err)
{
	const char *colon = strchr(text, ':');
	autofree char *name = colon ? xstrndup(text, (size_t)(colon - text)) :
				      xstrdup(text);
	auto_ctr struct ctr *from = NULL;
	int r;

	if (colon && !streq(colon, ":ro") && !streq(colon, ":rw") &&
	    !streq(colon, ":z"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid option \"%s\" in --volumes-from",
			       colon + 1);
	r = ctr_find(rt, name, &from, err);
	if (r < 0)
		return r;
	return copy_mounts(from, colon && streq(colon, ":ro"), c, err);
}

int mounts_parse(struct runtime *rt, const struct create_args *a,
		 struct ctr_config *c, struct err *err)
{
	int r;

	r = add_each(a->mount, mount_parse_mount, c, err);
	if (r == 0)
		r = add_each(a->volume, mount_parse_volume, c, err);
	if (r == 0)
		r = add_each(a->tmpfs, mount_parse_tmpfs, c, err);
	for (char **v = a->volumes_from; r == 0 && v && *v; v++)
		r = add_from(rt, *v, c, err);
	return r;
}
