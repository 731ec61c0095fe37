/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPU hotplug.
 */
#ifndef VPOOL_HOTPLUG_H
#define VPOOL_HOTPLUG_H

int vpool_hotplug_start(void);
void vpool_hotplug_stop(void);

#endif /* VPOOL_HOTPLUG_H */
