/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The end of every command that lists or inspects: JSON rows go in, text for
 * a person, a template's text or JSON comes out.  A row's cells are collected
 * tab separated first and aligned afterwards (cmd/table.c), since widths are
 * known only then.
 *
 * What an image, a registry or a container chose must not drive the user's
 * terminal: when stdout is one, all that is printed goes through safe_text().
 */
#include "cmd/format.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/table.h"
#include "util/json.h"
#include "util/safe.h"
#include "util/str.h"

#define LIST_INDENT 2
#define INSPECT_INDENT 5

void print_text(const char *s, size_t len)
{
	autosb struct sb safe = SB_INIT;

	if (!isatty(STDOUT_FILENO)) {
		fwrite(s, 1, len, stdout);
		return;
	}
	safe_text(&safe, s, len);
	fwrite(safe.buf, 1, safe.len, stdout);
}

int out_flush(struct err *err)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		int code = errno ? errno : EIO;

		clearerr(stdout);
		return err_code(err, code, "write to standard output");
	}
	return 0;
}

bool format_is_json(const char *format)
{
	autofree char *text = xstrdup(format ? format : "");

	return streq(str_trim(text), "json");
}

static void print_json(struct json_object *o, int indent)
{
	autosb struct sb text = SB_INIT;

	template_to_json(o);
	json_pretty(o, indent, &text);
	sb_addch(&text, '\n');
	print_text(text.buf, text.len);
}

/* ---- tables ----------------------------------------------------------- */

/* A cell must not break the table. */
static void add_cell(struct json_object *row, const char *field,
		     struct sb *out)
{
	const char *s = json_str(row, field);
	struct json_object *other = NULL;

	if (!s) {
		other = json_object_object_get(row, field);
		s = other ? json_text(other) : "";
	}
	for (; *s; s++)
		sb_addch(out, *s == '\t' || *s == '\n' ? ' ' : *s);
}

static void default_table(struct json_object *rows,
			  const struct column *columns, bool noheading,
			  struct sb *out)
{
	size_t n = json_object_array_length(rows);

	for (const struct column *c = columns;
	     !noheading && c->field && *c->header; c++)
		sb_addf(out, "%s%s", c == columns ? "" : "\t", c->header);
	if (!noheading)
		sb_addch(out, '\n');
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		for (const struct column *c = columns; c->field && *c->header;
		     c++) {
			if (c != columns)
				sb_addch(out, '\t');
			add_cell(row, c->field, out);
		}
		sb_addch(out, '\n');
	}
}

/* "RepoTags" -> "REPO TAGS", "ID" -> "ID": a blank where a lower-case letter
 * meets an upper-case one */
static void default_header(const char *field, struct sb *out)
{
	for (const char *s = field; *s; s++) {
		if (s > field && isupper((unsigned char)*s) &&
		    islower((unsigned char)s[-1]))
			sb_addch(out, ' ');
		sb_addch(out, (char)toupper((unsigned char)*s));
	}
}

static void set_header(struct json_object *head, const char *field,
		       const char *text)
{
	struct json_object *o = json_object_new_string(text);

	template_mark_header(o);
	json_set(head, field, o);
}

static struct json_object *header_row(const struct column *columns,
				      struct json_object *rows)
{
	struct json_object *head = json_object_new_object();
	struct json_object *row = json_object_array_get_idx(rows, 0);

	if (row) {
		json_object_object_foreach(row, key, child)
		{
			autosb struct sb text = SB_INIT;

			(void)child;
			default_header(key, &text);
			set_header(head, key, text.buf);
		}
	}
	for (const struct column *c = columns; c->field; c++) {
		autosb struct sb text = SB_INIT;

		default_header(c->field, &text);
		set_header(head, c->field, *c->header ? c->header : text.buf);
	}
	/* A map: unknown fields and methods give no header, no error. */
	template_mark_map(head);
	return head;
}

/* Blanks between the actions of a table template are column separators. */
static char *table_template(const char *text)
{
	autosb struct sb out = SB_INIT;
	bool action = false;

	while (isspace((unsigned char)*text))
		text++;
	for (; *text; text++) {
		if (str_starts(text, "{{"))
			action = true;
		else if (str_starts(text, "}}"))
			action = false;
		sb_addch(&out, *text == ' ' && !action ? '\t' : *text);
	}
	return sb_take(&out);
}

