/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/oci/caps.h"
#include "libpod/oci/process.h"
#include "libpod/oci/steps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * Theory of operation
 *
 * The last steps, the same for run and exec: from the container's root with
 * all capabilities to the payload with its own.  Order matters:
 *
 *   workdir   as root, before pivot_root: made through descriptors
 *   identity  bounding set, groups, gid, uid; permitted capabilities are kept
 *             over the change (KEEPCAPS), effective ones go with uid 0
 *   cwd       as the user; then getcwd(3) has to be below the root
 *   confine   seccomp, then the final capabilities.  Without no_new_privs the
 *             filter needs CAP_SYS_ADMIN, so it comes first and has to let
 *             capset and execve pass; with it the filter comes last of all
 *   exec      every descriptor above the preserved ones is closed by it
 */

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:" \
		     "/sbin:/bin"

int step_workdir(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;

	if ((!p->cwd_create && !p->cwd_mounted) || str_is_empty(p->cwd))
		return 0;
	autoclose int have = path_open(in->root_fd, p->cwd,
				       O_PATH | O_DIRECTORY);
	if (have != -ENOENT)
		return 0;	/* what is wrong with it, chdir will tell */
	autoclose int made = path_mkdirs(in->root_fd, p->cwd, 0755);
	if (made < 0 && !p->cwd_create)
		return 0;	/* a read-only mount: chdir will tell */
	if (made < 0)
		return err_code(err, made, "create the working directory %s",
				p->cwd);
	if (fchownat(made, "", in->user.uid, in->user.gid, AT_EMPTY_PATH) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return err_sys(err, "chown the working directory %s", p->cwd);
	return 0;
}

static rlim_t to_rlim(uint64_t v)
{
	return v == UINT64_MAX ? RLIM_INFINITY : (rlim_t)v;
}

static int set_rlimit(struct init *in, const struct oci_rlimit *want,
		      struct err *err)
{
	__rlimit_resource_t resource = (__rlimit_resource_t)want->resource;
	struct rlimit have;
	struct rlimit set = { to_rlim(want->soft), to_rlim(want->hard) };

	if (getrlimit(resource, &have) < 0)
		return err_sys(err, "read limit %d", want->resource);
	if (set.rlim_cur > set.rlim_max)
		set.rlim_cur = set.rlim_max;
	if (setrlimit(resource, &set) == 0)
		return 0;
	if (errno != EPERM)
		return err_sys(err, "set limit %d", want->resource);
	/* Raising a hard limit takes a privilege over the host. */
	set.rlim_max = MIN(set.rlim_max, have.rlim_max);
	set.rlim_cur = MIN(set.rlim_cur, set.rlim_max);
	if (setrlimit(resource, &set) < 0)
		return err_sys(err, "set limit %d", want->resource);
	/* "unlimited" means as much as there is */
	if (want->hard != UINT64_MAX)
		init_warn(in, "limit %s is clamped to the hard limit of the "
			  "caller", oci_rlimit_name(want->resource));
	return 0;
}

int step_limits(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;

	for (size_t i = 0; i < p->n_rlimits; i++) {
		int r = set_rlimit(in, &p->rlimits[i], err);

		if (r < 0)
			return r;
	}
	umask((mode_t)p->umask & 0777);
	if (p->personality && personality(p->personality) < 0)
		return err_sys(err, "set the personality");
	return 0;
}

/* Keys of the caller's session are not for the payload. */
int step_keyring(struct init *in, struct err *err)
{
	(void)in;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
		return 0;
	/*
	 * EDQUOT comes at the 200th container of a user; the others mean a
	 * kernel or an outer seccomp filter without keyrings.
	 */
	if (errno == EDQUOT || errno == ENOSYS || errno == EPERM ||
	    errno == EACCES)
		return 0;
	return err_sys(err, "new session keyring");
}

/*
 * ---- identity --------------------------------------------------------------
 */

/* Which one it was; exec does not know the maps. */
static int err_group(const struct init *in, struct err *err)
{
	const struct user *u = &in->user;
	size_t i = 0;

	while (in->spec && i < u->n_groups &&
	       idmap_has_inside(&in->spec->gid_map, u->groups[i]))
		i++;
	if (!in->spec || i == u->n_groups)
		return err_set(err, ERR_START, EINVAL, "set groups: one is no "
			       "id in the container's user namespace");
	return err_set(err, ERR_START, EINVAL,
		       "set groups: %u is no id in the container's user "
		       "namespace", (unsigned int)u->groups[i]);
}

static int set_groups(struct init *in, struct err *err)
{
	const struct user *u = &in->user;
	char *const *add = in->process->groups;

	if (in->process->keep_groups)
		return 0;
	if (setgroups(u->n_groups, u->groups) == 0)
		return 0;
	/*
	 * Single-id mode: the kernel forbids setgroups(2).  The payload is
	 * the caller, with his groups; only what was asked for is an error.
	 */
	if (errno == EPERM && !(add && add[0]))
		return 0;
	if (errno == EINVAL)
		return err_group(in, err);
	if (errno == EPERM)
		return err_kind_set(err, err_sys(err, "set groups: one is not "
						 "mapped into the container"),
				    ERR_START);
	return err_sys(err, "set groups");
}

/* @what: "uid" or "gid"; errno of the call that refused @id */
static int no_such_id(const struct init *in, const char *what, uint32_t id,
		      struct err *err)
{
	bool one = in->spec && in->spec->setgroups_deny;

	if (errno != EINVAL)
		return err_kind_set(err, err_sys(err, "switch to %s %u", what,
						 (unsigned int)id),
				    ERR_START);
	return err_set(err, ERR_START, EINVAL,
		       "switch to %s %u: no such id in the container's user "
		       "namespace%s", what, (unsigned int)id,
		       one ? ", which has one only (`bryo doctor` says why and "
			     "what helps)" : "");
}

int step_identity(struct init *in, struct err *err)
{
	const struct user *u = &in->user;
	int r;

	r = caps_bound(in->process->caps.bounding, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, "keep capabilities");
	r = set_groups(in, err);
	if (r < 0)
		return r;
	if (setresgid(u->gid, u->gid, u->gid) < 0)
		return no_such_id(in, "gid", u->gid, err);
	if (setresuid(u->uid, u->uid, u->uid) < 0)
		return no_such_id(in, "uid", u->uid, err);
	return 0;
}

/*
 * ---- working directory
 * ------------------------------------------------------
 */

static int chdir_with_caps(const char *cwd)
{
	uint64_t permitted;
	int r;
	int saved;

	if (caps_get_permitted(&permitted, NULL) < 0 ||
	    caps_set(permitted, permitted, 0, NULL) < 0)
		return -1;
	r = chdir(cwd);
	saved = errno;
	if (caps_set(permitted, 0, 0, NULL) < 0)
		return -1;
	errno = saved;
	return r;
}

int step_cwd(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	const char *cwd = str_is_empty(p->cwd) ? "/" : p->cwd;
	char buf[PATH_MAX];
	int r = chdir(cwd);

	/* An image's WORKDIR may be closed to its USER, as with docker. */
	if (r < 0 && errno == EACCES && in->user.uid != 0)
		r = chdir_with_caps(cwd);
	if (r < 0 && errno == ENOTDIR && access(cwd, F_OK) == 0)
		return err_set(err, ERR_START, ENOTDIR,
			       "workdir \"%s\" exists on container %s, but is "
			       "not a directory", cwd, in->ctr_name);
	if (r < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ERR_START, ENOENT,
			       "workdir \"%s\" does not exist on container %s",
			       cwd, in->ctr_name);
	if (r < 0)
		return err_kind_set(err, err_sys(err, "enter workdir \"%s\"",
						 cwd), ERR_START);
	/* A leaked descriptor of the host would show here (CVE-2024-21626). */
	if (syscall(SYS_getcwd, buf, sizeof(buf)) < 0 || buf[0] != '/')
		return err_set(err, ERR_START, EXDEV,
			       "workdir \"%s\" is outside of the container",
			       cwd);
	return 0;
}

/*
 * ---- what to exec
 * -----------------------------------------------------------
 */

/* What podman says behind the runtime's own words; scripts match both. */
#define OCI_NOT_FOUND \
	"OCI runtime attempted to invoke a command that was not found"
#define OCI_DENIED "OCI permission denied"

int process_exec_error(const char *name, int code, struct err *err)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR:
		return err_set(err, ERR_CMD_NOT_FOUND, ENOENT,
			       "bryo: executable file `%s` not found in $PATH: "
			       "No such file or directory: " OCI_NOT_FOUND,
			       name);
	case EACCES:
	case EPERM:
		return err_set(
			err, ERR_START, code,
			"bryo: exec `%s`: permission denied: " OCI_DENIED,
			name);
	case EISDIR:
		return err_set(err, ERR_START, code,
			       "bryo: exec `%s`: is a directory: permission "
			       "denied: " OCI_DENIED, name);
	case ENOEXEC:
		return err_set(err, ERR_START, code,
			       "bryo: exec `%s`: exec format error", name);
	default:
		err_code(err, code, "bryo: exec `%s`", name);
		return err_kind_set(err, -code, ERR_START);
	}
}

