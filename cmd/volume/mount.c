/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/volume/volume.h"
#include "libpod/core/runtime.h"

/*
 * volume mount, volume unmount.  A volume is a directory of the host, so there
 * is nothing to mount: its path is told.  Only inside the user namespace can
 * it be used, as its files may belong to subuids.
 */
static int check_namespace(const struct runtime *rt, const char *verb,
			   struct err *err)
{
	if (rt->ids.is_root)
		return 0;
	return err_set(err, ERR_FAIL, EPERM,
		       "cannot run command \"%s volume %s\" in rootless mode, "
		       "must execute `%s unshare` first", cmd_prog(), verb,
		       cmd_prog());
}

static int mount_one(struct runtime *rt, const char *name,
		     void *data unused_attr, struct err *err)
{
	auto_volume struct volume *v = NULL;
	int r = volume_find(rt, name, &v, err);

	if (r == 0)
		printf("%s\n", v->mountpoint);
	return r;
}

static int mount_run(struct runtime *rt, const void *p unused_attr,
		     char **argv, struct err *err)
{
	int r = check_namespace(rt, "mount", err);

	return r < 0 ? r : each_arg(rt, argv, false, mount_one, NULL);
}

static int unmount_one(struct runtime *rt, const char *name,
		       void *data unused_attr, struct err *err)
{
	auto_volume struct volume *v = NULL;
	int r = volume_find(rt, name, &v, err);

	if (r == 0)
		printf("%s\n", v->name);
	return r;
}

static int unmount_run(struct runtime *rt, const void *p unused_attr,
		       char **argv, struct err *err)
{
	int r = check_namespace(rt, "unmount", err);

	return r < 0 ? r : each_arg(rt, argv, false, unmount_one, NULL);
}

const struct cmd cmd_volume_mount = {
	.path = "volume mount",
	.usage = "VOLUME [VOLUME...]",
	.summary = "Print where volumes are mounted",
	.text = "A volume is a directory that needs no mount. Works inside "
		"the user namespace only.",
	.examples = (const char *const[]){ "unshare bryo volume mount myvol",
					   NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.run = mount_run,
};

const struct cmd cmd_volume_unmount = {
	.path = "volume unmount",
	.aliases = (const char *const[]){ "volume umount", NULL },
	.usage = "VOLUME [VOLUME...]",
	.summary = "End the use of volume mount",
	.text = "Nothing was mounted, so this only checks that the volumes "
		"exist. Works inside the user namespace only.",
	.examples = (const char *const[]){ "unshare bryo volume unmount "
					   "myvol", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.run = unmount_run,
};
