/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * certs.d directories, as docker and podman have them: DIR/HOST:PORT/ with
 *   *.crt   authorities that are trusted for this host besides the system's
 *   *.cert  a client certificate, with its key in the *.key of the same name
 * The first directory that exists for the host is used.  --cert-dir names
 * such a HOST:PORT directory itself.
 *
 * A *.crt adds to the system's bundle but libcurl's CAINFO_BLOB replaces it,
 * so the bundle is read here and both are handed over together.
 */
#include "storage/registry/tls.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

#define PEM_MAX (4u << 20)

static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
	"/etc/ssl/ca-bundle.pem",	      /* openSUSE */
	"/etc/ssl/cert.pem",		      /* Alpine */
};

const char *tls_ca_bundle(char *const *env)
{
	const char *named = strv_env_get(env, "SSL_CERT_FILE");

	if (!str_is_empty(named))
		return named;
	for (size_t i = 0; i < ARRAY_LEN(bundles); i++) {
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	}
	return NULL;
}

static void files_done(struct tls_files *t)
{
	sb_done(&t->ca);
	if (t->key.cap)
		explicit_bzero(t->key.buf, t->key.cap);
	sb_done(&t->cert);
	sb_done(&t->key);
}

#define auto_files cleanup(files_done)

char **tls_dirs(char *const *env, const char *cert_dir)
{
	const char *config = strv_env_get(env, "XDG_CONFIG_HOME");
	const char *home = strv_env_get(env, "HOME");
	char **dirs = NULL;

	if (cert_dir) {
		strv_add(&dirs, cert_dir);
		return dirs;
	}
	if (!str_is_empty(config))
		strv_addf(&dirs, "%s/containers/certs.d", config);
	else if (!str_is_empty(home))
		strv_addf(&dirs, "%s/.config/containers/certs.d", home);
	strv_add(&dirs, "/etc/containers/certs.d");
	strv_add(&dirs, "/etc/docker/certs.d");
	return dirs;
}

static int load(const char *path, struct sb *out, struct err *err)
{
	int r = file_load(path, PEM_MAX, out);

	if (r < 0)
		return err_code(err, r, "%s", path);
	sb_addch(out, '\n');
	return 0;
}

static int add_file(const char *dir, const char *name, struct tls_files *t,
		    struct err *err)
{
	autofree char *path = xasprintf("%s/%s", dir, name);
	int r;

	if (str_ends(name, ".crt"))
		return load(path, &t->ca, err);
	if (!str_ends(name, ".cert") || t->cert.len)
		return 0;

	autofree char *key = xasprintf("%.*s.key", (int)strlen(path) - 5, path);

	r = load(path, &t->cert, err);
	return r < 0 ? r : load(key, &t->key, err);
}

/* Return: 1 read, 0 no such directory, -errno */
static int read_dir(const char *path, struct tls_files *t, struct err *err)
{
	autoclosedir DIR *dir = opendir(path);
	autostrv char **names = NULL;
	struct dirent *d;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ?
			       0 :
			       err_sys(err, "%s", path);
	while ((d = readdir(dir)))
		strv_add(&names, d->d_name);
	strv_sort(names);
	for (size_t i = 0; i < strv_len(names); i++) {
		int r = add_file(path, names[i], t, err);

		if (r < 0)
			return r;
	}
	return 1;
}

int tls_files_read(char *const *env, const char *cert_dir, const char *host,
		   struct tls_files *ret, struct err *err)
{
	auto_files struct tls_files t = { SB_INIT, SB_INIT, SB_INIT };
	autostrv char **dirs = tls_dirs(env, cert_dir);
	const char *bundle;
	int r = 0;

	for (size_t i = 0; i < strv_len(dirs) && r == 0; i++) {
		autofree char *path = cert_dir ?
					      xstrdup(dirs[i]) :
					      xasprintf("%s/%s", dirs[i], host);

		r = read_dir(path, &t, err);
		if (r == 0 && cert_dir)
			return err_set(err, ERR_NOT_FOUND, ENOENT,
				       "%s: no such directory", cert_dir);
	}
	if (r < 0)
		return r;
	/* libcurl itself does not look at SSL_CERT_FILE */
	bundle = t.ca.len || strv_env_get(env, "SSL_CERT_FILE") ?
			 tls_ca_bundle(env) :
			 NULL;
	if (bundle)
		r = load(bundle, &t.ca, err);
	if (r < 0)
		return r;
	*ret = t;
	t = (struct tls_files){ SB_INIT, SB_INIT, SB_INIT };
	return 0;
}
