/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `info` is one tree with two sets of names: Go's for templates
 * (.Host.OCIRuntime.Name) and podman's for YAML and JSON (ociRuntime.name).
 * Both are built side by side; a leaf is shared.  What docker's scripts ask
 * for (.ServerVersion, .Driver) is there for templates too: info_docker.c.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/config/conf.h"
#include "cmd/config/storage_conf.h"
#include "cmd/format.h"
#include "cmd/system/about.h"
#include "cmd/system/info_docker.h"
#include "cmd/yaml.h"
#include "libpod/core/container.h"
#include "libpod/core/runtime.h"
#include "storage/registries_conf.h"
#include "storage/store.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define OS_RELEASE_MAX 65536
#define PROC_STAT_MAX (1 << 20)
#define CONTROLLERS_MAX 4096
#define JSON_INDENT 2

struct info_args {
	char *format;
};

static const struct opt info_opts[] = {
	OPT_STR('f', "format", struct info_args, format, "string",
		"Print with a Go template, or json"),
	OPT_END,
};

/* One branch of the tree under both names; both owned. */
struct both {
	struct json_object *go;
	struct json_object *js;
};

static struct both both_new(void)
{
	return (struct both){ json_object_new_object(),
			      json_object_new_object() };
}

static void put(struct both *b, const char *go, const char *js,
		struct json_object *value)
{
	json_set(b->go, go, json_object_get(value));
	json_set(b->js, js, value);
}

static void put_str(struct both *b, const char *go, const char *js,
		    const char *s)
{
	put(b, go, js, json_object_new_string(s ? s : ""));
}

static void put_int(struct both *b, const char *go, const char *js, int64_t n)
{
	put(b, go, js, json_object_new_int64(n));
}

static void put_bool(struct both *b, const char *go, const char *js, bool on)
{
	put(b, go, js, json_object_new_boolean(on));
}

static void put_map(struct both *b, const char *go, const char *js)
{
	struct json_object *o = json_object_new_object();

	template_mark_map(o);
	put(b, go, js, o);
}

static void put_branch(struct both *b, const char *go, const char *js,
		       struct both child)
{
	json_set(b->go, go, child.go);
	json_set(b->js, js, child.js);
}

static struct json_object *list_of(const char *const *v)
{
	struct json_object *list = json_object_new_array();

	for (; *v; v++)
		json_object_array_add(list, json_object_new_string(*v));
	return list;
}

/* ---- host ------------------------------------------------------------- */

static char *os_release_value(char **lines, const char *key)
{
	const char *s = strv_env_get(lines, key);
	size_t len = s ? strlen(s) : 0;

	if (len >= 2 && *s == '"')
		return xstrndup(s + 1, len - 2);
	return xstrdup(s ? s : "unknown");
}

static void put_distribution(struct both *host)
{
	struct both d = both_new();
	autosb struct sb text = SB_INIT;
	autostrv char **lines = NULL;
	autofree char *pretty = NULL;
	struct json_object *name = NULL;
	const struct {
		const char *key, *go, *js;
	} fields[] = { { "ID", "Distribution", "distribution" },
		       { "VERSION_ID", "Version", "version" },
		       { "VERSION_CODENAME", "Codename", "codename" } };

	/* A link on most systems: not file_read_at() */
	file_load("/etc/os-release", OS_RELEASE_MAX, &text);
	lines = strv_split(text.buf, '\n');
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		autofree char *value = os_release_value(lines, fields[i].key);

		put_str(&d, fields[i].go, fields[i].js, value);
	}
	/* docker's .OperatingSystem */
	pretty = os_release_value(lines, "PRETTY_NAME");
	name = json_object_new_string(pretty);
	template_put_hidden(d.go, "PrettyName", name);
	put_branch(host, "Distribution", "distribution", d);
}

/* Of all time since the machine has started, to two decimals */
static void put_percent(struct both *b, const char *go, const char *js,
			uint64_t part, uint64_t all)
{
	double n = all ? (double)(part * 10000 / all) / 100 : 0;
	char text[32];

	(void)snprintf(text, sizeof(text), "%.2f", n);
	put(b, go, js, json_object_new_double_s(n, text));
}

