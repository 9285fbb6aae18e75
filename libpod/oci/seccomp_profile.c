/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libpod/oci/oci.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * A profile that the user wrote, in docker's and podman's form (archMap, rules
 * with includes and excludes) or in the runtime-spec's (architectures), is
 * compiled by libseccomp, which is loaded now and only now: the default filter
 * needs none at run time.  Called by the command line, on the host.
 *
 * libseccomp drops a rule whose action is the default one, and then a wider
 * rule may win for it (moby/profiles#21).  So the filter is compiled with a
 * default that nobody uses, which is replaced in the finished program.
 */

#define MARK_ERRNO 0xf0fu	/* below MAX_ERRNO, and no errno */

/* What is used of libseccomp; the types are those of its header. */
struct lib {
	void *handle;
	__typeof__(seccomp_init) *init;
	__typeof__(seccomp_release) *release;
	__typeof__(seccomp_arch_add) *arch_add;
	__typeof__(seccomp_attr_set) *attr_set;
	__typeof__(seccomp_syscall_resolve_name) *resolve;
	__typeof__(seccomp_rule_add_array) *rule_add;
	__typeof__(seccomp_export_bpf) *export_bpf;
};

static int lib_open(struct lib *l, struct err *err)
{
	const struct {
		const char *name;
		void *slot;
	} symbols[] = {
		{ "seccomp_init", &l->init },
		{ "seccomp_release", &l->release },
		{ "seccomp_arch_add", &l->arch_add },
		{ "seccomp_attr_set", &l->attr_set },
		{ "seccomp_syscall_resolve_name", &l->resolve },
		{ "seccomp_rule_add_array", &l->rule_add },
		{ "seccomp_export_bpf", &l->export_bpf },
	};

	l->handle = dlopen("libseccomp.so.2", RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return err_set(err, ERR_FAIL, ENOENT,
			       "a custom seccomp profile needs libseccomp: %s",
			       dlerror());
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		void *p = dlsym(l->handle, symbols[i].name);

		if (!p)
			return err_set(err, ERR_FAIL, ENOSYS,
				       "libseccomp has no %s", symbols[i].name);
		memcpy(symbols[i].slot, &p, sizeof(p));
	}
	return 0;
}

struct compiler {
	struct lib lib;
	scmp_filter_ctx ctx;
	uint64_t caps;
	uint32_t def;		/* the profile's default action */
};

static void compiler_done(struct compiler *c)
{
	if (c->ctx)
		c->lib.release(c->ctx);
	if (c->lib.handle)
		dlclose(c->lib.handle);
}

/* ---- words --------------------------------------------------------------- */

static int action_parse(const char *name, int64_t code, uint32_t *ret,
			struct err *err)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	};

	if (code < 0 || code > 4095)
		return err_set(err, ERR_INVALID, ERANGE,
			       "errnoRet %lld is no errno", (long long)code);
	if (streq(name, "SCMP_ACT_ERRNO")) {
		*ret = SCMP_ACT_ERRNO((uint32_t)code);
		return 0;
	}
	if (streq(name, "SCMP_ACT_TRACE")) {
		*ret = SCMP_ACT_TRACE((uint32_t)code);
		return 0;
	}
	for (size_t i = 0; name && i < ARRAY_LEN(actions); i++) {
		if (!streq(actions[i].name, name))
			continue;
		*ret = actions[i].action;
		return 0;
	}
	return err_set(err, ERR_INVALID, EINVAL, "action '%s' is not known",
		       name ? name : "");
}

