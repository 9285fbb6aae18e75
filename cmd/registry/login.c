/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * login asks for user and password, lets bryo-registry try them out, and only
 * then keeps them (storage/auth_store.h).  They are in this process's memory
 * and travel to the other through its socket: never on a command line, in the
 * environment, or in a message.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/prompt.h"
#include "cmd/registry/registry.h"
#include "libpod/core/secret/secret.h"
#include "storage/auth.h"
#include "storage/auth_helper.h"
#include "storage/auth_store.h"
#include "storage/registries_conf.h"
#include "storage/registry/registry.h"
#include "util/fd.h"
#include "util/str.h"

#define PASSWORD_MAX (64u << 10)

struct login_args {
	char *authfile;
	char *cert_dir;
	char *compat_auth_file;
	bool get_login;
	char *password;
	bool password_stdin;
	char *secret;
	int tls_verify;
	char *username;
	bool verbose;
};

static const struct opt login_opts[] = {
	OPT_STR(0, "authfile", struct login_args, authfile, "path",
		"File to keep the credentials in"),
	OPT_STR(0, "cert-dir", struct login_args, cert_dir, "path",
		"Directory with certificates and keys"),
	OPT_STR(0, "compat-auth-file", struct login_args, compat_auth_file,
		"path", "Docker's config.json to keep the credentials in"),
	OPT_BOOL(0, "get-login", struct login_args, get_login,
		 "Print the user that is logged in"),
	OPT_STR('p', "password", struct login_args, password, "string",
		"Password (others may see it; better --password-stdin)"),
	OPT_BOOL(0, "password-stdin", struct login_args, password_stdin,
		 "Read the password from stdin"),
	OPT_STR(0, "secret", struct login_args, secret, "string",
		"Take the password from this secret, and without --username "
		"the user from its name"),
	OPT_TRI(0, "tls-verify", struct login_args, tls_verify,
		"Demand HTTPS and verify certificates"),
	OPT_STR('u', "username", struct login_args, username, "string",
		"User"),
	OPT_BOOL('v', "verbose", struct login_args, verbose,
		 "Say where the credentials are kept"),
	OPT_END,
};

static void login_defaults(void *p)
{
	struct login_args *args = p;

	args->tls_verify = -1;
}

/**
 * struct login - one call
 * @key, @host: owned
 * @cred: what will be tried and kept
 */
struct login {
	struct runtime *rt;
	const struct login_args *args;
	struct registries_conf *conf;
	struct auth_target target;
	char *key;
	char *host;
	struct auth_cred cred;
};

static void login_done(struct login *l)
{
	registries_conf_free(l->conf);
	auth_target_done(&l->target);
	free(l->key);
	free(l->host);
	auth_cred_done(&l->cred);
}

static int check_args(const struct login_args *a, struct err *err)
{
	if (a->secret && (a->password || a->password_stdin))
		return err_set(err, ERR_USAGE, EINVAL,
			       "can't specify --secret together with "
			       "--password or --password-stdin");
	if (!a->password_stdin)
		return 0;
	if (a->password)
		return err_set(err, ERR_USAGE, EINVAL,
			       "can't specify both --password-stdin and "
			       "--password");
	if (!a->username)
		return err_set(err, ERR_USAGE, EINVAL,
			       "Must provide --username with "
			       "--password-stdin");
	return 0;
}

static int set_up(struct login *l, const char *typed, struct err *err)
{
	const struct login_args *a = l->args;
	int r = registries_conf_load(environ, &l->conf, err);

	if (r == 0)
		r = registry_argument(l->conf, typed, &l->key, &l->host, err);
	if (r == 0)
		r = auth_target_find(environ, a->authfile, a->compat_auth_file,
				     &l->target, err);
	l->target.helpers = registries_conf_helpers(l->conf);
	return r;
}

/* What is known already; a new file is no error here */
static int find_known(const struct login *l, struct auth_cred *ret,
		      struct err *err)
{
	const char *slash = strchr(l->key, '/');
	const struct login_args *a = l->args;
	const char *file = a->authfile ? a->authfile : a->compat_auth_file;
	const struct auth_query q = {
		.env = environ,
		.authfile = file,
		.helpers = registries_conf_helpers(l->conf),
		.host = l->host,
		.repo = slash ? slash + 1 : "",
	};

	if (file && access(file, F_OK) < 0)
		return 0;
	return auth_find(&q, ret, err);
}

/* ---- trying them -------------------------------------------------------- */

static int try_credentials(const struct login *l, const struct auth_cred *cred,
			   struct err *err)
{
	autofree char *pair = NULL;
	struct registry *reg;
	int r;

	/* An identity token is found by bryo-registry itself */
	if (cred->user)
		pair = xasprintf("%s:%s", cred->user, cred->password);
	const struct registry_conf conf = {
		.host = l->host,
		.repo = "",
		.authfile = pair ? NULL : l->args->authfile,
		.creds = pair,
		.cert_dir = l->args->cert_dir,
		.tls_verify = l->args->tls_verify,
		.retry = -1,
	};

	r = registry_open(&conf, &reg, err);
	if (pair)
		explicit_bzero(pair, strlen(pair));
	if (r < 0)
		return r;
	r = registry_check(reg, err);
	registry_close(reg);
	return r;
}

/* 1 the known ones are good, 0 others are needed, -errno */
static int try_known(struct login *l, struct err *err)
{
	auto_auth_cred struct auth_cred known = { 0 };
	struct err why = ERR_INIT;
	int r = find_known(l, &known, err);

	if (r < 0 || !auth_cred_is_set(&known))
		return r;
	printf("Authenticating with existing credentials for %s\n", l->key);
	r = try_credentials(l, &known, &why);
	if (r == 0) {
		printf("Existing credentials are valid. Already logged in to "
		       "%s\n", l->key);
		return 1;
	}
	if (r != -EACCES)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	printf("Existing credentials are invalid, please enter valid username "
	       "and password\n");
	str_set(&l->cred.user, known.user);
	return 0;
}

