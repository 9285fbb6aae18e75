/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the engine gives to a container.
 *
 * Theory of operation.  /etc/hosts, /etc/resolv.conf, /etc/hostname and
 * /run/.containerenv are written anew into the container's directory at each
 * start (plan_files()) and bound over those of the image (plan_add_files()).
 * A file that is not there is not bound.  Who joins another container's
 * network gets that one's resolv.conf itself and a copy of its hosts, with a
 * line for the own name behind it.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/plan.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define HOSTS_MAX (1024 * 1024)

/* ---- what they say ----------------------------------------------------- */

static int write_file(int dir, const char *name, const char *text, size_t len,
		      struct err *err)
{
	autoclose int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC |
						     O_NOFOLLOW | O_CLOEXEC,
				  0644);

	if (fd < 0 || fchmod(fd, 0644) < 0 || fd_write_full(fd, text, len) < 0)
		return err_sys(err, "write %s", name);
	return 0;
}

/* With --network container:X it is X that has the files of the network. */
static int find_net_dir(struct plan *p, struct err *err)
{
	const char *id = str_after(p->c->config.network ?
					   p->c->config.network : "",
				   "container:");
	int fd;

	p->net_dir = p->dir;
	if (!id)
		return 0;
	fd = dir_open_at(p->rt->ctrs_fd, id);
	if (fd < 0)
		return err_code(err, fd, "open the directory of container %s",
				id);
	p->net_dir = plan_fd(p, fd);
	return 0;
}

/*
 * --network container:X: what X knows, as it is now, and a line for our own
 * name.  False: X has no such file (--no-hosts), or made it unreadable.
 */
static bool joined_hosts(const struct plan *p, struct sb *text)
{
	autoclose int fd = openat(p->net_dir, "hosts",
				  O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fd_read_all(fd, HOSTS_MAX, text) < 0)
		return false;
	if (text->len && text->buf[text->len - 1] != '\n')
		sb_addch(text, '\n');
	sb_add(text, "127.0.0.1\t");
	if (p->spec.hostname && !streq(p->spec.hostname, p->c->name))
		sb_addf(text, "%s ", p->spec.hostname);
	sb_addf(text, "%s\n", p->c->name);
	return true;
}

static int write_hosts(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	bool host = p->spec.ns[OCI_NS_NET].mode == OCI_NS_HOST;
	const struct net_hosts want = {
		.host_net = host,
		.base_file = c->hosts_file,
		.host_ip = c->host_ip,
		.add = c->add_host,
		.ip = p->slirp ? NET_SLIRP_ADDR : host ? NULL : "127.0.0.1",
		.hostname = p->spec.hostname,
		.name = p->c->name,
	};
	autosb struct sb text = SB_INIT;

	if (p->net_dir == p->dir || !joined_hosts(p, &text)) {
		sb_trunc(&text, 0);
		net_hosts(&want, &text);
	}
	return write_file(p->dir, "hosts", text.buf, text.len, err);
}

/* --dns=none: the image's file stays; ours is for those who join the network */
static bool dns_is_none(const struct ctr_config *c)
{
	return strv_contains(c->dns, "none");
}

static int write_resolv(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	autosb struct sb text = SB_INIT;

	net_resolv_conf(p->slirp, dns_is_none(c) ? NULL : c->dns,
			c->dns_search, c->dns_option, &text);
	return write_file(p->dir, "resolv.conf", text.buf, text.len, err);
}

/* Empty, as a mark that this is a container; with --privileged it says more,
 * in shell syntax. */
static int write_containerenv(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	bool rootless = !p->rt->ids.is_root || p->rt->ids.in_userns;
	autosb struct sb text = SB_INIT;

	if (c->privileged)
		sb_addf(&text,
			"engine=\"bryo-" BRYO_VERSION "\"\nname=\"%s\"\n"
			"id=\"%s\"\nimage=\"%s\"\nimageid=\"%s\"\n"
			"rootless=%d\n", p->c->name, p->c->id,
			c->image_name ? c->image_name : "",
			c->image_id ? c->image_id : "", rootless);
	return write_file(p->dir, "containerenv", text.buf, text.len, err);
}

static void plan_hostname(struct plan *p)
{
	p->spec.domainname = p->c->config.domainname;
	if (p->spec.ns[OCI_NS_UTS].mode == OCI_NS_NEW)
		p->spec.hostname = plan_text(p, ctr_hostname(p->c));
}

