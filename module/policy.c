// SPDX-License-Identifier: GPL-2.0
/*
 * NUMA memory policy, in the terms of a pool.
 *
 * The kernel applies a policy when it allocates a page. A region takes its folios
 * when it is committed, so a commit applies the policy that the committing task
 * has at that moment: that of set_mempolicy(2) within the nodes of its cpuset.
 * mbind(2) on a mapping comes after the commit; it moves the folios that no task
 * has touched (region.c).
 *
 * The modes mean what they mean to the kernel. MPOL_BIND restricts. The preferred
 * and interleaved nodes come first, and other nodes help out, within the cpuset.
 * Weighted interleaving counts as interleaving: modules cannot read the weights.
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
 * vpool_policy_init - set up a policy that no task and no cpuset restricts
 * @policy: to initialise
 * @nid: the one node that folios come from, or VPOOL_ANY_NODE
 *
 * Context: any; the caller's node is the nearest.
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
 * vpool_policy_of_task - get the policy that current commits memory by
 * @policy: to initialise
 * @nid: the one node that the caller asks for, or VPOOL_ANY_NODE
 * @extack: gets the message of a failure, or NULL
 *
 * A node that the caller names beats its memory policy, but not its cpuset.
 *
 * Context: process context; takes the task's alloc_lock, which set_mempolicy(2)
 * and changes of a cpuset take, too. Return: 0, or -EPERM if the cpuset does
 * not allow @nid.
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

/**
 * vpool_policy_of_mapping - get the policy that mbind(2) asks for
 * @policy: to initialise
 * @mpol: what is asked for, or NULL for the default
 *
 * Context: process context.
 */
void vpool_policy_of_mapping(struct vpool_policy *policy,
			     const struct mempolicy *mpol)
{
	vpool_policy_init(policy, VPOOL_ANY_NODE);
	vpool_policy_apply(policy, mpol);
}

/**
 * vpool_policy_used - let the next commit go on where this one has ended
 * @policy: of current, by which memory was taken
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
			     const struct mempolicy *mpol)
{
	vpool_policy_init(policy, VPOOL_ANY_NODE);
}

void vpool_policy_used(const struct vpool_policy *policy)
{
}
#endif

/**
 * vpool_policy_next - choose the node to take from
 * @policy: by which
 * @nodes: to choose from
 *
 * Return: the first node of @nodes in the order of @policy, or NUMA_NO_NODE if
 * @nodes has none that @policy allows.
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
