// SPDX-License-Identifier: GPL-2.0
/*
 * Choosing the addresses of mappings, so that huge page table entries fit.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "area.h"
#include "handle.h"
#include "region.h"
#include "store.h"

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/*
 * Like hugetlbfs, refuse an address at which no entry of 1 GiB can map the region. The
 * core asks for mmap(2) and for mremap(2).
 */
static int vpool_area_check(struct vpool_handle *handle, unsigned long addr,
			    unsigned long len, unsigned long pgoff,
			    unsigned long flags)
{
	unsigned long align = vpool_store_page_size(handle->region->store);

	if (!(flags & MAP_FIXED) || align <= PMD_SIZE || len < align ||
	    IS_ALIGNED(addr - (pgoff << PAGE_SHIFT), align))
		return 0;
	return vpool_err(&handle->extack, -EINVAL, VPOOL_CODE_MAP_RANGE,
			 "address and offset are not aligned alike to pages of %s",
			 vpool_size(align).s);
}

/**
 * vpool_get_area - choose the address of a mapping
 * @filp: descriptor of a device or of a file
 * @addr: address that the caller wants, or 0
 * @len: length in bytes
 * @pgoff: offset in the file, in pages
 * @flags: MAP_* flags
 *
 * Align a mapping to 1 GiB if the pool has pages of this size. The core itself aligns to
 * PMD_SIZE, and only if the caller does not name an address.
 *
 * Return: the address, or a negative errno.
 */
unsigned long vpool_get_area(struct file *filp, unsigned long addr,
			     unsigned long len, unsigned long pgoff,
			     unsigned long flags)
{
	struct vpool_handle *handle = filp->private_data;
	unsigned long align = vpool_store_page_size(handle->region->store), area;
	int err = vpool_area_check(handle, addr, len, pgoff, flags);

	if (err)
		return err;
	if (align <= PMD_SIZE || addr || len < align || len > ULONG_MAX - align)
		return thp_get_unmapped_area(filp, addr, len, pgoff, flags);
	area = thp_get_unmapped_area(filp, 0, len + align, pgoff, flags);
	if (IS_ERR_VALUE(area))
		return thp_get_unmapped_area(filp, 0, len, pgoff, flags);
	return area + (((pgoff << PAGE_SHIFT) - area) & (align - 1));
}
#endif
