/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libpod/core/core_priv.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

static void fill(struct ctr_config *c)
{
	ctr_config_init(c);
	c->image_id = xstrdup("0123");
	c->image_name = xstrdup("localhost/x:latest");
	strv_add(&c->entrypoint, "/bin/sh");
	strv_add(&c->cmd, "-c");
	strv_add(&c->cmd, "echo \\ a\nb \"c\"");
	strv_add(&c->env, "A=1");
	strv_add(&c->env, "B=x\ny");
	strv_add(&c->labels, "k=v");
	c->tty = true;
	c->stop_signal = 15;
	c->stop_timeout = 0;
	c->umask = 0;
	c->oom_score_adj = -5;
	c->http_proxy = false;
	c->readonly_tmpfs = false;
	c->shm_size = UINT64_C(1) << 40;
	c->network = xstrdup("container:feed");
	c->restart = RESTART_ON_FAILURE;
	c->restart_max = 3;
	c->auto_remove = true;
	c->mounts = xcalloc(3, sizeof(*c->mounts));
	c->n_mounts = 3;
	c->mounts[0] = (struct ctr_mount){ .type = MNT_BIND,
					   .source = xstrdup("/src"),
					   .target = xstrdup("/dst"),
					   .ro = true };
	c->mounts[1] = (struct ctr_mount){ .type = MNT_VOLUME,
					   .source = xstrdup("vol"),
					   .target = xstrdup("/v"),
					   .anonymous = true,
					   .propagation = 5 };
	c->mounts[2] = (struct ctr_mount){ .type = MNT_TMPFS,
					   .target = xstrdup("/t"),
					   .options = xstrdup("size=1m") };
}

static void test_json(void **state unused_attr)
{
	struct ctr_config a;
	struct ctr_config b;
	autojson struct json_object *one = NULL;
	autojson struct json_object *two = NULL;
	struct err why = ERR_INIT;

	fill(&a);
	assert_ok(port_parse("127.0.0.1:8080:80", &a.ports, err));
	assert_ok(port_parse("53:53/udp", &a.ports, err));
	one = ctr_config_to_json(&a);
	ctr_config_init(&b);
	assert_int_equal(ctr_config_from_json(one, &b, &why), 0);
	two = ctr_config_to_json(&b);
	/* what is read back says the same again */
	assert_string_equal(json_text(one), json_text(two));
	assert_int_equal(b.oom_score_adj, -5);
	assert_int_equal(b.umask, 0);
	assert_int_equal(b.stop_timeout, 0);
	assert_false(b.http_proxy);
	assert_true(b.shm_size == UINT64_C(1) << 40);
	assert_string_equal(b.env[1], "B=x\ny");
	assert_int_equal(b.n_mounts, 3);
	assert_string_equal(b.mounts[2].options, "size=1m");
	assert_int_equal(b.ports.n, 2);
	assert_int_equal(b.ports.v[1].proto, PORT_UDP);
	ctr_config_done(&a);
	ctr_config_done(&b);
}

static void test_json_bad(void **state unused_attr)
{
	static const char *const bad[] = { "[]", "\"x\"",
					   "{\"ports\":\"1,2;\"}",
					   "{\"ports\":\"a,b,c,d,t;\"}" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autojson struct json_object *o =
			json_parse(bad[i], strlen(bad[i]), NULL);
		struct ctr_config c;

		print_message("case: %s\n", bad[i]);
		ctr_config_init(&c);
		assert_non_null(o);
		assert_fails(ctr_config_from_json(o, &c, err), EINVAL);
		ctr_config_done(&c);
	}
}

/* What a list needs survives the short form, newlines and backslashes too. */
static void test_brief(void **state unused_attr)
{
	struct ctr_config a;
	struct ctr_config b = { 0 };
	autosb struct sb text = SB_INIT;

	fill(&a);
	config_brief(&a, &text);
	config_brief_parse(text.buf, &b);
	assert_string_equal(b.image_name, a.image_name);
	assert_string_equal(b.entrypoint[0], "/bin/sh");
	assert_int_equal(strv_len(b.cmd), 2);
	assert_string_equal(b.cmd[1], a.cmd[1]);
	assert_string_equal(b.labels[0], "k=v");
	assert_string_equal(b.network, "container:feed");
	assert_int_equal(b.restart, RESTART_ON_FAILURE);
	assert_true(b.auto_remove);
	assert_int_equal(b.n_mounts, 2);
	assert_string_equal(b.mounts[0].source, "/src");
	assert_string_equal(b.mounts[1].target, "/v");
	assert_true(b.mounts[1].anonymous);
	/* row_dependants() looks for this line */
	assert_non_null(strstr(text.buf, "\njfeed\n"));
	ctr_config_done(&a);
	ctr_config_done(&b);
}

static void test_names(void **state unused_attr)
{
	for (int i = 0; i < 1000; i++) {
		autofree char *name = name_random();

		assert_true(name_is_valid(name));
		assert_non_null(strchr(name, '_'));
	}
}

UNIT_TESTS(unit_test(test_json), unit_test(test_json_bad),
	   unit_test(test_brief), unit_test(test_names));
