/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * main() calls opt_parse_sets() twice: first with the global table, stopping
 * at the command word, then with the command's tables, --help and the global
 * table again (podman takes global flags behind the command too).  Nothing
 * here prints: the caller turns ERR_USAGE into "Error: ..." and "See ...".
 *
 * The grammar and the texts are those of podman: a long option is --name,
 * --name=value or --name value; a group of letters ends at the first that
 * takes a value, which may be glued to it (-p80, -p=80) or be the next word.
 * A boolean never takes the next word.
 */
#include "cmd/opt.h"

#include <limits.h>

#include "cmd/gotext.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

/* What was found for a name, and in which struct its field lies. */
struct match {
	const struct opt *opt;
	void *args;
};

struct parser {
	const struct opt_set *sets;
	size_t n_sets;
	char **next;	/* first word not looked at */
};

static bool is_bool(const struct opt *o)
{
	return o->type == OPT_T_BOOL || o->type == OPT_T_TRI ||
	       (o->type == OPT_T_UNSUPPORTED && !o->metavar);
}

bool opt_takes_value(const struct opt *o)
{
	return !is_bool(o) && !(o->flags & OPT_OPTARG);
}

static bool has_name(const struct opt *o, const char *name, size_t len)
{
	if (strlen(o->name) == len && !memcmp(o->name, name, len))
		return true;
	return o->alias && strlen(o->alias) == len &&
	       !memcmp(o->alias, name, len);
}

const struct opt *opt_find(const struct opt *const *tables, const char *name,
			   size_t len, char letter)
{
	for (; tables && *tables; tables++)
		for (const struct opt *o = *tables; o->type != OPT_T_END; o++)
			if (name ? has_name(o, name, len) :
				   o->shorthand == letter)
				return o;
	return NULL;
}

static bool find(const struct parser *p, const char *name, size_t len,
		 char letter, struct match *ret)
{
	for (size_t i = 0; i < p->n_sets; i++) {
		const struct opt *o = opt_find(p->sets[i].opts, name, len,
					       letter);

		if (o) {
			*ret = (struct match){ o, p->sets[i].args };
			return true;
		}
	}
	return false;
}

static int bad_value(const struct opt *o, const char *value, const char *why,
		     struct err *err)
{
	autosb struct sb text = SB_INIT;

	sb_add(&text, "invalid argument ");
	go_quote(&text, value);
	if (o->shorthand)
		sb_addf(&text, " for \"-%c, --%s\" flag: ", o->shorthand,
			o->name);
	else
		sb_addf(&text, " for \"--%s\" flag: ", o->name);
	sb_add(&text, why);
	return err_set(err, ERR_USAGE, EINVAL, "%s", text.buf);
}

/* strconv's words: strconv.ParseInt: parsing "x": invalid syntax */
static int bad_number(const struct opt *o, const char *value, const char *fn,
		      int r, struct err *err)
{
	autosb struct sb why = SB_INIT;

	sb_addf(&why, "strconv.%s: parsing ", fn);
	go_quote(&why, value);
	sb_add(&why, r == -ERANGE ? ": value out of range" :
				    ": invalid syntax");
	return bad_value(o, value, why.buf, err);
}

/* One field of a line of comma separated values, as Go's csv reader cuts it:
 * a field in double quotes keeps its commas, "" inside is one quote. */
static const char *csv_field(const char *s, struct sb *out)
{
	bool quoted = *s == '"';

	if (quoted)
		s++;
	for (; *s; s++) {
		if (!quoted && *s == ',')
			break;
		if (quoted && *s == '"') {
			if (s[1] != '"') {
				quoted = false;
				continue;
			}
			s++;
		}
		sb_addch(out, *s);
	}
	return *s ? s + 1 : NULL;
}

void opt_csv(const char *value, char ***v)
{
	while (value && *value) {
		autosb struct sb field = SB_INIT;
		bool more = false;
		const char *rest = csv_field(value, &field);

		more = rest && !*rest;	/* "a," has an empty last field */
		strv_push(v, sb_take(&field));
		if (more)
			strv_add(v, "");
		value = rest;
	}
}

static int set_int(const struct opt *o, void *field, const char *value,
		   struct err *err)
{
	int64_t n = 0;
	int r = parse_i64(value, &n);

	if (!r && o->type == OPT_T_INT && (n < INT_MIN || n > INT_MAX))
		r = -ERANGE;
	if (r)
		return bad_number(o, value, "ParseInt", r, err);
	if (o->type == OPT_T_INT)
		*(int *)field = (int)n;
	else
		*(int64_t *)field = n;
	return 0;
}

static int set_bool(const struct opt *o, void *field, const char *value,
		    struct err *err)
{
	bool on = false;
	int r = parse_bool(value, &on);

	if (r)
		return bad_number(o, value, "ParseBool", -EINVAL, err);
	if (o->type == OPT_T_BOOL)
		*(bool *)field = on;
	else
		*(int *)field = on;
	return 0;
}

static int set_size(const struct opt *o, void *field, const char *value,
		    struct err *err)
{
	autosb struct sb why = SB_INIT;

	/* scripts: --shm-size "$SIZE" */
	if (!*value || !parse_size(value, field))
		return 0;
	sb_addf(&why, "invalid size: '%s'", value);
	return bad_value(o, value, why.buf, err);
}

static int set_text(const struct opt *o, void *field, const char *value,
		    struct err *err)
{
	const char *fn = NULL;
	uint64_t u;
	int64_t i;
	double d;
	int r = 0;

