/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/platform.h"

#include <sys/utsname.h>

#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"

/* Other names of machines, and Go's name and variant for them. */
static const struct {
	const char *name;
	const char *arch;
	const char *variant;
} aliases[] = {
	{ "x86_64", "amd64", "" },     { "x86-64", "amd64", "" },
	{ "i386", "386", "" },	       { "i486", "386", "" },
	{ "i586", "386", "" },	       { "i686", "386", "" },
	{ "aarch64", "arm64", "" },    { "armv8l", "arm", "v7" },
	{ "armv7l", "arm", "v7" },     { "armv6l", "arm", "v6" },
	{ "armv5tel", "arm", "v5" },   { "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" },      { "mips64el", "mips64le", "" },
	{ "loongarch64", "loong64", "" },
};

static const char *const arches[] = {
	"amd64", "386", "arm64", "arm", "ppc64le", "ppc64", "s390x",
	"riscv64", "loong64", "mips64le", "mips64", "mips", "mipsle", "wasm",
};

static const char *const systems[] = {
	"linux", "windows", "darwin", "freebsd", "wasip1",
};

static void set(char dst[16], const char *s)
{
	size_t n = strnlen(s, 15);

	memcpy(dst, s, n);
	dst[n] = '\0';
}

static bool known(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (streq(list[i], s))
			return true;
	return false;
}

/* Go's name of a machine in *p; false when there is none. */
static bool set_arch(struct platform *p, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (!streq(aliases[i].name, name))
			continue;
		set(p->arch, aliases[i].arch);
		set(p->variant, aliases[i].variant);
		return true;
	}
	if (!known(arches, ARRAY_LEN(arches), name))
		return false;
	set(p->arch, name);
	set(p->variant, "");
	return true;
}

void platform_host(struct platform *ret)
{
	struct utsname u;

	*ret = (struct platform){ .os = "linux" };
	if (uname(&u) < 0 || !set_arch(ret, u.machine))
		set(ret->arch, "unknown");
	if (streq(ret->arch, "arm64"))
		set(ret->variant, "v8");
}

int platform_parse(const char *s, struct platform *ret, struct err *err)
{
	autostrv char **part = strv_split(s, '/');
	size_t n = strv_len(part);
	struct platform p;
	bool ok = n >= 1 && n <= 3;

	platform_host(&p);
	if (ok && n == 1) {
		if (known(systems, ARRAY_LEN(systems), part[0]))
			set(p.os, part[0]);
		else
			ok = set_arch(&p, part[0]);
	} else if (ok) {
		ok = known(systems, ARRAY_LEN(systems), part[0]) &&
		     set_arch(&p, part[1]);
		set(p.os, part[0]);
	}
	if (ok && n == 3) {
		ok = strlen(part[2]) < sizeof(p.variant) &&
		     name_is_valid(part[2]);
		set(p.variant, part[2]);
	}
	if (!ok) {
		autofree char *shown = safe_line(s);

		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid platform '%.80s': must be "
			       "os/arch[/variant]", shown);
	}
	*ret = p;
	return 0;
}

/* A machine runs its own version and those below it, the higher the better. */
static int score_arm(const char *wanted, const char *have)
{
	char max = wanted[0] == 'v' ? wanted[1] : '7';
	char v = have[0] == 'v' ? have[1] : '6';

	if (v > max || v < '5' || (have[0] && strlen(have) != 2))
		return 0;
	return 10 + (v - '5');
}

/* "" and v8 are one thing: what every machine runs */
static int score_arm64(const char *wanted, const char *have)
{
	bool base = !*have || streq(have, "v8");
	bool want_base = !*wanted || streq(wanted, "v8");

	if (base)
		return want_base ? 12 : 10;
	return streq(have, wanted) ? 12 : 0;
}

/* Exactly the one, or what every machine runs */
static int score_other(const char *wanted, const char *have)
{
	if (streq(have, wanted))
		return 12;
	return !*have || streq(have, "v1") ? 10 : 0;
}

static int variant_score(const struct platform *want, const char *have)
{
	if (streq(want->arch, "arm"))
		return score_arm(want->variant, have);
	if (streq(want->arch, "arm64"))
		return score_arm64(want->variant, have);
	return score_other(want->variant, have);
}

int platform_score(const struct platform *want, const char *os,
		   const char *arch, const char *variant)
{
	if (!streq(want->os, os) || !streq(want->arch, arch))
		return 0;
	return variant_score(want, variant ? variant : "");
}

char *platform_text(const struct platform *p)
{
	return xasprintf("%s/%s%s%s", p->os, p->arch, *p->variant ? "/" : "",
			 p->variant);
}