/* /proc/stat: "cpu  USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ..." */
static void put_cpu_use(struct both *host)
{
	uint64_t n[8] = { 0 };
	uint64_t all = 0;
	struct both b = both_new();
	autosb struct sb text = SB_INIT;

	file_load("/proc/stat", PROC_STAT_MAX, &text);
	(void)sscanf(text.buf,
		     "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		     " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		     &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]);
	for (size_t i = 0; i < ARRAY_LEN(n); i++)
		all += n[i];
	put_percent(&b, "UserPercent", "userPercent", n[0] + n[1], all);
	put_percent(&b, "SystemPercent", "systemPercent",
		    all - n[0] - n[1] - n[3] - n[4], all);
	put_percent(&b, "IdlePercent", "idlePercent", n[3] + n[4], all);
	put_branch(host, "CPUUtilization", "cpuUtilization", b);
}

static bool has_cgroup_v2(void)
{
	struct statfs fs;

	return !statfs("/sys/fs/cgroup", &fs) &&
	       fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Those of cgroup v2 that the user was given; root has all of them. */
static struct json_object *cgroup_controllers(const struct rootless *ids)
{
	struct json_object *list = json_object_new_array();
	autofree char *path = xasprintf(
		"/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/"
		"cgroup.controllers", getuid(), getuid());
	autosb struct sb text = SB_INIT;
	autostrv char **names = NULL;

	if (file_read_at(AT_FDCWD, ids->is_root ?
				 "/sys/fs/cgroup/cgroup.controllers" : path,
			 CONTROLLERS_MAX, &text) < 0)
		return list;
	names = strv_split(str_trim(text.buf), ' ');
	for (char **n = names; n && *n; n++)
		json_object_array_add(list, json_object_new_string(*n));
	return list;
}

static struct json_object *id_map(const struct idmap *map)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < map->n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_i64(o, "container_id", map->range[i].inside);
		json_set_i64(o, "host_id", map->range[i].outside);
		json_set_i64(o, "size", map->range[i].count);
		json_object_array_add(list, o);
	}
	return list;
}

static void put_ids(struct both *host, const struct rootless *ids)
{
	struct both maps = both_new();

	put(&maps, "GIDMap", "gidmap", id_map(&ids->gid_map));
	put(&maps, "UIDMap", "uidmap", id_map(&ids->uid_map));
	put_branch(host, "IDMappings", "idMappings", maps);
}

static void put_program(struct both *b, const char *go, const char *js,
			const char *path)
{
	struct both p = both_new();

	put_str(&p, "Executable", "executable", path);
	put_str(&p, "Package", "package", "");
	put_str(&p, "Version", "version", "");
	put_branch(b, go, js, p);
}

static void put_runtime(struct both *host)
{
	struct both conmon = both_new();
	struct both oci = both_new();
	autofree char *monitor = helper_path("bryo-monitor");
	autofree char *version = xasprintf("bryo version %s", BRYO_VERSION);

	put_str(&conmon, "Package", "package", "bryo");
	put_str(&conmon, "Path", "path", monitor);
	put_str(&conmon, "Version", "version", version);
	put_branch(host, "Conmon", "conmon", conmon);
	put_str(&oci, "Name", "name", "bryo");
	put_str(&oci, "Package", "package", "bryo");
	put_str(&oci, "Path", "path", self_path());
	put_str(&oci, "Version", "version", version);
	put_branch(host, "OCIRuntime", "ociRuntime", oci);
}

static void put_security(struct both *host, const struct rootless *ids)
{
	struct both s = both_new();

	put_bool(&s, "AppArmorEnabled", "apparmorEnabled", false);
	put_str(&s, "DefaultCapabilities", "capabilities",
		"CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_FOWNER,CAP_FSETID,CAP_KILL,"
		"CAP_NET_BIND_SERVICE,CAP_SETFCAP,CAP_SETGID,CAP_SETPCAP,"
		"CAP_SETUID,CAP_SYS_CHROOT");
	put_bool(&s, "Rootless", "rootless", !ids->is_root);
	put_bool(&s, "SECCOMPEnabled", "seccompEnabled", true);
	put_str(&s, "SECCOMPProfilePath", "seccompProfilePath", "");
	put_bool(&s, "SELinuxEnabled", "selinuxEnabled", false);
	put_branch(host, "Security", "security", s);
}

static void put_socket(struct both *host, const struct runtime *rt)
{
	struct both s = both_new();
	autofree char *path = xasprintf("%s/bryo.sock", rt->run_path);

	put_bool(&s, "Exists", "exists", false);
	put_str(&s, "Path", "path", path);
	put_branch(host, "RemoteSocket", "remoteSocket", s);
}

