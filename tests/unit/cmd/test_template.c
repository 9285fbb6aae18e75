/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/format.h"
#include "util/json.h"

/*
 * The texts on the right are what Go 1.19's text/template prints; those that
 * need no data were compared with podman 4.3.1 (`podman version --format`).
 */
static const char sample[] =
	"{\"ID\":\"0123456789ab\",\"Names\":\"web\",\"N\":3,\"F\":2.5,"
	"\"On\":true,\"Nil\":null,\"Cmd\":[\"sh\",\"-c\",\"a b\"],"
	"\"Empty\":[],\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
	"\"State\":{\"Status\":\"running\",\"Pid\":7},"
	"\"Time\":\"2026-11-20T13:27:53.27033215Z\","
	"\"Epoch\":\"1970-01-01T00:00:00Z\",\"NoTime\":\"soon\","
	"\"Never\":\"0001-01-01T00:00:00Z\","
	"\"Zoned\":\"2024-02-29T23:05:09+05:30\",\"Dur\":90500000000,"
	"\"Lists\":{\"a\":null,\"b\":[1]},"
	"\"Ports\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]},"
	"\"Label\":{\"k\":\"v\"},\"Hidden\":\"x\",\"ImageId\":\"i\","
	"\"created_by\":\"me\",\"ociRuntime\":{\"name\":\"r\"},\"NMap\":null}";

static struct json_object *data(void)
{
	static const struct zero_field zeros[] = {
		{ "ZStr", json_type_string },	{ "ZInt", json_type_int },
		{ "ZBool", json_type_boolean }, { "ZMap", json_type_object },
		{ "ZList", json_type_array },	{ "ZNil", json_type_null },
		{ "NMap", json_type_object },	{ "ID", json_type_string },
		{ NULL, json_type_null },
	};
	struct json_object *o = json_parse(sample, strlen(sample), NULL);

	assert_non_null(o);
	template_mark_map(json_object_object_get(o, "Labels"));
	template_mark_map(json_object_object_get(o, "Ports"));
	template_mark_time(json_object_object_get(o, "Time"));
	template_mark_method(json_object_object_get(o, "Label"));
	template_mark_time(json_object_object_get(o, "Epoch"));
	template_mark_time(json_object_object_get(o, "Zoned"));
	template_mark_time(json_object_object_get(o, "Never"));
	template_mark_time(json_object_object_get(o, "NoTime"));
	template_mark_duration(json_object_object_get(o, "Dur"));
	template_mark_map(json_object_object_get(o, "Lists"));
	template_null_lists(json_object_object_get(o, "Lists"));
	template_put_hidden(o, "Hidden", json_object_get(
				json_object_object_get(o, "Hidden")));
	template_zeros(o, zeros);
	return o;
}

