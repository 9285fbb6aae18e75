/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A --format argument becomes a tree: text, actions and blocks; an action is
 * a pipeline of commands, a command a list of operands.  Recursive descent,
 * bounded by the length of the text and a nesting depth.  "\t" and "\n" typed
 * as two characters in the text (not in literals) are the characters, as the
 * engines of this field read them.
 *
 *     pipeline = [ $x [, $y] (:= | =) ] command { "|" command }
 *     command  = operand { operand }
 *     operand  = "." | chain | $x chain | "(" pipeline ")" chain | literal
 *              | function
 */
#include "cmd/template_priv.h"
#include "util/str.h"
#include "util/strv.h"

#define TEXT_MAX 65536
#define DEPTH_MAX 64

struct parser {
	struct lexer lx;
	struct template *t;
	const char *s;	/* behind the last action */
	bool trim;	/* ... which ended in " -}}" */
	int depth;
	int loops;
};

enum block_end { END_TEXT, END_END, END_ELSE };

static int parse_list(struct parser *p, struct node **ret, enum block_end *how,
		      struct err *err);
static int parse_pipe(struct parser *p, struct pipe **ret, struct err *err);

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, EINVAL, "template: %s", what);
}

/* ---- operands --------------------------------------------------------- */

static int take_fields(struct parser *p, struct operand *o, struct err *err)
{
	while (p->lx.tok.type == TOK_FIELD && p->lx.tok.glued) {
		strv_add(&o->fields, p->lx.tok.text);
		if (lex_next(&p->lx, err) < 0)
			return -EINVAL;
	}
	return 0;
}

static int parse_paren(struct parser *p, struct operand *o, struct err *err)
{
	int r = 0;

	if (++p->depth > DEPTH_MAX)
		return bad(err, "nested too deeply");
	r = lex_next(&p->lx, err);
	if (!r)
		r = parse_pipe(p, &o->pipe, err);
	p->depth--;
	if (r < 0)
		return r;
	if (p->lx.tok.type != TOK_CLOSE)
		return bad(err, "unclosed left paren");
	return lex_next(&p->lx, err);
}

static int parse_word(struct parser *p, struct operand *o, struct err *err)
{
	const char *name = p->lx.tok.text;

	o->type = OPD_VALUE;
	if (streq(name, "true") || streq(name, "false")) {
		o->value = json_object_new_boolean(*name == 't');
	} else if (!streq(name, "nil")) {
		if (!func_find(name))
			return err_set(err, ERR_INVALID, EINVAL,
				       "template: function \"%s\" not defined",
				       name);
		o->type = OPD_FUNC;
		o->name = xstrdup(name);
	}
	return lex_next(&p->lx, err);
}

static int parse_literal(struct parser *p, struct operand *o, struct err *err)
{
	const struct token *t = &p->lx.tok;

	o->type = OPD_VALUE;
	if (t->type == TOK_STR)
		o->value = json_object_new_string(t->text);
	else if (t->type == TOK_INT)
		o->value = json_object_new_int64(t->num);
	else
		o->value = json_object_new_double(t->real);
	return lex_next(&p->lx, err);
}

/* Return: 1 an operand, 0 there is none, -errno; *ret is set in any case. */
static int parse_operand(struct parser *p, struct operand **ret,
			 struct err *err)
{
	struct operand *o = xcalloc(1, sizeof(*o));
	int r = 0;

	*ret = o;
	switch (p->lx.tok.type) {
	case TOK_DOT:
		r = lex_next(&p->lx, err);
		break;
	case TOK_FIELD:
		p->lx.tok.glued = true;
		break;
	case TOK_VAR:
		o->type = OPD_VAR;
		o->name = xstrdup(p->lx.tok.text);
		r = lex_next(&p->lx, err);
		break;
	case TOK_OPEN:
		o->type = OPD_PIPE;
		r = parse_paren(p, o, err);
		break;
	case TOK_IDENT:
		r = parse_word(p, o, err);
		return r < 0 ? r : 1;
	case TOK_STR:
	case TOK_INT:
	case TOK_FLOAT:
		r = parse_literal(p, o, err);
		return r < 0 ? r : 1;
	case TOK_END:
	case TOK_CLOSE:
	case TOK_PIPE:
		return 0;
	case TOK_COMMA:
	case TOK_DECLARE:
	case TOK_ASSIGN:
		return bad(err, "unexpected operator in operand");
	}
	if (!r)
		r = take_fields(p, o, err);
	return r < 0 ? r : 1;
}

