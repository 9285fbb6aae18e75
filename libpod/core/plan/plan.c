/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a container's config to what the runtime core executes: namespaces,
 * root file system, security, process.  Runs in the command (or in the
 * monitor, for a restart) before the fork; everything is opened here, nothing
 * is entered or mounted.
 */
#include "libpod/core/plan/plan.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/user/usermap.h"
#include "storage/store.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

void plan_init(struct plan *p, struct runtime *rt, struct ctr *c)
{
	*p = (struct plan){ .rt = rt, .c = c };
	p->dir = p->run_dir = p->net_dir = p->userns = -EBADF;
	p->spec.id = c->id;
	p->spec.rootfs.layers_fd = -EBADF;
	p->spec.rootfs.state_fd = -EBADF;
	p->spec.rootfs.dir_fd = -EBADF;
	for (int i = 0; i < OCI_NS_COUNT; i++)
		p->spec.ns[i].fd = -EBADF;
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n_fds; i++)
		close(p->fds[i]);
	free(p->fds);
	free(p->mounts);
	free(p->rlimits);
	free(p->sysctls);
	free(p->masked);
	free(p->readonly);
	strv_free(p->lower);
	strv_free(p->strings);
	strv_free(p->args);
	strv_free(p->env);
	strv_free(p->host_users);
	strv_free(p->host_groups);
	strv_free(p->filled);
	for (size_t i = 0; i < p->n_lists; i++)
		strv_free(p->lists[i]);
	free(p->lists);
	hooks_done(&p->hooks);
	close_fd(p->dir);
	close_fd(p->run_dir);
	close_fd(p->userns);
}

int plan_fd(struct plan *p, int fd)
{
	p->fds = xreallocarray(p->fds, p->n_fds + 1, sizeof(*p->fds));
	p->fds[p->n_fds++] = fd;
	return fd;
}

const char *plan_text(struct plan *p, char *s)
{
	if (s)
		strv_push(&p->strings, s);
	return s;
}

char *const *plan_strv(struct plan *p, char **v)
{
	p->lists = xreallocarray(p->lists, p->n_lists + 1, sizeof(*p->lists));
	p->lists[p->n_lists++] = v;
	return v;
}

void plan_mount(struct plan *p, const struct oci_mount *m)
{
	p->mounts = xreallocarray(p->mounts, p->n_mounts + 1,
				  sizeof(*p->mounts));
	p->mounts[p->n_mounts++] = *m;
}

/* ---- user namespace ---------------------------------------------------- */

static int plan_userns(struct plan *p, struct err *err)
{
	struct oci_ns *ns = &p->spec.ns[OCI_NS_USER];

	p->spec.setgroups_deny = p->rt->ids.single;
	if (ns->mode != OCI_NS_JOIN)
		ns->mode = OCI_NS_NEW;
	return usermap_of(p->rt, &p->c->config, &p->spec.uid_map,
			  &p->spec.gid_map, err);
}

/* ---- the other namespaces ---------------------------------------------- */

static const struct {
	enum oci_ns_type type;
	const char *file;	/* below /proc/PID/ns */
	size_t mode;		/* offset in struct ctr_config */
} kinds[] = {
	{ OCI_NS_USER, "user", offsetof(struct ctr_config, userns) },
	{ OCI_NS_PID, "pid", offsetof(struct ctr_config, pid) },
	{ OCI_NS_NET, "net", offsetof(struct ctr_config, network) },
	{ OCI_NS_IPC, "ipc", offsetof(struct ctr_config, ipc) },
	{ OCI_NS_UTS, "uts", offsetof(struct ctr_config, uts) },
	{ OCI_NS_CGROUP, "cgroup", offsetof(struct ctr_config, cgroupns) },
};

static int open_proc_ns(struct plan *p, pid_t pid, const char *file,
			struct err *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	return plan_fd(p, fd);
}

/* Whoever shares a namespace of X shares its user namespace too: from a
 * sibling it would have no rights over what it joined. */
