/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Runs in bryo-registry before it locks itself down: files are read and a
 * credential helper may be started.  The secrets stay in struct auth_cred and
 * are wiped with it; error texts name files, hosts and programs only.
 *
 * Lookup order: --authfile alone, else REGISTRY_AUTH_FILE alone, else
 * $XDG_RUNTIME_DIR/containers/auth.json (what `login` writes),
 * $XDG_CONFIG_HOME/containers/auth.json, docker's config.json, ~/.dockercfg.
 * In each file: the helper in charge of the host, then "auths", then the
 * credential store.
 */
#include "storage/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/safe.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define FILE_MAX (1u << 20)
#define HELPER_OUTPUT_MAX (64u << 10)
#define HELPER_TIMEOUT_NS (60ull * 1000 * 1000 * 1000)
#define DOCKER_HOST "docker.io"
#define DOCKER_KEY "https://index.docker.io/v1/"

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

static void wipe_sb(struct sb *sb)
{
	if (sb->cap)
		explicit_bzero(sb->buf, sb->cap);
	sb_done(sb);
}

#define autowipe cleanup(wipe)
#define autowipe_sb cleanup(wipe_sb)

void auth_cred_done(struct auth_cred *cred)
{
	wipe(&cred->user);
	wipe(&cred->password);
	wipe(&cred->identity);
}

int auth_parse_pair(const char *text, struct auth_cred *ret, struct err *err)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return err_set(err, ERR_INVALID, EINVAL,
			       "credentials must have the form USER:PASSWORD");
	auth_cred_done(ret);
	ret->user = xstrndup(text, (size_t)(colon - text));
	ret->password = xstrdup(colon + 1);
	return 0;
}

/* ---- one file ---------------------------------------------------------- */

/*
 * docker writes keys as URLs ("https://quay.io/v2/"), podman as
 * host[/namespace]; owned by the caller.
 */
static char *normal_key(const char *key)
{
	const char *rest = str_after(key, "https://");
	autofree char *host = NULL;
	size_t len;

	if (!rest)
		rest = str_after(key, "http://");
	len = rest ? strcspn(rest, "/") : strlen(key);
	host = xstrndup(rest ? rest : key, len);
	if (!rest && len > 0 && host[len - 1] == '/')
		host[len - 1] = '\0';
	if (streq(host, "index.docker.io") ||
	    streq(host, "registry-1.docker.io"))
		return xstrdup(DOCKER_HOST);
	return take_ptr(host);
}

static struct json_object *find_key(struct json_object *map, const char *want)
{
	if (!map)
		return NULL;
	json_object_object_foreach(map, key, value) {
		autofree char *normal = normal_key(key);

		if (streq(normal, want))
			return value;
	}
	return NULL;
}

/* The most specific entry for host/ns/repo, host/ns, host; borrowed */
static struct json_object *find_best(struct json_object *map, const char *host,
				     const char *repo)
{
	autofree char *want = xasprintf("%s/%s", host, repo);
	struct json_object *hit = find_key(map, want);
	char *slash;

	while (!hit && (slash = strrchr(want, '/'))) {
		*slash = '\0';
		hit = find_key(map, want);
	}
	return hit;
}

/* Return: 1, 0 when the entry holds nothing, -EINVAL */
static int read_entry(struct json_object *entry, const char *host,
		      struct auth_cred *ret, struct err *err)
{
	const char *identity = json_str(entry, "identitytoken");
	const char *encoded = json_str(entry, "auth");
	autowipe char *pair = NULL;
	size_t len;

	if (!str_is_empty(identity)) {
		ret->identity = xstrdup(identity);
		return 1;
	}
	if (str_is_empty(encoded))
		return 0;
	pair = base64_decode(encoded, &len);
	if (!pair || !strchr(pair, ':'))
		return err_set(
			err, ERR_INVALID, EINVAL,
			"the entry for %s is not base64 of USER:PASSWORD",
			host);
	return auth_parse_pair(pair, ret, err) < 0 ? -EINVAL : 1;
}

int auth_lookup(struct json_object *file, bool legacy, const char *host,
		const char *repo, struct auth_cred *ret, char **ret_helper,
		struct err *err)
{
	struct json_object *auths = legacy ? file : json_obj(file, "auths");
	struct json_object *entry = find_best(auths, host, repo);
	struct json_object *suffix = NULL;
	int r;

	if (!legacy)
		suffix = find_best(json_obj(file, "credHelpers"), host, repo);
	if (suffix && json_object_is_type(suffix, json_type_string) &&
	    json_object_get_string_len(suffix) > 0)
		str_set(ret_helper, json_object_get_string(suffix));

	r = entry ? read_entry(entry, host, ret, err) : 0;
	/* docker lists the hosts that it put into the store, with an empty
	   entry; for others a leftover "credsStore" means nothing */
	if (entry && r == 0 && !legacy && !*ret_helper)
		str_set(ret_helper, json_str(file, "credsStore"));
	return r;
}

