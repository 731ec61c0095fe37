/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Creation of a pool.
 */
#ifndef VPOOL_CREATE_H
#define VPOOL_CREATE_H

#include <linux/types.h>

struct vpool_extack;
struct vpool_spec;

int vpool_pool_create(struct vpool_spec *spec, u32 *id,
		      struct vpool_extack *extack);

#endif /* VPOOL_CREATE_H */
