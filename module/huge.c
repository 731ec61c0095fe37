// SPDX-License-Identifier: GPL-2.0
/*
 * Huge faults: mapping folios of a region by PMD and PUD entries.
 *
 * ->fault only returns a page. Before it calls ->fault, the core allocates a page table,
 * which it frees again when it maps a huge page without it. From Linux 6.17 on, a module
 * can insert the entry itself, in ->huge_fault. Three things follow from that:
 *
 * - No page table is allocated.
 * - One fault can map neighbours, too ("fault-around"): their memory is committed and
 *   zero, and nothing is gained by waiting for their own faults.
 * - Populating needs no fault at all where a table of PMD entries exists.
 *
 * A neighbour is mapped only if its entry lies in the same table of PMD entries and in
 * the same mapping, is empty, and its folio is zeroed and has no poisoned page. Any other
 * folio is mapped when a task touches it. Neighbours are clean: only the folio of a write
 * fault is marked dirty. All new entries are marked accessed, because the core takes the
 * bits from the protection of the mapping. Both bits are hints for memory that the host
 * reclaims, which pool memory is not. A neighbour does count as touched, since a task
 * can write to it without another fault: mbind(2) no longer moves it.
 *
 * Locks and races
 * ---------------
 *
 * A huge fault holds the mmap lock for reading or the lock of its VMA. So the mapping
 * and the table of PMD entries stay. munmap(2), mprotect(2) and mremap(2) wait for both
 * locks. It also holds vpool_region.sem for reading until all entries are inserted. So it
 * needs neither a folio lock nor a reference to the folio:
 *
 * - A revoke, and mbind(2), hold the semaphore for writing. The former then removes all
 *   entries by one walk. The latter replaces untouched folios, which no entry maps.
 * - A memory error first marks the folio and then waits for the semaphore for writing. An
 *   earlier fault has inserted its entries by then, and they are removed. A later one
 *   sees the mark.
 * - Another fault may fill the same entry. vmf_insert_folio_pmd() looks again under the
 *   lock of the page table, and leaves an entry alone that is not empty.
 * - Two faults must not zero the same folio. The one that holds the folio lock does.
 *
 * The core falls back to ->fault for any fault that is refused here. That path maps base
 * pages where a huge page does not fit, and reports poisoned pages.
 *
 * S_DAX
 * -----
 *
 * The inode of a device's region has S_DAX. Without the flag the core would offer faults
 * only if the host's policy for transparent huge pages allowed it, would never offer a
 * PUD, and would lose references when it splits a PUD entry. Files have the flag only in
 * pools whose pages need PUD entries, because it denies them long-term pins. The flag has
 * these effects on a character device:
 *
 * - Long-term pins stay allowed, because vma_is_fsdax() exempts character devices. All
 *   else that treats DAX memory specially looks at the struct pages (ZONE_DEVICE), which
 *   are ordinary here: GUP, memory_failure(), vmscan, the layout of DAX files.
 * - mlock(2) populates a mapping and does not mark it, as for hugetlb: VmLck does not
 *   contain pool memory, and RLIMIT_MEMLOCK does not limit it.
 * - Core dumps contain a region if bit 8 of coredump_filter is set, instead of bit 3.
 *   Neither is set by default.
 * - khugepaged, MADV_COLLAPSE, KSM, migration and NUMA balancing skip the mapping.
 *   smaps shows THPeligible as 0.
 * - Without CONFIG_FS_DAX the flag does not exist. Huge faults then obey the policy for
 *   transparent huge pages, there are no PUD entries, and none of the above holds.
 * - The file has no pages in its page cache and no ->read_iter, so writeback, truncation
 *   and splice(2) never come to the point where they test the flag.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/userfaultfd_k.h>

#include "compat.h"
#include "extent.h"
#include "huge.h"
#include "region.h"
#include "rss.h"
#include "store.h"

#ifdef VPOOL_INSERT_BASE
/**
 * vpool_huge_insert_base - map one page of a folio that no huge entry maps
 * @vmf: fault; its mapping is that of a region
 * @page: page of a locked folio that is larger than a page
 *
 * If ->fault returned the page, the core of these kernels would map the whole folio by
 * base pages, also those that are poisoned. Only userfaultfd stops it, which needs the
 * core to insert the entry.
 *
 * Context: as vpool_huge_fault(); allocates a page table.
 * Return: VM_FAULT_NOPAGE if the page is mapped; 0 if the core must map it; or
 * VM_FAULT_OOM.
 */
