/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OWNERSHIP_H
#define VPOOLCTL_OWNERSHIP_H

#include <stddef.h>
#include <sys/types.h>

/**
 * parse_owner() - parse the owner of a pool's device
 * @text: "USER", "USER:GROUP" or ":GROUP", by name or number
 * @uid: receives the user id; unchanged if @text names no user
 * @gid: receives the group id; the group of the user if @text names no group
 * @message: receives a message on failure
 * @room: room in @message, in bytes
 *
 * Return: 0 or -EINVAL
 */
int parse_owner(const char *text, uid_t *uid, gid_t *gid, char *message,
		size_t room);

/* Parse the permission bits of a pool's device, as parse_owner() does. */
int parse_mode(const char *text, mode_t *mode, char *message, size_t room);

#endif /* VPOOLCTL_OWNERSHIP_H */