static int parse_command(struct parser *p, struct command **ret,
			 struct err *err)
{
	struct operand **tail = NULL;
	int r = 0;

	*ret = xcalloc(1, sizeof(**ret));
	tail = &(*ret)->args;
	do {
		struct operand *o = NULL;

		r = parse_operand(p, &o, err);
		if (r != 1) {
			operand_free(o);
			break;
		}
		*tail = o;
		tail = &o->next;
	} while (true);
	if (r < 0)
		return r;
	return (*ret)->args ? 0 : bad(err, "missing value for command");
}

/* ---- pipelines -------------------------------------------------------- */

/* "$x :=", "$k, $v :=" or "$x =": looks ahead with a second lexer. */
static int parse_decl(struct parser *p, struct pipe *pipe, struct err *err)
{
	struct lexer ahead = { p->lx.s, p->lx.end, { 0 } };
	int vars = 1;
	int r = lex_next(&ahead, err);

	if (!r && ahead.tok.type == TOK_COMMA) {
		vars = 2;
		r = lex_next(&ahead, err);
		if (!r && ahead.tok.type != TOK_VAR)
			r = bad(err, "a variable must follow the comma");
		if (!r)
			pipe->decl[1] = take_ptr(ahead.tok.text);
		if (!r)
			r = lex_next(&ahead, err);
	}
	if (!r && (ahead.tok.type == TOK_DECLARE ||
		   ahead.tok.type == TOK_ASSIGN)) {
		pipe->assign = ahead.tok.type == TOK_ASSIGN;
		pipe->decl[0] = xstrdup(p->lx.tok.text);
		p->lx.s = ahead.s;
		r = lex_next(&p->lx, err);
	} else if (!r && vars == 2) {
		r = bad(err, "expected := behind the variables");
	}
	lex_done(&ahead);
	return r;
}

static int parse_pipe(struct parser *p, struct pipe **ret, struct err *err)
{
	struct pipe *pipe = xcalloc(1, sizeof(*pipe));
	struct command **tail = &pipe->cmds;
	int r = 0;

	*ret = pipe;
	if (p->lx.tok.type == TOK_VAR)
		r = parse_decl(p, pipe, err);
	while (!r) {
		r = parse_command(p, tail, err);
		if (r < 0 || p->lx.tok.type != TOK_PIPE)
			break;
		tail = &(*tail)->next;
		r = lex_next(&p->lx, err);
	}
	return r;
}

/* ---- blocks ----------------------------------------------------------- */

static int expect_end(struct parser *p, struct err *err)
{
	if (p->lx.tok.type == TOK_END)
		return 0;
	return bad(err, "unexpected token at the end of an action");
}

static int parse_control(struct parser *p, struct node *n, struct err *err);

/* Behind {{else}}: "{{else if X}}" is an if inside, without an end. */
static int parse_else(struct parser *p, struct node *n, struct err *err)
{
	static const struct {
		const char *word;
		enum node_type type;
	} chained[] = { { "if", NODE_IF }, { "with", NODE_WITH } };
	enum block_end how = END_TEXT;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(chained); i++) {
		if (p->lx.tok.type != TOK_IDENT ||
		    !streq(p->lx.tok.text, chained[i].word))
			continue;
		n->other = xcalloc(1, sizeof(*n->other));
		n->other->type = chained[i].type;
		return parse_control(p, n->other, err);
	}
	r = expect_end(p, err);
	if (!r)
		r = parse_list(p, &n->other, &how, err);
	if (!r && how != END_END)
		r = bad(err, how == END_ELSE ? "unexpected {{else}}" :
					       "unexpected EOF: no {{end}}");
	return r;
}

