/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The scripts hold no words of their own: at each TAB they call
 * `bryo __complete -- WORD...`, which answers from the command table and the
 * store in two milliseconds.  So a script never lags behind the program.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "util/fd.h"
#include "util/str.h"

struct completion_args {
	char *file;
	bool no_desc;
};

static const struct opt completion_opts[] = {
	OPT_STR('f', "file", struct completion_args, file, "string",
		"Write to a file instead of standard output"),
	OPT_BOOL(0, "no-desc", struct completion_args, no_desc,
		 "Leave the descriptions out"),
	OPT_END,
};

/* "@" stands for the program's name, "#" for what cuts a description off. */
/* Bash cuts words at ":" and "=" too ("localhost:5000/web" is three of them):
 * the line is cut at blanks here, and of each answer only what readline
 * replaces is given, which is the part behind the last of them. */
static const char bash_script[] =
	"# bash completion for @\n"
	"_@()\n"
	"{\n"
	"	local line typed cut='' words\n"
	"	COMPREPLY=()\n"
	"	line=${COMP_LINE:0:COMP_POINT}\n"
	"	read -ra words <<<\"$line\"\n"
	"	[[ $line != *[[:space:]] ]] || words+=(\"\")\n"
	"	typed=${words[${#words[@]} - 1]}\n"
	"	if [[ $COMP_WORDBREAKS == *[:=]* ]]; then\n"
	"		cut=${typed%\"${typed##*[$COMP_WORDBREAKS]}\"}\n"
	"	fi\n"
	"	while IFS= read -r line; do\n"
	"		line=${line%%$'\\t'*}\n"
	"		COMPREPLY+=(\"${line#\"$cut\"}\")\n"
	"	done < <(\"${COMP_WORDS[0]}\" __complete -- \\\n"
	"		\"${words[@]:1}\" 2>/dev/null)\n"
	"	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=,] ]]; "
	"then\n"
	"		compopt -o nospace\n"
	"	fi\n"
	"}\n"
	"complete -o default -F _@ @\n";

static const char zsh_script[] =
	"#compdef @\n"
	"# zsh completion for @\n"
	"_@()\n"
	"{\n"
	"	local -a found\n"
	"	local line\n"
	"	while IFS= read -r line; do\n"
	"		line=${line//:/\\\\:}\n"
	"		found+=(\"#\")\n"
	"	done < <(\"${words[1]}\" __complete -- \\\n"
	"		\"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
	"	if (( ${#found} )); then\n"
	"		_describe -t commands @ found\n"
	"	else\n"
	"		_files\n"
	"	fi\n"
	"}\n"
	"compdef _@ @\n";

static const char fish_script[] =
	"# fish completion for @\n"
	"function __@_complete\n"
	"	set -l typed (commandline -opc) (commandline -ct)\n"
	"	command $typed[1] __complete -- $typed[2..-1] 2>/dev/null#\n"
	"end\n"
	"complete -c @ -f -a '(__@_complete)'\n";

static const struct shell {
	const char *name;
	const char *script;
	const char *with_desc;	/* for "#" */
	const char *without;
} shells[] = {
	{ "bash", bash_script, "#", "#" },
	{ "zsh", zsh_script, "${line/$'\\t'/:}", "${line%%$'\\t'*}" },
	{ "fish", fish_script, "", " | string replace -r '\\t.*' ''" },
};

static void expand(const struct shell *sh, bool no_desc, struct sb *out)
{
	bool comment = false;

	for (const char *s = sh->script; *s; s++) {
		bool line_start = s == sh->script || s[-1] == '\n';

		comment = line_start ? *s == '#' : comment;
		if (*s == '@' && s[-1] != '[' && s[-1] != '(')
			sb_add(out, cmd_prog());
		else if (*s == '#' && !comment && s[-1] != '{')
			sb_add(out, no_desc ? sh->without : sh->with_desc);
		else
			sb_addch(out, *s);
	}
}

static const struct shell *find_shell(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (streq(shells[i].name, name))
			return &shells[i];
	return NULL;
}

static int write_file(const char *path, const struct sb *text, struct err *err)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				0644);
	int r = 0;

	if (fd < 0)
		return err_sys(err, "open %s", path);
	r = fd_write_full(fd, text->buf, text->len);
	return r < 0 ? err_code(err, r, "write %s", path) : 0;
}

static int completion_run(struct runtime *rt unused_attr, const void *p,
			  char **argv, struct err *err)
{
	const struct completion_args *args = p;
	const struct shell *sh = find_shell(argv[0]);
	autosb struct sb text = SB_INIT;

	if (!sh)
		return err_set(err, ERR_USAGE, EINVAL,
			       "invalid shell \"%s\": must be bash, zsh or "
			       "fish", argv[0]);
	expand(sh, args->no_desc, &text);
	if (args->file)
		return write_file(args->file, &text, err);
	printf("%s", text.buf);
	return 0;
}

const struct cmd cmd_system_completion = {
	.path = "completion",
	.usage = "[options] {bash|zsh|fish}",
	.summary = "Generate shell autocompletions",
	.examples = (const char *const[]){ "completion bash",
					   "completion zsh -f _bryo",
					   "completion fish --no-desc",
					   NULL },
	.min_args = 1,
	.max_args = 1,
	.opts = (const struct opt *const[]){ completion_opts, NULL },
	.args_size = sizeof(struct completion_args),
	.run = completion_run,
};
