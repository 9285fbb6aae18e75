/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a template: its end, and the templates defined in it. */
#include "cmd/template_priv.h"
#include "util/str.h"
#include "util/strv.h"

static void pipe_free(struct pipe *pipe);

void operand_free(struct operand *o)
{
	while (o) {
		struct operand *next = o->next;

		free(o->name);
		strv_free(o->fields);
		json_object_put(o->value);
		pipe_free(o->pipe);
		free(o);
		o = next;
	}
}

static void pipe_free(struct pipe *pipe)
{
	if (!pipe)
		return;
	while (pipe->cmds) {
		struct command *next = pipe->cmds->next;

		operand_free(pipe->cmds->args);
		free(pipe->cmds);
		pipe->cmds = next;
	}
	free(pipe->decl[0]);
	free(pipe->decl[1]);
	free(pipe);
}

void nodes_free(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		free(n->text);
		pipe_free(n->pipe);
		nodes_free(n->list);
		nodes_free(n->other);
		free(n);
		n = next;
	}
}

void template_free(struct template *t)
{
	if (!t)
		return;
	while (t->defines) {
		struct define *next = t->defines->next;

		free(t->defines->name);
		nodes_free(t->defines->nodes);
		free(t->defines);
		t->defines = next;
	}
	nodes_free(t->nodes);
	free(t);
}

struct define *template_define(struct template *t, const char *name)
{
	struct define *d = xcalloc(1, sizeof(*d));

	d->name = xstrdup(name);
	d->next = t->defines;
	t->defines = d;
	return d;
}

const struct define *template_defined(const struct template *t,
				      const char *name)
{
	for (const struct define *d = t->defines; d; d = d->next)
		if (streq(d->name, name))
			return d;
	return NULL;
}
