// SPDX-License-Identifier: GPL-2.0
/*
 * mbind(2): moving folios of a region to other NUMA nodes.
 *
 * A region takes its folios at commit, before a task can give its mapping a policy.
 * mbind(2) therefore replaces folios of the range that no task has faulted in. They
 * hold no data, no page table maps them and nothing pins them. Folios that have been
 * faulted in stay on their node.
 *
 * A fault marks its folio as touched under vpool_region.sem, for which mbind(2) waits,
 * so a replaced folio is never one that a fault has found.
 */
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "move.h"
#include "policy.h"
#include "region.h"
#include "store.h"
#include "take.h"

/**
 * struct vpool_move - folios of a region to move
 * @region: region, with its semaphore held for writing
 * @first: index of the first folio in the range
 * @end: index after the last folio in the range
 * @policy: its allowed nodes are the destination
 * @stride: an interleave moves only one of this many consecutive folios
 * @phase: index, modulo @stride, of the folios to move
 * @must: move all folios that are on other nodes, or fail
 * @extack: message of a failed call, or NULL
 */
struct vpool_move {
	struct vpool_region *region;
	unsigned long first;
	unsigned long end;
	struct vpool_policy policy;
	unsigned int stride;
	unsigned int phase;
	bool must;
	struct vpool_extack *extack;
};

/* Find the next folio to move, from index @i on; returns @end if there is none. */
static unsigned long vpool_move_next(const struct vpool_move *move,
				     unsigned long i)
{
	struct vpool_region *region = move->region;

	for (; i < move->end; i++)
		if (i % move->stride == move->phase && region->folios[i] &&
		    !test_bit(i, region->touched) &&
		    !node_isset(folio_nid(region->folios[i]),
				move->policy.allowed))
			break;
	return i;
}

/* Exchange @nr folios of the array for folios of the region. */
static void vpool_move_swap(const struct vpool_move *move,
			    struct folio **folios, unsigned long nr)
{
	unsigned long i = move->first, n;

	for (n = 0; n < nr; n++, i++) {
		i = vpool_move_next(move, i);
		folios[n] = vpool_region_replace(move->region, i, folios[n]);
	}
}

static int vpool_move_run(struct vpool_move *move)
{
	struct vpool_store *store = move->region->store;
	unsigned long i, nr = 0;
	struct folio **folios;
	int err;

	lockdep_assert_held_write(&move->region->sem);
	for (i = vpool_move_next(move, move->first); i < move->end;
	     i = vpool_move_next(move, i + 1))
		nr++;
	if (!move->must)
		nr = min(nr, vpool_take_available(store, &move->policy));
	if (!nr)
		return 0;
	folios = kvmalloc_array(nr, sizeof(*folios),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!folios)
		return -ENOMEM;
	/* The caller holds the mmap lock: leave the zeroing to the first fault. */
	err = vpool_take_folios(store, &move->policy, folios, nr, false,
				move->extack);
	if (!err) {
		vpool_move_swap(move, folios, nr);
		/* The region has as many as before, so its user pays for as many. */
		vpool_store_return(store, folios, nr, NULL);
	}
	kvfree(folios);
	return move->must || err == -EINTR ? err : 0;
}

/* With n preferred nodes, each gets every n-th folio of the region. */
static int vpool_move_interleave(struct vpool_move *move)
{
	nodemask_t nodes = move->policy.first;
	int nid, err = 0;

	move->policy.interleave = false;
	move->stride = nodes_weight(nodes);
	for_each_node_mask(nid, nodes) {
		move->policy.allowed = nodemask_of_node(nid);
		err = vpool_move_run(move);
		if (err)
			return err;
		move->phase++;
	}
	return 0;
}

static int vpool_move_by_policy(struct vpool_move *move)
{
	if (move->policy.interleave)
		return vpool_move_interleave(move);
	move->must = move->policy.restricted;
	if (!nodes_empty(move->policy.first))
		move->policy.allowed = move->policy.first;
	return vpool_move_run(move);
}

/**
 * vpool_move_folios - move folios that are not in use to the nodes of a policy
 * @region: region whose folios may move
 * @pgoff: start of the range in the region, in pages
 * @pages: length of the range, in pages, not 0
 * @mpol: policy, or NULL for the default
 * @extack: message of a failed call, or NULL
 *
 * A restricting policy moves all such folios or fails. Other policies move as many as
 * the store has on their nodes.
 *
 * Context: sleeps; called with the mmap lock held for writing; takes @region->sem.
 * Return: 0, -ENOMEM, or -EINTR if a signal kills the caller.
 */
int vpool_move_folios(struct vpool_region *region, pgoff_t pgoff,
		      unsigned long pages, const struct mempolicy *mpol,
		      struct vpool_extack *extack)
{
	unsigned int order = region->store->order;
	struct vpool_move move = {
		.region = region,
		.first = pgoff >> order,
		.end = ((pgoff + pages - 1) >> order) + 1,
		.stride = 1,
		.extack = extack,
	};
	int err = 0;

	vpool_policy_of_mapping(&move.policy, mpol, move.first);
	if (down_write_killable(&region->sem))
		return -EINTR;
	move.end = min(move.end, region->nr);
	if (!region->revoked)
		err = vpool_move_by_policy(&move);
	up_write(&region->sem);
	return err;
}
