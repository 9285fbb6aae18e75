/* SPDX-License-Identifier: Apache-2.0 */
#include "util/fault.h"

#ifdef BRYO_TESTING

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* The file of BRYO_FAULT_LOG.  Mapped, so that a point is noted also where no
 * path and no descriptor leads out any more: inside of a new container. */
#define NOTES_SIZE (64 << 10)
static struct notes {
	atomic_uint used;
	char text[NOTES_SIZE - sizeof(atomic_uint)];
} *notes;

static const struct {
	const char *name;
	int code;
} errnos[] = {
	{ "ENOSPC", ENOSPC }, { "EIO", EIO },	    { "EMFILE", EMFILE },
	{ "ENOMEM", ENOMEM }, { "EINTR", EINTR },   { "EDQUOT", EDQUOT },
	{ "EROFS", EROFS },   { "EACCES", EACCES }, { "EPERM", EPERM },
};

/* The errno of that name, 0 none */
static int errno_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(errnos); i++)
		if (streq(errnos[i].name, name))
			return errnos[i].code;
	return 0;
}

static bool action_is_known(const char *action)
{
	const char *name = str_after(action, "errno=");
	const char *ms = str_after(action, "delay=");
	uint64_t unused;

	if (name)
		return errno_of(name) != 0;
	if (ms)
		return parse_u64(ms, &unused) == 0;
	return streq(action, "kill") || streq(action, "term") ||
	       streq(action, "stop");
}

/* A fault that does not happen is a test that cannot fail. */
static void noreturn_attr refuse(const char *text)
{
	dprintf(STDERR_FILENO, "Error: BRYO_FAULT: '%s' is not understood\n",
		text);
	_exit(125);
}

static void add_plan(const char *text)
{
	autofree char *copy = xstrdup(text);
	struct plan *p = &plans[n_plans];
	char *action = strchr(copy, ':');
	char *nth;

	if (!action || n_plans == ARRAY_LEN(plans))
		refuse(text);
	*action++ = '\0';
	nth = strchr(action, '@');
	if (nth)
		*nth++ = '\0';
	if ((nth && parse_u64(nth, &p->nth) < 0) || !action_is_known(action))
		refuse(text);
	p->name = xstrdup(copy);
	p->action = xstrdup(action);
	n_plans++;
}

static void open_notes(const char *path)
{
	autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, NOTES_SIZE) == 0)
		p = mmap(NULL, NOTES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (p != MAP_FAILED)
		notes = p;
}

static void note(const char *name)
{
	unsigned int len = (unsigned int)strlen(name) + 1;
	unsigned int at = atomic_fetch_add(&notes->used, len);

	if (at + len > sizeof(notes->text))
		return;
	memcpy(notes->text + at, name, len - 1);
	notes->text[at + len - 1] = '\n';
}

void fault_init(void)
{
	const char *env = getenv("BRYO_FAULT");
	const char *log = getenv("BRYO_FAULT_LOG");
	autostrv char **v = env ? strv_split(env, ',') : NULL;

	for (size_t i = 0; v && v[i]; i++)
		add_plan(v[i]);
	if (log)
		open_notes(log);
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
	if (!arg)
		return 0;
	errno = errno_of(arg);
	return -1;
}

int fault_hit(const struct fault_point *point)
{
	if (notes)
		note(point->name);
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
