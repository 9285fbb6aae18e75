/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/system/about.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/str.h"

struct version_args {
	char *format;
};

static const struct opt version_opts[] = {
	OPT_STR('f', "format", struct version_args, format, "string",
		"Print with a Go template, or json"),
	OPT_END,
};

const char *about_arch(void)
{
	static struct utsname u;

	if (!u.machine[0])
		uname(&u);
	if (streq(u.machine, "x86_64"))
		return "amd64";
	if (streq(u.machine, "aarch64"))
		return "arm64";
	return u.machine;
}

/* When the binary was made: its own time stamp, which packages keep. */
static time_t built(void)
{
	struct stat st;

	return stat(self_path(), &st) < 0 ? 0 : st.st_mtime;
}

static void built_text(time_t t, char *buf, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(buf, size, "%a %b %e %H:%M:%S %Y", &tm))
		buf[0] = '\0';
}

struct json_object *about_version(void)
{
	struct json_object *o = json_object_new_object();
	autofree char *os_arch = xasprintf("linux/%s", about_arch());
	time_t when = built();
	char text[64];

	built_text(when, text, sizeof(text));
	json_set_str(o, "APIVersion", BRYO_VERSION);
	json_set_str(o, "Version", BRYO_VERSION);
	json_set_str(o, "GoVersion", "none (C)");
	json_set_str(o, "GitCommit", "");
	json_set_str(o, "BuiltTime", text);
	json_set_i64(o, "Built", when);
	json_set_str(o, "OsArch", os_arch);
	json_set_str(o, "Os", "linux");
	json_set_str(o, "Arch", about_arch());
	return o;
}

/* {{.Client.Version}} and the short {{.Version}} are both in use, and scripts
 * ask {{.Server.Version}}: there is no server, the client does its work. */
/* docker's fields, for templates only */
static void put_docker(struct json_object *o)
{
	struct utsname u = { 0 };
	const struct {
		const char *name;
		const char *value;
	} texts[] = {
		{ "KernelVersion", u.release },
		{ "BuildTime", json_str(o, "BuiltTime") },
		{ "MinAPIVersion", json_str(o, "APIVersion") },
		{ "DefaultAPIVersion", json_str(o, "APIVersion") },
		{ "Context", "default" },
	};
	struct json_object *platform = json_object_new_object();

	uname(&u);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		template_put_hidden(o, texts[i].name,
				    json_object_new_string(texts[i].value));
	json_set_str(platform, "Name", "bryo");
	template_put_hidden(o, "Platform", platform);
	template_put_hidden(o, "Experimental", json_object_new_boolean(false));
}

static struct json_object *template_data(struct json_object *client)
{
	struct json_object *data = json_object_new_object();
	struct json_object *server = about_version();

	put_docker(client);
	put_docker(server);
	json_set(data, "Client", json_object_get(client));
	template_put_hidden(data, "Server", server);
	json_object_object_foreach(client, key, child)
	{
		struct json_object *copy = NULL;

		if (json_object_deep_copy(child, &copy, NULL) < 0)
			continue;
		template_put_hidden(data, key, copy);
	}
	return data;
}

static void print_plain(struct json_object *v)
{
	autofree char *prog = xstrdup(cmd_prog());

	prog[0] = (char)toupper((unsigned char)prog[0]);
	printf("Client:       %s Engine\n", prog);
	printf("Version:      %s\n", json_str(v, "Version"));
	printf("API Version:  %s\n", json_str(v, "APIVersion"));
	printf("Go Version:   %s\n", json_str(v, "GoVersion"));
	printf("Built:        %s\n", json_str(v, "BuiltTime"));
	printf("OS/Arch:      %s\n", json_str(v, "OsArch"));
}

static int version_run(struct runtime *rt unused_attr, const void *p,
		       char **argv unused_attr, struct err *err)
{
	const struct version_args *args = p;
	autojson struct json_object *client = about_version();
	autojson struct json_object *data = template_data(client);
	autojson struct json_object *list = json_object_new_array();
	const char *format = args->format;

	if (str_is_empty(format)) {
		print_plain(client);
		return 0;
	}
	json_object_array_add(list, json_object_get(data));
	return print_objects(format_is_json(format) ? "{{json .}}" : format,
			     list, err);
}

const struct cmd cmd_system_version = {
	.path = "version",
	.usage = "[options]",
	.summary = "Display the version information",
	.examples = (const char *const[]){ "version",
					   "version --format "
					   "'{{.Client.Version}}'", NULL },
	.opts = (const struct opt *const[]){ version_opts, NULL },
	.args_size = sizeof(struct version_args),
	.run = version_run,
};