static int op_parse(const char *name, enum scmp_compare *ret)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} ops[] = {
		{ "SCMP_CMP_NE", SCMP_CMP_NE },
		{ "SCMP_CMP_LT", SCMP_CMP_LT },
		{ "SCMP_CMP_LE", SCMP_CMP_LE },
		{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
		{ "SCMP_CMP_GE", SCMP_CMP_GE },
		{ "SCMP_CMP_GT", SCMP_CMP_GT },
		{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	};

	for (size_t i = 0; name && i < ARRAY_LEN(ops); i++) {
		if (!streq(ops[i].name, name))
			continue;
		*ret = ops[i].op;
		return 0;
	}
	return -EINVAL;
}

/*
 * ---- architectures ---------------------------------------------------------
 */

/* This machine first, then what it runs besides. */
static const struct {
	const char *scmp;
	const char *go;
	uint32_t token;
} arches[] = {
#if defined(__x86_64__)
	{ "SCMP_ARCH_X86_64", "amd64", SCMP_ARCH_X86_64 },
	{ "SCMP_ARCH_X86", "x86", SCMP_ARCH_X86 },
	{ "SCMP_ARCH_X32", "x32", SCMP_ARCH_X32 },
#elif defined(__aarch64__)
	{ "SCMP_ARCH_AARCH64", "arm64", SCMP_ARCH_AARCH64 },
	{ "SCMP_ARCH_ARM", "arm", SCMP_ARCH_ARM },
#endif
};

/* Those of other machines are no business of this filter. */
static int add_arch(struct compiler *c, const char *name, struct err *err)
{
	for (size_t i = 0; name && i < ARRAY_LEN(arches); i++) {
		int r;

		if (!streq(arches[i].scmp, name))
			continue;
		r = c->lib.arch_add(c->ctx, arches[i].token);
		if (r < 0 && r != -EEXIST)
			return err_code(err, r, "add architecture %s", name);
	}
	return 0;
}

static int add_arch_list(struct compiler *c, struct json_object *list,
			 struct err *err)
{
	size_t n = list ? json_object_array_length(list) : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_arch(c, json_object_get_string(
				json_object_array_get_idx(list, i)), err);
	return r;
}

static int add_arches(struct compiler *c, struct json_object *profile,
		      struct err *err)
{
	struct json_object *map = json_arr(profile, "archMap");
	size_t n = map ? json_object_array_length(map) : 0;
	int r = add_arch_list(c, json_arr(profile, "architectures"), err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *o = json_object_array_get_idx(map, i);

		if (streq(json_str(o, "architecture"), arches[0].scmp))
			r = add_arch_list(c, json_arr(o, "subArchitectures"),
					  err);
	}
	return r;
}

/*
 * ---- includes and excludes
 * ---------------------------------------------------
 */

static bool is_native(const char *name)
{
	return streq(name, arches[0].go) || streq(name, arches[0].scmp);
}

static bool has_arch(struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (is_native(json_object_get_string(
			    json_object_array_get_idx(list, i))))
			return true;
	return false;
}

static size_t count_caps(const struct compiler *c, struct json_object *list)
{
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *name = json_object_get_string(
			json_object_array_get_idx(list, i));
		int cap = name ? oci_cap_parse(name) : -1;

		n += cap >= 0 && (c->caps & UINT64_C(1) << cap);
	}
	return n;
}

/* "4.8": is the running kernel that new? */
static bool kernel_is(const char *want)
{
	struct utsname u;
	unsigned int have[2] = { 0, 0 };
	unsigned int need[2] = { 0, 0 };

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", have, have + 1) < 1 ||
	    sscanf(want, "%u.%u", need, need + 1) < 1)
		return false;
	return have[0] > need[0] || (have[0] == need[0] && have[1] >= need[1]);
}

static bool is_excluded(const struct compiler *c, struct json_object *ex)
{
	struct json_object *archs = json_arr(ex, "arches");
	struct json_object *caps = json_arr(ex, "caps");
	const char *kernel = json_str(ex, "minKernel");

	return (archs && has_arch(archs)) || (caps && count_caps(c, caps)) ||
	       (!str_is_empty(kernel) && kernel_is(kernel));
}

static bool is_included(const struct compiler *c, struct json_object *in)
{
	struct json_object *archs = json_arr(in, "arches");
	struct json_object *caps = json_arr(in, "caps");
	const char *kernel = json_str(in, "minKernel");

	if (archs && json_object_array_length(archs) && !has_arch(archs))
		return false;
	if (caps && count_caps(c, caps) < json_object_array_length(caps))
		return false;
	return str_is_empty(kernel) || kernel_is(kernel);
}

static bool applies(const struct compiler *c, struct json_object *rule)
{
	struct json_object *in = json_obj(rule, "includes");
	struct json_object *ex = json_obj(rule, "excludes");

	return (!ex || !is_excluded(c, ex)) && (!in || is_included(c, in));
}

/*
 * ---- rules
 * ---------------------------------------------------------------------
 */

#define ARGS_MAX 6

struct args {
	struct scmp_arg_cmp v[ARGS_MAX];
	unsigned int n;
	bool repeated;	/* two comparisons of one argument */
};

static uint64_t number(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	return json_object_get_uint64(v);
}

static int args_parse(struct json_object *list, struct args *ret,
		      struct err *err)
{
	size_t n = list ? json_object_array_length(list) : 0;
	unsigned int seen = 0;

	*ret = (struct args){ .n = 0 };
	if (n > ARGS_MAX)
		return err_set(err, ERR_INVALID, E2BIG,
			       "a rule has %zu comparisons", n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		int64_t index = json_i64(o, "index", -1);
		struct scmp_arg_cmp *a = &ret->v[ret->n];

		if (index < 0 || index >= ARGS_MAX ||
		    op_parse(json_str(o, "op"), &a->op) < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "a comparison is malformed");
		a->arg = (unsigned int)index;
		a->datum_a = number(o, "value");
		a->datum_b = number(o, "valueTwo");
		ret->repeated |= seen & 1u << index;
		seen |= 1u << index;
		ret->n++;
	}
	return 0;
}

