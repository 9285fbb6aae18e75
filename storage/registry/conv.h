/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_CONV_H
#define REGISTRY_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/auth.h"
#include "storage/registries_conf.h"
#include "storage/registry/headers.h"
#include "storage/registry/http.h"
#include "storage/registry/origin.h"
#include "storage/registry/tls.h"
#include "util/err.h"

struct blob;
struct upload;

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

/**
 * struct endpoint - one registry that may serve the repository
 * @host:     as the user or registries.conf wrote it; owned
 * @api_host: where the API is ("registry-1.docker.io"); owned
 * @repo:     owned
 * @plain_ok: plain HTTP will do where no TLS is spoken
 * @verify:   check certificates
 * @cred:     for this registry; all NULL: anonymous
 * @ready:    pinged; the rest is valid
 * @failed:   pinged in vain; @why says so
 * @origin:   of the API
 * @base:     "https://host:port"; owned
 * @auth:     the Authorization header line, or NULL; owned
 * @auth_until_ns: when it has to be renewed; 0 = never
 */
struct endpoint {
	char *host;
	char *api_host;
	char *repo;
	bool plain_ok;
	bool verify;
	bool mirror;
	enum registries_mirror_use use;
	struct auth_cred cred;
	struct tls_files tls;

	bool ready;
	bool failed;
	struct err why;
	struct origin origin;
	char *base;
	struct challenge challenge;
	char *auth;
	uint64_t auth_until_ns;
};

/** struct host_tls - certs.d of a host that is no endpoint, read on demand */
struct host_tls {
	char *name; /* owned */
	struct tls_files files;
	struct host_tls *next;
};

/**
 * struct conv - the one conversation of this process
 * @sock:    to the client; REG_PROTO_FD
 * @env:     KEY=VALUE list, borrowed
 * @host, @repo: what the client asked for; owned.  No repository (""): the
 *           conversation is with the registry itself
 * @url:     a file of a web server, in place of both; owned.  There is one
 *           endpoint then, without credentials (download.c)
 * @retry:   tries after the first
 * @eps:     mirrors first, the registry itself last
 * @current: the endpoint that served the last manifest
 * @scopes:  of the token, what is beyond the repository; owned strv
 * @delay_ns: between two tries; 0 = growing from a quarter of a second
 * @blobs:   transfers into pipes, in the order asked for; blob.c
 * @uploads: likewise the other way; upload.c
 * @outbox:  messages that the socket did not take yet; owned strv
 */
struct conv {
	struct http *http;
	int sock;
	char *const *env;
	char *host;
	char *repo;
	char *url;
	char *cert_dir;
	unsigned int retry;
	bool push;
	char **scopes;
	uint64_t delay_ns;
	uint64_t stall_ns;
	struct registries_conf *conf;
	struct endpoint *eps;
	size_t n_eps;
	size_t current;
	struct host_tls *tls;
	struct blob *blobs;
	struct upload *uploads;
	char **outbox;
};

/* ---- endpoint.c -------------------------------------------------------- */

/** struct conv_request - the "open" message; all borrowed */
struct conv_request {
	const char *host;
	const char *repo;
	const char *authfile;
	const char *creds;
	int tls_verify;
};

/** conv_find_endpoints() - fill @c->eps from registries.conf, credentials
 *  and certs.d; reads files and may run a credential helper */
int conv_find_endpoints(struct conv *c, const struct conv_request *req,
			struct err *err);

/** repo_is_valid() - it can go into a URL */
bool repo_is_valid(const char *repo);

/** endpoint_ready() - ping on first use: scheme, challenge, token */
int endpoint_ready(struct conv *c, struct endpoint *ep, struct err *err);

/** endpoint_challenged() - a 401 came: learn its challenge, authorize anew */
int endpoint_challenged(struct conv *c, struct endpoint *ep,
			char *const *www_auth, struct err *err);

/** endpoint_add_scope() - the next request needs a token for this, too */
void endpoint_add_scope(struct conv *c, struct endpoint *ep,
			const char *scope);

/** endpoint_prepare() - TLS, proxy and bounds of an exchange with @origin
 *  on behalf of @ep */
int endpoint_prepare(struct conv *c, struct endpoint *ep,
		     const struct origin *origin, struct exchange *ex,
		     struct err *err);

/** conv_plain_allowed() - may a plain HTTP URL at @to follow from @from?
 *  Nobody else leads to this machine, where services may trust whoever asks;
 *  of a download every other URL may, else a host that is called insecure */
bool conv_plain_allowed(struct conv *c, const struct origin *from,
			const struct origin *to);

/* ---- token.c ----------------------------------------------------------- */

/** endpoint_authorize() - make @ep->auth out of challenge and credentials */
int endpoint_authorize(struct conv *c, struct endpoint *ep, struct err *err);

/* ---- conv.c ------------------------------------------------------------ */

/** conv_turn() - let everything that runs move on, for at most @wait_ms; also
 *  ends when the client sends something and @listen is set */
int conv_turn(struct conv *c, bool listen, int wait_ms, struct err *err);

/** conv_run() - start @ex and wait for its end; 0 or its failure */
int conv_run(struct conv *c, struct exchange *ex, struct err *err);

/** conv_sleep() - wait while blobs go on */
int conv_sleep(struct conv *c, uint64_t until_ns, struct err *err);

/** struct retry - how often and since when; start with { 0 } */
struct retry {
	unsigned int tries;
	uint64_t start_ns;
};

/**
 * conv_retry() - is the failure of @ex worth another try?
 * @ret_at_ns: when
 */
bool conv_retry(const struct conv *c, struct retry *retry,
		const struct exchange *ex, uint64_t *ret_at_ns);

/** response_error() - what a status other than success means
 *  @name: "host/repo:tag", for the message */
int response_error(const struct exchange *ex, const char *name,
		   struct err *err);

#endif
