/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/idmap.h"
#include "libpod/oci/steps.h"
#include "libpod/oci/sync.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Option U: files are given to the user of the process.  init knows who that
 * is, as the image's /etc/passwd may say it.  What it has mounted itself (a
 * tmpfs, an overlay) it also gives away itself.  A source of the host may
 * belong to an id that the container has not got (--userns=auto, nomap: the
 * caller himself is one), and then root of the container is nobody to it: the
 * parent does that, who has all ids of the user and holds the source since
 * before the fork.
 *
 * Others may write to the tree meanwhile: each name is opened beneath the
 * descriptor of its directory and links are not followed.  The top is last, so
 * that whoever was killed on the way starts again.
 */

struct owner {
	uid_t uid;
	gid_t gid;
};

/* ---- a tree ------------------------------------------------------------ */

#define DEPTH_MAX 400	/* one descriptor each, below 1024 */

static bool is_owned(const struct stat *st, const struct owner *o)
{
	return st->st_uid == o->uid && st->st_gid == o->gid;
}

static int err_give(struct err *err, int r, const char *name)
{
	const char *why = r == -EPERM ? " (option U can give away only what "
					"belongs to one of your ids)" : "";

	return err_code(err, r, "chown %s%s", name, why);
}

static int give_dir(int dir, const struct owner *o, unsigned int depth,
		    struct err *err);

static int give_entry(int dir, const char *name, const struct owner *o,
		      unsigned int depth, struct err *err)
{
	struct stat st;
	int r;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_give(err, -errno, name);
	if (S_ISDIR(st.st_mode)) {
		autoclose int sub = dir_open_at(dir, name);

		if (sub < 0)
			return sub == -ENOENT ? 0 : err_give(err, sub, name);
		r = give_dir(sub, o, depth + 1, err);
		if (r < 0)
			return r;
	}
	if (is_owned(&st, o) ||
	    fchownat(dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) == 0 ||
	    errno == ENOENT)
		return 0;
	return err_give(err, -errno, name);
}

/* What is below @dir, not @dir itself. */
static int give_dir(int dir, const struct owner *o, unsigned int depth,
		    struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	const struct dirent *e;
	int r = d ? 0 : err_sys(err, "read a directory");

	if (r == 0 && depth > DEPTH_MAX)
		return err_code(err, ELOOP, "directories are nested deeper "
				"than %d", DEPTH_MAX);
	while (r == 0 && (r = dir_next(d, &e, err)) > 0)
		r = give_entry(dir, e->d_name, o, depth, err);
	return r;
}

static int give(int fd, const struct owner *o, bool recursive, struct err *err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat the source");
	if (recursive && S_ISDIR(st.st_mode)) {
		r = give_dir(fd, o, 0, err);
		if (r < 0)
			return r;
	}
	if (is_owned(&st, o) ||
	    fchownat(fd, "", o->uid, o->gid, AT_EMPTY_PATH) == 0)
		return 0;
	return err_give(err, -errno, "the source");
}

/* ---- in init ----------------------------------------------------------- */

static int no_id(const char *what, uint32_t id, struct err *err)
{
	return err_set(err, ERR_START, EINVAL, "%s %u is no id in the "
		       "container's user namespace", what, id);
}

/* The maps are not known of a user namespace that somebody else made. */
static int find_owner(struct init *in, struct owner *ret, struct err *err)
{
	const struct oci_spec *spec = in->spec;
	struct user user cleanup(user_done) = { 0 };
	int r = user_lookup(in->root_fd, in->process->user, NULL, &user, err);

	if (r < 0)
		return r;
	if (spec->uid_map.n && !idmap_has_inside(&spec->uid_map, user.uid))
		return no_id("uid", user.uid, err);
	if (spec->gid_map.n && !idmap_has_inside(&spec->gid_map, user.gid))
		return no_id("gid", user.gid, err);
	*ret = (struct owner){ user.uid, user.gid };
	return 0;
}

int owner_take(struct init *in, int fd, bool recursive, struct err *err)
{
	struct owner o;
	int r = find_owner(in, &o, err);

	return r < 0 ? r : give(fd, &o, recursive, err);
}

int owner_take_source(struct init *in, const struct oci_mount *m, int from,
		      struct err *err)
{
	char text[32];
	struct sync_msg msg;
	struct owner o;
	int r = find_owner(in, &o, err);

	if (r < 0)
		return r;
	if (!in->spec->uid_map.n || !in->spec->gid_map.n)
		return give(from, &o, true, err);
	(void)snprintf(text, sizeof(text), "%u:%u", o.uid, o.gid);
	r = sync_send(in->sync_fd, SYNC_CHOWN, (int)(m - in->spec->mounts),
		      text, -EBADF);
	if (r < 0)
		return err_code(err, r, "ask for the owner");
	r = sync_recv(in->sync_fd, &msg, NULL);
	if (r < 0)
		return err_code(err, r, "wait for the owner");
	return r > 0 && msg.type == SYNC_CHOWNED ? 0 :
	       err_set(err, ERR_FAIL, EPIPE, "the starting process is gone");
}

/* ---- in the parent ----------------------------------------------------- */

/* "UID:GID" of the container as ids of ours */
static int owner_outside(const struct oci_spec *spec, const char *text,
			 struct owner *ret)
{
	const char *colon = strchr(text, ':');
	autofree char *uid = colon ? xstrndup(text, (size_t)(colon - text)) :
				     NULL;
	uint32_t u;
	uint32_t g;

	if (!uid || parse_id(uid, &u) < 0 || parse_id(colon + 1, &g) < 0 ||
	    !idmap_to_outside(&spec->uid_map, u, &ret->uid) ||
	    !idmap_to_outside(&spec->gid_map, g, &ret->gid))
		return -EPROTO;
	return 0;
}

int owner_give(const struct oci_spec *spec, const struct sync_msg *msg,
	       struct err *err)
{
	const struct oci_mount *m = spec->mounts + msg->value;
	struct owner o;
	int r;

	/* only what the caller of oci_create() said is given away */
	if (msg->value < 0 || (size_t)msg->value >= spec->n_mounts ||
	    !m->chown || m->source_fd < 0 ||
	    owner_outside(spec, msg->text, &o) < 0)
		return err_set(err, ERR_FAIL, EPROTO,
			       "the container's first process asks for the "
			       "owner of something else");
	r = give(m->source_fd, &o, true, err);
	return r < 0 ? err_wrap(err, r, "mount %s: below %s", m->target,
				str_is_empty(m->source) ? "it" : m->source) :
		       0;
}
