/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"
#include "util/str.h"

struct wait_args {
	char **conditions;
	char *interval;
	bool ignore, latest, first;
};

static const struct opt wait_opts[] = {
	OPT_LIST(0, "condition", struct wait_args, conditions, "strings",
		 "State to wait for: created, exited, running, stopped, ..."),
	OPT_BOOL(0, "exit-first-match", struct wait_args, first,
		 "End when the first container meets the condition"),
	OPT_BOOL(0, "ignore", struct wait_args, ignore,
		 "Print -1 for unknown containers"),
	OPT_STR('i', "interval", struct wait_args, interval, "string",
		"Time between two looks when waiting for another state than "
		"exited"),
	OPT_BOOL('l', "latest", struct wait_args, latest,
		 "Act on the latest container"),
	OPT_END,
};

#define INTERVAL_MS 250

struct wait_how {
	const struct wait_args *args;
	int interval_ms;
};

/* "500" is milliseconds, "2s" a duration */
static int parse_interval(const char *text, int *ret, struct err *err)
{
	int64_t ns;
	uint32_t ms;

	if (!text)
		return 0;
	if (parse_u32(text, &ms) == 0 && ms <= INT32_MAX) {
		*ret = (int)ms;
		return 0;
	}
	if (parse_duration(text, &ns) < 0 || ns < 0 ||
	    ns / 1000000 > INT32_MAX)
		return err_set(err, ERR_USAGE, EINVAL,
			       "invalid interval \"%s\"", text);
	*ret = (int)(ns / 1000000);
	return 0;
}

static int check_conditions(char *const *v, struct err *err)
{
	static const char *const known[] = {
		"created", "configured", "exited",  "initialized", "removing",
		"running", "stopped",	 "stopping",	"paused",
		"healthy", "unhealthy",
	};

	for (; v && *v; v++) {
		bool good = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			good |= strcasecmp(*v, known[i]) == 0;
		if (!good)
			return err_set(err, ERR_USAGE, EINVAL,
				       "unknown container state: %s: invalid "
				       "argument", *v);
	}
	return 0;
}

static bool has_condition(char *const *conditions, const char *name)
{
	for (; *conditions; conditions++) {
		if (strcasecmp(*conditions, name) == 0)
			return true;
	}
	return false;
}

/* "stopped" and "exited" are what is waited for without a condition: what
 * never ran has stopped, and the code of one that --rm removes is told. */
static bool waits_for_end(const struct wait_args *args)
{
	for (char **v = args->conditions; v && *v; v++) {
		if (strcasecmp(*v, "stopped") && strcasecmp(*v, "exited"))
			return false;
	}
	return true;
}

static bool meets(const struct ctr *c, char *const *conditions)
{
	const char *state = ctr_state_name(c->state);

	for (; *conditions; conditions++) {
		if (strcasecmp(*conditions, state) == 0)
			return true;
		if (c->state == CTR_RUNNING && c->health != HEALTH_NONE &&
		    strcasecmp(*conditions, health_status_name(c->health)) == 0)
			return true;
		if (strcasecmp(*conditions, "stopped") == 0 &&
		    c->state == CTR_EXITED)
			return true;
		if (strcasecmp(*conditions, "configured") == 0 &&
		    c->state == CTR_CREATED)
			return true;
	}
	return false;
}

/* Between two looks it has come to its end and is gone: that is what was
 * waited for, or it never comes. */
static bool met_and_gone(const struct wait_args *args, const struct err *err)
{
	return err->kind == ERR_NOT_FOUND &&
	       (has_condition(args->conditions, "removing") ||
		has_condition(args->conditions, "stopped") ||
		has_condition(args->conditions, "exited"));
}

/* Until it is in one of the states, or gone. */
static int wait_state(struct runtime *rt, const char *name,
		      const struct wait_how *how, int *code, struct err *err)
{
	for (bool seen = false;; seen = true) {
		auto_ctr struct ctr *c = NULL;
		int r = ctr_find(rt, name, &c, err);

		if (r < 0 && seen && met_and_gone(how->args, err))
			return err_clear(err);
		if (r < 0)
			return r;
		if (meets(c, how->args->conditions)) {
			*code = c->state == CTR_EXITED ? c->exit_code : -1;
			return 0;
		}
		(void)poll(NULL, 0, how->interval_ms);
	}
}

static int wait_end(struct runtime *rt, const char *name, int *code,
		    struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = ctr_look(rt, name, &c, err);

	if (r == 0)
		r = ctr_wait(rt, c, code, err);
	if (r == 0)
		ctr_notice(rt, c);
	return r;
}

static int wait_one(struct runtime *rt, const char *name, void *data,
		    struct err *err)
{
	const struct wait_how *how = data;
	int code = -1;
	int r;

	if (waits_for_end(how->args))
		r = wait_end(rt, name, &code, err);
	else
		r = wait_state(rt, name, how, &code, err);
	if (r < 0 && how->args->ignore && err->kind == ERR_NOT_FOUND)
		r = err_clear(err);
	if (r == 0)
		printf("%d\n", code);
	return r;
}

/* 1: it is what is waited for */
static int look(struct runtime *rt, const char *name,
		const struct wait_how *how, int *code, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, name, &c, err);

	if (r < 0 && how->args->ignore && err->kind == ERR_NOT_FOUND) {
		err_clear(err);
		*code = -1;
		return 1;
	}
	if (r < 0)
		return r;
	*code = c->state == CTR_EXITED ? c->exit_code : -1;
	if (waits_for_end(how->args))
		return c->state == CTR_EXITED || c->state == CTR_CREATED;
	return meets(c, how->args->conditions);
}

static int wait_first(struct runtime *rt, char *const *names,
		      const struct wait_how *how, struct err *err)
{
	for (;;) {
		for (char *const *n = names; *n; n++) {
			int code = -1;
			int r = look(rt, *n, how, &code, err);

			if (r > 0)
				printf("%d\n", code);
			if (r != 0)
				return r < 0 ? r : 0;
		}
		(void)poll(NULL, 0, how->interval_ms);
	}
}

static int wait_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct wait_args *args = p;
	struct wait_how how = { args, INTERVAL_MS };
	auto_ctr struct ctr *latest = NULL;
	int r;

	r = check_conditions(args->conditions, err);
	if (r == 0)
		r = parse_interval(args->interval, &how.interval_ms, err);
	if (r < 0)
		return r;
	if (!args->latest && argv[0] && args->first)
		return wait_first(rt, argv, &how, err);
	if (!args->latest && argv[0])
		return each_arg(rt, argv, false, wait_one, &how);
	r = select_one(rt, "wait", args->latest, argv, &latest, err);
	return r < 0 ? r : wait_one(rt, latest->id, &how, err);
}

const struct cmd cmd_container_wait = {
	.path = "wait",
	.aliases = (const char *const[]){ "container wait", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Wait until containers stop, and print their exit codes",
	.text = "Prints -1 where the exit code is not known.",
	.examples = (const char *const[]){ "wait web",
					   "wait --condition running web",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ wait_opts, NULL },
	.args_size = sizeof(struct wait_args),
	.run = wait_run,
};
