/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * systemd owns the tree of cgroups, a user gets a part of it by asking for a
 * transient scope with Delegate=yes.  One method call, over the manager's own
 * socket (no message bus in between, it need not run), with libsystemd, which
 * is loaded here and nowhere else: who has no systemd needs no libsystemd.
 *
 * The call returns when the job is queued.  That it is done shows in
 * /proc/self/cgroup: the manager has moved us.  Everything together may take
 * BUS_US; a manager that hangs is as good as none.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/cgroup.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/str.h"
#include "util/trace.h"

#define BUS_US 2000000ULL

struct sd_bus;

/* The part of systemd/sd-bus.h that is used. */
struct bus_error {
	const char *name;
	const char *message;
	int need_free;
};

struct lib {
	void *handle;
	struct sd_bus *bus;
	int (*bus_new)(struct sd_bus **ret);
	int (*set_address)(struct sd_bus *bus, const char *address);
	int (*set_timeout)(struct sd_bus *bus, uint64_t usec);
	int (*start)(struct sd_bus *bus);
	struct sd_bus *(*close_unref)(struct sd_bus *bus);
	int (*call_method)(struct sd_bus *bus, const char *destination,
			   const char *path, const char *interface,
			   const char *member, struct bus_error *ret_error,
			   void **reply, const char *types, ...);
	int (*is_ready)(struct sd_bus *bus);
	int (*process)(struct sd_bus *bus, void **ret_message);
	int (*wait)(struct sd_bus *bus, uint64_t usec);
	void (*error_free)(struct bus_error *e);
	void *(*message_unref)(void *m);
};

static int lib_load(struct lib *l, struct err *err)
{
	const struct {
		const char *name;
		void *slot;
	} symbols[] = {
		{ "sd_bus_new", &l->bus_new },
		{ "sd_bus_set_address", &l->set_address },
		{ "sd_bus_set_method_call_timeout", &l->set_timeout },
		{ "sd_bus_start", &l->start },
		{ "sd_bus_close_unref", &l->close_unref },
		{ "sd_bus_call_method", &l->call_method },
		{ "sd_bus_is_ready", &l->is_ready },
		{ "sd_bus_process", &l->process },
		{ "sd_bus_wait", &l->wait },
		{ "sd_bus_error_free", &l->error_free },
		{ "sd_bus_message_unref", &l->message_unref },
	};

	TRACE("cgroup", "load libsystemd");
	l->handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return err_set(err, ERR_FAIL, ENOENT,
			       "a scope of systemd needs libsystemd: %s",
			       dlerror());
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		void *p = dlsym(l->handle, symbols[i].name);

		if (!p)
			return err_set(err, ERR_FAIL, ENOSYS,
				       "libsystemd has no %s",
				       symbols[i].name);
		memcpy(symbols[i].slot, &p, sizeof(p));
	}
	return 0;
}

static void lib_done(struct lib *l)
{
	if (l->bus)
		l->close_unref(l->bus);
	if (l->handle)
		dlclose(l->handle);
}

static char *socket_path(const struct cgroup_want *want)
{
	if (want->is_root)
		return xstrdup("/run/systemd/private");
	return xasprintf("%s/systemd/private", want->runtime_dir);
}

bool scope_is_possible(const struct cgroup_want *want)
{
	autofree char *path = NULL;
	struct stat st;

	if (!want->is_root && !want->runtime_dir)
		return false;
	path = socket_path(want);
	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A call would wait for the greeting for ever, whatever its time limit. */
static int greet(struct lib *l, uint64_t end)
{
	for (;;) {
		uint64_t now = clock_mono_ns();
		int r = l->is_ready(l->bus);

		if (r != 0)
			return r < 0 ? r : 0;
		if (now >= end)
			return -ETIMEDOUT;
		r = l->process(l->bus, NULL);
		if (r == 0)
			r = l->wait(l->bus, (end - now) / 1000 + 1);
		if (r < 0 && r != -EINTR)
			return r;
	}
}

static int bus_open(struct lib *l, const struct cgroup_want *want,
		    uint64_t end, struct err *err)
{
	autofree char *path = socket_path(want);
	autofree char *address = xasprintf("unix:path=%s", path);
	int r = l->bus_new(&l->bus);

	if (r >= 0)
		r = l->set_address(l->bus, address);
	if (r >= 0)
		r = l->set_timeout(l->bus, BUS_US);
	if (r >= 0)
		r = l->start(l->bus);
	if (r >= 0)
		r = greet(l, end);
	return r < 0 ? err_code(err, r, "connect to systemd at %s", path) : 0;
}

#define UNIT_EXISTS "org.freedesktop.systemd1.UnitExists"

/* 1: the unit of the last start has not gone yet */
static int call_start(struct lib *l, const char *unit, const char *slice,
		      const char *id, struct err *err)
{
	struct bus_error e = { NULL, NULL, 0 };
	autofree char *text = xasprintf("bryo container %.12s", id);
	void *reply = NULL;
	int r;

	TRACE("cgroup", "StartTransientUnit");
	r = l->call_method(l->bus, "org.freedesktop.systemd1",
			   "/org/freedesktop/systemd1",
			   "org.freedesktop.systemd1.Manager",
			   "StartTransientUnit", &e, &reply,
			   "ssa(sv)a(sa(sv))", unit, "fail", 5,
			   "Description", "s", text,
			   "PIDs", "au", 1, (uint32_t)getpid(),
			   "Delegate", "b", 1,
			   "CollectMode", "s", "inactive-or-failed",
			   "Slice", "s", slice, 0);
	l->message_unref(reply);
	if (r >= 0)
		return 0;
	if (streq(e.name, UNIT_EXISTS))
		r = 1;
	else
		err_code(err, r, "systemd does not start %s%s%s", unit,
			 e.message ? ": " : "", e.message ? e.message : "");
	l->error_free(&e);
	return r;
}

static int start_unit(struct lib *l, const char *unit, const char *slice,
		      const char *id, uint64_t end, struct err *err)
{
	int r;

	while ((r = call_start(l, unit, slice, id, err)) == 1) {
		if (clock_mono_ns() >= end)
			return err_set(err, ERR_FAIL, EEXIST,
				       "systemd has a unit %s already", unit);
		(void)poll(NULL, 0, 2);
	}
	return r;
}

/* The job is done when we are where it should put us. */
static int wait_moved(const char *unit, uint64_t end, struct err *err)
{
	TRACE("cgroup", "wait for the scope");
	for (;;) {
		autofree char *path = cgroup_self();
		const char *at = path ? strstr(path, unit) : NULL;

		if (at && at > path && at[-1] == '/')
			return 0;
		if (clock_mono_ns() >= end)
			return err_set(err, ERR_FAIL, ETIMEDOUT,
				       "systemd did not make %s within 2 "
				       "seconds", unit);
		(void)poll(NULL, 0, 1);
	}
}

int scope_enter(const struct cgroup_want *want, const char *slice,
		struct err *err)
{
	TRACE("cgroup", "scope");
	uint64_t end = clock_mono_ns() + BUS_US * 1000;
	autofree char *unit = xasprintf("bryo-%s.scope", want->id);
	struct lib lib cleanup(lib_done) = { 0 };
	autofree char *self = cgroup_self();
	int r;

	/* the next round of a restart policy is there already */
	if (self && strstr(self, unit))
		return 0;
	r = lib_load(&lib, err);
	if (r == 0)
		r = bus_open(&lib, want, end, err);
	if (r == 0)
		r = start_unit(&lib, unit, slice, want->id, end, err);
	return r < 0 ? r : wait_moved(unit, end, err);
}
