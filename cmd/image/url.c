/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "storage/download.h"
#include "util/cleanup.h"
#include "util/safe.h"
#include "util/str.h"

bool input_is_url(const char *text)
{
	return str_starts(text, "http://") || str_starts(text, "https://");
}

int open_url(struct store *s, const char *url, bool quiet, struct err *err)
{
	autofree char *shown = safe_line(url);
	const char *host = strstr(url, "://") + strlen("://");
	int fd = -EBADF;
	int r;

	if (memchr(host, '@', strcspn(host, "/?#")))
		return err_set(err, ERR_USAGE, EINVAL,
			       "a URL with a user name is refused: no "
			       "credentials are sent for it");
	if (!quiet)
		fprintf(stderr, "Downloading from \"%s\"\n", shown);
	r = store_download(s, url, &fd, err);
	return r < 0 ? r : fd;
}
