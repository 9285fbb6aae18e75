/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What the store's file system and this kernel can do is tried, not guessed:
 * a child, root in the user namespace and in a mount namespace of its own,
 * makes the marks of a layer and mounts a small overlay in a staging directory,
 * writes through it and deletes through it.  The mount dies with the child.
 * The answer is kept in the database under the kernel's release and the file
 * system's id, so that it is tried once.
 *
 * Two answers: can layers hold whiteouts as 0:0 devices and opaque directories
 * as attributes (else both are kept as .wh. files), and which drivers work.
 * That an overlay mounts does not say so: without user attributes a directory
 * that was removed cannot be made again (EIO), and where directories do not
 * tell the types of their entries, names that were removed are still listed.
 * fuse-overlayfs without user attributes cannot list an empty directory of a
 * layer (version 1.10).  Whether it is installed is looked up each time,
 * /dev/fuse comes and goes.
 *
 * A store that came from such a file system has layers with .wh. files, which
 * the kernel would show as files.  It stays one of that kind, here too, until
 * `system check --repair` has unpacked them again.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/* Answers of other probes than this are not answers. */
#define PROBE_VERSION "2"

enum {
	CAN_WHITEOUT = 1,
	CAN_OVERLAY = 2,
	CAN_FUSE = 4,
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
	static const char *const dirs[] = { "lower",  "lower/dir", "lower2",
					    "upper",  "work",	   "merged" };
	static const char *const files[] = { "lower/file", "lower/hidden",
					     "lower/dir/old" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (mkdirat(dir, dirs[i], 0755) < 0)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		autoclose int fd = openat(dir, files[i], O_WRONLY | O_CREAT |
					  O_CLOEXEC, 0644);

		if (fd < 0)
			return false;
	}
	return true;
}

static bool try_attribute(int dir)
{
	autoclose int lower = dir_open_at(dir, "lower2");

	return lower >= 0 &&
	       fsetxattr(lower, "user.bryo.probe", "y", 1, 0) == 0;
}

/* Hide lower/hidden by a device in lower2, as an unpacked layer does. */
static bool try_whiteout(int dir)
{
	return mknodat(dir, "lower2/hidden", S_IFCHR, makedev(0, 0)) == 0;
}

/* How many names a directory lists, -1 */
static int count_names(const char *path)
{
	autoclosedir DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += !streq(e->d_name, ".") && !streq(e->d_name, "..");
	return d ? n : -1;
}

/* What containers do: all of it has to be seen, and nothing else. */
static bool use_overlay(void)
{
	autoclose int fd = open("merged/file", O_RDWR | O_CLOEXEC);

	return fd >= 0 && fd_write_full(fd, "x", 1) == 0 &&
	       access("merged/hidden", F_OK) < 0 &&
	       count_names("merged") == 2 && unlink("merged/file") == 0 &&
	       access("merged/file", F_OK) < 0 &&
	       unlink("merged/dir/old") == 0 && rmdir("merged/dir") == 0 &&
	       count_names("merged") == 0 && mkdir("merged/dir", 0755) == 0 &&
	       count_names("merged/dir") == 0;
}

/* The names are relative to the child's directory; unshare(2) takes that along
 * into the new namespace, a descriptor would stay in the old one. */
