/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect --security: the posture of a container, read back.
 *
 * Theory of operation.  What was asked for is in the configuration; what the
 * kernel does is in /proc/PID of the first process.  Only the latter is shown.
 * The directory is opened once, the process is compared with the recorded one
 * before and after, so that no other process of the same number is described.
 * The mount table is written by the container: it is text, and read with a
 * limit.
 */
#include "libpod/core/posture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/core/container.h"
#include "libpod/oci/oci.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define TEXT_MAX (4U << 20)

static int read_text(int proc, const char *name, struct sb *ret,
		     struct err *err)
{
	int r = file_read_at(proc, name, TEXT_MAX, ret);

	return r < 0 ? err_code(err, r, "read /proc/PID/%s", name) : 0;
}

/* The value of "KEY:\tvalue" in status, owned; "" when there is none */
static char *status_value(const struct sb *status, const char *key)
{
	const char *p = status->buf;
	size_t n = strlen(key);

	while (p && *p) {
		const char *eol = strchrnul(p, '\n');

		if (strncmp(p, key, n) == 0 && p[n] == ':') {
			autofree char *v = xstrndup(p + n + 1,
						    (size_t)(eol - p) - n - 1);

			return xstrdup(str_trim(v));
		}
		p = *eol ? eol + 1 : NULL;
	}
	return xstrdup("");
}

/* ---- status ------------------------------------------------------------ */

static struct json_object *numbers(const struct sb *status, const char *key,
				   size_t most)
{
	autofree char *text = status_value(status, key);
	struct json_object *a = json_object_new_array();
	char *rest = text;
	char *word;

	while (most > 0 && (word = strsep(&rest, " \t"))) {
		uint32_t id;

		if (parse_u32(word, &id) < 0)
			continue;
		json_object_array_add(a, json_object_new_int64(id));
		most--;
	}
	return a;
}

static struct json_object *cap_names(const struct sb *status, const char *key)
{
	autofree char *hex = status_value(status, key);
	struct json_object *a = json_object_new_array();
	uint64_t mask = 0;

	for (const char *p = hex; *p; p++) {
		const char *digits = "0123456789abcdef";
		const char *d = strchr(digits, *p);

		if (d)
			mask = mask << 4 | (uint64_t)(d - digits);
	}
	for (int i = 0; i < 64; i++) {
		const char *name = mask & UINT64_C(1) << i ? oci_cap_name(i) :
							     NULL;

		if (name)
			json_object_array_add(a, json_object_new_string(name));
	}
	return a;
}

static struct json_object *capabilities(const struct sb *status)
{
	struct json_object *o = json_object_new_object();

	json_set(o, "Inheritable", cap_names(status, "CapInh"));
	json_set(o, "Permitted", cap_names(status, "CapPrm"));
	json_set(o, "Effective", cap_names(status, "CapEff"));
	json_set(o, "Bounding", cap_names(status, "CapBnd"));
	json_set(o, "Ambient", cap_names(status, "CapAmb"));
	return o;
}

static struct json_object *seccomp(const struct sb *status)
{
	static const char *const modes[] = { "disabled", "strict", "filter" };
	autofree char *mode = status_value(status, "Seccomp");
	/* KERNEL(5.9): older ones do not count them */
	autofree char *filters = status_value(status, "Seccomp_filters");
	struct json_object *o = json_object_new_object();
	uint32_t m;
	uint32_t n;

	json_set_str(o, "Mode", parse_u32(mode, &m) == 0 &&
					m < ARRAY_LEN(modes) ?
					modes[m] : "unknown");
	json_set_i64(o, "Filters",
		     parse_u32(filters, &n) == 0 ? (int64_t)n : -1);
	return o;
}

/* Ids as they are in our user namespace */
static struct json_object *user(const struct sb *status)
{
	struct json_object *o = json_object_new_object();

	json_set(o, "Uids", numbers(status, "Uid", 4));
	json_set(o, "Gids", numbers(status, "Gid", 4));
	json_set(o, "Groups", numbers(status, "Groups", SIZE_MAX));
	return o;
}

/* ---- namespaces and maps ----------------------------------------------- */

static struct json_object *namespaces(int proc)
{
	static const char *const names[] = { "cgroup", "ipc",  "mnt",  "net",
					     "pid",    "time", "user", "uts" };
	struct json_object *all = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *path = xasprintf("ns/%s", names[i]);
		autofree char *own = xasprintf("/proc/self/ns/%s", names[i]);
		struct json_object *o;
		char theirs[64];
		char ours[64];
		ssize_t n = readlinkat(proc, path, theirs, sizeof(theirs) - 1);
		ssize_t m = readlink(own, ours, sizeof(ours) - 1);

		if (n < 0 || m < 0)
			continue;	/* KERNEL(5.6): no time namespaces */
		theirs[n] = ours[m] = '\0';
		o = json_object_new_object();
		json_set_str(o, "Id", theirs);
		json_set_bool(o, "Host", streq(theirs, ours));
		json_set(all, names[i], o);
	}
	return all;
}

