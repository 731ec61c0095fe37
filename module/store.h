/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store: the memory of one pool. The essay in store.c explains the terms.
 */
#ifndef VPOOL_STORE_H
#define VPOOL_STORE_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "extack.h"
#include "folio.h"
#include "scrub.h"
#include "stat.h"

struct vpool_cpus;
struct vpool_store;
struct vpool_user;

/* Maximum number of folios moved in one critical section of the store's lock. */
#define VPOOL_STORE_BATCH 32UL
/* How often a task that waits for the scrubbers raises their priority, in jiffies. */
#define VPOOL_STORE_PUSH (HZ / 50 + 1)

/**
 * struct vpool_store_node - folios of a store on one NUMA node
 * @store: owner of this structure
 * @clean: clean folios, linked by their lru like those of the other lists
 * @dirty: dirty folios
 * @pinned: pinned folios
 * @poisoned: poisoned folios
 * @nr_total: number of folios that the store owns on this node, in any state
 * @nr_clean: number of folios on @clean
 * @nr_dirty: number of folios on @dirty
 * @nr_scrubbing: number of folios that scrubbers have taken off @dirty to zero them
 * @nr_pinned: number of folios on @pinned
 * @nr_poisoned: number of folios on @poisoned
 * @nr_reserved: number of free folios reserved for takers or for a shrink
 * @scrub: threads that zero @dirty
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
	unsigned long nr_reserved;
	struct vpool_scrub scrub;
};

/**
 * struct vpool_store - memory of one pool
 * @lock: guards the lists and counters of this structure and of @node. A leaf, held
 *	for at most %VPOOL_STORE_BATCH folios
 * @name: name of the pool, for messages and traces; owned by the pool
 * @order: page order of every folio
 * @target: number of folios that the store has or will soon have; written without
 *	@lock by the task that resizes
 * @gathered: number of folios in state gathered
 * @reserved: sum of nr_reserved over all nodes
 * @peak: largest number of used, pinned and reserved folios so far
 * @progress: woken when folios become clean, return, or turn out to be poisoned
 * @recheck: work that looks for folios whose last pin is dropped
 * @recheck_delay: delay before the next run of @recheck, in jiffies
 * @has_pinned: a folio has been pinned since @unpinned was last called
 * @unpinned: called by @recheck after the last pin is dropped, or NULL; must not sleep
 * @stat: counters of the pool; owned by the pool
 * @node: array of nr_node_ids entries, allocated until vpool_store_exit()
 */
struct vpool_store {
	spinlock_t lock;	/* the lists and counters */
	const char *name;
	unsigned int order;
	unsigned long target;
	unsigned long gathered;
	unsigned long reserved;
	unsigned long peak;
	wait_queue_head_t progress;
	struct delayed_work recheck;
	unsigned long recheck_delay;
	bool has_pinned;
	void (*unpinned)(struct vpool_store *store);
	struct vpool_stat *stat;
	struct vpool_store_node *node;
};

int vpool_store_init(struct vpool_store *store, const char *name,
		     const struct vpool_cpus *cpus, unsigned int order,
		     struct vpool_stat *stat);
void vpool_store_close(struct vpool_store *store);
void vpool_store_exit(struct vpool_store *store);

void vpool_store_add(struct vpool_store *store, struct list_head *folios,
		     bool clean);
void vpool_store_set_target(struct vpool_store *store, u64 bytes);
int vpool_store_reserve(struct vpool_store *store, const u64 *bytes,
			struct vpool_extack *extack);
void vpool_store_shrink(struct vpool_store *store, const u64 *bytes);

u64 vpool_store_pinned(struct vpool_store *store);
unsigned long vpool_store_recheck(struct vpool_store *store);

void vpool_store_kick(struct vpool_store *store, bool urgent);
void vpool_store_push(struct vpool_store *store);

void vpool_store_put(struct vpool_store *store, struct folio **folios,
		     unsigned long nr, struct vpool_user *user);
void vpool_store_return(struct vpool_store *store, struct folio **folios,
			unsigned long nr, struct vpool_user *user);
void vpool_store_update_peak(struct vpool_store *store);
void vpool_store_node_add(struct vpool_store_node *node, struct folio *folio,
			  enum vpool_folio_state state);

static inline u64 vpool_store_page_size(const struct vpool_store *store)
{
	return (u64)PAGE_SIZE << store->order;
}

static inline unsigned int
vpool_store_page_shift(const struct vpool_store *store)
{
	return PAGE_SHIFT + store->order;
}

/* Number of folios for @bytes, rounded up. */
static inline unsigned long
vpool_store_folios(const struct vpool_store *store, u64 bytes)
{
	return (bytes + vpool_store_page_size(store) - 1) >>
		vpool_store_page_shift(store);
}

static inline int vpool_store_node_id(const struct vpool_store_node *node)
{
	return node - node->store->node;
}

static inline unsigned long
vpool_store_node_free(const struct vpool_store_node *node)
{
	return node->nr_clean + node->nr_dirty + node->nr_scrubbing;
}

/* Free folios that are not reserved; a memory error can make that less than zero. */
static inline unsigned long
vpool_store_node_available(const struct vpool_store_node *node)
{
	unsigned long free = vpool_store_node_free(node);

	return free - min(free, node->nr_reserved);
}

/**
 * struct vpool_usage - how much of a store is in which state, in bytes
 * @total: size of the store; always @free + @used + @poisoned
 * @free: always @clean + @scrubbing
 * @used: in regions or pinned
 * @clean: free and zeroed
 * @scrubbing: free and not yet zeroed
 * @poisoned: in folios with a memory error
 * @peak: largest @used so far; for a whole store only
 * @target: what @total is or will soon be; for a whole store only
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

void vpool_store_usage(struct vpool_store *store, struct vpool_usage *usage);
void vpool_store_node_usage(struct vpool_store *store, int nid,
			    struct vpool_usage *usage);

/**
 * enum vpool_poisoned - owner of a poisoned page
 * @VPOOL_POISONED_FOREIGN: the page is not part of the store
 * @VPOOL_POISONED_ASIDE: the store has it and no region uses it
 * @VPOOL_POISONED_USED: the store has it and a region uses it, or did just now
 */
enum vpool_poisoned {
	VPOOL_POISONED_FOREIGN,
	VPOOL_POISONED_ASIDE,
	VPOOL_POISONED_USED,
};

enum vpool_poisoned vpool_store_poison(struct vpool_store *store,
				       struct page *page, bool has_ref);

#endif /* VPOOL_STORE_H */
