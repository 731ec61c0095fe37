// SPDX-License-Identifier: GPL-2.0
/*
 * Parts of a file: committing, releasing, zeroing.
 *
 * The region of a file has holes where no folio has been committed, or where a folio has
 * been returned. Its size in folios, vpool_region.nr, covers the size of the inode, which
 * is exact in bytes. Folios beyond the size are those that fallocate(2) has committed with
 * FALLOC_FL_KEEP_SIZE.
 *
 * Locks and races
 * ---------------
 *
 * The inode lock serializes all calls that change the size or the holes of a file. Calls
 * that read or write data hold it, too: a read for reading. vpool_region.sem guards the
 * array, as region.c explains. It is never held while data is copied from or to
 * userspace, because the copy can fault on a mapping of the same file. So:
 *
 * - A commit takes folios from the store without the semaphore, since it may have to zero
 *   them. Faults can fill some of its holes while it does. It returns the folios that are
 *   then left over. It holds vpool_region.committing, for which a revoke waits: the store
 *   of a destroyed pool must have all its folios before it gives them to the host.
 * - A fault on a hole holds the mmap lock, which nests inside the inode lock, so it must
 *   not take the inode lock. It commits one folio with the semaphore held for writing. It
 *   checks the size under the semaphore, and truncation reduces the size under it before
 *   it releases folios. So no fault fills a hole beyond the size.
 * - A punch and a truncation remove page table entries as a revoke does: with the
 *   semaphore held for writing, after each folio has been locked once. A fault that found
 *   a folio before has then installed its entry, and a later one finds the hole.
 * - A pin, and a read or write that copies data, have a reference to the folio. The store
 *   hands a folio out again only when the last reference is dropped. The data that is
 *   then written is lost, as with any file.
 * - A revoke does not wait for the inode lock. A call finds vpool_region.revoked whenever
 *   it takes the semaphore, and fails with EIO.
 * - fork(2) copies mappings, and takes neither lock.
 * - mbind(2) replaces only folios without data, see move.c. A write sets the bit in
 *   vpool_region.touched before it copies data.
 */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "budget.h"
#include "extent.h"
#include "policy.h"
#include "region.h"
#include "store.h"
#include "take.h"

/* Count the holes in a part of the region. The part may extend beyond the array. */
static unsigned long vpool_extent_count(struct vpool_region *region,
					unsigned long first, unsigned long end)
{
	unsigned long i, nr = 0;

	lockdep_assert_held(&region->sem);
	for (i = first; i < min(end, region->room); i++)
		nr += !region->folios[i];
	return nr + end - max(first, min(end, region->room));
}

/* Fill the holes in a part of the region, and return the number of folios used. */
static unsigned long vpool_extent_fill(struct vpool_region *region,
				       unsigned long first, unsigned long end,
				       struct folio **folios)
{
	unsigned long i, nr = 0;

	lockdep_assert_held_write(&region->sem);
	for (i = first; i < end; i++) {
		if (region->folios[i])
			continue;
		vpool_region_insert(region, i, folios[nr++]);
		if (!(nr % VPOOL_STORE_BATCH))
			cond_resched();
	}
	return nr;
}

/* Put @nr folios into the holes, and return those that are left over to the store. */
static int vpool_extent_insert(struct vpool_region *region, unsigned long first,
			       unsigned long end, struct folio **folios,
			       unsigned long nr, struct vpool_extack *extack)
{
	unsigned long used = 0;
	int err = -EIO;

	down_write(&region->sem);
	if (!region->revoked)
		err = vpool_region_make_room(region, end, extack);
	if (!err)
		used = vpool_extent_fill(region, first, end, folios);
	up_write(&region->sem);
	if (used < nr)
		vpool_store_put(region->store, folios + used, nr - used,
				region->user);
	return err;
}

/* Take @nr folios, for which the user of the region already pays. */
static int vpool_extent_take(struct vpool_region *region,
			     struct vpool_policy *policy,
			     struct folio **folios, unsigned long nr,
			     struct vpool_extack *extack)
{
	int err = vpool_take_folios(region->store, policy, folios, nr, true,
				    extack);

	if (err)
		vpool_budget_uncharge(region->user, nr);
	else
		vpool_policy_used(policy);
	return err == -ENOMEM ? -ENOSPC : err;
}

/* Commit @nr holes. One folio needs no array in memory of its own. */
static int vpool_extent_commit_holes(struct vpool_region *region,
				     unsigned long first, unsigned long end,
				     unsigned long nr,
				     struct vpool_extack *extack)
{
	struct folio *single, **folios = &single;
	struct vpool_policy policy;
	int err;

	err = vpool_policy_of_task(&policy, VPOOL_ANY_NODE, extack);
	/* Check first: the array for a request that must fail could be huge. */
	if (!err && vpool_take_check(region->store, &policy, nr, extack))
		err = -ENOSPC;
	if (err)
		return err;
	if (nr > 1)
		folios = kvmalloc_array(nr, sizeof(*folios),
					GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!folios)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for an array of %lu pages", nr);
	err = vpool_take_charge(region->store, region->user, nr, extack);
	if (!err)
		err = vpool_extent_take(region, &policy, folios, nr, extack);
	if (!err)
		err = vpool_extent_insert(region, first, end, folios, nr, extack);
	if (nr > 1)
		kvfree(folios);
	return err;
}