	if (o->flags & OPT_IS_INT) {
		fn = "ParseInt";
		r = parse_i64(value, &i);
	} else if (o->flags & OPT_IS_UINT) {
		fn = "ParseUint";
		r = parse_u64(value, &u);
	} else if (o->flags & OPT_IS_FLOAT) {
		fn = "ParseFloat";
		r = parse_double(value, &d);
	}
	if (r)
		return bad_number(o, value, fn, r, err);
	str_set(field, value);
	return 0;
}

static int set_value(const struct match *m, const char *value, struct err *err)
{
	const struct opt *o = m->opt;
	void *field = (char *)m->args + o->offset;
	int r = 0;

	switch (o->type) {
	case OPT_T_BOOL:
	case OPT_T_TRI:
		return set_bool(o, field, value, err);
	case OPT_T_STR:
		return set_text(o, field, value, err);
	case OPT_T_STRV:
		if (o->flags & OPT_SPLIT)
			opt_csv(value, field);
		else
			strv_add(field, value);
		return 0;
	case OPT_T_INT:
	case OPT_T_I64:
		if ((o->flags & OPT_ALL) && streq(value, "all"))
			value = "-1";
		return set_int(o, field, value, err);
	case OPT_T_U64:
		r = parse_u64(value, field);
		return r ? bad_number(o, value, "ParseUint", r, err) : 0;
	case OPT_T_SIZE:
		return set_size(o, field, value, err);
	case OPT_T_FLOAT:
		r = parse_double(value, field);
		return r ? bad_number(o, value, "ParseFloat", r, err) : 0;
	case OPT_T_UNSUPPORTED:
	case OPT_T_END:
		break;
	}
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "--%s is not supported yet", o->name);
}

static int store(const struct match *m, const char *value, struct err *err)
{
	int r = set_value(m, value, err);

	if (r < 0)
		return r;
	if (m->opt->given_offset != OPT_NO_GIVEN)
		*(bool *)((char *)m->args + m->opt->given_offset) = true;
	return 0;
}

/* The value of an option that may be typed without one. */
static const char *implied(const struct opt *o)
{
	if (is_bool(o))
		return "true";
	return o->flags & OPT_OPTARG ? o->def : NULL;
}

static int parse_long(struct parser *p, const char *word, struct err *err)
{
	const char *name = word + 2;
	const char *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const char *value = eq ? eq + 1 : NULL;
	struct match m = { NULL, NULL };

	if (!len || *name == '-')
		return err_set(err, ERR_USAGE, EINVAL, "bad flag syntax: %s",
			       word);
	if (!find(p, name, len, 0, &m))
		return err_set(err, ERR_USAGE, EINVAL, "unknown flag: --%.*s",
			       (int)len, name);
	if (!value)
		value = implied(m.opt);
	if (!value)
		value = *p->next ? *p->next++ : NULL;
	if (!value)
		return err_set(err, ERR_USAGE, EINVAL,
			       "flag needs an argument: --%s", m.opt->name);
	return store(&m, value, err);
}

/* What stands behind the letter of an option that wants a value; NULL: no
 * word is left */
static const char *attached(struct parser *p, const char *letter)
{
	if (letter[1])
		return letter + 1;
	return *p->next ? *p->next++ : NULL;
}

/* -abc: stops at the first letter that takes a value. */
static int parse_short(struct parser *p, const char *letters, struct err *err)
{
	for (; *letters; letters++) {
		struct match m = { NULL, NULL };
		const char *value = NULL;
		bool last = true;
		int r = 0;

		if (!find(p, NULL, 0, *letters, &m))
			return err_set(err, ERR_USAGE, EINVAL,
				       "unknown shorthand flag: '%c' in -%s",
				       *letters, letters);
		if (letters[1] == '=' && letters[2]) {
			value = letters + 2;
		} else if (implied(m.opt)) {
			value = implied(m.opt);
			last = false;
		} else {
			value = attached(p, letters);
		}
		if (!value)
			return err_set(err, ERR_USAGE, EINVAL,
				       "flag needs an argument: '%c' in -%s",
				       *letters, letters);
		r = store(&m, value, err);
		if (r < 0 || last)
			return r;
	}
	return 0;
}

int opt_parse_sets(const struct opt_set *sets, size_t n, char **argv,
		   bool stop_at_positional, char ***rest, struct err *err)
{
	struct parser p = { sets, n, argv };
	char **out = argv;

	while (*p.next) {
		char *word = *p.next++;
		int r = 0;

		if (word[0] != '-' || !word[1]) {
			*out++ = word;
			if (stop_at_positional)
				break;
			continue;
		}
		if (streq(word, "--"))
			break;
		r = word[1] == '-' ? parse_long(&p, word, err) :
				     parse_short(&p, word + 1, err);
		if (r < 0)
			return r;
	}
	while (*p.next)
		*out++ = *p.next++;
	*out = NULL;
	*rest = argv;
	return (int)(out - argv);
}

void opt_free(const struct opt *const *opts, void *args)
{
	for (; opts && *opts; opts++) {
		for (const struct opt *o = *opts; o->type != OPT_T_END; o++) {
			void *field = (char *)args + o->offset;

			if (o->type == OPT_T_STR) {
				str_set(field, NULL);
			} else if (o->type == OPT_T_STRV) {
				char ***v = field;

				*v = strv_free(*v);
			}
		}
	}
}
