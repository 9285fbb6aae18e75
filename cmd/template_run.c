/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Walks the tree of cmd/template_parse.c with one row's data.  Variables live
 * on a stack; a block pops those it made.  Untrusted is the data (labels of
 * an image) more than the template, but both are bounded: steps, and bytes of
 * output.
 */
#include "cmd/template_priv.h"
#include "util/str.h"
#include "util/strv.h"

#define STEPS_MAX 1000000
#define OUT_MAX (64u << 20)
#define TEMPLATES_MAX 100

struct var {
	const char *name;	/* borrowed from the tree */
	struct value value;
};

struct runner {
	const struct template *t;
	struct sb *out;
	size_t out_max;
	int steps;
	struct var *vars;	/* owned */
	size_t n_vars, cap;
	size_t frame;		/* what the running {{template}} sees */
	int depth;		/* of {{template}}s in each other */
};

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE };

static int eval_pipe(struct runner *r, const struct pipe *pipe,
		     struct value dot, struct value *ret, struct err *err);

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, EINVAL, "template: %s", what);
}

static int step(struct runner *r, struct err *err)
{
	if (++r->steps > STEPS_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "template: more than %d steps", STEPS_MAX);
	if (r->out->over || r->out->len > r->out_max)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "template: output is too long");
	return 0;
}

/* ---- variables -------------------------------------------------------- */

static void var_push(struct runner *r, const char *name, struct value v)
{
	if (r->n_vars == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 8;
		r->vars = xreallocarray(r->vars, r->cap, sizeof(*r->vars));
	}
	r->vars[r->n_vars] = (struct var){ name, value_ref(v.o) };
	r->vars[r->n_vars++].value.none = v.none;
}

static void vars_pop(struct runner *r, size_t keep)
{
	while (r->n_vars > keep)
		value_done(&r->vars[--r->n_vars].value);
}

static struct var *var_find(struct runner *r, const char *name)
{
	for (size_t i = r->n_vars; i > r->frame; i--)
		if (streq(r->vars[i - 1].name, name))
			return &r->vars[i - 1];
	return NULL;
}

static int var_assign(struct runner *r, const char *name, struct value v,
		      struct err *err)
{
	struct var *var = var_find(r, name);

	if (!var)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: undefined variable \"$%s\"", name);
	value_done(&var->value);
	var->value = value_ref(v.o);
	var->value.none = v.none;
	return 0;
}

/* ---- operands --------------------------------------------------------- */

/* Follow .A.B from @from (taken).  With @last_is_call it stops at a map that
 * is asked, and (Return: 1) in front of a method of a time or duration. */
static int follow(char *const *fields, struct value from, bool last_is_call,
		  struct value *ret, struct err *err)
{
	auto_value struct value at = from;
	int stopped = 0;

	for (; fields && *fields; fields++) {
		if (last_is_call && !fields[1] && value_has_methods(at)) {
			stopped = 1;
			break;
		}

		struct value next = VALUE_NONE;
		int r = value_field(at, *fields, &next, err);

		if (r < 0)
			return r;
		value_done(&at);
		at = next;
		if (value_is_method(at.o) && !(last_is_call && !fields[1]))
			return err_set(err, ERR_INVALID, EINVAL,
				       "template: wrong number of args for "
				       "%s: want 1 got 0", *fields);
	}
	*ret = at;
	at = VALUE_NONE;
	return stopped;
}

static int call_func(const char *name, const struct value *args, size_t n,
		     struct value *ret, struct err *err)
{
	const struct func *f = func_find(name);

	if (n && f->rewrites && value_is_header(args[0].o)) {
		*ret = value_ref(args[0].o);
		return 0;
	}
	if ((int)n < f->min || (f->max >= 0 && (int)n > f->max))
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: wrong number of args for %s: want "
			       "%s%d got %zu", name,
			       f->max < 0 ? "at least " : "", f->min, n);
	return f->fn(args, n, ret, err);
}

static int eval_operand(struct runner *r, const struct operand *o,
			struct value dot, bool is_call, struct value *ret,
			struct err *err)
{
	struct value from = VALUE_NONE;
	const struct var *var = NULL;
	int rc = 0;