/**
 * vpool_extent_commit - commit the holes in a part of a file
 * @region: region of the file, whose inode lock the caller holds
 * @first: index of the first folio
 * @end: index after the last folio; may be beyond the size
 * @extack: message of a failed call, or NULL
 *
 * The memory policy of current decides which nodes the memory comes from.
 *
 * Context: sleeps; zeroes memory.
 * Return: 0; -ENOSPC if the pool has too little memory; -EDQUOT if the user of the file
 * would have too much; -ENOMEM if the kernel has too little; -EIO after a revoke; or
 * -EINTR if a signal kills current. On failure nothing is committed.
 */
int vpool_extent_commit(struct vpool_region *region, unsigned long first,
			unsigned long end, struct vpool_extack *extack)
{
	unsigned long nr;
	int err;

	mutex_lock(&region->committing);
	down_read(&region->sem);
	err = region->revoked ? -EIO : 0;
	nr = vpool_extent_count(region, first, end);
	up_read(&region->sem);
	if (!err && nr)
		err = vpool_extent_commit_holes(region, first, end, nr, extack);
	mutex_unlock(&region->committing);
	return err;
}

#ifdef CONFIG_NUMA
static const struct mempolicy *vpool_extent_mpol(struct vm_area_struct *vma)
{
	return vma->vm_policy;
}
#else
static const struct mempolicy *vpool_extent_mpol(struct vm_area_struct *vma)
{
	return NULL;
}
#endif

static int vpool_extent_fill_hole(struct vpool_region *region,
				  struct vpool_policy *policy, unsigned long i)
{
	struct folio *folio;
	int err;

	lockdep_assert_held_write(&region->sem);
	err = vpool_take_charge(region->store, region->user, 1, NULL);
	if (err)
		return err;
	err = vpool_take_folios(region->store, policy, &folio, 1, true, NULL);
	if (err)
		vpool_budget_uncharge(region->user, 1);
	else
		vpool_region_insert(region, i, folio);
	return err;
}

/**
 * vpool_extent_fault_in - commit a folio for a fault on a hole
 * @region: region of a file
 * @vma: mapping of the file, for its memory policy
 * @pgoff: offset in the file, in pages
 *
 * Context: called with the mmap lock or the lock of the VMA held; takes @region->sem.
 * Return: 0 if there is a folio now; -EFAULT beyond the size or after a revoke; -ENOMEM;
 * -EDQUOT if the user of the file would have too much; or -EINTR if a signal kills
 * current.
 */
int vpool_extent_fault_in(struct vpool_region *region,
			  struct vm_area_struct *vma, pgoff_t pgoff)
{
	const struct mempolicy *mpol = vpool_extent_mpol(vma);
	unsigned long i = pgoff >> region->store->order;
	struct vpool_policy policy;
	int err = 0;

	if (mpol)
		vpool_policy_of_mapping(&policy, mpol, i);
	else
		err = vpool_policy_of_task(&policy, VPOOL_ANY_NODE, NULL);
	if (err)
		return err;
	if (down_write_killable(&region->sem))
		return -EINTR;
	if (region->revoked || i >= region->nr)
		err = -EFAULT;
	else if (!region->folios[i])
		err = vpool_extent_fill_hole(region, &policy, i);
	up_write(&region->sem);
	if (!err && !mpol)
		vpool_policy_used(&policy);
	return err;
}

/**
 * vpool_extent_get_folio - find a folio of a file, to read or write its data
 * @region: region of the file, whose inode lock the caller holds
 * @i: index of the folio; may be beyond the size
 * @write: the folio will get data
 *
 * Context: sleeps; zeroes a folio that mbind(2) has put there.
 * Return: the folio with a reference, for folio_put(); NULL for a hole; or
 * ERR_PTR(-EIO) after a revoke.
 */
struct folio *vpool_extent_get_folio(struct vpool_region *region,
				     unsigned long i, bool write)
{
	struct folio *folio = NULL;

	down_read(&region->sem);
	if (region->revoked)
		folio = ERR_PTR(-EIO);
	else if (i < region->room)
		folio = region->folios[i];
	if (!IS_ERR_OR_NULL(folio)) {
		folio_get(folio);
		if (write)
			vpool_region_touch(region, i);
	}
	up_read(&region->sem);
	if (!IS_ERR_OR_NULL(folio) && !folio_test_uptodate(folio)) {
		folio_lock(folio);
		if (!folio_test_uptodate(folio))
			vpool_region_zero(region, folio);
		folio_unlock(folio);
	}
	return folio;
}

