/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/object.h"
#include "cmd/format.h"
#include "cmd/marks.h"
#include "cmd/objects.h"
#include "libpod/core/container.h"
#include "libpod/core/posture.h"
#include "util/json.h"
#include "util/strv.h"

struct inspect_args {
	char *format;
	bool latest;
	bool size;
	bool security;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", struct inspect_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL('l', "latest", struct inspect_args, latest,
		 "Use the container created last"),
	OPT_BOOL(0, "security", struct inspect_args, security,
		 "Show how a running container is confined"),
	OPT_BOOL('s', "size", struct inspect_args, size,
		 "Show the bytes that it wrote, and those with its image"),
	OPT_END,
};

/* What docker's scripts ask for: templates only */
static void set_docker(struct json_object *o)
{
	static const struct zero_field mount_zeros[] = {
		{ "Name", json_type_string },
		{ "SubPath", json_type_string },
		{ NULL, json_type_null },
	};
	struct json_object *mounts = json_object_object_get(o, "Mounts");
	struct json_object *log = json_obj(json_obj(o, "HostConfig"),
					   "LogConfig");
	const char *path = log ? json_str(log, "Path") : NULL;

	template_put_hidden(o, "LogPath",
			    json_object_new_string(path ? path : ""));
	template_put_hidden(o, "Platform", json_object_new_string("linux"));
	for (size_t i = 0; i < json_object_array_length(mounts); i++)
		template_zeros(json_object_array_get_idx(mounts, i),
			       mount_zeros);
}

/* Templates of before podman 4 say {{.State.Healthcheck.Status}}. */
static void alias_health(struct json_object *state)
{
	struct json_object *copy = NULL;

	if (json_object_deep_copy(json_obj(state, "Health"), &copy, NULL) < 0)
		return;
	template_put_hidden(state, "Healthcheck", copy);
}

static int object_of(struct runtime *rt, struct ctr *c, bool size,
		     struct json_object **ret, struct err *err)
{
	static const char *const maps[] = {
		"Config.Annotations",
		"Config.ExposedPorts",
		"Config.Labels",
		"Config.Volumes",
		"GraphDriver.Data",
		"HostConfig.Annotations",
		"HostConfig.CgroupConf",
		"HostConfig.LogConfig.Config",
		"HostConfig.PortBindings",
		"HostConfig.Sysctls",
		"HostConfig.Tmpfs",
		"NetworkSettings.Networks",
		"NetworkSettings.Ports",
		NULL,
	};
	static const char *const times[] = {
		"Created",		"State.CheckpointedAt",
		"State.FinishedAt",	"State.RestoredAt",
		"State.StartedAt",	NULL,
	};
	static const char *const durations[] = {
		"Config.Healthcheck.StartPeriod",
		"Config.Healthcheck.StartInterval",
		"Config.Healthcheck.Interval",
		"Config.Healthcheck.Timeout",
		"Config.StartupHealthCheck.Interval",
		"Config.StartupHealthCheck.Timeout",
		NULL,
	};
	static const struct zero_field sizes[] = {
		{ "SizeRootFs", json_type_int }, { "SizeRw", json_type_null },
		{ NULL, json_type_null },
	};
	static const struct zero_field health[] = {
		{ "Healthcheck", json_type_null },
		{ "HealthcheckOnFailureAction", json_type_string },
		{ NULL, json_type_null },
	};
	static const struct zero_field host[] = {
		{ "CgroupConf", json_type_object },
		{ "Links", json_type_array },
		{ "VolumesFrom", json_type_array },
		{ NULL, json_type_null },
	};
	static const struct zero_field log[] = {
		{ "Config", json_type_object },
		{ NULL, json_type_null },
	};
	const struct ctr_list one = { &c, 1 };
	int r = size ? ctr_list_measure(rt, &one, err) : 0;
	struct json_object *check;
	struct json_object *o = r < 0 ? NULL : ctr_inspect(rt, c, err);

	if (!o)
		return -err->code;
	marks_set(o, maps, times, durations);
	set_docker(o);
	template_zeros(o, sizes);
	template_zeros(json_obj(o, "Config"), health);
	template_zeros(json_obj(o, "HostConfig"), host);
	template_zeros(json_obj(json_obj(o, "HostConfig"), "LogConfig"), log);
	template_null_lists(json_obj(json_obj(o, "HostConfig"),
				     "PortBindings"));
	template_null_lists(json_obj(json_obj(o, "NetworkSettings"), "Ports"));
	check = json_obj(json_obj(o, "Config"), "Healthcheck");
	template_zero_duration(check, "StartPeriod");
	template_zero_duration(check, "StartInterval");
	alias_health(json_obj(o, "State"));
	*ret = o;
	return 0;
}

int ctr_object(struct runtime *rt, const char *name, bool size,
	       struct json_object **ret, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = ctr_look(rt, name, &c, err);

	return r < 0 ? r : object_of(rt, c, size, ret, err);
}

static int find(struct runtime *rt, const char *name, void *data,
		struct json_object **ret, struct err *err)
{
	const struct inspect_args *args = data;
	int r = ctr_object(rt, name, args->size, ret, err);

	if (r < 0 && err->kind == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "no such container \"%s\"", name);
	return r;
}

int posture_object(struct runtime *rt, const char *name,
		   void *data unused_attr, struct json_object **ret,
		   struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, name, &c, err);

	return r < 0 ? r : ctr_posture(c, ret, err);
}

static int inspect_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct inspect_args *args = p;
	autostrv char **names = strv_copy(argv);
	auto_ctr struct ctr *c = NULL;
	int r = 0;

	if (args->latest && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and containers cannot be used "
			       "together");
	if (!args->latest && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "no names or ids specified");
	if (args->latest)
		r = ctr_latest(rt, &c, err);
	if (r < 0)
		return r;
	if (c)
		strv_add(&names, c->id);
	return objects_inspect(rt, names, args->format,
			       args->security ? posture_object : find,
			       (void *)(uintptr_t)args, err);
}

const struct cmd cmd_container_inspect = {
	.path = "container inspect",
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Display the configuration of a container",
	.examples = (const char *const[]){ "container inspect myctr",
					   "container inspect -l --format "
					   "'{{.Id}} {{.Config.Labels}}'",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ inspect_opts, NULL },
	.args_size = sizeof(struct inspect_args),
	.run = inspect_run,
};
