/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file "hooks" in a container's directory: what the command has found for
 * this start, for those who cannot look again.  bryo-monitor has no JSON
 * library, and a restart happens in a user namespace where the owners of the
 * directories cannot be told apart.
 *
 * Texts, each ended by a NUL: "v1", id, state, then for each hook stages and
 * timeout as numbers, path, number of arguments, arguments, number of
 * variables, variables.
 */
#include "libpod/oci/hooks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define HOOKS_FILE "hooks"
#define HOOKS_FILE_MAX (1U << 20)

/* ---- writing ----------------------------------------------------------- */

static void put(struct sb *out, const char *text)
{
	sb_addn(out, text, strlen(text) + 1);
}

static void put_number(struct sb *out, size_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", n);
	put(out, text);
}

static void put_list(struct sb *out, char *const *v)
{
	put_number(out, strv_len(v));
	for (; v && *v; v++)
		put(out, *v);
}

int hooks_save(int dir_fd, const struct hooks *h, struct err *err)
{
	autosb struct sb text = SB_INIT;

	if (h->n == 0) {
		if (unlinkat(dir_fd, HOOKS_FILE, 0) < 0 && errno != ENOENT)
			return err_sys(err, "remove the list of hooks");
		return 0;
	}
	put(&text, "v1");
	put(&text, h->id);
	put(&text, h->state);
	for (size_t i = 0; i < h->n; i++) {
		put_number(&text, h->v[i].stages);
		put_number(&text, h->v[i].timeout_s);
		put(&text, h->v[i].path);
		put_list(&text, h->v[i].args);
		put_list(&text, h->v[i].env);
	}
	return file_write_at(dir_fd, HOOKS_FILE, text.buf, text.len, 0600,
			     false, err);
}

/* ---- reading ----------------------------------------------------------- */

struct reader {
	const char *p;
	const char *end;
};

static const char *get(struct reader *r)
{
	const char *text = r->p;
	const char *nul = r->p < r->end ?
		memchr(r->p, '\0', (size_t)(r->end - r->p)) : NULL;

	if (!nul)
		return NULL;
	r->p = nul + 1;
	return text;
}

static bool get_number(struct reader *r, uint32_t *ret)
{
	const char *text = get(r);

	return text && parse_u32(text, ret) == 0;
}

static bool get_list(struct reader *r, char ***ret)
{
	uint32_t n;

	if (!get_number(r, &n))
		return false;
	for (; n > 0; n--) {
		const char *text = get(r);

		if (!text)
			return false;
		strv_add(ret, text);
	}
	return true;
}

static bool get_hook(struct reader *r, struct hook *k)
{
	const char *path;

	if (!get_number(r, &k->stages) || k->stages >> HOOK_STAGES ||
	    !get_number(r, &k->timeout_s))
		return false;
	path = get(r);
	if (!path || path[0] != '/')
		return false;
	k->path = xstrdup(path);
	return get_list(r, &k->args) && k->args && get_list(r, &k->env);
}

static bool get_all(struct reader *r, struct hooks *h)
{
	const char *version = get(r);
	const char *id = get(r);
	const char *state = get(r);

	if (!streq(version, "v1") || !id || !state)
		return false;
	h->id = xstrdup(id);
	h->state = xstrdup(state);
	while (r->p < r->end) {
		h->v = xreallocarray(h->v, h->n + 1, sizeof(*h->v));
		h->v[h->n] = (struct hook){ .path = NULL };
		if (!get_hook(r, &h->v[h->n++]))
			return false;
		h->stages |= h->v[h->n - 1].stages;
	}
	return true;
}

int hooks_parse(const char *text, size_t len, struct hooks *ret,
		struct err *err)
{
	struct reader r = { text, text + len };

	*ret = (struct hooks){ .n = 0 };
	if (get_all(&r, ret))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "the container's list of hooks is broken");
}

int hooks_load(int dir_fd, struct hooks *ret, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r = file_read_at(dir_fd, HOOKS_FILE, HOOKS_FILE_MAX, &text);

	*ret = (struct hooks){ .n = 0 };
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_code(err, r, "read the container's list of hooks");
	return hooks_parse(text.buf, text.len, ret, err);
}
