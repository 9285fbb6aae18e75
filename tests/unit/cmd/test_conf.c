/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/config/conf.h"
#include "cmd/config/conf_tree.h"
#include "cmd/config/storage_conf.h"
#include "cmd/container/create_conf.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- one document ------------------------------------------------------- */

/* Each key takes a value of its type, and no other. */
static void test_types(void **state unused_attr)
{
	static const char *const good[] = {
		[CONF_STR] = "\"x\"", [CONF_STRV] = "[\"x\", \"y\"]",
		[CONF_BOOL] = "true", [CONF_INT] = "7", [CONF_UNUSED] = "{}",
	};

	for (const struct conf_key *k = conf_keys; k->table; k++) {
		for (size_t t = 0; t < ARRAY_LEN(good); t++) {
			autofree char *text = xasprintf("[%s]\n%s = %s\n",
							k->table, k->name,
							good[t]);
			struct conf c cleanup(conf_done);
			struct err why = ERR_INIT;
			int r = conf_parse(text, strlen(text), &c, &why);
			bool fits = k->type == CONF_UNUSED || k->type == t;

			assert_int_equal(r, fits ? 0 : -EINVAL);
			if (!fits)
				assert_non_null(strstr(why.msg, k->name));
		}
	}
}

static void test_values(void **state unused_attr)
{
	static const char text[] =
		"[containers]\nread_only = false\nlog_size_max = -1\n"
		"env = [\"A=1\", \"B=2\", {append=true}]\ntz = 'UTC'\n"
		"[engine]\nenv = ['E=1']\ninit_path = '/i'\n";
	struct conf c cleanup(conf_done);

	assert_ok(conf_parse(text, strlen(text), &c, err));
	assert_int_equal(c.read_only, 0);
	assert_int_equal(c.init, -1);
	assert_int_equal(c.log_size_max, -1);
	assert_true(c.pids_limit == CONF_UNSET);
	assert_int_equal(strv_len(c.env), 2);
	assert_string_equal(c.env[1], "B=2");
	assert_string_equal(c.engine_env[0], "E=1");
	assert_string_equal(c.engine_init_path, "/i");
	assert_null(c.init_path);
	assert_string_equal(c.tz, "UTC");
}

static const char *const bad[] = {
	"containers = 1", "[[containers]]", "[containers]\nenv = \"A\"",
	"[containers]\nenv = [{append=1}]",
	"[containers]\nenv = [{append=true}, \"A\"]",
	"[containers]\nenv = [[\"A\"]]", "[containers\n", "a",
};

static void test_bad(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct conf c cleanup(conf_done);

		print_message("case: %s\n", bad[i]);
		assert_fails(conf_parse(bad[i], strlen(bad[i]), &c, err),
			     EINVAL);
	}
}

/* ---- documents over each other ------------------------------------------- */

/* Lists of the key t.l after all documents of a row. */
static const struct {
	const char *docs[4];
	const char *want;
} merges[] = {
	{ { "[t]\nl=['a']", "[t]\nl=['b']" }, "b" },
	{ { "[t]\nl=['a']", "[t]\nl=['b',{append=true}]" }, "a b" },
	{ { "[t]\nl=['a',{append=true}]", "[t]\nl=['b']" }, "a b" },
	{ { "[t]\nl=['a',{append=true}]", "[t]\nl=['b']", "[t]\nl=['c']" },
	  "a b c" },
	{ { "[t]\nl=['a',{append=true}]", "[t]\nl=['b',{append=false}]" },
	  "b" },
	{ { "[t]\nl=['a',{append=true}]", "[t]\nl=['b',{append=false}]",
	    "[t]\nl=['c']" }, "c" },
	{ { "[t]\nl=['a']", "[u]\nl=['b']" }, "a" },
	{ { "[t]\nl=['a',{append=true}]", "[u]\nl=['b']", "[t]\nl=['c']" },
	  "a c" },
	{ { "[t]\nl=['a']", "[t]\nl=[{append=true}]" }, "a" },
	{ { "[t]\nl=['a']", "[t]\nl=[]" }, "" },
	{ { "[t]\nl=['a']", "[t]\nk=1", "[t]\nm=2" }, "a" },
};

static void test_merge(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(merges); i++) {
		struct conf_tree t cleanup(conf_tree_done) = { .root = NULL };
		autostrv char **list = NULL;
		autofree char *got = NULL;

		for (size_t d = 0; d < 4 && merges[i].docs[d]; d++)
			assert_ok(conf_tree_text(&t, merges[i].docs[d],
						 strlen(merges[i].docs[d]),
						 err));
		list = json_strv(json_obj(t.root, "t"), "l");
		got = strv_join(list, " ");
		print_message("case: %zu\n", i);
		assert_string_equal(got, merges[i].want);
	}
}

static void test_merge_values(void **state unused_attr)
{
	static const char *const docs[] = { "[t]\na=1\nb='x'\n[t.s]\nk=1\n",
					    "[t]\na=2\n[t.s]\nl=2\n" };
	struct conf_tree t cleanup(conf_tree_done) = { .root = NULL };

	for (size_t i = 0; i < ARRAY_LEN(docs); i++)
		assert_ok(conf_tree_text(&t, docs[i], strlen(docs[i]), err));
	assert_string_equal(json_text(t.root),
			    "{\"t\":{\"a\":2,\"b\":\"x\","
			    "\"s\":{\"k\":1,\"l\":2}}}");
}

/* ---- storage.conf ------------------------------------------------------ */