static int write_hostname(struct plan *p, struct err *err)
{
	char host[256] = "";
	const char *name = p->spec.hostname;

	if (!name) {
		(void)gethostname(host, sizeof(host) - 1);
		name = host;
	}
	autofree char *line = xasprintf("%s\n", name);

	return write_file(p->dir, "hostname", line, strlen(line), err);
}

static const char *const file_names[] = { "hosts", "resolv.conf", "hostname",
					  "containerenv" };

/* With own id maps our uid is not root inside: give the files to who is. */
static int chown_files(void *arg, struct err *err)
{
	struct plan *p = arg;
	uint32_t uid;
	uint32_t gid;

	if (!idmap_to_outside(&p->spec.uid_map, 0, &uid) ||
	    !idmap_to_outside(&p->spec.gid_map, 0, &gid))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(file_names); i++)
		if (fchownat(p->dir, file_names[i], uid, gid,
			     AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_sys(err, "chown %s", file_names[i]);
	return 0;
}

bool plan_own_root(const struct plan *p)
{
	uint32_t uid = 0;
	uint32_t gid = 0;

	(void)idmap_to_outside(&p->spec.uid_map, 0, &uid);
	(void)idmap_to_outside(&p->spec.gid_map, 0, &gid);
	return uid != 0 || gid != 0;
}

/* The next start could not write a file that belongs to a subuid. */
static void drop_foreign_files(struct plan *p)
{
	for (size_t i = 0; i < ARRAY_LEN(file_names); i++)
		(void)unlinkat(p->dir, file_names[i], 0);
}

int plan_files(struct plan *p, struct err *err)
{
	TRACE("core", "plan files");
	const struct ctr_config *c = &p->c->config;
	bool own_ids = plan_own_root(p);
	int r;

	plan_hostname(p);
	if (own_ids)
		drop_foreign_files(p);
	r = find_net_dir(p, err);
	if (r == 0)
		r = write_hostname(p, err);
	if (r == 0 && !c->no_hosts)
		r = write_hosts(p, err);
	if (r == 0 && !streq(c->network, "none"))
		r = write_resolv(p, err);
	if (r == 0)
		r = write_containerenv(p, err);
	if (r == 0 && own_ids)
		r = userns_run(p->rt, chown_files, p, err);
	return r;
}

/* ---- their mounts ------------------------------------------------------ */

static int add_file(struct plan *p, int dir, const char *name,
		    const char *target, struct err *err)
{
	struct oci_mount m = {
		.kind = OCI_MOUNT_BIND,
		.source = name,
		.target = target,
		.attr = PLAN_ATTR_SAFE,
	};
	int fd;

	if (plan_user_mount_at(p, target))
		return 0;
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;	/* --no-hosts, --network none */
	if (fd < 0)
		return err_sys(err, "open %s", name);
	m.source_fd = plan_fd(p, fd);
	if (p->c->config.readonly)
		m.attr |= MOUNT_ATTR_RDONLY;
	plan_mount(p, &m);
	return 0;
}

/* --chrootdirs: what is below one of these sees the same files. */
static int add_file_all(struct plan *p, int dir, const char *name,
			const char *target, struct err *err)
{
	int r = add_file(p, dir, name, target, err);

	for (char **d = p->c->config.chrootdirs; r == 0 && d && *d; d++) {
		size_t n = strlen(*d);

		while (n > 0 && (*d)[n - 1] == '/')
			n--;
		r = add_file(p, dir, name,
			     plan_text(p, xasprintf("%.*s%s", (int)n, *d,
						    target)),
			     err);
	}
	return r;
}

int plan_add_files(struct plan *p, struct err *err)
{
	const struct ctr_mount *run = plan_user_mount_at(p, "/run");
	int r = add_file_all(p, p->dir, "hosts", "/etc/hosts", err);

	if (r == 0 && !dns_is_none(&p->c->config))
		r = add_file_all(p, p->net_dir, "resolv.conf",
				 "/etc/resolv.conf", err);
	if (r == 0)
		r = p->c->config.no_hostname ? 0 :
		    add_file_all(p, p->dir, "hostname", "/etc/hostname", err);
	/* not into the user's own directory */
	if (r == 0 && (!run || run->type == MNT_TMPFS))
		r = add_file(p, p->dir, "containerenv", "/run/.containerenv",
			     err);
	return r;
}
