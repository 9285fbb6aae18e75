/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/tarhdr.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "util/compiler.h"
#include "util/str.h"

/*
 * POSIX ustar headers, with a pax header before them where a value does not
 * fit its field.  The output depends on the member only (no time of writing,
 * no process id), so that equal trees give equal layers.
 */
struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char sum[8];
	char type;
	char link[100];
	char magic[8];		/* "ustar\0" "00" */
	char uname[32];
	char gname[32];
	char dev_major[8];
	char dev_minor[8];
	char prefix[155];
	char pad[12];
};

_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

#define OCTAL7_MAX UINT64_C(07777777)
#define OCTAL11_MAX UINT64_C(077777777777)

static void put_octal(char *field, size_t size, uint64_t v)
{
	for (size_t i = size - 1; i-- > 0; v >>= 3)
		field[i] = (char)('0' + (v & 7));
	field[size - 1] = '\0';
}

/* A field need not be terminated when it is full. */
static void put_text(char *field, size_t size, const char *s)
{
	memcpy(field, s, MIN(strlen(s), size));
}

static void put_sum(struct ustar *h)
{
	const unsigned char *p = (const unsigned char *)h;
	unsigned int sum = 0;

	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += p[i];
	put_octal(h->sum, 7, sum);
}

/* Fits the mtime field of ustar? */
static bool plain_time(const struct timespec *t)
{
	return t->tv_nsec == 0 && t->tv_sec >= 0 &&
	       (uint64_t)t->tv_sec <= OCTAL11_MAX;
}

static void add_ustar(struct sb *out, const struct tar_member *m, char type,
		      const char *name, uint64_t size)
{
	struct ustar h = { .type = type };

	put_text(h.name, sizeof(h.name), name);
	put_text(h.link, sizeof(h.link), m->link);
	memcpy(h.magic, "ustar\0" "00", sizeof(h.magic));
	put_octal(h.mode, sizeof(h.mode), m->mode & 07777);
	put_octal(h.uid, sizeof(h.uid), m->uid <= OCTAL7_MAX ? m->uid : 0);
	put_octal(h.gid, sizeof(h.gid), m->gid <= OCTAL7_MAX ? m->gid : 0);
	put_octal(h.size, sizeof(h.size), size <= OCTAL11_MAX ? size : 0);
	put_octal(h.mtime, sizeof(h.mtime),
		  m->mtime.tv_sec >= 0 &&
				  (uint64_t)m->mtime.tv_sec <= OCTAL11_MAX ?
			  (uint64_t)m->mtime.tv_sec : 0);
	put_octal(h.dev_major, sizeof(h.dev_major), m->dev_major & OCTAL7_MAX);
	put_octal(h.dev_minor, sizeof(h.dev_minor), m->dev_minor & OCTAL7_MAX);
	put_sum(&h);
	sb_addn(out, &h, sizeof(h));
}

static size_t count_digits(size_t n)
{
	size_t digits = 1;

	while (n >= 10) {
		n /= 10;
		digits++;
	}
	return digits;
}

void tar_pax_record(struct sb *out, const char *key, const void *value,
		    size_t len)
{
	/* " KEY=VALUE\n"; the length in front counts its own digits */
	size_t rest = strlen(key) + len + 3;
	size_t total = rest + count_digits(rest);

	if (count_digits(total) != count_digits(rest))
		total++;
	sb_addf(out, "%zu %s=", total, key);
	sb_addn(out, value, len);
	sb_addch(out, '\n');
}

static void pax_number(struct sb *out, const char *key, uint64_t v)
{
	autofree char *text = xasprintf("%" PRIu64, v);

	tar_pax_record(out, key, text, strlen(text));
}

static void pax_time(struct sb *out, const struct timespec *t)
{
	autosb struct sb text = SB_INIT;
	int64_t sec = t->tv_sec;
	long ns = t->tv_nsec;

	/* -1.25 is kept as sec -2, ns 750000000 */
	if (sec < 0 && ns) {
		sec++;
		ns = 1000000000 - ns;
		if (sec == 0)
			sb_addch(&text, '-');
	}
	sb_addf(&text, "%" PRId64, sec);
	if (ns) {
		sb_addf(&text, ".%09ld", ns);
		while (text.buf[text.len - 1] == '0')
			sb_trunc(&text, text.len - 1);
	}
	tar_pax_record(out, "mtime", text.buf, text.len);
}

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

static void pax_text(struct sb *out, const char *key, const char *s)
{
	tar_pax_record(out, key, s, strlen(s));
}

static void add_pax(struct sb *out, const struct tar_member *m)
{
	bool long_name = strlen(m->name) > sizeof(((struct ustar *)0)->name);
	bool long_link = strlen(m->link) > sizeof(((struct ustar *)0)->link);

	/* names are bytes here; pax takes them as UTF-8 unless told */
	if ((long_name && !is_ascii(m->name)) ||
	    (long_link && !is_ascii(m->link)))
		pax_text(out, "hdrcharset", "BINARY");
	if (long_name)
		pax_text(out, "path", m->name);
	if (long_link)
		pax_text(out, "linkpath", m->link);
	if (m->size > OCTAL11_MAX)
		pax_number(out, "size", m->size);
	if (m->uid > OCTAL7_MAX)
		pax_number(out, "uid", m->uid);
	if (m->gid > OCTAL7_MAX)
		pax_number(out, "gid", m->gid);
	if (!plain_time(&m->mtime))
		pax_time(out, &m->mtime);
	sb_addn(out, m->pax, m->pax_len);
}

size_t tar_padding(uint64_t size)
{
	return (size_t)(-size % TAR_BLOCK);
}

void tar_header(struct sb *out, const struct tar_member *m)
{
	static const char zeros[TAR_BLOCK];
	const struct tar_member pax_member = { .link = "", .mode = 0644 };
	autosb struct sb pax = SB_INIT;

	add_pax(&pax, m);
	if (pax.len) {
		add_ustar(out, &pax_member, 'x', "pax_header", pax.len);
		sb_addn(out, pax.buf, pax.len);
		sb_addn(out, zeros, tar_padding(pax.len));
	}
	add_ustar(out, m, m->type, m->name, m->size);
}
