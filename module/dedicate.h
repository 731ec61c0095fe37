/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUs of a pool that are dedicated to one member.
 */
#ifndef VPOOL_DEDICATE_H
#define VPOOL_DEDICATE_H

struct cpumask;
struct vpool_extack;
struct vpool_member;
struct vpool_member_set;

int vpool_dedicate_check(struct vpool_member_set *members,
			 const struct vpool_member *old, int *cpu,
			 struct vpool_extack *extack);
int vpool_dedicate_check_shared(struct vpool_member_set *members,
				struct vpool_extack *extack);
int vpool_dedicate_check_resize(struct vpool_member_set *members,
				const struct cpumask *cpus,
				struct vpool_extack *extack);
void vpool_dedicate(struct vpool_member *member, int cpu);
void vpool_dedicate_undo(struct vpool_member *member);

#endif /* VPOOL_DEDICATE_H */
