/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_OCI_CTR_H
#define TESTS_UNIT_OCI_CTR_H

#include "libpod/oci/oci.h"
#include "util/sb.h"

/*
 * Starts containers for the tests of libpod/oci.  ctr_main() puts the test
 * program itself into a user namespace U with the caller's subuids (root
 * stays as it is, without subuids there is a single id), makes a directory
 * for layers and states, and removes it at the end.
 */

/** ctr_main() - prepare, run the tests, clean up; returns the exit code */
int ctr_main(int (*tests)(void));

/** ctr_single_id() - only one id is mapped in U (BRYO_TEST_SINGLE=1) */
bool ctr_single_id(void);

/** ctr_dir() - descriptor of the test's own directory; borrowed */
int ctr_dir(void);
const char *ctr_dir_path(void);

/** ctr_layers() - descriptor of the layer directory, with "bb/diff" */
int ctr_layers(void);

/**
 * struct ctr - one container to be
 * @out:  what it wrote to stdout and stderr
 * @code: its exit code
 */
#define CTR_MOUNTS_MAX 24
struct ctr {
	struct oci_spec spec;
	struct oci_mount mounts[CTR_MOUNTS_MAX];
	int state_fd;
	struct oci_io io;
	struct oci_ctr run;
	struct sb out;
	int code;
	char *sh[4];		/* argv of ctr_sh() */
	char *lower[3];		/* for tests with an image of their own */
	char *lower_name;	/* owned */
};

/** ctr_init() - busybox on an overlay, all namespaces, default mounts */
void ctr_init(struct ctr *c, char *const *args);
void ctr_done(struct ctr *c);

/** ctr_mount() - append to the mounts */
struct oci_mount *ctr_mount(struct ctr *c, enum oci_mount_kind kind,
			    const char *target);

/** ctr_sh() - ctr_init() for sh -c @script */
void ctr_sh(struct ctr *c, const char *script);

/** ctr_run() - create, start, read the output, wait: 0 or -errno */
int ctr_run(struct ctr *c, struct err *err);

/** ctr_start() - create and start with stdout and stderr in *ret_out */
int ctr_start(struct ctr *c, int *ret_out, struct err *err);

/** ctr_wait_exec() - until the first process has executed @program: in the
 *  middle of execve(2) it has no command line, and ps(1) shows none */
void ctr_wait_exec(const struct ctr *c, const char *program);

/** ctr_wait() - the exit code of what a pidfd names; closes it */
int ctr_wait(int *pidfd);

/** ctr_line() - the rest of the line in @out that starts with @key; static */
const char *ctr_line(const struct ctr *c, const char *key);

/** ctr_image() - a writable layer directory @name; "NAME/diff", O_PATH */
int ctr_image(const char *name);

#define auto_ctr cleanup(ctr_done)
#define CTR_INIT { .state_fd = -EBADF, \
		   .io = { { -EBADF, -EBADF, -EBADF }, -EBADF }, \
		   .run = OCI_CTR_INIT, \
		   .out = SB_INIT }

#endif
