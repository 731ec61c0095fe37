// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: commit, release, revoke.
 *
 * A region is the memory of one open of a pool's device, or of one file (file.c). That of a
 * device takes all its folios from the store at commit and keeps them until it is
 * released or revoked. A file can take and return them in parts (extent.c). A fault only
 * looks a folio up (mmap.c). The folios are neither
 * PFN-mapped nor special: the core maps and pins them like the pages of any file. For
 * that, it needs three things:
 *
 * - addresses aligned to huge pages (thp_get_unmapped_area());
 * - an inode that is as large as the region, which rules the device's inode out, so
 *   each region has an inode in vpool's own filesystem (inode.c);
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

#include "budget.h"
#include "compat.h"
#include "policy.h"
#include "region.h"
#include "rss.h"
#include "store.h"
#include "take.h"
#include "trace.h"

/**
 * vpool_region_init - set up a region without a size, opened by current
 * @region: zeroed structure to initialize
 * @store: store of its pool; must outlive @region
 * @inode: inode whose mapping is the region's; must outlive @region
 */
void vpool_region_init(struct vpool_region *region, struct vpool_store *store,
		       struct inode *inode)
{
	INIT_LIST_HEAD(&region->link);
	init_rwsem(&region->sem);
	mutex_init(&region->committing);
	region->users = 1;
	region->inode = inode;
	region->store = store;
	region->pid = get_pid(task_tgid(current));
	region->uid = current_uid();
	get_task_comm(region->comm, current);
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
static void vpool_region_drain(struct folio **folios, unsigned long nr)
{
	struct folio *folio = NULL;
	unsigned long i;
	int cpu;

	for (i = 0; i < nr && !folio; i++)
		if (folio_test_mlocked(folios[i]))
			folio = folios[i];
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
	region->room = 0;
}

/**
 * vpool_region_make_room - make the arrays of a region longer
 * @region: region with its semaphore held for writing
 * @nr: number of folios that the arrays must have room for
 * @extack: message of a failed call, or NULL
 *
 * Arrays that grow get half as much again, so that a file to which a program appends is
 * not copied for each folio.
 *
 * Context: sleeps.
 * Return: 0 or -ENOMEM.
 */
int vpool_region_make_room(struct vpool_region *region, unsigned long nr,
			   struct vpool_extack *extack)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_ZERO;
	unsigned long old = region->room;
	unsigned long *touched;
	struct folio **folios;

	lockdep_assert_held_write(&region->sem);
	if (nr <= old)
		return 0;
	nr = max(nr, old + old / 2);
	folios = kvmalloc_array(nr, sizeof(*folios), gfp);
	touched = kvmalloc_array(BITS_TO_LONGS(nr), sizeof(long), gfp);
	if (!folios || !touched) {
		kvfree(folios);
		kvfree(touched);
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for an array of %lu pages", nr);
	}
	if (old) {
		memcpy(folios, region->folios, old * sizeof(*folios));
		bitmap_copy(touched, region->touched, old);
	}
	vpool_region_free_arrays(region);
	region->folios = folios;
	region->touched = touched;
	region->room = nr;
	return 0;
}

/**
 * vpool_region_unmap - remove all page table entries of a part of a region
 * @region: region with its semaphore held for writing
 * @first: index of the first folio
 * @end: index after the last folio
 *
 * Context: sleeps; takes the lock of each folio, see the essay.
 */
void vpool_region_unmap(struct vpool_region *region, unsigned long first,
			unsigned long end)
{
	unsigned int shift = vpool_store_page_shift(region->store);
	unsigned long i;

	lockdep_assert_held_write(&region->sem);
	end = min(end, region->room);
	if (first >= end)
		return;
	for (i = first; i < end; i++) {
		if (!region->folios[i])
			continue;
		folio_lock(region->folios[i]);
		folio_unlock(region->folios[i]);
		cond_resched();
	}
	unmap_mapping_range(region->inode->i_mapping, (loff_t)first << shift,
			    (loff_t)(end - first) << shift, 1);
}

/**
 * vpool_region_release - return a part of a region to the store
 * @region: region with its semaphore held for writing
 * @first: index of the first folio; no page table maps it or one of the following
 * @end: index after the last folio
 *
 * Context: sleeps; takes the lock of each folio.
 */
void vpool_region_release(struct vpool_region *region, unsigned long first,
			  unsigned long end)
{
	struct folio **folios = region->folios + first;
	unsigned long i, nr = 0;

	lockdep_assert_held_write(&region->sem);
	end = min(end, region->room);
	for (i = first; i < end; i++) {
		struct folio *folio = region->folios[i];

		if (!((i - first) % VPOOL_STORE_BATCH))
			cond_resched();
		if (!folio)
			continue;
		vpool_region_unbind(folio);
		/* The holes move behind the folios, all of which become holes. */
		folios[nr++] = folio;
	}
	if (!nr)
		return;
	trace_vpool_release(region->store->name, region->id,
			    nr * vpool_store_page_size(region->store));
	vpool_region_drain(folios, nr);
	vpool_store_return(region->store, folios, nr, region->user);
	memset(folios, 0, (end - first) * sizeof(*folios));
	bitmap_clear(region->touched, first, end - first);
	WRITE_ONCE(region->filled, region->filled - nr);
	vpool_rss_limit(region, region->filled << region->store->order);
}

