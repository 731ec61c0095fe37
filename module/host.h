/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's side of a reservation: what may be taken, and taking it.
 */
#ifndef VPOOL_HOST_H
#define VPOOL_HOST_H

#include <linux/mm_types.h>
#include <linux/types.h>

#include "reason.h"

int vpool_host_can_spare(u64 bytes, struct vpool_why *why);
struct folio *vpool_host_take(unsigned int order, int nid, bool wait);

#endif /* VPOOL_HOST_H */
