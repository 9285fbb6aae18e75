/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * cgroup_make() runs in M before it joins anything or clones.  In the order in
 * which they are tried:
 *
 *   split     the cgroup that we are in (a unit with Delegate=yes): everybody
 *             in it moves to a leaf "monitor", beside it "container" is made
 *   scope     systemd makes bryo-ID.scope and moves us into it; then likewise
 *   by hand   a directory bryo-ID below --cgroup-parent or the cgroup that we
 *             are in, where we may write there
 *
 * A cgroup that hands controllers on holds no processes itself: that is what
 * the leaf of the monitor is for.  Limits are written before the payload is
 * cloned into its leaf.
 *
 * What cannot be had is gathered in one line for the user: which of the
 * options that were typed, which controllers, why, and what helps.
 */
#include "libpod/oci/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define UNIFIED CGROUP_MOUNT
#define HYBRID CGROUP_MOUNT "/unified"
#define LEAF_CONTAINER "container"
#define LEAF_MONITOR "monitor"

static const char why_none[] =
	"this system has no cgroup v2 hierarchy: boot it with "
	"systemd.unified_cgroup_hierarchy=1";
static const char why_hybrid[] =
	"this system has its controllers in cgroup v1: boot it with "
	"systemd.unified_cgroup_hierarchy=1";
static const char why_undelegated[] =
	"not delegated to this user: as root, write \"[Service]\" and "
	"\"Delegate=cpu cpuset io memory pids\" into "
	"/etc/systemd/system/user@.service.d/delegate.conf, then run "
	"systemctl daemon-reload and log in again";
static const char why_kernel[] = "this kernel does not offer them";
static const char why_v2[] = "cgroup v2 has no such limit";

void cgroup_done(struct cgroup *c)
{
	free(c->path);
	free(c->missing);
	free(c->warning);
	close_fd(c->fd);
	*c = (struct cgroup)CGROUP_INIT;
}

/* ---- where we are ------------------------------------------------------ */

static bool is_cgroup2(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && st.f_type == CGROUP2_SUPER_MAGIC;
}

/* The mount; NULL when there is none. */
static const char *cgroup_root(void)
{
	if (is_cgroup2(UNIFIED))
		return UNIFIED;
	return is_cgroup2(HYBRID) ? HYBRID : NULL;
}

char *cgroup_self(void)
{
	autosb struct sb text = SB_INIT;
	const char *line;

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 65536, &text) < 0)
		return NULL;
	line = str_starts(text.buf, "0::") ? text.buf :
					      strstr(text.buf, "\n0::");
	line = line ? strstr(line, "0::") + 3 : NULL;
	if (!line || line[0] != '/' || str_starts(line, "/.."))
		return NULL;
	return xstrndup(line, strcspn(line, "\n"));
}

/* "/" is nothing behind the mount */
static char *below(const char *root, const char *path)
{
	return xasprintf("%s%s", root, streq(path, "/") ? "" : path);
}

/* ---- controllers ------------------------------------------------------- */

static const char *const controllers[] = { "cpu", "cpuset", "io", "memory",
					   "pids" };

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *s = text; (s = strstr(s, word)); s += len)
		if ((s == text || s[-1] == ' ') &&
		    (s[len] == '\0' || s[len] == ' ' || s[len] == '\n'))
			return true;
	return false;
}

/* Hand on to the cgroups below what there is.  One by one only where that
 * fails: a controller may be in use in a way that forbids it. */