	switch (o->type) {
	case OPD_DOT:
		from = value_ref(dot.o);
		from.none = dot.none;
		break;
	case OPD_VAR:
		var = var_find(r, o->name);
		if (!var)
			return err_set(err, ERR_INVALID, EINVAL,
				       "template: undefined variable \"$%s\"",
				       o->name);
		from = value_ref(var->value.o);
		from.none = var->value.none;
		break;
	case OPD_PIPE:
		rc = eval_pipe(r, o->pipe, dot, &from, err);
		if (rc < 0)
			return rc;
		break;
	case OPD_VALUE:
		*ret = value_ref(o->value);
		return 0;
	case OPD_FUNC:
		return call_func(o->name, NULL, 0, ret, err);
	}
	return follow(o->fields, from, is_call, ret, err);
}

/* ---- commands --------------------------------------------------------- */

/* and, or: the first argument that decides, or the last one */
static int eval_logic(struct runner *r, const struct operand *args,
		      bool is_and, struct value dot, const struct value *piped,
		      struct value *ret, struct err *err)
{
	*ret = VALUE_NONE;
	for (; args; args = args->next) {
		int rc = 0;

		value_done(ret);
		rc = eval_operand(r, args, dot, false, ret, err);
		if (rc < 0)
			return rc;
		if (value_is_true(*ret) != is_and)
			return 0;
	}
	if (piped) {
		value_done(ret);
		*ret = value_ref(piped->o);
		ret->none = piped->none;
	}
	return 0;
}

/* .Label "key": a method is a map that is asked */
static int call_method(struct value method, const char *name,
		       const struct value *args, size_t n, struct value *ret,
		       struct err *err)
{
	struct json_object *child = NULL;

	if (n != 1)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: wrong number of args for %s: want 1 "
			       "got %zu", name, n);
	if (value_kind(args[0]) != VAL_STR)
		return bad(err, "wrong type of argument; expected string");
	if (json_object_object_get_ex(method.o,
				      json_object_get_string(args[0].o),
				      &child))
		*ret = value_ref(child);
	else
		*ret = value_new(json_object_new_string(""));
	return 0;
}

/* docker's head of {{.Label "com.example.my-key"}}: "my key" */
static int call_header(const struct value *args, size_t n, struct value *ret,
		       struct err *err)
{
	autofree char *text = NULL;
	const char *key, *dot;

	if (n != 1 || value_kind(args[0]) != VAL_STR)
		return bad(err, "can't give argument to non-function");
	key = json_object_get_string(args[0].o);
	dot = strrchr(key, '.');
	text = xstrdup(dot ? dot + 1 : key);
	for (char *c = text; *c; c++)
		if (*c == '-' || *c == '_')
			*c = ' ';
	*ret = value_new(json_object_new_string(text));
	return 0;
}

static int apply(struct runner *r, const struct operand *first,
		 struct value dot, const struct value *args, size_t n,
		 struct value *ret, struct err *err)
{
	auto_value struct value called = VALUE_NONE;
	const char *last = NULL;
	int rc = 0;

	if (first->type == OPD_FUNC)
		return call_func(first->name, args, n, ret, err);
	rc = eval_operand(r, first, dot, true, &called, err);
	if (rc < 0)
		return rc;
	if (first->fields)
		last = first->fields[strv_len(first->fields) - 1];
	if (rc > 0)
		return value_call(called, last, args, n, ret, err);
	if (value_is_method(called.o))
		return call_method(called, last, args, n, ret, err);
	if (n && value_is_header(called.o))
		return call_header(args, n, ret, err);
	if (n)
		return bad(err, "can't give argument to non-function");
	*ret = called;
	called = VALUE_NONE;
	return 0;
}

static int eval_command(struct runner *r, const struct command *cmd,
			struct value dot, const struct value *piped,
			struct value *ret, struct err *err)
{
	struct value args[TEMPLATE_ARGS_MAX];
	const struct operand *first = cmd->args;
	size_t n = 0;
	int rc = step(r, err);

