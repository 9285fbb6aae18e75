/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/container/ps.h"
#include "cmd/format.h"
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
	const char *file, *json;
	const char *field;	/* of a row, and of its .Namespaces */
	const char *name;
} spaces[] = {
	{ "mnt", "Mnt", "MNT", "MNT" },
	{ "cgroup", "Cgroup", "CGROUPNS", "Cgroup" },
	{ "ipc", "Ipc", "IPC", "IPC" },
	{ "net", "Net", "NET", "NET" },
	{ "pid", "Pidns", "PIDNS", "PIDNS" },
	{ "uts", "Uts", "UTS", "UTS" },
	{ "user", "User", "USERNS", "User" },
};

struct json_object *ps_namespaces(const struct ctr *c)
{
	struct json_object *o = json_object_new_object();
	struct sb text[ARRAY_LEN(spaces)];
	bool running = ctr_is_up(c);

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		text[i] = (struct sb)SB_INIT;
		if (running)
			read_link(c->init.pid, spaces[i].file, &text[i]);
	}
	/* Asked last: the links are those of our process, or of none. */
	running = running && proc_is_alive(&c->init);
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		if (running && text[i].len)
			json_set_str(o, spaces[i].json, text[i].buf);
		sb_done(&text[i]);
	}
	return o;
}

void ps_add_namespaces(struct json_object *row, const struct ctr *c,
		       bool wanted)
{
	autojson struct json_object *have =
		wanted ? ps_namespaces(c) : json_object_new_object();
	struct json_object *all = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		const char *text = json_str(have, spaces[i].json);
		struct json_object *field =
			json_object_new_string(text ? text : "");

		json_set_str(all, spaces[i].name, text ? text : "");
		if (wanted)
			json_set(row, spaces[i].field, field);
		else
			template_put_hidden(row, spaces[i].field, field);
	}
	template_put_hidden(row, "Namespaces", all);
}
