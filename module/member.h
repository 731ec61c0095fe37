/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Members: the tasks that run on a pool's CPUs only.
 */
#ifndef VPOOL_MEMBER_H
#define VPOOL_MEMBER_H

#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/vpool.h>

#include "reason.h"

/**
 * struct vpool_member_set - who is attached to one pool
 * @name: of the pool, for reasons
 * @cpus: the CPUs they run on; the pool's
 * @list: of struct vpool_member, under the lock of all members
 * @nr: how many; under the same lock
 * @closed: nobody may attach any more; under the same lock
 * @emptied: called when the last one is gone, in any context, or NULL
 */
struct vpool_member_set {
	const char *name;
	const struct cpumask *cpus;
	struct list_head list;
	unsigned int nr;
	bool closed;
	void (*emptied)(struct vpool_member_set *members);
};

int vpool_members_start(void);
void vpool_members_stop(void);

void vpool_members_init(struct vpool_member_set *members, const char *name,
			const struct cpumask *cpus);
bool vpool_members_close(struct vpool_member_set *members, bool force);

int vpool_member_attach(struct vpool_member_set *members, bool process,
			struct vpool_why *why);
int vpool_member_detach(struct vpool_member_set *members, bool process,
			struct vpool_why *why);
unsigned int vpool_members_list(struct vpool_member_set *members,
				struct vpool_member_info *info,
				unsigned int max);

#endif /* VPOOL_MEMBER_H */
