/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/daemon_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define FILE_MAX (1u << 20)

void daemon_json_done(struct daemon_json *d)
{
	d->insecure = strv_free(d->insecure);
	d->mirrors = strv_free(d->mirrors);
}

/* ---- reading ------------------------------------------------------------ */

static int get_list(struct json_object *o, const char *key, char ***ret,
		    struct err *err)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_array))
		return err_set(err, ERR_INVALID, EINVAL,
			       "\"%s\": must be a list of strings", key);
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		struct json_object *one = json_object_array_get_idx(v, i);

		if (!json_object_is_type(one, json_type_string) ||
		    !*json_object_get_string(one))
			return err_set(err, ERR_INVALID, EINVAL,
				       "\"%s\": must be a list of strings",
				       key);
		strv_add(ret, json_object_get_string(one));
	}
	return 0;
}

/* Kept without the slashes at its end; no user, query or fragment */
static int check_mirror(char *url, struct err *err)
{
	const char *rest = str_after(url, "https://");
	size_t len = strlen(url);

	if (!rest)
		rest = str_after(url, "http://");
	while (rest && url + len > rest && url[len - 1] == '/')
		url[--len] = '\0';
	if (!rest || !*rest || *rest == '/' || strpbrk(rest, "@?# \t"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "\"registry-mirrors\": must be URLs of the form "
			       "http[s]://host[:port][/path]");
	return 0;
}

int daemon_json_parse(const char *text, size_t len, struct daemon_json *ret,
		      struct err *err)
{
	autojson struct json_object *o = json_parse(text, len, err);
	int r;

	if (!o)
		return -EINVAL;
	if (!json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL, "must be an object");
	r = get_list(o, "insecure-registries", &ret->insecure, err);
	if (r == 0)
		r = get_list(o, "registry-mirrors", &ret->mirrors, err);
	for (char **m = ret->mirrors; r == 0 && m && *m; m++)
		r = check_mirror(*m, err);
	return r;
}

static int add_file(const char *path, struct daemon_json *d, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r = file_load(path, FILE_MAX, &text);

	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	if (r < 0)
		return err_code(err, r, "%s", path);
	if (strspn(text.buf, " \t\r\n") == text.len)
		return 0;
	r = daemon_json_parse(text.buf, text.len, d, err);
	return r < 0 ? err_wrap(err, r, "%s", path) : 0;
}

int daemon_json_load(char *const *env, struct daemon_json *ret, struct err *err)
{
	const char *config = strv_env_get(env, "XDG_CONFIG_HOME");
	const char *home = strv_env_get(env, "HOME");
	autofree char *user = NULL;
	int r = 0;

	if (!str_is_empty(config))
		user = xasprintf("%s/docker/daemon.json", config);
	else if (!str_is_empty(home))
		user = xasprintf("%s/.config/docker/daemon.json", home);
	if (user)
		r = add_file(user, ret, err);
	return r < 0 ? r : add_file("/etc/docker/daemon.json", ret, err);
}

/* ---- asking ------------------------------------------------------------- */

/* An address of either family as 16 bytes; its bits, 0 when it is none */
static unsigned int read_address(const char *text, unsigned char ret[16])
{
	if (inet_pton(AF_INET, text, ret) == 1)
		return 32;
	return inet_pton(AF_INET6, text, ret) == 1 ? 128 : 0;
}

static bool in_range(const char *address, const char *range)
{
	const char *slash = strchr(range, '/');
	autofree char *base = xstrndup(range, (size_t)(slash - range));
	unsigned char a[16] = { 0 }, b[16] = { 0 };
	unsigned int bits = read_address(address, a);
	uint32_t n;

	if (!bits || bits != read_address(base, b) ||
	    parse_u32(slash + 1, &n) < 0 || n > bits)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		unsigned int mask = 0x80u >> (i % 8);

		if ((a[i / 8] & mask) != (b[i / 8] & mask))
			return false;
	}
	return true;
}

/* "[::1]:5000" -> "::1", "10.0.0.7:5000" -> "10.0.0.7"; owned */
static char *address_of(const char *host)
{
	if (*host == '[')
		return xstrndup(host + 1, strcspn(host + 1, "]"));
	return xstrndup(host, strcspn(host, ":"));
}

bool daemon_json_insecure(const struct daemon_json *d, const char *host)
{
	autofree char *address = address_of(host);

	for (char **one = d->insecure; one && *one; one++) {
		if (strcasecmp(*one, host) == 0)
			return true;
		if (strchr(*one, '/') && in_range(address, *one))
			return true;
	}
	return false;
}
