/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/prompt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/str.h"

int prompt_confirm(struct err *err)
{
	int first = EOF;
	int c = EOF;

	printf("Are you sure you want to continue? [y/N] ");
	fflush(stdout);
	first = getchar();
	for (c = first; c != EOF && c != '\n'; c = getchar())
		;
	if (first == EOF) {
		printf("\n");
		return err_set(err, ERR_FAIL, ENODATA,
			       "EOF on stdin instead of an answer: --force "
			       "goes on without asking");
	}
	return first == 'y' || first == 'Y';
}

enum { LINE_LIMIT = 64 * 1024 };

int prompt_line(const char *label, char **ret, struct err *err)
{
	autofree char *line = NULL;
	size_t room = 0;
	ssize_t n;

	printf("%s", label);
	fflush(stdout);
	n = getline(&line, &room, stdin);
	if (n < 0)
		return err_set(err, ERR_FAIL, EIO, "nothing was typed");
	if (n > LINE_LIMIT)
		return err_set(err, ERR_LIMIT, E2BIG, "too long a line");
	line[strcspn(line, "\r\n")] = '\0';
	*ret = xstrdup(line);
	explicit_bzero(line, room);
	return 0;
}

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static struct termios echo_on;

/* Only async-signal-safe calls: give the echo back, then die of it */
static void on_signal(int sig)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &echo_on);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void catch_signals(void (*handler)(int sig))
{
	const struct sigaction sa = { .sa_handler = handler };

	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		(void)sigaction(ending[i], &sa, NULL);
}

int prompt_secret(const char *label, char **ret, struct err *err)
{
	struct termios quiet;
	int r;

	if (tcgetattr(STDIN_FILENO, &echo_on) < 0)
		return err_set(err, ERR_FAIL, ENOTTY,
			       "cannot ask for a password: stdin is not a "
			       "terminal");
	quiet = echo_on;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON | ISIG;
	catch_signals(on_signal);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
		return err_sys(err, "switch the echo off");
	r = prompt_line(label, ret, err);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &echo_on);
	catch_signals(SIG_DFL);
	printf("\n");
	return r;
}
