/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One registry is asked when TERM begins with one (quay.io/nginx), else each
 * of the search list; one of several that fails is warned about and left out,
 * so that a dead registry does not hide what the others have.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/filter.h"
#include "cmd/format.h"
#include "cmd/image/pullopts.h"
#include "storage/image/ref.h"
#include "storage/registries_conf.h"
#include "storage/registry/registry.h"
#include "util/json.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"

#define LIMIT_DEFAULT 25
#define LIMIT_MAX 100000
#define DESCRIPTION_MAX 44

struct search_args {
	char *authfile;
	char *cert_dir;
	bool compatible;
	char *creds;
	char **filters;
	char *format;
	int limit;
	bool list_tags;
	bool no_trunc;
	int tls_verify;
};

static const struct opt search_opts[] = {
	OPT_STR(0, "authfile", struct search_args, authfile, "path",
		"File with the credentials"),
	OPT_STR(0, "cert-dir", struct search_args, cert_dir, "path",
		"Directory with certificates and keys"),
	OPT_BOOL(0, "compatible", struct search_args, compatible,
		 "Show the columns that docker shows"),
	OPT_STR(0, "creds", struct search_args, creds,
		"[username[:password]]", "Credentials for the registry"),
	OPT_STRV('f', "filter", struct search_args, filters, "filter",
		 "stars=N, is-official or is-automated"),
	OPT_STR(0, "format", struct search_args, format, "string",
		"Go template or json"),
	OPT_INT(0, "limit", struct search_args, limit, "int",
		"Results of one registry (default 25)"),
	OPT_BOOL(0, "list-tags", struct search_args, list_tags,
		 "List the tags of the repository TERM"),
	OPT_BOOL(0, "no-trunc", struct search_args, no_trunc,
		 "Do not cut the description"),
	OPT_TRI(0, "tls-verify", struct search_args, tls_verify,
		"Demand HTTPS and verify certificates"),
	OPT_END,
};

static void search_defaults(void *p)
{
	struct search_args *args = p;

	args->tls_verify = -1;
	args->limit = LIMIT_DEFAULT;
}

/* 0 is no limit of one's own, as in docker and podman */
static unsigned int limit_of(const struct search_args *a)
{
	return a->limit ? (unsigned int)a->limit : LIMIT_DEFAULT;
}

static struct registry_conf conf_of(const struct search_args *a,
				    const char *host, const char *repo)
{
	return (struct registry_conf){
		.host = host,
		.repo = repo,
		.authfile = a->authfile,
		.creds = a->creds,
		.cert_dir = a->cert_dir,
		.tls_verify = a->tls_verify,
		.retry = -1,
	};
}

/* ---- filters ------------------------------------------------------------ */

static int check_filters(const struct filters *f, struct err *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *v = f->v[i].value;
		uint32_t stars;
		bool flag;

		if (streq(f->v[i].key, "stars") ? parse_u32(v, &stars) < 0 :
						  parse_bool(v, &flag) < 0)
			return err_set(err, ERR_USAGE, EINVAL,
				       "invalid value \"%s\" of filter %s", v,
				       f->v[i].key);
	}
	return 0;
}

static bool test_filter(const struct filter *f, void *obj)
{
	uint32_t stars = 0;
	bool want = true;

	if (streq(f->key, "stars")) {
		(void)parse_u32(f->value, &stars);
		return json_i64(obj, "stars", 0) >= (int64_t)stars;
	}
	(void)parse_bool(f->value, &want);
	return want == json_flag(obj, streq(f->key, "is-official") ?
					      "official" : "automated",
				 false);
}

/* "is-official" alone means true */
static int parse_filters(char *const *texts, struct filters *ret,
			 struct err *err)
{
	static const char *const known[] = { "stars", "is-official",
					     "is-automated", NULL };
	static const struct filter_texts words = {
		{ "invalid filter \"", "\": must be in the format "
		  "filter=value" },
		{ "invalid filter \"", "\": must be stars, is-official or "
		  "is-automated" },
	};
	autostrv char **whole = NULL;
	int r;

	for (char *const *t = texts; t && *t; t++)
		strv_addf(&whole, "%s%s", *t,
			  strchr(*t, '=') || streq(*t, "stars") ? "" : "=true");
	r = filters_parse(whole, known, &words, ret, err);
	return r < 0 ? r : check_filters(ret, err);
}

/* ---- rows --------------------------------------------------------------- */

