/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking folios out of a store for a region.
 */
#ifndef VPOOL_TAKE_H
#define VPOOL_TAKE_H

#include <linux/types.h>

#include "extack.h"

struct folio;
struct vpool_policy;
struct vpool_store;
struct vpool_user;

unsigned long vpool_take_available(struct vpool_store *store,
				   const struct vpool_policy *policy);
int vpool_take_check(struct vpool_store *store,
		     const struct vpool_policy *policy, unsigned long nr,
		     struct vpool_extack *extack);
int vpool_take_charge(struct vpool_store *store, struct vpool_user *user,
		      unsigned long nr, struct vpool_extack *extack);
int vpool_take_folios(struct vpool_store *store, struct vpool_policy *policy,
		      struct folio **folios, unsigned long nr, bool zero,
		      struct vpool_extack *extack);

#endif /* VPOOL_TAKE_H */
