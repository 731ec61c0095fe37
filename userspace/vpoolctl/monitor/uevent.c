// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of the kernel about the directories of pools in sysfs.
 *
 * The kernel sends them to a multicast group, which every user may join. In a container
 * with its own network namespace none arrive.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "monitor/uevent.h"

/* The multicast group of messages from the kernel. udev uses another one. */
#define GROUP_KERNEL 1
#define PREFIX "/kernel/vpool/pools/"
/* Room for the messages of many pools, so that few are lost on a busy host. */
#define SOCKET_BYTES (1024 * 1024)

int uevent_open(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL,
	};
	int size = SOCKET_BYTES, err;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -errno;
	/* Without privilege, the limit of the host applies. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

bool uevent_parse(const char *text, size_t len, struct uevent *uevent)
{
	static const char * const actions[] = {
		[UEVENT_ADD] = "add@" PREFIX,
		[UEVENT_CHANGE] = "change@" PREFIX,
		[UEVENT_REMOVE] = "remove@" PREFIX,
	};
	const char *name;
	size_t i;

	if (!len || text[len - 1])
		return false;
	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strncmp(text, actions[i], strlen(actions[i])))
			continue;
		name = text + strlen(actions[i]);
		if (!vpool_name_is_valid(name))
			return false;
		uevent->action = i;
		snprintf(uevent->pool, sizeof(uevent->pool), "%s", name);
		return true;
	}
	return false;
}

bool uevent_next(int fd, struct uevent *uevent)
{
	struct sockaddr_nl from;
	socklen_t from_len;
	char text[8192];
	ssize_t len;

	for (;;) {
		from_len = sizeof(from);
		len = recvfrom(fd, text, sizeof(text) - 1, 0,
			       (struct sockaddr *)&from, &from_len);
		if (len < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		if (len < 0)
			return false;
		text[len] = '\0';
		/* The kernel's own messages come from port 0. */
		if (!from.nl_pid && uevent_parse(text, len + 1, uevent))
			return true;
	}
}