static char *cut_text(const char *text, bool whole)
{
	size_t n = strlen(text);

	if (whole || n <= DESCRIPTION_MAX)
		return xstrdup(text);
	/* Not in the middle of a character */
	for (n = DESCRIPTION_MAX; n && (text[n] & 0xc0) == 0x80; n--)
		;
	return xasprintf("%.*s...", (int)n, text);
}

/* docker's names of the fields, for templates only */
static void put_docker(struct json_object *row, struct json_object *from)
{
	const struct {
		const char *name;
		struct json_object *value;
	} fields[] = {
		{ "StarCount",
		  json_object_new_int64(json_i64(from, "stars", 0)) },
		{ "IsOfficial",
		  json_object_new_string(json_str(row, "Official")) },
		{ "IsAutomated",
		  json_object_new_string(json_str(row, "Automated")) },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		template_put_hidden(row, fields[i].name, fields[i].value);
}

static void add_row(struct json_object *rows, const char *host,
		    struct json_object *from, const struct search_args *a)
{
	struct json_object *o = json_object_new_object();
	autofree char *name = xasprintf("%s/%s", host, json_str(from, "name"));
	autofree char *text = cut_text(json_str(from, "description"),
				       a->no_trunc);

	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t' || *c == '\r')
			*c = ' ';
	json_set_str(o, "Index", host);
	json_set_str(o, "Name", name);
	json_set_str(o, "Description", text);
	json_set_i64(o, "Stars", json_i64(from, "stars", 0));
	json_set_str(o, "Official",
		     json_flag(from, "official", false) ? "[OK]" : "");
	json_set_str(o, "Automated",
		     json_flag(from, "automated", false) ? "[OK]" : "");
	json_set_str(o, "Tag", "");
	put_docker(o, from);
	json_object_array_add(rows, o);
}

static int search_one(const struct search_args *a, const struct filters *f,
		      const char *host, const char *term,
		      struct json_object *rows, struct err *err)
{
	const struct registry_conf conf = conf_of(a, host, "");
	autojson struct json_object *found = NULL;
	struct registry *reg;
	int r = registry_open(&conf, &reg, err);

	if (r < 0)
		return r;
	r = registry_search(reg, term, limit_of(a), &found, err);
	registry_close(reg);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_object_array_length(found); i++) {
		struct json_object *o = json_object_array_get_idx(found, i);

		if (filters_match(f, test_filter, o))
			add_row(rows, host, o, a);
	}
	return 0;
}

/* ---- the two forms ------------------------------------------------------ */

static int print_found(const struct search_args *a, struct json_object *rows,
		       bool several, struct err *err)
{
	static const struct column plain[] = {
		{ "Name", "NAME" }, { "Description", "DESCRIPTION" },
		{ NULL, NULL },
	};
	static const struct column indexed[] = {
		{ "Index", "INDEX" }, { "Name", "NAME" },
		{ "Description", "DESCRIPTION" }, { NULL, NULL },
	};
	static const struct column docker[] = {
		{ "Name", "NAME" }, { "Description", "DESCRIPTION" },
		{ "Stars", "STARS" }, { "Official", "OFFICIAL" },
		{ "Automated", "AUTOMATED" }, { NULL, NULL },
	};

	/* Nothing found: podman prints no headings then */
	if (!json_object_array_length(rows) && !format_is_json(a->format))
		return 0;
	return print_rows(a->format, rows, NULL,
			  a->compatible ? docker :
			  several	? indexed :
					  plain, false, err);
}

static int search_terms(const struct search_args *a, const struct filters *f,
			const struct registries_conf *conf, const char *typed,
			struct err *err)
{
	autojson struct json_object *rows = json_object_new_array();
	autostrv char **hosts = NULL;
	const char *term = typed;
	size_t failed = 0;
	int r = 0;

	if (!registries_conf_is_short(typed)) {
		strv_push(&hosts, xstrndup(typed, strcspn(typed, "/")));
		term = strchr(typed, '/') + 1;
	} else {
		strv_extend(&hosts, registries_conf_search(conf));
	}
	for (char **host = hosts; host && *host; host++) {
		struct err why = ERR_INIT;

		r = search_one(a, f, *host, term, rows, &why);
		if (r == 0)
			continue;
		if (++failed == strv_len(hosts))
			return err_set(err, why.kind, why.code, "%s", why.msg);
		log_warn("%s", why.msg);
	}
	return print_found(a, rows, strv_len(hosts) > 1, err);
}

