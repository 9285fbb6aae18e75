/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: fsrec LOG LINGER-MS COMMAND [ARG...]
 *
 * Run COMMAND and note, in the order in which they were made, all system calls
 * of it and its descendants that change files or make changes durable.  Lines
 * are appended to LOG, the bytes that were written to LOG.data; what COMMAND
 * leaves running is followed for LINGER-MS longer.
 *
 * Theory of operation
 *
 * A file is known by device and inode number ("DEV:INO"), because processes
 * in mount namespaces of their own see other paths; a name is an entry of such
 * a directory.  Both are looked up through /proc/PID/{fd,cwd,root} at the exit
 * of the call.  Only one such call is let in at a time (the others wait at
 * their entry), so that the log has the order of the kernel and what is looked
 * up is what the call did.
 *
 *   create|mkdir DIR INO MODE NAME	symlink DIR INO TARGET NAME
 *   mknod DIR INO MODE RDEV NAME	link DIR INO NAME
 *   unlink DIR NAME			rename DIR DIR FLAGS NAME NAME
 *   write INO OFFSET LENGTH PLACE	size INO SIZE
 *   meta INO MODE UID GID		xattr INO NAME VALUE
 *   time INO SECONDS NANOSECONDS
 *   fsync INO		syncfs		mmap INO
 *   exit CODE		of COMMAND itself: from now on it has said so
 *
 * Names and values are hexadecimal.  A create of a name that is there already
 * opens that file.  Bytes that come into a file by any call are read back from
 * it.  Writing through a shared memory map cannot be seen; that there is one
 * is noted.
 */
#include "tests/tools/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { WAITING_MAX = 256, PATH_BYTES = PATH_MAX + 64 };

/* Which arguments a call has; -1: none.  A path without a directory is
 * relative to the working directory. */
struct shape {
	long nr;
	void (*note)(pid_t pid);
	int fd;		/* the file itself */
	int dir, path;
	int dir2, path2;
	int flags;
};

static struct {
	pid_t pid;	/* in the call, 0 nobody */
	const struct shape *shape;
	uint64_t arg[6];
	int64_t result;
	char path[PATH_MAX];
	char path2[PATH_MAX];
} now;

static pid_t waiting[WAITING_MAX];
static size_t n_waiting;
static FILE *log_file;
static FILE *data_file;

/* ---- what the process sees ---------------------------------------------- */

static uint64_t peek(pid_t pid, uint64_t at)
{
	errno = 0;
	return (uint64_t)ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)at,
				0);
}

static void peek_path(pid_t pid, uint64_t at, char ret[PATH_MAX])
{
	for (size_t i = 0; i < PATH_MAX; i += sizeof(uint64_t)) {
		uint64_t word = peek(pid, at + i);

		/* no path: the file of the descriptor */
		if (errno)
			word = 0;
		memcpy(ret + i, &word, sizeof(word));
		if (memchr(&word, 0, sizeof(word)))
			break;
	}
	ret[PATH_MAX - 1] = '\0';
}

/* A path of ours for what @path below @dirfd is to the process. */
static void path_of(pid_t pid, int dirfd, const char *path,
		    char ret[PATH_BYTES])
{
	if (strncmp(path, "/proc/self/", 11) == 0)
		snprintf(ret, PATH_BYTES, "/proc/%d/%s", pid, path + 11);
	else if (*path == '/')
		snprintf(ret, PATH_BYTES, "/proc/%d/root%s", pid, path);
	else if (dirfd == AT_FDCWD)
		snprintf(ret, PATH_BYTES, "/proc/%d/cwd/%s", pid, path);
	else
		snprintf(ret, PATH_BYTES, "/proc/%d/fd/%d/%s", pid, dirfd,
			 path);
}

static int dirfd_of(int arg)
{
	return arg < 0 ? AT_FDCWD : (int)now.arg[arg];
}

/* The file that a descriptor leads to, "" none that is on a disk */
static bool file_of(pid_t pid, int fd, struct stat *st, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "/proc/%d/fd/%d", pid, fd);
	return stat(path, st) == 0 &&
	       (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
}

/* ---- writing lines ------------------------------------------------------ */

