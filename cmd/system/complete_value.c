/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The values of options, for shell completion.  An option is known by its
 * name, and where commands disagree (--filter, --format) by the command too:
 * the first row that fits counts.  A row has words, separated by blanks, or a
 * function, or both.  Options without a row are free text or files, which are
 * the shell's to complete.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/system/complete.h"
#include "libpod/oci/oci.h"
#include "util/str.h"
#include "util/strv.h"

#define SIGNAL_MAX 64

static void offer_words(const struct complete *c, const char *words,
			const char *help)
{
	autostrv char **v = strv_split(words, ' ');

	for (char **w = v; w && *w; w++)
		complete_offer(c, *w, help);
}

/* "container:NAME": shares a namespace */
static void offer_shared(const struct complete *c)
{
	const char *name = str_after(c->typed, "container:");
	autofree char *prefix = xasprintf("%scontainer:", c->prefix);
	struct complete inner = { c->rt, name, prefix };

	if (name)
		complete_containers(&inner, NULL);
	else
		complete_offer(c, "container:", "that of a container");
}

static void offer_all_containers(const struct complete *c)
{
	complete_containers(c, NULL);
}

static void offer_caps(const struct complete *c)
{
	complete_offer(c, "ALL", "capability");
	for (int cap = 0; oci_cap_name(cap); cap++) {
		complete_offer(c, oci_cap_name(cap), "capability");
		complete_offer(c, oci_cap_name(cap) + strlen("CAP_"),
			       "capability");
	}
}

static void offer_signals(const struct complete *c)
{
	for (int sig = 1; sig <= SIGNAL_MAX; sig++) {
		const char *name = signal_name(sig);

		if (!name)
			continue;
		complete_offer(c, name, "signal");
		complete_offer(c, name + strlen("SIG"), "signal");
	}
}

static const struct values {
	const char *cmd;	/* path; NULL: any */
	const char *opt;	/* long name */
	const char *words;
	void (*fn)(const struct complete *c);
} values[] = {
	{ "ps", "filter",
	  "ancestor= before= command= exited= expose= "
	  "health=starting health=healthy health=unhealthy health=none id= "
	  "is-task= label= name= network= publish= restart-policy= "
	  "should-start-on-boot= since= status=created status=exited "
	  "status=paused status=removing status=restarting status=running "
	  "until= volume=", NULL },
	{ "ps", "sort",
	  "command created id image names runningfor size status", NULL },
	{ "images", "filter",
	  "before= containers= dangling=true dangling=false id= intermediate= "
	  "label= readonly= reference= since= until=", NULL },
	{ "images", "sort", "created id repository size tag", NULL },
	{ "volume ls", "filter",
	  "anonymous= dangling=true dangling=false driver=local label= name= "
	  "opt= scope=local since= until=", NULL },
	{ "secret ls", "filter", "id= label= name=", NULL },
	{ "events", "filter",
	  "container= event= id= image= label= name= scope=local "
	  "type=container type=image type=secret type=system type=volume "
	  "volume=", NULL },
	{ "search", "filter",
	  "is-automated=true is-official=true stars=", NULL },
	{ "save", "format",
	  "docker-archive oci-archive oci-dir docker-dir", NULL },
	{ "commit", "format", "docker oci", NULL },
	{ "push", "format", "oci v2s2", NULL },
	{ "inspect", "type", "all container image volume", NULL },
	{ NULL, "attach", "stdin stdout stderr", NULL },
	{ NULL, "cap-add", NULL, offer_caps },
	{ NULL, "cap-drop", NULL, offer_caps },
	{ NULL, "cgroup-manager", "cgroupfs systemd", NULL },
	{ NULL, "cgroupns", "host private", offer_shared },
	{ NULL, "cgroups", "disabled enabled no-conmon split", NULL },
	{ NULL, "driver", "local", NULL },
	{ NULL, "format", "json table", NULL },
	{ NULL, "health-on-failure", "kill none restart stop", NULL },
	{ NULL, "image-volume", "anonymous ignore tmpfs", NULL },
	{ NULL, "ipc", "host none private shareable", offer_shared },
	{ NULL, "isolation", "default", NULL },
	{ NULL, "log-driver",
	  "journald json-file k8s-file none passthrough", NULL },
	{ NULL, "log-level", "debug error fatal info panic trace warn", NULL },
	{ NULL, "log-opt",
	  "env= label= labels= max-file= max-size= path= tag=", NULL },
	{ NULL, "mount",
	  "type=bind, type=devpts, type=glob, type=image, type=ramfs, "
	  "type=tmpfs, type=volume,", NULL },
	{ NULL, "network", "host none slirp4netns", offer_shared },
	{ NULL, "pid", "host private", offer_shared },
	{ NULL, "platform", "linux/amd64 linux/arm linux/arm64 linux/riscv64",
	  NULL },
	{ NULL, "pull", "always missing never newer", NULL },
	{ NULL, "restart", "always no on-failure on-failure: unless-stopped",
	  NULL },
	{ NULL, "sdnotify", "conmon container healthy ignore", NULL },
	{ NULL, "secret", NULL, complete_secrets },
	{ NULL, "security-opt",
	  "apparmor=unconfined label=disable mask= no-new-privileges "
	  "proc-opts= seccomp=unconfined systempaths=unconfined unmask=",
	  NULL },
	{ NULL, "signal", NULL, offer_signals },
	{ NULL, "stop-signal", NULL, offer_signals },
	{ NULL, "storage-driver", "fuse-overlayfs overlay vfs", NULL },
	{ NULL, "systemd", "always false true", NULL },
	{ NULL, "ulimit",
	  "core= cpu= data= fsize= locks= memlock= msgqueue= nice= nofile= "
	  "nproc= rss= rtprio= rttime= sigpending= stack=", NULL },
	{ NULL, "userns", "auto host keep-id nomap", offer_shared },
	{ NULL, "uts", "host private", offer_shared },
	{ NULL, "volume", NULL, complete_volumes },
	{ NULL, "volume-driver", "local", NULL },
	{ NULL, "volumes-from", NULL, offer_all_containers },
};

void complete_value(const struct complete *c, const struct cmd *cmd,
		    const struct opt *o)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct values *v = &values[i];

		if (!streq(v->opt, o->name) ||
		    (v->cmd && !(cmd && streq(v->cmd, cmd->path))))
			continue;
		if (v->words)
			offer_words(c, v->words, o->help);
		if (v->fn)
			v->fn(c);
		return;
	}
}
