/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_FORMAT_H
#define CMD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/json.h"
#include "util/sb.h"

/*
 * --format: the subset of Go's text/template that users' scripts need, run on
 * json-c values.  "table " prefixes, "json", "\t" and "\n" escapes.
 *
 * The data of one row is a JSON object; its keys are the field names.  A
 * struct field that does not exist is an error that names near fields; a
 * missing key of a map (an object made with template_mark_map()) prints
 * "<no value>".
 */
struct template;

/** template_parse() - @text is borrowed; size and nesting are bounded
 *  Return: 0, -EINVAL "template: unclosed action" */
int template_parse(const char *text, struct template **ret, struct err *err);

/** template_run() - append to @out; steps and output are bounded (ERR_LIMIT)
 *  @data: borrowed; NULL is nil */
int template_run(const struct template *t, struct json_object *data,
		 struct sb *out, struct err *err);
void template_free(struct template *t);

static inline void cleanup_template(struct template **t)
{
	template_free(*t);
}

#define auto_template cleanup(cleanup_template)

/** template_mark_map() - @o is a Go map (labels), not a struct; NULL is fine */
void template_mark_map(struct json_object *o);

/** template_to_json() - make @o what Go's JSON encoder prints: without what is
 *  for templates only, the keys of marked maps in order */
void template_to_json(struct json_object *o);

/** template_mark_duration() - @o is a number of nanoseconds that templates
 *  print as Go's time.Duration: "1m30s"; %d still prints the number */
void template_mark_duration(struct json_object *o);

/** template_zero_duration() - one that JSON leaves out: "0s"; not if there is
 *  a @name, nor without an @o */
void template_zero_duration(struct json_object *o, const char *name);

/** template_mark_time() - @o is a string in RFC 3339 that templates print as
 *  Go prints a time ("2026-11-20 13:27:53.27 +0000 UTC") */
void template_mark_time(struct json_object *o);

/** template_put_hidden() - a field of @o for templates only: {{json .}} and
 *  {{.}} of @o leave it out; @value is taken */
void template_put_hidden(struct json_object *o, const char *name,
			 struct json_object *value);

/** template_mark_method() - @o is a map asked with an argument: under the key
 *  "Label" it makes {{.Label "k"}} work; hidden as above */
void template_mark_method(struct json_object *o);

/** template_mark_header() - @o is the head of a column, a string */
void template_mark_header(struct json_object *o);

/**
 * struct zero_field - a field that a Go struct has and its JSON leaves out
 *                     while it is empty ("omitempty")
 * @type: json_type_null for a nil pointer
 */
struct zero_field {
	const char *name;
	enum json_type type;
};

/**
 * template_zeros() - give @o the fields that it lacks, for templates only
 * @fields: ended by a NULL name
 *
 * {{.Labels}} of an image without labels prints "map[]", {{json .Labels}}
 * "null"; {{json .}} and {{.}} of @o itself leave it out.
 */
void template_zeros(struct json_object *o, const struct zero_field *fields);

/** template_null_lists() - what is null in @map is an empty list to templates;
 *  JSON still shows null */
void template_null_lists(struct json_object *map);

/**
 * struct column - one column of a command's default table
 * @field:  key in the row object
 * @header: "CONTAINER ID"
 *
 * A row with an empty @header names a field that is only in "table"
 * templates, after the default columns (its header is the field's name in
 * upper case unless another row of the list says otherwise).
 */
struct column {
	const char *field;
	const char *header;
};

/**
 * print_rows() - what every list command ends with
 * @format:  --format argument or NULL (the default columns)
 * @rows:    JSON array of row objects for templates and tables
 * @json:    array that `--format json` prints (may be another form); NULL =
 *           @rows
 * @columns: default columns, ended by { NULL, NULL }; also the headers of
 *           "table" templates (field name to header)
 * @noheading: -n/--noheading
 *
 * Text columns are padded to the longest cell and two blanks, every value is
 * made terminal-safe when stdout is a terminal.
 */
int print_rows(const char *format, struct json_object *rows,
	       struct json_object *json, const struct column *columns,
	       bool noheading, struct err *err);

/** print_objects() - inspect and info: template per object (NULL: JSON array
 *  indented as podman does it); a "table" has no heads */
int print_objects(const char *format, struct json_object *objects,
		  struct err *err);

/** print_text() - to stdout, made terminal-safe when that is a terminal */
void print_text(const char *s, size_t len);

/** format_is_json() - "json"; "{{json .}}" is a template: a line per row */
bool format_is_json(const char *format);

/** format_line_end() - what follows the text of each row: a newline, unless
 *  the --format argument ends with one */
const char *format_line_end(const char *format);

/** out_flush() - flush stdout; -EIO etc. when it could not be written */
int out_flush(struct err *err);

#endif
