/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/registries_conf.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

static struct registries_conf *parse(const char *text)
{
	struct registries_conf *conf = NULL;

	assert_ok(registries_conf_parse(text, strlen(text), &conf, err));
	return conf;
}

static const struct {
	const char *name;
	bool is_short;
} short_cases[] = {
	{ "nginx", true },
	{ "nginx:1.25", true },
	{ "me/app", true },
	{ "me/app:tag", true },
	{ "nginx@sha256:00", true },
	{ "quay.io/app", false },
	{ "host:5000/app", false },
	{ "localhost/app", false },
	{ "localhost5/app", true },
	{ "LOCALHOST/app", true },
	{ "docker.io.evil/app", false },
};

static void test_is_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(short_cases); i++) {
		print_message("case: %s\n", short_cases[i].name);
		assert_int_equal(registries_conf_is_short(short_cases[i].name),
				 short_cases[i].is_short);
	}
}

/* Each row: a configuration, a name, the names that are tried. */
static const struct {
	const char *conf;
	const char *name;
	const char *want;
} expand_cases[] = {
	{ "", "nginx", "docker.io/library/nginx" },
	{ "", "nginx:1", "docker.io/library/nginx:1" },
	{ "", "me/app@sha256:12", "docker.io/me/app@sha256:12" },
	{ "", "docker.io/nginx", "docker.io/library/nginx" },
	{ "", "quay.io/x:y", "quay.io/x:y" },
	{ "unqualified-search-registries = ['a.io', 'docker.io']", "x",
	  "a.io/x docker.io/library/x" },
	{ "unqualified-search-registries = ['a.io/ns/']", "x", "a.io/ns/x" },
	{ "[aliases]\nnginx = 'quay.io/nginx/nginx'", "nginx:1",
	  "quay.io/nginx/nginx:1" },
	{ "[aliases]\n'me/app' = 'quay.io/a'", "me/app", "quay.io/a" },
	{ "[aliases]\nnginx = 'quay.io/n'", "other/nginx",
	  "docker.io/other/nginx" },
	{ "[aliases]\nnginx = 'docker.io/nginx'", "nginx",
	  "docker.io/library/nginx" },
};

static void test_expand(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expand_cases); i++) {
		auto_registries_conf struct registries_conf *conf =
			parse(expand_cases[i].conf);
		autostrv char **names = NULL;
		autofree char *text = NULL;

		print_message("case: %s\n", expand_cases[i].name);
		assert_ok(registries_conf_expand(conf, expand_cases[i].name,
						 &names, err));
		text = strv_join(names, " ");
		assert_string_equal(text, expand_cases[i].want);
	}
}

static void test_expand_nothing(void **state)
{
	auto_registries_conf struct registries_conf *conf =
		parse("unqualified-search-registries = []");
	autostrv char **names = NULL;

	(void)state;
	assert_fails(registries_conf_expand(conf, "nginx", &names, err),
		     ENOENT);
}

static const char rules[] = "[[registry]]\n"
			    "location = 'a.io'\n"
			    "insecure = true\n"
			    "[[registry.mirror]]\n"
			    "location = 'mirror.io:5000/cache'\n"
			    "insecure = true\n"
			    "[[registry.mirror]]\n"
			    "location = 'second.io'\n"
			    "pull-from-mirror = 'digest-only'\n"
			    "[[registry]]\n"
			    "prefix = 'a.io/team'\n"
			    "location = 'b.io/other'\n"
			    "[[registry]]\n"
			    "prefix = '*.wild.io'\n"
			    "insecure = true\n"
			    "[[registry]]\n"
			    "prefix = 'exact.wild.io'\n"
			    "[[registry]]\n"
			    "prefix = 'bad.io'\n"
			    "blocked = true\n"
			    "[[registry]]\n"
			    "prefix = 'old.io'\n"
			    "location = 'old.io'\n"
			    "mirror-by-digest-only = true\n"
			    "[[registry.mirror]]\n"
			    "location = 'm.io'\n"
			    "[[registry]]\n"
			    "prefix = 'slash.io/'\n"
			    "location = 'here.io/there//'\n"
			    "[[registry.mirror]]\n"
			    "location = 'm.io/'\n";

/* Each row: host and repository, then host/repo[!][use] of each source;
   '!' is insecure, d or t the references a mirror is asked for. */
static const struct {
	const char *host;
	const char *repo;
	const char *want;
} source_cases[] = {
	{ "none.io", "x", "none.io/x" },
	{ "a.io", "x/y", "mirror.io:5000/cache/x/y! second.io/x/yd a.io/x/y!" },
	{ "a.io", "team/app", "b.io/other/app" },
	{ "a.io", "teamwork/app",
	  "mirror.io:5000/cache/teamwork/app! second.io/teamwork/appd "
	  "a.io/teamwork/app!" },
	{ "a.io.evil", "x", "a.io.evil/x" },
	{ "x.wild.io", "x", "x.wild.io/x!" },
	{ "x.y.wild.io", "x", "x.y.wild.io/x!" },
	{ "wild.io", "x", "wild.io/x" },
	{ "exact.wild.io", "x", "exact.wild.io/x" },
	{ "evilwild.io", "x", "evilwild.io/x" },
	{ "old.io", "x", "m.io/xd old.io/x" },
	{ "slash.io", "x", "m.io/x here.io/there/x" },
};

static void add_source_text(struct sb *text,
			    const struct registries_source *src)
{
	static const char *const uses[] = { "", "d", "t" };

	sb_addf(text, "%s%s/%s%s%s", text->len ? " " : "", src->host, src->repo,
		src->insecure ? "!" : "", uses[src->use]);
}

