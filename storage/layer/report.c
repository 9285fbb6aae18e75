/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/report.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>

#include "storage/layer/sandbox.h"
#include "util/sb.h"

/* A path has at most 4096 bytes; the client takes messages of 64 KiB. */
enum { SEND_AT = 32 * 1024 };

static int send_text(const struct sb *text, int flags)
{
	ssize_t n;

	do {
		n = send(LAYER_FD_SOCK, text->buf, text->len,
			 flags | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void report_progress(uint64_t done)
{
	autosb struct sb text = SB_INIT;

	sb_addf(&text, "done=%" PRIu64 "\n", done);
	(void)send_text(&text, MSG_DONTWAIT);
}

void report_error(const struct layer_result *res, const struct err *e)
{
	autosb struct sb text = SB_INIT;

	if (res)
		sb_addf(&text, "chained=%d\n", res->chained);
	sb_addf(&text, "error=%d %d %s\n", (int)e->kind, e->code, e->msg);
	(void)send_text(&text, 0);
}

int report_result(const struct layer_result *res, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	if (res->digest[0])
		sb_addf(&text, "digest=%s\n", res->digest);
	if (res->diff_id[0])
		sb_addf(&text, "diff_id=%s\n", res->diff_id);
	sb_addf(&text,
		"size=%" PRIu64 "\n"
		"diff_size=%" PRIu64 "\n"
		"bytes=%" PRIu64 "\n"
		"entries=%" PRIu64 "\n"
		"skipped=%" PRIu64 "\n"
		"setid=%d\n"
		"end=1\n",
		res->size, res->diff_size, res->bytes,
		res->entries, res->skipped, res->setid);
	r = send_text(&text, 0);
	return r < 0 ? err_code(err, r, "send the result") : 0;
}

static void add_implied(const char *path, void *arg)
{
	struct sb *text = arg;

	/* the protocol has lines; such a name keeps its 0755 */
	if (strchr(path, '\n'))
		return;
	sb_addf(text, "implied=%s\n", path);
	if (text->len < SEND_AT)
		return;
	(void)send_text(text, 0);
	sb_trunc(text, 0);
}

int report_implied(struct tree *t, struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	tree_each_implied(t, add_implied, &text);
	r = text.len ? send_text(&text, 0) : 0;
	return r < 0 ? err_code(err, r, "send the result") : 0;
}
