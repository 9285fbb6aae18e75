/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/volume/volume_opts.h"

#include <linux/mount.h>
#include <stdlib.h>

#include "util/str.h"
#include "util/strv.h"

void volume_opts_done(struct volume_opts *o)
{
	free(o->device);
	free(o->data);
	*o = (struct volume_opts){ .uid = VOLUME_NO_ID, .gid = VOLUME_NO_ID };
}

static int bad_option(const char *key, struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid volume option %s for driver 'local': invalid "
		       "argument", key);
}

static int id_option(const char *text, uint32_t *ret, struct err *err)
{
	if (parse_id(text, ret) == 0)
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "volume option: \"%s\" is no user or group id", text);
}

static void add_data(struct volume_opts *o, const char *word)
{
	char *old = o->data;

	o->data = old ? xasprintf("%s,%s", old, word) : xstrdup(word);
	free(old);
}

static bool attr_word(const char *word, struct volume_opts *o)
{
	static const struct {
		const char *word;
		uint64_t attr;
	} attrs[] = {
		{ "ro", MOUNT_ATTR_RDONLY },
		{ "nosuid", MOUNT_ATTR_NOSUID },
		{ "nodev", MOUNT_ATTR_NODEV },
		{ "noexec", MOUNT_ATTR_NOEXEC },
		{ "noatime", MOUNT_ATTR_NOATIME },
		/* what a mount is anyway, or gets anyway */
		{ "rw", 0 },
		{ "exec", 0 },
		{ "suid", 0 },
		{ "dev", 0 },
		{ "bind", 0 },
		{ "rbind", 0 },
		{ "copy", 0 },
		{ "relatime", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(attrs); i++) {
		if (!streq(word, attrs[i].word))
			continue;
		o->attr |= attrs[i].attr;
		return true;
	}
	return false;
}

/* One word of o=a,b,c */
static int mount_word(const char *word, struct volume_opts *o,
		      struct err *err)
{
	static const char *const tmpfs[] = { "size=", "mode=", "nr_inodes=",
					     "nr_blocks=" };
	const char *uid = str_after(word, "uid=");
	const char *gid = str_after(word, "gid=");

	if (!*word || attr_word(word, o))
		return 0;
	if (uid)
		return id_option(uid, &o->uid, err);
	if (gid)
		return id_option(gid, &o->gid, err);
	if (streq(word, "nocopy")) {
		o->nocopy = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(tmpfs); i++) {
		if (!str_starts(word, tmpfs[i]))
			continue;
		add_data(o, word);
		return 0;
	}
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "volume mount option \"%s\" is not supported", word);
}

static int mount_words(const char *text, struct volume_opts *o,
		       struct err *err)
{
	autostrv char **words = strv_split(text, ',');
	int r = 0;

	for (char **w = words; r == 0 && w && *w; w++)
		r = mount_word(*w, o, err);
	return r;
}

static int type_option(const char *value, struct volume_opts *o,
		       struct err *err)
{
	if (streq(value, "tmpfs")) {
		o->tmpfs = true;
		return 0;
	}
	if (!*value || streq(value, "bind") || streq(value, "none"))
		return 0;
	return err_set(err, ERR_UNSUPPORTED, EPERM,
		       "volume type \"%s\": the kernel lets only root of the "
		       "host mount it; mount it there and use type=bind",
		       value);
}

static int one_option(const char *key, const char *value,
		      struct volume_opts *o, struct err *err)
{
	if (streq(key, "type"))
		return type_option(value, o, err);
	if (streq(key, "device")) {
		str_set(&o->device, value);
		return 0;
	}
	if (streq(key, "o"))
		return mount_words(value, o, err);
	if (strcasecmp(key, "uid") == 0)
		return id_option(value, &o->uid, err);
	if (strcasecmp(key, "gid") == 0)
		return id_option(value, &o->gid, err);
	if (streq(key, "copy") || streq(key, "nocopy")) {
		o->nocopy = key[0] == 'n';
		return 0;
	}
	if (streq(key, "size") || streq(key, "inodes"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "volume option %s: quotas need root of the "
			       "host; -o type=tmpfs -o o=size=... limits a "
			       "tmpfs", key);
	return bad_option(key, err);
}

int volume_opts_parse(char *const *options, struct volume_opts *ret,
		      struct err *err)
{
	int r = 0;

	*ret = (struct volume_opts){ .uid = VOLUME_NO_ID, .gid = VOLUME_NO_ID };
	for (; r == 0 && options && *options; options++) {
		const char *eq = strchr(*options, '=');
		autofree char *key = eq ? xstrndup(*options,
						   (size_t)(eq - *options)) :
					  xstrdup(*options);

		r = one_option(key, eq ? eq + 1 : "", ret, err);
	}
	if (r == 0 && ret->tmpfs)
		str_set(&ret->device, NULL);	/* "tmpfs", a mere name */
	if (r == 0 && ret->device && ret->device[0] != '/')
		r = err_set(err, ERR_INVALID, EINVAL,
			    "invalid volume option device for driver 'local': "
			    "\"%s\" is no absolute path", ret->device);
	if (r < 0)
		volume_opts_done(ret);
	return r;
}