vm_fault_t vpool_huge_insert_base(struct vm_fault *vmf, struct page *page)
{
	if (userfaultfd_armed(vmf->vma))
		return 0;
	/* Another fault was faster, before the folio was poisoned. */
	if (pmd_trans_huge(pmdp_get_lockless(vmf->pmd)))
		return VM_FAULT_NOPAGE;
	return vmf_insert_page_mkwrite(vmf, page,
				       vmf->flags & FAULT_FLAG_WRITE);
}
#endif

#ifdef VPOOL_HUGE_FAULT

static int vpool_fault_around_set(const char *val,
				  const struct kernel_param *param)
{
	return param_set_uint_minmax(val, param, 1, PTRS_PER_PMD);
}

static const struct kernel_param_ops vpool_fault_around_ops = {
	.set = vpool_fault_around_set,
	.get = param_get_uint,
};

/* On other kernels the parameter does not exist. */
static uint fault_around = PTRS_PER_PMD;
module_param_cb(fault_around, &vpool_fault_around_ops, &fault_around, 0644);
MODULE_PARM_DESC(fault_around, "huge pages that one page fault may map");

/**
 * struct vpool_huge - huge entries that a fault or populating inserts
 * @vma: mapping of @region, which the caller keeps
 * @region: region with its semaphore held for reading
 * @nr: number of folios mapped so far
 */
struct vpool_huge {
	struct vm_area_struct *vma;
	struct vpool_region *region;
	unsigned long nr;
};

/* Index in the region of the folio at @addr. */
static unsigned long vpool_huge_index(const struct vpool_huge *huge,
				      unsigned long addr)
{
	return linear_page_index(huge->vma, addr) >> huge->region->store->order;
}

/* The whole folio must be fit for use, and no task may see what it contained before. */
static bool vpool_huge_is_ready(const struct folio *folio)
{
	return folio_test_uptodate(folio) && !folio_test_has_hwpoisoned(folio);
}

/* Map a folio that is ready, if its entry is empty. True if a huge entry is there now. */
static bool vpool_huge_map_ready(struct vpool_huge *huge, unsigned long addr,
				 pmd_t *pmd, unsigned long i)
{
	struct folio *folio = huge->region->folios[i];
	struct vm_fault vmf = {
		.vma = huge->vma,
		.address = addr,
		.pmd = pmd,
	};

	if (!pmd_none(pmdp_get_lockless(pmd)))
		return pmd_trans_huge(pmdp_get_lockless(pmd));
	if (!folio || !vpool_huge_is_ready(folio))
		return false;
	vpool_region_touch(huge->region, i);
	if (vmf_insert_folio_pmd(&vmf, folio, false) != VM_FAULT_NOPAGE ||
	    !pmd_trans_huge(pmdp_get_lockless(pmd)))
		return false;
	huge->nr++;
	return true;
}

/* Where the folios around @addr end that one table of PMD entries can map. */
static unsigned long vpool_huge_end(const struct vpool_huge *huge,
				    unsigned long addr)
{
	unsigned long left = huge->region->nr - vpool_huge_index(huge, addr);
	unsigned long table = (addr | ~PUD_MASK) - addr + 1;
	unsigned long vma = huge->vma->vm_end - addr;

	return addr + min3(left << PMD_SHIFT, table, vma & PMD_MASK);
}