/* Return all folios to the store. */
static void vpool_region_give_back(struct vpool_region *region)
{
	vpool_region_release(region, 0, region->room);
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
	mutex_destroy(&region->committing);
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
 * vpool_region_bytes - return the amount of memory that a region has
 * @region: region to read
 *
 * Context: any; without @region->sem the result may be stale.
 * Return: amount in bytes; 0 before the commit and after a revoke. It is the size of the
 * region of a device; a file can have holes.
 */
u64 vpool_region_bytes(struct vpool_region *region)
{
	return READ_ONCE(region->filled) * vpool_store_page_size(region->store);
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

/**
 * vpool_region_insert - fill a hole of a region
 * @region: region with its semaphore held for writing, or that no other task can reach
 * @i: index of the hole in the array
 * @folio: folio taken from the store, which the region owns from here on
 *
 * Context: sleeps; takes the folio lock.
 */
void vpool_region_insert(struct vpool_region *region, unsigned long i,
			 struct folio *folio)
{
	vpool_region_bind(region, folio, i << region->store->order);
	region->folios[i] = folio;
	WRITE_ONCE(region->filled, region->filled + 1);
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
	vpool_region_bind(region, folio, i << region->store->order);
	region->folios[i] = folio;
	return old;
}

/* Take @nr folios for a region that has no size. */
static int vpool_region_fill(struct vpool_region *region, int nid,
			     unsigned long nr, bool zero,
			     struct vpool_extack *extack)
{
	struct vpool_policy policy;
	unsigned long i;
	int err;

	err = vpool_policy_of_task(&policy, nid, extack);
	if (!err)
		err = vpool_take_charge(region->store, region->user, nr, extack);
	if (err)
		return err;
	/* Check first: the array for a request that must fail could be huge. */
	err = vpool_take_check(region->store, &policy, nr, extack);
	if (!err)
		err = vpool_region_make_room(region, nr, extack);
	if (!err)
		err = vpool_take_folios(region->store, &policy, region->folios,
					nr, zero, extack);
	if (err) {
		vpool_budget_uncharge(region->user, nr);
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
	nr = vpool_store_folios(region->store, *bytes);
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
 * cpuset of current does not allow @nid; -ENXIO after a revoke; -EDQUOT if the user of
 * the region would have too much; -ENOMEM; or -EINTR if a signal kills current. On
 * failure the region has no memory.
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
 * until their last pin is dropped. Every later access to a mapping raises SIGBUS. On
 * return, no folio of the store is on its way to the region.
 *
 * Context: sleeps; takes @region->sem, the lock of each of its folios, and then
 * @region->committing. It can wait for memory to be zeroed.
 */
void vpool_region_revoke(struct vpool_region *region)
{
	down_write(&region->sem);
	region->revoked = true;
	/* The path of a descriptor ends in "(deleted)" now. A file keeps its names. */
	if (S_ISCHR(region->inode->i_mode))
		clear_nlink(region->inode);
	vpool_region_unmap(region, 0, region->room);
	vpool_region_give_back(region);
	up_write(&region->sem);
	/* A commit in progress sees the flag, and returns the folios that it has taken. */
	mutex_lock(&region->committing);
	mutex_unlock(&region->committing);
}

/*
 * Keep the mapping of a region, which is on the list of its pool. The inode of a file is
 * being freed if the last reference is gone; the region leaves the list a moment later.
 */
static void vpool_region_get(struct vpool_region *region,
			     struct vpool_region_hold *hold)
{
	struct super_block *sb = region->inode->i_sb;

	/* Without this reference, unmounting would find the inode in use. */
	if (!atomic_inc_not_zero(&sb->s_active))
		return;
	hold->sb = sb;
	hold->inode = igrab(region->inode);
}

/**
 * vpool_region_unhold - drop the references of vpool_region_poisoned()
 * @hold: references, or a zeroed structure
 *
 * Context: sleeps; may end the filesystem, so the caller holds no lock.
 */
void vpool_region_unhold(const struct vpool_region_hold *hold)
{
	iput(hold->inode);
	if (hold->sb)
		deactivate_super(hold->sb);
}

/**
 * vpool_region_poisoned - unmap the folio of a poisoned page
 * @region: region that may have the page
 * @page: page of a folio with PG_has_hwpoisoned set, so that the core maps the folio
 *	by single pages from now on
 * @hold: zeroed; gets the references for vpool_region_unhold()
 * @pgoff: set to the offset of @page in the region, in pages
 *
 * Context: sleeps; takes @region->sem and the folio lock.
 * Return: true if the region has the page. @hold->inode is then the inode of the region,
 * or NULL if no task has the region any more.
 */
bool vpool_region_poisoned(struct vpool_region *region, struct page *page,
			   struct vpool_region_hold *hold, pgoff_t *pgoff)
{
	struct folio *folio = page_folio(page);
	unsigned long i = folio->index >> region->store->order;
	bool found;

	/* Wait for faults that have not seen the flag: see the essay. */
	down_write(&region->sem);
	found = vpool_region_find(region, folio->index) == folio;
	if (found) {
		vpool_region_unmap(region, i, i + 1);
		*pgoff = folio->index + folio_page_idx(folio, page);
		vpool_region_get(region, hold);
	}
	up_write(&region->sem);
	return found;
}
