/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SYSTEM_COMPLETE_H
#define CMD_SYSTEM_COMPLETE_H

struct cmd;
struct opt;
struct runtime;

/**
 * struct complete - the word that is being typed; all borrowed
 * @typed:  what there is of it, or of the value behind "--name="
 * @prefix: printed before each answer: "--name=", or ""
 */
struct complete {
	struct runtime *rt;
	const char *typed;
	const char *prefix;
};

/** complete_offer() - print @text if it begins with what was typed */
void complete_offer(const struct complete *c, const char *text,
		    const char *help);

/** complete_containers() - those that @cmd can do something with; NULL: all */
void complete_containers(const struct complete *co, const struct cmd *cmd);
void complete_volumes(const struct complete *co);
void complete_secrets(const struct complete *co);

/** complete_value() - what option @o of @cmd may be given (complete_value.c)
 *  @cmd: NULL for a global option */
void complete_value(const struct complete *c, const struct cmd *cmd,
		    const struct opt *o);

#endif
