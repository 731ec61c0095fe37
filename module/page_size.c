// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/mm.h>

#include "compat.h"
#include "page_size.h"

/* All sizes that a kernel could map with one entry of a page table. */
static const u64 vpool_page_sizes[] = { PAGE_SIZE, PMD_SIZE, PUD_SIZE };

/* No other function knows which sizes are possible. */
static bool vpool_page_size_is_possible(u64 page_size)
{
	if (page_size == PUD_SIZE)
		return VPOOL_HAS_GIGANTIC && vpool_cpu_maps_pud();
	return page_size == PAGE_SIZE || page_size == PMD_SIZE;
}

static int vpool_err_gigantic(u64 page_size, struct vpool_extack *extack)
{
	if (!VPOOL_HAS_GIGANTIC)
		return vpool_err(extack, -EOPNOTSUPP,
				 VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL,
				 "pages of %s need Linux 7.1 or newer with CONTIG_ALLOC, FS_DAX and transparent huge pages",
				 vpool_size(page_size).s);
	return vpool_err(extack, -EOPNOTSUPP, VPOOL_CODE_PAGE_SIZE_UNSUPPORTED,
			 "this CPU cannot map pages of %s; pools can have pages of %s bytes",
			 vpool_size(page_size).s, vpool_page_size_list().s);
}

/**
 * vpool_page_size_check - check that pools of this kernel can have a page size
 * @page_size: size in bytes
 * @extack: message of a failed call, or NULL
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int vpool_page_size_check(u64 page_size, struct vpool_extack *extack)
{
	if (vpool_page_size_is_possible(page_size))
		return 0;
	if (page_size == PUD_SIZE)
		return vpool_err_gigantic(page_size, extack);
	return vpool_err(extack, -EOPNOTSUPP, VPOOL_CODE_PAGE_SIZE_UNSUPPORTED,
			 "pages of %llu bytes are not supported, only of %s",
			 page_size, vpool_page_size_list().s);
}

/**
 * vpool_page_size_list - list the page sizes that pools of this kernel can have
 *
 * Return: the list.
 */
struct vpool_page_size_list vpool_page_size_list(void)
{
	struct vpool_page_size_list list;
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(vpool_page_sizes); i++)
		if (vpool_page_size_is_possible(vpool_page_sizes[i]))
			len += scnprintf(list.s + len, sizeof(list.s) - len,
					 "%s%llu", len ? " " : "",
					 vpool_page_sizes[i]);
	return list;
}
