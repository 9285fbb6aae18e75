/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"
#include "util/proc.h"

/*
 * The per-container monitor.
 *
 *   bryo (CLI)  --fork-->  M: setsid, subreaper, joins U, oci_create(),
 *                          network, oci_start(), tells the CLI "started",
 *                          then execs the small static bryo-monitor in place
 *                          (libpod/monitor/launch.h)
 *
 * bryo-monitor pumps the payload's output into the log and to attached
 * clients, waits for the payload, writes the exit record (durable), and then
 * either execs `bryo __monitor ...` in place (same pid, same lock) for
 * --restart, --rm and the database row, or ends.  It never opens SQLite.
 *
 * Its configuration crosses the exec as a sealed memfd of "key=value\n"
 * lines, descriptors are named by number in it.
 *
 * How it ends, in this order:
 *  1. the payload is reaped, what its pipes still hold is read and logged;
 *     @leash_fd is closed, so that the helpers end meanwhile
 *  2. the exit record is written; from here on wait(1) may return; the
 *     cgroup is removed, and who is left in it (--pid=host) killed
 *  3. every client gets ATTACH_EXIT; the first one (@client_fd) only after it
 *     took all output, however slow it is (with @restart: 10 s at most)
 *  4. helpers that did not end by themselves within 500 ms are killed
 *  5. without @restart and with @client_fd: up to 2 s for ATTACH_SETTLED from
 *     that client, which then has done what @exec_argv would do: we delete
 *     the directory, should it have been removed, and end
 *  6. with @restart: @restart_delay_ms pass; if the payload had run for more
 *     than MONITOR_GOOD_WORK_NS, MONITOR_BACKOFF_MIN_MS at most
 *  7. @exec_argv is executed in place.  @lock_fd keeps its number and stays
 *     open, all others from 3 up are closed; the environment is the one that
 *     monitor_become() was called with.  Without @exec_argv: exit.
 *
 * With @sync_fd it holds a container that is made but not started (`init`):
 * the payload runs when a client says ATTACH_GO.  Signals, or the death of
 * init, undo what was made: no exit record is written, no @exec_argv executed.
 *
 * Signals: SIGTERM, SIGINT and SIGQUIT are passed on to the payload while it
 * runs, and cut the waits of steps 3, 5 and 6 short afterwards: a CLI that
 * stops a container in back-off first says so in the row and then sends
 * SIGTERM to the monitor's pidfd; step 7 follows at once.  All others are
 * ignored, but for SIGUSR1, which makes a health check at once.
 */

enum log_driver {
	LOGDRV_K8S_FILE,
	LOGDRV_JSON_FILE,
	LOGDRV_JOURNALD,
	LOGDRV_NONE,
	LOGDRV_PASSTHROUGH,
};

/* monitor_conf.log_extra is no longer than this */
#define LOG_EXTRA_MAX 2048
/* nor @log_name, so that numbers fit behind it */
#define LOG_BASE_MAX 240

#define MONITOR_HELPERS_MAX 16

/* The back-off before the first restart in a row, and after good work */
#define MONITOR_BACKOFF_MIN_MS 100
#define MONITOR_GOOD_WORK_NS (10 * INT64_C(1000000000))