static void put_id(const struct stat *st)
{
	fprintf(log_file, " %" PRIu64 ":%" PRIu64, (uint64_t)st->st_dev,
		(uint64_t)st->st_ino);
}

static void put_hex(const void *data, size_t len)
{
	const unsigned char *p = data;

	fputc(' ', log_file);
	for (size_t i = 0; i < len; i++)
		fprintf(log_file, "%02x", p[i]);
	if (!len)
		fputc('-', log_file);
}

/* Parent directory, and the entry itself if it is there. */
static bool entry_of(pid_t pid, int dir, const char *name, struct stat *parent,
		     struct stat *st, char path[PATH_BYTES])
{
	char up[PATH_BYTES];
	char *slash;

	path_of(pid, dirfd_of(dir), name, path);
	snprintf(up, sizeof(up), "%s", path);
	for (slash = up + strlen(up); slash[-1] == '/'; slash--)
		slash[-1] = '\0';
	slash = strrchr(up, '/');
	*slash = '\0';
	if (stat(up, parent) < 0)
		return false;
	memmove(up, slash + 1, strlen(slash + 1) + 1);
	if (st && lstat(path, st) < 0)
		return false;
	memmove(path + PATH_BYTES - NAME_MAX - 1, up, strlen(up) + 1);
	return true;
}

static const char *last_part(const char path[PATH_BYTES])
{
	return path + PATH_BYTES - NAME_MAX - 1;
}

static void put_meta(const struct stat *st)
{
	fputs("meta", log_file);
	put_id(st);
	fprintf(log_file, " %o %u %u\n", st->st_mode, st->st_uid, st->st_gid);
}

static void put_size(const struct stat *st)
{
	fputs("size", log_file);
	put_id(st);
	fprintf(log_file, " %lld\n", (long long)st->st_size);
}

static void put_bytes(const struct stat *st, const char *path, off_t at,
		      size_t len)
{
	char *buf = malloc(len ? len : 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 || !buf ? -1 : pread(fd, buf, len, at);

	if (n < 0)
		tracer_die(path);
	fputs("write", log_file);
	put_id(st);
	fprintf(log_file, " %lld %zd %ld\n", (long long)at, n,
		ftell(data_file));
	fwrite(buf, 1, (size_t)n, data_file);
	free(buf);
	close(fd);
}

/* ---- the calls ---------------------------------------------------------- */

static void note_open(pid_t pid)
{
	uint64_t flags = now.arg[2];
	char path[PATH_BYTES];
	struct stat dir, st;

	if (now.shape->nr == SYS_openat2)
		flags = peek(pid, now.arg[2]);
	if (!file_of(pid, (int)now.result, &st, path) || !S_ISREG(st.st_mode))
		return;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		tracer_die("O_TMPFILE is not understood");
	if ((flags & O_CREAT) &&
	    entry_of(pid, now.shape->dir, now.path, &dir, NULL, path)) {
		fputs("create", log_file);
		put_id(&dir);
		put_id(&st);
		fprintf(log_file, " %o", st.st_mode);
		put_hex(last_part(path), strlen(last_part(path)));
		fputc('\n', log_file);
		put_meta(&st);
	}
	if (flags & O_TRUNC)
		put_size(&st);
}

static void note_new(pid_t pid)
{
	char path[PATH_BYTES];
	char target[PATH_MAX];
	struct stat dir, st;
	ssize_t n;

	if (!entry_of(pid, now.shape->dir, now.path, &dir, &st, path))
		return;
	if (S_ISLNK(st.st_mode))
		fputs("symlink", log_file);
	else
		fputs(S_ISDIR(st.st_mode) ? "mkdir" : "mknod", log_file);
	put_id(&dir);
	put_id(&st);
	if (S_ISLNK(st.st_mode)) {
		n = readlink(path, target, sizeof(target));
		put_hex(target, n < 0 ? 0 : (size_t)n);
	} else if (S_ISDIR(st.st_mode)) {
		fprintf(log_file, " %o", st.st_mode);
	} else {
		fprintf(log_file, " %o %" PRIu64, st.st_mode,
			(uint64_t)st.st_rdev);
	}
	put_hex(last_part(path), strlen(last_part(path)));
	fputc('\n', log_file);
	if (!S_ISLNK(st.st_mode))
		put_meta(&st);
}

static void note_link(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat dir, st;

	if (!entry_of(pid, now.shape->dir2, now.path2, &dir, &st, path))
		return;
	fputs("link", log_file);
	put_id(&dir);
	put_id(&st);
	put_hex(last_part(path), strlen(last_part(path)));
	fputc('\n', log_file);
}

static void note_unlink(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat dir;

	if (!entry_of(pid, now.shape->dir, now.path, &dir, NULL, path))
		return;
	fputs("unlink", log_file);
	put_id(&dir);
	put_hex(last_part(path), strlen(last_part(path)));
	fputc('\n', log_file);
}

static void note_rename(pid_t pid)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	struct stat dir, dir2;
	uint64_t flags = now.shape->flags < 0 ? 0 : now.arg[now.shape->flags];

	if (!entry_of(pid, now.shape->dir, now.path, &dir, NULL, from) ||
	    !entry_of(pid, now.shape->dir2, now.path2, &dir2, NULL, to))
		return;
	fputs("rename", log_file);
	put_id(&dir);
	put_id(&dir2);
	fprintf(log_file, " %" PRIu64, flags);
	put_hex(last_part(from), strlen(last_part(from)));
	put_hex(last_part(to), strlen(last_part(to)));
	fputc('\n', log_file);
}

