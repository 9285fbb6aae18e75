/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_SPEC_H
#define OCI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/oci/idmap.h"
#include "util/err.h"

struct cgroup;
struct hooks;
struct json_object;

/*
 * What to run, as one value: the C form of the OCI runtime-spec's config.json
 * plus the few things that spec leaves to the engine (how the root file
 * system is mounted, user names that are looked up inside it).
 *
 * libpod/core fills it, spec_to_json() writes the bundle's config.json,
 * oci_create() executes it.  Unless a comment says otherwise strings and
 * arrays are borrowed from the caller and live until oci_create() returned.
 */

enum oci_ns_type {
	OCI_NS_USER,
	OCI_NS_MNT,
	OCI_NS_PID,
	OCI_NS_NET,
	OCI_NS_IPC,
	OCI_NS_UTS,
	OCI_NS_CGROUP,
	OCI_NS_COUNT,
};

enum oci_ns_mode {
	OCI_NS_NEW,	/* a new one */
	OCI_NS_HOST,	/* stay in the caller's */
	OCI_NS_JOIN,	/* setns(2) to .fd */
};

struct oci_ns {
	enum oci_ns_mode mode;
	int fd;		/* borrowed; OCI_NS_JOIN only */
};

enum oci_rootfs_driver {
	OCI_ROOTFS_DIR,	    /* .dir is the tree (vfs, --rootfs) */
	OCI_ROOTFS_OVERLAY, /* native overlay, userxattr */
	OCI_ROOTFS_FUSE,    /* fuse-overlayfs, the daemon in U */
};

/**
 * struct oci_rootfs - how init mounts the root, inside its own mount namespace
 * @layers_fd:  directory that the names in @lower are relative to
 * @lower:      layer directories, top first, as "HEX/diff"; n_lower may be 500
 * @state_fd:   directory with the subdirectories "upper", "work" and "mnt", the
 *              last of them empty: the root is mounted on it, in init's own
 *              mount namespace; with OCI_ROOTFS_DIR only "mnt", or -EBADF
 * @dir_fd:     OCI_ROOTFS_DIR: the tree itself
 * @readonly:   --read-only
 * @volatile_:  overlay only: skip syncs; poisons the upper, so --rm only
 * @fuse_path:  absolute path of fuse-overlayfs
 */
struct oci_rootfs {
	enum oci_rootfs_driver driver;
	int layers_fd;
	char *const *lower;
	size_t n_lower;
	int state_fd;
	int dir_fd;
	bool readonly;
	bool volatile_;
	const char *fuse_path;
};

enum oci_mount_kind {
	OCI_MOUNT_BIND,	    /* source_fd, always recursive */
	OCI_MOUNT_TMPFS,    /* data = size=,mode=,... */
	OCI_MOUNT_PROC,
	OCI_MOUNT_SYSFS,
	OCI_MOUNT_DEV,	    /* tmpfs with the standard nodes and links */
	OCI_MOUNT_DEVPTS,
	OCI_MOUNT_MQUEUE,
	OCI_MOUNT_CGROUP,
	OCI_MOUNT_DEVICE,   /* one host device node, source_fd, bind */
	OCI_MOUNT_OVERLAY,  /* of its own, on @lower; native overlay only */
	OCI_MOUNT_RAMFS,
	OCI_MOUNT_FILE,	    /* a file of its own in memory, see .file */
	OCI_MOUNT_SYMLINK,  /* no mount: a symlink at target to .data */
};

/** struct oci_file - a small file that only the container sees */
struct oci_file {
	const void *data;
	size_t len;
	uint32_t uid, gid, mode;
};

/**
 * struct oci_mount - one mount, executed in the order of the array
 * @source:     for config.json and messages
 * @source_fd:  O_PATH descriptor of the bind source, opened by the caller
 *              before any namespace is entered; -EBADF otherwise
 * @target:     absolute path in the container, resolved beneath the rootfs
 * @attr:       MOUNT_ATTR_RDONLY|NOSUID|NODEV|NOEXEC|... for mount_setattr,
 *              recursive on binds
 * @propagation: MS_PRIVATE (default, 0), MS_SLAVE, MS_SHARED, + MS_REC
 * @copy_up:    tmpfs: copy what the image has at @target into it first
 * @volume_copy: copy-up of a new named volume: when the image has a non-empty
 *              directory at @target and the bind source is empty, copy its
 *              content, owner and mode into it before the mount
 * @own_new:    with @volume_copy: where the image has nothing at @target the
 *              new volume is given to the user of the process
 * @chown:      give the source and all below it to the user of the process;
 *              of a tmpfs its root
 * @nonrecursive: without what is mounted below the source
 * @idmap:      id-mapped with the container's own user namespace
 * @subpath:    of a bind or overlay, resolved beneath it; NULL = all of it
 * @lower:      of an overlay: layers relative to @source_fd, top first; NULL:
 *              the source itself is the only one
 * @work:       of an overlay: directory below rootfs.state_fd that has "upper",
 *              "work" and an empty "mnt"
 */
