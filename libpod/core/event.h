/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdint.h>

#include "util/err.h"

struct ctr;
struct json_object;
struct runtime;

/*
 * The journal: a row for each thing that happened, newest last, bounded.
 *
 * Whoever changes something says so with one call of event_add() or one of
 * its short forms.  Inside an open transaction the row is part of it: what is
 * rolled back did not happen.  Outside the row gets a transaction of its own
 * that is not durable, and a failure of it is swallowed: the thing has been
 * done already.
 *
 * init, start, died, cleanup and remove of containers need no call: they come
 * from the changes of the container's row (event_life()).
 */
enum event_type {
	EVENT_CONTAINER,
	EVENT_IMAGE,
	EVENT_VOLUME,
	EVENT_NETWORK,
	EVENT_SECRET,
	EVENT_SYSTEM,
	EVENT_TYPES,
};

/* In the order of names[] in event.c */
enum event_status {
	EVENT_ATTACH,
	EVENT_BUILD,
	EVENT_CLEANUP,
	EVENT_COMMIT,
	EVENT_CONNECT,
	EVENT_COPY,
	EVENT_CREATE,
	EVENT_DIED,
	EVENT_DISCONNECT,
	EVENT_EXEC,
	EVENT_EXEC_DIED,
	EVENT_EXPORT,
	EVENT_HEALTH_STATUS,
	EVENT_HELPER_RESTARTED,
	EVENT_IMPORT,
	EVENT_INIT,
	EVENT_KILL,
	EVENT_LOAD,
	EVENT_MOUNT,
	EVENT_OOM,
	EVENT_PAUSE,
	EVENT_PRUNE,
	EVENT_PULL,
	EVENT_PUSH,
	EVENT_REMOVE,
	EVENT_RENAME,
	EVENT_RESET,
	EVENT_RESTART,
	EVENT_SAVE,
	EVENT_START,
	EVENT_STOP,
	EVENT_TAG,
	EVENT_UNMOUNT,
	EVENT_UNPAUSE,
	EVENT_UNTAG,
	EVENT_UPDATE,
	EVENT_STATUSES,
};

/**
 * struct event - one thing that happened
 * @time_ns: 0 = now
 * @id:      of the object, or NULL
 * @name:    of the object, or NULL
 * @image:   containers: the name of their image, or NULL
 * @labels:  of the object, KEY=VALUE, or NULL
 * @attrs:   whatever else is to be known, KEY=VALUE, or NULL
 *
 * All borrowed.
 */
struct event {
	enum event_type type;
	enum event_status status;
	int64_t time_ns;
	const char *id;
	const char *name;
	const char *image;
	char *const *labels;
	char *const *attrs;
};

/** event_add() - Return: 0; -errno only inside a transaction */
int event_add(struct runtime *rt, const struct event *e, struct err *err);

/** event_ctr() - of a container; @attrs: see struct event */
int event_ctr(struct runtime *rt, const struct ctr *c, enum event_status s,
	      char *const *attrs, struct err *err);

/** event_image() - of an image; @name: as the user typed it, or a new tag */
int event_image(struct runtime *rt, enum event_status s, const char *id,
		const char *name, struct err *err);

/** event_named() - of a volume, network or secret, which have a name only */
int event_named(struct runtime *rt, enum event_type t, enum event_status s,
		const char *name, struct err *err);

/**
 * struct event_row - what the journal has; borrowed while @fn runs
 * @type, @status: texts: a later version may have written ones unknown here
 * @attrs: object of strings, labels included; never NULL
 */
struct event_row {
	int64_t seq;
	int64_t time_ns;
	const char *type;
	const char *status;
	const char *id;
	const char *name;
	const char *image;
	struct json_object *attrs;
};

typedef int (*event_fn)(const struct event_row *e, void *arg, struct err *err);

/** event_last() - number of the newest row, 0 when there is none */
int event_last(struct runtime *rt, int64_t *ret, struct err *err);

/**
 * event_each() - call @fn for each row behind *@seq, oldest first
 * @seq: in: where to go on; out: the last one seen
 */
int event_each(struct runtime *rt, int64_t *seq, event_fn fn, void *arg,
	       struct err *err);

/**
 * event_watch() - a descriptor that becomes readable when somebody changes
 * the state; owned by the caller
 *
 * -EBADF where the system gives us no watch (fs.inotify.max_user_watches):
 * event_wait() looks four times a second then.
 */
int event_watch(struct runtime *rt);

/** event_wait() - until there may be news; @timeout_ms: -1 for ever.
 *  Return: 1 look, 0 timeout */
int event_wait(int watch_fd, int timeout_ms);

#endif