/* ---- credential helpers ------------------------------------------------ */

/* Absolute path of docker-credential-SUFFIX in PATH, or NULL; owned */
static char *find_helper(char *const *env, const char *suffix)
{
	const char *path = strv_env_get(env, "PATH");
	autostrv char **dirs = strv_split(path ? path : "/usr/bin:/bin", ':');

	if (!name_is_valid(suffix))
		return NULL;
	for (size_t i = 0; i < strv_len(dirs); i++) {
		autofree char *file =
			xasprintf("%s/docker-credential-%s", dirs[i], suffix);

		if (dirs[i][0] == '/' && access(file, X_OK) == 0)
			return take_ptr(file);
	}
	return NULL;
}

/* A group of its own: at the timeout its children have to go as well */
static int own_group(void *arg, struct err *err)
{
	(void)arg;
	return setpgid(0, 0) < 0 ? err_sys(err, "setpgid") : 0;
}

static int text_fd(const char *text, struct err *err)
{
	autoclose int fd = memfd_create("bryo-helper", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "memfd_create");
	if (fd_write_full(fd, text, strlen(text)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "write to a memfd");
	return take_fd(fd);
}

/* Until the end of file, the limit or the deadline */
static int read_output(int fd, struct sb *out, struct err *err)
{
	uint64_t end = clock_mono_ns() + HELPER_TIMEOUT_NS;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_mono_ns();
		char buf[4096];
		ssize_t n;

		if (now >= end)
			return err_set(err, ERR_FAIL, ETIMEDOUT,
				       "no answer within 60 seconds");
		n = poll(&p, 1, (int)((end - now) / 1000000) + 1);
		if (n < 0 && errno != EINTR)
			return err_sys(err, "poll");
		if (n <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n < 0)
			return err_sys(err, "read");
		if (n == 0)
			return 0;
		sb_addn(out, buf, (size_t)n);
		explicit_bzero(buf, sizeof(buf));
		if (out->over)
			return err_set(err, ERR_LIMIT, EFBIG,
				       "more than 64 KiB of output");
	}
}

/* Return: the exit code, or -errno */
static int run_helper(const char *path, char *const *env, const char *server,
		      struct sb *out, struct err *err)
{
	char verb[] = "get";
	char *argv[] = { (char *)(uintptr_t)path, verb, NULL };
	autoclose int in = text_fd(server, err);
	int pidfd = -EBADF;
	int pipe_fds[2];
	pid_t pid;
	int r;

	if (in < 0)
		return in;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	autoclose int from = pipe_fds[0];
	autoclose int to = pipe_fds[1];

	/* stderr is dropped: some helpers print the secret there */
	const int fds[] = { in, to, -1 };
	const struct proc_spawn spawn = {
		.path = path,
		.argv = argv,
		.env = env,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
		.prepare = own_group,
	};

	pid = proc_spawn(&spawn, &pidfd, err);
	if (pid < 0)
		return (int)pid;
	autoclose int owned = pidfd;

	close_fd(to);
	r = read_output(from, out, err);
	if (r < 0 || pidfd_wait(owned, 5000) != 1) {
		kill(-pid, SIGKILL);
		pidfd_signal(owned, SIGKILL);
	}
	if (r < 0) {
		proc_wait(pid);
		return r;
	}
	return proc_wait(pid);
}

int auth_parse_helper(const char *text, size_t len, struct auth_cred *ret,
		      struct err *err)
{
	autojson struct json_object *o = NULL;
	const char *user, *secret;

	/* The parser's reason could quote the text; it is left out */
	o = json_parse(text, len, NULL);
	if (!o)
		return err_set(err, ERR_INVALID, EINVAL,
			       "its output is not valid JSON");
	user = json_str(o, "Username");
	secret = json_str(o, "Secret");
	if (!user || str_is_empty(secret))
		return err_set(err, ERR_INVALID, EINVAL,
			       "its output has no Username and Secret");
	auth_cred_done(ret);
	if (streq(user, "<token>")) {
		ret->identity = xstrdup(secret);
	} else {
		ret->user = xstrdup(user);
		ret->password = xstrdup(secret);
	}
	return 0;
}

/* Return: 1 found, 0 the helper knows nothing about @server, -errno */
static int ask_helper_key(const char *path, char *const *env,
			  const char *server, struct auth_cred *ret,
			  struct err *err)
{
	autowipe_sb struct sb out = SB_INIT;
	autofree char *shown = NULL;
	int r;