static const struct {
	const char *text;
	const char *want;
} cases[] = {
	/* text and trimming */
	{ "plain", "plain" },
	{ "", "" },
	{ "a\\tb\\nc", "a\tb\nc" },
	{ "{ {x} }", "{ {x} }" },
	{ "a  {{- \"b\" -}}   c", "abc" },
	{ "a {{/* comment */}} b", "a  b" },
	{ "a {{- /* comment */ -}} b", "ab" },
	{ "{{/* }} */}}x", "x" },
	{ "{{ \"}}\" }}", "}}" },
	/* fields */
	{ "{{.ID}} {{.Names}}", "0123456789ab web" },
	{ "{{ .ID }}", "0123456789ab" },
	{ "{{.Id}} {{.ImageID}}", "0123456789ab i" },
	{ "{{.State.Status}}", "running" },
	{ "{{(.State).Pid}}", "7" },
	{ "{{.N}} {{.F}} {{.On}} {{.Nil}}", "3 2.5 true <nil>" },
	{ "{{.Cmd}} {{.Empty}}", "[sh -c a b] []" },
	/* what the JSON leaves out, and its other spellings */
	{ "{{.ZStr}}|{{.ZInt}}|{{.ZBool}}|{{.ZNil}}", "|0|false|<nil>" },
	{ "{{.ZMap}} {{.ZList}} {{.NMap}}", "map[] [] map[]" },
	{ "{{json .ZMap}} {{json .ZList}} {{json .ZNil}} {{json .NMap}}",
	  "null null null null" },
	{ "{{json .ZStr}} {{json .ZInt}}", "\"\" 0" },
	{ "{{index .ZMap \"k\"}}|{{.ZMap.k}}|{{len .ZMap}}",
	  "|<no value>|0" },
	{ "{{range .ZList}}x{{else}}none{{end}}", "none" },
	{ "{{with .ZNil}}x{{else}}nil{{end}}", "nil" },
	{ "{{.CreatedBy}} {{.OCIRuntime.Name}}", "me r" },
	{ "{{json .OCIRuntime}}", "{\"name\":\"r\"}" },
	{ "{{.Labels}}", "map[a:1 b:2]" },
	{ "{{.Labels.a}} {{.Labels.nope}}", "1 <no value>" },
	{ "{{.Labels.nope.deeper}}", "<no value>" },
	{ "{{.State}}", "{running 7}" },
	{ "{{printf \"%+v\" .State}}", "{Status:running Pid:7}" },
	{ "{{.Time}}", "2026-11-20 13:27:53.27033215 +0000 UTC" },
	{ "{{json .Time}}", "\"2026-11-20T13:27:53.27033215Z\"" },
	{ "{{.Label \"k\"}}|{{.Label \"nope\"}}", "v|" },
	{ "{{.Hidden}}", "x" },
	{ "{{with .State}}{{.Pid}}{{$.ID}}{{end}}", "70123456789ab" },
	/* times */
	{ "{{.Epoch}}|{{.Zoned}}|{{.Never}}",
	  "1970-01-01 00:00:00 +0000 UTC|2024-02-29 23:05:09 +0530 +0530|"
	  "0001-01-01 00:00:00 +0000 UTC" },
	{ "{{.Time.Unix}} {{.Time.UnixMilli}} {{.Time.UnixMicro}} "
	  "{{.Time.UnixNano}} {{.Time.Nanosecond}}",
	  "1795181273 1795181273270 1795181273270332 "
	  "1795181273270332150 270332150" },
	{ "{{.Never.Unix}} {{.Never.UnixNano}} {{.Never.IsZero}} "
	  "{{.Epoch.IsZero}}",
	  "-62135596800 -6795364578871345152 true false" },
	{ "{{.Zoned.Year}}-{{.Zoned.Month}}-{{.Zoned.Day}} "
	  "{{.Zoned.Hour}}:{{.Zoned.Minute}}:{{.Zoned.Second}} "
	  "{{.Zoned.Weekday}} {{.Zoned.YearDay}} {{.Zoned.UTC.Hour}}",
	  "2024-February-29 23:5:9 Thursday 60 17" },
	{ "{{printf \"%d %s %T %T\" .Time.Month .Time.Weekday .Time.Month "
	  ".Time.Weekday}}",
	  "11 Friday time.Month time.Weekday" },
	{ "{{.Time.Format \"Mon Monday Jan January 1 01 2 02 _2 002 __2 06 "
	  "2006\"}}",
	  "Fri Friday Nov November 11 11 20 20 20 324 324 26 2026" },
	{ "{{.Time.Format \"15 3 03 4 04 5 05 PM pm .000 .999999999 ,00\"}}",
	  "13 1 01 27 27 53 53 PM pm .270 .27033215 ,27" },
	{ "{{.Zoned.Format \"-0700 -07:00 -07 Z0700 Z07:00 Z07 MST\"}}",
	  "+0530 +05:30 +05 +0530 +05:30 +05 +0530" },
	{ "{{.Time.Format \"-0700 -07:00 -07 Z0700 Z07:00 Z07 MST\"}}",
	  "+0000 +00:00 +00 Z Z Z UTC" },
	{ "{{.Zoned.Format \"Monthly Janus January-ish _2006 .0001\"}}|"
	  "{{.Time.Format \"\"}}|{{.Epoch.Format \"5.999 _2 3\"}}",
	  "Monthly Janus February-ish _2024 .0002||0  1 12" },
	{ "{{with .Time}}{{.Format \"2006\"}}{{end}} "
	  "{{\"06\" | .Time.Format}} {{(.Time.UTC).Year}}",
	  "2026 26 2026" },
	{ "{{.Time.String}} {{.Time.Location}} {{json .Zoned.UTC}}",
	  "2026-11-20 13:27:53.27033215 +0000 UTC UTC "
	  "\"2024-02-29T17:35:09Z\"" },
	{ "{{.Time.Before .Zoned}} {{.Time.After .Zoned}} "
	  "{{.Time.Equal .Time}} {{.Time.Compare .Zoned}}",
	  "false true true 1" },
	{ "{{.Time.Sub .Zoned}} {{.Time.Sub .Never}} {{.Never.Sub .Time}} "
	  "{{.Epoch.Sub .Epoch}}",
	  "23875h52m44.27033215s 2562047h47m16.854775807s "
	  "-2562047h47m16.854775808s 0s" },
	{ "{{.Epoch.Add 1500000000}}|{{.Epoch.Add -1}}|{{.Time.Add 800000000}}",
	  "1970-01-01 00:00:01.5 +0000 UTC|"
	  "1969-12-31 23:59:59.999999999 +0000 UTC|"
	  "2026-11-20 13:27:54.07033215 +0000 UTC" },
	{ "{{printf \"%q %10.4s|\" .Epoch .Time}}",
	  "\"1970-01-01 00:00:00 +0000 UTC\"       2026|" },
	{ "{{.Dur}} {{.Dur.Seconds}} {{.Dur.Minutes}} {{.Dur.Hours}} "
	  "{{.Dur.Milliseconds}} {{.Dur.Microseconds}} {{.Dur.Nanoseconds}}",
	  "1m30.5s 90.5 1.5083333333333333 0.025138888888888888 "
	  "90500 90500000 90500000000" },
	{ "{{.Dur.Round 1000000000}} {{.Dur.Truncate 60000000000}} "
	  "{{.Dur.Round 0}} {{.Dur.Abs}} {{printf \"%T\" .Dur.String}} "
	  "{{(.Epoch.Sub .Time).Abs.Hours | printf \"%.0f\"}}",
	  "1m31s 1m0s 1m30.5s 1m30.5s string 498661" },
	/* null that is an empty list */
	{ "{{.Lists}} {{json .Lists}} {{len .Lists.a}}"
	  "{{range .Lists.a}}x{{else}}none{{end}}",
	  "map[a:[] b:[1]] {\"a\":null,\"b\":[1]} 0none" },
	/* templates in templates */
	{ "{{define \"x\"}}<{{.}}>{{end}}{{template \"x\" .ID}}"
	  "{{template \"x\" .N}}",
	  "<0123456789ab><3>" },
	{ "{{template \"x\" .Cmd}}{{define \"x\"}}{{range .}}[{{.}}]{{end}}"
	  "{{end}}",
	  "[sh][-c][a b]" },
	{ "{{define \"x\"}}{{.}}{{$}}{{end}}{{template \"x\"}}",
	  "<no value><no value>" },
	{ "{{define \"x\"}}a{{end}}{{define \"x\"}}b{{end}}"
	  "{{template `x`}}", "b" },
	{ "{{block \"x\" .State}}{{.Pid}}{{$.Status}}{{end}}"
	  "{{template \"x\" .State}}", "7running7running" },
	{ "{{$v := 1}}{{with .State}}{{block \"x\" .}}{{$v := 2}}{{$v}}"
	  "{{end}}{{$v}}{{$.N}}{{end}}", "213" },
	{ "{{define \"x\"}}{{if .}}{{len .}}{{template \"x\" slice . 1}}"
	  "{{end}}{{end}}{{template \"x\" \"abc\"}}", "321" },
	/* escapes */
	{ "{{html \"<a b='c'>&\\\"\"}} {{html 1 2 \"<\"}} {{html .Cmd}}",
	  "&lt;a b=&#39;c&#39;&gt;&amp;&#34; 1 2&lt; [sh -c a b]" },
	{ "{{js \"<a b='c'>&=\\\"\\\\\\n\xc3\xa9\\u2028\"}}",
	  "\\u003Ca b\\u003D\\'c\\'\\u003E\\u0026\\u003D\\\"\\\\"
	  "\\u000A\xc3\xa9\\u2028" },
	{ "{{urlquery \"a b&c=d/\xc3\xa9~-_.\" 1}} {{\"<\" | html | js}}",
	  "a+b%26c%3Dd%2F%C3%A9~-_.1 \\u0026lt;" },
	{ "{{slice .Cmd 0 1 2}} {{slice .Cmd 1 3 3}}", "[sh] [-c a b]" },
	/* index and len */
	{ "{{index .Cmd 1}}", "-c" },
	{ "{{index .Labels \"b\"}}|{{index .Labels \"x\"}}|", "2||" },
	{ "{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080" },
	{ "{{len (index .Ports \"81/tcp\")}}", "0" },
	{ "{{index .State \"Status\"}}", "running" },
	{ "{{len .Cmd}} {{len .Labels}} {{len .ID}}", "3 2 12" },
	{ "{{len \"h\xc3\xa9llo\"}}", "6" },
	{ "{{index \"abc\" 1}}", "98" },
	{ "{{slice \"abcdef\" 1 3}} {{slice .Cmd 1}}", "bc [-c a b]" },
	/* range, if, with */
	{ "{{range .Cmd}}[{{.}}]{{end}}", "[sh][-c][a b]" },
	{ "{{range $i, $c := .Cmd}}{{if $i}},{{end}}{{$c}}{{end}}",
	  "sh,-c,a b" },
	{ "{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;" },
	{ "{{range $v := .Labels}}{{$v}}{{end}}", "12" },
	{ "{{range .Empty}}x{{else}}none{{end}}", "none" },
	{ "{{range $p, $c := .Ports}}{{$p}}->{{(index $c 0).HostPort}}{{end}}",
	  "80/tcp->8080" },
	{ "{{range .Cmd}}{{if eq . \"-c\"}}{{continue}}{{end}}{{.}}{{end}}",
	  "sha b" },
	{ "{{range .Cmd}}{{if eq . \"-c\"}}{{break}}{{end}}{{.}}{{end}}",
	  "sh" },
	{ "{{if .On}}y{{else}}n{{end}}", "y" },
	{ "{{if .Empty}}y{{else}}n{{end}}{{if .Nil}}y{{end}}", "n" },
	{ "{{if eq .N 1}}a{{else if eq .N 3}}b{{else}}c{{end}}", "b" },
	{ "{{with .Nil}}x{{else}}nil{{end}}", "nil" },
	{ "{{with $x := \"v\"}}{{$x}}{{end}}", "v" },
	{ "{{with .Nil}}a{{else with .ID}}{{.}}{{end}}", "0123456789ab" },
	/* variables */
	{ "{{$x := 5}}{{$x}} {{$x = 6}}{{$x}}", "5 6" },
	{ "{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}",
	  "32" },
	{ "{{$s := .State}}{{$s.Pid}}", "7" },
	/* pipes */
	{ "{{.Names | upper | printf \"%s-%s\" \"x\"}}", "x-WEB" },
	{ "{{.Labels | json}}", "{\"a\":\"1\",\"b\":\"2\"}" },
	{ "{{json .State}}", "{\"Status\":\"running\",\"Pid\":7}" },
	{ "{{json \"a<b>&\\\"\\n\"}} {{json 1.5}} {{json nil}}",
	  "\"a<b>&\\\"\\n\" 1.5 null" },
	{ "{{(print \"a\" \"b\")}}", "ab" },
	/* printf */
	{ "{{printf \"%q\" \"a\\tb\xc3\xa9\\u200b\xe2\x98\xba\"}}",
	  "\"a\\tb\xc3\xa9\\u200b\xe2\x98\xba\"" },
	{ "{{printf \"%d\" \"hi\"}}", "%!d(string=hi)" },
	{ "{{printf \"%s\" 5}}", "%!s(int=5)" },
	{ "{{printf \"%5d|%-5d|%05d|%+d\" 3 3 3 3}}", "    3|3    |00003|+3" },
	{ "{{printf \"%x %X %o %b %c %U %q\" 255 255 8 5 65 65 65}}",
	  "ff FF 10 101 A U+0041 'A'" },
	{ "{{printf \"%.2f %8.3f %e %g\" 3.14159 2.5 1000.0 1e21}}",
	  "3.14    2.500 1.000000e+03 1e+21" },
	{ "{{printf \"%s\"}}", "%!s(MISSING)" },
	{ "{{printf \"%s\" \"a\" \"b\"}}", "a%!(EXTRA string=b)" },
	{ "{{printf \"%d%%\" 5}}", "5%" },
	{ "{{printf \"%!\"}}", "%!!(MISSING)" },
	{ "{{printf \"%10s|%-10s|%.2s\" \"abc\" \"abc\" \"abcdef\"}}",
	  "       abc|abc       |ab" },
	{ "{{printf \"%*d\" 5 42}}", "   42" },
	{ "{{printf \"%T %T %T %T\" 1 \"a\" 1.5 true}}",
	  "int string float64 bool" },
	{ "{{printf \"%v|%q|%d\" .Cmd .Cmd .Cmd}}",
	  "[sh -c a b]|[\"sh\" \"-c\" \"a b\"]|[%!d(string=sh) "
	  "%!d(string=-c) %!d(string=a b)]" },
	{ "{{printf \"%v\" .Nil}}", "<nil>" },
	{ "{{printf \"%x\" \"hi\"}} {{printf \"%#x\" 255}}", "6869 0xff" },
	{ "{{printf \"% d\" 5}} {{printf \"%08b\" 5}}", " 5 00000101" },
	{ "{{printf \"%6.2f|%08.3f\" 3.14159 3.14159}}",
	  "  3.14|0003.142" },
	/* print and numbers */
	{ "{{print \"a\" 1 2 \"b\" 3 4}}", "a1 2b3 4" },
	{ "{{println \"a\" 1}}", "a 1\n" },
	{ "{{1.5}} {{1e3}} {{1e21}} {{0.00001}} {{0x1F}} {{'a'}} {{-3}}",
	  "1.5 1000 1e+21 1e-05 31 97 -3" },
	{ "{{123456.0}} {{1234567.0}} {{123456789.123}}",
	  "123456 1.234567e+06 1.23456789123e+08" },
	{ "{{`raw`}} {{\"q\\\"\\x41\\101\\u00e9\"}}", "raw q\"AA\xc3\xa9" },
	/* comparisons */
	{ "{{eq 1 1}} {{eq \"a\" \"b\" \"a\"}} {{ne 1 2}} {{lt 1 2}}",
	  "true true true true" },
	{ "{{le 2 2}} {{gt 1 2}} {{ge \"b\" \"a\"}} {{eq .On true}}",
	  "true false true true" },
	{ "{{and 1 0}} {{and 1 2}} {{or 0 \"\" \"x\"}} {{not 0}}",
	  "0 2 x true" },
	{ "{{or true (index .Cmd 99)}}", "true" },
	{ "{{eq .Nil nil}} {{eq .ID nil}}", "true false" },
	/* docker's and podman's functions */
	{ "{{join .Cmd \",\"}} {{split \"a,b\" \",\"}}", "sh,-c,a b [a b]" },
	{ "{{split \"abc\" \"\"}}", "[a b c]" },
	{ "{{title \"hello world foo_bar o'neil\"}}",
	  "Hello World Foo_bar O'Neil" },
	{ "{{lower \"ABC\"}} {{upper \"abc\"}}", "abc ABC" },
	{ "{{truncate .ID 3}} {{truncate \"ab\" 5}}", "012 ab" },
	{ "{{pad \"x\" 2 3}}|{{pad \"\" 2 3}}|", "  x   ||" },
};

