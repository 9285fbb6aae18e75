/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_TEMPLATE_PRIV_H
#define CMD_TEMPLATE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/format.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/json.h"
#include "util/sb.h"

/* ---- tokens: cmd/template_lex.c --------------------------------------- */

enum token_type {
	TOK_END,	/* of the action */
	TOK_DOT,	/* . alone */
	TOK_FIELD,	/* .Name; text = Name */
	TOK_VAR,	/* $x; text = x ("" = $) */
	TOK_IDENT,
	TOK_STR,	/* text = the value, escapes resolved */
	TOK_INT,	/* num; a character literal too */
	TOK_FLOAT,	/* real */
	TOK_OPEN,
	TOK_CLOSE,
	TOK_PIPE,
	TOK_COMMA,
	TOK_DECLARE,	/* := */
	TOK_ASSIGN,	/* = */
};

struct token {
	enum token_type type;
	bool glued;	/* no blank before it: "$x.Name", ").Name" */
	char *text;	/* owned */
	int64_t num;
	double real;
};

struct lexer {
	const char *s;	/* next character of the action */
	const char *end;
	struct token tok;
};

/** lex_next() - @lx->tok becomes the next token */
int lex_next(struct lexer *lx, struct err *err);
void lex_done(struct lexer *lx);

/** lex_action_end() - the "}}" that ends the action that begins at @s, past
 *  quotes and comments; NULL when there is none */
const char *lex_action_end(const char *s);

/* ---- tree: cmd/template_parse.c, cmd/template_tree.c ------------------ */

enum operand_type {
	OPD_DOT,	/* fields of . */
	OPD_VAR,	/* $name and fields of it */
	OPD_PIPE,	/* (pipeline) and fields of it */
	OPD_FUNC,
	OPD_VALUE,	/* literal; NULL value = nil */
};

struct pipe;

struct operand {
	enum operand_type type;
	char *name;			/* of the variable or function */
	char **fields;
	struct json_object *value;
	struct pipe *pipe;
	struct operand *next;
};

struct command {
	struct operand *args;	/* the first is what is called */
	struct command *next;
};

struct pipe {
	char *decl[2];		/* $k, $v := ... */
	bool assign;		/* $x = ... */
	struct command *cmds;
};

enum node_type {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_TEMPLATE,	/* text: the name of what is run; NULL: nothing */
};

struct node {
	enum node_type type;
	char *text;
	struct pipe *pipe;
	struct node *list;
	struct node *other;	/* else */
	struct node *next;
};

/* {{define "name"}} and {{block "name"}} */
struct define {
	char *name;
	struct node *nodes;
	struct define *next;
};

struct template {
	struct node *nodes;
	struct define *defines;	/* the newest first */
};

void nodes_free(struct node *n);
void operand_free(struct operand *o);

/** template_define() - a new definition, whose list is yet to be filled in */
struct define *template_define(struct template *t, const char *name);

/** template_defined() - NULL: there is none of that name */
const struct define *template_defined(const struct template *t,
				      const char *name);

/* ---- values: cmd/template_value.c ------------------------------------- */

/**
 * struct value - what a pipeline yields
 * @o:    owned reference; NULL = nil
 * @none: nothing at all: a missing key of a map
 */
struct value {
	struct json_object *o;
	bool none;
};

#define VALUE_NONE ((struct value){ NULL, true })

enum value_kind {
	VAL_NONE,
	VAL_NIL,
	VAL_BOOL,
	VAL_INT,
	VAL_FLOAT,
	VAL_STR,
	VAL_LIST,
	VAL_MAP,
	VAL_STRUCT,
};

enum value_kind value_kind(struct value v);
const char *value_type(struct value v);	/* Go's name: "[]string" */
bool value_is_true(struct value v);
bool value_is_time(struct value v);
struct value value_new(struct json_object *o);	/* taken */
struct value value_ref(struct json_object *o);	/* a reference of our own */
void value_done(struct value *v);

#define auto_value cleanup(value_done)

/** value_is_header() - the head of a column: functions that rewrite values
 *  leave it as it is, and asked with an argument it is the key's last part */
bool value_is_header(struct json_object *o);

/** value_is_method() - an argument is looked up in it: .Label "key" */
bool value_is_method(struct json_object *o);

/** value_is_hidden() - json and %v leave it out of the object it is in */
bool value_is_hidden(struct json_object *o);

/** keys_sorted() - of an object, a strv; what is hidden from json left out */
char **keys_sorted(struct json_object *o);

/** value_json() - as the json function prints it */
void value_json(struct json_object *o, struct sb *out);

/** value_field() - v.NAME; unknown fields of a struct name near ones */
int value_field(struct value v, const char *name, struct value *ret,
		struct err *err);

/* ---- times and durations: cmd/template_time.c, cmd/gotime.c ------------ */

/** value_month(), value_weekday() - numbers that print as their names;
 *  January is 1, Sunday 0 */
struct value value_month(int month);
struct value value_weekday(int day);

/** value_int_text() - what a month, weekday or duration prints as; NULL: @v
 *  is a number and nothing else */
const char *value_int_text(struct value v, char buf[DURATION_TEXT_MAX]);

/** value_has_methods() - it is a time or a duration */
bool value_has_methods(struct value v);

/**
 * value_call() - .Created.Format "2006-01-02"
 * @v: a time or a duration
 *
 * Return: 0, -EINVAL: no such method, or not with these arguments
 */
int value_call(struct value v, const char *name, const struct value *args,
	       size_t n, struct value *ret, struct err *err);

/* ---- printing: cmd/template_print.c ----------------------------------- */

/** value_print() - %v; a missing value is "<no value>" */
void value_print(struct value v, struct sb *out);

/** value_printf() - fmt.Sprintf */
void value_printf(const char *fmt, const struct value *args, size_t n,
		  struct sb *out);

/* ---- escapes: cmd/template_escape.c ------------------------------------ */

void escape_html(const char *s, struct sb *out);
void escape_js(const char *s, struct sb *out);
void escape_url(const char *s, struct sb *out);

/* ---- functions: cmd/template_func.c ----------------------------------- */

#define TEMPLATE_ARGS_MAX 32

struct func {
	const char *name;
	int min, max;		/* arguments; -1: no bound */
	int (*fn)(const struct value *args, size_t n, struct value *ret,
		  struct err *err);
	bool rewrites;		/* its first argument */
};

/** func_find() - NULL when there is none; "and" and "or" have no .fn: the
 *  runner evaluates their arguments one by one */
const struct func *func_find(const char *name);

#endif
