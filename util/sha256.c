/* SPDX-License-Identifier: Apache-2.0 */
#include "util/sha256.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/str.h"

/* The part of libcrypto's EVP interface that is used; stable since 1.1. */
struct crypto {
	void *lib;
	void *(*ctx_new)(void);
	void (*ctx_free)(void *ctx);
	const void *(*sha256)(void);
	int (*init)(void *ctx, const void *md, void *engine);
	int (*update)(void *ctx, const void *data, size_t len);
	int (*final)(void *ctx, unsigned char *md, unsigned int *len);
};

static struct crypto crypto;

struct sha256 {
	void *ctx;
};

/* ISO C has no cast from void * to a function pointer. */
static bool symbol(const char *name, void *slot)
{
	void *p = dlsym(crypto.lib, name);

	memcpy(slot, &p, sizeof(p));
	return p != NULL;
}

int sha256_load(struct err *err)
{
	if (crypto.lib)
		return 0;
	crypto.lib = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
	if (!crypto.lib)
		crypto.lib = dlopen("libcrypto.so.1.1", RTLD_NOW | RTLD_LOCAL);
	if (!crypto.lib)
		return err_set(err, ERR_FAIL, ENOENT,
			       "libcrypto is missing: install openssl");
	if (!symbol("EVP_MD_CTX_new", &crypto.ctx_new) ||
	    !symbol("EVP_MD_CTX_free", &crypto.ctx_free) ||
	    !symbol("EVP_sha256", &crypto.sha256) ||
	    !symbol("EVP_DigestInit_ex", &crypto.init) ||
	    !symbol("EVP_DigestUpdate", &crypto.update) ||
	    !symbol("EVP_DigestFinal_ex", &crypto.final)) {
		dlclose(crypto.lib);
		crypto.lib = NULL;
		return err_set(err, ERR_FAIL, ENOENT,
			       "libcrypto has no EVP interface");
	}
	return 0;
}

int sha256_new(struct sha256 **ret, struct err *err)
{
	struct sha256 *h;
	int r = sha256_load(err);

	if (r < 0)
		return r;
	h = xcalloc(1, sizeof(*h));
	h->ctx = crypto.ctx_new();
	if (!h->ctx || crypto.init(h->ctx, crypto.sha256(), NULL) != 1) {
		sha256_free(h);
		return err_set(err, ERR_FAIL, EIO, "libcrypto has no SHA-256");
	}
	*ret = h;
	return 0;
}

void sha256_add(struct sha256 *h, const void *data, size_t len)
{
	crypto.update(h->ctx, data, len);
}

void sha256_hex(struct sha256 *h, char ret[SHA256_HEX])
{
	unsigned char md[32] = { 0 };

	crypto.final(h->ctx, md, NULL);
	for (size_t i = 0; i < sizeof(md); i++)
		snprintf(ret + 2 * i, 3, "%02x", md[i]);
}

void sha256_free(struct sha256 *h)
{
	if (!h)
		return;
	if (h->ctx)
		crypto.ctx_free(h->ctx);
	free(h);
}

int sha256_data(const void *data, size_t len, char ret[SHA256_HEX],
		struct err *err)
{
	auto_sha256 struct sha256 *h = NULL;
	int r = sha256_new(&h, err);

	if (r < 0)
		return r;
	sha256_add(h, data, len);
	sha256_hex(h, ret);
	return 0;
}
