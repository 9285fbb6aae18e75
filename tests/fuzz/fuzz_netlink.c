/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of rtnetlink: the first four bytes are the number we wait for. */
#include <stdlib.h>
#include <string.h>

#include "network/netlink.h"
#include "util/cleanup.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[NL_TEXT_MAX];
	uint32_t seq;
	int r;

	if (size < sizeof(seq))
		return 0;
	memcpy(&seq, data, sizeof(seq));
	/* exact size and odd address: bad reads are seen */
	autofree char *reply = xmalloc(size - sizeof(seq) + 1);

	data += sizeof(seq);
	size -= sizeof(seq);
	memcpy(reply + 1, data, size);

	memset(text, 'x', sizeof(text));
	r = nl_reply_parse(reply + 1, size, seq, text);
	if (r > 1 || r < -4095 || !memchr(text, '\0', sizeof(text)) ||
	    (r >= 0 && text[0]))
		abort();
	return 0;
}
