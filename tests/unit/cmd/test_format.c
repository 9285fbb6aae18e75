/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/container/ps.h"
#include "cmd/format.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* What @print writes to stdout. */
static char *capture(int (*print)(void *arg), void *arg, int *ret_r)
{
	int file = memfd_create("stdout", MFD_CLOEXEC);
	int saved = dup(STDOUT_FILENO);
	struct sb text = SB_INIT;

	fflush(stdout);
	assert_true(file >= 0 && saved >= 0);
	assert_true(dup2(file, STDOUT_FILENO) >= 0);
	*ret_r = print(arg);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	assert_true(lseek(file, 0, SEEK_SET) == 0);
	assert_int_equal(fd_read_all(file, 1 << 20, &text), 0);
	close(file);
	return sb_take(&text);
}

static const char rows_text[] =
	"[{\"ID\":\"0123456789ab\",\"Names\":\"web\",\"L\":\"a=1\"},"
	"{\"ID\":\"ba9876543210\",\"Names\":\"a longer name\",\"L\":\"\"}]";

static const struct column columns[] = {
	{ "ID", "CONTAINER ID" },
	{ "Names", "NAMES" },
	{ "L", "" },
	{ NULL, NULL },
};

struct call {
	const char *format;
	const char *rows;
	bool noheading;
	struct err err;
};

static int call_rows(void *arg)
{
	struct call *c = arg;
	autojson struct json_object *rows =
		json_parse(c->rows, strlen(c->rows), NULL);

	return print_rows(c->format, rows, NULL, columns, c->noheading,
			  &c->err);
}

static const struct {
	const char *format;
	bool noheading;
	const char *rows;
	const char *want;
} cases[] = {
	{ NULL, false, rows_text,
	  "CONTAINER ID  NAMES\n0123456789ab  web\n"
	  "ba9876543210  a longer name\n" },
	{ NULL, true, rows_text,
	  "0123456789ab  web\nba9876543210  a longer name\n" },
	{ NULL, false, "[]", "CONTAINER ID  NAMES\n" },
	{ "", false, "[]", "CONTAINER ID  NAMES\n" },
	{ "table", false, "[]", "CONTAINER ID  NAMES\n" },
	{ "{{.ID}}", false, rows_text, "0123456789ab\nba9876543210\n" },
	{ "{{.ID}}\\t{{.L}}", false, rows_text,
	  "0123456789ab\ta=1\nba9876543210\t\n" },
	{ "{{.ID}}\\n", false, rows_text, "0123456789ab\nba9876543210\n" },
	{ "{{println .ID}}", true, "[{\"ID\":\"x\"}]", "x\n\n" },
	{ "x", false, rows_text, "x\nx\n" },
	{ "{{range .}}{{.Names}};{{end}}", false, rows_text,
	  "web;a longer name;\n" },
	{ "{{- range .}}{{.Names}};{{end}}", false, "[]", "\n" },
	{ "{{json .}}", false, rows_text,
	  "{\"ID\":\"0123456789ab\",\"Names\":\"web\",\"L\":\"a=1\"}\n"
	  "{\"ID\":\"ba9876543210\",\"Names\":\"a longer name\","
	  "\"L\":\"\"}\n" },
	{ " json ", false, "[]", "[]\n" },
	{ "json", false, "[{\"a\":1}]", "[\n  {\n    \"a\": 1\n  }\n]\n" },
	{ "table {{.Names}}\\t{{.L}}", false, rows_text,
	  "NAMES          L\nweb            a=1\na longer name  \n" },
	{ "table {{.Names}} {{.L}}", true, rows_text,
	  "web            a=1\na longer name  \n" },
	{ "table {{ .L }} {{len .Names}}", false, "[]", "L           5\n" },
	{ "{{.Nope}}", false, "[]", "" },
	{ "{{.Nope}}", false, rows_text, NULL },
	{ "{{.ID", false, "[]", NULL },
};

static void test_rows(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct call c = { cases[i].format, cases[i].rows,
				  cases[i].noheading, ERR_INIT };
		int r = 0;
		autofree char *got = capture(call_rows, &c, &r);

		print_message("case: %s\n",
			      cases[i].format ? cases[i].format : "(none)");
		if (!cases[i].want) {
			assert_int_equal(r, -EINVAL);
			assert_string_equal(got, "");
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(got, cases[i].want);
	}
}

static int call_objects(void *arg)
{
	struct call *c = arg;
	autojson struct json_object *list =
		json_parse(c->rows, strlen(c->rows), NULL);

	template_mark_map(json_object_object_get(
		json_object_array_get_idx(list, 0), "m"));
	return print_objects(c->format, list, &c->err);
}