/* if, range, with: pipeline, list, [else list], end */
static int parse_control(struct parser *p, struct node *n, struct err *err)
{
	enum block_end how = END_TEXT;
	int r = 0;

	if (++p->depth > DEPTH_MAX)
		return bad(err, "nested too deeply");
	p->loops += n->type == NODE_RANGE;
	r = lex_next(&p->lx, err);
	if (!r)
		r = parse_pipe(p, &n->pipe, err);
	if (!r)
		r = expect_end(p, err);
	if (!r)
		r = parse_list(p, &n->list, &how, err);
	p->loops -= n->type == NODE_RANGE;
	if (!r && how == END_TEXT)
		r = bad(err, "unexpected EOF: no {{end}}");
	if (!r && how == END_ELSE)
		r = parse_else(p, n, err);
	p->depth--;
	return r;
}

/* {{break}}, {{continue}} */
static int parse_jump(struct parser *p, struct err *err)
{
	int r;

	if (!p->loops)
		return bad(err, "break or continue outside {{range}}");
	r = lex_next(&p->lx, err);
	return r < 0 ? r : expect_end(p, err);
}

/* The list of a {{define}} or {{block}}: no loop goes on in it.  The newest
 * definition of a name counts, as it is the first that is found. */
static int parse_body(struct parser *p, const char *name, struct err *err)
{
	struct define *d = template_define(p->t, name);
	enum block_end how = END_TEXT;
	int loops = p->loops;
	int r = 0;

	if (++p->depth > DEPTH_MAX)
		return bad(err, "nested too deeply");
	p->loops = 0;
	r = parse_list(p, &d->nodes, &how, err);
	p->loops = loops;
	p->depth--;
	if (!r && how != END_END)
		r = bad(err, how == END_ELSE ? "unexpected {{else}}" :
					       "unexpected EOF: no {{end}}");
	return r;
}

/* "NAME" behind the keyword */
static int parse_name(struct parser *p, char **ret, struct err *err)
{
	if (lex_next(&p->lx, err) < 0)
		return -EINVAL;
	if (p->lx.tok.type != TOK_STR)
		return bad(err, "the name of a template is a quoted string");
	*ret = xstrdup(p->lx.tok.text);
	return lex_next(&p->lx, err);
}

/* {{template "x" [pipe]}}, {{block "x" pipe}}...{{end}} which is a
 * definition and its use, {{define "x"}}...{{end}}: the node stays without a
 * name and prints nothing. */
static int parse_template(struct parser *p, struct node *n, const char *body,
			  struct err *err)
{
	bool uses = !body || streq(body, "block");
	autofree char *name = NULL;
	int r = 0;

	if (!uses && (p->depth || p->loops))
		return bad(err, "unexpected {{define}} inside of a block");
	r = parse_name(p, &name, err);
	if (!r && uses && (body || p->lx.tok.type != TOK_END))
		r = parse_pipe(p, &n->pipe, err);
	if (!r)
		r = expect_end(p, err);
	if (!r && body)
		r = parse_body(p, name, err);
	if (uses)
		n->text = take_ptr(name);
	return r;
}

/* {{end}} is whole here; what may follow {{else}} is its block's matter. */
static int parse_block_end(struct parser *p, enum block_end how,
			   struct err *err)
{
	int r = lex_next(&p->lx, err);

	return r < 0 || how == END_ELSE ? r : expect_end(p, err);
}

static enum block_end block_end_of(const char *word)
{
	if (streq(word, "end"))
		return END_END;
	return streq(word, "else") ? END_ELSE : END_TEXT;
}

/* NODE_ACTION: no keyword */
static enum node_type control_of(const char *word)
{
	static const struct {
		const char *word;
		enum node_type type;
	} controls[] = {
		{ "if", NODE_IF },
		{ "range", NODE_RANGE },
		{ "with", NODE_WITH },
		{ "break", NODE_BREAK },
		{ "continue", NODE_CONTINUE },
		{ "template", NODE_TEMPLATE },
		{ "block", NODE_TEMPLATE },
		{ "define", NODE_TEMPLATE },
	};

	for (size_t i = 0; i < ARRAY_LEN(controls); i++)
		if (streq(word, controls[i].word))
			return controls[i].type;
	return NODE_ACTION;
}

