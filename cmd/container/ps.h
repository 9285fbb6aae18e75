/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_PS_H
#define CMD_CONTAINER_PS_H

#include <stdint.h>

#include "cmd/filter.h"
#include "libpod/core/container.h"
#include "util/sb.h"

/* The parts of ps: which containers, in what order, as what. */

/* ---- ps_filter.c ------------------------------------------------------ */

/** struct ps_filters - parsed, with what their values name looked up */
struct ps_filters {
	struct filters f;
	struct runtime *rt;	/* borrowed */
	int64_t before_ns;	/* oldest container that "before" names */
	int64_t since_ns;
};

#define PS_FILTERS_INIT { FILTERS_INIT, NULL, 0, 0 }

int ps_filters_parse(struct runtime *rt, char *const *texts,
		     struct ps_filters *ret, struct err *err);
void ps_filters_done(struct ps_filters *f);
bool ps_matches(const struct ctr *c, const struct ps_filters *f);

#define auto_ps_filters cleanup(ps_filters_done)

/** ps_sort() - @by: created, command, id, image, names, runningfor, size,
 *  status; -EINVAL for others */
int ps_sort(struct ctr_list *list, const char *by, struct err *err);

/* ---- ps_row.c --------------------------------------------------------- */

/** ps_row() - template fields, all of them as text where podman prints text */
struct json_object *ps_row(const struct ctr *c, int64_t now_ns, bool no_trunc);

/** ps_json() - one element of `ps --format json` */
struct json_object *ps_json(const struct ctr *c, int64_t now_ns);

/** ps_table() - the default columns, tab separated with a newline; no detour
 *  over JSON, since a list may be long */
void ps_table(const struct ctr *c, int64_t now_ns, bool no_trunc,
	      struct sb *out);

/* ---- ps_ns.c ---------------------------------------------------------- */

/** ps_namespaces() - numbers of a running container's namespaces, as in
 *  `--format json`: those that are not known left out; owned by the caller */
struct json_object *ps_namespaces(const struct ctr *c);

/** ps_add_namespaces() - the fields of templates: CGROUPNS, IPC, MNT, NET,
 *  PIDNS, USERNS, UTS, and all of them as Namespaces; empty ones, which
 *  {{json .}} leaves out, unless they are @wanted (--ns) */
void ps_add_namespaces(struct json_object *row, const struct ctr *c,
		       bool wanted);

/** ports_text() - "0.0.0.0:8080->80/tcp, ..." */
void ports_text(const struct port_list *ports, struct sb *out);

/** starts_on_boot() - always, or unless-stopped and not stopped by the user */
bool starts_on_boot(const struct ctr *c);

#endif