static void put_memory(struct both *host)
{
	struct sysinfo si = { 0 };
	autofree char *uptime = NULL;
	long s = 0;

	sysinfo(&si);
	s = si.uptime;
	uptime = xasprintf("%ldh %ldm %ld.00s", s / 3600, s / 60 % 60, s % 60);
	put_int(host, "MemFree", "memFree",
		(int64_t)(si.freeram * si.mem_unit));
	put_int(host, "MemTotal", "memTotal",
		(int64_t)(si.totalram * si.mem_unit));
	put_int(host, "SwapFree", "swapFree",
		(int64_t)(si.freeswap * si.mem_unit));
	put_int(host, "SwapTotal", "swapTotal",
		(int64_t)(si.totalswap * si.mem_unit));
	put_str(host, "Uptime", "uptime", uptime);
}

static struct both host_info(const struct runtime *rt)
{
	struct both h = both_new();
	const char *v2 = has_cgroup_v2() ? "v2" : "v1";
	autofree char *slirp = proc_find_program("slirp4netns");
	const char *driver = conf_get()->log_driver;
	struct utsname u = { 0 };

	uname(&u);
	put_str(&h, "Arch", "arch", about_arch());
	put_str(&h, "BuildahVersion", "buildahVersion", BRYO_VERSION);
	put(&h, "CgroupControllers", "cgroupControllers",
	    cgroup_controllers(&rt->ids));
	put_str(&h, "CgroupManager", "cgroupManager",
		runtime_cgroup_manager(rt));
	put_str(&h, "CgroupsVersion", "cgroupVersion", v2);
	json_set_str(h.go, "CgroupVersion", v2);
	put_int(&h, "CPUs", "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	put_cpu_use(&h);
	put_str(&h, "DatabaseBackend", "databaseBackend", "sqlite");
	put_distribution(&h);
	put_str(&h, "EventLogger", "eventLogger",
		rt->opts.no_events ? "none" : "file");
	put_str(&h, "Hostname", "hostname", u.nodename);
	put_ids(&h, &rt->ids);
	put_str(&h, "Kernel", "kernel", u.release);
	put_str(&h, "Linkmode", "linkmode", "dynamic");
	put_str(&h, "LogDriver", "logDriver",
		str_is_empty(driver) ? "k8s-file" : driver);
	put_memory(&h);
	put_str(&h, "NetworkBackend", "networkBackend", "slirp4netns");
	put_runtime(&h);
	put_str(&h, "OS", "os", "linux");
	put_socket(&h, rt);
	put_str(&h, "RootlessNetworkCmd", "rootlessNetworkCmd", "slirp4netns");
	put_security(&h, &rt->ids);
	put_bool(&h, "ServiceIsRemote", "serviceIsRemote", false);
	put_program(&h, "Slirp4NetNS", "slirp4netns", slirp);
	put_program(&h, "Pasta", "pasta", "");
	return h;
}

/* ---- plugins and store ------------------------------------------------ */

static struct both plugin_info(void)
{
	static const struct zero_field lists[] = {
		{ "Authorization", json_type_array },
		{ NULL, json_type_null },
	};
	struct both p = both_new();

	put(&p, "Authorization", "authorization", NULL);
	template_zeros(p.go, lists);
	put(&p, "Log", "log",
	    list_of((const char *const[]){ "k8s-file", "json-file", "none",
					   "passthrough", NULL }));
	put(&p, "Network", "network",
	    list_of((const char *const[]){ "slirp4netns", "host", "none",
					   "container", NULL }));
	put(&p, "Volume", "volume",
	    list_of((const char *const[]){ "local", NULL }));
	return p;
}

static int put_containers(struct runtime *rt, struct both *store,
			  struct err *err)
{
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	struct both b = both_new();
	int64_t running = 0;
	int64_t paused = 0;
	int r = ctr_list(rt, &list, err);