/* An action that does not begin with a keyword prints its pipeline. */
static int parse_action(struct parser *p, struct node *n, enum block_end *how,
			struct err *err)
{
	const char *word = p->lx.tok.type == TOK_IDENT ? p->lx.tok.text : "";
	int r = 0;

	*how = block_end_of(word);
	if (*how != END_TEXT)
		return parse_block_end(p, *how, err);
	n->type = control_of(word);
	if (n->type == NODE_BREAK || n->type == NODE_CONTINUE)
		return parse_jump(p, err);
	if (n->type == NODE_TEMPLATE)
		return parse_template(p, n, *word == 't' ? NULL : word, err);
	if (n->type != NODE_ACTION)
		return parse_control(p, n, err);
	r = parse_pipe(p, &n->pipe, err);
	return r < 0 ? r : expect_end(p, err);
}

/* ---- text ------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *plain_text(const char *s, size_t len)
{
	autosb struct sb text = SB_INIT;

	for (size_t i = 0; i < len; i++) {
		if (s[i] != '\\' || i + 1 == len ||
		    (s[i + 1] != 't' && s[i + 1] != 'n')) {
			sb_addch(&text, s[i]);
			continue;
		}
		i++;
		sb_addch(&text, s[i] == 't' ? '\t' : '\n');
	}
	return sb_take(&text);
}

/* The text up to the next action; NULL when it is empty. */
static char *take_text(struct parser *p)
{
	const char *open = strstr(p->s, "{{");
	const char *end = open ? open : p->s + strlen(p->s);
	const char *from = p->s;

	p->s = end;
	while (p->trim && from < end && is_blank(*from))
		from++;
	if (open && open[2] == '-' && is_blank(open[3]))
		while (end > from && is_blank(end[-1]))
			end--;
	return end > from ? plain_text(from, (size_t)(end - from)) : NULL;
}

/* Sets the lexer to the action at p->s ("{{").  1: it was a comment. */
static int open_action(struct parser *p, struct err *err)
{
	const char *from = p->s + 2;
	const char *end = NULL;

	if (*from == '-' && is_blank(from[1]))
		from += 2;
	end = lex_action_end(from);
	if (!end)
		return bad(err, "unclosed action");
	p->s = end + 2;
	p->trim = end - from >= 2 && end[-1] == '-' && is_blank(end[-2]);
	if (p->trim)
		end -= 2;
	while (from < end && is_blank(*from))
		from++;
	if (str_starts(from, "/*"))
		return 1;
	lex_done(&p->lx);
	p->lx = (struct lexer){ from, end, { 0 } };
	return lex_next(&p->lx, err);
}

static struct node *append(struct node ***tail, enum node_type type)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->type = type;
	**tail = n;
	*tail = &n->next;
	return n;
}

static int parse_list(struct parser *p, struct node **ret, enum block_end *how,
		      struct err *err)
{
	struct node **tail = ret;

	while (true) {
		char *text = take_text(p);
		struct node **last = NULL;
		int r = 0;

		if (text)
			append(&tail, NODE_TEXT)->text = text;
		*how = END_TEXT;
		if (!*p->s)
			return 0;
		r = open_action(p, err);
		if (r < 0)
			return r;
		if (r)
			continue;
		last = tail;
		r = parse_action(p, append(&tail, NODE_ACTION), how, err);
		if (r < 0)
			return r;
		if (*how != END_TEXT) {
			nodes_free(*last);
			*last = NULL;
			return 0;
		}
	}
}

int template_parse(const char *text, struct template **ret, struct err *err)
{
	struct template *t = xcalloc(1, sizeof(*t));
	struct parser p = { .s = text, .t = t };
	enum block_end how = END_TEXT;
	int r = 0;

	if (strlen(text) > TEXT_MAX)
		r = err_set(err, ERR_LIMIT, E2BIG,
			    "template: longer than %d bytes", TEXT_MAX);
	if (!r)
		r = parse_list(&p, &t->nodes, &how, err);
	if (!r && how != END_TEXT)
		r = bad(err, how == END_END ? "unexpected {{end}}" :
					      "unexpected {{else}}");
	lex_done(&p.lx);
	if (r < 0) {
		template_free(t);
		return r;
	}
	*ret = t;
	return 0;
}
