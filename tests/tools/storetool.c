/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store from the command line, without a runtime around it: for tests of
 * storage/ alone and for looking into one.
 *
 *   storetool ROOT COMMAND [ARG...]
 *
 * The user namespace comes from newuidmap with the first range that
 * /etc/subuid and /etc/subgid give the caller, a new one for every child.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "storage/store.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

static char *env[] = { NULL };

/* ---- the user namespace ------------------------------------------------- */

/* "USER:START:COUNT" */
static int read_range(const char *file, char **start, char **count,
		      struct err *err)
{
	const struct passwd *pw = getpwuid(getuid());
	autosb struct sb text = SB_INIT;
	autostrv char **lines = NULL;

	if (file_read_at(AT_FDCWD, file, 1 << 20, &text) < 0 || !pw)
		return err_set(err, ERR_FAIL, ENOENT, "no %s", file);
	lines = strv_split(text.buf, '\n');
	for (char **line = lines; line && *line; line++) {
		autostrv char **part = strv_split(*line, ':');

		if (strv_len(part) != 3 || !streq(part[0], pw->pw_name))
			continue;
		str_set(start, part[1]);
		str_set(count, part[2]);
		return 0;
	}
	return err_set(err, ERR_FAIL, ENOENT, "no range in %s", file);
}

static int write_map(const char *tool, pid_t pid, unsigned int id,
		     const char *file, struct err *err)
{
	autofree char *path = proc_find_program(tool);
	autofree char *start = NULL;
	autofree char *count = NULL;
	autostrv char **argv = NULL;
	const int fds[] = { -1, -1, 2 };
	int r = read_range(file, &start, &count, err);

	if (r < 0 || !path)
		return -ENOENT;
	strv_add(&argv, tool);
	strv_addf(&argv, "%d", (int)pid);
	strv_addf(&argv, "0");
	strv_addf(&argv, "%u", id);
	strv_addf(&argv, "1");
	strv_addf(&argv, "1");
	strv_add(&argv, start);
	strv_add(&argv, count);
	const struct proc_spawn spawn = {
		.path = path, .argv = argv, .env = env, .fds = fds, .n_fds = 3,
	};
	pid_t child = proc_spawn(&spawn, NULL, err);

	if (child < 0)
		return child;
	return proc_wait(child) == 0 ? 0 :
		err_set(err, ERR_FAIL, EPERM, "%s failed", tool);
}

static void noreturn_attr mapper(int rd, pid_t pid)
{
	char c;

	/* End of file: the namespace is there */
	if (read(rd, &c, 1) != 0)
		child_exit(1);
	if (write_map("newuidmap", pid, getuid(), "/etc/subuid", NULL) < 0 ||
	    write_map("newgidmap", pid, getgid(), "/etc/subgid", NULL) < 0)
		child_exit(1);
	child_exit(0);
}

static int enter(void *arg unused_attr, struct err *err)
{
	pid_t self = getpid();
	int pair[2];

	if (geteuid() == 0)
		return 0;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	pid_t child = fork();
	if (child < 0)
		return err_sys(err, "fork");
	if (child == 0) {
		close(pair[1]);
		mapper(pair[0], self);
	}
	close(pair[0]);
	if (unshare(CLONE_NEWUSER) < 0)
		return err_sys(err, "unshare");
	close(pair[1]);
	if (proc_wait(child) != 0)
		return err_set(err, ERR_FAIL, EPERM, "no id map");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, "setresuid");
	return 0;
}

/* ---- commands ----------------------------------------------------------- */

static void print_line(void *arg unused_attr, const char *text)
{
	fprintf(stderr, "%s\n", text);
}

static const struct progress progress = { .line = print_line };

static void print_all(char *const *v, const char *prefix)
{
	for (; v && *v; v++)
		printf("%s%s\n", prefix, *v);
}

static int do_pull(struct store *s, char **argv, struct err *err)
{
	autostrv char **ids = NULL;
	const struct pull_opts opts = {
		.tls_verify = -1, .retry = -1, .progress = &progress,
		.policy = argv[0] ? argv[1] : NULL,
	};
	int r = image_pull(s, argv[0], &opts, &ids, err);

	if (r == 0)
		print_all(ids, "");
	return r;
}

static int do_load(struct store *s, char **argv, struct err *err)
{
	autostrv char **names = NULL;

	autoclose int fd = streq(argv[0], "-") ?
		dup(0) : open(argv[0], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", argv[0]);
	int r = image_load(s, fd, NULL, &progress, &names, err);

	if (r == 0)
		print_all(names, "Loaded image: ");
	return r;
}

static int do_save(struct store *s, char **argv, struct err *err)
{
	autoclose int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC |
				O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "create %s", argv[1]);
	const struct save_opts opts = {
		.format = argv[0], .fd = fd, .progress = &progress,
	};

	return image_save(s, argv + 2, &opts, err);
}

