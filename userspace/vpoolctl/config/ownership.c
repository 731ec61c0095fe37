// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsers of the owner and the mode of a pool's device.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "config/ownership.h"
#include "output/units.h"

/* Parse a numeric user or group id. */
static bool number_of(const char *text, unsigned int *id)
{
	unsigned long value;

	if (parse_number(text, 0, VPOOL_ID_CALLER - 1, &value))
		return false;
	*id = value;
	return true;
}

static int parse_user(const char *user, uid_t *uid, gid_t *gid, char *message,
		      size_t room)
{
	const struct passwd *pw = getpwnam(user);

	if (!pw && !number_of(user, uid)) {
		snprintf(message, room, "no user '%s'", user);
		return -EINVAL;
	}
	if (!pw)
		pw = getpwuid(*uid);
	if (pw) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
	return 0;
}

static int parse_group(const char *group, gid_t *gid, char *message, size_t room)
{
	const struct group *gr = getgrnam(group);

	if (gr) {
		*gid = gr->gr_gid;
		return 0;
	}
	if (number_of(group, gid))
		return 0;
	snprintf(message, room, "no group '%s'", group);
	return -EINVAL;
}

int parse_owner(const char *text, uid_t *uid, gid_t *gid, char *message,
		size_t room)
{
	char *user = xstrdup(text), *group = strchr(user, ':');
	int err = 0;

	if (group)
		*group++ = '\0';
	if (!*user && (!group || !*group)) {
		snprintf(message, room, "expected USER:GROUP");
		err = -EINVAL;
	}
	if (!err && *user)
		err = parse_user(user, uid, gid, message, room);
	if (!err && group && *group)
		err = parse_group(group, gid, message, room);
	free(user);
	return err;
}

int parse_mode(const char *text, mode_t *mode, char *message, size_t room)
{
	unsigned long value;
	char *end;

	value = strtoul(text, &end, 8);
	if (!isdigit((unsigned char)*text) || *end || value & ~0666UL) {
		snprintf(message, room, "'%s' is not within 0666, in octal", text);
		return -EINVAL;
	}
	*mode = value;
	return 0;
}