	for (size_t i = 0; i < list.n; i++) {
		paused += list.v[i]->state == CTR_PAUSED;
		running += list.v[i]->state != CTR_PAUSED &&
			   ctr_is_up(list.v[i]);
	}
	put_int(&b, "Number", "number", (int64_t)list.n);
	put_int(&b, "Paused", "paused", paused);
	put_int(&b, "Running", "running", running);
	put_int(&b, "Stopped", "stopped", (int64_t)list.n - running - paused);
	put_branch(store, "ContainerStore", "containerStore", b);
	return r;
}

static int put_images(struct runtime *rt, struct both *b, struct err *err)
{
	auto_image_list struct image_list list = { NULL, 0 };
	struct both images = both_new();
	enum store_driver driver = STORE_OVERLAY;
	struct store *store = NULL;
	int r = runtime_store(rt, &store, err);

	if (!r)
		r = image_list(store, &list, err);
	if (!r && !rt->opts.storage_driver)
		r = store_driver_probe(store, &driver, err);
	put_int(&images, "Number", "number", (int64_t)list.n);
	put_branch(b, "ImageStore", "imageStore", images);
	put_str(b, "GraphDriverName", "graphDriverName",
		rt->opts.storage_driver ? rt->opts.storage_driver :
					  store_driver_name(driver));
	return r;
}

static int store_info(struct runtime *rt, struct both *ret, struct err *err)
{
	struct both b = both_new();
	struct statvfs fs = { 0 };
	int r = put_containers(rt, &b, err);

	*ret = b;
	if (!r)
		r = put_images(rt, &b, err);
	put_str(&b, "ConfigFile", "configFile", storage_conf_get()->file);
	put_map(&b, "GraphOptions", "graphOptions");
	put_str(&b, "GraphRoot", "graphRoot", rt->data_path);
	fstatvfs(rt->data_fd, &fs);
	put_int(&b, "GraphRootAllocated", "graphRootAllocated",
		(int64_t)(fs.f_blocks * fs.f_frsize));
	put_int(&b, "GraphRootUsed", "graphRootUsed",
		(int64_t)((fs.f_blocks - fs.f_bfree) * fs.f_frsize));
	put_map(&b, "GraphStatus", "graphStatus");
	put_str(&b, "ImageCopyTmpDir", "imageCopyTmpDir", "");
	put_str(&b, "RunRoot", "runRoot", rt->run_path);
	put_bool(&b, "TransientStore", "transientStore", false);
	put_str(&b, "VolumePath", "volumePath", rt->volumes_path);
	return r;
}

/* Where short names are looked for; podman has the same key */
static int put_registries(struct both *all, struct err *err)
{
	auto_registries_conf struct registries_conf *conf = NULL;
	struct json_object *o = json_object_new_object();
	char *const *search = NULL;
	int r = registries_conf_load(environ, &conf, err);

	if (r == 0)
		search = registries_conf_search(conf);
	template_mark_map(o);
	if (search && *search)
		json_set_strv(o, "search", search);
	put(all, "Registries", "registries", o);
	return r < 0 ? err_wrap(err, r, "registries.conf") : 0;
}

/* ---- all of it -------------------------------------------------------- */

static int info_run(struct runtime *rt, const void *p, char **argv unused_attr,
		    struct err *err)
{
	const struct info_args *args = p;
	autojson struct json_object *go = json_object_new_object();
	autojson struct json_object *js = json_object_new_object();
	autojson struct json_object *list = json_object_new_array();
	struct both all = { go, js };
	autosb struct sb text = SB_INIT;
	struct both host;
	struct both store = { NULL, NULL };
	int r = rootless_load(rt, err);

	if (r < 0)
		return r;
	host = host_info(rt);
	put_branch(&all, "Host", "host", host);
	r = store_info(rt, &store, err);
	put_branch(&all, "Store", "store", store);
	if (r < 0)
		return r;
	put_branch(&all, "Plugins", "plugins", plugin_info());
	r = put_registries(&all, err);
	if (r < 0)
		return r;
	put(&all, "Version", "version", about_version());
	info_put_docker(go, host.go, store.go);
	if (str_is_empty(args->format)) {
		yaml_print(js, &text);
	} else if (format_is_json(args->format)) {
		json_pretty(js, JSON_INDENT, &text);
		sb_addch(&text, '\n');
	} else {
		json_object_array_add(list, json_object_get(go));
		return print_objects(args->format, list, err);
	}
	print_text(text.buf, text.len);
	return 0;
}

const struct cmd cmd_system_info = {
	.path = "info",
	.aliases = (const char *const[]){ "system info", NULL },
	.usage = "[options]",
	.summary = "Display system information",
	.text = "Displays information about the host, the store and the "
		"version.",
	.examples = (const char *const[]){ "info", "info --format json",
					   "info --format "
					   "'{{.Host.Security.Rootless}}'",
					   NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ info_opts, NULL },
	.args_size = sizeof(struct info_args),
	.run = info_run,
};
