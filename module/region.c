// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: commit, release, revoke.
 *
 * A region takes all its folios from the store at commit and keeps them until it is
 * released or revoked. A fault only looks a folio up (mmap.c). The folios are neither
 * PFN-mapped nor special: the core maps and pins them like the pages of any file. For
 * that, it needs three things:
 *
 * - addresses aligned to huge pages (thp_get_unmapped_area());
 * - an inode that is as large as the region, which rules the device's inode out, so
 *   each region has an inode in a pseudo filesystem (inode.c);
 * - a folio->index that agrees with the offset, because the core refuses to map
 *   beyond the size of the inode.
 *
 * Locks and races
 * ---------------
 *
 * vpool_region.sem guards the array of folios. Commit, release, revoke, mbind(2) and
 * memory errors hold it for writing, a fault for reading. It nests inside the mmap lock, because
 * mmap(2), mbind(2) and faults hold that one. It must therefore never be held while
 * taking an mmap lock.
 *
 * A revoke races with faults. A fault finds its folio under the semaphore and locks
 * the folio before it drops the semaphore; the core unlocks the folio after it has
 * installed the page table entry. Once a revoke has taken the semaphore, and then
 * taken and dropped the lock of each folio, no fault can install another entry. One
 * walk over the mapping then removes all entries.
 *
 * While a region has a folio, folio->mapping points to the mapping of the region's
 * inode. Shared futexes are keyed by it, and the core dereferences it if a page is
 * poisoned between ->fault and the installation of the entry. The folio is neither in
 * the page cache of that mapping nor on an LRU list. Reclaim, compaction, migration
 * and khugepaged find folios there, so they do not see it. Two functions of the core
 * could still evict or split a folio that they reach through a page table:
 *
 * - mapping_evict_folio(), after a fault on a poisoned page, skips dirty folios. The
 *   folios of a region are always dirty.
 * - split_huge_page() needs one reference for each page and a folio in the page cache.
 *   A region's folio has neither.
 *
 * Huge faults (huge.c) hold the semaphore until the entries are installed, and need no
 * folio lock. A memory error therefore waits for the semaphore, like a revoke.
 *
 * folio->mapping is set and cleared under the folio lock. It is cleared before the
 * folio returns to the store, because a pin or a futex may outlive the region and its
 * inode. Readers of folio->mapping without the folio lock hold rcu_read_lock(), and
 * an inode stays readable for an RCU grace period.
 */
#include <linux/cpu.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "inode.h"
#include "policy.h"
#include "region.h"
#include "store.h"
#include "take.h"
#include "trace.h"

/**
 * vpool_region_init - set up a region without a size, opened by current
 * @region: zeroed structure to initialize
 * @store: store of its pool; must outlive @region
 *
 * Context: sleeps.
 * Return: 0 or a negative errno.
 */
int vpool_region_init(struct vpool_region *region, struct vpool_store *store)
{
	struct inode *inode = vpool_inode_create();

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	INIT_LIST_HEAD(&region->link);
	init_rwsem(&region->sem);
	region->users = 1;
	region->inode = inode;
	region->store = store;
	region->pid = get_pid(task_tgid(current));
	region->uid = current_uid();
	get_task_comm(region->comm, current);
	return 0;
}

/* Make a folio part of the region. No other task can find it yet. */
static void vpool_region_bind(struct vpool_region *region, struct folio *folio,
			      pgoff_t index)
{
	folio_lock(folio);
	folio->mapping = region->inode->i_mapping;
	folio->index = index;
	folio_set_dirty(folio);
	folio_unlock(folio);
}

/* Undo vpool_region_bind() for a folio that no page table maps. */
static void vpool_region_unbind(struct folio *folio)
{
	folio_lock(folio);
	folio->mapping = NULL;
	folio_clear_dirty(folio);
	folio_unlock(folio);
}

/* folio_batch_release() first drains the batches of the CPU that it runs on. */
static long vpool_region_drain_cpu(void *arg)
{
	struct folio *folio = arg;
	struct folio_batch batch;

	folio_batch_init(&batch);
	folio_get(folio);
	folio_batch_add(&batch, folio);
	folio_batch_release(&batch);
	return 0;
}

/*
 * munlock(2), and unmapping of mlocked pages, put small folios in a per-CPU batch. An
 * idle CPU can keep such a batch, with its references, for a long time. Its folios
 * would count as pinned. A folio in a batch still has its mlocked flag.
 */
static void vpool_region_drain(struct vpool_region *region)
{
	struct folio *folio = NULL;
	unsigned long i;
	int cpu;

	for (i = 0; i < region->nr && !folio; i++)
		if (folio_test_mlocked(region->folios[i]))
			folio = region->folios[i];
	if (!folio)
		return;
	cpus_read_lock();
	for_each_online_cpu(cpu)
		work_on_cpu(cpu, vpool_region_drain_cpu, folio);
	cpus_read_unlock();
}

