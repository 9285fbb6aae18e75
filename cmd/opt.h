/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_OPT_H
#define CMD_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/*
 * One table per command: parsing, --help, completions and the check of the
 * manual pages all come from it.  A row names the field of the command's
 * argument struct that it fills; the macros refuse a field of another type
 * at compile time.
 */
enum opt_type {
	OPT_T_BOOL,	/* bool; --x, --x=false */
	OPT_T_STR,	/* char *, owned; last one wins */
	OPT_T_STRV,	/* char **, owned; accumulates */
	OPT_T_INT,	/* int */
	OPT_T_I64,	/* int64_t */
	OPT_T_U64,	/* uint64_t */
	OPT_T_SIZE,	/* uint64_t bytes, "64m"; "" is as if not typed */
	OPT_T_FLOAT,	/* double */
	OPT_T_TRI,	/* int: -1 not given, 0, 1 */
	OPT_T_UNSUPPORTED, /* known to podman or docker, not here yet */
	OPT_T_END,
};

enum opt_flags {
	OPT_HIDDEN = 1,	   /* works, not in --help */
	OPT_OPTARG = 2,	   /* the value may be missing: --x means --x=DEF */
	OPT_SPLIT = 4,	   /* STRV: each value is a comma separated list */
	OPT_ALL = 8,	   /* INT, I64: "all" is -1 */
	OPT_IS_INT = 16,   /* STR: text of a number, others are refused in */
	OPT_IS_UINT = 32,  /* strconv's words; NULL is "not typed" */
	OPT_IS_FLOAT = 64,
};

/**
 * struct opt - one row
 * @shorthand: letter or 0
 * @name:   long name without dashes
 * @alias:  a second long name (--net for --network), or NULL
 * @type:   what the value is
 * @offset: of the field in the argument struct
 * @given_offset: of a bool that is set when the option was typed, or
 *          OPT_NO_GIVEN
 * @metavar: as --help shows it; NULL for booleans
 * @def:    default as --help shows it (the value itself is set by the
 *          command's .defaults), or NULL
 * @help:   one sentence, no full stop
 */
struct opt {
	char shorthand;
	const char *name;
	const char *alias;
	enum opt_type type;
	size_t offset;
	size_t given_offset;
	const char *metavar;
	const char *def;
	const char *help;
	unsigned int flags;
};

#define OPT_NO_GIVEN SIZE_MAX

#define OPT_CHECK_(st, field, type)                             \
	(offsetof(st, field) +                                  \
	 0 * sizeof(_Generic(((st *)0)->field, type : 1)))

#define OPT_BOOL(c, n, st, field, h) \
	{ c, n, NULL, OPT_T_BOOL, OPT_CHECK_(st, field, bool), \
	  OPT_NO_GIVEN, NULL, NULL, h, 0 }
#define OPT_TRI(c, n, st, field, h) \
	{ c, n, NULL, OPT_T_TRI, OPT_CHECK_(st, field, int), \
	  OPT_NO_GIVEN, NULL, NULL, h, 0 }
#define OPT_STR(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_STR, OPT_CHECK_(st, field, char *), \
	  OPT_NO_GIVEN, m, NULL, h, 0 }
/* the text of a number */
#define OPT_STR_INT(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_STR, OPT_CHECK_(st, field, char *), \
	  OPT_NO_GIVEN, m, NULL, h, OPT_IS_INT }
#define OPT_STR_UINT(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_STR, OPT_CHECK_(st, field, char *), \
	  OPT_NO_GIVEN, m, NULL, h, OPT_IS_UINT }
#define OPT_STR_FLOAT(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_STR, OPT_CHECK_(st, field, char *), \
	  OPT_NO_GIVEN, m, NULL, h, OPT_IS_FLOAT }
#define OPT_STRV(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_STRV, OPT_CHECK_(st, field, char **), \
	  OPT_NO_GIVEN, m, NULL, h, 0 }
/* --x a,b --x c: three elements; "a,b" in double quotes is one (CSV) */
#define OPT_LIST(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_STRV, OPT_CHECK_(st, field, char **), \
	  OPT_NO_GIVEN, m, NULL, h, OPT_SPLIT }
#define OPT_INT(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_INT, OPT_CHECK_(st, field, int), \
	  OPT_NO_GIVEN, m, NULL, h, 0 }
#define OPT_I64(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_I64, OPT_CHECK_(st, field, int64_t), \
	  OPT_NO_GIVEN, m, NULL, h, 0 }
#define OPT_U64(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_U64, OPT_CHECK_(st, field, uint64_t), \
	  OPT_NO_GIVEN, m, NULL, h, 0 }
#define OPT_SIZE(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_SIZE, OPT_CHECK_(st, field, uint64_t), \
	  OPT_NO_GIVEN, m, NULL, h, 0 }
#define OPT_FLOAT(c, n, st, field, m, h) \
	{ c, n, NULL, OPT_T_FLOAT, OPT_CHECK_(st, field, double), \
	  OPT_NO_GIVEN, m, NULL, h, 0 }

/* Known elsewhere, not here yet: "Error: --x is not supported yet", 125.
 * @m NULL: takes no value. */
#define OPT_NOT_YET(c, n, m, h) \
	{ c, n, NULL, OPT_T_UNSUPPORTED, 0, OPT_NO_GIVEN, m, NULL, h, 0 }

#define OPT_END { 0, NULL, NULL, OPT_T_END, 0, OPT_NO_GIVEN, NULL, NULL, \
		  NULL, 0 }

/** opt_csv() - append the fields of one line of comma separated values; a field
 *  in double quotes keeps its commas, "" inside is one quote */
void opt_csv(const char *value, char ***v);

/** opt_takes_value() - --x needs an argument */
bool opt_takes_value(const struct opt *o);

/** opt_find() - by long name (@len bytes) or alias, or by @letter when @name is
 *  NULL; NULL: none of @tables has it */
const struct opt *opt_find(const struct opt *const *tables, const char *name,
			   size_t len, char letter);

/** struct opt_set - tables, each ended by OPT_END, in a NULL-terminated list,
 *  and the struct that they fill */
struct opt_set {
	const struct opt *const *opts;
	void *args;
};

/**
 * opt_parse_sets() - fill the structs of @sets from @argv
 * @sets:  a command's own options, --help, the global ones; an earlier set
 *         wins a clash
 * @stop_at_positional: run, create, exec: what follows the first argument
 *         that is no option belongs to the container
 * @rest:  positional arguments; points into @argv (reordered in place)
 *
 * -it, -p8080:80, --name=x, --name x, --rm=false, "--".
 * Return: number of positional arguments, or -EINVAL/ERR_USAGE with podman's
 * words ("unknown flag: --x", "flag needs an argument: 'h' in -h")
 */
int opt_parse_sets(const struct opt_set *sets, size_t n, char **argv,
		   bool stop_at_positional, char ***rest, struct err *err);

/** opt_free() - free the owned fields that the tables name */
void opt_free(const struct opt *const *opts, void *args);

#endif
