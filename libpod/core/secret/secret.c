/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: DATA/secrets/ID/{secret.json,data}, 0600, and nothing else.
 *
 * Theory of operation.  There are no rows: the directory is the truth.  A
 * flock on secrets/lock is held by whoever adds or removes; readers need none,
 * since a secret appears and goes with one rename.  New ones are made as
 * ".new-..." and renamed; what a killed process left there is removed by the
 * next that has the lock.
 */
#include "libpod/core/secret/secret.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/lock.h"
#include "util/str.h"
#include "util/strv.h"

#define META "secret.json"
#define META_MAX (1U << 20)
#define NEW_PREFIX ".new-"
#define GONE_PREFIX ".gone-"

struct secret *secret_free(struct secret *s)
{
	if (!s)
		return NULL;
	free(s->name);
	strv_free(s->labels);
	strv_free(s->options);
	free(s);
	return NULL;
}

void secret_list_done(struct secret_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		secret_free(l->v[i]);
	free(l->v);
	*l = (struct secret_list){ 0 };
}

/* ---- the directory ----------------------------------------------------- */

static int open_dir(struct runtime *rt, struct err *err)
{
	return dir_make_at(rt->data_fd, "secrets", 0700, err);
}

/* The directory itself may be new. */
static int sync_dir(struct runtime *rt, int dir, struct err *err)
{
	return fsync(dir) < 0 || fsync(rt->data_fd) < 0 ?
		       err_sys(err, "sync the secrets") :
		       0;
}

static void sweep(int dir)
{
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	const struct dirent *e;

	while (d && dir_next(d, &e, NULL) > 0)
		if (str_starts(e->d_name, NEW_PREFIX) ||
		    str_starts(e->d_name, GONE_PREFIX))
			(void)tree_remove_at(dir, e->d_name, NULL);
}

static int take_lock(int dir, struct err *err)
{
	autoclose int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW |
						       O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_sys(err, "open the lock of the secrets");
	r = lock_flock(fd, LOCK_EX, "the store of secrets", err);
	if (r < 0)
		return r;
	sweep(dir);
	return take_fd(fd);
}

/* ---- one secret -------------------------------------------------------- */

static void meta_text(const struct secret *s, struct sb *out)
{
	autojson struct json_object *o = json_object_new_object();

	json_set_str(o, "Name", s->name);
	json_set_i64(o, "Created", s->created_ns);
	json_set_i64(o, "Updated", s->updated_ns);
	json_set(o, "Labels", json_new_env_map(s->labels));
	json_set(o, "DriverOpts", json_new_env_map(s->options));
	sb_add(out, json_text(o));
}

static bool is_id(const char *name)
{
	return hex_is_valid(name, 25);
}

/* NULL: gone meanwhile, or not ours */
static struct secret *load(int dir, const char *id)
{
	autosb struct sb text = SB_INIT;
	autojson struct json_object *o = NULL;
	struct secret *s;

	autoclose int own = dir_open_at(dir, id);
	if (own < 0 || file_read_at(own, META, META_MAX, &text) < 0)
		return NULL;
	o = json_parse(text.buf, text.len, NULL);
	if (!o || !json_str(o, "Name"))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	memcpy(s->id, id, sizeof(s->id));
	s->name = xstrdup(json_str(o, "Name"));
	s->created_ns = json_i64(o, "Created", 0);
	s->updated_ns = json_i64(o, "Updated", 0);
	s->labels = json_env_list(json_obj(o, "Labels"));
	s->options = json_env_list(json_obj(o, "DriverOpts"));
	return s;
}

