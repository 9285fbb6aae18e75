/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/container/ps.h"
#include "util/json.h"

/* "pid:[4026531836]" -> "4026531836"; "" when it cannot be read */
static void read_link(pid_t pid, const char *name, struct sb *out)
{
	char path[64];
	char link[64];
	const char *open = NULL;
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	open = strchr(link, '[');
	if (open)
		sb_addn(out, open + 1, strcspn(open + 1, "]"));
}

static const struct {
	const char *file, *field, *json;
} spaces[] = {
	{ "mnt", "MNT", "Mnt" },       { "cgroup", "CGROUPNS", "Cgroup" },
	{ "ipc", "IPC", "Ipc" },       { "net", "NET", "Net" },
	{ "pid", "PIDNS", "Pidns" },   { "uts", "UTS", "Uts" },
	{ "user", "USERNS", "User" },
};

struct json_object *ps_namespaces(const struct ctr *c, bool json)
{
	struct json_object *o = json_object_new_object();
	bool running = ctr_is_up(c);
	struct sb text[ARRAY_LEN(spaces)];
	bool alive = false;

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		text[i] = (struct sb)SB_INIT;
		if (running)
			read_link(c->init.pid, spaces[i].file, &text[i]);
	}
	/* Asked last: the links are those of our process, or of none. */
	alive = running && proc_is_alive(&c->init);
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		if (!json)
			json_set_str(o, spaces[i].field,
				     alive ? text[i].buf : "");
		else if (alive && text[i].len)
			json_set_str(o, spaces[i].json, text[i].buf);
		sb_done(&text[i]);
	}
	return o;
}
