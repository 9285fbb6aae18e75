/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What `docker info --format` is asked for beside podman's tree.  For
 * templates only: every field is hidden from JSON and YAML.  Most are copies
 * of fields that info has under podman's name; of the others there are those
 * whose answer is true of an engine without a daemon and a swarm.
 */
#include "cmd/system/info_docker.h"

#include <stdio.h>

#include "cmd/format.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/proc.h"

#define INDEX_SERVER "https://index.docker.io/v1/"

static void put_text(struct json_object *all, const char *name,
		     const char *text)
{
	template_put_hidden(all, name,
			    json_object_new_string(text ? text : ""));
}

static void put_copy(struct json_object *all, const char *name,
		     struct json_object *from, const char *key)
{
	struct json_object *copy = NULL;

	(void)json_object_deep_copy(json_object_object_get(from, key), &copy,
				    NULL);
	template_put_hidden(all, name, copy);
}

static void put_host(struct json_object *all, struct json_object *host)
{
	static const struct {
		const char *name, *key;
	} fields[] = {
		{ "Architecture", "Arch" },    { "CgroupDriver",
						 "CgroupManager" },
		{ "KernelVersion", "Kernel" }, { "LoggingDriver", "LogDriver" },
		{ "MemTotal", "MemTotal" },    { "Name", "Hostname" },
		{ "NCPU", "CPUs" },	       { "OSType", "OS" },
	};
	struct json_object *distribution = json_obj(host, "Distribution");
	const char *cgroups = json_str(host, "CgroupsVersion");

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put_copy(all, fields[i].name, host, fields[i].key);
	/* "v2" */
	put_text(all, "CgroupVersion", cgroups ? cgroups + 1 : "");
	put_copy(all, "OSVersion", distribution, "Version");
	put_text(all, "OperatingSystem", json_str(distribution, "PrettyName"));
}

static void put_store(struct json_object *all, struct json_object *store)
{
	struct json_object *ctrs = json_obj(store, "ContainerStore");

	put_copy(all, "Containers", ctrs, "Number");
	put_copy(all, "ContainersRunning", ctrs, "Running");
	put_copy(all, "ContainersPaused", ctrs, "Paused");
	put_copy(all, "ContainersStopped", ctrs, "Stopped");
	put_copy(all, "Images", json_obj(store, "ImageStore"), "Number");
	put_copy(all, "DockerRootDir", store, "GraphRoot");
	put_copy(all, "Driver", store, "GraphDriverName");
	template_put_hidden(all, "DriverStatus", json_object_new_array());
}

static void put_security(struct json_object *all, struct json_object *host)
{
	struct json_object *list = json_object_new_array();
	struct json_object *security = json_obj(host, "Security");

	json_object_array_add(list, json_object_new_string(
			"name=seccomp,profile=default"));
	if (json_flag(security, "Rootless", false))
		json_object_array_add(list,
				      json_object_new_string("name=rootless"));
	template_put_hidden(all, "SecurityOptions", list);
}

static void put_runtimes(struct json_object *all)
{
	struct json_object *runtimes = json_object_new_object();
	struct json_object *one = json_object_new_object();

	json_set_str(one, "path", self_path());
	json_set(runtimes, "bryo", one);
	template_put_hidden(all, "Runtimes", runtimes);
	put_text(all, "DefaultRuntime", "bryo");
	put_text(all, "InitBinary", "bryo-init");
}

/* Scripts ask whether this is a swarm, and which context they talk to. */
static void put_client(struct json_object *all)
{
	struct json_object *swarm = json_object_new_object();
	struct json_object *client = json_object_new_object();

	json_set_str(swarm, "NodeID", "");
	json_set_str(swarm, "LocalNodeState", "inactive");
	json_set_bool(swarm, "ControlAvailable", false);
	template_put_hidden(all, "Swarm", swarm);
	json_set_bool(client, "Debug", false);
	json_set_str(client, "Version", BRYO_VERSION);
	json_set_str(client, "Context", "default");
	json_set(client, "Plugins", json_object_new_array());
	template_put_hidden(all, "ClientInfo", client);
}

void info_put_docker(struct json_object *all, struct json_object *host,
		     struct json_object *store)
{
	static const char *const empty[] = { "Warnings", "Labels",
					     "ServerErrors" };
	static const char *const never[] = { "Debug", "ExperimentalBuild" };
	char now[TIME_TEXT_MAX];

	put_host(all, host);
	put_store(all, store);
	put_security(all, host);
	put_runtimes(all);
	put_client(all);
	put_text(all, "ServerVersion", BRYO_VERSION);
	put_text(all, "IndexServerAddress", INDEX_SERVER);
	put_text(all, "SystemTime", time_rfc3339(clock_now_ns(), now));
	for (size_t i = 0; i < ARRAY_LEN(empty); i++)
		template_put_hidden(all, empty[i], json_object_new_array());
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		template_put_hidden(all, never[i],
				    json_object_new_boolean(false));
}
