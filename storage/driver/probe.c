/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What the store's file system and this kernel can do is tried, not guessed:
 * a child, root in the user namespace and in a mount namespace of its own,
 * makes a whiteout device and mounts a small overlay in a staging directory,
 * writes through it and deletes through it.  The mount dies with the child.
 * The answer is kept in the database under the kernel's release and the file
 * system's id, so that it is tried once.
 *
 * Two answers: can layers hold whiteouts as 0:0 devices (else they are kept
 * as .wh. files), and does the native overlay work.  fuse-overlayfs is looked
 * for each time, /dev/fuse comes and goes.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "storage/store_int.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/trace.h"

enum {
	CAN_WHITEOUT = 1,
	CAN_OVERLAY = 2,
};

const char *store_driver_name(enum store_driver d)
{
	static const char *const names[] = {
		[STORE_OVERLAY] = "overlay",
		[STORE_FUSE] = "fuse-overlayfs",
		[STORE_VFS] = "vfs",
	};

	return names[d];
}

int store_driver_parse(const char *name, enum store_driver *ret,
		       struct err *err)
{
	static const enum store_driver all[] = { STORE_OVERLAY, STORE_FUSE,
						 STORE_VFS };
	/* docker's name for the same */
	const char *ours = streq(name, "overlay2") ? "overlay" : name;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!streq(ours, store_driver_name(all[i])))
			continue;
		*ret = all[i];
		return 0;
	}
	return err_set(err, ERR_USAGE, EINVAL,
		       "storage driver '%.100s' is not supported: use overlay, "
		       "fuse-overlayfs or vfs", name);
}

static bool make_trees(int dir)
{
	static const char *const names[] = { "lower", "lower2", "upper",
					     "work", "merged" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (mkdirat(dir, names[i], 0755) < 0)
			return false;
	autoclose int fd = openat(dir, "lower/file",
				  O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd >= 0;
}

/* Hide lower/hidden by a device in lower2, as an unpacked layer does. */
static bool try_whiteout(int dir)
{
	autoclose int fd = openat(dir, "lower/hidden",
				  O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd >= 0 &&
	       mknodat(dir, "lower2/hidden", S_IFCHR, makedev(0, 0)) == 0;
}

/* The names are relative to the child's directory; unshare(2) takes that along
 * into the new namespace, a descriptor would stay in the old one. */
static bool try_overlay(int dir)
{
	struct stat st;

	if (fchdir(dir) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	if (mount("overlay", "merged", "overlay", 0,
		  "userxattr,lowerdir=lower2:lower,upperdir=upper,"
		  "workdir=work") < 0)
		return false;
	autoclose int fd = open("merged/file", O_RDWR | O_CLOEXEC);
	if (fd < 0 || fd_write_full(fd, "x", 1) < 0)
		return false;
	return fstatat(AT_FDCWD, "merged/hidden", &st, 0) < 0 &&
	       unlink("merged/file") == 0 &&
	       fstatat(AT_FDCWD, "merged/file", &st, 0) < 0;
}

static int probe_child(void *arg, struct err *err unused_attr)
{
	struct staging *st = arg;
	int can = 0;

	if (!make_trees(st->fd))
		return 0;
	if (try_whiteout(st->fd))
		can |= CAN_WHITEOUT;
	/* Without whiteout devices an overlay could not delete anything */
	if ((can & CAN_WHITEOUT) && try_overlay(st->fd))
		can |= CAN_OVERLAY;
	return can;
}

static int probe_key(struct store *s, char **ret, struct err *err)
{
	struct utsname u;
	struct statfs fs;
	int id[2];

	if (uname(&u) < 0 || fstatfs(s->conf.data_fd, &fs) < 0)
		return err_sys(err, "stat the file system of %s",
			       s->conf.data_path);
	memcpy(id, &fs.f_fsid, sizeof(id));
	*ret = xasprintf("%s %lx %x:%x %d", u.release, (long)fs.f_type,
			 (unsigned int)id[0], (unsigned int)id[1],
			 s->conf.single_id);
	return 0;
}

/* 1 and *ret when the answer is known, 0, -errno */
static int probe_load(struct store *s, const char *key, int *ret,
		      struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT driver, whiteouts"
			" FROM store_probe WHERE key = ?", "s", key);
	int r = st ? db_step(st, err) : -EIO;

	if (r == 1)
		*ret = (streq(db_str(st, 0), "overlay") ? CAN_OVERLAY : 0) |
		       (db_i64(st, 1) ? CAN_WHITEOUT : 0);
	return r;
}

static int probe_save(struct store *s, const char *key, int can,
		      struct err *err)
{
	int r = db_begin(s->conf.db, false, err);

	if (r == 0)
		r = db_exec(s->conf.db, err,
			    "INSERT OR REPLACE INTO store_probe"
			    " VALUES (?, ?, ?)", "ssi", key,
			    can & CAN_OVERLAY ? "overlay" : "",
			    (int64_t)((can & CAN_WHITEOUT) != 0));
	if (r >= 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

/* CAN_* bits, -errno; makes no child when the answer is known. */
static int probe(struct store *s, struct err *err)
{
	auto_staging struct staging st = STAGING_INIT;
	autofree char *key = NULL;
	int can = 0;
	int r;

	TRACE("store", "probe");
	r = probe_key(s, &key, err);
	if (r == 0)
		r = probe_load(s, key, &can, err);
	if (r != 0)
		return r < 0 ? r : can;
	r = staging_new(s, &st, err);
	if (r == 0)
		r = store_fork(s, probe_child, &st, err);
	if (r < 0)
		return err_wrap(err, r, "probe the storage driver");
	can = r;
	r = probe_save(s, key, can, err);
	return r < 0 ? r : can;
}

static bool fuse_is_there(void)
{
	autofree char *program = proc_find_program("fuse-overlayfs");

	autoclose int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	return program && fd >= 0;
}

int store_driver_probe(struct store *s, enum store_driver *ret,
		       struct err *err)
{
	int can = probe(s, err);

	if (can < 0)
		return can;
	if (can & CAN_OVERLAY)
		*ret = STORE_OVERLAY;
	else
		*ret = fuse_is_there() ? STORE_FUSE : STORE_VFS;
	return 0;
}

int store_format(struct store *s, enum layer_format *ret, struct err *err)
{
	int can = probe(s, err);

	if (can < 0)
		return can;
	*ret = can & CAN_WHITEOUT ? LAYER_OVERLAY : LAYER_PLAIN;
	return 0;
}
