/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/container/mount_words.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- mounts ----------------------------------------------------------- */

struct mount_case {
	const char *text;
	int want;	/* errno, 0 = fine */
	enum ctr_mount_type type;
	const char *source;	/* NULL: none, "*": anonymous */
	const char *target;
	bool ro, noexec, suid, dev, nocopy;
	const char *options;
};

static void check_mount(const struct mount_case *c,
			int (*parse)(const char *, struct ctr_mount *,
				     struct err *))
{
	struct ctr_mount m = { 0 };

	print_message("case: %s\n", c->text);
	if (c->want) {
		assert_fails(parse(c->text, &m, err), c->want);
	} else {
		assert_ok(parse(c->text, &m, err));
		assert_int_equal(m.type, c->type);
		assert_string_equal(m.target, c->target);
		if (streq(c->source, "*")) {
			assert_true(m.anonymous);
			assert_true(hex_is_valid(m.source, 64));
		} else {
			assert_true(streq(m.source, c->source));
		}
		assert_int_equal(m.ro, c->ro);
		assert_int_equal(m.noexec, c->noexec);
		assert_int_equal(m.suid, c->suid);
		assert_int_equal(m.dev, c->dev);
		assert_int_equal(m.nocopy, c->nocopy);
		assert_true(streq(m.options, c->options));
	}
	mount_done(&m);
}

static const struct mount_case volumes[] = {
	{ .text = "/a:/b", .source = "/a", .target = "/b" },
	{ .text = "/a//x/../y:/b/", .source = "/a/y", .target = "/b" },
	{ .text = "/a:/b:ro", .source = "/a", .target = "/b", .ro = true },
	{ .text = "/a:/b:ro,noexec,suid,dev", .source = "/a", .target = "/b",
	  .ro = true, .noexec = true, .suid = true, .dev = true },
	{ .text = "/a:/b:rw,Z", .source = "/a", .target = "/b" },
	{ .text = "name:/b", .type = MNT_VOLUME, .source = "name",
	  .target = "/b" },
	{ .text = "name:/b:nocopy", .type = MNT_VOLUME, .source = "name",
	  .target = "/b", .nocopy = true },
	{ .text = "/only", .type = MNT_VOLUME, .source = "*",
	  .target = "/only" },
	{ .text = "rel", .want = EINVAL },
	{ .text = "/a:rel", .want = EINVAL },
	{ .text = "/a:/", .want = EINVAL },
	{ .text = "/a:/b/../..", .want = EINVAL },
	{ .text = "a/b:/c", .want = EINVAL },
	{ .text = "-x:/c", .want = EINVAL },
	{ .text = "", .want = EINVAL },
	{ .text = ":/b", .want = EINVAL },
	{ .text = "/a:", .want = EINVAL },
	{ .text = "/a:/b:ro:x", .want = EINVAL },
	{ .text = "/a:/b:nosuch", .want = EINVAL },
	{ .text = "/a:/b:ro,rw", .want = EINVAL },
	{ .text = "/a:/b:z,Z", .want = EINVAL },
	{ .text = "/a:/b:idmap=uids=0-0-1", .want = ENOTSUP },
	{ .text = "/a:/b:O,ro", .want = EINVAL },
	{ .text = "/a:/b:upperdir=/x,workdir=/y", .want = EINVAL },
};

static void test_volume(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(volumes); i++)
		check_mount(&volumes[i], mount_parse_volume);
}

static void test_volume_relative(void **state unused_attr)
{
	autofree char *cwd = getcwd(NULL, 0);
	autofree char *want = xasprintf("%s/x", cwd);
	struct mount_case c = { .text = "./x:/b", .source = want,
				.target = "/b" };

	check_mount(&c, mount_parse_volume);
}

static int parse_mount(const char *text, struct ctr_mount *m, struct err *e)
{
	autofree char *glob = NULL;
	int r = mount_parse_mount(text, m, &glob, e);

	assert_null(glob);
	return r;
}