/*
 * libseccomp takes one comparison per argument; a rule with more of them is
 * split into one rule each, as every other runtime does.
 */
static int add_rule(struct compiler *c, uint32_t action, int nr,
		    const struct args *a)
{
	int r = 0;

	if (!a->repeated)
		return c->lib.rule_add(c->ctx, action, nr, a->n, a->v);
	for (unsigned int i = 0; r == 0 && i < a->n; i++)
		r = c->lib.rule_add(c->ctx, action, nr, 1, &a->v[i]);
	return r;
}

static int add_name(struct compiler *c, const char *name, uint32_t action,
		    const struct args *a, struct err *err)
{
	int nr = name ? c->lib.resolve(name) : __NR_SCMP_ERROR;
	int r;

	/* A call that this machine has not got needs no rule. */
	if (nr == __NR_SCMP_ERROR)
		return 0;
	r = add_rule(c, action, nr, a);
	if (r == -EEXIST)
		return 0;
	return r < 0 ? err_code(err, r, "rule for %s", name) : 0;
}

static int add_syscalls(struct compiler *c, struct json_object *rule,
			struct err *err)
{
	struct json_object *names = json_arr(rule, "names");
	const char *one = json_str(rule, "name");
	uint32_t action;
	struct args args;
	int r;

	if (!applies(c, rule))
		return 0;
	r = action_parse(json_str(rule, "action"),
			 json_i64(rule, "errnoRet", EPERM), &action, err);
	if (r == 0)
		r = args_parse(json_arr(rule, "args"), &args, err);
	if (r == 0 && !str_is_empty(one))
		r = add_name(c, one, action, &args, err);
	for (size_t i = 0; r == 0 && names &&
	     i < json_object_array_length(names); i++)
		r = add_name(c, json_object_get_string(
				json_object_array_get_idx(names, i)), action,
			     &args, err);
	return r;
}

/*
 * ---- the whole
 * -------------------------------------------------------------------
 */

static int export(struct compiler *c, struct oci_seccomp *ret, struct err *err)
{
	autosb struct sb text = SB_INIT;
	struct sock_filter *f;
	size_t n;
	int r;

	autoclose int fd = fd_memory("bryo-seccomp", err);
	if (fd < 0)
		return fd;
	r = c->lib.export_bpf(c->ctx, fd);
	if (r < 0)
		return err_code(err, r, "compile");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read the compiled filter");
	r = fd_read_all(fd, BPF_MAXINSNS * sizeof(*f), &text);
	if (r < 0 || !text.len || text.len % sizeof(*f))
		return err_set(err, ERR_INVALID, E2BIG,
			       "the compiled filter is too long");
	n = text.len / sizeof(*f);
	f = xmemdup(text.buf, text.len);
	for (size_t i = 0; i < n; i++)
		if (f[i].code == (BPF_RET | BPF_K) &&
		    f[i].k == SCMP_ACT_ERRNO(MARK_ERRNO))
			f[i].k = c->def;
	ret->filter = f;
	ret->n = n;
	return 0;
}

static int compile(struct compiler *c, struct json_object *profile,
		   struct oci_seccomp *ret, struct err *err)
{
	struct json_object *rules = json_arr(profile, "syscalls");
	int r;

	r = action_parse(json_str(profile, "defaultAction"),
			 json_i64(profile, "defaultErrnoRet", EPERM), &c->def,
			 err);
	if (r < 0)
		return r;
	c->ctx = c->lib.init(SCMP_ACT_ERRNO(MARK_ERRNO));
	if (!c->ctx)
		return err_set(err, ERR_FAIL, EINVAL, "libseccomp refused");
	c->lib.attr_set(c->ctx, SCMP_FLTATR_ACT_BADARCH,
			SCMP_ACT_ERRNO(ENOSYS));
	/* a binary tree; libseccomp before 2.5 has no such attribute */
	(void)c->lib.attr_set(c->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = add_arches(c, profile, err);
	for (size_t i = 0; r == 0 && rules &&
	     i < json_object_array_length(rules); i++)
		r = add_syscalls(c, json_object_array_get_idx(rules, i), err);
	return r < 0 ? r : export(c, ret, err);
}

int oci_seccomp_compile(const char *text, size_t len, uint64_t caps,
			struct oci_seccomp *ret, struct err *err)
{
	struct compiler c cleanup(compiler_done) = { .caps = caps };
	autojson struct json_object *profile = json_parse(text, len, err);
	int r;

	if (!profile)
		return -EINVAL;
	if (!json_object_is_type(profile, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL, "not a JSON object");
	r = lib_open(&c.lib, err);
	return r < 0 ? r : compile(&c, profile, ret, err);
}
