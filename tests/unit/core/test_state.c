/* SPDX-License-Identifier: Apache-2.0 */
/* The witnesses of a container's state, in every combination that a kill can
 * leave behind; no container is started. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/volume/volume.h"
#include "libpod/monitor/monitor.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

struct bed {
	char dir[64];
	struct runtime *rt;
};

static int setup(void **state)
{
	struct bed *b = xcalloc(1, sizeof(*b));
	struct err why = ERR_INIT;
	char root[128];
	char run[128];
	struct runtime_opts opts = { .root = root, .runroot = run };

	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/bryo-state-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(root, sizeof(root), "%s/data", b->dir);
	(void)snprintf(run, sizeof(run), "%s/run", b->dir);
	if (runtime_open(&opts, &b->rt, &why) < 0)
		fail_msg("%s", why.msg);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bed *b = *state;

	runtime_close(b->rt);
	(void)tree_remove_at(AT_FDCWD, b->dir, NULL);
	free(b);
	return 0;
}

/* A process that is certainly gone, and one that lives until it is killed */
static struct proc_id dead_proc(void)
{
	pid_t pid = fork();
	struct proc_id id = { .pid = pid };

	if (pid == 0)
		_exit(0);
	(void)proc_start_time(pid, &id.start);
	(void)waitpid(pid, NULL, 0);
	return id;
}

static struct proc_id live_proc(void)
{
	struct proc_id id = { .pid = fork() };

