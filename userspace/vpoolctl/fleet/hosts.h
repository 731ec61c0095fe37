/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_FLEET_HOSTS_H
#define VPOOLCTL_FLEET_HOSTS_H

#include <stddef.h>

/**
 * struct hosts - the hosts that a user names
 * @names: their names, each as ssh(1) takes it; owned
 * @nr: length of @names
 */
struct hosts {
	char **names;
	size_t nr;
};

/*
 * Parse "HOST[,HOST...]" for hosts_free(). Return 0, or -EINVAL with @message set if a
 * name cannot be one, or is there twice.
 */
int hosts_parse(const char *list, struct hosts *hosts, char *message, size_t room);
void hosts_free(struct hosts *hosts);

#endif /* VPOOLCTL_FLEET_HOSTS_H */
