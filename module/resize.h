/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Change of a pool's memory and CPUs.
 */
#ifndef VPOOL_RESIZE_H
#define VPOOL_RESIZE_H

#include <linux/types.h>

struct vpool_extack;
struct vpool_request;

int vpool_pool_resize(const char *name, struct vpool_request *request,
		      u64 *bytes, struct vpool_extack *extack);

#endif /* VPOOL_RESIZE_H */
