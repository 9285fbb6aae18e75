/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/config/conf.h"
#include "util/json.h"

static struct json_object *dump_opt(const struct opt *o)
{
	struct json_object *j = json_object_new_object();
	char letter[2] = { o->shorthand, '\0' };

	json_set_str(j, "name", o->name);
	json_set_str(j, "short", letter);
	json_set_str(j, "alias", o->alias);
	json_set_str(j, "metavar", o->metavar);
	json_set_str(j, "default", o->def);
	json_set_str(j, "help", o->help);
	json_set_bool(j, "supported", o->type != OPT_T_UNSUPPORTED);
	json_set_bool(j, "hidden", o->flags & OPT_HIDDEN);
	json_set_bool(j, "optional_value", o->flags & OPT_OPTARG);
	return j;
}

static struct json_object *dump_opts(const struct opt *const *opts)
{
	struct json_object *list = json_object_new_array();

	for (; opts && *opts; opts++)
		for (const struct opt *o = *opts; o->type != OPT_T_END; o++)
			json_object_array_add(list, dump_opt(o));
	return list;
}

static struct json_object *dump_command(const struct cmd *c)
{
	struct json_object *j = json_object_new_object();
	struct json_object *names = json_object_new_array();
	const char *const *alias = c->aliases;

	for (; alias && *alias; alias++)
		json_object_array_add(names, json_object_new_string(*alias));
	json_set_str(j, "path", c->path);
	json_set(j, "aliases", names);
	json_set_str(j, "usage", c->usage);
	json_set_str(j, "summary", c->summary);
	json_set_bool(j, "hidden", c->flags & CMD_HIDDEN);
	json_set(j, "options", dump_opts(c->opts));
	return j;
}

/* containers.conf, for the check of bryo-config(5) */
static struct json_object *dump_config(void)
{
	struct json_object *list = json_object_new_array();

	for (const struct conf_key *k = conf_keys; k->table; k++) {
		struct json_object *j = json_object_new_object();

		json_set_str(j, "table", k->table);
		json_set_str(j, "name", k->name);
		json_set_bool(j, "used", k->type != CONF_UNUSED);
		json_object_array_add(list, j);
	}
	return list;
}

static int dump_run(struct runtime *rt unused_attr, const void *p unused_attr,
		    char **argv unused_attr, struct err *err unused_attr)
{
	autojson struct json_object *all = json_object_new_object();
	struct json_object *cmds = json_object_new_array();
	struct json_object *list = json_object_new_array();
	autosb struct sb text = SB_INIT;

	for (size_t i = 0; commands[i]; i++)
		json_object_array_add(cmds, dump_command(commands[i]));
	for (const struct group *g = groups; g->path; g++)
		json_object_array_add(list, json_object_new_string(g->path));
	json_set(all, "global", dump_opts(global_opts));
	json_set(all, "groups", list);
	json_set(all, "commands", cmds);
	json_set(all, "config", dump_config());
	json_pretty(all, 1, &text);
	printf("%s\n", text.buf);
	return 0;
}

const struct cmd cmd_system_dump = {
	.path = "__dump",
	.summary = "Print the command table as JSON",
	.flags = CMD_HIDDEN,
	.run = dump_run,
};