static int hand_on(int dir)
{
	autosb struct sb have = SB_INIT;
	autosb struct sb all = SB_INIT;
	int r;

	if (file_read_at(dir, "cgroup.controllers", 4096, &have) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
		if (has_word(have.buf, controllers[i]))
			sb_addf(&all, "%s+%s", all.len ? " " : "",
				controllers[i]);
	if (!all.len)
		return 0;
	r = cgroup_write(dir, "cgroup.subtree_control", all.buf);
	if (r == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		char one[16];

		(void)snprintf(one, sizeof(one), "+%s", controllers[i]);
		(void)cgroup_write(dir, "cgroup.subtree_control", one);
	}
	return r;
}

/* ---- limits ------------------------------------------------------------ */

/* What was typed and is not in force. */
struct failed {
	char **flags;
	char **controllers;
	bool v2;	/* ... because v2 has no such thing */
	bool other;	/* ... for want of a controller */
};

static void failed_done(struct failed *f)
{
	strv_free(f->flags);
	strv_free(f->controllers);
}

static void add_failed(struct failed *f, const struct limit_line *l)
{
	if (!*l->flag)
		return;		/* a default: nobody misses it */
	if (!strv_contains(f->flags, l->flag))
		strv_add(&f->flags, l->flag);
	if (!strv_contains(f->controllers, l->controller))
		strv_add(&f->controllers, l->controller);
	if (*l->controller)
		f->other = true;
	else
		f->v2 = true;
}

/* "cpu and memory controllers" */
static char *controller_names(const struct failed *f)
{
	autosb struct sb out = SB_INIT;
	size_t n = 0;
	size_t all = 0;

	for (char **c = f->controllers; c && *c; c++)
		all += **c != '\0';
	for (char **c = f->controllers; c && *c; c++) {
		if (!**c)
			continue;
		sb_addf(&out, "%s%s", n == 0 ? "" : n + 1 == all ? " and " :
								   ", ", *c);
		n++;
	}
	sb_add(&out, n == 1 ? " controller" : " controllers");
	return sb_take(&out);
}

/* 0, or the error that it is with --limits=strict */
static int report(const struct failed *f, bool strict, const char *why,
		  struct cgroup *ret, struct err *err)
{
	autofree char *flags = NULL;
	autofree char *names = NULL;

	free(ret->missing);
	free(ret->warning);
	ret->missing = ret->warning = NULL;
	if (!f->flags)
		return 0;
	flags = strv_join(f->flags, ", ");
	names = controller_names(f);
	ret->missing = strv_join(f->controllers, ",");
	if (f->other)
		ret->warning = xasprintf("%s not in force, the %s of cgroup "
					 "v2 missing: %s", flags, names, why);
	else
		ret->warning = xasprintf("%s not in force: %s", flags, why_v2);
	if (!strict)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP, "%s", ret->warning);
}

int cgroup_note_none(const struct oci_limits *limits, const char *why,
		     struct cgroup *ret, struct err *err)
{
	struct failed f cleanup(failed_done) = { 0 };
	struct limit_lines lines = { 0 };
	int r = limits_lines(limits, false, &lines, err);

	for (size_t i = 0; r == 0 && i < lines.n; i++)
		add_failed(&f, &lines.v[i]);
	limit_lines_done(&lines);
	return r < 0 ? r : report(&f, limits->strict, why, ret, err);
}

/* Of those that are absent because they were not handed down to us. */
static const char *why_missing(const struct failed *f)
{
	autosb struct sb have = SB_INIT;

	if (file_read_at(AT_FDCWD, UNIFIED "/cgroup.controllers", 4096,
			 &have) < 0)
		return why_hybrid;
	for (char **c = f->controllers; c && *c; c++)
		if (**c && !has_word(have.buf, *c))
			return have.len > 1 ? why_kernel : why_hybrid;
	return why_undelegated;
}

/* memory.max below what is in use would need swap that is not there yet */
static int write_line(int fd, const struct limit_line *l)
{
	int r;

	if (!*l->file)
		return -ENOENT;
	r = cgroup_write(fd, l->file, l->value);
	/* io.weight exists with a scheduler that knows weights only */
	if (r == -ENOENT && streq(l->file, "io.weight"))
		r = cgroup_write(fd, "io.bfq.weight", l->value);
	return r;
}

int cgroup_apply(const struct oci_limits *limits, bool defaults,
		 struct cgroup *ret, struct err *err)
{
	TRACE("cgroup", "limits");
	struct failed f cleanup(failed_done) = { 0 };
	struct limit_lines lines = { 0 };
	int r = limits_lines(limits, defaults, &lines, err);

	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		const struct limit_line *l = &lines.v[i];
		int w = write_line(ret->fd, l);

		if (w == -ENOENT || w == -EOPNOTSUPP || w == -EACCES)
			add_failed(&f, l);
		else if (w < 0 && *l->flag)
			r = err_code(err, w, "%s: write %s into %s", l->flag,
				     l->value, l->file);
	}
	limit_lines_done(&lines);
	return r < 0 ? r : report(&f, limits->strict, why_missing(&f), ret,
				  err);
}

/* ---- leaves ------------------------------------------------------------ */

/* A new empty one: what a dead monitor left goes. */
static int make_leaf(int base, const char *base_path, const char *name,
		     struct cgroup *ret, struct err *err)
{
	autofree char *path = xasprintf("%s/%s", base_path, name);

