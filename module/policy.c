// SPDX-License-Identifier: GPL-2.0
/*
 * NUMA memory policy: how a region chooses the nodes of its folios.
 *
 * The kernel applies a memory policy when it allocates a page. A region takes its folios
 * at commit, so the commit applies the policy that the task has at that time: the one
 * of set_mempolicy(2), limited to the nodes of the task's cpuset. mbind(2) on a mapping
 * comes after the commit, and moves the folios that no task has touched (move.c).
 *
 * The modes have the kernel's meaning. MPOL_BIND restricts the nodes. With the preferred
 * and interleave modes, the nodes of the policy come first, and other nodes of the cpuset
 * follow if memory runs short. Weighted interleave works like interleave, because modules
 * cannot read the weights.
 */
#include <linux/cpuset.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/vpool.h>

#include "policy.h"

/**
 * vpool_policy_init - set up a policy without the restrictions of a task or a cpuset
 * @policy: structure to initialize
 * @nid: NUMA node id that folios must come from, or VPOOL_ANY_NODE
 *
 * Context: any; node distances are measured from the node of current.
 */
void vpool_policy_init(struct vpool_policy *policy, int nid)
{
	memset(policy, 0, sizeof(*policy));
	policy->node = nid;
	policy->near = numa_mem_id();
	policy->last = NUMA_NO_NODE;
	if (nid == VPOOL_ANY_NODE)
		policy->allowed = node_states[N_MEMORY];
	else
		node_set(nid, policy->allowed);
}

#ifdef CONFIG_NUMA
static void vpool_policy_restrict(struct vpool_policy *policy,
				  const nodemask_t *nodes)
{
	nodemask_t before = policy->allowed;

	nodes_and(policy->allowed, policy->allowed, *nodes);
	policy->restricted |= !nodes_equal(before, policy->allowed);
}

static void vpool_policy_apply(struct vpool_policy *policy,
			       const struct mempolicy *mpol)
{
	if (!mpol)
		return;
	switch (mpol->mode) {
	case MPOL_DEFAULT:
	case MPOL_LOCAL:
		return;
	case MPOL_BIND:
		vpool_policy_restrict(policy, &mpol->nodes);
		break;
	case MPOL_PREFERRED:
	case MPOL_PREFERRED_MANY:
		nodes_and(policy->first, policy->allowed, mpol->nodes);
		break;
	default:
		nodes_and(policy->first, policy->allowed, mpol->nodes);
		policy->interleave = !nodes_empty(policy->first);
	}
	if (mpol->home_node != NUMA_NO_NODE)
		policy->near = mpol->home_node;
}

/**
 * vpool_policy_of_task - get the policy by which current commits memory
 * @policy: structure to initialize
 * @nid: NUMA node id that the caller requests, or VPOOL_ANY_NODE
 * @extack: message of a failed call, or NULL
 *
 * A node id overrides the memory policy of current, but not its cpuset.
 *
 * Context: process context; takes the alloc_lock of current, like set_mempolicy(2) and
 * changes of a cpuset.
 * Return: 0, or -EPERM if the cpuset does not allow @nid.
 */
int vpool_policy_of_task(struct vpool_policy *policy, int nid,
			 struct vpool_extack *extack)
{
	nodemask_t mems;

	vpool_policy_init(policy, nid);
	task_lock(current);
	mems = cpuset_current_mems_allowed;
	if (nid == VPOOL_ANY_NODE) {
		vpool_policy_restrict(policy, &mems);
		vpool_policy_apply(policy, current->mempolicy);
		if (policy->interleave)
			policy->last = current->il_prev;
	}
	task_unlock(current);
	if (nid == VPOOL_ANY_NODE || node_isset(nid, mems))
		return 0;
	return vpool_err(extack, -EPERM, VPOOL_CODE_CPUSET_NODE,
			 "the caller's cpuset allows memory of node %*pbl, not of node %d",
			 nodemask_pr_args(&mems), nid);
}

/* Let an interleave start with the node that folio @index of a region belongs on. */
static void vpool_policy_seek(struct vpool_policy *policy, unsigned long index)
{
	unsigned int i, nodes = nodes_weight(policy->first);

	policy->last = find_last_bit(policy->first.bits, MAX_NUMNODES);
	for (i = 0; i < index % nodes; i++)
		policy->last = next_node_in(policy->last, policy->first);
}

/**
 * vpool_policy_of_mapping - get the policy that mbind(2) sets
 * @policy: structure to initialize
 * @mpol: policy of the mapping, or NULL for the default
 * @index: index in the region of the first folio to take
 *
 * Context: process context.
 */
void vpool_policy_of_mapping(struct vpool_policy *policy,
			     const struct mempolicy *mpol, unsigned long index)
{
	vpool_policy_init(policy, VPOOL_ANY_NODE);
	vpool_policy_apply(policy, mpol);
	if (policy->interleave)
		vpool_policy_seek(policy, index);
}

/**
 * vpool_policy_used - let the next interleave of current continue after this one
 * @policy: policy by which current has taken memory
 *
 * Context: process context.
 */
void vpool_policy_used(const struct vpool_policy *policy)
{
	if (policy->interleave && policy->last != NUMA_NO_NODE)
		current->il_prev = policy->last;
}
#else
int vpool_policy_of_task(struct vpool_policy *policy, int nid,
			 struct vpool_extack *extack)
{
	vpool_policy_init(policy, nid);
	return 0;
}

void vpool_policy_of_mapping(struct vpool_policy *policy,
			     const struct mempolicy *mpol, unsigned long index)
{
	vpool_policy_init(policy, VPOOL_ANY_NODE);
}

void vpool_policy_used(const struct vpool_policy *policy)
{
}
#endif

/**
 * vpool_policy_next - choose the next node to take folios from
 * @policy: policy that orders the nodes
 * @nodes: candidates
 *
 * Return: id of the first candidate in the order of @policy, or NUMA_NO_NODE if
 * @policy allows none of them.
 */
int vpool_policy_next(const struct vpool_policy *policy,
		      const nodemask_t *nodes)
{
	int nid, best = NUMA_NO_NODE;
	bool first, best_first = false;

	for_each_node_mask(nid, *nodes) {
		if (!node_isset(nid, policy->allowed))
			continue;
		first = node_isset(nid, policy->first);
		if (best == NUMA_NO_NODE || first > best_first ||
		    (first == best_first && node_distance(policy->near, nid) <
		     node_distance(policy->near, best))) {
			best = nid;
			best_first = first;
		}
	}
	return best;
}
