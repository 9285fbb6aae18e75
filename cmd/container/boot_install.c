/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bryo boot install`, `uninstall`, `status`: have `bryo boot` called at boot.
 *
 * Theory of operation.  Two ways, each found again by what it wrote:
 *
 *   systemd  a unit of the user's manager, enabled by the link in
 *            default.target.wants that `systemctl enable` would make (root:
 *            of the system, multi-user.target.wants).  The user's manager
 *            comes up at boot for users who linger only.
 *   cron     a line "@reboot PATH boot # bryo-boot" in the user's crontab.
 *
 * Without a flag it is systemd where systemd runs the machine, cron where
 * not.  Both may be called again; install replaces what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/ps.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define UNIT "bryo-boot.service"
#define CRON_MARK "# bryo-boot"
#define CRONTAB_MAX (1 << 20)

/* KillMode: stopping the unit is not to end the monitors. */
#define UNIT_TEXT                                                        \
	"[Unit]\n"                                                       \
	"Description=Start bryo containers that should run\n"            \
	"Documentation=man:bryo-boot(1)\n"                               \
	"Wants=network-online.target\n"                                  \
	"After=network-online.target\n"                                  \
	"\n"                                                             \
	"[Service]\n"                                                    \
	"Type=oneshot\n"                                                 \
	"RemainAfterExit=yes\n"                                          \
	"KillMode=process\n"                                             \
	"ExecStart=%s boot\n"                                            \
	"\n"                                                             \
	"[Install]\n"                                                    \
	"WantedBy=%s\n"

/* ---- systemd ----------------------------------------------------------- */

static bool has_systemd(void)
{
	struct stat st;

	return stat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *target(void)
{
	return geteuid() == 0 ? "multi-user.target" : "default.target";
}

/* ~/.config/systemd/user, or the system's; owned, NULL without a home */
static char *unit_dir(void)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup("/etc/systemd/system");
	if (config && config[0] == '/')
		return xasprintf("%s/systemd/user", config);
	if (home && home[0] == '/')
		return xasprintf("%s/.config/systemd/user", home);
	return NULL;
}

static int make_dirs(const char *path, struct err *err)
{
	autofree char *copy = xstrdup(path);

	for (char *p = copy + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "create %s", copy);
		if (!was)
			return 0;
		*p = was;
	}
}

static int open_unit_dir(char **ret_path, struct err *err)
{
	autofree char *dir = unit_dir();
	int fd;

	if (!dir)
		return err_set(err, ERR_FAIL, ENOENT,
			       "no place for a unit: HOME is not set");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return err_sys(err, "open %s", dir);
	*ret_path = take_ptr(dir);
	return fd < 0 ? -ENOENT : fd;
}

static int enable(int dir, struct err *err)
{
	autofree char *wants = xasprintf("%s.wants", target());
	autofree char *link = xasprintf("%s/" UNIT, wants);

	if (mkdirat(dir, wants, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "create %s", wants);
	(void)unlinkat(dir, link, 0);
	if (symlinkat("../" UNIT, dir, link) < 0)
		return err_sys(err, "enable " UNIT);
	return 0;
}

static int unit_install(char **ret_path, struct err *err)
{
	autofree char *path = NULL;
	autofree char *text = xasprintf(UNIT_TEXT, self_path(), target());
	int fd = open_unit_dir(&path, err);
	int r;

	if (fd == -ENOENT && path) {
		r = make_dirs(path, err);
		if (r < 0)
			return r;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(err, "open %s", path);
	}
	if (fd < 0)
		return fd;
	autoclose int dir = fd;

	r = file_write_at(dir, UNIT, text, strlen(text), 0644, false, err);
	if (r == 0)
		r = enable(dir, err);
	if (r == 0)
		*ret_path = xasprintf("%s/" UNIT, path);
	return r;
}

static int unit_find(char **ret_path, struct err *err)
{
	autofree char *path = NULL;
	autofree char *link = xasprintf("%s.wants/" UNIT, target());
	struct stat st;
	int fd = open_unit_dir(&path, err);

	if (fd < 0)
		return fd == -ENOENT && path ? 0 : fd;
	autoclose int dir = fd;

	if (fstatat(dir, link, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	*ret_path = xasprintf("%s/" UNIT, path);
	return 1;
}

static int unit_remove(char **ret_path, struct err *err)
{
	autofree char *path = NULL;
	autofree char *link = xasprintf("%s.wants/" UNIT, target());
	int r = unit_find(ret_path, err);
	int fd;

	if (r <= 0)
		return r;
	fd = open_unit_dir(&path, err);
	if (fd < 0)
		return fd;
	autoclose int dir = fd;

	if (unlinkat(dir, link, 0) < 0 ||
	    (unlinkat(dir, UNIT, 0) < 0 && errno != ENOENT))
		return err_sys(err, "remove %s", *ret_path);
	return 1;
}

static bool lingers(void)
{
	const char *user = getenv("USER");
	autofree char *path = user ? xasprintf("/var/lib/systemd/linger/%s",
					       user) : NULL;

	return geteuid() == 0 || (path && access(path, F_OK) == 0);
}

/* ---- cron -------------------------------------------------------------- */

static int run_crontab(const char *arg, int in, int out, struct err *err)
{
	autofree char *path = proc_find_program("crontab");
	autostrv char **argv = NULL;
	int fds[] = { in, out, -1 };
	struct proc_spawn s = { .path = path, .env = environ,
				.fds = fds, .n_fds = 3 };
	pid_t pid;

	if (!path)
		return err_set(
			err, ERR_FAIL, ENOENT,
			"crontab is not installed: install cron, or call "
			"'%s boot' from what starts this machine",
			cmd_prog());
	strv_add(&argv, "crontab");
	strv_add(&argv, arg);
	s.argv = argv;
	pid = proc_spawn(&s, NULL, err);
	return pid < 0 ? (int)pid : proc_wait(pid);
}

/* All lines but ours; a user without a crontab has none. */
static int read_crontab(struct sb *others, bool *ret_ours, struct err *err)
{
	autosb struct sb text = SB_INIT;
	autostrv char **lines = NULL;
	int p[2];
	int r;

	*ret_ours = false;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	/* a crontab is far smaller than what a pipe holds, or it blocks */
	(void)fcntl(p[0], F_SETPIPE_SZ, CRONTAB_MAX);
	r = run_crontab("-l", -1, p[1], err);
	close_fd(p[1]);
	if (r == 0 && fd_read_all(p[0], CRONTAB_MAX, &text) < 0)
		r = err_set(err, ERR_FAIL, EFBIG, "the crontab is too long");
	close_fd(p[0]);
	if (r < 0)
		return r;
	lines = strv_split(text.buf, '\n');
	for (char **l = lines; l && *l; l++) {
		if (str_ends(*l, CRON_MARK))
			*ret_ours = true;
		else if (**l || l[1])
			sb_addf(others, "%s\n", *l);
	}
	return 0;
}

static int write_crontab(const struct sb *text, struct err *err)
{
	autoclose int in = fd_memory("crontab", err);
	int r;

	if (in < 0)
		return in;

	r = fd_write_full(in, text->buf, text->len);
	if (r < 0)
		return err_code(err, r, "write the crontab");
	(void)lseek(in, 0, SEEK_SET);
	r = run_crontab("-", in, -1, err);
	return r > 0 ? err_set(err, ERR_FAIL, EIO,
			       "crontab refused the new table (exit code %d)",
			       r) : r;
}

static int cron_install(struct err *err)
{
	autosb struct sb text = SB_INIT;
	bool ours;
	int r = read_crontab(&text, &ours, err);

	if (r < 0)
		return r;
	sb_addf(&text, "@reboot %s boot " CRON_MARK "\n", self_path());
	return write_crontab(&text, err);
}

static int cron_find(struct err *err)
{
	autosb struct sb text = SB_INIT;
	autofree char *path = proc_find_program("crontab");
	bool ours = false;
	int r = path ? read_crontab(&text, &ours, err) : 0;

	return r < 0 ? r : ours;
}

static int cron_remove(struct err *err)
{
	autosb struct sb text = SB_INIT;
	autofree char *path = proc_find_program("crontab");
	bool ours = false;
	int r = path ? read_crontab(&text, &ours, err) : 0;

	if (r < 0 || !ours)
		return r;
	r = write_crontab(&text, err);
	return r < 0 ? r : 1;
}

/* ---- the commands ------------------------------------------------------ */

struct install_args {
	bool unit, cron;
};

static const struct opt install_opts[] = {
	OPT_BOOL(0, "cron", struct install_args, cron,
		 "Add an @reboot line to the crontab"),
	OPT_BOOL(0, "user-unit", struct install_args, unit,
		 "Write and enable a unit of the user's systemd"),
	OPT_END,
};

static int install_run(struct runtime *rt unused_attr, const void *p,
		       char **argv unused_attr, struct err *err)
{
	const struct install_args *args = p;
	autofree char *path = NULL;
	int r;

	if (args->unit && args->cron)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--user-unit and --cron exclude each other");
	if (args->cron || (!args->unit && !has_systemd())) {
		r = cron_install(err);
		if (r == 0)
			puts("crontab");
		return r;
	}
	r = unit_install(&path, err);
	if (r < 0)
		return r;
	puts(path);
	if (!lingers())
		log_warn("the user's systemd starts at login only: run "
			 "'loginctl enable-linger' to have it at boot");
	return 0;
}

static int uninstall_run(struct runtime *rt unused_attr,
			 const void *args unused_attr,
			 char **argv unused_attr, struct err *err)
{
	autofree char *path = NULL;
	int unit = unit_remove(&path, err);
	int cron = unit < 0 ? unit : cron_remove(err);

	if (unit > 0)
		puts(path);
	if (cron > 0)
		puts("crontab");
	return MIN(cron, 0);
}

static int status_run(struct runtime *rt, const void *args unused_attr,
		      char **argv unused_attr, struct err *err)
{
	auto_ctr_list struct ctr_list all = { 0 };
	autofree char *path = NULL;
	int unit = unit_find(&path, err);
	int cron = unit < 0 ? unit : cron_find(err);
	int r = cron < 0 ? cron : ctr_list(rt, &all, err);

	if (r < 0)
		return r;
	printf("systemd unit: %s\n", unit ? path : "none");
	if (unit)
		printf("starts at boot: %s\n",
		       lingers() ? "yes" : "no, the user does not linger");
	printf("crontab: %s\n", cron ? "yes" : "none");
	printf("containers:");
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i]->started_ns && starts_on_boot(all.v[i]))
			printf(" %s", all.v[i]->name);
	puts("");
	return unit || cron ? 0 : 1;
}

const struct cmd cmd_container_boot_install = {
	.path = "boot install",
	.usage = "[options]",
	.summary = "Have containers started at boot",
	.text = "Writes and enables a unit of the user's systemd or, where "
		"there is no systemd, adds an @reboot line to the crontab; "
		"prints what it wrote.",
	.examples = (const char *const[]){ "boot install",
					   "boot install --cron", NULL },
	.opts = (const struct opt *const[]){ install_opts, NULL },
	.args_size = sizeof(struct install_args),
	.run = install_run,
};

const struct cmd cmd_container_boot_uninstall = {
	.path = "boot uninstall",
	.usage = "",
	.summary = "Take back what boot install did",
	.text = "Prints what it removed.",
	.examples = (const char *const[]){ "boot uninstall", NULL },
	.run = uninstall_run,
};

const struct cmd cmd_container_boot_status = {
	.path = "boot status",
	.usage = "",
	.summary = "Tell what happens at boot",
	.text = "Ends with 1 when nothing is installed.",
	.examples = (const char *const[]){ "boot status", NULL },
	.flags = CMD_NEED_RUNTIME,
	.run = status_run,
};
