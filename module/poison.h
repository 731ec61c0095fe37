/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hardware memory errors in pools.
 */
#ifndef VPOOL_POISON_H
#define VPOOL_POISON_H

int vpool_poison_start(void);
void vpool_poison_stop(void);

#endif /* VPOOL_POISON_H */