static void test_run(void **state unused_attr)
{
	struct json_object *o = data();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template *t = NULL;
		struct sb out = SB_INIT;

		print_message("case: %s\n", cases[i].text);
		assert_ok(template_parse(cases[i].text, &t, err));
		assert_ok(template_run(t, o, &out, err));
		assert_string_equal(out.buf, cases[i].want);
		sb_done(&out);
		template_free(t);
	}
	json_object_put(o);
}

static const struct {
	const char *text;
	const char *say;	/* part of the message */
} bad_cases[] = {
	{ "{{", "unclosed action" },
	{ "{{.ID", "unclosed action" },
	{ "{{\"x}}", "unclosed action" },
	{ "{{.ID{{", "unclosed action" },
	{ "{{end}}", "unexpected {{end}}" },
	{ "{{else}}", "unexpected {{else}}" },
	{ "{{if .On}}x", "no {{end}}" },
	{ "{{if .On}}x{{else}}y", "no {{end}}" },
	{ "{{if .On}}x{{else}}y{{else}}z{{end}}", "unexpected {{else}}" },
	{ "{{if}}x{{end}}", "missing value" },
	{ "{{}}", "missing value" },
	{ "{{.A |}}", "missing value" },
	{ "{{nosuch 1}}", "function \"nosuch\" not defined" },
	{ "{{(.A}}", "unclosed left paren" },
	{ "{{.A)}}", "unexpected token" },
	{ "{{.A ? 1}}", "bad character U+003F '?'" },
	{ "{{12x}}", "bad number syntax" },
	{ "{{'ab'}}", "malformed character" },
	{ "{{\"\\z\"}}", "invalid escape" },
	{ "{{\"a\\x00b\"}}", "invalid escape" },
	{ "{{break}}", "outside {{range}}" },
	{ "{{if .On}}{{define \"x\"}}{{end}}{{end}}", "unexpected {{define}}" },
	{ "{{range .Cmd}}{{define \"x\"}}{{end}}{{end}}", "unexpected" },
	{ "{{define \"x\"}}", "no {{end}}" },
	{ "{{define \"x\"}}{{else}}{{end}}", "unexpected {{else}}" },
	{ "{{define x}}{{end}}", "quoted string" },
	{ "{{define \"x\" .ID}}{{end}}", "unexpected token" },
	{ "{{template \"x\"}}", "template \"x\" not defined" },
	{ "{{template}}", "quoted string" },
	{ "{{block \"x\"}}{{end}}", "missing value" },
	{ "{{range .Cmd}}{{block \"x\" .}}{{break}}{{end}}{{end}}",
	  "outside {{range}}" },
	{ "{{$v := 1}}{{define \"x\"}}{{$v}}{{end}}{{template \"x\"}}",
	  "undefined variable \"$v\"" },
	{ "{{.Time.Nope}}", "can't evaluate field Nope in type time.Time" },
	{ "{{.Dur.Nope}}", "field Nope in type time.Duration" },
	{ "{{.Time.Format}}", "wrong number of args for Format: want 1 got 0" },
	{ "{{.Time.Unix 1}}", "wrong number of args for Unix: want 0 got 1" },
	{ "{{.Time.Format 1}}", "for Format; expected string" },
	{ "{{.Time.Before \"x\"}}", "for Before; expected time.Time" },
	{ "{{.Time.Add \"x\"}}", "for Add; expected time.Duration" },
	{ "{{.NoTime.Unix}}", "\"soon\" is no time" },
	{ "{{len .Time}}", "len of type time.Time" },
	{ "{{slice .Cmd 0 2 1}}", "invalid slice index" },
	{ "{{slice .Cmd 0 1 9}}", "index out of range" },
	{ "{{slice .ID 0 1 2}}", "3-index slice" },
	{ "{{$a, $b := 1}}", "two variables" },
	{ "{{$y}}", "undefined variable \"$y\"" },
	{ "{{.Nope}}", "can't evaluate field Nope" },
	{ "{{.Name}}", "near: Names" },
	{ "{{.id}}", "near: ID" },
	{ "{{.State.Nope}}", "there are: Status, Pid" },
	{ "{{.ID.X}}", "field X in type string" },
	{ "{{.Nil.X}}", "nil pointer evaluating field X" },
	{ "{{.Label}}", "wrong number of args for Label: want 1 got 0" },
	{ "{{.Label 1}}", "expected string" },
	{ "{{.ID 1}}", "can't give argument to non-function" },
	{ "{{index .Cmd 9}}", "index out of range: 9" },
	{ "{{index .Cmd -1}}", "index out of range: -1" },
	{ "{{index .Nil 1}}", "untyped nil" },
	{ "{{len 3}}", "len of type int" },
	{ "{{eq 1 1.0}}", "incompatible types" },
	{ "{{eq \"1\" 1}}", "incompatible types" },
	{ "{{eq 1}}", "wrong number of args for eq" },
	{ "{{range .ID}}{{end}}", "can't iterate" },
	{ "{{join .ID \",\"}}", "wants a list" },
	{ "{{upper 3}}", "wants a string" },
};