/**
 * struct monitor_conf - all that bryo-monitor knows
 * @id, @name:    of the container; owned
 * @start_n:      which start of the container this is
 * @dir_fd:       the container's data directory: log, exit record, lock; the
 *                program makes it its working directory, AT_FDCWD
 * @run_fd:       the container's run directory, or -EBADF
 * @lock_fd:      flock'ed by us for life: the liveness of this monitor
 * @init, @init_pidfd: the payload, our child
 * @sync_fd:      to init, which waits there for its start (oci_ctr.sync_fd);
 *                -EBADF: the payload runs
 * @stdin_fd:     write end to the payload, -EBADF: none
 * @stdout_fd, @stderr_fd: read ends
 * @console_fd:   pty master instead of the three, -EBADF: none
 * @client_fd:    connected attach client (the CLI that started us), or -EBADF
 * @listen_fd:    listening attach socket (run_fd/attach), or -EBADF
 * @leash_fd:     leash_make()'s, which holds slirp and the proxy while the
 *                payload lives; or -EBADF
 * @helper_pids:  children that end with us (slirp4netns, proxy, fuse)
 * @slirp_pid:    one of them, or 0; started again should it end before us
 * @proxy_pid:    the same
 * @proxy_fd:     struct proxy_proc's conf_fd, or -EBADF: it is read and closed;
 *                what it names is ours as well
 * @cgroup:       absolute path of the payload's cgroup, or NULL; owned
 * @stdin_once:   close the payload's stdin when the first client's ends, also
 *                when that is killed; without it at the end of what a client
 *                sent
 * @log_size_max: bytes of one log file, 0 = unlimited
 * @log_files_max: log files in all, at least 1
 * @log_dir_fd:   where the log files are, -EBADF: in @dir_fd
 * @log_name:     of the newest file, NULL: "ctr.log"; owned
 * @log_extra:    json-file: the text of the JSON object "attrs" of each record;
 *                journald: further fields, "NAME=value\n" each; or NULL; owned
 * @journal_fd:   journald: its socket, connected; else -EBADF
 * @log_blocking: a full disk stops the payload, else output is dropped
 * @timeout_s:    --timeout: SIGKILL then, exit code -1; 0 = none
 * @durable_exit: the exit record is to survive a power cut (not with --rm)
 * @restart:      step 6 above is done and step 5 is not
 * @restart_on_failure: @restart only when the exit code is not 0
 * @restart_delay_ms: the back-off
 * @health_argv:  of the program that makes a health check, or NULL; owned.
 *                It prints when it wants to be started again: milliseconds
 * @health_first_ms: to the first check, 0: none until SIGUSR1
 * @note_argv:    of the program that notes that a helper was started again, or
 *                NULL; its name is added; owned
 * @exec_argv:    NULL-terminated argv of the in-place exec, or NULL; owned
 * @exec_path:    absolute path of bryo; owned
 * @is_program:   this process is bryo-monitor, not bryo; not saved
 *
 * The descriptors belong to the process that runs the monitor;
 * monitor_conf_done() frees memory only.
 */
struct monitor_conf {
	char *id;
	char *name;
	uint32_t start_n;
	int dir_fd;
	int run_fd;
	int lock_fd;
	struct proc_id init;
	int init_pidfd;
	int sync_fd;
	int stdin_fd;
	int stdout_fd;
	int stderr_fd;
	int console_fd;
	int client_fd;
	int listen_fd;
	int leash_fd;
	pid_t helper_pids[MONITOR_HELPERS_MAX];
	int n_helpers;
	pid_t slirp_pid;
	pid_t proxy_pid;
	int proxy_fd;
	char *cgroup;
	bool stdin_once;
	enum log_driver log_driver;
	uint64_t log_size_max;
	uint32_t log_files_max;
	int log_dir_fd;
	char *log_name;
	char *log_extra;
	int journal_fd;
	bool log_blocking;
	uint32_t timeout_s;
	bool durable_exit;
	bool restart;
	bool restart_on_failure;
	uint32_t restart_delay_ms;
	char **health_argv;
	uint32_t health_first_ms;
	char **note_argv;
	char **exec_argv;
	char *exec_path;
	bool is_program;
};

/** monitor_conf_init() - zero, all descriptors -EBADF, one log file */
void monitor_conf_init(struct monitor_conf *c);
void monitor_conf_done(struct monitor_conf *c);

/** monitor_conf_save() - as a sealed memfd (CLOEXEC); descriptor or -errno */
int monitor_conf_save(const struct monitor_conf *c, struct err *err);

