/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/sync.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

static void set_text(struct sync_msg *msg, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= SYNC_TEXT_MAX)
		len = SYNC_TEXT_MAX - 1;
	if (len)
		memcpy(msg->text, text, len);
	msg->text_len = (uint32_t)len;
}

static int send_msg(int sock, struct sync_msg *msg, const char *text, int fd)
{
	ssize_t n;

	set_text(msg, text);
	n = sock_send_fds(sock, msg, SYNC_HEAD + msg->text_len, &fd,
			  fd >= 0 ? 1 : 0);
	return n < 0 ? (int)n : 0;
}

int sync_send(int sock, enum sync_type type, int32_t value, const char *text,
	      int fd)
{
	struct sync_msg msg;

	msg.type = type;
	msg.value = value;
	msg.kind = 0;
	return send_msg(sock, &msg, text, fd);
}

static void set_err(struct sync_msg *msg, const struct err *err)
{
	msg->type = SYNC_ERR;
	msg->value = err->code ? err->code : EIO;
	msg->kind = err->kind;
}

void sync_set_err(struct sync_msg *ret, const struct err *err)
{
	set_err(ret, err);
	set_text(ret, err->msg);
}

void sync_send_err(int sock, const struct err *err)
{
	struct sync_msg msg;

	set_err(&msg, err);
	(void)send_msg(sock, &msg, err->msg, -EBADF);
}

int sync_check(const struct sync_msg *msg, size_t n)
{
	if (n < SYNC_HEAD || msg->text_len >= SYNC_TEXT_MAX ||
	    n != SYNC_HEAD + msg->text_len)
		return -EPROTO;
	if (msg->type < SYNC_MAPPED || msg->type > SYNC_EXEC_FAILED)
		return -EPROTO;
	return 0;
}

int sync_recv(int sock, struct sync_msg *msg, int *ret_fd)
{
	autoclose int fd = -EBADF;
	size_t n_fds = 1;
	ssize_t n;
	int r;

	n = sock_recv_fds(sock, msg, sizeof(*msg), &fd, &n_fds);
	/* When the peer ended with something of ours unread the kernel says so
	   once, in front of what the peer had sent: its reason, perhaps */
	if (n == -ECONNRESET)
		n = sock_recv_fds(sock, msg, sizeof(*msg), &fd, &n_fds);
	if (ret_fd)
		*ret_fd = -EBADF;
	if (n == -ECONNRESET || n == 0)
		return 0;
	if (n < 0)
		return (int)n;
	r = sync_check(msg, (size_t)n);
	if (r < 0)
		return r;
	msg->text[msg->text_len] = '\0';
	if (ret_fd && n_fds)
		*ret_fd = take_fd(fd);
	return 1;
}

int sync_err(const struct sync_msg *msg, struct err *err)
{
	int code = msg->value > 0 && msg->value < 4096 ? msg->value : EIO;
	enum err_kind kind = ERR_FAIL;

	if (msg->kind <= ERR_INVALID)
		kind = (enum err_kind)msg->kind;
	return err_set(err, kind, code, "%s", msg->text);
}
