// SPDX-License-Identifier: GPL-2.0
/*
 * The host's memory, from which pools take folios: what may be taken, and how.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/topology.h>
#include <linux/vpool.h>

#include "compat.h"
#include "host.h"

static unsigned long host_mem_floor = 256;
module_param(host_mem_floor, ulong, 0644);
MODULE_PARM_DESC(host_mem_floor,
		 "MiB of available memory that pools never take from the host");

/**
 * vpool_host_can_spare - would taking this leave the host its floor?
 * @bytes: how much is to be taken
 * @why: told if not
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_host_can_spare(u64 bytes, struct vpool_why *why)
{
	u64 available = (u64)si_mem_available() << PAGE_SHIFT;
	u64 floor = (u64)READ_ONCE(host_mem_floor) << 20;

	if (available > floor && available - floor >= bytes)
		return 0;
	return vpool_fail(why, -ENOMEM,
			  "%s asked, but the host has %s available and keeps %s (host_mem_floor)",
			  vpool_size(bytes).s, vpool_size(available).s,
			  vpool_size(floor).s);
}

/**
 * vpool_host_take - take one folio from the host
 * @order: of the folio
 * @nid: the node it must come from, or VPOOL_ANY_NODE
 * @wait: whether to reclaim and compact for it
 *
 * Never calls the OOM killer: neither flag lets the allocator go that far.
 *
 * Context: sleeps.
 * Return: the folio with one reference, or NULL.
 */
struct folio *vpool_host_take(unsigned int order, int nid, bool wait)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_NOWARN;

	gfp |= wait ? __GFP_RETRY_MAYFAIL : __GFP_NORETRY;
	if (nid == VPOOL_ANY_NODE)
		nid = numa_mem_id();
	else
		gfp |= __GFP_THISNODE;
	return __folio_alloc(gfp, order, nid, NULL);
}
