/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_PLAN_DEVICE_H
#define CORE_PLAN_DEVICE_H

#include "util/cleanup.h"
#include "util/err.h"

struct plan;

/**
 * struct device - HOST[:CONTAINER][:MODE] of --device
 * @source: node, or a directory of nodes, of the host; owned
 * @target: where the container finds it; owned
 * @mode:   some of "rwm"; owned.  It is shown but cannot be enforced: that is
 *          the device controller's, which only root may set
 */
struct device {
	char *source;
	char *target;
	char *mode;
};

/** device_parse() - device_done() @ret after success; ERR_INVALID */
int device_parse(const char *text, struct device *ret, struct err *err);

/** device_done() - free what @dev owns */
void device_done(struct device *dev);

#define auto_device cleanup(device_done)

/** device_mount() - add what @text, a --device, names to @p */
int device_mount(struct plan *p, const char *text, struct err *err);

/** device_mounts() - --privileged: add the devices of the host that the
 *  caller may open, those that a container has of its own aside */
void device_mounts(struct plan *p);

#endif