static void vpool_region_free_arrays(struct vpool_region *region)
{
	kvfree(region->folios);
	kvfree(region->touched);
	region->folios = NULL;
	region->touched = NULL;
}

/* Return all folios to the store. */
static void vpool_region_give_back(struct vpool_region *region)
{
	unsigned long i;

	lockdep_assert_held_write(&region->sem);
	if (!region->nr)
		return;
	trace_vpool_release(region->store->name, region->id,
			    vpool_region_bytes(region));
	for (i = 0; i < region->nr; i++) {
		vpool_region_unbind(region->folios[i]);
		if (!(i % VPOOL_STORE_BATCH))
			cond_resched();
	}
	vpool_region_drain(region);
	vpool_store_return(region->store, region->folios, region->nr);
	vpool_region_free_arrays(region);
	WRITE_ONCE(region->nr, 0);
}

/**
 * vpool_region_empty - return the memory of a region to the store
 * @region: region without a mapping or an open descriptor
 *
 * Context: sleeps; takes @region->sem.
 */
void vpool_region_empty(struct vpool_region *region)
{
	down_write(&region->sem);
	vpool_region_give_back(region);
	up_write(&region->sem);
}

/**
 * vpool_region_exit - undo vpool_region_init()
 * @region: region without memory, on no list; the caller frees the structure
 *
 * Context: sleeps.
 */
void vpool_region_exit(struct vpool_region *region)
{
	put_pid(region->pid);
	vpool_inode_put(region->inode);
}

/**
 * vpool_region_pid - return the process that opened a region
 * @region: region to read
 *
 * Return: process id in the pid namespace of current; 0 if the process has ended or is
 * not visible there.
 */
pid_t vpool_region_pid(struct vpool_region *region)
{
	bool alive;

	rcu_read_lock();
	alive = pid_task(region->pid, PIDTYPE_TGID);
	rcu_read_unlock();
	return alive ? pid_vnr(region->pid) : 0;
}

/**
 * vpool_region_bytes - return the size of a region
 * @region: region to read
 *
 * Context: any; without @region->sem the result may be stale.
 * Return: size in bytes; 0 before the commit and after a revoke.
 */
u64 vpool_region_bytes(struct vpool_region *region)
{
	return READ_ONCE(region->nr) * vpool_store_page_size(region->store);
}

/**
 * vpool_region_err_revoked - fail a call on a revoked region
 * @extack: message of a failed call, or NULL
 *
 * Return: -ENXIO.
 */
int vpool_region_err_revoked(struct vpool_extack *extack)
{
	return vpool_err(extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
			 "the pool has been destroyed");
}

static int vpool_region_check_size(struct vpool_region *region, u64 bytes,
				   struct vpool_extack *extack)
{
	if (region->revoked)
		return vpool_region_err_revoked(extack);
	if (region->nr)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_REGION_HAS_SIZE,
				 "the region already has a size: %s",
				 vpool_size(vpool_region_bytes(region)).s);
	if (!bytes ||
	    bytes > MAX_LFS_FILESIZE - vpool_store_page_size(region->store))
		return vpool_err(extack, -EINVAL,
				 VPOOL_CODE_REGION_SIZE_INVALID,
				 "%llu bytes is not a valid size for a region", bytes);
	return 0;
}

/* Put a folio at index @i of the array. */
static void vpool_region_insert(struct vpool_region *region, unsigned long i,
				struct folio *folio)
{
	vpool_region_bind(region, folio, i << region->store->order);
	region->folios[i] = folio;
}

/**
 * vpool_region_replace - exchange a folio that no task has faulted in
 * @region: region, with its semaphore held for writing
 * @i: index of the folio
 * @folio: new folio, which the region owns from here on
 *
 * Return: the old folio, which the caller now owns.
 */
struct folio *vpool_region_replace(struct vpool_region *region,
				   unsigned long i, struct folio *folio)
{
	struct folio *old = region->folios[i];

	lockdep_assert_held_write(&region->sem);
	vpool_region_unbind(old);
	vpool_region_insert(region, i, folio);
	return old;
}

/* Take @nr folios for a region that has no size. */
static int vpool_region_fill(struct vpool_region *region, int nid,
			     unsigned long nr, bool zero,
			     struct vpool_extack *extack)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct vpool_policy policy;
	unsigned long i;
	int err;

	err = vpool_policy_of_task(&policy, nid, extack);
	/* Check first: the array for a request that must fail could be huge. */
	if (!err)
		err = vpool_take_check(region->store, &policy, nr, extack);
	if (err)
		return err;
	region->folios = kvmalloc_array(nr, sizeof(*region->folios), gfp);
	region->touched = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), gfp);
	if (region->folios && region->touched)
		err = vpool_take_folios(region->store, &policy, region->folios,
					nr, zero, extack);
	else
		err = vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				"no kernel memory for an array of %lu pages", nr);
	if (err) {
		vpool_region_free_arrays(region);
		return err;
	}
	vpool_policy_used(&policy);
	for (i = 0; i < nr; i++) {
		vpool_region_insert(region, i, region->folios[i]);
		if (!(i % VPOOL_STORE_BATCH))
			cond_resched();
	}
	WRITE_ONCE(region->nr, nr);
	return 0;
}