static int join_user_of(struct plan *p, const struct ctr *x, struct err *err)
{
	struct oci_ns *user = &p->spec.ns[OCI_NS_USER];
	int fd = open_proc_ns(p, x->init.pid, "user", err);
	struct stat a;
	struct stat b;

	if (fd < 0)
		return fd;
	if (user->mode == OCI_NS_JOIN) {
		if (fstat(fd, &a) < 0 || fstat(user->fd, &b) < 0)
			return err_sys(err, "user namespace of %s", x->name);
		if (a.st_ino == b.st_ino)
			return 0;
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "namespaces of containers that do not share a "
			       "user namespace cannot be combined");
	}
	*user = (struct oci_ns){ OCI_NS_JOIN, fd };
	if (p->rt->ids.is_root)
		return 0;
	close_fd(p->userns);
	p->userns = oci_userns_parent(x->init.pid, err);
	return p->userns < 0 ? p->userns : 0;
}

static int join_container(struct plan *p, enum oci_ns_type type,
			  const char *file, const char *id, struct err *err)
{
	auto_ctr struct ctr *x = NULL;
	int fd;
	int r;

	r = ctr_find(p->rt, id, &x, err);
	if (r < 0)
		return r;
	if (x->state != CTR_RUNNING)
		return err_set(err, ERR_STATE, ESRCH,
			       "cannot join the %s namespace of container %s: "
			       "it is not running: container state improper",
			       file, x->name);
	if (type == OCI_NS_IPC && streq(x->config.ipc, "private"))
		return err_set(err, ERR_STATE, EPERM,
			       "joining the IPC namespace of container %s is "
			       "not allowed: non-shareable IPC (hint: use "
			       "IpcMode:shareable for the donor container)",
			       x->id);
	r = join_user_of(p, x, err);
	if (r < 0 || type == OCI_NS_USER)
		return r;
	fd = open_proc_ns(p, x->init.pid, file, err);
	if (fd < 0)
		return fd;
	if (!proc_is_alive(&x->init))
		return err_set(err, ERR_STATE, ESRCH,
			       "container %s ended meanwhile", x->name);
	p->spec.ns[type] = (struct oci_ns){ OCI_NS_JOIN, fd };
	return 0;
}