static void test_bad(void **state unused_attr)
{
	struct json_object *o = data();

	for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
		struct err err = ERR_INIT;
		struct template *t = NULL;
		struct sb out = SB_INIT;
		int r = template_parse(bad_cases[i].text, &t, &err);

		print_message("case: %s\n", bad_cases[i].text);
		if (!r)
			r = template_run(t, o, &out, &err);
		assert_true(r < 0);
		assert_int_equal(r, -err.code);
		if (!strstr(err.msg, bad_cases[i].say))
			fail_msg("\"%s\" does not say \"%s\"", err.msg,
				 bad_cases[i].say);
		sb_done(&out);
		template_free(t);
	}
	json_object_put(o);
}

/* A template that repeats itself comes to an end. */
static void test_bounds(void **state unused_attr)
{
	static const char *const texts[] = {
		"{{define \"x\"}}{{template \"x\"}}{{end}}"
		"{{template \"x\"}}",
		"{{range 1000000000}}{{end}}",
		"{{range 1000000}}{{range 1000000}}x{{end}}{{end}}",
		"{{$x := \"0123456789\"}}{{range 100}}{{$x = print $x $x}}"
		"{{end}}",
		"{{$x := \"0123456789\"}}{{range 20}}{{$x = print $x $x}}"
		"{{end}}{{range 100}}{{$x}}{{end}}",
	};
	char deep[4096];
	struct template *t = NULL;
	struct err why = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sb out = SB_INIT;

		print_message("case: %s\n", texts[i]);
		assert_ok(template_parse(texts[i], &t, err));
		assert_fails(template_run(t, NULL, &out, err), E2BIG);
		sb_done(&out);
		template_free(t);
	}
	memset(deep, '(', sizeof(deep));
	memcpy(deep, "{{", 2);
	snprintf(deep + 2000, 16, "}}");
	assert_int_equal(template_parse(deep, &t, &why), -EINVAL);
	assert_non_null(strstr(why.msg, "nested too deeply"));
}

