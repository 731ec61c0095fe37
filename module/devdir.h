/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The directory /dev/vpool.
 */
#ifndef VPOOL_DEVDIR_H
#define VPOOL_DEVDIR_H

void vpool_devdir_start(void);
void vpool_devdir_stop(void);

void vpool_devdir_unlock(void);
void vpool_devdir_lock(void);

#endif /* VPOOL_DEVDIR_H */