struct oci_mount {
	enum oci_mount_kind kind;
	const char *source;
	int source_fd;
	const char *target;
	const char *data;
	uint64_t attr;
	unsigned long propagation;
	bool copy_up;
	bool volume_copy;
	bool chown;
	bool own_new;
	bool nonrecursive;
	bool idmap;
	const char *subpath;
	char *const *lower;
	const char *work;
	const struct oci_file *file;
};

struct oci_rlimit {
	int resource;	/* RLIMIT_* */
	uint64_t soft;	/* RLIM_INFINITY as UINT64_MAX; raising above our */
	uint64_t hard;	/* hard limit is clamped to it, never an error */
};

struct oci_sysctl {
	const char *name; /* "net.ipv4.ping_group_range" */
	const char *value;
	bool wish;	  /* the user's is an order: it warns or fails */
};

/**
 * struct oci_caps - bit masks, bit = CAP_*; inheritable is always empty
 */
struct oci_caps {
	uint64_t bounding;
	uint64_t effective;	/* and permitted */
	uint64_t ambient;
};

/** struct oci_seccomp - a BPF program; NULL filter = unconfined */
struct oci_seccomp {
	const void *filter;	/* struct sock_filter[] */
	size_t n;
};

/**
 * struct oci_process - what runs; used by run and by exec
 * @args:      argv; args[0] is searched in the PATH of @env inside the rootfs
 * @env:       complete, except HOME which is set from passwd when absent
 * @user:      "", "name", "uid", "name:group", "uid:gid": resolved in init
 *             against /etc/passwd and /etc/group of the rootfs
 * @groups:    --group-add: names or gids; keep_groups = the caller's
 * @cwd:       must exist unless @cwd_create (image WORKDIR) or @cwd_mounted
 *             (below a mount: made if that can be); @user's then
 */
struct oci_process {
	char *const *args;
	char *const *env;
	const char *cwd;
	bool cwd_create, cwd_mounted;
	const char *user;
	char *const *groups;
	bool keep_groups;
	struct oci_caps caps;
	bool caps_explicit;	/* --cap-add given: a non-root user gets them
				   as ambient too */
	const struct oci_rlimit *rlimits;
	size_t n_rlimits;
	uint32_t umask;
	uint32_t personality;	/* of personality(2); 0: as it is */
	bool no_new_privs;
	bool terminal;
	uint16_t rows, cols;	/* initial window size, 0 = unknown */
	int oom_score_adj;
	bool oom_score_set;
	struct oci_seccomp seccomp;
	const int *keep_fds;	/* that go through, from 3 up */
	size_t n_keep_fds;
};

/**
 * struct oci_init_hook - code of an upper layer that runs inside init
 *
 * For what must happen inside a new namespace but is not the runtime's story
 * (the tap device of network/).  Runs with full capabilities over the
 * container's namespaces, host file system still visible, before any mount.
 */
struct oci_init_hook {
	int (*fn)(void *arg, struct err *err);
	void *arg;
};

/**
 * struct oci_accounts - lines that /etc/passwd and /etc/group are to have
 * @add:   give the payload's uid and gid lines where they have none; without
 *         it nothing of the rest happens
 * @user:  name for that uid, @group: for that gid; NULL = the number
 * @home:  of that user; NULL = the working directory
 * @passwd_entry: the whole line, with $USERNAME, $UID, $GID, $NAME, $HOME
 * @group_entry:  likewise, with $GROUPNAME, $NAME, $GID, $USERLIST
 * @host_users, @host_groups: further lines, without newline
 */
struct oci_accounts {
	bool add;
	const char *user;
	const char *group;
	const char *home;
	const char *passwd_entry;
	const char *group_entry;
	char *const *host_users;
	char *const *host_groups;
};

struct oci_spec {
	const char *id;			/* for messages and config.json */
	struct oci_rootfs rootfs;
	struct oci_process process;
	const char *hostname;
	const char *domainname;
	struct oci_ns ns[OCI_NS_COUNT];
	struct idmap uid_map;		/* outside ids are those of the */
	struct idmap gid_map;		/* caller's; written when it is new */
	bool setgroups_deny;		/* single-id mode */
	const struct oci_mount *mounts;
	size_t n_mounts;
	const char *const *masked;
	size_t n_masked;
	const char *const *readonly;
	size_t n_readonly;
	const struct oci_sysctl *sysctls;
	size_t n_sysctls;
	char *const *annotations;	/* KEY=VALUE, for config.json */
	const struct hooks *hooks;	/* NULL: none */
	struct oci_init_hook netns_hook; /* after lo is up, new netns only */
	struct oci_accounts accounts;
	struct oci_init_hook visit;	/* instead of a payload: runs when the
					   tree is "/", ends the process */
	bool init_process;		/* --init: bryo-init stays as pid 1 */
	bool privileged;
	const struct cgroup *cgroup;	/* that init is cloned into; NULL: in
					   the caller's */
};

/** spec_propagation() - "rprivate", "rslave", "shared" ... of the flags in
 *  struct oci_mount; static */
const char *spec_propagation(unsigned long flags);

/** spec_to_json() - the bundle's config.json; owned by the caller */
struct json_object *spec_to_json(const struct oci_spec *spec);

#endif