	if (id.pid == 0) {
		/* a test that fails leaves nobody behind */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	assert_int_equal(proc_start_time(id.pid, &id.start), 0);
	return id;
}

static void end_proc(const struct proc_id *id)
{
	(void)kill(id->pid, SIGKILL);
	(void)waitpid(id->pid, NULL, 0);
}

/**
 * struct scene - what is on disk when somebody looks
 * @row:      state in the row
 * @owner:    0 none, 1 dead, 2 alive (we)
 * @lock:     held by a monitor
 * @started, @exited: records of: 0 none, 1 this start, -1 an earlier one
 * @init:     alive
 * @old_boot: all of it is of another boot
 * @rm:       --rm
 */
struct scene {
	const char *name;
	enum ctr_state row;
	int owner;
	bool lock;
	int started;
	int exited;
	bool init;
	bool old_boot;
	bool rm;
	enum ctr_state want;
	int want_code;
	bool want_orphan;
	bool want_gone;	/* after the sweep */
	enum ctr_state want_swept;
};

#define START_N 3

static const struct scene scenes[] = {
	{ "running", CTR_RUNNING, 0, true, 1, 0, true, false, false,
	  CTR_RUNNING, 0, false, false, CTR_RUNNING },
	{ "running, an older exit record", CTR_RUNNING, 0, true, 1, -1, true,
	  false, false, CTR_RUNNING, 0, false, false, CTR_RUNNING },
	{ "ended, monitor still there", CTR_RUNNING, 0, true, 1, 1, false,
	  false, false, CTR_EXITED, 7, false, false, CTR_RUNNING },
	{ "ended", CTR_RUNNING, 0, false, 1, 1, false, false, false,
	  CTR_EXITED, 7, false, false, CTR_RUNNING },
	{ "monitor killed", CTR_RUNNING, 0, false, 1, 0, true, false, false,
	  CTR_RUNNING, 0, true, false, CTR_RUNNING },
	{ "monitor and init killed", CTR_RUNNING, 0, false, 1, 0, false, false,
	  false, CTR_EXITED, -1, false, false, CTR_RUNNING },
	{ "stopping, monitor and init killed", CTR_STOPPING, 0, false, 1, 0,
	  false, false, false, CTR_EXITED, -1, false, false, CTR_STOPPING },
	{ "reboot", CTR_RUNNING, 0, false, 1, 0, false, true, false,
	  CTR_EXITED, -1, false, false, CTR_RUNNING },
	/* pids of another boot mean nothing, whoever has them now */
	{ "reboot, pid in use again", CTR_RUNNING, 0, false, 1, 0, true, true,
	  false, CTR_EXITED, -1, false, false, CTR_RUNNING },
	{ "reboot after the end", CTR_RUNNING, 0, false, 1, 1, false, true,
	  false, CTR_EXITED, 7, false, false, CTR_RUNNING },
	{ "being created", CTR_CREATING, 2, false, 0, 0, false, false, false,
	  CTR_CREATING, 0, false, false, CTR_CREATING },
	{ "creator killed", CTR_CREATING, 1, false, 0, 0, false, false, false,
	  CTR_CREATING, 0, false, true, 0 },
	{ "creator killed, monitor undoes it", CTR_CREATING, 1, true, 0, 0,
	  true, false, false, CTR_CREATING, 0, false, false, CTR_CREATING },
	{ "creator killed after go", CTR_CREATING, 1, true, 1, 0, true, false,
	  false, CTR_RUNNING, 0, false, false, CTR_RUNNING },
	{ "creator killed after go, ended", CTR_CREATING, 1, false, 1, 1,
	  false, false, false, CTR_EXITED, 7, false, false, CTR_EXITED },
	{ "creator killed after go, ended, --rm", CTR_CREATING, 1, false, 1, 1,
	  false, false, true, CTR_EXITED, 7, false, true, 0 },
	{ "creator and monitor killed", CTR_CREATING, 1, false, 1, 0, true,
	  false, false, CTR_RUNNING, 0, true, false, CTR_RUNNING },
	{ "being started", CTR_STARTING, 2, true, 0, -1, true, false, false,
	  CTR_STARTING, 0, false, false, CTR_STARTING },
	{ "starter killed", CTR_STARTING, 1, false, -1, -1, false, false,
	  false, CTR_STARTING, 0, false, false, CTR_EXITED },
	{ "starter killed after go", CTR_STARTING, 1, true, 1, -1, true, false,
	  false, CTR_RUNNING, 0, false, false, CTR_RUNNING },
	{ "starter killed by a power cut", CTR_STARTING, 1, false, 1, 0, false,
	  true, false, CTR_EXITED, -1, false, false, CTR_EXITED },
	{ "initialized", CTR_INITIALIZED, 0, true, 0, -1, true, false, false,
	  CTR_INITIALIZED, 0, false, false, CTR_INITIALIZED },
	{ "initialized, monitor killed", CTR_INITIALIZED, 0, false, 0, 0,
	  false, false, false, CTR_EXITED, 0, false, false, CTR_INITIALIZED },
	{ "initialized, reboot", CTR_INITIALIZED, 0, true, 0, 0, true, true,
	  false, CTR_EXITED, 0, false, false, CTR_INITIALIZED },
	{ "initialized, starter killed after go", CTR_INITIALIZED, 0, true, 1,
	  -1, true, false, false, CTR_RUNNING, 0, false, false,
	  CTR_INITIALIZED },
	{ "initialized, started, ended", CTR_INITIALIZED, 0, false, 1, 1,
	  false, false, false, CTR_EXITED, 7, false, false, CTR_INITIALIZED },
	{ "remover killed", CTR_REMOVING, 1, false, 1, 1, false, false, false,
	  CTR_REMOVING, 0, false, true, 0 },
};

static void write_records(int dir, const struct scene *s,
			  const struct proc_id *init, const char *boot)
{
	struct start_record st = { .init = *init, .monitor = dead_proc(),
				   .start_n = START_N };
	struct exit_record ex = { .code = 7, .oom = -1, .finished_ns = 5,
				  .start_n = START_N };

	(void)snprintf(st.boot_id, sizeof(st.boot_id), "%s", boot);
	(void)snprintf(ex.boot_id, sizeof(ex.boot_id), "%s", boot);
	if (s->started < 0)
		st.start_n--;
	if (s->exited < 0)
		ex.start_n--;
	if (s->started)
		assert_ok(start_record_write(dir, &st, err));
	if (s->exited)
		assert_ok(exit_record_write(dir, &ex, false, err));
}

static int tx_put(struct runtime *rt, void *arg, struct err *err)
{
	int r = row_insert(rt, arg, err);

	return r < 0 ? r : row_save(rt, arg, err);
}

/* The row and the directory of a scene; the lock's descriptor or -EBADF */
static int play(struct runtime *rt, const struct scene *s, struct ctr *c,
		const struct proc_id *init)
{
	const char *boot = s->old_boot ? "an-older-boot" : boot_id();
	int lock = -EBADF;

	id_random(c->id);
	c->op_fd = -EBADF;
	/* random names of a few thousand do meet in twenty scenes */
	c->name = xasprintf("scene_%.12s", c->id);
	ctr_config_init(&c->config);
	c->config.auto_remove = s->rm;
	strv_add(&c->config.cmd, "x");
	c->state = s->row;
	c->start_n = START_N;
	c->started_ns = s->row == CTR_CREATING ? 0 : 1;
	(void)snprintf(c->boot, sizeof(c->boot), "%s", boot);
	(void)snprintf(c->owner_boot, sizeof(c->owner_boot), "%s", boot);
	if (s->row == CTR_RUNNING || s->row == CTR_STOPPING)
		c->init = *init;
	if (s->owner)
		c->owner = s->owner == 2 ? proc_self() : dead_proc();
	assert_ok(tx_run(rt, 0, tx_put, c, err));
	assert_int_equal(mkdirat(rt->ctrs_fd, c->id, 0700), 0);
	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);

