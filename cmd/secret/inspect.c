/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/marks.h"
#include "cmd/objects.h"
#include "libpod/core/secret/secret.h"
#include "util/clock.h"
#include "util/json.h"

struct inspect_args {
	char *format;
	bool showsecret, pretty;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", struct inspect_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL(0, "pretty", struct inspect_args, pretty,
		 "Print for people to read"),
	OPT_BOOL(0, "showsecret", struct inspect_args, showsecret,
		 "Show the secret itself, too"),
	OPT_END,
};

static struct json_object *object_of(const struct secret *s)
{
	static const char *const maps[] = { NULL };
	static const char *const times[] = { "CreatedAt", "UpdatedAt", NULL };
	struct json_object *o = json_object_new_object();
	struct json_object *spec = json_object_new_object();
	struct json_object *driver = json_object_new_object();
	struct json_object *options = json_new_env_map(s->options);
	struct json_object *labels = json_new_env_map(s->labels);
	char time[TIME_TEXT_MAX];

	template_mark_map(options);
	template_mark_map(labels);
	json_set_str(o, "ID", s->id);
	json_set_str(o, "CreatedAt", time_rfc3339(s->created_ns, time));
	json_set_str(o, "UpdatedAt", time_rfc3339(s->updated_ns, time));
	json_set_str(spec, "Name", s->name);
	json_set_str(driver, "Name", "file");
	json_set(driver, "Options", options);
	json_set(spec, "Driver", driver);
	json_set(spec, "Labels", labels);
	json_set(o, "Spec", spec);
	marks_set(o, maps, times, NULL);
	return o;
}

static int find(struct runtime *rt, const char *name, void *data,
		struct json_object **ret, struct err *err)
{
	const struct inspect_args *args = data;
	auto_secret struct secret *s = NULL;
	autosb struct sb text = SB_INIT;
	int r = secret_find(rt, name, &s, err);

	if (r == 0 && args->showsecret)
		r = secret_data(rt, s, &text, err);
	if (r < 0)
		return r;
	*ret = object_of(s);
	if (args->showsecret)
		json_set(*ret, "SecretData",
			 json_object_new_string_len(text.buf, (int)text.len));
	return 0;
}

static int inspect_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	static const char pretty[] =
		"ID:              {{.ID}}\n"
		"Name:            {{.Spec.Name}}\n"
		"{{if .Spec.Labels}}Labels:\n"
		"{{range $k, $v := .Spec.Labels}} - {{$k}}={{$v}}\n{{end}}"
		"{{end}}"
		"Driver:          {{.Spec.Driver.Name}}\n"
		"Created at:      {{.CreatedAt}}\n"
		"Updated at:      {{.UpdatedAt}}";
	struct inspect_args args = *(const struct inspect_args *)p;
	const char *format = args.pretty ? pretty : args.format;

	if (args.pretty && args.format)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--format and --pretty cannot be set together");
	return objects_inspect(rt, argv, format, find, &args, err);
}

const struct cmd cmd_secret_inspect = {
	.path = "secret inspect",
	.usage = "[options] SECRET [SECRET...]",
	.summary = "Inspect one or more secrets",
	.examples = (const char *const[]){ "secret inspect mysecret",
					   "secret inspect --format "
					   "'{{.Spec.Name}}' mysecret", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ inspect_opts, NULL },
	.args_size = sizeof(struct inspect_args),
	.run = inspect_run,
};
