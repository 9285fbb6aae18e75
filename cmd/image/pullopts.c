/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/pullopts.h"

#include <fcntl.h>
#include <unistd.h>

#include "storage/image/platform.h"
#include "storage/push.h"
#include "storage/registry/registry.h"
#include "storage/transport.h"
#include "util/fd.h"
#include "util/str.h"

void registry_before(const char *name)
{
	auto_transport struct transport t = { .name = NULL };

	transport_parse(name, &t);
	if (t.kind == TRANSPORT_REGISTRY)
		registry_prepare();
}

int authfile_check(const char *path, struct err *err)
{
	if (!path || access(path, R_OK) == 0)
		return 0;
	return err_sys(err, "credential file is not accessible: faccessat %s",
		       path);
}

/* This machine's, but for what is given. */
static char *like_host(const char *arch, const char *os, const char *variant)
{
	struct platform host;

	platform_host(&host);
	return xasprintf("%s/%s%s%s", os ? os : host.os,
			 arch ? arch : host.arch, variant ? "/" : "",
			 variant ? variant : "");
}

int platform_option(const char *platform, const char *arch, const char *os,
		    const char *variant, char **ret, struct err *err)
{
	autofree char *text = NULL;
	struct platform p;
	int r;

	if (platform && (arch || os))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--platform option can not be specified with "
			       "--arch or --os");
	if (!platform && !arch && !os && !variant)
		return 0;
	text = platform ? xstrdup(platform) : like_host(arch, os, variant);
	r = platform_parse(text, &p, err);
	if (r == 0)
		*ret = platform_text(&p);
	return r;
}

int retry_delay_option(const char *text, int64_t *ret, struct err *err)
{
	int64_t ns;

	if (!text)
		return 0;
	if (parse_duration(text, &ns) < 0 || ns < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--retry-delay \"%s\": must be a time such as "
			       "500ms or 2s", text);
	*ret = ns / 1000000;
	return 0;
}

int compression_option(const char *codec, int level, int force,
		       struct push_opts *ret, struct err *err)
{
	if (level < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "invalid compression level %d", level);
	if (streq(codec, "zstd:chunked"))
		return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			       "--compression-format %s is not supported yet",
			       codec);
	/* A level alone means gzip, which is the default */
	if (!codec && (level || force == 1))
		codec = "gzip";
	ret->compression = codec;
	ret->level = (unsigned int)level;
	ret->force = force < 0 ? codec != NULL : force;
	return 0;
}

int digestfile_write(const char *path, const char *digest, struct err *err)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
				O_NOCTTY, 0644);
	int r;

	if (fd < 0)
		return err_sys(err, "open %s", path);
	r = fd_write_full(fd, digest, strlen(digest));
	return r < 0 ? err_code(err, r, "write %s", path) : 0;
}