/**
 * monitor_conf_load() - the reverse
 * @fd:  borrowed
 * @ret: monitor_conf_done() it
 *
 * Strict: unknown, doubled and malformed lines, a missing id, numbers out of
 * range are -EINVAL.
 */
int monitor_conf_load(int fd, struct monitor_conf *ret, struct err *err);

/**
 * monitor_become() - the last step of M: exec bryo-monitor in place
 * @monitor_fd: descriptor (O_PATH is enough) of bryo-monitor opened before
 *              the clone; taken
 *
 * Clears CLOEXEC on exactly the descriptors that @c names and closes all
 * others.  Should the exec fail, runs monitor_main() in this process: a fat
 * monitor is better than none.  Does not return.
 */
void noreturn_attr monitor_become(struct monitor_conf *c, int monitor_fd);

/**
 * monitor_main() - the monitor itself
 * @c: borrowed; its descriptors are taken
 *
 * Returns the process exit code, should it not exec anything at the end.
 */
int monitor_main(struct monitor_conf *c);

/*
 * Exit record: file "exit" in the container's data directory, one line
 *     "v1 <code> <signal> <oom 0|1|-> <finished ns> <boot id> <start n>\n"
 * Space for it is reserved while the container runs, so that a full disk
 * does not lose the exit code.
 */
#define BOOT_ID_MAX 37

/**
 * struct exit_record - how a container ended
 * @code:    0..255, 128+signal when killed, -1 when --timeout ended it or
 *           the code could not be learnt
 * @signal:  that killed it, or 0; with @code -1: SIGKILL for --timeout
 * @oom:     1, 0, -1 unknown (no cgroup)
 * @boot_id: the boot during which it ended
 * @start_n: which start of the container the record belongs to
 */
struct exit_record {
	int code;
	int signal;
	int oom;
	int64_t finished_ns;
	char boot_id[BOOT_ID_MAX];
	uint32_t start_n;
};

/** exit_record_write() - @r->boot_id "" means this boot; @durable: fsync
 *  before and after the rename */
int exit_record_write(int dir_fd, const struct exit_record *r, bool durable,
		      struct err *err);

/** exit_record_read() - -ENOENT when there is none (yet); -EINVAL when it is
 *  damaged */
int exit_record_read(int dir_fd, struct exit_record *ret, struct err *err);

/** exit_record_reserve() - make room for the record; best effort */
void exit_record_reserve(int dir_fd);

/*
 * File "degraded" beside it: one line that says which helper ended while the
 * payload ran.  Gone with the next start, or once the helper was started again.
 */
#define DEGRADED_NAME "degraded"

/*
 * What a monitor has to do once the payload has ended, as empty files: they
 * are there from the start on, and after it was killed somebody else sees that
 * it is still to be done.
 *
 * In the run directory (a reboot voids it): go on with the restart policy
 */
#define POLICY_NAME "policy"
/* Beside the exit record: run the poststop hooks.  Whoever removes it does */
#define POSTSTOP_NAME "poststop"

/** duties_note() - before the payload may run; @poststop: has such hooks */
void duties_note(const struct monitor_conf *c, bool poststop);

/** duties_drop() - it never ran.  @policy: nor is it to be tried again */
void duties_drop(const struct monitor_conf *c, bool policy);

/*
 * Start record: file "started" beside it, written by M before the payload
 * may run, one line
 *     "v1 <init pid> <init start> <monitor pid> <monitor start> <boot id>
 *      <start n>\n"
 */
struct start_record {
	struct proc_id init;
	struct proc_id monitor;
	char boot_id[BOOT_ID_MAX];
	uint32_t start_n;
};

int start_record_write(int dir_fd, const struct start_record *r,
		       struct err *err);
int start_record_read(int dir_fd, struct start_record *ret, struct err *err);

