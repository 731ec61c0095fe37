// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping a region, and handling its faults.
 *
 * The core maps the folios of a region like those of any file: with a PMD entry where
 * address and offset allow it. The essay in region.c explains what the core expects for
 * that, and how a fault races with a revoke. On newer kernels huge.c maps the folios, and
 * only faults that it cannot serve come here.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "extent.h"
#include "handle.h"
#include "huge.h"
#include "mmap.h"
#include "move.h"
#include "populate.h"
#include "region.h"
#include "rss.h"
#include "store.h"

/* True if the core will map @folio by one PMD entry; do_set_pmd() checks the same. */
static bool vpool_mmap_may_be_huge(struct vm_fault *vmf, struct folio *folio)
{
	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	       folio_order(folio) == PMD_SHIFT - PAGE_SHIFT &&
	       vpool_huge_fits(vmf->vma, vmf->address, folio_order(folio)) &&
	       !folio_test_has_hwpoisoned(folio) &&
	       !vpool_vma_thp_disabled(vmf->vma);
}

/*
 * Each base page of a mapping takes a reference. Thousands of processes that map all of
 * a 1 GiB folio by base pages must not make the counter overflow.
 */
static bool vpool_mmap_is_crowded(const struct folio *folio)
{
	return folio_ref_count(folio) > INT_MAX / 2;
}

/* Return the folio locked and with a reference, NULL if there is none, or an ERR_PTR. */
static struct folio *vpool_mmap_get_locked(struct vpool_region *region,
					   pgoff_t pgoff)
{
	struct folio *folio;

	down_read(&region->sem);
	folio = vpool_region_find(region, pgoff);
	if (folio && vpool_mmap_is_crowded(folio))
		folio = ERR_PTR(-EFAULT);
	if (!IS_ERR_OR_NULL(folio)) {
		vpool_region_touch(region, pgoff >> region->store->order);
		folio_get(folio);
		folio_lock(folio);
	}
	up_read(&region->sem);
	return folio;
}

/* Map a folio, or return its page to the core to map it. */
static vm_fault_t vpool_mmap_folio(struct vm_fault *vmf,
				   struct vpool_region *region,
				   struct folio *folio)
{
	struct page *page =
		folio_page(folio, vmf->pgoff & (folio_nr_pages(folio) - 1));
	vm_fault_t ret = 0;
	bool huge;

	/* The core checks again, in case the page is poisoned after this. */
	if (PageHWPoison(page))
		return VM_FAULT_HWPOISON;
	if (unlikely(!folio_test_uptodate(folio)))
		vpool_region_zero(region, folio);
	huge = vpool_mmap_may_be_huge(vmf, folio);
	if (!huge && folio_test_large(folio))
		ret = vpool_huge_insert_base(vmf, page);
	if (ret & VM_FAULT_ERROR)
		return ret;
	vpool_rss_hide(vmf->vma->vm_mm, region,
		       huge ? folio_nr_pages(folio) : 1,
		       READ_ONCE(region->nr) << region->store->order);
	vpool_stat_inc(region->store->stat, huge ? VPOOL_STAT_FAULTS_HUGE :
		       VPOOL_STAT_FAULTS_BASE);
	vmf->page = page;
	return ret ?: VM_FAULT_LOCKED;
}

static vm_fault_t vpool_mmap_fault(struct vm_fault *vmf)
{
	struct vpool_region *region = vmf->vma->vm_private_data;
	struct folio *folio;
	vm_fault_t ret;

	do
		folio = vpool_mmap_get_locked(region, vmf->pgoff);
	while (!folio &&
	       !vpool_extent_fault_in(region, vmf->vma, vmf->pgoff));
	if (IS_ERR_OR_NULL(folio))
		return VM_FAULT_SIGBUS;
	ret = vpool_mmap_folio(vmf, region, folio);
	if (ret != VM_FAULT_LOCKED) {
		folio_unlock(folio);
		folio_put(folio);
	}
	return ret;
}