static bool try_overlay(int dir)
{
	if (fchdir(dir) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	if (mount("overlay", "merged", "overlay", 0,
		  "userxattr,lowerdir=lower2:lower,upperdir=upper,"
		  "workdir=work") < 0)
		return false;
	return use_overlay();
}

static int probe_child(void *arg, struct err *err unused_attr)
{
	struct staging *st = arg;
	int can = 0;

	if (!make_trees(st->fd))
		return 0;
	/* Without both of them layers and overlays cannot hide anything */
	if (try_attribute(st->fd))
		can |= CAN_FUSE;
	if ((can & CAN_FUSE) && try_whiteout(st->fd))
		can |= CAN_WHITEOUT;
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
	*ret = xasprintf(PROBE_VERSION " %s %lx %x:%x %d", u.release,
			 (long)fs.f_type, (unsigned int)id[0],
			 (unsigned int)id[1], s->conf.single_id);
	return 0;
}

/* The best of the drivers that can be used, if it is installed */
static enum store_driver best_of(int can)
{
	if (can & CAN_OVERLAY)
		return STORE_OVERLAY;
	return can & CAN_FUSE ? STORE_FUSE : STORE_VFS;
}

static int bits_of(const char *best)
{
	if (streq(best, store_driver_name(STORE_OVERLAY)))
		return CAN_OVERLAY | CAN_FUSE;
	return streq(best, store_driver_name(STORE_FUSE)) ? CAN_FUSE : 0;
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
		*ret = bits_of(db_str(st, 0)) |
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
			    store_driver_name(best_of(can)),
			    (int64_t)((can & CAN_WHITEOUT) != 0));
	if (r >= 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

/* CAN_* bits, -errno */
static int probe_now(struct store *s, struct err *err)
{
	auto_staging struct staging st = STAGING_INIT;
	int r;

	TRACE("store", "probe");
	r = staging_new(s, &st, err);
	if (r == 0)
		r = store_fork(s, probe_child, &st, err);
	return r < 0 ? err_wrap(err, r, "probe the storage driver") : r;
}

static bool has_layer_of(struct store *s, enum layer_format format)
{
	autostrv char **layers = store_hashes(s, STORE_LAYERS);

	for (char **hex = layers; hex && *hex; hex++) {
		auto_layer_info struct layer_info info = { 0 };

		if (layer_read(s, *hex, &info, NULL) == 0 &&
		    info.format == format)
			return true;
	}
	return false;
}

/* Once for each file system and kernel: what layers came from elsewhere? */
static int heed_layers(struct store *s, int can)
{
	if ((can & CAN_WHITEOUT) && has_layer_of(s, LAYER_PLAIN))
		return can & CAN_FUSE;
	if (!(can & CAN_WHITEOUT) && has_layer_of(s, LAYER_OVERLAY))
		log_warn("the file system of %s cannot hold what its layers "
			 "need: run bryo system check --repair",
			 s->conf.data_path);
	return can;
}

/* CAN_* bits, -errno; makes no child when the answer is known. */
static int probe(struct store *s, struct err *err)
{
	autofree char *key = NULL;
	int can = 0;
	int r;

	if (s->can >= 0)
		return s->can;
	r = probe_key(s, &key, err);
	if (r == 0)
		r = probe_load(s, key, &can, err);
	if (r < 0)
		return r;
	if (r == 0) {
		r = probe_now(s, err);
		if (r < 0)
			return r;
		can = heed_layers(s, r);
		r = probe_save(s, key, can, err);
	}
	if (r >= 0)
		s->can = can;
	return r < 0 ? r : can;
}

int store_probe_again(struct store *s, struct err *err)
{
	int can = probe_now(s, err);
	int r = can < 0 ? can : db_begin(s->conf.db, false, err);

	if (r == 0)
		r = db_exec(s->conf.db, err, "DELETE FROM store_probe", "");
	if (r >= 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	else
		s->can = can;
	return r;
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
	*ret = best_of(can);
	if (*ret == STORE_FUSE && !fuse_is_there())
		*ret = STORE_VFS;
	return 0;
}

int store_driver_check(struct store *s, enum store_driver driver,
		       struct err *err)
{
	int can = driver == STORE_VFS ? 0 : probe(s, err);

	if (can < 0 || driver == STORE_VFS)
		return can;
	if (can & (driver == STORE_OVERLAY ? CAN_OVERLAY : CAN_FUSE))
		return 0;
	return err_set(err, ERR_FAIL, EOPNOTSUPP,
		       "storage driver %s does not work on the file system of "
		       "%s: use %s", store_driver_name(driver),
		       s->conf.data_path, can & CAN_FUSE ?
		       "fuse-overlayfs or vfs" : "vfs, or another --root");
}

int store_format(struct store *s, enum layer_format *ret, struct err *err)
{
	int can = probe(s, err);

	if (can < 0)
		return can;
	*ret = can & CAN_WHITEOUT ? LAYER_OVERLAY : LAYER_PLAIN;
	return 0;
}