/* 0 or a positive errno: could the payload's user execute it? */
static int try_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	/* a filter of system calls says EPERM, as execve(2) will not */
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 &&
	       errno != EPERM ? errno : 0;
}

static int find_in_path(const char *name, const char *dirs, char **ret)
{
	int worst = ENOENT;

	while (dirs) {
		size_t len = strcspn(dirs, ":");
		autofree char *path = len ?
			xasprintf("%.*s/%s", (int)len, dirs, name) :
			xasprintf("./%s", name);
		int code = try_path(path);

		if (code == 0) {
			*ret = take_ptr(path);
			return 0;
		}
		if (code == EACCES)
			worst = code;
		dirs = dirs[len] ? dirs + len + 1 : NULL;
	}
	return worst;
}

static int find_program(const struct oci_process *p, char **ret,
			struct err *err)
{
	const char *name = p->args && p->args[0] ? p->args[0] : "";
	const char *path = strv_env_get(p->env, "PATH");
	int code = ENOENT;

	if (strchr(name, '/')) {
		code = try_path(name);
		if (code == 0)
			*ret = xstrdup(name);
	} else if (*name) {
		code = find_in_path(name, str_is_empty(path) ? DEFAULT_PATH :
				    path, ret);
	}
	return code ? process_exec_error(name, code, err) : 0;
}