static const struct mount_case mounts[] = {
	{ .text = "type=bind,src=/a,dst=/b", .source = "/a", .target = "/b" },
	{ .text = "type=bind,source=/a,target=/b,ro", .source = "/a",
	  .target = "/b", .ro = true },
	{ .text = "type=bind,source=/a,destination=/b,readonly=false",
	  .source = "/a", .target = "/b" },
	{ .text = "type=bind,src=/a,dst=/b,rw=false", .source = "/a",
	  .target = "/b", .ro = true },
	{ .text = "dst=/b,type=tmpfs,tmpfs-size=1m,tmpfs-mode=700",
	  .type = MNT_TMPFS, .target = "/b", .options = "size=1m,mode=700" },
	{ .text = "type=tmpfs,dst=/b,notmpcopyup", .type = MNT_TMPFS,
	  .target = "/b", .nocopy = true },
	{ .text = "src=v,dst=/b", .type = MNT_VOLUME, .source = "v",
	  .target = "/b" },
	{ .text = "type=volume,dst=/b", .type = MNT_VOLUME, .source = "*",
	  .target = "/b" },
	{ .text = "type=devpts,dst=/p", .type = MNT_DEVPTS, .target = "/p" },
	{ .text = "type=bind,src=/a", .want = EINVAL },
	{ .text = "type=bind,dst=/b", .want = EINVAL },
	{ .text = "type=nosuch,dst=/b", .want = EINVAL },
	{ .text = "type=ramfs,dst=/r,mode=700", .type = MNT_RAMFS,
	  .target = "/r", .options = "mode=700" },
	{ .text = "type=ramfs,dst=/r,tmpfs-size=1m", .want = EINVAL },
	{ .text = "type=tmpfs,dst=/b,noswap", .want = EINVAL },
	{ .text = "type=tmpfs,dst=/b,subpath=x", .want = EINVAL },
	{ .text = "type=image,dst=/b", .want = EINVAL },
	{ .text = "type=artifact,src=x,dst=/b", .want = ENOTSUP },
	{ .text = "type=volume,src=v,dst=/b,volume-opt=x", .want = ENOTSUP },
	{ .text = "type=bind,src=/a,dst=/b,relabel=maybe", .want = EINVAL },
	{ .text = "type=bind,src=/a,dst=/b,subpath=", .want = EINVAL },
	{ .text = "type=bind,src=/a,dst=/b,ro=maybe", .want = EINVAL },
	{ .text = "type=bind,src=/a,dst=/b,nosuch=1", .want = EINVAL },
	{ .text = "type=bind,src=/a,dst=/b,tmpfs-size=1m", .want = EINVAL },
	{ .text = "type=volume,src=a/b,dst=/b", .want = EINVAL },
	{ .text = "type=bind,src=/a,dst=b", .want = EINVAL },
	{ .text = "", .want = EINVAL },
};

/* The words that are flags of their own: what they set, and nothing else. */
static void test_mount_flags(void **state unused_attr)
{
	struct ctr_mount m = { 0 };
	autofree char *glob = NULL;

	assert_ok(mount_parse_volume("/a:/b:U,O,z", &m, err));
	assert_true(m.chown && m.overlay && !m.idmap && !m.upperdir);
	assert_string_equal(m.relabel, "z");
	mount_done(&m);
	assert_ok(mount_parse_volume("/a:/b:O,upperdir=/u,workdir=/w", &m,
				     err));
	assert_string_equal(m.upperdir, "/u");
	assert_string_equal(m.workdir, "/w");
	mount_done(&m);
	assert_fails(mount_parse_volume("/a:/b:O,upperdir=/u", &m, err),
		     EINVAL);
	mount_done(&m);
	assert_ok(parse_mount("type=bind,\"src=/a,b\",dst=/b,chown=true,"
			      "bind-nonrecursive,no-dereference,subpath=x/y",
			      &m, err));
	assert_string_equal(m.source, "/a,b");
	assert_string_equal(m.subpath, "x/y");
	assert_true(m.chown && m.nonrecursive && m.nofollow);
	mount_done(&m);
	assert_ok(parse_mount("type=image,src=i,dst=/b", &m, err));
	assert_true(m.type == MNT_IMAGE && m.ro);
	mount_done(&m);
	assert_ok(parse_mount("type=image,src=i,dst=/b,rw=true", &m, err));
	assert_true(!m.ro);
	mount_done(&m);
	assert_ok(mount_parse_mount("type=glob,src=/x/*", &m, &glob, err));
	assert_string_equal(glob, "/x/*");
	assert_null(m.target);
	mount_done(&m);
}

static void test_mount(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++)
		check_mount(&mounts[i], parse_mount);
}

static const struct mount_case tmpfses[] = {
	{ .text = "/t", .type = MNT_TMPFS, .target = "/t" },
	{ .text = "/t:size=64m,mode=1777", .type = MNT_TMPFS, .target = "/t",
	  .options = "size=64m,mode=1777" },
	{ .text = "/t:ro,noexec,size=1k", .type = MNT_TMPFS, .target = "/t",
	  .ro = true, .noexec = true, .options = "size=1k" },
	{ .text = "t", .want = EINVAL },
	{ .text = "/t:source=/etc", .want = EINVAL },
	{ .text = "/t:sizes=1", .want = EINVAL },
	{ .text = "/t:noswap", .want = EINVAL },
	{ .text = "/", .want = EINVAL },
};