static bool same_ns(int a, int b)
{
	struct stat x;
	struct stat y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* --userns=ns:PATH: the monitor has to be in the parent of that namespace;
 * where the parent is ours (a namespace that is no child of a U) in itself. */
static int join_user_path(struct plan *p, struct err *err)
{
	int ns = p->spec.ns[OCI_NS_USER].fd;

	if (p->rt->ids.is_root || same_ns(ns, p->userns))
		return 0;
	autoclose int own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	autoclose int up = oci_userns_up(ns, err);

	if (up < 0)
		return up;
	if (own < 0)
		return err_sys(err, "open the user namespace");
	close_fd(p->userns);
	p->userns = same_ns(own, up) ? fcntl(ns, F_DUPFD_CLOEXEC, 3) :
				       take_fd(up);
	return p->userns < 0 ? err_sys(err, "duplicate a descriptor") : 0;
}

static int plan_one_ns(struct plan *p, size_t i, struct err *err)
{
	const void *field = (const char *)&p->c->config + kinds[i].mode;
	const char *mode = *(char *const *)field;
	struct oci_ns *ns = &p->spec.ns[kinds[i].type];
	const char *arg;

	ns->mode = OCI_NS_NEW;
	if (!mode)
		return 0;
	arg = str_after(mode, "container:");
	if (arg)
		return join_container(p, kinds[i].type, kinds[i].file, arg,
				      err);
	arg = str_after(mode, "ns:");
	if (arg) {
		int fd = open(arg, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return err_sys(err, "open namespace %s", arg);
		*ns = (struct oci_ns){ OCI_NS_JOIN, plan_fd(p, fd) };
		return kinds[i].type == OCI_NS_USER ? join_user_path(p, err) :
						      0;
	} else if (streq(mode, "host") && kinds[i].type != OCI_NS_USER) {
		ns->mode = OCI_NS_HOST;
	}
	return 0;
}

int plan_namespaces(struct plan *p, struct err *err)
{
	const char *net = p->c->config.network;
	int r = 0;

	if (!p->rt->ids.is_root) {
		p->userns = userns_open(p->rt, err);
		if (p->userns < 0)
			return p->userns;
	}
	r = rootless_load(p->rt, err);
	/* the user namespace first: the others may turn it into a join */
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++)
		r = plan_one_ns(p, i, err);
	if (r == 0)
		r = plan_userns(p, err);
	p->spec.ns[OCI_NS_MNT].mode = OCI_NS_NEW;
	p->private_net = p->spec.ns[OCI_NS_NET].mode == OCI_NS_NEW;
	p->slirp = p->private_net && !streq(net, "none");
	if (p->slirp) {
		p->tap = (struct net_tap){ .ipv6 = true };
		p->spec.netns_hook =
			(struct oci_init_hook){ net_tap_setup, &p->tap };
	}
	return r;
}

/* ---- root file system -------------------------------------------------- */

static int plan_dir_root(struct plan *p, int fd, const char *what,
			 struct err *err)
{
	if (fd < 0)
		return err_sys(err, "open root file system %s", what);
	p->spec.rootfs.driver = OCI_ROOTFS_DIR;
	p->spec.rootfs.dir_fd = plan_fd(p, fd);
	return 0;
}

static int plan_layers(struct plan *p, struct err *err)
{
	struct oci_rootfs *root = &p->spec.rootfs;
	auto_image struct image *found = NULL;
	const struct image *img = p->c->image;
	struct store *store;
	bool is_fuse;
	int r;

	r = runtime_store(p->rt, &store, err);
	if (r == 0 && !img) {
		r = image_find(store, p->c->config.image_id, &found, err);
		img = found;
	}
	if (r == 0)
		r = image_lower(store, img, &p->lower, err);
	if (r < 0)
		return r;
	root->driver = OCI_ROOTFS_OVERLAY;
	root->layers_fd = store_layers_fd(store);
	root->lower = p->lower;
	root->n_lower = strv_len(p->lower);
	root->volatile_ = p->c->config.auto_remove;
	is_fuse = streq(p->c->config.driver, store_driver_name(STORE_FUSE));
	r = store_driver_check(store, is_fuse ? STORE_FUSE : STORE_OVERLAY,
			       err);
	if (r < 0 || !is_fuse)
		return r;
	root->driver = OCI_ROOTFS_FUSE;
	root->volatile_ = false;
	root->fuse_path = plan_text(p, proc_find_program("fuse-overlayfs"));
	if (!root->fuse_path)
		return err_set(err, ERR_START, ENOENT,
			       "fuse-overlayfs, which this container needs, is "
			       "not installed (fix: sudo apt-get install "
			       "fuse-overlayfs)");
	return 0;
}

int plan_rootfs(struct plan *p, struct err *err)
{
	TRACE("core", "plan rootfs");
	const struct ctr_config *c = &p->c->config;

	p->spec.rootfs.readonly = c->readonly;
	p->spec.rootfs.state_fd = p->dir;
	if (c->rootfs)
		return plan_dir_root(p, open(c->rootfs, O_PATH | O_DIRECTORY |
							O_CLOEXEC),
				     c->rootfs, err);
	if (config_has_tree(c))
		return plan_dir_root(p, openat(p->dir, "tree",
					       O_PATH | O_DIRECTORY |
						       O_NOFOLLOW | O_CLOEXEC),
				     "tree", err);
	return plan_layers(p, err);
}

/* ---- security ---------------------------------------------------------- */

static uint32_t largest_gid(const struct idmap *map)
{
	uint64_t max = 0;

	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *r = &map->range[i];

		max = MAX(max, (uint64_t)r->inside + r->count - 1);
	}
	return (uint32_t)MIN(max, (uint64_t)INT32_MAX);
}

/* @wish: our own idea, not what the user asked for */
static void add_sysctl(struct plan *p, const char *name, const char *value,
		       bool wish)
{
	size_t n = p->spec.n_sysctls;

	for (size_t i = 0; i < n; i++) {
		if (streq(p->sysctls[i].name, name)) {
			p->sysctls[i].value = value;
			p->sysctls[i].wish = wish;
			return;
		}
	}
	p->sysctls = xreallocarray(p->sysctls, n + 1, sizeof(*p->sysctls));
	p->sysctls[n] = (struct oci_sysctl){ name, value, wish };
	p->spec.n_sysctls = n + 1;
}