/* Zero the bytes from @start to @end, which lie in one folio, if it is no hole. */
static int vpool_extent_zero(struct vpool_region *region, loff_t start,
			     loff_t end)
{
	unsigned int shift = vpool_store_page_shift(region->store);
	struct folio *folio;
	size_t from, to;

	if (start >= end)
		return 0;
	folio = vpool_extent_get_folio(region, start >> shift, true);
	if (IS_ERR_OR_NULL(folio))
		return PTR_ERR_OR_ZERO(folio);
	from = offset_in_folio(folio, start);
	to = from + (end - start);
	while (from < to) {
		size_t len = min(to - from, PAGE_SIZE - offset_in_page(from));
		struct page *page = folio_page(folio, from >> PAGE_SHIFT);

		/* A poisoned page cannot be read, so it need not be zero. */
		if (!PageHWPoison(page))
			memzero_page(page, offset_in_page(from), len);
		from += len;
		if (IS_ALIGNED(from, PMD_SIZE))
			cond_resched();
	}
	folio_put(folio);
	return 0;
}

static void vpool_extent_release(struct vpool_region *region,
				 unsigned long first, unsigned long end)
{
	lockdep_assert_held_write(&region->sem);
	vpool_region_unmap(region, first, end);
	if (first < region->room)
		vpool_region_release(region, first, end);
}

/**
 * vpool_extent_zero_tail - zero what mappings have written beyond the size of a file
 * @region: region of the file, whose inode lock the caller holds
 * @end: offset that the caller will extend the file to, or write at
 *
 * Context: sleeps.
 * Return: 0, or -EIO after a revoke.
 */
int vpool_extent_zero_tail(struct vpool_region *region, loff_t end)
{
	loff_t size = i_size_read(region->inode);
	loff_t page_size = vpool_store_page_size(region->store);

	return vpool_extent_zero(region, size, min(end, round_up(size, page_size)));
}

/**
 * vpool_extent_set_size - change the size of a file
 * @region: region of the file, whose inode lock the caller holds
 * @size: new size in bytes; the caller has committed what it wants to commit
 *
 * Truncation returns all folios beyond the new size, and zeroes the rest of the last one.
 *
 * Context: sleeps.
 * Return: 0; -EIO after a revoke; or -ENOMEM.
 */
int vpool_extent_set_size(struct vpool_region *region, loff_t size)
{
	loff_t page_size = vpool_store_page_size(region->store);
	unsigned long nr = vpool_store_folios(region->store, size);
	bool grow = size > i_size_read(region->inode);
	int err = 0;

	if (!grow)
		err = vpool_extent_zero(region, size, round_up(size, page_size));
	if (err)
		return err;
	down_write(&region->sem);
	err = region->revoked ? -EIO : vpool_region_make_room(region, nr, NULL);
	if (!err) {
		i_size_write(region->inode, size);
		WRITE_ONCE(region->nr, nr);
	}
	if (!err && !grow)
		vpool_extent_release(region, nr, region->room);
	up_write(&region->sem);
	return err;
}

/**
 * vpool_extent_punch - make a hole in a file
 * @region: region of the file, whose inode lock the caller holds
 * @start: offset of the first byte
 * @end: offset after the last byte
 *
 * Folios that lie in the range as a whole return to the store. Parts of a folio are
 * zeroed.
 *
 * Context: sleeps.
 * Return: 0, or -EIO after a revoke.
 */
int vpool_extent_punch(struct vpool_region *region, loff_t start, loff_t end)
{
	unsigned int shift = vpool_store_page_shift(region->store);
	loff_t page_size = vpool_store_page_size(region->store);
	loff_t first, last;
	int err;

	end = min_t(loff_t, end, (loff_t)READ_ONCE(region->room) << shift);
	if (start >= end)
		return READ_ONCE(region->revoked) ? -EIO : 0;
	first = round_up(start, page_size);
	last = round_down(end, page_size);
	err = vpool_extent_zero(region, start, min(first, end));
	if (!err && last >= first)
		err = vpool_extent_zero(region, last, end);
	if (err || first >= last)
		return err;
	down_write(&region->sem);
	if (region->revoked)
		err = -EIO;
	else
		vpool_extent_release(region, first >> shift, last >> shift);
	up_write(&region->sem);
	return err;
}

/**
 * vpool_extent_seek - find data or a hole
 * @region: region of a file
 * @pos: offset at which to start, in bytes; below the size
 * @data: find data; otherwise a hole
 *
 * Context: sleeps; takes @region->sem.
 * Return: offset in bytes, or -ENXIO if there is no data; there is always a hole at the
 * end.
 */
loff_t vpool_extent_seek(struct vpool_region *region, loff_t pos, bool data)
{
	unsigned int shift = vpool_store_page_shift(region->store);
	loff_t size = i_size_read(region->inode);
	unsigned long i;

	down_read(&region->sem);
	for (i = pos >> shift; i < region->nr; i++)
		if (!region->folios[i] != data)
			break;
	if (i >= region->nr)
		pos = data ? -ENXIO : size;
	else
		pos = max(pos, (loff_t)i << shift);
	up_read(&region->sem);
	return pos;
}
