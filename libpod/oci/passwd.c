/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/steps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * step_user() resolves the payload's user when all mounts are in place (a
 * volume may bring /etc/passwd) and, when asked, gives ids that are unknown
 * there a line, so that `whoami` works.  The lines go into the container's own
 * writable layer; where there is none (--read-only, a plain directory that
 * belongs to somebody) into a private copy that is mounted over the file.  A
 * file that is a mount of its own is the user's and is left alone.
 *
 * The files are data of the image: user.c reads them, and a line that is there
 * already is never written a second time (the container may be restarted).
 */

/** struct account_file - /etc/passwd or /etc/group and what is to be added */
struct account_file {
	const char *path;
	struct sb text;		/* as it is */
	struct sb more;		/* whole lines */
	bool usable;		/* it is a sane regular file */
};

static void account_file_done(struct account_file *f)
{
	sb_done(&f->text);
	sb_done(&f->more);
}

static int mount_id(int fd, uint64_t *ret)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return -errno;
	*ret = sx.stx_mnt_id;
	return 0;
}

/* ---- writing ----------------------------------------------------------- */

static int append(int fd, const char *line)
{
	char path[FD_PATH_MAX];

	autoclose int out = open(fd_path(fd, path), O_WRONLY | O_APPEND |
				 O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (out < 0)
		return -errno;
	return fd_write_full(out, line, strlen(line));
}

static int mount_copy(struct init *in, int target, const char *name,
		      const struct sb *text, struct err *err)
{
	int r;

	autoclose int fs = mnt_fs(&in->mnt, "tmpfs", "tmpfs",
				  "size=2m,nr_inodes=2,mode=0755",
				  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  MOUNT_ATTR_NOEXEC, err);
	if (fs < 0)
		return fs;
	autoclose int file = openat(fs, "copy", O_WRONLY | O_CREAT | O_EXCL |
				    O_CLOEXEC, 0644);
	if (file < 0)
		return err_sys(err, "copy %s", name);
	r = fd_write_full(file, text->buf, text->len);
	if (r < 0)
		return err_code(err, r, "copy %s", name);
	autoclose int made = openat(fs, "copy", O_PATH | O_NOFOLLOW |
				    O_CLOEXEC);
	if (made < 0)
		return err_sys(err, "copy %s", name);
	r = mnt_park(&in->mnt, fs, err);
	if (r < 0)
		return r;
	autoclose int fd = mnt_clone(&in->mnt, made, false, err);
	return fd < 0 ? fd : mnt_attach(&in->mnt, fd, target, err);
}

static int account_write(struct init *in, struct account_file *f,
			 struct err *err)
{
	const struct oci_rootfs *root = &in->spec->rootfs;
	uint64_t root_id = 0;
	uint64_t file_id = 0;
	int r;

	if (!f->usable || !f->more.len)
		return 0;
	autoclose int fd = path_open(in->root_fd, f->path, O_PATH);
	if (fd < 0 || mount_id(fd, &file_id) < 0 ||
	    mount_id(in->root_fd, &root_id) < 0 || file_id != root_id)
		return 0;
	if (f->text.len && f->text.buf[f->text.len - 1] != '\n') {
		autofree char *lines = sb_take(&f->more);

		sb_addf(&f->more, "\n%s", lines);
	}
	if (root->driver != OCI_ROOTFS_DIR && !root->readonly) {
		r = append(fd, f->more.buf);
		return r < 0 ? err_code(err, r, "add a line to %s", f->path) :
			       0;
	}
	sb_add(&f->text, f->more.buf);
	return mount_copy(in, fd, f->path, &f->text, err);
}

/* ---- lines ------------------------------------------------------------- */

/** struct word - a $NAME of a --passwd-entry or --group-entry */
struct word {
	const char *name;
	const char *value;
};

/* Longest names first: $USERNAME before $USER would matter. */
static void add_template(const char *text, const struct word *words, size_t n,
			 struct sb *out)
{
	while (*text) {
		size_t i = 0;

		while (*text == '$' && i < n &&
		       !str_starts(text + 1, words[i].name))
			i++;
		if (*text != '$' || i == n) {
			sb_addch(out, *text++);
			continue;
		}
		sb_add(out, words[i].value);
		text += 1 + strlen(words[i].name);
	}
}

static void end_line(struct sb *out)
{
	if (out->len && out->buf[out->len - 1] != '\n')
		sb_addch(out, '\n');
}

/* A name that would break the file is not worth a line: the number is. */
static const char *sane(const char *name, const char *number)
{
	return str_is_empty(name) || strpbrk(name, ":\n") ? number : name;
}

static const char *home_of(const struct init *in)
{
	const struct oci_accounts *a = &in->spec->accounts;
	const char *home = a->home ? a->home : in->process->cwd;

	return str_is_empty(home) || strpbrk(home, ":\n") ? "/" : home;
}

static void passwd_line(const struct init *in, struct sb *out)
{
	const struct oci_accounts *a = &in->spec->accounts;
	char uid[16];
	char gid[16];

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)in->user.uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned int)in->user.gid);
	const char *name = sane(a->user, uid);
	const struct word words[] = {
		{ "USERNAME", name },	 { "UID", uid }, { "GID", gid },
		{ "NAME", "container user" }, { "HOME", home_of(in) },
	};

	add_template(a->passwd_entry ? a->passwd_entry :
		     "$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh", words,
		     ARRAY_LEN(words), out);
	end_line(out);
}