/* The environment, with HOME; shares the strings of the spec. */
static char **make_env(struct init *in)
{
	char *const *env = in->process->env;
	size_t n = strv_len(env);
	char **out = xcalloc(n + 2, sizeof(*out));
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		out[used++] = env[i];
	if (!strv_env_get(env, "HOME"))
		out[used++] = xasprintf("HOME=%s", in->user.home);
	return out;
}

/*
 * ---- confinement
 * --------------------------------------------------------------
 */

/* Uid 0 keeps what was given; others only what was asked for by name. */
static uint64_t final_caps(const struct init *in)
{
	const struct oci_process *p = in->process;

	if (in->user.uid == 0)
		return p->caps.effective & p->caps.bounding;
	return p->caps_explicit ? p->caps.ambient & p->caps.bounding : 0;
}

static int set_final_caps(const struct init *in, struct err *err)
{
	uint64_t caps = final_caps(in);
	/*
	 * The kernel raises an ambient capability only when it is inheritable
	 * too; without ambient ones the inheritable set is empty, always
	 * (CVE-2022-27649).
	 */
	uint64_t ambient = in->user.uid == 0 ? 0 : caps;
	int r;

	r = caps_set(caps, caps, ambient, err);
	return r < 0 ? r : caps_ambient(ambient, err);
}

static int load_seccomp(const struct oci_seccomp *s, struct err *err)
{
	struct sock_fprog prog = {
		.len = (unsigned short)s->n,
		.filter = (struct sock_filter *)(uintptr_t)s->filter,
	};

	if (!s->filter)
		return 0;
	if (s->n > BPF_MAXINSNS)
		return err_set(err, ERR_INVALID, E2BIG,
			       "the seccomp filter has %zu instructions", s->n);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return err_sys(err, "load the seccomp filter");
	return 0;
}

static int confine(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	const uint64_t admin = UINT64_C(1) << CAP_SYS_ADMIN;
	uint64_t permitted;
	int r;

	if (p->no_new_privs) {
		r = set_final_caps(in, err);
		if (r < 0)
			return r;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return err_sys(err, "set no_new_privs");
		return load_seccomp(&p->seccomp, err);
	}
	/* A change of uid took the effective ones; the permitted are kept. */
	r = caps_get_permitted(&permitted, err);
	if (r == 0 && in->user.uid != 0)
		r = caps_set(permitted, permitted & (admin | UINT64_C(1) <<
						     CAP_SETPCAP), 0, err);
	if (r == 0)
		r = load_seccomp(&p->seccomp, err);
	return r < 0 ? r : set_final_caps(in, err);
}

/*
 * ---- exec
 * -----------------------------------------------------------------------
 */

/* All but the preserved ones go at the exec; the caller clears the flag where
 * it is needed, too. */
static void close_on_exec(const struct oci_process *p)
{
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		/* KERNEL(5.11): CLOSE_RANGE_CLOEXEC */
		for (int fd = 3; fd < 65536; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (size_t i = 0; i < p->n_keep_fds; i++)
		fd_cloexec(p->keep_fds[i], false);
}

/* argv of the trampoline: bryo-init MODE:SYNCFD PATH ARG... */
static char **trampoline_argv(const struct init *in, const char *path)
{
	char *const *args = in->process->args;
	size_t n = strv_len(args);
	char **argv = xcalloc(n + 4, sizeof(*argv));
	bool stay = in->spec && in->spec->init_process;

	argv[0] = xstrdup("bryo-init");
	argv[1] = xasprintf("%c:%d", stay ? 'i' : 't', in->sync_fd);
	argv[2] = xstrdup(path);
	for (size_t i = 0; i < n; i++)
		argv[3 + i] = args[i];
	return argv;
}

static void exec_trampoline(struct init *in, char *const *argv,
			    char *const *env)
{
	char path[FD_PATH_MAX];

	/* Survives this one exec; bryo-init sets the flag again. */
	fd_cloexec(in->sync_fd, false);
	syscall(SYS_execveat, in->trampoline_fd, "", argv, env, AT_EMPTY_PATH);
	/* A custom seccomp profile may know execve only. */
	execve(fd_path(in->trampoline_fd, path), argv, env);
}

int step_confine_exec(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	autofree char *path = NULL;
	char **argv = NULL;
	char **env;
	int r;

	r = find_program(p, &path, err);
	if (r < 0)
		return r;
	env = make_env(in);
	if (in->trampoline_fd >= 0)
		argv = trampoline_argv(in, path);
	close_on_exec(p);
	r = confine(in, err);
	if (r < 0)
		return r;
	if (argv) {
		exec_trampoline(in, argv, env);
		return err_kind_set(err, err_sys(err, "exec bryo-init"),
				    ERR_START);
	}
	execve(path, p->args, env);
	return process_exec_error(p->args[0], errno, err);
}