static void test_tmpfs(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(tmpfses); i++)
		check_mount(&tmpfses[i], mount_parse_tmpfs);
}

static void test_propagation(void **state unused_attr)
{
	struct ctr_mount m = { 0 };

	assert_ok(mount_parse_volume("/a:/b:rslave", &m, err));
	assert_true(m.propagation == (MS_SLAVE | MS_REC));
	mount_done(&m);
	assert_ok(parse_mount("type=bind,src=/a,dst=/b,"
			      "bind-propagation=shared", &m, err));
	assert_true(m.propagation == MS_SHARED);
	mount_done(&m);
}

/* ---- environment ------------------------------------------------------ */

static void test_env_file(void **state unused_attr)
{
	autostrv char **env = NULL;

	assert_int_equal(setenv("CORE_TEST_A", "from host", 1), 0);
	assert_int_equal(setenv("CORE_TEST_B", "2", 1), 0);
	assert_int_equal(unsetenv("CORE_TEST_NONE"), 0);
	assert_ok(env_file_parse("f",
				 "# comment\n"
				 "\n"
				 "  LEAD=x\n"
				 "Q=\"quoted\" # kept\n"
				 "CORE_TEST_A\n"
				 "CORE_TEST_NONE\n"
				 "CORE_TEST_B*\n"
				 "E=\n"
				 "DOS=y\r\n"
				 "LAST=a=b", &env, err));
	assert_string_equal(strv_env_get(env, "LEAD"), "x");
	assert_string_equal(strv_env_get(env, "Q"), "\"quoted\" # kept");
	assert_string_equal(strv_env_get(env, "CORE_TEST_A"), "from host");
	assert_null(strv_env_get(env, "CORE_TEST_NONE"));
	assert_string_equal(strv_env_get(env, "CORE_TEST_B"), "2");
	assert_string_equal(strv_env_get(env, "E"), "");
	assert_string_equal(strv_env_get(env, "DOS"), "y");
	assert_string_equal(strv_env_get(env, "LAST"), "a=b");
	assert_int_equal(strv_len(env), 7);
}

static void test_env_order(void **state unused_attr)
{
	char path[] = "/tmp/bryo-env-XXXXXX";
	int fd = mkstemp(path);
	char *files[] = { path, NULL };
	char *vars[] = { (char[]){ "A=2" }, (char[]){ "N=x\ny" }, NULL };
	char *bad[] = { (char[]){ "=x" }, NULL };
	autostrv char **env = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "A=1\nB=1\n", 8), 8);
	close(fd);
	assert_ok(env_collect(files, vars, &env, err));
	assert_string_equal(strv_env_get(env, "A"), "2");
	assert_string_equal(strv_env_get(env, "B"), "1");
	assert_string_equal(strv_env_get(env, "N"), "x\ny");
	assert_fails(env_collect(NULL, bad, &env, err), EINVAL);
	unlink(path);
	assert_fails(env_collect(files, NULL, &env, err), ENOENT);
}

static void test_labels(void **state unused_attr)
{
	char *labels[] = { (char[]){ "a" }, (char[]){ "b=c=d" },
			   (char[]){ "a=2" }, NULL };
	char *bad[] = { (char[]){ "=x" }, NULL };
	autostrv char **v = NULL;

	assert_ok(labels_collect(NULL, labels, &v, err));
	assert_int_equal(strv_len(v), 2);
	assert_string_equal(strv_env_get(v, "a"), "2");
	assert_string_equal(strv_env_get(v, "b"), "c=d");
	assert_fails(labels_collect(NULL, bad, &v, err), EINVAL);
}

/* ---- security and network --------------------------------------------- */

struct sec_case {
	const char *opt;	/* one --security-opt */
	int want;
};

static const struct sec_case sec_cases[] = {
	{ "no-new-privileges", 0 },
	{ "no-new-privileges=true", 0 },
	{ "no-new-privileges:false", 0 },
	{ "no-new-privileges=x", EINVAL },
	{ "seccomp=unconfined", 0 },
	{ "seccomp=/nonexistent.json", ENOENT },
	{ "label=disable", 0 },
	{ "apparmor=unconfined", 0 },
	{ "proc-opts=hidepid=2,gid=5", 0 },
	{ "proc-opts=exec", EINVAL },
	{ "mask=/a:/b", 0 },
	{ "unmask=ALL", 0 },
	{ "systempaths=unconfined", 0 },
	{ "systempaths=x", EINVAL },
	{ "nosuch=1", EINVAL },
	{ "seccomp", EINVAL },
};

