/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Without a terminal a transfer is a list of plain lines.  On a terminal the
 * layers under way are a block of bars at the bottom, drawn again in place at
 * most ten times a second; a layer that is finished leaves the block and
 * becomes a line above it, so that any number of layers fits any screen.
 */
#include "cmd/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/safe.h"
#include "util/sb.h"
#include "util/str.h"

#define REDRAW_NS UINT64_C(100000000)
#define KEY_MAX 16
#define BAR_MAX 40
#define COLUMNS_DEFAULT 80
#define BLOB_LINE "Copying blob "

struct progress_bar {
	char key[KEY_MAX];
	const char *state; /* a literal of the store */
	uint64_t done;
	uint64_t total;
};

/* ---- drawing ---------------------------------------------------------- */

static size_t columns(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 40)
		return ws.ws_col;
	return COLUMNS_DEFAULT;
}

/* "Copying blob 0123456789ab [=====>----] 12.3MB / 45.6MB" */
static void add_bar(const struct progress_bar *b, size_t width, struct sb *out)
{
	char done[SIZE_TEXT_MAX], total[SIZE_TEXT_MAX];
	size_t room = MIN(width - 38, (size_t)BAR_MAX);
	size_t full;

	sb_addf(out, BLOB_LINE "%s ", b->key);
	if (!b->total) {
		sb_addf(out, "%s %s", b->state,
			size_human(b->done, false, done));
		return;
	}
	full = (size_t)((double)MIN(b->done, b->total) /
			(double)b->total * (double)room);
	if (width >= 60) {
		sb_addch(out, '[');
		for (size_t i = 0; i < room; i++)
			sb_addch(out, i < full ? '=' : i == full ? '>' : '-');
		sb_add(out, "] ");
	}
	if (streq(b->state, "extracting") && b->done >= b->total)
		sb_add(out, "extracting");
	else
		sb_addf(out, "%s / %s", size_human(b->done, false, done),
			size_human(b->total, false, total));
}

static void erase(struct progress_ui *ui, struct sb *out)
{
	if (ui->drawn)
		sb_addf(out, "\033[%zuA\r\033[J", ui->drawn);
	ui->drawn = 0;
}

static void put(const struct sb *out)
{
	fwrite(out->buf, 1, out->len, stderr);
	fflush(stderr);
}

/* @line: goes above the block, or NULL */
static void draw(struct progress_ui *ui, const char *line)
{
	autosb struct sb out = SB_INIT;
	size_t width = columns();

	erase(ui, &out);
	if (line)
		sb_addf(&out, "%s\n", line);
	for (size_t i = 0; i < ui->n; i++) {
		add_bar(&ui->v[i], width, &out);
		sb_addch(&out, '\n');
	}
	ui->drawn = ui->n;
	ui->drawn_ns = clock_mono_ns();
	put(&out);
}

/* ---- what the store tells --------------------------------------------- */

static void on_line(void *arg, const char *text)
{
	struct progress_ui *ui = arg;
	autofree char *safe = safe_line(text);

	if (!ui->bars)
		fprintf(stderr, "%s\n", safe);
	else if (!str_starts(text, BLOB_LINE))
		draw(ui, safe);
}

static struct progress_bar *bar_of(struct progress_ui *ui, const char *key)
{
	struct progress_bar *b;

	for (size_t i = 0; i < ui->n; i++)
		if (streq(ui->v[i].key, key))
			return &ui->v[i];
	ui->v = xreallocarray(ui->v, ui->n + 1, sizeof(*ui->v));
	b = &ui->v[ui->n++];
	*b = (struct progress_bar){ .state = "" };
	snprintf(b->key, sizeof(b->key), "%s", key);
	return b;
}

static void drop_bar(struct progress_ui *ui, const char *key)
{
	for (size_t i = 0; i < ui->n; i++) {
		if (!streq(ui->v[i].key, key))
			continue;
		ui->n--;
		memmove(&ui->v[i], &ui->v[i + 1],
			(ui->n - i) * sizeof(*ui->v));
		return;
	}
}

static void on_layer(void *arg, const char *key, const char *state,
		     uint64_t done, uint64_t total)
{
	struct progress_ui *ui = arg;
	autofree char *line = NULL;
	struct progress_bar *b;

	if (streq(state, "waiting"))
		return;
	if (streq(state, "done") || streq(state, "exists")) {
		drop_bar(ui, key);
		line = xasprintf(BLOB_LINE "%s %s", key,
				 streq(state, "done") ?
					 "done" :
					 "skipped: already exists");
		draw(ui, line);
		return;
	}
	b = bar_of(ui, key);
	b->state = state;
	b->done = done;
	b->total = total;
	if (clock_mono_ns() - ui->drawn_ns >= REDRAW_NS)
		draw(ui, NULL);
}

void progress_ui_init(struct progress_ui *ui, bool quiet)
{
	*ui = (struct progress_ui){ 0 };
	if (quiet)
		return;
	ui->bars = isatty(STDERR_FILENO);
	ui->p.arg = ui;
	ui->p.line = on_line;
	if (ui->bars)
		ui->p.layer = on_layer;
}

void progress_ui_done(struct progress_ui *ui)
{
	ui->n = 0;
	if (ui->drawn)
		draw(ui, NULL);
	free(ui->v);
	ui->v = NULL;
}