/* The --format argument decides, not what it printed: "{{println .ID}}" gives
 * two newlines, as it does in podman and docker. */
const char *format_line_end(const char *format)
{
	static const char *const ends[] = { "\n", "\\n", "{{\"\\n\"}}" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(format, ends[i]))
			return "";
	return "\n";
}

static int add_row(const struct template *t, struct json_object *row,
		   const char *end, struct sb *out, struct err *err)
{
	int r = template_run(t, row, out, err);

	if (!r)
		sb_add(out, end);
	return r;
}

static int add_rows(const struct template *t, struct json_object *rows,
		    const char *end, struct sb *out, struct err *err)
{
	size_t n = json_object_array_length(rows);

	for (size_t i = 0; i < n; i++) {
		int r = add_row(t, json_object_array_get_idx(rows, i), end,
				out, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* @columns: NULL without heads */
static int print_table(const char *text, struct json_object *rows,
		       const struct column *columns, struct err *err)
{
	auto_template struct template *t = NULL;
	autojson struct json_object *head =
		columns ? header_row(columns, rows) : NULL;
	autofree char *format = table_template(text);
	const char *end = format_line_end(format);
	autosb struct sb raw = SB_INIT;
	autosb struct sb out = SB_INIT;
	int r = template_parse(format, &t, err);

	if (!r && head && add_row(t, head, end, &raw, NULL) < 0)
		sb_trunc(&raw, 0);
	if (!r)
		r = add_rows(t, rows, end, &raw, err);
	if (r < 0)
		return r;
	table_align(raw.buf, &out);
	print_text(out.buf, out.len);
	return 0;
}

/* "{{range .}}...{{end}}", also with variables, gets all rows at once; anything
 * else, "{{range .Names}}" too, one by one. */
static bool ranges_itself(const char *format)
{
	const char *end;

	if (!str_starts(format, "{{"))
		return false;
	format += 2;
	if (*format == '-')
		format++;
	format += strspn(format, " ");
	end = strstr(format, "}}");
	if (!str_starts(format, "range") || !end)
		return false;
	while (end > format && strchr(" -", end[-1]))
		end--;
	return end[-1] == '.' && strchr(" =", end[-2]);
}

static int print_template(const char *format, struct json_object *rows,
			  struct err *err)
{
	auto_template struct template *t = NULL;
	autosb struct sb out = SB_INIT;
	int r = template_parse(format, &t, err);

	if (!r && ranges_itself(format))
		r = add_row(t, rows, format_line_end(format), &out, err);
	else if (!r)
		r = add_rows(t, rows, format_line_end(format), &out, err);
	if (!r)
		print_text(out.buf, out.len);
	return r;
}

int print_rows(const char *format, struct json_object *rows,
	       struct json_object *json, const struct column *columns,
	       bool noheading, struct err *err)
{
	autosb struct sb raw = SB_INIT;
	autosb struct sb out = SB_INIT;

	if (format_is_json(format)) {
		print_json(json ? json : rows, LIST_INDENT);
		return 0;
	}
	if (!str_is_empty(format) && !streq(format, "table")) {
		const char *table = str_after(format, "table ");

		return table ? print_table(table, rows,
					   noheading ? NULL : columns, err) :
			       print_template(format, rows, err);
	}
	default_table(rows, columns, noheading, &raw);
	table_align(raw.buf, &out);
	print_text(out.buf, out.len);
	return 0;
}

int print_objects(const char *format, struct json_object *objects,
		  struct err *err)
{
	auto_template struct template *t = NULL;
	autosb struct sb out = SB_INIT;
	int r = 0;

	if (str_is_empty(format) || format_is_json(format)) {
		print_json(objects, INSPECT_INDENT);
		return 0;
	}
	/* of objects: columns as in a list, but no heads */
	if (str_starts(format, "table "))
		return print_table(format + strlen("table "), objects, NULL,
				   err);
	r = template_parse(format, &t, err);
	if (!r)
		r = add_rows(t, objects, format_line_end(format), &out, err);
	if (!r)
		print_text(out.buf, out.len);
	return r;
}