static int tags_of(const struct search_args *a, const char *full,
		   char **ret_name, char ***ret, struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	struct registry *reg;
	int r = ref_parse(full, &ref, err);

	if (r < 0)
		return r;
	ref_complete(&ref, "docker.io");
	const struct registry_conf conf = conf_of(a, ref.host, ref.path);

	r = registry_open(&conf, &reg, err);
	if (r < 0)
		return r;
	r = registry_tags(reg, ret, err);
	registry_close(reg);
	if (r == 0)
		*ret_name = ref_repo(&ref);
	return r;
}

/* A row per tag, in JSON one object with all of them, as in podman. */
static int print_tags(const struct search_args *a, const char *name,
		      char *const *tags, struct err *err)
{
	static const struct column columns[] = {
		{ "Name", "NAME" }, { "Tag", "TAG" }, { NULL, NULL },
	};
	autojson struct json_object *rows = json_object_new_array();
	autojson struct json_object *json = json_object_new_array();
	struct json_object *all = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_set_str(all, "Name", name);
	json_set(all, "Tags", list);
	json_object_array_add(json, all);
	for (unsigned int i = 0; tags && tags[i] && i < limit_of(a); i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "Name", name);
		json_set_str(o, "Tag", tags[i]);
		json_object_array_add(rows, o);
		json_object_array_add(list, json_object_new_string(tags[i]));
	}
	return print_rows(a->format, rows, json, columns, false, err);
}

static int list_tags(const struct search_args *a,
		     const struct registries_conf *conf, const char *typed,
		     struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	autofree char *name = NULL;
	autostrv char **full = NULL;
	autostrv char **tags = NULL;
	int r = ref_parse(typed, &ref, err);

	if (r < 0)
		return r;
	if (ref.tag || ref.digest)
		return err_set(err, ERR_USAGE, EINVAL,
			       "reference \"%s\" must be a name without tag "
			       "or digest", typed);
	r = registries_conf_expand(conf, typed, &full, err);
	/* The next one of the search list only where this one has it not */
	for (char **f = full; r == 0 && f && *f; f++) {
		r = tags_of(a, *f, &name, &tags, err);
		if (r != -ENOENT || !f[1])
			break;
		err_clear(err);
		r = 0;
	}
	return r < 0 ? r : print_tags(a, name, tags, err);
}

static int check(const struct search_args *a, const char *typed,
		 struct err *err)
{
	if (a->limit < 0 || a->limit > LIMIT_MAX)
		return err_set(err, ERR_USAGE, EINVAL,
			       "limit %d is outside the range of [0, %d]",
			       a->limit, LIMIT_MAX);
	if (a->list_tags && a->filters)
		return err_set(err, ERR_USAGE, EINVAL,
			       "filters are not applicable to list tags "
			       "result");
	if (!*typed)
		return err_set(err, ERR_USAGE, EINVAL, "no term was given");
	return authfile_check(a->authfile, err);
}

static int search_run(struct runtime *rt unused_attr, const void *p,
		      char **argv, struct err *err)
{
	const struct search_args *a = p;
	auto_registries_conf struct registries_conf *conf = NULL;
	auto_filters struct filters f = FILTERS_INIT;
	int r = check(a, argv[0], err);

	if (r == 0)
		r = parse_filters(a->filters, &f, err);
	if (r == 0)
		r = registries_conf_load(environ, &conf, err);
	if (r < 0)
		return r;
	return a->list_tags ? list_tags(a, conf, argv[0], err) :
			      search_terms(a, &f, conf, argv[0], err);
}

const struct cmd cmd_registry_search = {
	.path = "search",
	.aliases = (const char *const[]){ "image search", NULL },
	.usage = "[options] TERM",
	.summary = "Search registries for an image",
	.text = "Looks for repositories whose name or description has TERM, at "
		"the registry that TERM begins with or at those of the search "
		"list. Where there is no search the list of all repositories "
		"is gone through.",
	.examples = (const char *const[]){ "search nginx",
					   "search --filter is-official "
					   "docker.io/nginx",
					   "search --list-tags "
					   "localhost:5000/app", NULL },
	.min_args = 1,
	.max_args = 1,
	.opts = (const struct opt *const[]){ search_opts, NULL },
	.args_size = sizeof(struct search_args),
	.defaults = search_defaults,
	.run = search_run,
};
