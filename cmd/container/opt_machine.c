/* SPDX-License-Identifier: Apache-2.0 */
/* What the container is as a machine: its names, its pid 1, its systemd */
#include "cmd/container/create_opts.h"

#include <stdio.h>
#include <sys/personality.h>

#include "util/str.h"

#define A struct create_args

const struct opt create_opts_machine[] = {
	OPT_STR(0, "domainname", A, domainname, "string",
		"Set the container's NIS domain name"),
	OPT_STR('h', "hostname", A, hostname, "string",
		"Set container hostname"),
	OPT_TRI(0, "init", A, init,
		"Run an init that forwards signals and reaps processes"),
	OPT_STR(0, "init-path", A, init_path, "string",
		"Program of the host to run as that init"),
	{ 0, "kernel-memory", NULL, OPT_T_STR,
	  OPT_CHECK_(A, kernel_memory, char *), OPT_NO_GIVEN, "string", NULL,
	  "No longer in the kernel, has no effect", OPT_HIDDEN },
	OPT_BOOL(0, "no-hostname", A, no_hostname,
		 "Do not create /etc/hostname, use the image's"),
	OPT_STR(0, "personality", A, personality, "string",
		"Execution domain: LINUX or LINUX32"),
	OPT_SIZE(0, "shm-size-systemd", A, shm_size_systemd, "string",
		 "Size of the tmpfs that --systemd mounts"),
	OPT_STR(0, "isolation", A, isolation, "string",
		"Isolation technology: default, the only one on Linux"),
	OPT_STR(0, "systemd", A, systemd, "string",
		"Prepare the container for systemd: true, false or always"),
	OPT_END,
};

#undef A

static int set_name(char **dst, const char *what, const char *name,
		    struct err *err)
{
	if (!name)
		return 0;
	if (strlen(name) > 64 || strpbrk(name, " \t\n#"))
		return err_set(err, ERR_INVALID, EINVAL, "invalid %s \"%s\"",
			       what, name);
	str_set(dst, name);
	return 0;
}

static int set_personality(const char *text, struct ctr_config *c,
			   struct err *err)
{
	if (!text)
		return 0;
	if (strcasecmp(text, "linux32") == 0)
		c->personality = PER_LINUX32;
	else if (strcasecmp(text, "linux") != 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "unknown personality \"%s\": want LINUX or "
			       "LINUX32", text);
	return 0;
}

static int set_systemd(const char *text, struct ctr_config *c,
		       struct err *err)
{
	bool on = true;

	if (streq(text, "always"))
		c->systemd = SYSTEMD_ALWAYS;
	else if (text && parse_bool(text, &on) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid value \"%s\" for --systemd: want true, "
			       "false or always", text);
	else
		c->systemd = on ? SYSTEMD_DETECT : SYSTEMD_OFF;
	return 0;
}

/* docker's word for what is Windows' choice: here it is the default or none */
static int check_isolation(const char *text, struct err *err)
{
	if (str_is_empty(text) || streq(text, "default"))
		return 0;
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "--isolation %s is not supported yet: Linux has the "
		       "default one", text);
}

int machine_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err)
{
	int r;

	if (a->kernel_memory)
		fprintf(stderr, "The --kernel-memory flag is no longer "
				"supported. This flag is a noop.\n");
	r = set_name(&c->hostname, "hostname", a->hostname, err);
	if (r == 0)
		r = set_name(&c->domainname, "domain name", a->domainname,
			     err);
	if (r == 0)
		r = set_personality(a->personality, c, err);
	if (r == 0)
		r = check_isolation(a->isolation, err);
	if (r == 0)
		r = set_systemd(a->systemd, c, err);
	if (r < 0)
		return r;
	if (streq(c->uts, "host") && (c->hostname || c->domainname))
		return err_set(err, ERR_INVALID, EINVAL,
			       "cannot set hostname when running in the host "
			       "UTS namespace: invalid configuration");
	if (a->init_path && a->init_path[0] != '/')
		return err_set(err, ERR_INVALID, EINVAL,
			       "--init-path %s is not an absolute path",
			       a->init_path);
	str_set(&c->init_path, a->init_path);
	c->no_hostname = a->no_hostname;
	c->init = a->init;
	c->systemd_tmpfs = a->shm_size_systemd;
	return 0;
}