	if (mkdirat(base, name, 0755) < 0) {
		if (errno != EEXIST)
			return err_sys(err, "make cgroup %s", path);
		cgroup_remove(path);
		if (mkdirat(base, name, 0755) < 0)
			return err_sys(err, "make cgroup %s anew", path);
	}
	ret->fd = cgroup_open(path);
	if (ret->fd < 0) {
		int r = ret->fd;

		ret->fd = -EBADF;
		return err_code(err, r, "open cgroup %s", path);
	}
	ret->path = take_ptr(path);
	return 0;
}

/* Everybody in @base into its leaf for monitors. */
static int empty_base(int base, struct err *err)
{
	autosb struct sb pids = SB_INIT;
	autostrv char **v = NULL;
	int r;

	if (mkdirat(base, LEAF_MONITOR, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make the monitor's cgroup");
	r = file_read_at(base, "cgroup.procs", 65536, &pids);
	if (r < 0)
		return err_code(err, r, "read cgroup.procs");
	v = strv_split(pids.buf, '\n');
	for (char **p = v; p && *p; p++) {
		r = **p ? cgroup_write(base, LEAF_MONITOR "/cgroup.procs",
				       *p) : 0;
		if (r < 0 && r != -ESRCH)
			return err_code(err, r, "move process %s", *p);
	}
	return 0;
}

/* Two leaves in the cgroup that is ours, in which we are. */
static int make_in_own(const char *root, struct cgroup *ret, struct err *err)
{
	autofree char *self = cgroup_self();
	autofree char *path = NULL;
	char *end;
	int r;

	if (!self)
		return err_set(err, ERR_FAIL, ENOENT,
			       "our own cgroup cannot be seen");
	/* an automatic restart, or a second container of the unit */
	end = strrchr(self, '/');
	if (end && streq(end + 1, LEAF_MONITOR))
		*end = '\0';
	path = below(root, *self ? self : "/");
	autoclose int base = cgroup_open(path);
	if (base < 0)
		return err_code(err, base, "open cgroup %s", path);
	r = empty_base(base, err);
	if (r < 0)
		return r;
	(void)hand_on(base);
	return make_leaf(base, path, LEAF_CONTAINER, ret, err);
}

/* /a/b below the mount, made where it is missing, handing on on the way. */
static int make_parent(const char *root, const char *path, struct err *err)
{
	autoclose int dir = cgroup_open(root);
	autostrv char **parts = strv_split(path, '/');

	if (dir < 0)
		return err_code(err, dir, "open %s", root);
	for (char **p = parts; p && *p; p++) {
		int next;

		if (!**p)
			continue;
		(void)hand_on(dir);
		if (mkdirat(dir, *p, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "make cgroup %s", path);
		next = openat(dir, *p, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
						O_CLOEXEC);
		if (next < 0)
			return err_sys(err, "open cgroup %s", path);
		close(dir);
		dir = next;
	}
	return take_fd(dir);
}

/*
 * To move a process from one cgroup to another one needs the right to write
 * to what is above both.  From a login session into the user manager's tree
 * that is root's.
 */
static int check_way(const char *root, const char *to, struct err *err)
{
	autofree char *self = cgroup_self();
	autofree char *procs = NULL;
	size_t common = 0;

	for (size_t i = 0; self && self[i] && self[i] == to[i]; i++)
		if (self[i] == '/')
			common = i;
	procs = xasprintf("%s%.*s/cgroup.procs", root, (int)common, to);
	if (access(procs, W_OK) == 0)
		return 0;
	return err_set(err, ERR_FAIL, errno,
		       "cgroup %s: a process of this session may not be moved "
		       "there (--cgroup-parent NAME.slice lets systemd do it)",
		       to);
}

static int make_by_hand(const struct cgroup_want *want, const char *root,
			struct cgroup *ret, struct err *err)
{
	autofree char *name = xasprintf("bryo-%s", want->id);
	autofree char *self = want->parent ? NULL : cgroup_self();
	const char *where = want->parent ? want->parent : self;
	autofree char *path = where ? below(root, where) : NULL;
	autoclose int base = -EBADF;
	int r;

	if (!where)
		return err_set(err, ERR_FAIL, ENOENT,
			       "our own cgroup cannot be seen");
	base = want->parent ? make_parent(root, where, err) : cgroup_open(path);
	if (base < 0)
		return want->parent ? base :
				      err_code(err, base, "open %s", path);
	if (faccessat(base, ".", W_OK, AT_EACCESS) < 0 ||
	    faccessat(base, "cgroup.procs", W_OK, AT_EACCESS) < 0)
		return err_sys(err, "cgroup %s", where);
	r = want->parent ? check_way(root, where, err) : 0;
	if (r < 0)
		return r;
	(void)hand_on(base);
	return make_leaf(base, path, name, ret, err);
}

/* ---- the whole --------------------------------------------------------- */

static bool is_slice(const char *parent)
{
	return parent && str_ends(parent, ".slice") && !strchr(parent, '/');
}

int cgroup_parent_check(const char *parent, enum cgroup_manager manager,
			struct err *err)
{
	if (str_is_empty(parent))
		return 0;
	if (manager == CGROUP_SYSTEMD && !is_slice(parent))
		return err_set(err, ERR_INVALID, EINVAL,
			       "did not receive systemd slice as cgroup parent "
			       "when using systemd to manage cgroups: invalid "
			       "argument");
	if (strpbrk(parent, "\n\\") || streq(parent, "..") ||
	    strstr(parent, "../") || str_ends(parent, "/.."))
		return err_set(err, ERR_INVALID, EINVAL,
			       "--cgroup-parent \"%s\" is not the name of a "
			       "cgroup", parent);
	return 0;
}

static int try_scope(const struct cgroup_want *want, const char *root,
		     struct cgroup *ret, struct err *err)
{
	const char *slice = is_slice(want->parent) ? want->parent :
			    want->is_root ? "machine.slice" : "app.slice";
	int r = scope_enter(want, slice, err);

	return r < 0 ? r : make_in_own(root, ret, err);
}

static bool wants_scope(const struct cgroup_want *want)
{
	if (want->manager == CGROUP_FS || (want->parent &&
					   !is_slice(want->parent)))
		return false;
	if (want->manager == CGROUP_SYSTEMD || is_slice(want->parent))
		return true;
	return streq(cgroup_root(), UNIFIED) && scope_is_possible(want);
}

const char *cgroup_manager_name(const struct cgroup_want *want)
{
	if (!cgroup_root())
		return "none";
	return wants_scope(want) ? "systemd" : "cgroupfs";
}

/* The way that fits; @why: why it did not work */
static int make_somewhere(const struct cgroup_want *want, const char *root,
			  struct cgroup *ret, struct err *why)
{
	bool asked = want->parent || want->manager != CGROUP_AUTO;

	if (want->mode == CGROUPS_SPLIT)
		return make_in_own(root, ret, why);
	if (!wants_scope(want))
		return make_by_hand(want, root, ret, why);
	return want->scope || asked ? try_scope(want, root, ret, why) : -ENOENT;
}

/* Without a cgroup the container would not be where it was wanted. */
static bool is_required(const struct cgroup_want *want)
{
	return want->parent || want->mode == CGROUPS_SPLIT ||
	       want->manager == CGROUP_SYSTEMD;
}

/* 1 made, 0 none (@why), -errno */
static int make(const struct cgroup_want *want, struct cgroup *ret,
		struct err *why, struct err *err)
{
	const char *root = cgroup_root();
	int r = cgroup_parent_check(want->parent, want->manager, err);

	if (r < 0)
		return r;
	if (want->mode == CGROUPS_DISABLED || !root) {
		err_set(why, ERR_FAIL, ENOENT, "%s",
			root ? "--cgroups=disabled" : why_none);
		return 0;
	}
	r = make_somewhere(want, root, ret, why);
	if (r == 0)
		return 1;
	if (is_required(want))
		return err_set(err, ERR_FAIL, why->code, "%s", why->msg);
	if (r == -EACCES || r == -EPERM || r == -EROFS)
		err_set(why, ERR_FAIL, -r, "%s",
			streq(root, HYBRID) ? why_hybrid : why_undelegated);
	return 0;
}

int cgroup_make(const struct cgroup_want *want, struct cgroup *ret,
		struct err *err)
{
	TRACE("cgroup", "make");
	struct cgroup c = CGROUP_INIT;
	struct err why = ERR_INIT;
	int r = make(want, &c, &why, err);

	if (r > 0)
		r = cgroup_apply(want->limits, true, &c, err);
	else if (r == 0)
		r = cgroup_note_none(want->limits, why.msg, &c, err);
	if (r < 0) {
		if (c.path)
			cgroup_remove(c.path);
		cgroup_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}
