/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_SYNC_H
#define OCI_SYNC_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/*
 * The socket between the caller of oci_create()/oci_exec() and the new
 * process: SOCK_SEQPACKET, one struct sync_msg per packet, descriptors as
 * SCM_RIGHTS.  Both ends are the same binary, or bryo-init of the same build;
 * lengths are checked all the same.
 *
 * The end of the file without an error is the good news: execve(2) closed it.
 */
enum sync_type {
	SYNC_MAPPED = 1,  /* to init: the id maps are written */
	SYNC_PID,	  /* to the parent: value = pid of init (forked by H) */
	SYNC_NETNS,	  /* to the parent: network namespace is ready */
	SYNC_FUSE,	  /* to the parent: fd of the FUSE mount */
	SYNC_NO_PROC,	  /* to the parent: no new proc in a new pid ns */
	SYNC_CREATED,	  /* to the parent: text = warnings, fd = console */
	SYNC_START,	  /* to init */
	SYNC_ERR,	  /* to the parent: value = errno, kind, text */
	SYNC_HOOKS,	  /* to the parent: the tree is ready, run hooks */
	SYNC_HOOKED,	  /* to init: they ran; value = its pid out there */
	SYNC_CHOWN,	  /* to the parent: value = index of a mount, text =
			     UID:GID of the container that its source gets */
	SYNC_CHOWNED,	  /* to init: it has */
	SYNC_EXEC_FAILED, /* to the parent: bryo-init; value = errno of execve,
			     text = program */
};

#define SYNC_TEXT_MAX 4096

struct sync_msg {
	uint32_t type;
	int32_t value;
	uint32_t kind;
	uint32_t text_len;
	char text[SYNC_TEXT_MAX];	/* only text_len bytes travel */
};

#define SYNC_HEAD offsetof(struct sync_msg, text)

/** sync_send() - @fd -EBADF: none; @text may be NULL; 0 or -errno */
int sync_send(int sock, enum sync_type type, int32_t value, const char *text,
	      int fd);

/** sync_send_err() - the reason why the caller gives up */
void sync_send_err(int sock, const struct err *err);

/** sync_set_err() - make @ret such a packet without sending it */
void sync_set_err(struct sync_msg *ret, const struct err *err);

/**
 * sync_recv() - the next packet; the text is terminated
 * @ret_fd: owned by the caller, -EBADF when none came; may be NULL
 *
 * Return: 1, 0 at the end of the file, -errno (-EPROTO: malformed)
 */
int sync_recv(int sock, struct sync_msg *msg, int *ret_fd);

/** sync_err() - turn a SYNC_ERR packet into @err; Return: -code */
int sync_err(const struct sync_msg *msg, struct err *err);

/** sync_check() - 0 for a well-formed packet of @n bytes (fuzzed) */
int sync_check(const struct sync_msg *msg, size_t n);

#endif