/*
 * Attach protocol: SOCK_SEQPACKET, first byte of each message is its type,
 * at most ATTACH_MSG_MAX bytes in all.  A client says ATTACH_HELLO first.
 *
 * The first client (monitor_conf.client_fd) gets all output in order: the
 * payload waits for it as it would for a pipe.  Any other client holds the
 * payload up for 1 s per 64 kB at most; then output for it is skipped, and as
 * soon as it reads again it is told how much it missed.
 */
enum attach_msg {
	ATTACH_STDIN = 'i',	/* c->m data; empty = end of stdin */
	ATTACH_RESIZE = 'w',	/* c->m uint16 rows, uint16 cols, native */
	ATTACH_STDOUT = 'o',	/* m->c data */
	ATTACH_STDERR = 'e',	/* m->c data */
	ATTACH_EXIT = 'x',	/* m->c int32 exit code; the last message */
	ATTACH_HELLO = 'h',	/* c->m uint8 flags: ATTACH_WANT_* */
	ATTACH_GO = 'g',	/* c->m uint8: 1: and be the first client;
				   m->c: empty: the payload runs, else the
				   struct sync_msg that says why not */
	ATTACH_SPAWN = 'f',	/* c->m with two descriptors: bryo and a socket;
				   started as `bryo __session`, as our child */
	ATTACH_SETTLED = 's',	/* c->m after EXIT: no need for exec_argv;
				   one byte more: delete the directory */
};
#define ATTACH_WANT_STDOUT 1
#define ATTACH_WANT_STDERR 2
#define ATTACH_WANT_STDIN 4
#define ATTACH_MSG_MAX 32768

enum attach_result {
	ATTACH_ENDED,		/* *exit_code is set */
	ATTACH_DETACHED,	/* the detach keys were typed */
	ATTACH_LOST,		/* the monitor died without an exit message */
};

/**
 * struct attach_client - one end of an attach connection
 * @sock:            connected; borrowed
 * @in_fd, @out_fd, @err_fd: -EBADF: not attached; borrowed
 * @tty:             the container has a terminal.  When @in_fd is one too it
 *                   is put into raw mode, its size is passed on and the
 *                   detach keys work
 * @detach_keys:     raw bytes
 * @sig_proxy_pidfd: -EBADF, or the init pidfd that signals are forwarded to
 * @signal:          out: the signal that ended attach_run() with -EINTR
 */
struct attach_client {
	int sock;
	int in_fd, out_fd, err_fd;
	bool tty;
	const char *detach_keys;
	size_t n_detach_keys;
	int sig_proxy_pidfd;
	int signal;
};

#define ATTACH_CLIENT_INIT \
	{ -EBADF, -EBADF, -EBADF, -EBADF, false, "", 0, -EBADF, 0 }

/**
 * attach_run() - the client: pump a terminal or pipes until the payload ends,
 * the detach keys are typed or the monitor is gone
 *
 * The terminal's mode, the signal mask and SIGPIPE are restored on every way
 * out.  Without @sig_proxy_pidfd a SIGINT, SIGTERM, SIGHUP or SIGQUIT ends it
 * with -EINTR.  -EPIPE: nobody reads out_fd or err_fd any more.
 *
 * Return: an enum attach_result, or -errno
 */
int attach_run(struct attach_client *c, int *exit_code, struct err *err);

/**
 * attach_settle() - tell the monitor that its exec_argv has nothing to do
 * @removed: the container's directory lies in the trash; the monitor, which is
 *           root in U and has nothing else to do, deletes it there
 */
void attach_settle(int sock, bool removed);

/**
 * attach_keys_parse() - "ctrl-p,ctrl-q" -> bytes; "" -> none
 *
 * Single characters and ctrl-X with X one of a-z @ [ \ ] ^ _, separated by
 * commas.  Return: 0 or -EINVAL (@ret untouched)
 */
#define ATTACH_KEYS_MAX 16
#define ATTACH_KEYS_DEFAULT "ctrl-p,ctrl-q"
int attach_keys_parse(const char *spec, char ret[ATTACH_KEYS_MAX],
		      size_t *ret_len);

#endif
