/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool's folios: reserving them from the host, handing them to regions clean,
 * taking them back, scrubbing them, giving them back to the host.
 */
#ifndef VPOOL_STORE_H
#define VPOOL_STORE_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "policy.h"
#include "extack.h"
#include "scrub.h"
#include "stat.h"

struct cpumask;
struct vpool_cpus;
struct vpool_store;

/**
 * struct vpool_store_node - a store's folios on one NUMA node
 * @store: the store it belongs to
 * @clean: free folios that are zero, linked by their lru
 * @dirty: free folios that wait to be zeroed
 * @pinned: folios that a region released while something still held them
 * @poisoned: folios with broken memory in them, set aside for good
 * @nr_total: folios the store owns here
 * @nr_clean: on @clean
 * @nr_dirty: on @dirty
 * @nr_scrubbing: off @dirty, in the hands of the scrubbers
 * @nr_pinned: on @pinned
 * @nr_poisoned: on @poisoned
 * @nr_held: free folios that were promised to takers and to the host
 * @scrub: zero @dirty
 */
struct vpool_store_node {
	struct vpool_store *store;
	struct list_head clean;
	struct list_head dirty;
	struct list_head pinned;
	struct list_head poisoned;
	unsigned long nr_total;
	unsigned long nr_clean;
	unsigned long nr_dirty;
	unsigned long nr_scrubbing;
	unsigned long nr_pinned;
	unsigned long nr_poisoned;
	unsigned long nr_held;
	struct vpool_scrub scrub[VPOOL_SCRUBBERS];
};

/**
 * struct vpool_store - a pool's memory
 * @lock: guards the lists and the counts; a leaf. Held for a batch of folios at
 *	most
 * @name: of the pool, for reasons and traces
 * @cpus: of the pool, for scrubbing; may be NULL
 * @order: of every folio in it
 * @target: how many folios it has, or is about to have
 * @gathered: how many of those to come have been taken from the host
 * @promised: free folios that takers were promised and have not yet popped
 * @peak: the most folios that were ever in regions or pinned
 * @progress: woken when a folio becomes clean
 * @recheck: looks whether pinned folios are free of pins now
 * @recheck_delay: after what time it looks again, in jiffies
 * @has_pinned: there was a pinned folio after @unpinned was last called
 * @unpinned: called when the last pin is gone, by @recheck; does not sleep. Or NULL
 * @stat: the pool's counters
 * @node: one for each possible node id, for as long as there is the pool
 */
struct vpool_store {
	spinlock_t lock;	/* the lists and counts */
	const char *name;
	const struct vpool_cpus *cpus;
	unsigned int order;
	unsigned long target;
	unsigned long gathered;
	unsigned long promised;
	unsigned long peak;
	wait_queue_head_t progress;
	struct delayed_work recheck;
	unsigned long recheck_delay;
	bool has_pinned;
	void (*unpinned)(struct vpool_store *store);
	struct vpool_stat *stat;
	struct vpool_store_node *node;
};

/**
 * struct vpool_usage - how much of a store is in what state, in bytes
 * @total: all of it; always @free + @used + @poisoned
 * @free: always @clean + @scrubbing
 * @used: in regions, or released but pinned
 * @clean: free and zero
 * @scrubbing: free and not yet zero
 * @poisoned: set aside
 * @peak: the highest @used so far; for a whole store only
 * @target: what @total is, or is about to be; for a whole store only
 * @gathered: taken from the host, but not yet in @total; for a whole store only
 */
struct vpool_usage {
	u64 total;
	u64 free;
	u64 used;
	u64 clean;
	u64 scrubbing;
	u64 poisoned;
	u64 peak;
	u64 target;
	u64 gathered;
};

/**
 * enum vpool_poisoned - whose a poisoned page is
 * @VPOOL_POISONED_OTHERS: not the store's
 * @VPOOL_POISONED_ASIDE: the store's, and no region has it
 * @VPOOL_POISONED_USED: the store's, and a region has or had it
 */
enum vpool_poisoned {
	VPOOL_POISONED_OTHERS,
	VPOOL_POISONED_ASIDE,
	VPOOL_POISONED_USED,
};

/**
 * struct vpool_gather - memory on its way from the host into a store
 * @store: which
 * @folios: gathered so far
 * @cpus: memory of no particular node comes from near these CPUs, a share for each,
 *	as long as there is some; NULL or empty: from the node that has most
 * @patience: how long to wait for memory that is short, in jiffies; what was
 *	waited is taken off
 * @cancelled: whether to give up, or NULL
 */
struct vpool_gather {
	struct vpool_store *store;
	struct list_head folios;
	const struct cpumask *cpus;
	unsigned long patience;
	bool (*cancelled)(struct vpool_store *store);
};

int vpool_store_init(struct vpool_store *store, const char *name,
		     const struct vpool_cpus *cpus, unsigned int order,
		     struct vpool_stat *stat);
int vpool_store_gather(struct vpool_gather *gather, int nid, u64 bytes,
		       struct vpool_extack *extack);
void vpool_store_publish(struct vpool_gather *gather);
void vpool_store_discard(struct vpool_gather *gather);
void vpool_store_set_target(struct vpool_store *store, u64 bytes);
int vpool_store_hold(struct vpool_store *store, const u64 *bytes,
		     struct vpool_extack *extack);
void vpool_store_shrink(struct vpool_store *store, const u64 *bytes);
u64 vpool_store_pinned(struct vpool_store *store);
void vpool_store_close(struct vpool_store *store);
void vpool_store_exit(struct vpool_store *store);

unsigned long vpool_store_can_give(struct vpool_store *store,
				   const struct vpool_policy *policy);
int vpool_store_can_take(struct vpool_store *store,
			 const struct vpool_policy *policy, unsigned long nr,
			 struct vpool_extack *extack);
int vpool_store_take(struct vpool_store *store, struct vpool_policy *policy,
		     struct folio **folios, unsigned long nr, bool zero,
		     struct vpool_extack *extack);
void vpool_store_return(struct vpool_store *store, struct folio **folios,
			unsigned long nr);

enum vpool_poisoned vpool_store_poison(struct vpool_store *store,
				       struct page *page, bool has_ref);
unsigned long vpool_store_scrub_batch(struct vpool_store_node *node);

void vpool_store_usage(struct vpool_store *store, struct vpool_usage *usage);
void vpool_store_node_usage(struct vpool_store *store, int nid,
			    struct vpool_usage *usage);

static inline u64 vpool_store_page_size(const struct vpool_store *store)
{
	return (u64)PAGE_SIZE << store->order;
}

static inline int vpool_store_node_id(const struct vpool_store_node *node)
{
	return node - node->store->node;
}

#endif /* VPOOL_STORE_H */
