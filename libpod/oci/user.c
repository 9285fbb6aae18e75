/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/sb.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Who the payload runs as, from the image's /etc/passwd and /etc/group.  Both
 * are data that somebody else wrote: they are read through a descriptor of a
 * verified regular file, at most a megabyte, and a line that does not parse
 * is skipped.  NSS is never asked: its modules would come from the image.
 */

#define FIELDS_MAX 8

struct line {
	char *copy;		/* owned */
	char *field[FIELDS_MAX];
	size_t n;
};

struct text {
	const char *p;
	const char *end;
};

static void line_done(struct line *l)
{
	free(l->copy);
	l->copy = NULL;
}

/* The next line that has fields and no NUL; false at the end. */
static bool next_line(struct text *t, struct line *l)
{
	line_done(l);
	while (t->p < t->end) {
		const char *nl = memchr(t->p, '\n', (size_t)(t->end - t->p));
		size_t len = (size_t)((nl ? nl : t->end) - t->p);
		const char *start = t->p;
		char *p;

		t->p += len + (nl ? 1 : 0);
		if (!len || memchr(start, '\0', len))
			continue;
		l->copy = xstrndup(start, len);
		p = l->copy;
		for (l->n = 0; p && l->n < FIELDS_MAX; l->n++)
			l->field[l->n] = strsep(&p, ":");
		return true;
	}
	return false;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

struct passwd_key {
	const char *name;	/* NULL: look for uid */
	uint32_t uid;
};

/* 1 found, 0 not */
static int passwd_find(struct text t, const struct passwd_key *key,
		       struct user *ret)
{
	struct line l cleanup(line_done) = { .copy = NULL };
	uint32_t uid;
	uint32_t gid;

	while (next_line(&t, &l)) {
		if (l.n < 4 || !*l.field[0] || parse_id(l.field[2], &uid) < 0 ||
		    parse_id(l.field[3], &gid) < 0)
			continue;
		if (key->name ? !streq(l.field[0], key->name) : uid != key->uid)
			continue;
		ret->uid = uid;
		ret->gid = gid;
		str_set(&ret->name, l.field[0]);
		if (l.n > 5 && l.field[5][0] == '/')
			str_set(&ret->home, l.field[5]);
		return 1;
	}
	return 0;
}

static void add_group(struct user *u, gid_t gid)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (u->groups[i] == gid)
			return;
	if (u->n_groups == USER_GROUPS_MAX)
		return;
	u->groups = xreallocarray(u->groups, u->n_groups + 1,
				  sizeof(*u->groups));
	u->groups[u->n_groups++] = gid;
}

static bool is_member(char *members, const char *name)
{
	char *member;

	while ((member = strsep(&members, ",")))
		if (streq(member, name))
			return true;
	return false;
}

/* Every group that lists the user. */
static void add_memberships(struct text t, struct user *u)
{
	struct line l cleanup(line_done) = { .copy = NULL };
	uint32_t gid;

	while (next_line(&t, &l))
		if (l.n >= 4 && parse_id(l.field[2], &gid) == 0 &&
		    is_member(l.field[3], u->name))
			add_group(u, gid);
}

static int group_find(struct text t, const char *name, gid_t *ret,
		      struct err *err)
{
	struct line l cleanup(line_done) = { .copy = NULL };
	uint32_t gid;

	if (is_number(name)) {
		if (parse_id(name, &gid) < 0)
			return err_set(err, ERR_START, EINVAL,
				       "invalid group id %s", name);
		*ret = gid;
		return 0;
	}
	while (next_line(&t, &l)) {
		if (l.n < 3 || !streq(l.field[0], name) ||
		    parse_id(l.field[2], &gid) < 0)
			continue;
		*ret = gid;
		return 0;
	}
	return err_set(err, ERR_START, ENOENT,
		       "unable to find group %s: no matching entries in "
		       "group file", name);
}

static int find_user(struct text passwd, const char *name, struct user *u,
		     struct err *err)
{
	struct passwd_key key = { .name = NULL, .uid = 0 };

	if (is_number(name)) {
		if (parse_id(name, &key.uid) < 0)
			return err_set(err, ERR_START, EINVAL,
				       "invalid user id %s", name);
	} else if (*name) {
		key.name = name;
	}
	if (passwd_find(passwd, &key, u))
		return 0;
	if (key.name)
		return err_set(err, ERR_START, ENOENT,
			       "unable to find user %s: no matching entries "
			       "in passwd file", name);
	u->uid = key.uid;
	u->gid = 0;
	return 0;
}