/* ---- asking ------------------------------------------------------------- */

static int read_stdin(char **ret, struct err *err)
{
	autowipe_sb struct sb text = SB_INIT;
	int r = fd_read_all(STDIN_FILENO, PASSWORD_MAX, &text);

	if (r < 0)
		return err_code(err, r, "read the password from stdin");
	while (text.len && strchr("\r\n", text.buf[text.len - 1]))
		sb_trunc(&text, text.len - 1);
	if (!text.len || strlen(text.buf) != text.len)
		return err_set(err, ERR_INVALID, EINVAL,
			       "no password on stdin, or one with a NUL");
	*ret = xstrdup(text.buf);
	return 0;
}

/* The user is the secret's name unless there is another one, as in podman. */
static int take_secret(struct login *l, struct err *err)
{
	auto_secret struct secret *s = NULL;
	autowipe_sb struct sb data = SB_INIT;
	int r = secret_find(l->rt, l->args->secret, &s, err);

	if (r == 0)
		r = secret_data(l->rt, s, &data, err);
	if (r < 0)
		return r;
	if (!data.len || strlen(data.buf) != data.len)
		return err_set(err, ERR_INVALID, EINVAL,
			       "secret %s is empty, or has a NUL", s->name);
	str_set(&l->cred.user, l->args->username ? l->args->username :
						   s->name);
	l->cred.password = xstrdup(data.buf);
	return 0;
}

/* "Username (known): "; an empty line takes the known one */
static int ask_user(struct login *l, struct err *err)
{
	autofree char *label = NULL;
	autofree char *user = NULL;
	int r;

	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE, ENOTTY,
			       "cannot perform an interactive login from a "
			       "non TTY device");
	label = l->cred.user ? xasprintf("Username (%s): ", l->cred.user) :
			       xstrdup("Username: ");
	r = prompt_line(label, &user, err);
	if (r < 0)
		return r;
	if (*user)
		str_set(&l->cred.user, user);
	if (str_is_empty(l->cred.user))
		return err_set(err, ERR_USAGE, EINVAL, "no user was given");
	return 0;
}

static int ask(struct login *l, struct err *err)
{
	const struct login_args *a = l->args;
	int r = 0;

	if (a->secret)
		return take_secret(l, err);
	if (a->username)
		str_set(&l->cred.user, a->username);
	else
		r = ask_user(l, err);
	if (r < 0)
		return r;
	if (strchr(l->cred.user, ':'))
		return err_set(err, ERR_USAGE, EINVAL,
			       "a user name has no colon");
	if (a->password_stdin)
		return read_stdin(&l->cred.password, err);
	if (!a->password)
		return prompt_secret("Password: ", &l->cred.password, err);
	fprintf(stderr, "WARNING! Using --password via the CLI is insecure. "
			"Use --password-stdin.\n");
	l->cred.password = xstrdup(a->password);
	explicit_bzero(a->password, strlen(a->password));
	return 0;
}

/* ---- the command -------------------------------------------------------- */

static int get_login(const struct login *l, struct err *err)
{
	auto_auth_cred struct auth_cred known = { 0 };
	int r = find_known(l, &known, err);

	if (r < 0)
		return r;
	if (!auth_cred_is_set(&known))
		return err_set(err, ERR_FAIL, ENOENT, "not logged into %s",
			       l->key);
	printf("%s\n", known.user ? known.user : "<token>");
	return 0;
}

static int login_new(struct login *l, struct err *err)
{
	struct err why = ERR_INIT;
	int r = ask(l, err);

	if (r < 0)
		return r;
	r = try_credentials(l, &l->cred, &why);
	if (r == -EACCES)
		return err_set(err, ERR_FAIL, EACCES,
			       "logging into \"%s\": invalid "
			       "username/password", l->key);
	if (r < 0)
		return err_set(err, why.kind, why.code,
			       "logging into \"%s\": %s", l->key, why.msg);
	r = auth_store(&l->target, l->key, l->cred.user, l->cred.password,
		       err);
	if (r < 0)
		return r;
	printf("Login Succeeded!\n");
	if (l->args->verbose)
		printf("Used:  %s\n", l->target.path);
	return 0;
}

static int login_run(struct runtime *rt, const void *p, char **argv,
		     struct err *err)
{
	cleanup(login_done) struct login l = { .rt = rt, .args = p };
	int r = check_args(l.args, err);

	if (r == 0)
		r = set_up(&l, argv[0], err);
	if (r < 0)
		return r;
	if (l.args->get_login)
		return get_login(&l, err);
	if (!l.args->username && !l.args->password && !l.args->secret) {
		r = try_known(&l, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return login_new(&l, err);
}

const struct cmd cmd_registry_login = {
	.path = "login",
	.usage = "[options] [REGISTRY]",
	.summary = "Log in to a container registry",
	.text = "Tries a user and a password at a registry and keeps them for "
		"pull, push and search. REGISTRY may have a namespace "
		"(quay.io/team); without it, it is the first of the search "
		"list.",
	.examples = (const char *const[]){ "login quay.io",
					   "login -u me --password-stdin "
					   "localhost:5000 <secret.txt",
					   "login --get-login quay.io", NULL },
	.min_args = 0,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ login_opts, NULL },
	.args_size = sizeof(struct login_args),
	.defaults = login_defaults,
	.run = login_run,
};
