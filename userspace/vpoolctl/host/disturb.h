/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_DISTURB_H
#define VPOOLCTL_HOST_DISTURB_H

#include <stddef.h>

#include <libvpool.h>

/**
 * struct disturbance - a setting of the host that disturbs CPUs of a pool
 * @setting: its name, such as "nohz_full"
 * @cpus: list of the disturbed CPUs; owned
 * @what: its value, and what that costs; owned
 * @end: the command that ends it, or "boot with" and a boot parameter; owned
 */
struct disturbance {
	const char *setting;
	char *cpus;
	char *what;
	char *end;
};

/**
 * struct disturbances - all settings of the host that disturb CPUs of a pool
 * @all: array, the worst first; owned
 * @nr: length of @all
 */
struct disturbances {
	struct disturbance *all;
	size_t nr;
};

/* Find the settings that disturb these CPUs. */
void disturbances_find(const struct vpool_cpus *cpus, struct disturbances *found);
void disturbances_free(struct disturbances *found);

#endif /* VPOOLCTL_HOST_DISTURB_H */