/* Map the neighbours of the folio at @addr, which @pmd maps. */
static void vpool_huge_map_around(struct vpool_huge *huge, unsigned long addr,
				  pmd_t *pmd)
{
	unsigned long around = READ_ONCE(fault_around) * PMD_SIZE;
	unsigned long start = addr - addr % around, end, i;

	/* Consecutive windows do not overlap, whatever is touched first in each. */
	end = min(start + around, vpool_huge_end(huge, addr));
	start = max3(start, addr & PUD_MASK,
		     ALIGN(huge->vma->vm_start, PMD_SIZE));
	pmd -= (addr - start) >> PMD_SHIFT;
	i = vpool_huge_index(huge, start);
	for (; start < end; start += PMD_SIZE, pmd++, i++)
		vpool_huge_map_ready(huge, start, pmd, i);
}

static vm_fault_t vpool_huge_insert(struct vpool_huge *huge,
				    struct vm_fault *vmf, struct folio *folio)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	bool none = pmd_none(pmdp_get_lockless(vmf->pmd));
	vm_fault_t ret;

	ret = vmf_insert_folio_pmd(vmf, folio, write);
	if (none && pmd_trans_huge(pmdp_get_lockless(vmf->pmd)))
		huge->nr++;
	if (ret == VM_FAULT_NOPAGE)
		vpool_huge_map_around(huge, vmf->address & PMD_MASK, vmf->pmd);
	return ret;
}

#ifdef CONFIG_HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD
static vm_fault_t vpool_huge_insert_pud(struct vpool_huge *huge,
					struct vm_fault *vmf,
					struct folio *folio)
{
	bool none = pud_none(pudp_get(vmf->pud));
	vm_fault_t ret;

	ret = vmf_insert_folio_pud(vmf, folio, vmf->flags & FAULT_FLAG_WRITE);
	if (none && pud_trans_huge(pudp_get(vmf->pud)))
		huge->nr++;
	return ret;
}
#else
static vm_fault_t vpool_huge_insert_pud(struct vpool_huge *huge,
					struct vm_fault *vmf,
					struct folio *folio)
{
	return VM_FAULT_FALLBACK;
}
#endif

/*
 * A write to an entry that is mapped read-only comes here, too. userfaultfd may have
 * protected it to learn of the write: the core then has to remove the entry.
 */
static bool vpool_huge_is_watched(struct vm_fault *vmf, unsigned int order)
{
	return userfaultfd_armed(vmf->vma) &&
	       (order != PMD_ORDER || !pmd_none(pmdp_get_lockless(vmf->pmd)));
}

/* Return 0 if there is no folio. */
static vm_fault_t vpool_huge_map(struct vpool_huge *huge, struct vm_fault *vmf,
				 unsigned int order)
{
	struct vpool_region *region = huge->region;
	struct folio *folio = vpool_region_find(region, vmf->pgoff);

	if (!folio)
		return 0;
	if (!folio_test_uptodate(folio)) {
		folio_lock(folio);
		if (!folio_test_uptodate(folio))
			vpool_region_zero(region, folio);
		folio_unlock(folio);
	}
	if (!vpool_huge_is_ready(folio))
		return VM_FAULT_FALLBACK;
	vpool_region_touch(region, vmf->pgoff >> order);
	return order == PMD_ORDER ? vpool_huge_insert(huge, vmf, folio) :
				    vpool_huge_insert_pud(huge, vmf, folio);
}

/* Account for the folios that have been mapped. */
static void vpool_huge_account(const struct vpool_huge *huge)
{
	unsigned int order = huge->region->store->order;

	if (huge->nr)
		vpool_rss_hide(huge->vma->vm_mm, huge->region,
			       huge->nr << order,
			       READ_ONCE(huge->region->nr) << order);
}

/**
 * vpool_huge_fault - map the folio at an address by one entry, and its neighbours
 * @vmf: fault; its mapping is that of a region
 * @order: order of the entry, PMD_ORDER or PUD_ORDER
 *
 * Context: called with the mmap lock or the lock of the VMA held; takes
 * vpool_region.sem.
 * Return: VM_FAULT_NOPAGE; VM_FAULT_FALLBACK if the core must try smaller entries;
 * VM_FAULT_SIGBUS if the region has been revoked, or if a hole cannot be filled; or
 * VM_FAULT_OOM.
 */