/* inspect: five blanks, and keys of maps sorted as Go does it */
static void test_objects(void **state unused_attr)
{
	static const struct {
		const char *format, *rows, *want;
	} rows[] = {
		{ NULL, "[]", "[]\n" },
		{ NULL, "[{\"b\":1,\"m\":{\"z\":\"1\",\"a\":\"2\"}}]",
		  "[\n     {\n          \"b\": 1,\n          \"m\": {\n"
		  "               \"a\": \"2\",\n"
		  "               \"z\": \"1\"\n          }\n     }\n]\n" },
		{ "{{.b}}", "[{\"b\":1},{\"b\":2}]", "1\n2\n" },
		{ "{{range .m}}x{{end}}", "[{\"m\":[1,2]}]", "xx\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct call c = { rows[i].format, rows[i].rows, false,
				  ERR_INIT };
		int r = 0;
		autofree char *got = capture(call_objects, &c, &r);

		assert_int_equal(r, 0);
		assert_string_equal(got, rows[i].want);
	}
}

/* A full disk is an error, not silence. */
static void test_flush(void **state unused_attr)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int saved = dup(STDOUT_FILENO);
	struct err why = ERR_INIT;
	int r = 0;

	fflush(stdout);
	assert_true(full >= 0 && saved >= 0);
	assert_true(dup2(full, STDOUT_FILENO) >= 0);
	printf("text\n");
	r = out_flush(&why);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	close(full);
	assert_int_equal(r, -ENOSPC);
	assert_string_equal(why.msg, "write to standard output: no space left "
				     "on device");
}

/* ---- ps --------------------------------------------------------------- */

#define S 1000000000LL

static const struct {
	const char *name;
	enum ctr_state state;
	bool orphaned;
	int exit_code;
	const char *want;
} states[] = {
	{ "running", CTR_RUNNING, false, 0, "Up 5 seconds" },
	{ "orphaned", CTR_RUNNING, true, 0, "Up 5 seconds (unmonitored)" },
	{ "exited", CTR_EXITED, false, 3, "Exited (3) 2 seconds ago" },
	{ "unknown code", CTR_EXITED, false, -1, "Exited (-1) 2 seconds ago" },
	{ "created", CTR_CREATED, false, 0, "Created" },
	{ "stopping", CTR_STOPPING, false, 0, "Stopping" },
	{ "removing", CTR_REMOVING, false, 0, "Removing" },
};

static struct ctr sample_ctr(void)
{
	struct ctr c = { .created_ns = 90 * S,
			 .started_ns = 95 * S,
			 .finished_ns = 98 * S };

	memset(c.id, 'a', 64);
	c.name = xstrdup("web");
	c.config.image_name = xstrdup("localhost/bb:latest");
	c.config.cmd = strv_split("sh|-c|echo hello world", '|');
	c.config.labels = strv_split("b=2,a=1", ',');
	return c;
}

static void sample_done(struct ctr *c)
{
	free(c->name);
	free(c->config.image_name);
	strv_free(c->config.cmd);
	strv_free(c->config.labels);
}

static void test_ps_status(void **state unused_attr)
{
	struct ctr c = sample_ctr();

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		autojson struct json_object *row = NULL;

		print_message("case: %s\n", states[i].name);
		c.state = states[i].state;
		c.orphaned = states[i].orphaned;
		c.exit_code = states[i].exit_code;
		row = ps_row(&c, 100 * S, false);
		assert_string_equal(json_str(row, "Status"), states[i].want);
		assert_string_equal(json_str(row, "ID"), "aaaaaaaaaaaa");
		assert_string_equal(json_str(row, "Command"),
				    "sh -c echo hello ...");
		assert_string_equal(json_str(row, "Labels"), "a=1,b=2");
		assert_string_equal(json_str(row, "RunningFor"),
				    "10 seconds ago");
	}
	sample_done(&c);
}

static void test_ps_table(void **state unused_attr)
{
	struct ctr c = sample_ctr();
	struct sb out = SB_INIT;

	ps_table(&c, 100 * S, false, &out);
	assert_string_equal(out.buf,
			    "aaaaaaaaaaaa\tlocalhost/bb:latest\tsh -c echo "
			    "hello ...\t10 seconds ago\tCreating\t\tweb\n");
	sb_done(&out);
	sample_done(&c);
}

static void test_ps_ports(void **state unused_attr)
{
	static const struct {
		const char *publish, *want;
	} rows[] = {
		{ "8080:80", "0.0.0.0:8080->80/tcp" },
		{ "127.0.0.1:8080:80/udp", "127.0.0.1:8080->80/udp" },
		{ "5000-5002:6000-6002", "0.0.0.0:5000-5002->6000-6002/tcp" },
		{ "[::1]:8080:80", "[::1]:8080->80/tcp" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct port_list list = { NULL, 0 };
		struct sb out = SB_INIT;

		assert_ok(port_parse(rows[i].publish, &list, err));
		ports_text(&list, &out);
		assert_string_equal(out.buf, rows[i].want);
		sb_done(&out);
		port_list_done(&list);
	}
}

UNIT_TESTS(unit_test(test_rows), unit_test(test_objects),
	   unit_test(test_flush), unit_test(test_ps_status),
	   unit_test(test_ps_table), unit_test(test_ps_ports));