	sb_limit(&out, HELPER_OUTPUT_MAX);
	r = run_helper(path, env, server, &out, err);
	if (r < 0)
		return r;
	if (r == 0)
		return auth_parse_helper(out.buf, out.len, ret, err) < 0 ?
			       -EINVAL :
			       1;
	if (strstr(out.buf, "credentials not found"))
		return 0;
	/* By the protocol a failing helper prints its reason, no secret */
	sb_trunc(&out, MIN(out.len, (size_t)200));
	shown = safe_line(str_trim(out.buf));
	return err_set(err, ERR_FAIL, EACCES, "exit code %d: %s", r, shown);
}

static int ask_helper(const struct auth_query *q, const char *suffix,
		      struct auth_cred *ret, struct err *err)
{
	autofree char *path = find_helper(q->env, suffix);
	int r = 0;

	if (!path)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "credential helper docker-credential-%s for %s: "
			       "program not found",
			       suffix, q->host);
	if (streq(q->host, DOCKER_HOST))
		r = ask_helper_key(path, q->env, DOCKER_KEY, ret, err);
	if (r == 0)
		r = ask_helper_key(path, q->env, q->host, ret, err);
	return r < 0 ? err_wrap(err, r,
				"credential helper docker-credential-%s for %s",
				suffix, q->host) :
		       r;
}

/* ---- all files --------------------------------------------------------- */

/* Return: 1 found, 0 not there, -errno */
static int search_file(const struct auth_query *q, const char *path,
		       bool legacy, bool must_exist, struct auth_cred *ret,
		       struct err *err)
{
	auto_auth_cred struct auth_cred plain = { 0 };
	autojson struct json_object *o = NULL;
	autowipe_sb struct sb text = SB_INIT;
	autofree char *helper = NULL;
	int r;

	r = file_load(path, FILE_MAX, &text);
	if (r == -ENOENT && must_exist)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "credential file is not accessible: faccessat "
			       "%s: no such file or directory",
			       path);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_code(err, r, "credential file %s", path);
	if (strspn(text.buf, " \t\r\n") == text.len)
		return 0;
	o = json_parse(text.buf, text.len, NULL);
	if (!o || !json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "credential file %s: not a valid JSON object",
			       path);

	r = auth_lookup(o, legacy, q->host, q->repo, &plain, &helper, err);
	if (r < 0)
		return err_wrap(err, r, "credential file %s", path);
	if (helper) {
		int asked = ask_helper(q, helper, ret, err);

		if (asked < 0)
			return err_wrap(err, asked, "%s", path);
		if (asked > 0)
			return asked;
	}
	*ret = plain;
	plain = (struct auth_cred){ 0 };
	return r;
}

struct place {
	char *path; /* owned */
	bool legacy;
	bool must_exist;
};

#define PLACES_MAX 4

static size_t list_places(const struct auth_query *q, struct place *out)
{
	const char *named = strv_env_get(q->env, "REGISTRY_AUTH_FILE");
	const char *runtime = strv_env_get(q->env, "XDG_RUNTIME_DIR");
	const char *config = strv_env_get(q->env, "XDG_CONFIG_HOME");
	const char *docker = strv_env_get(q->env, "DOCKER_CONFIG");
	const char *home = strv_env_get(q->env, "HOME");
	size_t n = 0;

	if (q->authfile || !str_is_empty(named)) {
		out[n].must_exist = q->authfile != NULL;
		out[n++].path = xstrdup(q->authfile ? q->authfile : named);
		return n;
	}
	if (!str_is_empty(runtime))
		out[n++].path = xasprintf("%s/containers/auth.json", runtime);
	else
		out[n++].path = xasprintf("/run/containers/%u/auth.json",
					  (unsigned int)getuid());
	if (!str_is_empty(config))
		out[n++].path = xasprintf("%s/containers/auth.json", config);
	else if (home)
		out[n++].path =
			xasprintf("%s/.config/containers/auth.json", home);
	if (!str_is_empty(docker))
		out[n++].path = xasprintf("%s/config.json", docker);
	else if (home)
		out[n++].path = xasprintf("%s/.docker/config.json", home);
	if (home) {
		out[n].legacy = true;
		out[n++].path = xasprintf("%s/.dockercfg", home);
	}
	return n;
}

static int search_files(const struct auth_query *q, struct auth_cred *ret,
			struct err *err)
{
	struct place places[PLACES_MAX] = { 0 };
	size_t n = list_places(q, places);
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = search_file(q, places[i].path, places[i].legacy,
					places[i].must_exist, ret, err);
		free(places[i].path);
	}
	return r;
}

int auth_find(const struct auth_query *q, struct auth_cred *ret,
	      struct err *err)
{
	static char files[] = "containers-auth.json";
	static char *const usual[] = { files, NULL };
	char *const *helpers = q->helpers ? q->helpers : usual;
	int r = 0;

	for (size_t i = 0; helpers[i] && r == 0; i++) {
		if (streq(helpers[i], files))
			r = search_files(q, ret, err);
		else
			r = ask_helper(q, helpers[i], ret, err);
	}
	return r < 0 ? r : 0;
}
