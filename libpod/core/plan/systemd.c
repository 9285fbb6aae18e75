/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --systemd: a container whose first process is systemd.  It wants its own
 * tmpfs for what a boot makes, its cgroup writable, an id of the machine, and
 * SIGRTMIN+3 to stop.  What is detected is the command, never a label.
 */
#include <inttypes.h>
#include <linux/mount.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/plan.h"
#include "util/str.h"
#include "util/strv.h"

bool systemd_is_on(const struct ctr_config *c)
{
	return c->systemd == SYSTEMD_ALWAYS || c->systemd == SYSTEMD_FOUND;
}

void systemd_detect(struct ctr_config *c)
{
	static const char *const names[] = { "/sbin/init", "/usr/sbin/init",
					     "/usr/local/sbin/init" };
	const char *cmd = c->entrypoint ? c->entrypoint[0] :
			  c->cmd	? c->cmd[0] :
					  NULL;
	const char *slash = cmd ? strrchr(cmd, '/') : NULL;
	bool found = streq(slash ? slash + 1 : cmd, "systemd");

	if (c->systemd != SYSTEMD_DETECT || !cmd)
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		found |= streq(cmd, names[i]);
	if (found)
		c->systemd = SYSTEMD_FOUND;
}

void systemd_env(const struct ctr *c, char ***env)
{
	char uuid[33];

	if (!systemd_is_on(&c->config) || strv_env_get(*env, "container_uuid"))
		return;
	(void)snprintf(uuid, sizeof(uuid), "%.32s", c->id);
	strv_env_set(env, "container_uuid", uuid);
}

void systemd_mounts(struct plan *p)
{
	static const struct {
		const char *path;
		unsigned int mode;
	} dirs[] = {
		{ "/run", 0755 },
		{ "/run/lock", 01777 },
		{ "/tmp", 01777 },
		{ "/var/log/journal", 0755 },
	};
	const struct ctr_config *c = &p->c->config;
	autofree char *size = c->systemd_tmpfs ?
		xasprintf(",size=%" PRIu64, c->systemd_tmpfs) : xstrdup("");

	for (size_t i = 0; systemd_is_on(c) && i < ARRAY_LEN(dirs); i++) {
		struct oci_mount m = {
			.kind = OCI_MOUNT_TMPFS,
			.source_fd = -EBADF,
			.target = dirs[i].path,
			.data = plan_text(p, xasprintf("mode=%o%s",
						       dirs[i].mode, size)),
			.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			.copy_up = true,
		};

		if (!plan_has_mount(p, dirs[i].path))
			plan_mount(p, &m);
	}
}