vm_fault_t vpool_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vpool_huge huge = {
		.vma = vmf->vma,
		.region = vmf->vma->vm_private_data,
	};
	struct vpool_store *store = huge.region->store;
	vm_fault_t ret;

	if (order != store->order ||
	    !vpool_huge_fits(vmf->vma, vmf->address, order) ||
	    vpool_huge_is_watched(vmf, order))
		return VM_FAULT_FALLBACK;
	do {
		down_read(&huge.region->sem);
		ret = vpool_huge_map(&huge, vmf, order);
		up_read(&huge.region->sem);
	} while (!ret &&
		 !vpool_extent_fault_in(huge.region, vmf->vma, vmf->pgoff));
	if (!ret)
		return VM_FAULT_SIGBUS;
	vpool_huge_account(&huge);
	if (ret != VM_FAULT_NOPAGE)
		return ret;
	vpool_stat_inc(store->stat, VPOOL_STAT_FAULTS_HUGE);
	if (huge.nr > 1)
		vpool_stat_add(store->stat, VPOOL_STAT_MAPPED_AROUND,
			       huge.nr - 1);
	return ret;
}

/* Return the table of PMD entries for @addr, at the entry of @addr; NULL if there is none. */
static pmd_t *vpool_huge_table(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud, entry;

	if (!pgd_present(pgdp_get(pgd)))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (!p4d_present(p4dp_get(p4d)))
		return NULL;
	pud = pud_offset(p4d, addr);
	entry = pudp_get(pud);
	if (!pud_present(entry) || pud_leaf(entry))
		return NULL;
	return pmd_offset(pud, addr);
}

/* Map folios from @addr on up to the first that cannot be mapped; return its address. */
static unsigned long vpool_huge_map_all(struct vpool_huge *huge,
					unsigned long addr, unsigned long end,
					pmd_t *pmd)
{
	unsigned long i = vpool_huge_index(huge, addr);

	for (; addr < end; addr += PMD_SIZE, pmd++, i++)
		if (!vpool_huge_map_ready(huge, addr, pmd, i))
			break;
	return addr;
}

/**
 * vpool_huge_populate - map folios without a fault
 * @vma: mapping of a region
 * @start: first address
 * @end: address after the last; both are in @vma
 *
 * Does nothing where it would have to allocate a page table or to zero a folio; a fault
 * does that.
 *
 * Context: called with the mmap lock held for reading; takes vpool_region.sem.
 * Return: number of bytes from @start on that huge entries map now.
 */
unsigned long vpool_huge_populate(struct vm_area_struct *vma,
				  unsigned long start, unsigned long end)
{
	struct vpool_huge huge = {
		.vma = vma,
		.region = vma->vm_private_data,
	};
	unsigned long addr = start;
	pmd_t *pmd;

	if (huge.region->store->order != PMD_ORDER ||
	    !IS_ALIGNED(start, PMD_SIZE) ||
	    !vpool_huge_fits(vma, start, PMD_ORDER) ||
	    !(vma->vm_flags & VM_READ) || vpool_vma_thp_disabled(vma))
		return 0;
	pmd = vpool_huge_table(vma->vm_mm, start);
	if (!pmd)
		return 0;
	down_read(&huge.region->sem);
	if (vpool_region_find(huge.region, linear_page_index(vma, start))) {
		end = min(end & PMD_MASK, vpool_huge_end(&huge, start));
		addr = vpool_huge_map_all(&huge, start, end, pmd);
	}
	up_read(&huge.region->sem);
	vpool_huge_account(&huge);
	vpool_stat_add(huge.region->store->stat, VPOOL_STAT_MAPPED_AROUND,
		       huge.nr);
	return addr - start;
}

#endif /* VPOOL_HUGE_FAULT */