static int plan_sysctls(struct plan *p, struct err *err)
{
	const struct idmap *gids = &p->spec.gid_map;

	if (p->private_net && p->spec.ns[OCI_NS_USER].mode == OCI_NS_NEW) {
		add_sysctl(p, "net.ipv4.ping_group_range",
			   plan_text(p, xasprintf("0 %u",
						  largest_gid(gids))), true);
		add_sysctl(p, "net.ipv4.ip_unprivileged_port_start", "0",
			   true);
	}
	for (char **s = p->c->config.sysctls; s && *s; s++) {
		const char *eq = strchr(*s, '=');

		if (!eq)
			return err_set(err, ERR_INVALID, EINVAL,
				       "sysctl '%s' is not name=value", *s);
		add_sysctl(p, plan_text(p, xstrndup(*s, (size_t)(eq - *s))),
			   eq + 1, false);
	}
	p->spec.sysctls = p->sysctls;
	return 0;
}

/* "ALL", a path or a pattern; a pattern of ours is named as it stands. */
static bool is_unmasked(char *const *unmask, const char *path)
{
	for (; unmask && *unmask; unmask++)
		if (strcasecmp(*unmask, "all") == 0 || streq(*unmask, path) ||
		    fnmatch(*unmask, path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static const char **filter_paths(const char *const *paths, size_t n,
				 char *const *unmask, char *const *more,
				 size_t *ret_n)
{
	const char **out = xcalloc(n + strv_len(more) + 1, sizeof(*out));
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_unmasked(unmask, paths[i]))
			out[k++] = paths[i];
	for (; more && *more; more++)
		out[k++] = *more;
	*ret_n = k;
	return out;
}

int plan_security(struct plan *p, struct err *err)
{
	const struct ctr_config *c = &p->c->config;
	const char *const *paths;
	size_t n = 0;

	p->spec.privileged = c->privileged;
	paths = c->privileged ? NULL : oci_masked_default(&n);
	p->masked = filter_paths(paths, n, c->unmask, c->mask,
				 &p->spec.n_masked);
	p->spec.masked = p->masked;
	n = 0;
	paths = c->privileged ? NULL : oci_readonly_default(&n);
	p->readonly = filter_paths(paths, n, c->unmask, NULL,
				   &p->spec.n_readonly);
	p->spec.readonly = p->readonly;
	return plan_sysctls(p, err);
}

/* ---- hooks ------------------------------------------------------------- */

static bool has_binds(const struct ctr_config *c)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].type == MNT_BIND)
			return true;
	return false;
}

/* The state that hooks get, from the bundle on */
static void hooks_state(const struct plan *p, struct hooks *h)
{
	autofree char *bundle = xasprintf("%s/containers/%s",
					  p->rt->data_path, p->c->id);
	autojson struct json_object *o = json_object_new_object();

	json_set_str(o, "bundle", bundle);
	if (p->c->config.annotations)
		json_set(o, "annotations",
			 json_new_env_map(p->c->config.annotations));
	h->id = xstrdup(p->c->id);
	h->state = xstrdup(json_text(o) + 1);
}

/*
 * Directories that are named have to be there; the machine's default ones are
 * for its root, as podman has it.  In the monitor the owners of files cannot
 * be told apart any more: what was found at the start counts.
 */
int plan_hooks(struct plan *p, struct err *err)
{
	static char usual_1[] = "/usr/share/containers/oci/hooks.d";
	static char usual_2[] = "/etc/containers/oci/hooks.d";
	static char *const usual[] = { usual_1, usual_2, NULL };
	const struct rootless *ids = &p->rt->ids;
	const struct hook_match match = {
		.annotations = p->c->config.annotations,
		.command = p->args ? p->args[0] : NULL,
		.binds = has_binds(&p->c->config),
	};
	int r = 0;

	p->spec.annotations = p->c->config.annotations;
	if (p->restart)
		r = hooks_load(p->dir, &p->hooks, err);
	else if (p->rt->opts.hooks_dirs)
		r = hooks_read(p->rt->opts.hooks_dirs, true, &match,
			       &p->hooks, err);
	else if (ids->is_root && !ids->in_userns)
		r = hooks_read(usual, false, &match, &p->hooks, err);
	if (r == 0 && !p->restart) {
		hooks_state(p, &p->hooks);
		r = hooks_save(p->dir, &p->hooks, err);
	}
	if (p->hooks.n)
		p->spec.hooks = &p->hooks;
	return r;
}