static int do_images(struct store *s, char **argv unused_attr, struct err *err)
{
	auto_image_list struct image_list list = { 0 };
	int r = image_list(s, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		const struct image *img = list.v[i];
		autofree char *names = strv_join(img->names, ",");
		autofree char *digests = strv_join(img->digests, ",");

		printf("%s %s %s %s/%s %" PRIu64 " %u\n", img->id,
		       *names ? names : "-", *digests ? digests : "-",
		       img->os, img->arch, img->size, img->n_layers);
	}
	return r;
}

static int do_rmi(struct store *s, char **argv, struct err *err)
{
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	bool force = streq(argv[0], "-f");
	int r = image_remove(s, argv[force], force ? IMAGE_RM_FORCE : 0,
			     &untagged, &deleted, err);

	print_all(untagged, "Untagged: ");
	print_all(deleted, "Deleted: ");
	return r;
}

static int with_image(struct store *s, const char *name,
		      int (*fn)(struct store *s, const struct image *img,
				char **argv, struct err *err),
		      char **argv, struct err *err)
{
	auto_image struct image *img = NULL;
	int r = image_find(s, name, &img, err);

	return r < 0 ? r : fn(s, img, argv, err);
}

static int tag(struct store *s, const struct image *img, char **argv,
	       struct err *err)
{
	return image_tag(s, img, argv[0], err);
}

static int untag(struct store *s, const struct image *img, char **argv,
		 struct err *err)
{
	return image_untag(s, img, argv[0], err);
}

static int lower(struct store *s, const struct image *img,
		 char **argv unused_attr, struct err *err)
{
	autostrv char **list = NULL;
	int r = image_lower(s, img, &list, err);

	if (r == 0)
		print_all(list, "");
	return r;
}

static int tree(struct store *s, const struct image *img, char **argv,
		struct err *err)
{
	return store_tree_make(s, img, AT_FDCWD, argv[0], err);
}

static int upper(struct store *s, const struct image *img, char **argv,
		 struct err *err)
{
	return store_upper_make(s, img, AT_FDCWD, argv[0], err);
}

static int do_tag(struct store *s, char **argv, struct err *err)
{
	return with_image(s, argv[0], tag, argv + 1, err);
}

static int do_untag(struct store *s, char **argv, struct err *err)
{
	return with_image(s, argv[0], untag, argv + 1, err);
}

static int do_lower(struct store *s, char **argv, struct err *err)
{
	return with_image(s, argv[0], lower, argv + 1, err);
}

static int do_tree(struct store *s, char **argv, struct err *err)
{
	return with_image(s, argv[0], tree, argv + 1, err);
}

static int do_upper(struct store *s, char **argv, struct err *err)
{
	return with_image(s, argv[0], upper, argv + 1, err);
}

static int do_probe(struct store *s, char **argv unused_attr, struct err *err)
{
	enum store_driver d;
	int r = store_driver_probe(s, &d, err);

	if (r == 0)
		printf("%s\n", store_driver_name(d));
	return r;
}

static int do_sweep(struct store *s, char **argv unused_attr,
		    struct err *err unused_attr)
{
	store_sweep(s);
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*fn)(struct store *s, char **argv, struct err *err);
} commands[] = {
	{ "pull", 1, do_pull },	  { "load", 1, do_load },
	{ "save", 2, do_save },	  { "images", 0, do_images },
	{ "rmi", 1, do_rmi },	  { "tag", 2, do_tag },
	{ "untag", 2, do_untag }, { "lower", 1, do_lower },
	{ "tree", 2, do_tree },	  { "upper", 2, do_upper },
	{ "probe", 0, do_probe }, { "sweep", 0, do_sweep },
};

static int run(struct store *s, char **argv, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (streq(argv[0], commands[i].name) &&
		    strv_len(argv + 1) >= (size_t)commands[i].args)
			return commands[i].fn(s, argv + 1, err);
	return err_set(err, ERR_USAGE, EINVAL, "no such command: %s", argv[0]);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct store *s = NULL;
	struct db *db = NULL;
	int r;

	signals_reset();
	fault_init();
	trace_init();
	if (argc < 3) {
		fprintf(stderr, "usage: storetool ROOT COMMAND [ARG...]\n");
		return 125;
	}
	(void)mkdir(argv[1], 0700);
	autofree char *root = realpath(argv[1], NULL);
	autofree char *file = xasprintf("%s/state.db", root ? root : "");
	autoclose int fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct db_step format = { .sql = {
		store_schema, store_pins_schema, store_lists_schema,
		store_names_schema,
	} };
	const struct store_conf conf = {
		.data_fd = fd,
		.data_path = root ? root : "",
		.enter_userns = enter,
		.layer_max = UINT64_C(50) << 30,
	};
	struct store_conf with_db = conf;

	r = db_open(fd, file, &format, 1, &db, &err);
	with_db.db = db;
	if (r == 0)
		r = store_open(&with_db, &s, &err);
	if (r == 0) {
		store_sweep(s);
		r = run(s, argv + 2, &err);
	}
	if (r < 0)
		fprintf(stderr, "Error: %s\n", err.msg);
	store_close(s);
	db_close(db);
	return r < 0 ? 125 : 0;
}
