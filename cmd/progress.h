/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/store.h"
#include "util/cleanup.h"

/**
 * struct progress_ui - shows a transfer on stderr
 * @p:     to be handed to image_pull() and the like
 * @bars:  stderr is a terminal: one bar per layer that moves
 * @v, @n: layers that are shown now; owned
 * @drawn: lines of the last drawing, above the cursor
 * @drawn_ns: when that was
 */
struct progress_ui {
	struct progress p;
	bool bars;
	struct progress_bar *v;
	size_t n;
	size_t drawn;
	uint64_t drawn_ns;
};

/** progress_ui_init() - @quiet: @ui->p stays silent */
void progress_ui_init(struct progress_ui *ui, bool quiet);

/** progress_ui_done() - leave the screen in order; also after a failure */
void progress_ui_done(struct progress_ui *ui);

#define auto_progress_ui cleanup(progress_ui_done)

#endif
