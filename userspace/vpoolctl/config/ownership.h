/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OWNERSHIP_H
#define VPOOLCTL_OWNERSHIP_H

#include <stddef.h>
#include <sys/types.h>

/**
 * parse_owner() - read who is to own a pool's node
 * @text: "USER", "USER:GROUP" or ":GROUP", by name or number
 * @uid: the user; left alone if @text names none
 * @gid: the group; that of the user if @text names none
 * @message: what is wrong with @text
 * @room: room there
 *
 * Return: 0 or -EINVAL
 */
int parse_owner(const char *text, uid_t *uid, gid_t *gid, char *message,
		size_t room);

/* Read permission bits of a pool's node; 0 or -EINVAL, as parse_owner(). */
int parse_mode(const char *text, mode_t *mode, char *message, size_t room);

#endif /* VPOOLCTL_OWNERSHIP_H */
