/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_FAULT_H
#define UTIL_FAULT_H

/*
 * Named places at which a test can make the process die or a call fail:
 *
 *     if (FAULT("rm.row.removing") < 0)
 *             return err_sys(err, "mark %s removing", id);
 *
 * BRYO_FAULT='name:action[@nth][,...]' with the actions
 *     kill        SIGKILL to the process itself
 *     term        SIGTERM to the process itself
 *     stop        SIGSTOP to the process itself
 *     delay=MS    sleep
 *     errno=NAME  FAULT() returns -1 with that errno (ENOSPC, EIO, ...)
 * The name "*" matches every point.  BRYO_FAULT_LOG=FILE collects the names of
 * the points passed, after a counter of four bytes.  A point is compiled in
 * only with BRYO_TESTING; release builds do not hold the symbol.  Each point
 * registers itself in a linker section, so that `bryo __fault-points` can list
 * them all and the fault runner cannot forget one.
 */
#ifdef BRYO_TESTING

struct fault_point {
	const char *name;
};

int fault_hit(const struct fault_point *point);

/** fault_init() - read BRYO_FAULT and BRYO_FAULT_LOG; called once by main() */
void fault_init(void);

/** fault_each() - call @fn with the name of each point compiled in */
void fault_each(void (*fn)(const char *name, void *arg), void *arg);

#define FAULT(name)                                                       \
	(__extension__({                                                  \
		static const struct fault_point fault_point_              \
			__attribute__((used, section("bryo_faults"),      \
				       aligned(8))) = { (name) };         \
		fault_hit(&fault_point_);                                 \
	}))

#else

#define FAULT(name) 0
static inline void fault_init(void)
{
}

#endif

#endif