	write_records(dir, s, init, boot);
	if (s->lock) {
		lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(flock(lock, LOCK_EX), 0);
	}
	return lock;
}

static void check_swept(struct runtime *rt, const struct scene *s,
			const char *id)
{
	auto_ctr struct ctr *c = NULL;
	struct err why = ERR_INIT;
	int r;

	ctr_sweep(rt);
	r = row_load(rt, id, &c, &why);
	if (s->want_gone) {
		assert_int_equal(r, -ENOENT);
		assert_int_equal(faccessat(rt->ctrs_fd, id, F_OK, 0), -1);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(c->state, s->want_swept);
	/* a second sweep finds nothing to do */
	ctr_sweep(rt);
}

static void test_scenes(void **state)
{
	struct bed *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		const struct scene *s = &scenes[i];
		struct proc_id init = s->init ? live_proc() : dead_proc();
		struct ctr *c = xcalloc(1, sizeof(*c));
		auto_ctr struct ctr *seen = NULL;
		int lock;

		print_message("scene: %s\n", s->name);
		lock = play(b->rt, s, c, &init);
		assert_ok(row_load(b->rt, c->id, &seen, err));
		ctr_normalise(b->rt, seen);
		assert_int_equal(seen->state, s->want);
		assert_int_equal(seen->orphaned, s->want_orphan);
		if (s->want == CTR_EXITED)
			assert_int_equal(seen->exit_code, s->want_code);
		if (s->want == CTR_EXITED && s->want_code < 0)
			assert_non_null(seen->error);
		if (s->want == CTR_RUNNING)
			assert_int_equal(seen->init.pid, init.pid);
		check_swept(b->rt, s, c->id);
		close_fd(lock);
		if (s->init)
			end_proc(&init);
		ctr_free(c);
	}
}

/* A lock file that was replaced does not count as held. */
static void test_lock_inode(void **state)
{
	struct bed *b = *state;
	const struct scene s = { .row = CTR_CREATED };
	struct ctr *c = xcalloc(1, sizeof(*c));
	int held;

	play(b->rt, &s, c, &(struct proc_id){ 0 });
	autoclose int dir = dir_open_at(b->rt->ctrs_fd, c->id);
	struct err why = ERR_INIT;

	held = ctr_lock_take(dir, "x", 0, &why);
	assert_true(held >= 0);
	assert_int_equal(ctr_lock_probe(b->rt, c->id), 1);
	assert_fails(ctr_lock_take(dir, "x", 5, err), EBUSY);
	close(held);
	assert_int_equal(ctr_lock_probe(b->rt, c->id), 0);
	ctr_free(c);
}

/* The same transitional row seen by two sweeps: the slower one does nothing */
static void test_mark(void **state)
{
	struct bed *b = *state;
	const struct scene s = { .row = CTR_CREATING, .owner = 1 };
	struct ctr *c = xcalloc(1, sizeof(*c));
	auto_ctr struct ctr *now = NULL;
	struct ctr_mark mark;

	play(b->rt, &s, c, &(struct proc_id){ 0 });
	mark = (struct ctr_mark){ c->state, c->owner, c->start_n };
	c->state = CTR_CREATED;
	c->owner = (struct proc_id){ 0 };
	assert_ok(tx_run(b->rt, 0, tx_save, c, err));
	assert_ok(ctr_erase(b->rt, c, &mark, true, err));
	assert_ok(row_load(b->rt, c->id, &now, err));
	assert_int_equal(now->state, CTR_CREATED);
	ctr_free(c);
}