static void test_sources(void **state)
{
	auto_registries_conf struct registries_conf *conf = parse(rules);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(source_cases); i++) {
		auto_registries_sources struct registries_sources list = { 0 };
		autosb struct sb text = SB_INIT;

		print_message("case: %s/%s\n", source_cases[i].host,
			      source_cases[i].repo);
		assert_ok(registries_conf_sources(conf, source_cases[i].host,
						  source_cases[i].repo, &list,
						  err));
		for (size_t n = 0; n < list.n; n++) {
			add_source_text(&text, &list.v[n]);
			assert_int_equal(list.v[n].mirror, n + 1 < list.n);
		}
		assert_string_equal(text.buf, source_cases[i].want);
	}
}

static void test_blocked(void **state)
{
	auto_registries_conf struct registries_conf *conf = parse(rules);
	struct registries_sources list = { 0 };

	(void)state;
	assert_fails(registries_conf_sources(conf, "bad.io", "x", &list, err),
		     EACCES);
}

static const char *const bad[] = {
	"x",
	"unqualified-search-registries = 'docker.io'",
	"unqualified-search-registries = [1]",
	"[registries.search]\nregistries = ['docker.io']",
	"[[registry]]\ninsecure = true",
	"[[registry]]\nlocation = 'a.io'\ninsecure = 'yes'",
	"[[registry]]\nlocation = 'https://a.io'",
	"[[registry]]\nlocation = '/'",
	"[[registry]]\nlocation = '/x'",
	"[[registry]]\nlocation = 5",
	"[[registry]]\nprefix = 5\nlocation = 'a.io'",
	"[[registry]]\nprefix = 'a.*.io'\nlocation = 'a.io'",
	"[[registry]]\nprefix = '*'\nlocation = 'a.io'",
	"[registry]\nprefix = 'a.io'\nblocked = true",
	"registry = 'a.io'",
	"registry = ['a.io']",
	"[[registry]]\nlocation = 'a.io'\n[registry.mirror]\nlocation = 'b.io'",
	"[[registry]]\nlocation = 'a.io'\nmirror = 'b.io'",
	"[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\nlocation = 1",
	("[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\n"
	 "location = 'b.io'\npull-from-mirror = 1"),
	("[[registry]]\nlocation = 'a.io'\nmirror-by-digest-only = true\n"
	 "[[registry.mirror]]\nlocation = 'b.io'\npull-from-mirror = 'all'"),
	"unqualified-search-registries = ['']",
	"unqualified-search-registries = ['https://a.io']",
	"aliases = 'x'",
	"[[registry]]\nlocation = 'a.io/x:tag'",
	"[[registry]]\nprefix = 'a.io/x@sha256:12'",
	"[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\ninsecure = true",
	("[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\n"
	 "location = 'b.io'\npull-from-mirror = 'sometimes'"),
	"[aliases]\nx = 'y'",
	"[aliases]\nx = 1",
};

static void test_bad(void **state)
{
	struct registries_conf *conf = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("case: %s\n", bad[i]);
		assert_fails(registries_conf_parse(bad[i], strlen(bad[i]),
						   &conf, err),
			     EINVAL);
	}
}

static void put(const char *dir, const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/%s", dir, name);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
}

/* The user's file, then its .d in name order; the named file alone. */
static void test_files(void **state)
{
	char dir[] = "/tmp/bryo-unit.XXXXXX";
	struct registries_conf *conf = NULL;
	autostrv char **env = NULL;
	autostrv char **names = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	autofree char *base = xasprintf("%s/containers", dir);
	autofree char *drop = xasprintf("%s/registries.conf.d", base);

	assert_int_equal(mkdir(base, 0700), 0);
	assert_int_equal(mkdir(drop, 0700), 0);
	put(base, "registries.conf",
	    "unqualified-search-registries = ['one.io']\n"
	    "[aliases]\nx = 'x.io/x'\ny = 'y.io/y'");
	put(drop, "20-b.conf", "[aliases]\nx = ''\ny = 'z.io/z'");
	put(drop, "10-a.conf", "[aliases]\ny = 'lost.io/y'");
	put(drop, "ignored", "syntax error");
	strv_env_set(&env, "XDG_CONFIG_HOME", dir);
	assert_ok(registries_conf_load(env, &conf, err));
	assert_ok(registries_conf_expand(conf, "x", &names, err));
	assert_ok(registries_conf_expand(conf, "y", &names, err));
	assert_string_equal(names[0], "one.io/x");
	assert_string_equal(names[1], "z.io/z");
	registries_conf_free(conf);

	autofree char *named = xasprintf("%s/20-b.conf", drop);

	strv_env_set(&env, "CONTAINERS_REGISTRIES_CONF", named);
	assert_ok(registries_conf_load(env, &conf, err));
	assert_ok(registries_conf_expand(conf, "x", &names, err));
	assert_string_equal(names[2], "docker.io/library/x");
	registries_conf_free(conf);

	strv_env_set(&env, "CONTAINERS_REGISTRIES_CONF", "/nonexistent/x");
	assert_fails(registries_conf_load(env, &conf, err), ENOENT);
	assert_ok(tree_remove_at(AT_FDCWD, dir, err));
}

UNIT_TESTS(unit_test(test_is_short), unit_test(test_expand),
	   unit_test(test_expand_nothing), unit_test(test_sources),
	   unit_test(test_blocked), unit_test(test_bad), unit_test(test_files));
