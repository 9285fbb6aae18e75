/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching a registry: the v1 search that docker.io has; where a registry
 * does not know it, the v2 catalogue, page by page, with the filter on our
 * side.  What an answer holds is counted against a limit before it is kept.
 */
#include "storage/registry/search.h"

#include <errno.h>
#include <string.h>

#include "storage/registry/fetch.h"
#include "storage/registry/transfer.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define SEARCH_BODY_MAX (4u << 20)
#define CATALOG_PAGES_MAX 1000
#define NAME_MAX_LEN 1024

static int bad_answer(const struct conv *c, const char *why, struct err *err)
{
	return err_set(err, ERR_INVALID, EPROTO, "%s: search: %s", c->host,
		       why);
}

static bool is_name(struct json_object *v)
{
	return json_object_is_type(v, json_type_string) &&
	       json_object_get_string_len(v) > 0 &&
	       json_object_get_string_len(v) <= NAME_MAX_LEN;
}

static void add_result(struct json_object *results, const char *name,
		       struct json_object *from)
{
	struct json_object *o = json_object_new_object();
	const char *text = from ? json_str(from, "description") : NULL;

	json_set_str(o, "name", name);
	json_set_str(o, "description", text ? text : "");
	json_set_i64(o, "stars", from ? json_i64(from, "star_count", 0) : 0);
	json_set_bool(o, "official",
		      from && json_flag(from, "is_official", false));
	json_set_bool(o, "automated",
		      from && json_flag(from, "is_automated", false));
	json_object_array_add(results, o);
}

/* ---- version 1 ---------------------------------------------------------- */

/* Return: 1 with results, 0 there is no such search here, -errno */
static int take_v1(struct conv *c, const struct exchange *ex,
		   unsigned int limit, struct json_object *results,
		   struct err *err)
{
	autojson struct json_object *o =
		json_parse(ex->body.buf, ex->body.len, NULL);
	struct json_object *list;
	size_t n;

	if (!o || !json_object_is_type(o, json_type_object))
		return 0;
	list = json_arr(o, "results");
	if (!list)
		return 0;
	n = json_object_array_length(list);
	for (size_t i = 0; i < n && i < limit; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct json_object *name = NULL;

		if (!json_object_is_type(one, json_type_object) ||
		    !json_object_object_get_ex(one, "name", &name) ||
		    !is_name(name))
			return bad_answer(c, "a result without a name", err);
		add_result(results, json_object_get_string(name), one);
	}
	return 1;
}

static int search_v1(struct conv *c, const char *term, unsigned int limit,
		     struct json_object *results, struct err *err)
{
	struct endpoint *ep = &c->eps[c->n_eps - 1];
	autofree char *count = xasprintf("%u", limit);
	bool hub = streq(ep->host, "docker.io");
	struct err why = ERR_INIT;
	struct transfer t;
	int r;

	endpoint_add_scope(c, ep, "registry:catalog:*");
	r = endpoint_ready(c, ep, err);
	if (r < 0)
		return r;
	transfer_init(&t, "", ep->host, c->n_eps - 1);
	t.root = xasprintf("%s/v1/search",
			   hub ? "https://index.docker.io" : ep->base);
	strv_add(&t.headers, "Accept: application/json");
	r = url_add_query(&t.root, "q", term, err);
	if (r == 0)
		r = url_add_query(&t.root, "n", count, err);
	if (r == 0) {
		r = transfer_run(c, &t, SEARCH_BODY_MAX, &why);
		if (r == 0)
			r = take_v1(c, &t.ex, limit, results, err);
		else if (!hub && t.ex.finished && t.ex.code == CURLE_OK)
			r = 0;
		else
			r = err_set(err, why.kind, why.code, "%s", why.msg);
	}
	transfer_done(&t);
	return r;
}

/* ---- the catalogue ------------------------------------------------------ */

static int take_page(struct conv *c, const struct exchange *ex,
		     const char *term, unsigned int limit,
		     struct json_object *results, struct err *err)
{
	autojson struct json_object *o =
		json_parse(ex->body.buf, ex->body.len, NULL);
	struct json_object *list = NULL;
	size_t n;

	if (o && json_object_is_type(o, json_type_object))
		list = json_arr(o, "repositories");
	if (!list)
		return bad_answer(c, "not a list of repositories", err);
	n = json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *name = json_object_array_get_idx(list, i);

		if (!is_name(name))
			return bad_answer(c, "a repository without a name",
					  err);
		if (json_object_array_length(results) < limit &&
		    strstr(json_object_get_string(name), term))
			add_result(results, json_object_get_string(name), NULL);
	}
	return 0;
}

/* Return: 1 and *url, 0 the last page, -errno */
static int next_page(struct conv *c, const struct transfer *t, char **url,
		     struct err *err)
{
	const struct endpoint *ep = &c->eps[t->ep];
	autofree char *prefix = xasprintf("%s/v2/_catalog?", ep->base);
	autofree char *link = NULL;
	autofree char *next = NULL;
	int r;

	link = t->ex.link ? link_next(t->ex.link) : NULL;
	if (!link)
		return 0;
	r = url_resolve(t->url, link, &next, err);
	if (r < 0)
		return err_wrap(err, r, "%s: search", c->host);
	if (!str_starts(next, prefix))
		return bad_answer(c, "the next page is somewhere else", err);
	str_set(url, next);
	return 1;
}

static int search_catalog(struct conv *c, const char *term, unsigned int limit,
			  struct json_object *results, struct err *err)
{
	struct endpoint *ep = &c->eps[c->n_eps - 1];
	autofree char *url = xasprintf("%s/v2/_catalog?n=1000", ep->base);
	autostrv char **seen = NULL;

	for (unsigned int page = 0; page < CATALOG_PAGES_MAX; page++) {
		struct transfer t;
		int r;

		strv_add(&seen, url);
		transfer_init(&t, "", ep->host, c->n_eps - 1);
		t.root = xstrdup(url);
		r = transfer_run(c, &t, SEARCH_BODY_MAX, err);
		if (r == 0)
			r = take_page(c, &t.ex, term, limit, results, err);
		if (r == 0 && json_object_array_length(results) < limit)
			r = next_page(c, &t, &url, err);
		transfer_done(&t);
		if (r <= 0)
			return r;
		if (strv_contains(seen, url))
			break;
	}
	return bad_answer(c, "the list does not end", err);
}

int search_run(struct conv *c, const char *term, unsigned int limit, int fd,
	       struct json_object *reply, struct err *err)
{
	autojson struct json_object *out = json_object_new_object();
	struct json_object *results = json_object_new_array();
	const char *text;
	int r;

	json_set(out, "results", results);
	if (!term || strlen(term) > NAME_MAX_LEN || limit == 0)
		return err_set(err, ERR_INVALID, EINVAL, "%s: search for what?",
			       c->host);
	r = search_v1(c, term, limit, results, err);
	if (r == 0)
		r = search_catalog(c, term, limit, results, err);
	if (r < 0)
		return r;
	text = json_text(out);
	return fetch_put(fd, text, strlen(text), reply, err);
}