/* Rows of uid_map, blanks folded: "0 100000 65536" */
static int map_rows(int proc, const char *file, struct json_object **ret,
		    struct err *err)
{
	autosb struct sb text = SB_INIT;
	autostrv char **lines = NULL;
	int r = read_text(proc, file, &text, err);

	if (r < 0)
		return r;
	*ret = json_object_new_array();
	lines = strv_split(text.buf, '\n');
	for (char **l = lines; l && *l; l++) {
		unsigned int in;
		unsigned int out;
		unsigned int n;

		if (sscanf(*l, "%u %u %u", &in, &out, &n) == 3) {
			autofree char *row = xasprintf("%u %u %u", in, out, n);

			json_object_array_add(*ret,
					      json_object_new_string(row));
		}
	}
	return 0;
}

/* ---- mounts ------------------------------------------------------------ */

/* "\040" and the like; in place */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
					(s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/** struct mounts - what the mount table says of the sandbox */
struct mounts {
	struct json_object *masked;
	struct json_object *readonly;
	bool root_ro;
};

/* id parent dev root TARGET OPTIONS [tags] - type SOURCE options */
static void mount_line(struct mounts *m, char *line)
{
	autostrv char **f = strv_split(line, ' ');
	size_t n = strv_len(f);
	size_t dash = 6;
	bool ro;

	while (dash < n && !streq(f[dash], "-"))
		dash++;
	if (dash + 2 >= n)
		return;
	ro = streq(f[5], "ro") || str_starts(f[5], "ro,");
	unescape(f[4]);
	if (streq(f[4], "/"))
		m->root_ro = ro;
	else if (streq(f[dash + 2], "bryo-mask"))
		json_object_array_add(m->masked, json_object_new_string(f[4]));
	else if (ro)
		json_object_array_add(m->readonly,
				      json_object_new_string(f[4]));
}

static int mounts(int proc, struct json_object *o, struct err *err)
{
	autosb struct sb text = SB_INIT;
	autostrv char **lines = NULL;
	struct mounts m = { 0 };
	int r = read_text(proc, "mountinfo", &text, err);

	if (r < 0)
		return r;
	m.masked = json_object_new_array();
	m.readonly = json_object_new_array();
	lines = strv_split(text.buf, '\n');
	for (char **l = lines; l && *l; l++)
		mount_line(&m, *l);
	json_set(o, "MaskedPaths", m.masked);
	json_set(o, "ReadonlyPaths", m.readonly);
	json_set_bool(o, "ReadonlyRootfs", m.root_ro);
	return 0;
}

/* ---- the whole --------------------------------------------------------- */

/* Of whatever module labels processes; "" where none does */
static void label(int proc, struct json_object *o)
{
	autosb struct sb text = SB_INIT;

	if (file_read_at(proc, "attr/current", 4096, &text) < 0)
		sb_trunc(&text, 0);
	json_set_str(o, "Label", str_trim(text.buf));
}

static int fill(int proc, struct json_object *o, struct err *err)
{
	autosb struct sb status = SB_INIT;
	struct json_object *map = NULL;
	int r = read_text(proc, "status", &status, err);

	if (r < 0)
		return r;
	autofree char *nnp = status_value(&status, "NoNewPrivs");
	autofree char *mask = status_value(&status, "Umask");

	json_set(o, "User", user(&status));
	json_set(o, "Capabilities", capabilities(&status));
	json_set_bool(o, "NoNewPrivileges", streq(nnp, "1"));
	json_set(o, "Seccomp", seccomp(&status));
	json_set_str(o, "Umask", mask);
	json_set(o, "Namespaces", namespaces(proc));
	r = map_rows(proc, "uid_map", &map, err);
	if (r < 0)
		return r;
	json_set(o, "UidMap", map);
	r = map_rows(proc, "gid_map", &map, err);
	if (r < 0)
		return r;
	json_set(o, "GidMap", map);
	r = mounts(proc, o, err);
	label(proc, o);
	return r;
}

int ctr_posture(const struct ctr *c, struct json_object **ret,
		struct err *err)
{
	autojson struct json_object *o = json_object_new_object();
	char path[32];
	int r;

	if (c->state != CTR_RUNNING && c->state != CTR_STOPPING)
		return err_set(err, ERR_STATE, ESRCH,
			       "container %s is not running: its posture is "
			       "that of a live process", c->name);
	(void)snprintf(path, sizeof(path), "/proc/%d", c->init.pid);
	autoclose int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	json_set_str(o, "Id", c->id);
	json_set_str(o, "Name", c->name);
	json_set_i64(o, "Pid", c->init.pid);
	r = proc < 0 ? err_sys(err, "open %s", path) : fill(proc, o, err);
	if (!proc_is_alive(&c->init)) {
		err_clear(err);
		return err_set(err, ERR_STATE, ESRCH,
			       "container %s ended meanwhile", c->name);
	}
	if (r == 0)
		*ret = take_ptr(o);
	return r;
}
