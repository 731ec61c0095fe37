/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region: one memory object of a pool.
 */
#ifndef VPOOL_REGION_H
#define VPOOL_REGION_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "extack.h"
#include "store.h"

struct folio;
struct inode;
struct page;
struct pid;
struct super_block;
struct vpool_user;

/**
 * struct vpool_region - memory that one open of a pool's device owns
 * @link: in the list of the pool, under the pool's lock
 * @id: unique within the pool; set when the region joins the list
 * @users: number of open descriptors, under vpool_reopen_lock
 * @store: store of the pool
 * @inode: inode in vpool's filesystem, which outlives the region. Its mapping finds all
 *	page tables that map the region, and its size allows the core to use huge entries
 * @sem: guards the members that name it. Held for writing by commit, release, revoke,
 *	mbind(2), memory errors and faults on holes, for reading by other faults
 * @committing: held while a file takes folios from the store without @sem; a revoke waits
 *	for it. Nests outside @sem
 * @revoked: the region has lost its folios; under @sem
 * @populate: fill each new mapping before mmap(2) returns; under @sem
 * @nr: size in folios, 0 until the commit; written under @sem
 * @room: length of @folios, at least @nr; a file can have folios beyond its size
 * @filled: number of folios, without the holes of a file; written under @sem
 * @folios: array of folios in the order of their offsets, NULL for a hole; under @sem
 * @touched: bitmap of folios that a fault has mapped, or that a write has changed, and
 *	that may hold data. Set with @sem held for reading, read and cleared with it held
 *	for writing
 * @nr_rss: number of address spaces in which rss.c hides its pages
 * @pid: process that opened the region, with a reference
 * @uid: user who opened it
 * @user: user who pays for it, see budget.c; set before the region is committed
 * @comm: name of that process at the time
 */
struct vpool_region {
	struct list_head link;
	u64 id;
	unsigned int users;
	struct vpool_store *store;
	struct inode *inode;
	struct rw_semaphore sem;	/* the folios */
	struct mutex committing;	/* folios of a file on their way */
	bool revoked;
	bool populate;
	unsigned long nr;
	unsigned long room;
	unsigned long filled;
	struct folio **folios;
	unsigned long *touched;
	atomic_t nr_rss;
	struct pid *pid;
	kuid_t uid;
	struct vpool_user *user;
	char comm[TASK_COMM_LEN];
};

/**
 * struct vpool_region_hold - what keeps the mapping of a region from being freed
 * @sb: filesystem of @inode with an active reference, or NULL
 * @inode: inode of the region with a reference, or NULL
 */
struct vpool_region_hold {
	struct super_block *sb;
	struct inode *inode;
};

void vpool_region_init(struct vpool_region *region, struct vpool_store *store,
		       struct inode *inode);
void vpool_region_empty(struct vpool_region *region);
void vpool_region_exit(struct vpool_region *region);
int vpool_region_commit(struct vpool_region *region, int nid, u64 *bytes,
			bool populate, struct vpool_extack *extack);
int vpool_region_commit_locked(struct vpool_region *region, int nid, u64 *bytes,
			       bool zero, struct vpool_extack *extack);
struct folio *vpool_region_replace(struct vpool_region *region,
				   unsigned long i, struct folio *folio);
void vpool_region_revoke(struct vpool_region *region);
int vpool_region_err_revoked(struct vpool_extack *extack);
bool vpool_region_poisoned(struct vpool_region *region, struct page *page,
			   struct vpool_region_hold *hold, pgoff_t *pgoff);
void vpool_region_unhold(const struct vpool_region_hold *hold);
int vpool_region_make_room(struct vpool_region *region, unsigned long nr,
			   struct vpool_extack *extack);
void vpool_region_insert(struct vpool_region *region, unsigned long i,
			 struct folio *folio);
void vpool_region_unmap(struct vpool_region *region, unsigned long first,
			unsigned long end);
void vpool_region_release(struct vpool_region *region, unsigned long first,
			  unsigned long end);
void vpool_region_zero(struct vpool_region *region, struct folio *folio);
u64 vpool_region_bytes(struct vpool_region *region);
pid_t vpool_region_pid(struct vpool_region *region);

/*
 * Find the folio at an offset in pages; NULL for a hole and beyond the size. Inline for
 * the fault.
 */
static inline struct folio *vpool_region_find(struct vpool_region *region,
					      pgoff_t pgoff)
{
	unsigned long i = pgoff >> region->store->order;

	lockdep_assert_held(&region->sem);
	if (region->revoked || i >= region->nr)
		return NULL;
	return region->folios[i];
}

/*
 * Record that a task can reach the folio at index @i. Concurrent faults set the same
 * bit; only the first one needs to write. Inline for the fault.
 */
static inline void vpool_region_touch(struct vpool_region *region,
				      unsigned long i)
{
	lockdep_assert_held(&region->sem);
	if (!test_bit(i, region->touched))
		set_bit(i, region->touched);
}

#endif /* VPOOL_REGION_H */
