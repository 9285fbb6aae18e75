/* SPDX-License-Identifier: Apache-2.0 */
#include "util/db_files.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/str.h"

/*
 * Theory of operation
 *
 * SQLite is made for a process that keeps its database open.  Here nearly
 * every command is the only one that has it open, for some milliseconds.  What
 * SQLite does for the first and after the last of many is therefore paid each
 * time, and three system calls of its VFS are replaced:
 *
 *   ftruncate of the wal-index to 3 bytes, by whoever opens the database
 *	first: the file is to be built anew, as nobody vouches for it.  It is
 *	enough to clear its header, which is what says whether it is valid.
 *	The file keeps its pages instead of being cut and grown again.
 *
 *   ftruncate of the log to nothing, after a checkpoint (db_checkpoint()):
 *	the header is cleared, and what follows is not looked at.  A log that
 *	keeps its length is written over, so its fdatasync has no new size and
 *	no new blocks to bring to the journal of the file system.
 *
 *   the directory, to be synced with the first sync of the log that a process
 *	does: needed by who made the log, not by who found one.  Frames are
 *	written after the sync of their log's header, so a log that has some
 *	has its name on the disk.
 *
 * All three leave files that any SQLite understands, and each falls back to
 * the original call where it does not recognise what it sees.  An SQLite (or
 * a VFS) without these calls is used as it is.
 */

/* https://sqlite.org/walformat.html: 2 copies of 48 bytes, then 40 */
#define INDEX_HEADER 136
#define INDEX_REGION 32768
/* what the unix VFS cuts a wal-index to, which is no length of anything else */
#define INDEX_CUT 3

/* https://sqlite.org/fileformat2.html#the_write_ahead_log */
#define LOG_HEADER 32
/* A log that was long for once does not stay so. */
#define LOG_KEEP_MAX (1 << 20)

/* Less than the page that SQLite would allocate for it, and no list of 100
 * slots to thread: a command needs a few dozen. */
#define LOOKASIDE_BYTES 1200
#define LOOKASIDE_SLOTS 20

static int (*real_ftruncate)(int fd, off_t size);
static int (*real_directory)(const char *path, int *ret_fd);

static int clear_header(int fd, size_t size)
{
	static const char zero[INDEX_HEADER];

	return pwrite(fd, zero, size, 0) == (ssize_t)size ? 0 : -1;
}

/* The magic number is 0x377f0682 or ..83, big endian. */
static bool is_log(int fd)
{
	unsigned char magic[3];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       magic[0] == 0x37 && magic[1] == 0x7f && magic[2] == 0x06;
}

static int cut(int fd, off_t size)
{
	struct stat st;

	if ((size != INDEX_CUT && size != 0) || fstat(fd, &st) < 0)
		return real_ftruncate(fd, size);
	if (size == INDEX_CUT && st.st_size >= INDEX_REGION)
		return clear_header(fd, INDEX_HEADER);
	if (size == 0 && st.st_size > LOG_HEADER &&
	    st.st_size <= LOG_KEEP_MAX && is_log(fd))
		return clear_header(fd, LOG_HEADER);
	return real_ftruncate(fd, size);
}

/* @path: the file whose name is to be on the disk */
static int directory_of(const char *path, int *ret_fd)
{
	struct stat st;

	if (str_ends(path, "-wal") && stat(path, &st) == 0 &&
	    st.st_size > LOG_HEADER)
		return SQLITE_CANTOPEN; /* which SQLite takes for "cannot" */
	return real_directory(path, ret_fd);
}

static void replace_calls(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	if (!vfs || vfs->iVersion < 3 || !vfs->xGetSystemCall ||
	    !vfs->xSetSystemCall)
		return;
	real_ftruncate = (__typeof__(real_ftruncate))vfs->xGetSystemCall(
		vfs, "ftruncate");
	real_directory = (__typeof__(real_directory))vfs->xGetSystemCall(
		vfs, "openDirectory");
	if (!real_ftruncate || !real_directory)
		return;
	(void)vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)cut);
	(void)vfs->xSetSystemCall(vfs, "openDirectory",
				  (sqlite3_syscall_ptr)directory_of);
}

void db_files_setup(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	/* Nobody asks how much memory is in use, and a page cache that is
	 * allocated in one piece is touched in one piece. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	(void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, LOOKASIDE_BYTES,
			     LOOKASIDE_SLOTS);
	replace_calls();
}