/* At the position of the descriptor, which stands behind it now. */
static void note_write(pid_t pid)
{
	char path[PATH_BYTES], line[64];
	long long pos = 0;
	struct stat st;
	FILE *info;

	if (!file_of(pid, (int)now.arg[now.shape->fd], &st, path))
		return;
	snprintf(line, sizeof(line), "/proc/%d/fdinfo/%d", pid,
		 (int)now.arg[now.shape->fd]);
	info = fopen(line, "re");
	if (!info || fscanf(info, "pos: %lld", &pos) != 1)
		tracer_die(line);
	fclose(info);
	put_bytes(&st, path, pos - now.result, (size_t)now.result);
}

static void note_pwrite(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	if (file_of(pid, (int)now.arg[0], &st, path))
		put_bytes(&st, path, (off_t)now.arg[3], (size_t)now.result);
}

/* Whole: which part of it came from elsewhere does not matter here. */
static void note_copy(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	if (now.shape->nr == SYS_ioctl && now.arg[1] != FICLONE &&
	    now.arg[1] != FICLONERANGE)
		return;
	if (file_of(pid, (int)now.arg[now.shape->fd], &st, path))
		put_bytes(&st, path, 0, (size_t)st.st_size);
}

static void note_size(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	if (file_of(pid, (int)now.arg[0], &st, path))
		put_size(&st);
}

