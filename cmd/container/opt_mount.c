/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -v and --tmpfs, and the words that they share with --mount (mount_spec.c).
 * Each text becomes a struct ctr_mount.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "cmd/container/mount_words.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- words that all spellings share ------------------------------------ */

int mount_unknown(const char *word, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "%s: invalid mount option", word);
}

bool mount_propagation(const char *word, struct ctr_mount *m)
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
		return true;
	}
	return false;
}

bool mount_has_devices(const char *source)
{
	struct stat st;

	return source && (path_is_beneath(source, "/dev") ||
			  (stat(source, &st) == 0 &&
			   (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))));
}

bool mount_word(const char *word, struct ctr_mount *m)
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
		return mount_propagation(word, m);
	if (streq(word, "exec") || streq(word, "noexec"))
		m->exec_set = true;
	return true;
}

int mount_set_target(struct ctr_mount *m, const char *path, struct err *err)
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

void mount_anonymous(struct ctr_mount *m)
{
	char name[65];

	id_random(name);
	m->type = MNT_VOLUME;
	m->anonymous = true;
	str_set(&m->source, name);
}

int mount_volume_name(const char *name, struct err *err)
{
	if (name_is_valid(name))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "\"%s\" includes invalid characters for a volume name, "
		       "only [a-zA-Z0-9][a-zA-Z0-9_.-]* is allowed; a host "
		       "directory needs an absolute path or one with ./",
		       name);
}

int mount_volume_driver(const char *name, struct err *err)
{
	if (str_is_empty(name) || streq(name, "local"))
		return 0;
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "volume driver \"%s\" is not supported yet", name);
}

/* ---- -v [SOURCE:]TARGET[:OPTIONS] -------------------------------------- */

static int overlay_dir(char **dst, const char *path, struct err *err)
{
	free(*dst);
	*dst = NULL;
	return path_absolute(path, dst, err);
}

/* How late a Mac's virtual machine may see changes: on Linux at once, whatever
 * is asked for. */
static bool desktop_word(const char *word)
{
	return streq(word, "cached") || streq(word, "delegated") ||
	       streq(word, "consistent");
}

/* The words of -v that --mount spells differently; false: not one of them */
static bool volume_flag(const char *word, struct ctr_mount *m)
{
	if (streq(word, "z") || streq(word, "Z"))
		str_set(&m->relabel, word);
	else if (streq(word, "U"))
		m->chown = true;
	else if (streq(word, "O"))
		m->overlay = true;
	else if (streq(word, "idmap"))
		m->idmap = true;
	else if (streq(word, "copy") || streq(word, "nocopy"))
		m->nocopy = word[0] == 'n';
	else if (streq(word, "bind") || streq(word, "rbind"))
		m->nonrecursive = word[0] == 'b';
	else
		return false;
	return true;
}

static int volume_word(const char *word, struct ctr_mount *m, struct err *err)
{
	const char *upper = str_after(word, "upperdir=");
	const char *work = str_after(word, "workdir=");

	if (upper)
		return overlay_dir(&m->upperdir, upper, err);
	if (work)
		return overlay_dir(&m->workdir, work, err);
	if (str_starts(word, "idmap="))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "volume option '%s' is not supported yet: "
			       "idmap takes the container's own map", word);
	if (mount_word(word, m) || volume_flag(word, m) || desktop_word(word))
		return 0;
	return mount_unknown(word, err);
}

static int check_overlay(const struct ctr_mount *m, struct err *err)
{
	if (!m->upperdir != !m->workdir)
		return err_set(err, ERR_INVALID, EINVAL,
			       "must specify both upperdir and workdir for an "
			       "overlay volume");
	if ((m->upperdir || m->workdir) && !m->overlay)
		return err_set(err, ERR_INVALID, EINVAL,
			       "upperdir and workdir need the volume option "
			       "O");
	if (m->overlay && m->ro)
		return err_set(err, ERR_INVALID, EINVAL,
			       "volume options O and ro exclude each other");
	return 0;
}

static int volume_source(const char *source, struct ctr_mount *m,
			 struct err *err)
{
	int r;

	if (source[0] == '/' || source[0] == '.') {
		m->type = MNT_BIND;
		free(m->source);
		m->source = NULL;
		return path_absolute(source, &m->source, err);
	}
	m->type = MNT_VOLUME;
	r = mount_volume_name(source, err);
	if (r == 0)
		str_set(&m->source, source);
	return r;
}

/* Words that exclude each other, and those that are said once */
static int check_words(char *const *words, struct err *err)
{
	static const struct {
		const char *words, *text;
	} sets[] = {
		{ "rw ro", "'rw' or 'ro'" },
		{ "z Z", "'z' or 'Z'" },
		{ "exec noexec", "'noexec' or 'exec'" },
		{ "dev nodev", "'nodev' or 'dev'" },
		{ "suid nosuid", "'nosuid' or 'suid'" },
		{ "shared rshared private rprivate slave rslave unbindable "
		  "runbindable",
		  "'[r]shared', '[r]private', '[r]slave' or "
		  "'[r]unbindable'" },
		{ "U", "'U'" },
		{ "O", "'O'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		autostrv char **set = strv_split(sets[i].words, ' ');
		autostrv char **found = NULL;
		autofree char *text = NULL;

		for (char *const *w = words; w && *w; w++)
			if (strv_contains(set, *w))
				strv_add(&found, *w);
		if (strv_len(found) < 2)
			continue;
		text = strv_join(found, ", ");
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid options \"%s\", can only specify 1 %s "
			       "option", text, sets[i].text);
	}
	return 0;
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
		mount_anonymous(m);
	else
		r = volume_source(v[0], m, err);
	if (r == 0)
		r = mount_set_target(m, v[n == 1 ? 0 : 1], err);
	m->dev = m->type == MNT_BIND && mount_has_devices(m->source);
	if (n == 3)
		words = strv_split(v[2], ',');
	if (r == 0)
		r = check_words(words, err);
	for (char **w = words; r == 0 && w && *w; w++)
		r = volume_word(*w, m, err);
	return r < 0 ? r : check_overlay(m, err);
}

/* ---- --tmpfs TARGET[:OPTIONS] ------------------------------------------ */

static void tmpfs_data(struct ctr_mount *m, const char *key, const char *value)
{
	autofree char *old = m->options;

	m->options = old ? xasprintf("%s,%s=%s", old, key, value) :
			   xasprintf("%s=%s", key, value);
}

int mount_tmpfs_word(const char *word, struct ctr_mount *m, struct err *err)
{
	static const char *const keys[] = { "size", "mode", "uid", "gid",
					    "nr_inodes", "nr_blocks", "huge" };
	const char *eq = strchr(word, '=');

	if (mount_word(word, m))
		return 0;
	if (streq(word, "tmpcopyup") || streq(word, "notmpcopyup")) {
		m->nocopy = word[0] == 'n';
		return 0;
	}
	if (streq(word, "U")) {
		m->chown = true;
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
	return mount_unknown(word, err);
}

int mount_parse_tmpfs(const char *text, struct ctr_mount *m, struct err *err)
{
	const char *colon = strchr(text, ':');
	autofree char *target = colon ? xstrndup(text, (size_t)(colon - text)) :
					xstrdup(text);
	autostrv char **words = colon ? strv_split(colon + 1, ',') : NULL;
	int r;

	*m = (struct ctr_mount){ .type = MNT_TMPFS };
	r = mount_set_target(m, target, err);
	for (char **w = words; r == 0 && w && *w; w++)
		r = mount_tmpfs_word(*w, m, err);
	return r;
}
