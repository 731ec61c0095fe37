/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One folio of a pool: its state, zeroing it, giving it back to the host.
 */
#ifndef VPOOL_FOLIO_H
#define VPOOL_FOLIO_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/types.h>

struct vpool_store_node;
struct vpool_user;

/**
 * enum vpool_folio_state - state of a folio; store.c explains each
 * @VPOOL_FOLIO_CLEAN: free and zeroed
 * @VPOOL_FOLIO_DIRTY: free, not zeroed
 * @VPOOL_FOLIO_SCRUBBING: free, being zeroed
 * @VPOOL_FOLIO_USED: in a region
 * @VPOOL_FOLIO_PINNED: released by its region, but still referenced
 * @VPOOL_FOLIO_POISONED: has a page with a memory error
 * @VPOOL_FOLIO_GATHERED: taken from the host, not yet in the store
 * @VPOOL_FOLIO_LEAVING: removed from the store, not yet given to the host
 * @VPOOL_FOLIO_STATE_MASK: bits of folio->private that hold the state
 */
enum vpool_folio_state {
	VPOOL_FOLIO_CLEAN,
	VPOOL_FOLIO_DIRTY,
	VPOOL_FOLIO_SCRUBBING,
	VPOOL_FOLIO_USED,
	VPOOL_FOLIO_PINNED,
	VPOOL_FOLIO_POISONED,
	VPOOL_FOLIO_GATHERED,
	VPOOL_FOLIO_LEAVING,
	VPOOL_FOLIO_STATE_MASK = 7,
};

static inline void vpool_folio_set_state(struct folio *folio,
					 struct vpool_store_node *node,
					 enum vpool_folio_state state)
{
	folio->private = (void *)((unsigned long)node | state);
}

static inline enum vpool_folio_state vpool_folio_get_state(struct folio *folio)
{
	return (unsigned long)folio->private & VPOOL_FOLIO_STATE_MASK;
}

static inline struct vpool_store_node *vpool_folio_node(struct folio *folio)
{
	return (void *)((unsigned long)folio->private &
			~VPOOL_FOLIO_STATE_MASK);
}

/*
 * On a large folio, PG_has_hwpoisoned means that at least one of its pages is poisoned.
 * Without transparent huge pages the kernel's functions for the flag do nothing, so this
 * file sets it in the second page itself. The page allocator clears it there.
 */
#if defined(CONFIG_MEMORY_FAILURE) && !defined(CONFIG_TRANSPARENT_HUGEPAGE)
static inline bool vpool_folio_has_poison(struct folio *folio)
{
	return test_bit(PG_has_hwpoisoned, folio_flags(folio, 1));
}

static inline void vpool_folio_set_poison(struct folio *folio)
{
	set_bit(PG_has_hwpoisoned, folio_flags(folio, 1));
}

static inline void vpool_folio_clear_poison(struct folio *folio)
{
	clear_bit(PG_has_hwpoisoned, folio_flags(folio, 1));
}
#else
static inline bool vpool_folio_has_poison(struct folio *folio)
{
	return folio_test_has_hwpoisoned(folio);
}

static inline void vpool_folio_set_poison(struct folio *folio)
{
	folio_set_has_hwpoisoned(folio);
}

static inline void vpool_folio_clear_poison(struct folio *folio)
{
	folio_clear_has_hwpoisoned(folio);
}
#endif

static inline bool vpool_folio_poisoned(struct folio *folio)
{
	return folio_test_large(folio) ? vpool_folio_has_poison(folio) :
		PageHWPoison(&folio->page);
}

/*
 * The user who pays for a pinned folio. A folio without a mapping has no use for its
 * index.
 */
static inline void vpool_folio_set_user(struct folio *folio,
					struct vpool_user *user)
{
	folio->index = (unsigned long)user;
}

static inline struct vpool_user *vpool_folio_user(struct folio *folio)
{
	return (void *)folio->index;
}

/* True if the store's reference is the only one. */
static inline bool vpool_folio_idle(struct folio *folio)
{
	return folio_ref_count(folio) == 1;
}

bool vpool_folio_zero(struct folio *folio);
void vpool_folio_unmanage(struct folio *folio);
void vpool_folio_free_list(struct list_head *folios, bool dirty);

#endif /* VPOOL_FOLIO_H */