/* The file that chmod, chown, setxattr and the like were about. */
static bool target_of(pid_t pid, struct stat *st, char path[PATH_BYTES])
{
	if (now.shape->fd >= 0)
		return file_of(pid, (int)now.arg[now.shape->fd], st, path);
	path_of(pid, dirfd_of(now.shape->dir), now.path, path);
	if (!*now.path)
		path[strlen(path) - 1] = '\0';
	return stat(path, st) == 0 &&
	       (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
}

static void note_meta(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	if (target_of(pid, &st, path))
		put_meta(&st);
}

static void note_time(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	if (!target_of(pid, &st, path))
		return;
	fputs("time", log_file);
	put_id(&st);
	fprintf(log_file, " %lld %ld\n", (long long)st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec);
}

static void note_xattr(pid_t pid)
{
	char path[PATH_BYTES], name[PATH_MAX], value[4096];
	struct stat st;
	ssize_t n;

	peek_path(pid, now.arg[1], name);
	if (!target_of(pid, &st, path))
		return;
	n = getxattr(path, name, value, sizeof(value));
	fputs("xattr", log_file);
	put_id(&st);
	put_hex(name, strlen(name));
	put_hex(value, n < 0 ? 0 : (size_t)n);
	fputc('\n', log_file);
}

static void note_fsync(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	if (!file_of(pid, (int)now.arg[0], &st, path))
		return;
	fputs("fsync", log_file);
	put_id(&st);
	fputc('\n', log_file);
}

static void note_syncfs(pid_t pid)
{
	(void)pid;
	fputs("syncfs\n", log_file);
}

static void note_mmap(pid_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	if ((now.arg[3] & MAP_TYPE) == MAP_PRIVATE ||
	    !(now.arg[2] & PROT_WRITE) ||
	    !file_of(pid, (int)now.arg[4], &st, path))
		return;
	fputs("mmap", log_file);
	put_id(&st);
	fputc('\n', log_file);
}

/* name, note, fd, dir, path, dir2, path2, flags */
static const struct shape shapes[] = {
#ifdef SYS_rename
	{ SYS_mkdir, note_new, -1, -1, 0, -1, -1, -1 },
	{ SYS_symlink, note_new, -1, -1, 1, -1, -1, -1 },
	{ SYS_link, note_link, -1, -1, -1, -1, 1, -1 },
	{ SYS_unlink, note_unlink, -1, -1, 0, -1, -1, -1 },
	{ SYS_rmdir, note_unlink, -1, -1, 0, -1, -1, -1 },
	{ SYS_rename, note_rename, -1, -1, 0, -1, 1, -1 },
	{ SYS_chmod, note_meta, -1, -1, 0, -1, -1, -1 },
	{ SYS_chown, note_meta, -1, -1, 0, -1, -1, -1 },
#endif
	{ SYS_openat, note_open, -1, 0, 1, -1, -1, 2 },
	{ SYS_openat2, note_open, -1, 0, 1, -1, -1, -1 },
	{ SYS_mkdirat, note_new, -1, 0, 1, -1, -1, -1 },
	{ SYS_mknodat, note_new, -1, 0, 1, -1, -1, -1 },
	{ SYS_symlinkat, note_new, -1, 1, 2, -1, -1, -1 },
	{ SYS_linkat, note_link, -1, -1, -1, 2, 3, -1 },
	{ SYS_unlinkat, note_unlink, -1, 0, 1, -1, -1, -1 },
	{ SYS_renameat, note_rename, -1, 0, 1, 2, 3, -1 },
	{ SYS_renameat2, note_rename, -1, 0, 1, 2, 3, 4 },
	{ SYS_write, note_write, 0, -1, -1, -1, -1, -1 },
	{ SYS_writev, note_write, 0, -1, -1, -1, -1, -1 },
	{ SYS_pwrite64, note_pwrite, 0, -1, -1, -1, -1, -1 },
	{ SYS_sendfile, note_copy, 0, -1, -1, -1, -1, -1 },
	{ SYS_splice, note_copy, 2, -1, -1, -1, -1, -1 },
	{ SYS_copy_file_range, note_copy, 2, -1, -1, -1, -1, -1 },
	{ SYS_ioctl, note_copy, 0, -1, -1, -1, -1, -1 },
	{ SYS_ftruncate, note_size, 0, -1, -1, -1, -1, -1 },
	{ SYS_fallocate, note_size, 0, -1, -1, -1, -1, -1 },
	{ SYS_fchmod, note_meta, 0, -1, -1, -1, -1, -1 },
	{ SYS_fchown, note_meta, 0, -1, -1, -1, -1, -1 },
	{ SYS_fchmodat, note_meta, -1, 0, 1, -1, -1, -1 },
	{ SYS_fchownat, note_meta, -1, 0, 1, -1, -1, -1 },
	{ SYS_utimensat, note_time, -1, 0, 1, -1, -1, -1 },
	{ SYS_fsetxattr, note_xattr, 0, -1, -1, -1, -1, -1 },
	{ SYS_setxattr, note_xattr, -1, -1, 0, -1, -1, -1 },
	{ SYS_lsetxattr, note_xattr, -1, -1, 0, -1, -1, -1 },
	{ SYS_fsync, note_fsync, 0, -1, -1, -1, -1, -1 },
	{ SYS_fdatasync, note_fsync, 0, -1, -1, -1, -1, -1 },
	{ SYS_syncfs, note_syncfs, -1, -1, -1, -1, -1, -1 },
	{ SYS_sync, note_syncfs, -1, -1, -1, -1, -1, -1 },
	{ SYS_mmap, note_mmap, 4, -1, -1, -1, -1, -1 },
};

/* ---- one at a time ------------------------------------------------------ */

static const struct shape *shape_of(pid_t pid,
				    const struct __ptrace_syscall_info *info)
{
	const struct shape *s = NULL;
	char path[PATH_BYTES];
	struct stat st;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if ((uint64_t)shapes[i].nr == info->entry.nr)
			s = &shapes[i];
	if (!s || (s->nr == SYS_openat &&
		   !(info->entry.args[2] & (O_CREAT | O_TRUNC | O_TMPFILE))))
		return NULL;
	/* pipes and sockets may block: not those */
	if (s->fd >= 0 &&
	    !file_of(pid, (int)info->entry.args[s->fd], &st, path))
		return NULL;
	return s;
}

static void begin(pid_t pid, const struct __ptrace_syscall_info *info,
		  const struct shape *shape)
{
	now.pid = pid;
	now.shape = shape;
	for (int i = 0; i < 6; i++)
		now.arg[i] = info->entry.args[i];
	*now.path = *now.path2 = '\0';
	if (shape->path >= 0)
		peek_path(pid, now.arg[shape->path], now.path);
	if (shape->path2 >= 0)
		peek_path(pid, now.arg[shape->path2], now.path2);
}

static void end(void)
{
	struct __ptrace_syscall_info info;
	pid_t next;

	now.pid = 0;
	fflush(log_file);
	while (!now.pid && n_waiting) {
		next = waiting[0];
		memmove(waiting, waiting + 1, --n_waiting * sizeof(*waiting));
		/* It looks again: a descriptor may be another file by now */
		if (ptrace(PTRACE_GET_SYSCALL_INFO, next, sizeof(info),
			   &info) > 0 && shape_of(next, &info))
			begin(next, &info, shape_of(next, &info));
		tracer_go(next);
	}
}

static bool on_call(pid_t pid, const struct __ptrace_syscall_info *info)
{
	const struct shape *shape;

	if (info->op == PTRACE_SYSCALL_INFO_EXIT && pid == now.pid) {
		now.result = info->exit.rval;
		if (now.result >= 0 || now.shape->nr == SYS_mmap)
			now.shape->note(pid);
		end();
		return true;
	}
	if (info->op != PTRACE_SYSCALL_INFO_ENTRY)
		return true;
	shape = shape_of(pid, info);
	if (!shape)
		return true;
	if (now.pid) {
		if (n_waiting == WAITING_MAX)
			tracer_die("too many processes");
		waiting[n_waiting++] = pid;
		return false;
	}
	begin(pid, info, shape);
	return true;
}

static void on_end(pid_t pid)
{
	for (size_t i = 0; i < n_waiting; i++)
		if (waiting[i] == pid) {
			n_waiting--;
			memmove(waiting + i, waiting + i + 1,
				(n_waiting - i) * sizeof(*waiting));
			break;
		}
	if (pid == now.pid)
		end();
}

static void on_exit_of_command(int code)
{
	fprintf(log_file, "exit %d\n", code);
	fflush(log_file);
}

int main(int argc, char **argv)
{
	struct tracer tracer = {
		.on_call = on_call,
		.on_end = on_end,
		.on_exit = on_exit_of_command,
	};
	char data[PATH_MAX];
	int code;

	if (argc < 4) {
		fputs("usage: fsrec LOG LINGER-MS COMMAND...\n", stderr);
		return 124;
	}
	snprintf(data, sizeof(data), "%s.data", argv[1]);
	log_file = fopen(argv[1], "ae");
	data_file = fopen(data, "ae");
	if (!log_file || !data_file || fseek(data_file, 0, SEEK_END) < 0)
		tracer_die(argv[1]);
	tracer.linger_ms = (long)strtoul(argv[2], NULL, 10);
	code = tracer_run(&tracer, argv + 3);
	if (fclose(log_file) != 0 || fclose(data_file) != 0)
		tracer_die(argv[1]);
	return code;
}
