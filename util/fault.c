/* SPDX-License-Identifier: Apache-2.0 */
#include "util/fault.h"

#ifdef BRYO_TESTING

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/str.h"
#include "util/strv.h"

/* Bounds of the linker section that FAULT() fills. */
extern const struct fault_point __start_bryo_faults[] __attribute__((weak));
extern const struct fault_point __stop_bryo_faults[] __attribute__((weak));

struct plan {
	char *name;
	char *action;
	uint64_t nth;	/* fires at the nth hit, 0 = at each */
	uint64_t hits;
};

static struct plan plans[16];
static size_t n_plans;

static const struct {
	const char *name;
	int code;
} errnos[] = {
	{ "ENOSPC", ENOSPC }, { "EIO", EIO },	    { "EMFILE", EMFILE },
	{ "ENOMEM", ENOMEM }, { "EINTR", EINTR },   { "EDQUOT", EDQUOT },
	{ "EROFS", EROFS },   { "EACCES", EACCES }, { "EPERM", EPERM },
};

static void add_plan(const char *text)
{
	autofree char *copy = xstrdup(text);
	char *action = strchr(copy, ':');
	char *nth;

	if (!action || n_plans == ARRAY_LEN(plans))
		return;
	*action++ = '\0';
	nth = strchr(action, '@');
	if (nth)
		*nth++ = '\0';
	plans[n_plans].name = xstrdup(copy);
	plans[n_plans].action = xstrdup(action);
	if (nth && parse_u64(nth, &plans[n_plans].nth) < 0)
		return;
	n_plans++;
}

void fault_init(void)
{
	const char *env = getenv("BRYO_FAULT");
	autostrv char **v = env ? strv_split(env, ',') : NULL;

	for (size_t i = 0; v && v[i]; i++)
		add_plan(v[i]);
}

static int act(const char *action)
{
	const char *arg;

	if (streq(action, "kill"))
		kill(getpid(), SIGKILL);
	if (streq(action, "term"))
		kill(getpid(), SIGTERM);
	if (streq(action, "stop"))
		kill(getpid(), SIGSTOP);
	arg = str_after(action, "delay=");
	if (arg) {
		uint64_t ms = 0;

		if (parse_u64(arg, &ms) == 0) {
			struct timespec ts = {
				(time_t)(ms / 1000),
				(long)(ms % 1000) * 1000000,
			};

			nanosleep(&ts, NULL);
		}
		return 0;
	}
	arg = str_after(action, "errno=");
	for (size_t i = 0; arg && i < ARRAY_LEN(errnos); i++) {
		if (streq(errnos[i].name, arg)) {
			errno = errnos[i].code;
			return -1;
		}
	}
	return 0;
}

int fault_hit(const struct fault_point *point)
{
	for (size_t i = 0; i < n_plans; i++) {
		struct plan *p = &plans[i];

		if (!streq(p->name, "*") && !streq(p->name, point->name))
			continue;
		p->hits++;
		if (!p->nth || p->hits == p->nth)
			return act(p->action);
	}
	return 0;
}

void fault_each(void (*fn)(const char *name, void *arg), void *arg)
{
	for (const struct fault_point *p = __start_bryo_faults;
	     p && p < __stop_bryo_faults; p++)
		fn(p->name, arg);
}

#else

/* ISO C wants at least one declaration in a translation unit. */
extern int fault_unused;

#endif
