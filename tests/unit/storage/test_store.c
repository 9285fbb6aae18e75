/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store without its helpers: layers are put into place by hand, so that
 * commit, names, removal, leases, the sweep, implied directories and the vfs
 * copy can be looked at one by one, without privileges.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/blob.h"
#include "storage/image/commit.h"
#include "storage/layers.h"
#include "storage/source.h"
#include "storage/store_int.h"
#include "tests/unit/unit.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

static struct {
	char dir[64];
	int fd;
	struct db *db;
	struct store *s;
} t;

static int setup(void **state unused_attr)
{
	static const struct db_step format = { .sql = {
		store_schema, store_pins_schema, store_lists_schema,
		store_names_schema,
	} };
	autofree char *file = NULL;

	snprintf(t.dir, sizeof(t.dir), "/tmp/bryo-store-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	t.fd = open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t.fd >= 0);
	file = xasprintf("%s/state.db", t.dir);
	assert_ok(db_open(t.fd, file, &format, 1, &t.db, err));
	const struct store_conf conf = {
		.data_fd = t.fd, .data_path = t.dir, .db = t.db,
	};
	assert_ok(store_open(&conf, &t.s, err));
	return 0;
}

static void wait_trash(void)
{
	autofree char *path = xasprintf("%s/trash", t.dir);

	/* rmdir of a directory that is in use works when it is empty */
	for (int i = 0; i < 500 && rmdir(path) < 0 && errno == ENOTEMPTY; i++)
		usleep(10000);
}

static int teardown(void **state unused_attr)
{
	const char *name = strrchr(t.dir, '/') + 1;

	wait_trash();
	store_close(t.s);
	db_close(t.db);
	close_fd(t.fd);
	autoclose int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(tree_remove_at(tmp, name, err));
	return 0;
}

/* ---- making images ------------------------------------------------------ */

static void hex_of(char ret[65], unsigned int n)
{
	snprintf(ret, 65, "%064x", n);
}

static bool exists(const char *fmt, const char *hex)
{
	autofree char *path = xasprintf(fmt, hex);

	return faccessat(t.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* layers/N with an empty diff, or one that the caller fills */
static int make_layer(unsigned int n, char **implied)
{
	struct layer_result res = { .bytes = 100, .implied = implied };
	auto_staging struct staging st = STAGING_INIT;
	char hex[65];
	int fd;

	hex_of(hex, n);
	snprintf(res.diff_id, sizeof(res.diff_id), "sha256:%s", hex);
	snprintf(res.digest, sizeof(res.digest), "sha256:%064x", n + 4096);
	assert_ok(staging_new(t.s, &st, err));
	assert_int_equal(mkdirat(st.fd, "diff", 0755), 0);
	fd = dir_open_at(st.fd, "diff");
	assert_true(fd >= 0);
	assert_ok(layer_describe(&st, &res, LAYER_PLAIN, n & 1, err));
	assert_ok(layer_publish(t.s, &st, hex, err));
	/* without its blob it would be fetched again */
	assert_ok(blob_put(t.s, digest_hex(res.digest), "", 0, err));
	return fd;
}

static void add_layers(struct incoming *in, const unsigned int *layers)
{
	autosb struct sb text = SB_INIT;
	size_t n = 0;

	sb_addf(&text, "{\"os\":\"linux\",\"architecture\":\"amd64\","
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (; layers[n]; n++)
		sb_addf(&text, "%s\"sha256:%064x\"", n ? "," : "", layers[n]);
	sb_add(&text, "]}}");
	sb_add(&in->raw, text.buf);
	assert_ok(incoming_config(in, n, err));
}

/* An image of layers that are there; its id comes back. */
static char *make_image(const char *name, const unsigned int *layers)
{
	auto_incoming struct incoming in = INCOMING_INIT;
	auto_source struct source *src =
		source_dir(dir_open_at(t.fd, "."), LAYOUT_DOCKER, false);

	for (const unsigned int *n = layers; *n; n++) {
		char hex[65];

		hex_of(hex, *n);
		if (!layer_exists(t.s, hex))
			close(make_layer(*n, NULL));
	}
	add_layers(&in, layers);
	for (size_t i = 0; i < in.n; i++)
		in.layers[i].d.name = xstrdup("none");
	if (name)
		strv_add(&in.names, name);
	assert_ok(incoming_store(t.s, &in, src, NULL, err));
	return xstrdup(in.id);
}

#define LAYERS(...) ((const unsigned int[]){ __VA_ARGS__, 0 })

static int do_remove(const char *arg, bool force, char ***untagged,
		     char ***deleted, struct err *err)
{
	return image_remove(t.s, arg, force ? IMAGE_RM_FORCE : 0, untagged,
			    deleted, err);
}

/* ---- tests -------------------------------------------------------------- */

static void test_find(void **state unused_attr)
{
	autofree char *a = make_image("quay.io/libpod/testimage:20", LAYERS(1));
	autofree char *b = make_image("localhost/nginx:latest", LAYERS(1, 2));
	autofree char *c =
		make_image("docker.io/library/nginx:latest", LAYERS(2));
	autofree char *digest = NULL;
	auto_image struct image *img = NULL;
	const struct {
		const char *name;
		const char *id;
	} cases[] = {
		{ "quay.io/libpod/testimage:20", a },
		{ "testimage:20", a },
		{ "libpod/testimage:20", a },
		{ "nginx", b },
		{ "localhost/nginx", b },
		{ "docker.io/nginx", c },
		{ "docker.io/library/nginx:latest", c },
		{ "library/nginx", c },
		{ a, a },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("case: %s\n", cases[i].name);
		assert_ok(image_find(t.s, cases[i].name, &img, err));
		assert_string_equal(img->id, cases[i].id);
		img = image_free(img);
	}
	assert_fails(image_find(t.s, "testimage", &img, err), ENOENT);
	assert_fails(image_find(t.s, "image:20", &img, err), ENOENT);
	assert_fails(image_find(t.s, "no\033such", &img, err), ENOENT);
	assert_fails(image_find(t.s, "", &img, err), ENOENT);

	assert_ok(image_find(t.s, "docker.io/nginx", &img, err));
	digest = xasprintf("docker.io/library/nginx@%s", img->digest);
	assert_string_equal(img->digests[0], digest);
	img = image_free(img);
	assert_ok(image_find(t.s, digest, &img, err));
	assert_string_equal(img->id, c);
}

static void test_id_prefix(void **state unused_attr)
{
	autofree char *a = make_image(NULL, LAYERS(1));
	autofree char *b = xasprintf("sha256:%.12s", a);
	auto_image struct image *img = NULL;

	assert_ok(image_find(t.s, b, &img, err));
	assert_string_equal(img->id, a);
	assert_null(img->names);
}

static void test_lower(void **state unused_attr)
{
	autofree char *id = make_image("localhost/x:1", LAYERS(1, 2, 1, 3));
	auto_image struct image *img = NULL;
	autostrv char **lower = NULL;
	char top[80];

	assert_ok(image_find(t.s, id, &img, err));
	assert_ok(image_lower(t.s, img, &lower, err));
	/* 1 comes twice: where it is higher it hides the other one */
	assert_int_equal(strv_len(lower), 3);
	snprintf(top, sizeof(top), "%064x/diff", 3);
	assert_string_equal(lower[0], top);
	snprintf(top, sizeof(top), "%064x/diff", 1);
	assert_string_equal(lower[1], top);
	assert_int_equal(img->n_layers, 4);
	assert_int_equal(img->size, 300);
}

static void test_tags(void **state unused_attr)
{
	autofree char *a = make_image("localhost/a:1", LAYERS(1));
	autofree char *b = make_image("localhost/b:1", LAYERS(2));
	auto_image struct image *img = NULL;
	auto_image struct image *other = NULL;

	assert_ok(image_find(t.s, a, &img, err));
	assert_ok(image_tag(t.s, img, "fresh", err));
	/* a name moves, and stays in the history of its last image */
	assert_ok(image_tag(t.s, img, "localhost/b:1", err));
	assert_fails(image_tag(t.s, img, "UPPER", err), EINVAL);
	img = image_free(img);
	assert_ok(image_find(t.s, a, &img, err));
	assert_int_equal(strv_len(img->names), 3);
	assert_string_equal(img->names[0], "localhost/b:1");
	assert_string_equal(img->names[1], "localhost/fresh:latest");
	assert_ok(image_find(t.s, b, &other, err));
	assert_null(other->names);
	assert_string_equal(other->history[0], "localhost/b:1");

	assert_fails(image_untag(t.s, img, "nosuch", err), ENOENT);
	assert_fails(image_untag(t.s, other, "fresh", err), ENOENT);
	assert_ok(image_untag(t.s, img, "fresh", err));
	img = image_free(img);
	assert_fails(image_find(t.s, "fresh", &img, err), ENOENT);
}

static void test_remove(void **state unused_attr)
{
	autofree char *a = make_image("localhost/a:1", LAYERS(1, 2));
	autofree char *b = make_image("localhost/b:1", LAYERS(2, 3));
	auto_image struct image *img = NULL;
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	char hex[4][65];

	for (unsigned int i = 1; i < 4; i++)
		hex_of(hex[i], i);
	assert_ok(image_find(t.s, a, &img, err));
	assert_ok(image_tag(t.s, img, "localhost/c:1", err));
	/* by id it is refused, by name one name goes */
	assert_fails(do_remove(a, false, &untagged, &deleted, err), EBUSY);
	assert_ok(do_remove("c:1", false, &untagged, &deleted, err));
	assert_string_equal(untagged[0], "localhost/c:1");
	assert_null(deleted);
	assert_true(exists("blobs/sha256/%s", a));
	assert_ok(do_remove("a:1", false, &untagged, &deleted, err));
	assert_string_equal(untagged[1], "localhost/a:1");
	assert_string_equal(deleted[0], a);
	/* what the other image has stays */
	assert_false(exists("layers/%s", hex[1]));
	assert_true(exists("layers/%s", hex[2]));
	assert_false(exists("blobs/sha256/%s", a));
	assert_true(exists("blobs/sha256/%s", b));
	assert_fails(do_remove("a:1", false, &untagged, &deleted, err),
		     ENOENT);
	assert_ok(do_remove(b, false, &untagged, &deleted, err));
	assert_false(exists("layers/%s", hex[2]));
	assert_false(exists("layers/%s", hex[3]));
}

static int use(const char *id, const char *user, struct err *err)
{
	int r = db_begin(t.db, false, err);

	if (r == 0)
		r = image_use(t.s, id, user, err);
	if (r == 0)
		r = db_commit(t.db, err);
	db_rollback(t.db);
	return r;
}

static void test_pins(void **state unused_attr)
{
	autofree char *a = make_image("localhost/a:1", LAYERS(1));
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	autostrv char **users = NULL;
	struct err why = ERR_INIT;

	assert_ok(use(a, "ctr1", err));
	assert_int_equal(do_remove(a, true, &untagged, &deleted, &why),
			 -EBUSY);
	assert_int_equal(why.kind, ERR_IN_USE);
	assert_non_null(strstr(why.msg, "image used by ctr1: image is in use "
			       "by a container"));
	assert_null(untagged);
	assert_ok(image_users(t.s, a, &users, err));
	assert_string_equal(users[0], "ctr1");
	assert_ok(image_unuse(t.s, "ctr1", err));
	assert_ok(do_remove(a, false, &untagged, &deleted, err));
	assert_fails(use(a, "ctr2", err), ENOENT);
}

static void test_lease(void **state unused_attr)
{
	autofree char *a = make_image("localhost/a:1", LAYERS(1, 2));
	autofree char *b = make_image("localhost/keep:1", LAYERS(3));
	char hex1[65], hex2[65];
	char *held[] = { hex1, NULL };
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;

	hex_of(hex1, 1);
	hex_of(hex2, 2);
	assert_ok(lease_add(t.s, held, err));
	assert_ok(do_remove(a, false, &untagged, &deleted, err));
	/* somebody who lives is about to need layer 1 */
	assert_true(exists("layers/%s", hex1));
	assert_false(exists("layers/%s", hex2));
	assert_string_equal(deleted[0], a);
	assert_ok(gc_run(t.s, err));
	assert_true(exists("layers/%s", hex1));
	/* ... and did not take it */
	lease_drop(t.s);
	assert_ok(gc_run(t.s, err));
	assert_false(exists("layers/%s", hex1));
	assert_true(exists("blobs/sha256/%s", b));
}

/* Doomed by mistake, or taken into use since: looked at again. */
static void test_doomed_in_use(void **state unused_attr)
{
	autofree char *a = make_image("localhost/a:1", LAYERS(1));
	char hex[65];

	hex_of(hex, 1);
	assert_ok(db_begin(t.db, false, err));
	assert_ok(gc_doom(t.s, hex, err));
	assert_ok(gc_doom(t.s, a, err));
	assert_ok(db_commit(t.db, err));
	assert_ok(gc_run(t.s, err));
	assert_true(exists("layers/%s", hex));
	assert_true(exists("blobs/sha256/%s", a));
}

/* One who died does not hold a layer, nor takes along what the process that
 * has his pid by now holds. */
static void test_dead_lease(void **state unused_attr)
{
	char hex[65], hex_held[65];
	char *held[] = { hex_held, NULL };

	hex_of(hex, 9);
	hex_of(hex_held, 8);
	close(make_layer(9, NULL));
	close(make_layer(8, NULL));
	assert_ok(lease_add(t.s, held, err));
	assert_ok(db_begin(t.db, false, err));
	assert_ok(db_exec(t.db, err, "INSERT INTO store_lease VALUES"
			  " (?, 1, 1, 'another boot')", "s", hex));
	assert_ok(db_exec(t.db, err, "INSERT INTO store_lease VALUES"
			  " (?, ?, 1, ?)", "sis", hex, (int64_t)getpid(),
			  boot_id()));
	assert_ok(gc_doom(t.s, hex, err));
	assert_ok(gc_doom(t.s, hex_held, err));
	assert_ok(db_commit(t.db, err));
	assert_ok(gc_run(t.s, err));
	assert_false(exists("layers/%s", hex));
	assert_true(exists("layers/%s", hex_held));
	lease_drop(t.s);
}

static void test_sweep(void **state unused_attr)
{
	/* process 1 did not start then; it may have in the first ticks */
	static const char gone[] = "1.18446744073709551615.0";
	auto_staging struct staging mine = STAGING_INIT;
	char hex[65];

	assert_ok(staging_new(t.s, &mine, err));
	assert_int_equal(mkdirat(t.s->dir[STORE_STAGING], gone, 0700), 0);
	autoclose int fd = dir_open_at(t.s->dir[STORE_STAGING], gone);
	assert_int_equal(mkdirat(fd, "x", 0), 0);
	assert_int_equal(mkdirat(t.fd, "staging/nonsense", 0700), 0);
	/* killed between the renames and the commit of a removal */
	hex_of(hex, 7);
	assert_ok(db_begin(t.db, false, err));
	assert_ok(gc_doom(t.s, hex, err));
	assert_ok(db_commit(t.db, err));
	store_sweep(t.s);
	assert_false(exists("staging/%s", gone));
	assert_false(exists("staging/%s", "nonsense"));
	assert_true(exists("staging/%s", mine.name));
	struct db_stmt *st = db_prep(t.db, NULL,
				     "SELECT 1 FROM store_doomed", "");
	assert_int_equal(db_step(st, NULL), 0);
	db_done(st);
}

static void test_config_counts(void **state unused_attr)
{
	auto_incoming struct incoming in = INCOMING_INIT;

	sb_add(&in.raw, "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}");
	assert_fails(incoming_config(&in, 1, err), EINVAL);
}

static void test_open_to_others(void **state unused_attr)
{
	const struct store_conf conf = {
		.data_fd = t.fd, .data_path = t.dir, .db = t.db,
	};
	struct store *s = NULL;

	assert_int_equal(fchmod(t.fd, 0755), 0);
	assert_fails(store_open(&conf, &s, err), EPERM);
	assert_int_equal(fchmod(t.fd, 0700), 0);
}

/* ---- merged trees ------------------------------------------------------- */

static void put(int dir, const char *name, const char *text)
{
	autoclose int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL |
				  O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
}

static void assert_text(int dir, const char *name, const char *want)
{
	autosb struct sb have = SB_INIT;

	assert_int_equal(file_read_at(dir, name, 4096, &have), 0);
	assert_string_equal(have.buf, want);
}

static mode_t mode_of(int dir, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static void make_tree_layers(void)
{
	char tmp[] = "tmp", deep[] = "deep", sub[] = "deep/sub", root[] = ".";
	char *implied[] = { deep, sub, tmp, root, NULL };

	autoclose int base = make_layer(1, NULL);
	assert_int_equal(fchmod(base, 0711), 0);
	mkdirat(base, "tmp", 0755);
	assert_int_equal(fchmodat(base, "tmp", 01777, 0), 0);
	mkdirat(base, "deep", 0750);
	mkdirat(base, "deep/sub", 0700);
	mkdirat(base, "gone", 0755);
	put(base, "gone/x", "x");
	mkdirat(base, "opaque", 0755);
	put(base, "opaque/old", "old");
	put(base, "file", "one");
	put(base, "kind", "was a file");
	put(base, "link1", "linked");
	assert_int_equal(linkat(base, "link1", base, "link2", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", base, "sym"), 0);

	autoclose int top = make_layer(2, implied);
	mkdirat(top, "tmp", 0755);
	put(top, "tmp/f", "f");
	mkdirat(top, "deep", 0755);
	mkdirat(top, "deep/sub", 0755);
	put(top, "deep/sub/f", "f");
	put(top, ".wh.gone", "");
	mkdirat(top, "opaque", 0755);
	put(top, "opaque/.wh..wh..opq", "");
	put(top, "opaque/new", "new");
	/* hides the one below, not this layer's own */
	put(top, ".wh.file", "");
	put(top, "file", "two");
	mkdirat(top, "kind", 0755);
	put(top, "sym.real", "");
}

static void test_tree_make(void **state unused_attr)
{
	auto_image struct image *img = NULL;
	struct stat a, b;

	make_tree_layers();
	autofree char *id = make_image("localhost/x:1", LAYERS(1, 2));
	assert_ok(image_find(t.s, id, &img, err));
	assert_ok(store_tree_make(t.s, img, t.fd, "tree", err));
	autoclose int tree = dir_open_at(t.fd, "tree");

	assert_text(tree, "file", "two");
	assert_text(tree, "opaque/new", "new");
	assert_int_equal(faccessat(tree, "opaque/old", F_OK, 0), -1);
	assert_int_equal(faccessat(tree, "opaque/.wh..wh..opq", F_OK, 0), -1);
	assert_int_equal(faccessat(tree, "gone", F_OK, 0), -1);
	assert_int_equal(faccessat(tree, ".wh.gone", F_OK, 0), -1);
	assert_int_equal(fstatat(tree, "kind", &a, 0), 0);
	assert_true(S_ISDIR(a.st_mode));
	assert_int_equal(fstatat(tree, "link1", &a, 0), 0);
	assert_int_equal(fstatat(tree, "link2", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(mode_of(tree, "file"), 0640);
	/* directories that the upper layer only implies */
	assert_int_equal(mode_of(tree, "tmp"), 01777);
	assert_int_equal(mode_of(tree, "deep/sub"), 0700);
	assert_int_equal(mode_of(tree, "."), 0711);
	assert_fails(store_tree_make(t.s, img, t.fd, "tree", err), EEXIST);
}

static void test_upper_make(void **state unused_attr)
{
	auto_image struct image *img = NULL;

	make_tree_layers();
	autofree char *id = make_image("localhost/x:1", LAYERS(1, 2));
	assert_ok(image_find(t.s, id, &img, err));
	assert_ok(store_upper_make(t.s, img, t.fd, "upper", err));
	autoclose int upper = dir_open_at(t.fd, "upper");

	assert_int_equal(mode_of(upper, "."), 0711);
	assert_int_equal(mode_of(upper, "tmp"), 01777);
	assert_int_equal(mode_of(upper, "deep"), 0750);
	assert_int_equal(mode_of(upper, "deep/sub"), 0700);
	assert_int_equal(faccessat(upper, "opaque", F_OK, 0), -1);
	assert_fails(store_upper_make(t.s, img, t.fd, "upper", err), EEXIST);
}

/* An implied directory that a higher layer hides stays hidden. */
static void test_upper_hidden(void **state unused_attr)
{
	auto_image struct image *img = NULL;

	make_tree_layers();
	autoclose int top = make_layer(3, NULL);
	put(top, ".wh.tmp", "");
	put(top, "deep", "a file now");
	autofree char *id = make_image("localhost/x:1", LAYERS(1, 2, 3));
	assert_ok(image_find(t.s, id, &img, err));
	assert_ok(store_upper_make(t.s, img, t.fd, "upper", err));
	autoclose int upper = dir_open_at(t.fd, "upper");

	assert_int_equal(faccessat(upper, "tmp", F_OK, 0), -1);
	assert_int_equal(faccessat(upper, "deep", F_OK, 0), -1);
}

#define store_test(fn) \
	cmocka_unit_test_setup_teardown(fn, setup, teardown)

UNIT_TESTS(store_test(test_find), store_test(test_id_prefix),
	   store_test(test_lower), store_test(test_tags),
	   store_test(test_remove), store_test(test_pins),
	   store_test(test_lease), store_test(test_doomed_in_use),
	   store_test(test_dead_lease), store_test(test_sweep),
	   store_test(test_config_counts), store_test(test_open_to_others),
	   store_test(test_tree_make), store_test(test_upper_make),
	   store_test(test_upper_hidden));