/* What the user's zone is called, and is; a template that calls itself. */
static void test_local(void **state unused_attr)
{
	struct json_object *o = data();
	struct template *t = NULL;
	struct sb out = SB_INIT;

	setenv("TZ", "XST-3", 1);
	assert_ok(template_parse("{{.Time.Local}} {{.Time.Local.Hour}} "
				 "{{.Time.Local.UTC.Hour}} "
				 "{{.Time.Local.Equal .Time}} {{.Time}}",
				 &t, err));
	assert_ok(template_run(t, o, &out, err));
	unsetenv("TZ");
	assert_string_equal(out.buf,
			    "2026-11-20 16:27:53.27033215 +0300 XST 16 13 true "
			    "2026-11-20 13:27:53.27033215 +0000 UTC");
	sb_done(&out);
	template_free(t);
	json_object_put(o);
}

static void test_json_leaves_hidden_out(void **state unused_attr)
{
	struct json_object *o = data();
	struct template *t = NULL;
	struct sb out = SB_INIT;

	assert_ok(template_parse("{{json .}}", &t, err));
	assert_ok(template_run(t, o, &out, err));
	assert_null(strstr(out.buf, "Hidden"));
	assert_null(strstr(out.buf, "\"Label\""));
	assert_non_null(strstr(out.buf, "\"Labels\":{\"a\":\"1\",\"b\""));
	sb_done(&out);
	template_free(t);
	json_object_put(o);
}

static void test_to_json(void **state unused_attr)
{
	struct json_object *o = data();
	struct json_object *v = NULL;

	template_to_json(o);
	assert_false(json_object_object_get_ex(o, "Hidden", &v));
	assert_false(json_object_object_get_ex(o, "Label", &v));
	assert_false(json_object_object_get_ex(o, "ZStr", &v));
	assert_false(json_object_object_get_ex(o, "ZNil", &v));
	assert_true(json_object_object_get_ex(o, "NMap", &v));
	assert_null(v);
	assert_true(json_object_object_get_ex(o, "ID", &v));
	assert_string_equal(json_text(json_object_object_get(o, "Labels")),
			    "{\"a\":\"1\",\"b\":\"2\"}");
	json_object_put(o);
}

UNIT_TESTS(unit_test(test_run), unit_test(test_bad), unit_test(test_bounds),
	   unit_test(test_local), unit_test(test_json_leaves_hidden_out),
	   unit_test(test_to_json));