	if (rc < 0)
		return rc;
	if (first->type == OPD_FUNC && !func_find(first->name)->fn &&
	    (first->next || piped))
		return eval_logic(r, first->next, streq(first->name, "and"),
				  dot, piped, ret, err);
	for (const struct operand *o = first->next; o && !rc; o = o->next) {
		if (n == TEMPLATE_ARGS_MAX - 1) {
			rc = bad(err, "too many arguments");
			break;
		}
		args[n] = VALUE_NONE;
		rc = eval_operand(r, o, dot, false, &args[n++], err);
	}
	if (!rc && piped) {
		args[n] = value_ref(piped->o);
		args[n++].none = piped->none;
	}
	if (!rc)
		rc = apply(r, first, dot, args, n, ret, err);
	for (size_t i = 0; i < n; i++)
		value_done(&args[i]);
	return rc;
}

static int eval_pipe(struct runner *r, const struct pipe *pipe,
		     struct value dot, struct value *ret, struct err *err)
{
	auto_value struct value v = VALUE_NONE;
	bool first = true;

	for (const struct command *c = pipe->cmds; c; c = c->next) {
		struct value next = VALUE_NONE;
		int rc = eval_command(r, c, dot, first ? NULL : &v, &next,
				      err);

		if (rc < 0)
			return rc;
		value_done(&v);
		v = next;
		first = false;
	}
	*ret = v;
	v = VALUE_NONE;
	return 0;
}

/* ---- blocks ----------------------------------------------------------- */

static int walk(struct runner *r, const struct node *n, struct value dot,
		enum flow *flow, struct err *err);

/* What a pipeline of an action, if or with declares or assigns. */
static int declare(struct runner *r, const struct pipe *pipe, struct value v,
		   struct err *err)
{
	if (pipe->decl[1])
		return bad(err, "two variables outside {{range}}");
	if (!pipe->decl[0])
		return 0;
	if (pipe->assign)
		return var_assign(r, pipe->decl[0], v, err);
	var_push(r, pipe->decl[0], v);
	return 0;
}

static int walk_if(struct runner *r, const struct node *n, struct value dot,
		   enum flow *flow, struct err *err)
{
	auto_value struct value v = VALUE_NONE;
	size_t keep = r->n_vars;
	int rc = eval_pipe(r, n->pipe, dot, &v, err);

	if (!rc)
		rc = declare(r, n->pipe, v, err);
	if (!rc && value_is_true(v))
		rc = walk(r, n->list, n->type == NODE_WITH ? v : dot, flow,
			  err);
	else if (!rc)
		rc = walk(r, n->other, dot, flow, err);
	vars_pop(r, keep);
	return rc;
}

/* One turn of a range. */
static int turn(struct runner *r, const struct node *n, struct value key,
		struct value item, enum flow *flow, struct err *err)
{
	char *const *decl = n->pipe->decl;
	size_t keep = r->n_vars;
	int rc = step(r, err);

	if (!rc && decl[1]) {
		var_push(r, decl[0], key);
		var_push(r, decl[1], item);
	} else if (!rc && decl[0]) {
		var_push(r, decl[0], item);
	}
	if (!rc)
		rc = walk(r, n->list, item, flow, err);
	vars_pop(r, keep);
	return rc;
}

static int range_list(struct runner *r, const struct node *n, struct value v,
		      enum flow *flow, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && *flow != FLOW_BREAK &&
			   i < json_object_array_length(v.o);
	     i++) {
		auto_value struct value key =
			value_new(json_object_new_int64((int64_t)i));

		rc = turn(r, n, key,
			  value_new(json_object_array_get_idx(v.o, i)), flow,
			  err);
	}
	return rc;
}

static int range_map(struct runner *r, const struct node *n, struct value v,
		     enum flow *flow, struct err *err)
{
	autostrv char **keys = keys_sorted(v.o);
	int rc = 0;

	for (char **k = keys; k && *k && !rc && *flow != FLOW_BREAK; k++) {
		auto_value struct value key =
			value_new(json_object_new_string(*k));

		rc = turn(r, n, key,
			  value_new(json_object_object_get(v.o, *k)), flow,
			  err);
	}
	return rc;
}

static int range_int(struct runner *r, const struct node *n, struct value v,
		     enum flow *flow, struct err *err)
{
	int64_t end = json_object_get_int64(v.o);
	int rc = 0;

