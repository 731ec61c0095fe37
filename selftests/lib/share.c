// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "share.h"

/* Call futex(2) with a timeout. Return what it returns; errno has the error. */
int vp_futex(int *word, int op, int value, int ms)
{
	struct timespec time = { .tv_nsec = ms * 1000000L };

	time.tv_sec = ms / 1000;
	time.tv_nsec %= 1000000000;
	return syscall(SYS_futex, word, op, value, &time, NULL, 0);
}

union fd_message {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static struct msghdr fd_header(union fd_message *control, struct iovec *iov)
{
	return (struct msghdr) {
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(*control),
	};
}

/* Send a descriptor through a socket. */
int vp_send_fd(int socket, int fd)
{
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	union fd_message control = {
		.head = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct msghdr msg = fd_header(&control, &iov);

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

/* Receive a descriptor from a socket. Return -1 if that fails. */
int vp_receive_fd(int socket)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union fd_message control;
	struct msghdr msg = fd_header(&control, &iov);
	int fd = -1;

	if (recvmsg(socket, &msg, 0) == 1)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}