/*
 * Fault-around has nothing to map. From 6.6 on, the core takes the presence of this
 * operation as permission to call ->fault under the VMA lock alone. Otherwise it
 * retries each fault under the mmap lock.
 */
static vm_fault_t vpool_mmap_map_pages(struct vm_fault *vmf, pgoff_t start,
				       pgoff_t end)
{
	return 0;
}

/*
 * The core is about to split a mapping at @addr. It has no code to split an entry of 1 GiB
 * there, and would take the contents of the folio for a page table. So remove the entry
 * first, and keep faults from mapping it again before the core drops the mmap lock. The
 * folio stays in the region. Other processes that map it fault once more.
 *
 * This is enough because the core changes the boundary of such a mapping in no other
 * way: vpool_vma_forbid_merge() prevents merging.
 */
static int vpool_mmap_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	struct vpool_region *region = vma->vm_private_data;
	u64 size = vpool_store_page_size(region->store);
	loff_t pos = (loff_t)linear_page_index(vma, addr) << PAGE_SHIFT;

	if (size <= PMD_SIZE || IS_ALIGNED(addr, size))
		return 0;
	vpool_vma_stop_faults(vma);
	unmap_mapping_range(region->inode->i_mapping, round_down(pos, size),
			    size, 1);
	return 0;
}

/*
 * mremap(2) has made the new mapping, and will move the entries of the old one, whose
 * faults it has stopped. It loses an entry of 1 GiB together with its reference, because
 * it takes it for a damaged one and clears it. So remove these entries first. The core
 * also calls this for the second part of a split, where it does no harm, and for the
 * child of a fork, which starts without entries.
 */
static void vpool_mmap_open(struct vm_area_struct *vma)
{
	struct vpool_region *region = vma->vm_private_data;

	if (vpool_store_page_size(region->store) <= PMD_SIZE ||
	    vma->vm_mm != current->mm)
		return;
	unmap_mapping_range(region->inode->i_mapping,
			    (loff_t)vma->vm_pgoff << PAGE_SHIFT,
			    vma->vm_end - vma->vm_start, 1);
}

/* The core calls this after it has unmapped the pages, also when the mm exits. */
static void vpool_mmap_close(struct vm_area_struct *vma)
{
	vpool_rss_show(vma->vm_mm, vma->vm_private_data);
}

#ifdef CONFIG_NUMA
/*
 * Policy of a mapping that has none. Because MPOL_F_MOF is not set, NUMA
 * balancing leaves the mapping alone. Otherwise it would clear page table entries
 * again and again, to find better places for folios that it cannot migrate.
 */
static struct mempolicy vpool_no_balancing = {
	.refcnt = ATOMIC_INIT(1),
	.mode = MPOL_LOCAL,
};

static struct mempolicy *vpool_mmap_get_policy(VPOOL_GET_POLICY_ARGS)
{
	return vma->vm_policy ?: &vpool_no_balancing;
}

/*
 * mbind(2), with the mmap lock held for writing; the core stores the policy. A message
 * goes to the descriptor of this mapping, which the mapping keeps open. Other
 * descriptors of the region may be closed at any time.
 */
static int vpool_mmap_set_policy(struct vm_area_struct *vma,
				 struct mempolicy *mpol)
{
	struct vpool_handle *handle = vma->vm_file->private_data;

	return vpool_move_folios(handle->region, vma->vm_pgoff, vma_pages(vma),
				 mpol, &handle->extack);
}
#endif

static const struct vm_operations_struct vpool_mmap_vm_ops = {
	.fault = vpool_mmap_fault,
#ifdef VPOOL_HUGE_FAULT
	.huge_fault = vpool_huge_fault,
#endif
	.map_pages = vpool_mmap_map_pages,
	.may_split = vpool_mmap_may_split,
	.open = vpool_mmap_open,
	.close = vpool_mmap_close,
#ifdef CONFIG_NUMA
	.get_policy = vpool_mmap_get_policy,
	.set_policy = vpool_mmap_set_policy,
#endif
};