static int find_all(struct text passwd, struct text group, const char *spec,
		    char *const *add, struct user *u, struct err *err)
{
	autofree char *name = xstrdup(spec ? spec : "");
	char *group_name = strchr(name, ':');
	gid_t gid;
	int r;

	if (group_name)
		*group_name++ = '\0';
	if (group_name && strchr(group_name, ':'))
		return err_set(err, ERR_START, EINVAL, "invalid user %s", spec);
	r = find_user(passwd, name, u, err);
	if (r < 0)
		return r;
	if (group_name && *group_name) {
		r = group_find(group, group_name, &u->gid, err);
		if (r < 0)
			return r;
	}
	add_group(u, u->gid);
	if (u->name && !(group_name && *group_name))
		add_memberships(group, u);
	for (size_t i = 0; add && add[i]; i++) {
		r = group_find(group, add[i], &gid, err);
		if (r < 0)
			return r;
		add_group(u, gid);
	}
	return 0;
}

int user_find(const char *passwd, size_t passwd_len, const char *group,
	      size_t group_len, const char *spec, char *const *add,
	      struct user *ret, struct err *err)
{
	struct user u cleanup(user_done) = { .home = NULL };
	int r;

	r = find_all((struct text){ passwd, passwd + passwd_len },
		     (struct text){ group, group + group_len }, spec, add, &u,
		     err);
	if (r < 0)
		return r;
	if (!u.home)
		u.home = xstrdup("/");
	*ret = u;
	u = (struct user){ .home = NULL };
	return 0;
}

int user_file_read(int root, const char *path, struct sb *out)
{
	struct stat want;
	struct stat have;

	/* O_PATH first: opening a fifo or a device for reading has effects. */
	autoclose int fd = path_open(root, path, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, &want) < 0)
		return -errno;
	if (!S_ISREG(want.st_mode))
		return -EINVAL;
	if (want.st_size > USER_FILE_MAX)
		return -EFBIG;
	/* Not through /proc/self/fd: in exec /proc is the container's. */
	autoclose int in = path_open(root, path, O_RDONLY | O_NOCTTY |
				     O_NONBLOCK);
	if (in < 0)
		return in;
	if (fstat(in, &have) < 0)
		return -errno;
	if (have.st_dev != want.st_dev || have.st_ino != want.st_ino)
		return -EAGAIN;
	return fd_read_all(in, USER_FILE_MAX, out);
}

/* A file that cannot be used matters only when a name has to be looked up. */
static int read_or_empty(int root, const char *path, bool needed,
			 struct sb *out, struct err *err)
{
	int r = user_file_read(root, path, out);

	if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		return 0;
	sb_trunc(out, 0);
	if (!needed)
		return 0;
	if (r == -EFBIG)
		return err_set(err, ERR_START, EFBIG,
			       "%s in the image is larger than %d bytes", path,
			       USER_FILE_MAX);
	if (r == -EINVAL)
		return err_set(err, ERR_START, EINVAL,
			       "%s in the image is not a regular file", path);
	err_code(err, r, "read %s of the image", path);
	return err_kind_set(err, r, ERR_START);
}

static bool needs_names(const char *spec, char *const *add, bool *ret_group)
{
	const char *group = spec ? strchr(spec, ':') : NULL;
	size_t len = spec ? strcspn(spec, ":") : 0;
	bool user = len && strspn(spec, "0123456789") != len;

	*ret_group = group && group[1] && !is_number(group + 1);
	for (size_t i = 0; add && add[i]; i++)
		*ret_group |= !is_number(add[i]);
	return user;
}

int user_lookup(int root, const char *spec, char *const *add, struct user *ret,
		struct err *err)
{
	autosb struct sb passwd = SB_INIT;
	autosb struct sb group = SB_INIT;
	bool need_group;
	bool need_passwd = needs_names(spec, add, &need_group);
	int r;

	r = read_or_empty(root, "/etc/passwd", need_passwd, &passwd, err);
	if (r < 0)
		return r;
	r = read_or_empty(root, "/etc/group", need_group, &group, err);
	if (r < 0)
		return r;
	return user_find(passwd.buf, passwd.len, group.buf, group.len, spec,
			 add, ret, err);
}

bool user_group_known(const char *group, size_t len, gid_t gid)
{
	struct line l cleanup(line_done) = { .copy = NULL };
	struct text t = { group, group + len };
	uint32_t id;

	while (next_line(&t, &l))
		if (l.n >= 3 && parse_id(l.field[2], &id) == 0 && id == gid)
			return true;
	return false;
}

bool user_line_taken(const char *text, size_t len, const char *line)
{
	struct line have cleanup(line_done) = { .copy = NULL };
	struct line want cleanup(line_done) = { .copy = NULL };
	struct text t = { text, text + len };
	struct text w = { line, line + strlen(line) };

	if (!next_line(&w, &want) || want.n < 3)
		return true;
	while (next_line(&t, &have))
		if (have.n >= 3 && (streq(have.field[0], want.field[0]) ||
				    streq(have.field[2], want.field[2])))
			return true;
	return false;
}

void user_done(struct user *u)
{
	free(u->groups);
	free(u->name);
	free(u->home);
	*u = (struct user){ .home = NULL };
}