static int by_name(const void *a, const void *b)
{
	const struct secret *const *x = a;
	const struct secret *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int list_dir(int dir, struct secret_list *ret, struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	const struct dirent *e;
	int r;

	if (!d)
		return err_sys(err, "read the secrets");
	while ((r = dir_next(d, &e, err)) > 0) {
		struct secret *s = is_id(e->d_name) ? load(dir, e->d_name) :
						      NULL;

		if (!s)
			continue;
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = s;
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return r;
}

int secret_list(struct runtime *rt, struct secret_list *ret, struct err *err)
{
	autoclose int dir = open_dir(rt, err);

	return dir < 0 ? dir : list_dir(dir, ret, err);
}

static int err_none(struct err *err, const char *name)
{
	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "no secret with name or id \"%s\": no such secret",
		       name);
}

static int find_in(struct secret_list *all, const char *name,
		   struct secret **ret, struct err *err)
{
	struct secret **hit = NULL;

	for (size_t i = 0; i < all->n; i++) {
		struct secret *s = all->v[i];

		if (streq(s->name, name) || streq(s->id, name)) {
			hit = &all->v[i];
			break;
		}
		if (!*name || !str_starts(s->id, name))
			continue;
		if (hit)
			return err_set(err, ERR_INVALID, EINVAL,
				       "more than one secret has an id that "
				       "begins with %s", name);
		hit = &all->v[i];
	}
	if (!hit)
		return err_none(err, name);
	*ret = take_ptr(*hit);
	return 0;
}

int secret_find(struct runtime *rt, const char *name, struct secret **ret,
		struct err *err)
{
	auto_secret_list struct secret_list all = { NULL, 0 };
	int r = secret_list(rt, &all, err);

	return r < 0 ? r : find_in(&all, name, ret, err);
}

int secret_data(struct runtime *rt, const struct secret *s, struct sb *ret,
		struct err *err)
{
	autoclose int dir = open_dir(rt, err);
	int r;

	if (dir < 0)
		return dir;
	autoclose int own = dir_open_at(dir, s->id);
	r = own < 0 ? own : file_read_at(own, "data", SECRET_MAX, ret);
	return r < 0 ? err_code(err, r, "read secret %s", s->name) : 0;
}

/* ---- adding and removing ----------------------------------------------- */

static int check_new(const struct secret *s, size_t len, struct err *err)
{
	size_t n = strlen(s->name);

	if (n < 1 || n > 253 || strpbrk(s->name, "=/,"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "secret name \"%s\" can not include '=', '/', "
			       "',', or the NULL ('\\0') and be between 1 and "
			       "253 characters: invalid secret name", s->name);
	if (len < 1 || len >= SECRET_MAX)
		return err_set(err, ERR_INVALID, EINVAL,
			       "secret data must be larger than 0 and less "
			       "than %d bytes", SECRET_MAX);
	return 0;
}

static int write_files(int dir, const char *tmp, const struct secret *s,
		       const void *data, size_t len, struct err *err)
{
	autosb struct sb meta = SB_INIT;
	int r;

	meta_text(s, &meta);
	if (mkdirat(dir, tmp, 0700) < 0)
		return err_sys(err, "create secret %s", s->name);
	autoclose int own = dir_open_at(dir, tmp);
	if (own < 0)
		return err_code(err, own, "create secret %s", s->name);
	r = file_write_at(own, "data", data, len, 0600, true, err);
	if (r == 0)
		r = file_write_at(own, META, meta.buf, meta.len, 0600, true,
				  err);
	return r;
}

/* It has no name any more once this returned; its files follow. */
static int bury(int dir, const struct secret *s, struct err *err)
{
	autofree char *gone = xasprintf(GONE_PREFIX "%s", s->id);

	if (renameat(dir, s->id, dir, gone) < 0)
		return errno == ENOENT ? err_none(err, s->name) :
					 err_sys(err, "remove secret %s",
						 s->name);
	if (FAULT("secret.rm.renamed") < 0)
		return err_sys(err, "remove secret %s", s->name);
	/* after a power cut it is whole or gone */
	if (fsync(dir) < 0)
		return err_sys(err, "sync the secrets");
	(void)tree_remove_at(dir, gone, NULL);
	return 0;
}

static int publish(struct runtime *rt, int dir, struct secret *s,
		   const struct secret *old, const void *data, size_t len,
		   struct err *err)
{
	autofree char *tmp = xasprintf(NEW_PREFIX "%s", s->id);
	int r = write_files(dir, tmp, s, data, len, err);

	if (r == 0 && FAULT("secret.create.written") < 0)
		r = err_sys(err, "create secret %s", s->name);
	/* a crash between the two leaves no secret rather than two */
	if (r == 0 && old)
		r = bury(dir, old, err);
	if (r == 0 && renameat(dir, tmp, dir, s->id) < 0)
		r = err_sys(err, "create secret %s", s->name);
	if (r == 0)
		r = sync_dir(rt, dir, err);
	if (r < 0)
		(void)tree_remove_at(dir, tmp, NULL);
	return r;
}

int secret_create(struct runtime *rt, struct secret *s, const void *data,
		  size_t len, unsigned int flags, struct err *err)
{
	auto_secret_list struct secret_list all = { NULL, 0 };
	const struct secret *old = NULL;
	char random[65];
	int r = check_new(s, len, err);

	if (r < 0)
		return r;
	autoclose int dir = open_dir(rt, err);
	autoclose int lock = dir < 0 ? dir : take_lock(dir, err);
	if (lock < 0)
		return lock;
	r = list_dir(dir, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (streq(all.v[i]->name, s->name))
			old = all.v[i];
	if (r < 0)
		return r;
	if (old && (flags & SECRET_IGNORE)) {
		memcpy(s->id, old->id, sizeof(s->id));
		return 0;
	}
	if (old && !(flags & SECRET_REPLACE))
		return err_set(err, ERR_EXISTS, EEXIST,
			       "%s: secret name in use", s->name);
	id_random(random);
	(void)snprintf(s->id, sizeof(s->id), "%.25s", random);
	s->updated_ns = clock_now_ns();
	s->created_ns = s->updated_ns;
	return publish(rt, dir, s, old, data, len, err);
}

int secret_remove(struct runtime *rt, const char *name, struct err *err)
{
	auto_secret_list struct secret_list all = { NULL, 0 };
	auto_secret struct secret *s = NULL;
	int r;

	autoclose int dir = open_dir(rt, err);
	autoclose int lock = dir < 0 ? dir : take_lock(dir, err);
	if (lock < 0)
		return lock;
	r = list_dir(dir, &all, err);
	if (r == 0)
		r = find_in(&all, name, &s, err);
	return r < 0 ? r : bury(dir, s, err);
}