static void group_line(const struct init *in, struct sb *out)
{
	const struct oci_accounts *a = &in->spec->accounts;
	char uid[16];
	char gid[16];

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)in->user.uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned int)in->user.gid);
	const char *name = sane(a->group, gid);
	const char *user = in->user.name ? in->user.name : sane(a->user, uid);
	const struct word words[] = {
		{ "GROUPNAME", name }, { "GID", gid },
		{ "NAME", name },      { "USERLIST", user },
	};

	add_template(a->group_entry ? a->group_entry :
		     "$GROUPNAME:x:$GID:$USERLIST", words, ARRAY_LEN(words),
		     out);
	end_line(out);
}

/* Lines of host users, but for those whose name or id is taken. */
static void add_lines(struct account_file *f, char *const *lines)
{
	for (; lines && *lines; lines++) {
		if (user_line_taken(f->text.buf, f->text.len, *lines) ||
		    user_line_taken(f->more.buf, f->more.len, *lines))
			continue;
		sb_addf(&f->more, "%s\n", *lines);
	}
}

static int add_accounts(struct init *in, struct err *err)
{
	const struct oci_accounts *a = &in->spec->accounts;
	struct account_file passwd cleanup(account_file_done) = {
		.path = "/etc/passwd", .text = SB_INIT, .more = SB_INIT };
	struct account_file group cleanup(account_file_done) = {
		.path = "/etc/group", .text = SB_INIT, .more = SB_INIT };
	bool new_user = !in->user.name;
	int r;

	/* Read first: that also refuses what is no sane regular file. */
	passwd.usable = user_file_read(in->root_fd, passwd.path,
				       &passwd.text) == 0;
	group.usable = user_file_read(in->root_fd, group.path,
				      &group.text) == 0;
	if (new_user)
		passwd_line(in, &passwd.more);
	add_lines(&passwd, a->host_users);
	/* a group of a user that the image knows is the image's business,
	 * unless it was asked for */
	if ((new_user || a->group ||
	     strchr(in->process->user ? in->process->user : "", ':')) &&
	    !user_group_known(group.text.buf, group.text.len, in->user.gid))
		group_line(in, &group.more);
	add_lines(&group, a->host_groups);
	r = account_write(in, &passwd, err);
	if (r == 0)
		r = account_write(in, &group, err);
	if (r == 0 && new_user && passwd.usable)
		str_set(&in->user.home, home_of(in));
	return r;
}

int step_user(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	int r;

	r = user_lookup(in->root_fd, p->user, p->groups, &in->user, err);
	if (r < 0 || !in->spec || !in->spec->accounts.add)
		return r;
	return add_accounts(in, err);
}
