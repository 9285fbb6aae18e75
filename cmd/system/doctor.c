/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bryo doctor`: is everything there that containers need?
 *
 * Theory of operation.  The probes are in doctor_probe.c.  The last one is
 * made here: a container is run, by this very program, of a directory with
 * one static program in it, so no image and no network is needed.  --fix
 * carries out the fixes that need no root and looks again.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/system/doctor.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/strv.h"

#define OUTPUT_MAX 65536

struct doctor_args {
	bool fix, json;
};

static const struct opt doctor_opts[] = {
	OPT_BOOL(0, "fix", struct doctor_args, fix,
		 "Mend what can be mended without root"),
	OPT_BOOL(0, "json", struct doctor_args, json, "Print JSON"),
	OPT_END,
};

static const char *const words[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warning",
	[DOCTOR_FAIL] = "failed",
};

/* ---- a container ------------------------------------------------------- */

static int copy_program(int dir, struct err *err)
{
	autofree char *path = helper_path("bryo-init");
	struct stat st;

	autoclose int from = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	autoclose int to = openat(dir, "probe", O_WRONLY | O_CREAT | O_CLOEXEC,
				  0755);
	if (from < 0 || fstat(from, &st) < 0 || to < 0 ||
	    sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size)
		return err_sys(err, "copy bryo-init");
	return 0;
}

/* What it says on stderr goes to @text. */
static int run_container(const char *dir, struct sb *text)
{
	const char *argv[] = { "bryo", "run", "--rm", "--network", "none",
			       "--log-driver", "none", "--rootfs", dir,
			       "/probe", NULL };
	autostrv char **copy = strv_copy((char *const *)(uintptr_t)argv);
	pid_t pid;
	int r;

	autoclose int out = fd_memory("doctor", NULL);
	int fds[] = { -1, out, out };
	struct proc_spawn s = { .path = self_path(), .argv = copy,
				.env = environ, .fds = fds, .n_fds = 3 };

	pid = proc_spawn(&s, NULL, NULL);
	r = pid < 0 ? -1 : proc_wait(pid);
	(void)lseek(out, 0, SEEK_SET);
	(void)fd_read_all(out, OUTPUT_MAX, text);
	return r;
}

static enum doctor_verdict container(struct finding *f)
{
	char dir[] = "/tmp/bryo-doctor.XXXXXX";
	autosb struct sb text = SB_INIT;
	struct err why = ERR_INIT;
	const char *line;
	int code;

	if (!mkdtemp(dir)) {
		sb_addf(&f->detail, "%s: %s", dir, err_reason(errno));
		return DOCTOR_FAIL;
	}
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	code = copy_program(fd, &why) < 0 ? -1 : run_container(dir, &text);
	(void)tree_remove_at(AT_FDCWD, dir, NULL);
	/* the program ends in silence, a failure of bryo's has a reason */
	if (code >= 0 && !strstr(text.buf, "Error:")) {
		sb_add(&f->detail, "a container runs");
		return DOCTOR_OK;
	}
	line = strstr(text.buf, "Error:");
	line = line ? line : text.buf;
	sb_addf(&f->detail, "no container runs: %s%.*s", why.msg,
		(int)strcspn(line, "\n"), line);
	return DOCTOR_FAIL;
}

/* ---- printing ---------------------------------------------------------- */

static void print(const char *name, const struct finding *f,
		  struct json_object *list)
{
	struct json_object *o;

	if (!list) {
		printf("%-8s %-13s %s\n", words[f->verdict], name,
		       f->detail.buf);
		if (f->fix.len)
			printf("%-8s %-13s fix: %s\n", "", "", f->fix.buf);
		return;
	}
	o = json_object_new_object();
	json_set_str(o, "name", name);
	json_set_str(o, "status", words[f->verdict]);
	json_set_str(o, "detail", f->detail.buf);
	json_set_str(o, "fix", f->fix.buf);
	json_object_array_add(list, o);
}

static bool mend(const struct finding *f)
{
	autofree char *path = proc_find_program(f->fix_argv[0]);
	autostrv char **argv =
		strv_copy((char *const *)(uintptr_t)f->fix_argv);
	int fds[] = { -1, -1, -1 };
	struct proc_spawn s = { .path = path, .argv = argv, .env = environ,
				.fds = fds, .n_fds = 3 };
	pid_t pid = path ? proc_spawn(&s, NULL, NULL) : -1;

	return pid > 0 && proc_wait(pid) == 0;
}

static void probe(const struct doctor_probe *p, const struct doctor *d,
		  bool fix, struct finding *f)
{
	*f = (struct finding){ .detail = SB_INIT, .fix = SB_INIT };
	f->verdict = p->fn(d, f);
	if (!fix || f->verdict == DOCTOR_OK || !f->fix_argv || !mend(f))
		return;
	finding_done(f);
	*f = (struct finding){ .detail = SB_INIT, .fix = SB_INIT };
	f->verdict = p->fn(d, f);
}

static int doctor_run(struct runtime *rt unused_attr, const void *p,
		      char **argv unused_attr, struct err *err unused_attr)
{
	const struct doctor_args *args = p;
	const struct passwd *pw = getpwuid(geteuid());
	const char *home = getenv("HOME");
	const struct doctor d = {
		.root = "",
		.user = pw ? pw->pw_name : "?",
		.uid = geteuid(),
		.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
		.runtime_dir = getenv("XDG_RUNTIME_DIR"),
		.data_dir = home ? home : "/",
	};
	autojson struct json_object *list =
		args->json ? json_object_new_array() : NULL;
	enum doctor_verdict worst = DOCTOR_OK;
	struct finding f;

	for (const struct doctor_probe *q = doctor_probes; q->name; q++) {
		probe(q, &d, args->fix, &f);
		worst = MAX(worst, f.verdict);
		print(q->name, &f, list);
		finding_done(&f);
	}
	f = (struct finding){ .detail = SB_INIT, .fix = SB_INIT };
	f.verdict = container(&f);
	worst = MAX(worst, f.verdict);
	print("container", &f, list);
	finding_done(&f);
	if (list)
		puts(json_text(list));
	return worst == DOCTOR_FAIL ? 1 : 0;
}

const struct cmd cmd_system_doctor = {
	.path = "doctor",
	.usage = "[options]",
	.summary = "Check what containers need, and say what mends it",
	.text = "Ends with 1 when something fails, with 0 when there are "
		"warnings only.",
	.examples = (const char *const[]){ "doctor", "doctor --fix",
					   "doctor --json", NULL },
	.opts = (const struct opt *const[]){ doctor_opts, NULL },
	.args_size = sizeof(struct doctor_args),
	.run = doctor_run,
};
