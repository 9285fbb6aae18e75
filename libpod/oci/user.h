/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_USER_H
#define OCI_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/err.h"

struct sb;

/**
 * struct user - who the payload runs as
 * @groups: supplementary ones, the primary gid among them; owned
 * @name:   from passwd; owned, NULL when the uid has no line there
 * @home:   from passwd; owned, never NULL after a lookup
 */
struct user {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	char *name;
	char *home;
};

/* The image's own files: what is larger is refused, not read. */
#define USER_FILE_MAX (1 << 20)
#define USER_GROUPS_MAX 1024

/**
 * user_find() - resolve "", "name", "uid", each with ":group" or ":gid"
 * @passwd: text of /etc/passwd (untrusted); @group: of /etc/group
 * @add:    --group-add: names or gids; may be NULL
 *
 * A number is always an id, also when a line of passwd has it as its name.
 * With an explicit group the user's memberships in @group do not count.
 *
 * Return: 0, -ENOENT with "unable to find user X: no matching entries in
 * passwd file" (ERR_START), -EINVAL for a number that is no id
 */
int user_find(const char *passwd, size_t passwd_len, const char *group,
	      size_t group_len, const char *spec, char *const *add,
	      struct user *ret, struct err *err);

/**
 * user_lookup() - the same with the files beneath @root
 *
 * They are opened in-root, only regular files of at most USER_FILE_MAX bytes
 * are read; a missing one counts as empty.
 */
int user_lookup(int root, const char *spec, char *const *add, struct user *ret,
		struct err *err);

/** user_file_read() - "/etc/passwd" beneath @root; for user_lookup() and the
 *  passwd entry; -ENOENT, -EINVAL not a regular file, -EFBIG */
int user_file_read(int root, const char *path, struct sb *out);

/** user_group_known() - does the text of /etc/group have a line for @gid? */
bool user_group_known(const char *group, size_t len, gid_t gid);

/** user_line_taken() - has the text a line of the same name or id as @line (of
 *  /etc/passwd or /etc/group)?  Also true when @line is none */
bool user_line_taken(const char *text, size_t len, const char *line);

void user_done(struct user *u);

#endif
