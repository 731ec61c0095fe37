/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUs of a pool that one member has for its own.
 */
#ifndef VPOOL_DEDICATE_H
#define VPOOL_DEDICATE_H

#include "member.h"

int vpool_share_check(struct vpool_member_set *members,
		      struct vpool_extack *extack);
int vpool_dedicate_check(struct vpool_member_set *members,
			 const struct vpool_member *old, int *cpu,
			 struct vpool_extack *extack);
int vpool_dedicated_check(struct vpool_member_set *members,
			  const struct cpumask *cpus,
			  struct vpool_extack *extack);
void vpool_dedicate(struct vpool_member *member, int cpu);
void vpool_dedicate_undo(struct vpool_member *member);

#endif /* VPOOL_DEDICATE_H */
