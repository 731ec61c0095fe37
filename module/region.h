/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region: one memory object of a pool.
 */
#ifndef VPOOL_REGION_H
#define VPOOL_REGION_H

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/lockdep.h>
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

/**
 * struct vpool_region - memory that one open of a pool's device owns
 * @link: in the list of the pool, under the pool's lock
 * @id: unique within the pool; set when the region joins the list
 * @users: number of open descriptors, under vpool_reopen_lock
 * @store: store of the pool
 * @inode: inode in the pseudo filesystem, with a reference. Its mapping finds all page
 *	tables that map the region, and its size allows the core to use huge entries
 * @sem: guards the members that name it. Held for writing by commit, release, revoke,
 *	mbind(2) and memory errors, for reading by faults
 * @revoked: the region has lost its folios; under @sem
 * @populate: fill each new mapping before mmap(2) returns; under @sem
 * @nr: number of folios, 0 until the commit; written under @sem
 * @folios: array of @nr folios in the order of their offsets; under @sem
 * @touched: bitmap of folios that a fault has mapped and that may hold data. Set with
 *	@sem held for reading, read and cleared with it held for writing
 * @pid: process that opened the region, with a reference
 * @uid: user who opened it
 * @comm: name of that process at the time
 */
struct vpool_region {
	struct list_head link;
	u64 id;
	unsigned int users;
	struct vpool_store *store;
	struct inode *inode;
	struct rw_semaphore sem;	/* the folios */
	bool revoked;
	bool populate;
	unsigned long nr;
	struct folio **folios;
	unsigned long *touched;
	struct pid *pid;
	kuid_t uid;
	char comm[TASK_COMM_LEN];
};

int vpool_region_init(struct vpool_region *region, struct vpool_store *store);
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
struct inode *vpool_region_poisoned(struct vpool_region *region,
				    struct page *page, pgoff_t *pgoff);
void vpool_region_zero(struct vpool_region *region, struct folio *folio);
u64 vpool_region_bytes(struct vpool_region *region);
pid_t vpool_region_pid(struct vpool_region *region);

/* Find the folio at an offset in pages, or NULL. Inline for the fault. */
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
