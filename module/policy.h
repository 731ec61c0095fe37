/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NUMA memory policy: how a region chooses the nodes of its folios.
 */
#ifndef VPOOL_POLICY_H
#define VPOOL_POLICY_H

#include <linux/nodemask.h>
#include <linux/types.h>

#include "extack.h"

struct mempolicy;

/**
 * struct vpool_policy - nodes that folios may come from, and their order
 * @allowed: nodes that folios may come from
 * @first: subset of @allowed that comes first; may be empty
 * @near: NUMA node id; nodes closer to it come before more distant ones
 * @node: NUMA node id that the caller has requested, or VPOOL_ANY_NODE
 * @restricted: a memory policy or a cpuset has removed nodes from @allowed
 * @interleave: spread the folios evenly over @first
 * @last: id of the node that the interleave used last, or NUMA_NO_NODE
 */
struct vpool_policy {
	nodemask_t allowed;
	nodemask_t first;
	int near;
	int node;
	bool restricted;
	bool interleave;
	int last;
};

void vpool_policy_init(struct vpool_policy *policy, int nid);
int vpool_policy_of_task(struct vpool_policy *policy, int nid,
			 struct vpool_extack *extack);
void vpool_policy_of_mapping(struct vpool_policy *policy,
			     const struct mempolicy *mpol, unsigned long index);
void vpool_policy_used(const struct vpool_policy *policy);
int vpool_policy_next(const struct vpool_policy *policy,
		      const nodemask_t *nodes);

#endif /* VPOOL_POLICY_H */