static const struct {
	const char *name;
	const char *text;
	int is_user, own_file;
	const char *root, *runroot, *driver;
} stores[] = {
	{ "empty", "", 1, 1, NULL, NULL, NULL },
	{ "own file", "[storage]\ngraphroot='/big/s'\nrunroot='/r/'", 1, 1,
	  "/big/s-bryo", "/r-bryo", NULL },
	{ "slashes", "[storage]\ngraphroot='//big/./s/..//s/'", 1, 1,
	  "/big/s-bryo", NULL, NULL },
	{ "of the machine", "[storage]\ngraphroot='/big'\nrunroot='/r'", 1, 0,
	  NULL, NULL, NULL },
	{ "of the machine, for users", "[storage]\ngraphroot='/big'\n"
	  "rootless_storage_path='/u/$USER/$UID/s'", 1, 0, "/u/joe/42/s-bryo",
	  NULL, NULL },
	{ "root", "[storage]\ngraphroot='/big'\nrootless_storage_path='/u'", 0,
	  0, "/big-bryo", NULL, NULL },
	{ "podman's default for root", "[storage]\n"
	  "graphroot='/var/lib/containers/storage'\n"
	  "runroot='/run/containers/storage'", 0, 0, NULL, NULL, NULL },
	{ "podman's default", "[storage]\n"
	  "graphroot='$HOME/.local/share/containers/storage/'\n"
	  "runroot='/run/user/42/containers'", 1, 1, NULL, NULL, NULL },
	{ "of another one", "[storage]\n"
	  "graphroot='/home/ann/.local/share/containers/storage'", 1, 1,
	  "/home/ann/.local/share/containers/storage-bryo", NULL, NULL },
	{ "XDG_DATA_HOME", "[storage]\ngraphroot='/data/containers/storage'",
	  1, 1, NULL, NULL, NULL },
	{ "overlay", "[storage]\ndriver='overlay'", 1, 0, NULL, NULL, NULL },
	{ "vfs", "[storage]\ndriver='vfs'", 1, 0, NULL, NULL, "vfs" },
	{ "btrfs", "[storage]\ndriver='btrfs'", 1, 0, NULL, NULL, NULL },
	{ "options", "[storage.options]\nadditionalimagestores=['/x']", 1, 0,
	  NULL, NULL, NULL },
};

static void assert_text(const char *got, const char *want)
{
	if (want) {
		assert_non_null(got);
		assert_string_equal(got, want);
	} else {
		assert_null(got);
	}
}

static void test_storage(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
		const struct storage_places who = {
			.home = "/home/joe", .user = "joe",
			.data_home = "/data", .runtime_dir = "/run/user/42",
			.uid = 42, .is_user = stores[i].is_user,
			.own_file = stores[i].own_file,
		};
		struct storage_conf c cleanup(storage_conf_done);

		print_message("case: %s\n", stores[i].name);
		assert_ok(storage_conf_parse(stores[i].text,
					     strlen(stores[i].text), &who, &c,
					     err));
		assert_text(c.root, stores[i].root);
		assert_text(c.runroot, stores[i].runroot);
		assert_text(c.driver, stores[i].driver);
	}
}

static void test_storage_bad(void **state unused_attr)
{
	static const char *const texts[] = {
		"storage=1", "[storage]\ngraphroot=1",
		"[storage]\nrunroot='x'", "[storage]\ndriver=[]",
	};
	const struct storage_places who = { .is_user = 1, .own_file = 1 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct storage_conf c cleanup(storage_conf_done);

		assert_fails(storage_conf_parse(texts[i], strlen(texts[i]),
						&who, &c, err), EINVAL);
	}
}

/* ---- flags over configuration ------------------------------------------- */

static void test_fill(void **state unused_attr)
{
	static const char text[] =
		"[containers]\nread_only=true\ninit=true\ntz='UTC'\n"
		"default_ulimits=['nofile=1:1','core=2:2']\n"
		"dns_servers=['1.1.1.1']\nno_hosts=true\nseccomp_profile='/p'\n"
		"[engine]\nstop_timeout=3\n";
	char *ulimit[] = { (char[]){ "nofile=9:9" }, NULL };
	char *host[] = { (char[]){ "a:1.1.1.1" }, NULL };
	struct conf conf cleanup(conf_done);
	struct create_filled f cleanup(create_filled_done) = { .texts = NULL };
	struct create_args typed = { 0 };

	create_defaults(&typed);
	typed.read_only = 0;
	typed.ulimit = ulimit;
	typed.add_host = host;
	typed.tz = (char[]){ "local" };
	assert_ok(conf_parse(text, strlen(text), &conf, err));
	assert_ok(create_fill(&typed, &conf, &f, err));
	assert_int_equal(f.args.read_only, 0);
	assert_int_equal(f.args.init, 1);
	assert_int_equal(f.args.http_proxy, 1);
	assert_int_equal(f.args.privileged, 0);
	assert_int_equal(f.args.no_hosts, 0);
	assert_string_equal(f.args.tz, "local");
	assert_int_equal(strv_len(f.args.ulimit), 2);
	assert_string_equal(f.args.ulimit[0], "core=2:2");
	assert_string_equal(f.args.ulimit[1], "nofile=9:9");
	assert_string_equal(f.args.dns[0], "1.1.1.1");
	assert_string_equal(f.args.security_opt[0], "seccomp=/p");
	assert_int_equal(f.args.stop_timeout, 3);
	assert_int_equal(f.args.shm_size, SHM_SIZE_DEFAULT);
}

UNIT_TESTS(unit_test(test_types), unit_test(test_values), unit_test(test_bad),
	   unit_test(test_merge), unit_test(test_merge_values),
	   unit_test(test_storage), unit_test(test_storage_bad),
	   unit_test(test_fill));
