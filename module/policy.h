/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NUMA memory policy: from which nodes of a pool a region takes its folios.
 */
#ifndef VPOOL_POLICY_H
#define VPOOL_POLICY_H

#include <linux/nodemask.h>
#include <linux/types.h>

#include "extack.h"

struct mempolicy;

/**
 * struct vpool_policy - which nodes, and in what order
 * @allowed: folios come from these nodes only
 * @first: those of @allowed that are taken before the others
 * @near: of two nodes, the one nearer to this node is taken first
 * @node: the one node that the caller named, or VPOOL_ANY_NODE
 * @restricted: a policy or a cpuset took nodes out of @allowed
 * @interleave: spread the folios evenly over @first
 * @last: the node of @first that interleaving took last, or NUMA_NO_NODE
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
			     const struct mempolicy *mpol);
void vpool_policy_used(const struct vpool_policy *policy);
int vpool_policy_next(const struct vpool_policy *policy,
		      const nodemask_t *nodes);

#endif /* VPOOL_POLICY_H */