/* Commit the region to the size of the mapping if it has no size yet. */
static int vpool_mmap_commit(struct vpool_region *region,
			     struct vm_area_struct *vma,
			     struct vpool_extack *extack)
{
	u64 start = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 end = start + (vma->vm_end - vma->vm_start);
	u64 bytes = end;
	int err;

	if (vma->vm_pgoff > MAX_LFS_FILESIZE >> PAGE_SHIFT || end < start)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_MAP_RANGE,
				 "the offset is out of range");
	if (!region->nr) {
		err = vpool_region_commit_locked(region, VPOOL_ANY_NODE, &bytes,
						 false, extack);
		if (err)
			return err;
	}
	bytes = vpool_region_bytes(region);
	if (end > bytes)
		return vpool_err(extack, -ENXIO, VPOOL_CODE_MAP_RANGE,
				 "the mapping ends at %llu, the region at %llu",
				 end, bytes);
	return 0;
}

/* Set up a mapping; the region has its size. */
static void vpool_mmap_setup(struct vpool_region *region,
			     struct vm_area_struct *vma,
			     struct vpool_extack *extack)
{
	vma->vm_private_data = region;
	vma->vm_ops = &vpool_mmap_vm_ops;
	if (vpool_store_page_size(region->store) > PMD_SIZE)
		vpool_vma_forbid_merge(vma);
	if (region->store->order && vpool_vma_thp_disabled(vma))
		vpool_err(extack, 0, VPOOL_CODE_MAPPED_SMALL,
			  "mapped with small pages: huge pages are disabled for this process, see PR_SET_THP_DISABLE in prctl(2)");
}

static int vpool_mmap_check_shared(struct vm_area_struct *vma,
				   struct vpool_extack *extack)
{
	if (vma->vm_flags & VM_MAYSHARE)
		return 0;
	return vpool_err(extack, -EINVAL, VPOOL_CODE_MAP_PRIVATE,
			 "pool memory cannot be mapped MAP_PRIVATE; use MAP_SHARED");
}

/**
 * vpool_mmap_region - map the region of a device, and commit it first if it has no size
 * @region: region to map
 * @vma: mapping that mmap(2) is creating
 * @extack: message of a failed call, or NULL
 *
 * Context: called with the mmap lock held; takes @region->sem.
 * Return: 0; -EINVAL for a private mapping; -ENXIO if the mapping ends beyond the
 * region; or an error of vpool_region_commit().
 */
int vpool_mmap_region(struct vpool_region *region, struct vm_area_struct *vma,
		      struct vpool_extack *extack)
{
	int err = vpool_mmap_check_shared(vma, extack);
	bool populate;

	if (err)
		return err;
	down_write(&region->sem);
	if (region->revoked)
		err = vpool_region_err_revoked(extack);
	else
		err = vpool_mmap_commit(region, vma, extack);
	populate = region->populate;
	up_write(&region->sem);
	if (!err && populate)
		err = vpool_populate_later(vma, &vpool_mmap_vm_ops, extack);
	if (!err)
		vpool_mmap_setup(region, vma, extack);
	return err;
}

/**
 * vpool_mmap_file - map a file
 * @region: region of the file
 * @vma: mapping that mmap(2) is creating; it may extend beyond the size
 * @extack: message of a failed call, or NULL
 *
 * Context: called with the mmap lock held.
 * Return: 0, -EINVAL for a private mapping, or -EIO after a revoke.
 */
int vpool_mmap_file(struct vpool_region *region, struct vm_area_struct *vma,
		    struct vpool_extack *extack)
{
	int err = vpool_mmap_check_shared(vma, extack);

	if (!err && READ_ONCE(region->revoked)) {
		vpool_region_err_revoked(extack);
		err = -EIO;
	}
	if (!err)
		vpool_mmap_setup(region, vma, extack);
	return err;
}