static void test_find(void **state)
{
	struct bed *b = *state;
	static const char *const ids[] = { "aa11", "aa22", "bb33" };
	auto_ctr struct ctr *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct ctr *c = xcalloc(1, sizeof(*c));

		c->op_fd = -EBADF;
		(void)snprintf(c->id, sizeof(c->id), "%s%060d", ids[i], 0);
		/* the last one is named like the id of another */
		c->name = xstrdup(i == 2 ? "aa11" : ids[i] + 2);
		ctr_config_init(&c->config);
		c->state = CTR_CREATED;
		assert_ok(tx_run(b->rt, 0, tx_put, c, err));
		ctr_free(c);
	}
	assert_ok(ctr_find(b->rt, "bb", &found, err));
	assert_string_equal(found->name, "aa11");
	found = ctr_free(found);
	assert_ok(ctr_find(b->rt, "/22", &found, err));
	assert_int_equal(strncmp(found->id, "aa22", 4), 0);
	found = ctr_free(found);
	/* a name wins over a prefix */
	assert_ok(ctr_find(b->rt, "aa11", &found, err));
	assert_int_equal(strncmp(found->id, "bb33", 4), 0);
	assert_fails(ctr_find(b->rt, "aa", &found, err), EINVAL);
	assert_fails(ctr_find(b->rt, "cc", &found, err), ENOENT);
	assert_fails(ctr_find(b->rt, "aa%", &found, err), ENOENT);
}

static void test_volumes(void **state)
{
	struct bed *b = *state;
	struct volume *v = NULL;

	assert_ok(volume_create(b->rt, "one", NULL, NULL, false, &v, err));
	assert_true(v->needs_copy_up);
	v = volume_free(v);
	assert_fails(volume_create(b->rt, "one", NULL, NULL, false, NULL, err),
		     EEXIST);
	assert_ok(volume_create(b->rt, "one", NULL, NULL, true, NULL, err));
	assert_fails(volume_create(b->rt, "../x", NULL, NULL, false, NULL,
				   err), EINVAL);
	assert_ok(volume_filled(b->rt, "one", err));
	autoclose int fd = volume_dir(b->rt, "one", NULL);

	assert_true(fd >= 0);
	assert_ok(volume_find(b->rt, "on", &v, err));
	assert_string_equal(v->name, "one");
	assert_false(v->needs_copy_up);
	v = volume_free(v);
	assert_ok(volume_use(b->rt, "one", false, "ctr1", err));
	assert_fails(volume_remove(b->rt, "one", false, 0, err), EBUSY);
	assert_ok(volume_unuse(b->rt, "ctr1", true, &(char **){ NULL }, err));
	assert_ok(volume_remove(b->rt, "one", false, 0, err));
	assert_fails(volume_find(b->rt, "one", &v, err), ENOENT);
	assert_int_equal(faccessat(b->rt->volumes_fd, "one", F_OK, 0), -1);
}

/* Anonymous volumes go with their last user, named ones never. */
static void test_anonymous(void **state)
{
	struct bed *b = *state;
	autostrv char **dead = NULL;
	struct volume *v = NULL;

	assert_ok(volume_use(b->rt, "named", false, "c1", err));
	assert_ok(volume_use(b->rt, "anon", true, "c1", err));
	assert_ok(volume_use(b->rt, "shared", true, "c1", err));
	assert_ok(volume_use(b->rt, "shared", true, "c2", err));
	assert_ok(volume_unuse(b->rt, "c1", true, &dead, err));
	assert_int_equal(strv_len(dead), 1);
	assert_string_equal(dead[0], "anon");
	assert_ok(volume_find(b->rt, "named", &v, err));
	v = volume_free(v);
	assert_ok(volume_find(b->rt, "shared", &v, err));
	assert_int_equal(strv_len(v->users), 1);
	volume_free(v);
}

#define state_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

UNIT_TESTS(state_test(test_scenes), state_test(test_lock_inode),
	   state_test(test_mark), state_test(test_find),
	   state_test(test_volumes), state_test(test_anonymous));