static void test_security(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(sec_cases); i++) {
		char *opts[] = { xstrdup(sec_cases[i].opt), NULL };
		struct create_args a = { .security_opt = opts };
		struct ctr_config c;

		print_message("case: %s\n", sec_cases[i].opt);
		ctr_config_init(&c);
		if (sec_cases[i].want)
			assert_fails(security_parse(&a, &c, err),
				     sec_cases[i].want);
		else
			assert_ok(security_parse(&a, &c, err));
		ctr_config_done(&c);
		free(opts[0]);
	}
}

static void test_security_values(void **state unused_attr)
{
	char *opts[] = { (char[]){ "mask=/a:/b" }, (char[]){ "unmask=/c" },
			 (char[]){ "no-new-privileges:false" },
			 (char[]){ "seccomp=unconfined" }, NULL };
	struct create_args a = { .security_opt = opts };
	struct ctr_config c;

	ctr_config_init(&c);
	assert_ok(security_parse(&a, &c, err));
	assert_int_equal(strv_len(c.mask), 2);
	assert_string_equal(c.mask[1], "/b");
	assert_string_equal(c.unmask[0], "/c");
	assert_false(c.no_new_privs);
	assert_string_equal(c.seccomp, "unconfined");
	ctr_config_done(&c);
}

static const struct {
	const char *network;
	const char *publish;
	const char *add_host;
	int want;
	const char *mode;
	size_t n_ports;
} net_cases[] = {
	{ NULL, "80", NULL, 0, "slirp4netns", 1 },
	{ "private", NULL, "a;b:1.2.3.4", 0, "slirp4netns", 0 },
	{ "none", "80:80", "a:host-gateway", 0, "none", 0 },
	{ "host", "80:80", "a:::1", 0, "host", 0 },
	{ "container:x", NULL, NULL, 0, "container:x", 0 },
	{ "ns:/dev/null", NULL, NULL, 0, "ns:/dev/null", 0 },
	{ "ns:/p", NULL, NULL, ENOENT, NULL, 0 },
	{ "container:", NULL, NULL, EINVAL, NULL, 0 },
	{ "nosuch", NULL, NULL, ENOENT, NULL, 0 },
	{ "bridge", NULL, NULL, ENOTSUP, NULL, 0 },
	{ "pasta", NULL, NULL, ENOTSUP, NULL, 0 },
	{ NULL, "99999", NULL, EINVAL, NULL, 0 },
	{ NULL, NULL, "noip", EINVAL, NULL, 0 },
	{ NULL, NULL, "a:1.2.3", EINVAL, NULL, 0 },
	{ NULL, NULL, "a\nb:1.2.3.4", EINVAL, NULL, 0 },
	{ NULL, NULL, ":1.2.3.4", EINVAL, NULL, 0 },
};

static void test_network(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(net_cases); i++) {
		char *ports[] = { xstrdup(net_cases[i].publish), NULL };
		char *hosts[] = { xstrdup(net_cases[i].add_host), NULL };
		autofree char *network = xstrdup(net_cases[i].network);
		struct create_args a = { .network = network };
		struct ctr_config c;

		print_message("case: %zu\n", i);
		a.publish = ports[0] ? ports : NULL;
		a.add_host = hosts[0] ? hosts : NULL;
		ctr_config_init(&c);
		if (net_cases[i].want) {
			assert_fails(network_parse(&a, &c, err),
				     net_cases[i].want);
		} else {
			assert_ok(network_parse(&a, &c, err));
			assert_string_equal(c.network, net_cases[i].mode);
			assert_int_equal(c.ports.n, net_cases[i].n_ports);
		}
		ctr_config_done(&c);
		free(ports[0]);
		free(hosts[0]);
	}
}

UNIT_TESTS(unit_test(test_volume), unit_test(test_volume_relative),
	   unit_test(test_mount), unit_test(test_mount_flags),
	   unit_test(test_tmpfs),
	   unit_test(test_propagation), unit_test(test_env_file),
	   unit_test(test_env_order), unit_test(test_labels),
	   unit_test(test_security), unit_test(test_security_values),
	   unit_test(test_network));