	for (int64_t i = 0; i < end && !rc && *flow != FLOW_BREAK; i++) {
		auto_value struct value key =
			value_new(json_object_new_int64(i));

		rc = turn(r, n, key, key, flow, err);
	}
	return rc;
}

static int walk_range(struct runner *r, const struct node *n,
		      struct value dot, struct err *err)
{
	auto_value struct value v = VALUE_NONE;
	enum flow inner = FLOW_NEXT;
	int rc = eval_pipe(r, n->pipe, dot, &v, err);

	if (rc < 0)
		return rc;
	switch (value_kind(v)) {
	case VAL_LIST:
		if (json_object_array_length(v.o))
			return range_list(r, n, v, &inner, err);
		break;
	case VAL_MAP:
	case VAL_STRUCT:
		if (json_object_object_length(v.o))
			return range_map(r, n, v, &inner, err);
		break;
	case VAL_INT:
		if (json_object_get_int64(v.o) > 0)
			return range_int(r, n, v, &inner, err);
		break;
	case VAL_NONE:
	case VAL_NIL:
		break;
	case VAL_BOOL:
	case VAL_FLOAT:
	case VAL_STR:
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: range can't iterate over a %s",
			       value_type(v));
	}
	return walk(r, n->other, dot, &inner, err);
}

static int walk_action(struct runner *r, const struct node *n,
		       struct value dot, struct err *err)
{
	auto_value struct value v = VALUE_NONE;
	int rc = eval_pipe(r, n->pipe, dot, &v, err);

	if (rc < 0)
		return rc;
	if (n->pipe->decl[0])
		return declare(r, n->pipe, v, err);
	value_print(v, r->out);
	return 0;
}

/* {{template "x" pipe}}: what it runs sees the argument as . and $, and no
 * variables of its caller. */
static int walk_template(struct runner *r, const struct node *n,
			 struct value dot, struct err *err)
{
	const struct define *d = template_defined(r->t, n->text);
	auto_value struct value v = VALUE_NONE;
	enum flow flow = FLOW_NEXT;
	size_t frame = r->frame;
	size_t keep = r->n_vars;
	int rc = 0;

	if (!d)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: template \"%s\" not defined",
			       n->text);
	if (r->depth == TEMPLATES_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "template: more than %d templates in each other",
			       TEMPLATES_MAX);
	if (n->pipe)
		rc = eval_pipe(r, n->pipe, dot, &v, err);
	if (rc < 0)
		return rc;
	r->depth++;
	r->frame = keep;
	var_push(r, "", v);
	rc = walk(r, d->nodes, v, &flow, err);
	vars_pop(r, keep);
	r->frame = frame;
	r->depth--;
	return rc;
}

static int walk(struct runner *r, const struct node *n, struct value dot,
		enum flow *flow, struct err *err)
{
	size_t keep = r->n_vars;
	int rc = 0;

	*flow = FLOW_NEXT;
	for (; n && !rc && *flow == FLOW_NEXT; n = n->next) {
		rc = step(r, err);
		if (rc < 0)
			break;
		switch (n->type) {
		case NODE_TEXT:
			sb_add(r->out, n->text);
			break;
		case NODE_ACTION:
			rc = walk_action(r, n, dot, err);
			break;
		case NODE_IF:
		case NODE_WITH:
			rc = walk_if(r, n, dot, flow, err);
			break;
		case NODE_RANGE:
			rc = walk_range(r, n, dot, err);
			break;
		case NODE_TEMPLATE:
			if (n->text)
				rc = walk_template(r, n, dot, err);
			break;
		case NODE_BREAK:
			*flow = FLOW_BREAK;
			break;
		case NODE_CONTINUE:
			*flow = FLOW_CONTINUE;
			break;
		}
	}
	vars_pop(r, keep);
	return rc;
}

int template_run(const struct template *t, struct json_object *data,
		 struct sb *out, struct err *err)
{
	struct runner r = { .t = t,
			    .out = out,
			    .out_max = out->len + OUT_MAX };
	struct value dot = { data, false };
	enum flow flow = FLOW_NEXT;
	int rc = 0;

	var_push(&r, "", dot);
	rc = walk(&r, t->nodes, dot, &flow, err);
	vars_pop(&r, 0);
	free(r.vars);
	return rc;
}