/**
 * vpool_region_commit_locked - give a region its size and its memory
 * @region: region, with its semaphore held for writing
 * @nid: NUMA node id that the memory must come from, or VPOOL_ANY_NODE
 * @bytes: in: wanted size in bytes; out: that size rounded up to the page size
 * @zero: true to zero the memory now; false to leave that to the first fault on each
 *	folio, because zeroing all of it would hold the mmap lock for too long
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps.
 * Return: as vpool_region_commit().
 */
int vpool_region_commit_locked(struct vpool_region *region, int nid, u64 *bytes,
			       bool zero, struct vpool_extack *extack)
{
	unsigned long nr;
	int err;

	lockdep_assert_held_write(&region->sem);
	err = vpool_region_check_size(region, *bytes, extack);
	if (err)
		return err;
	nr = DIV_ROUND_UP_ULL(*bytes, vpool_store_page_size(region->store));
	err = vpool_region_fill(region, nid, nr, zero, extack);
	if (err)
		return err;
	*bytes = vpool_region_bytes(region);
	i_size_write(region->inode, *bytes);
	trace_vpool_commit(region->store->name, region->id, *bytes);
	return 0;
}

/**
 * vpool_region_commit - give a region its size and its zeroed memory
 * @region: region without a size
 * @nid: NUMA node id that the memory must come from, or VPOOL_ANY_NODE
 * @bytes: in: wanted size in bytes; out: that size rounded up to the page size
 * @populate: true to fill each later mapping before mmap(2) returns
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; takes @region->sem.
 * Return: 0; -EINVAL for a bad size; -EBUSY if the region has a size; -EPERM if the
 * cpuset of current does not allow @nid; -ENXIO after a revoke; -ENOMEM; or -EINTR if
 * a signal kills current. On failure the region has no memory.
 */
int vpool_region_commit(struct vpool_region *region, int nid, u64 *bytes,
			bool populate, struct vpool_extack *extack)
{
	int err;

	down_write(&region->sem);
	err = vpool_region_commit_locked(region, nid, bytes, true, extack);
	if (!err)
		region->populate = populate;
	up_write(&region->sem);
	return err;
}

/**
 * vpool_region_zero - zero a folio that mmap(2) or mbind(2) has taken
 * @region: region of the folio
 * @folio: folio that no fault has used yet; locked, so one of several faults zeroes it
 */
void vpool_region_zero(struct vpool_region *region, struct folio *folio)
{
	vpool_folio_zero(folio);
	folio_mark_uptodate(folio);
	vpool_stat_add(region->store->stat, VPOOL_STAT_SCRUBBED_BYTES,
		       folio_size(folio));
}

/**
 * vpool_region_revoke - take the memory of a region away from its users
 * @region: region to revoke; a second call does nothing
 *
 * Unmaps the region and returns its folios to the store, which keeps the pinned ones
 * until their last pin is dropped. Every later access to a mapping raises SIGBUS.
 *
 * Context: sleeps; takes @region->sem and the lock of each of its folios.
 */
void vpool_region_revoke(struct vpool_region *region)
{
	unsigned long i;

	down_write(&region->sem);
	region->revoked = true;
	clear_nlink(region->inode);
	for (i = 0; i < region->nr; i++) {
		folio_lock(region->folios[i]);
		folio_unlock(region->folios[i]);
		cond_resched();
	}
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 1);
	vpool_region_give_back(region);
	up_write(&region->sem);
}

/**
 * vpool_region_poisoned - unmap the folio of a poisoned page
 * @region: region that may have the page
 * @page: page of a folio with PG_has_hwpoisoned set, so that the core maps the folio
 *	by single pages from now on
 * @pgoff: set to the offset of @page in the region, in pages
 *
 * Context: sleeps; takes @region->sem and the folio lock.
 * Return: inode of the region with a reference, for vpool_inode_put(), or NULL if
 * another region has the page.
 */
struct inode *vpool_region_poisoned(struct vpool_region *region,
				    struct page *page, pgoff_t *pgoff)
{
	struct folio *folio = page_folio(page);
	struct inode *inode = NULL;

	/* Wait for faults that have not seen the flag: see the essay. */
	down_write(&region->sem);
	if (vpool_region_find(region, folio->index) == folio) {
		folio_lock(folio);
		folio_unlock(folio);
		unmap_mapping_range(region->inode->i_mapping,
				    (loff_t)folio->index << PAGE_SHIFT,
				    folio_size(folio), 1);
		*pgoff = folio->index + folio_page_idx(folio, page);
		inode = vpool_inode_get(region->inode);
	}
	up_write(&region->sem);
	return inode;
}
