/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_SETTINGS_H
#define VPOOLCTL_HOST_SETTINGS_H

#include <stdbool.h>

#include <libvpool.h>

/*
 * Keep the host's own work off @cpus, by settings of the host. An empty set restores their
 * former values. The record of the former values is the file @record. The caller holds the
 * lock of isolate_lock().
 */
void settings_keep_off(const char *record, const struct vpool_cpus *cpus);

/* Tell whether there is a record, so that settings_keep_off() may have to restore values. */
bool settings_are_kept(const char *record);

#endif /* VPOOLCTL_HOST_SETTINGS_H */
