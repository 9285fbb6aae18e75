/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"
#include "util/sb.h"

/*
 * bryo-registry: the process that speaks HTTP(S) and holds credentials.  It
 * can write nothing but the descriptors it is handed.  This is the client
 * side (storage/registry_client.c): a socketpair (SOCK_SEQPACKET) of JSON
 * messages, descriptors by SCM_RIGHTS.  The program is
 * storage/registry/main.c.
 *
 * What comes back from a registry is unverified: the caller compares digests
 * of the bytes before it parses or keeps them.
 *
 * Failures of all calls, by errno:
 *   ENOENT/ERR_NOT_FOUND  the registry has no such repository, tag or blob
 *   EPERM                 our own rules about where credentials go
 *   EACCES                credentials are missing or were refused.  Whoever
 *                         tries several registries for a short name stops
 *                         here and does not ask the next one.
 *   ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH, EPROTO  the way to the registry
 *   EFBIG/ERR_LIMIT       an answer over its limit
 * Every message names the registry, and the repository where one is meant.
 */

/** Largest manifest that is accepted. */
#define REGISTRY_MANIFEST_MAX (4u << 20)

/**
 * struct registry_conf - one conversation, with one repository
 * @host:       "localhost:5000", "docker.io" (mapped to its API host inside)
 * @repo:       "library/nginx"; "" for registry_check() and registry_search()
 * @url:        in place of a repository: what registry_download() fetches;
 *              @host is for messages then, no credentials are looked for
 * @authfile:   file with credentials, NULL: the usual places
 * @creds:      "user:password" in place of any file, or NULL
 * @cert_dir:   directory with *.crt, *.cert, *.key, NULL: certs.d
 * @tls_verify: -1 default, 0 off for @host alone, 1 on in any case
 * @retry:      tries after the first one, -1 default (2)
 * @delay_ms:   between two tries; 0: growing from a quarter of a second
 * @push:       ask for push scope too; mirrors are left out
 * @stall_s:    give up when less than 1 KiB/s came for so many seconds; 0
 *              default (30; 20 for the short exchanges before a body)
 */
struct registry_conf {
	const char *host;
	const char *repo;
	const char *url;
	const char *authfile;
	const char *creds;
	const char *cert_dir;
	int tls_verify;
	int retry;
	int64_t delay_ms;
	bool push;
	unsigned int stall_s;
};

struct registry;
struct json_object;

/**
 * registry_prepare() - have the helper loaded before it is needed
 *
 * For who will surely call registry_open(), which takes it over.  Says nothing
 * of failures: that call meets them again.
 */
void registry_prepare(void);

/** registry_forgo() - end it, if nobody took it over */
void registry_forgo(void);

/**
 * registry_open() - start the helper and let it read what it needs
 *
 * Reads registries.conf (mirrors, blocked, insecure) and credentials; a
 * credential helper may run and ask the user.  No packet is sent yet.
 */
int registry_open(const struct registry_conf *conf, struct registry **ret,
		  struct err *err);

/** registry_close() - end the helper, transfers included; NULL is fine */
void registry_close(struct registry *r);

/**
 * registry_manifest() - bytes of a manifest, unverified
 * @ref:      tag or "sha256:HEX"
 * @body:     the raw bytes (at most REGISTRY_MANIFEST_MAX) are appended; the
 *            caller verifies the digest before it parses
 * @type:     media type of the Content-Type header ("" when there was none);
 *            owned by the caller
 */
int registry_manifest(struct registry *r, const char *ref, struct sb *body,
		      char **type, struct err *err);

/** registry_blob_small() - a config blob, at most @size bytes, unverified */
int registry_blob_small(struct registry *r, const char *digest, uint64_t size,
			struct sb *body, struct err *err);

/**
 * registry_blob_start() - stream a blob into @fd
 * @size:   of the whole blob, from the manifest; a body of any other length
 *          is a failure
 * @offset: resume there (Range); bytes before it are not written
 * @fd:     a pipe; copied, so the caller closes its own.  The helper closes
 *          its copy before the REG_DONE or REG_FAILED event.
 * @key:    comes back in registry_event
 *
 * Any number at once; the helper paces them.  It resumes broken transfers by
 * itself: whoever reads the pipe sees one uninterrupted stream.
 */
int registry_blob_start(struct registry *r, const char *digest, uint64_t size,
			uint64_t offset, int fd, uint32_t key, struct err *err);

enum registry_event_kind { REG_PROGRESS, REG_DONE, REG_FAILED };

struct registry_event {
	enum registry_event_kind kind;
	uint32_t key;
	uint64_t done; /* bytes so far (offset included) */
	char how[8];   /* of an upload that is done: see there */
	struct err err;
};

/** registry_fd() - poll for POLLIN, then registry_read(); borrowed */
int registry_fd(struct registry *r);

/** registry_read() - one event: 1, none waiting: 0, the helper died: -EPIPE */
int registry_read(struct registry *r, struct registry_event *ret,
		  struct err *err);

/**
 * registry_upload() - send a blob, unless the registry has it
 * @fd:   a regular file, read from its beginning whatever its offset is;
 *        copied, so the caller may close its own.  Nobody may change it: what
 *        is sent is not hashed here, the registry does that
 * @from: repository of the same registry that may have it, to be mounted
 *        from, or NULL
 * @key:  comes back in registry_event; of REG_DONE @how is "sent", "exists"
 *        or "mounted"
 */
int registry_upload(struct registry *r, const char *digest, uint64_t size,
		    const char *from, int fd, uint32_t key, struct err *err);

/** registry_has() - is that blob there?  1, 0, -errno */
int registry_has(struct registry *r, const char *digest, struct err *err);

/** registry_put() - store a manifest under @ref (tag or digest); all that it
 *  names has to be there */
int registry_put(struct registry *r, const char *ref, const char *type,
		 const void *data, size_t len, struct err *err);

/** registry_check() - does the registry accept the credentials?
 *  Return: 0, -EACCES when not */
int registry_check(struct registry *r, struct err *err);

/** registry_search() - @ret: array of { "name", "description", "stars",
 *  "official", "automated" }; owned */
int registry_search(struct registry *r, const char *term, unsigned int limit,
		    struct json_object **ret, struct err *err);

/**
 * registry_download() - what the URL of @r holds, from @fd's position on
 * @max: a longer body is ERR_LIMIT
 * @fd:  a file; what was written before a failure stays in it
 */
int registry_download(struct registry *r, uint64_t max, int fd,
		      struct err *err);

/** registry_tags() - all tags; a strv, owned */
int registry_tags(struct registry *r, char ***ret, struct err *err);

#endif
