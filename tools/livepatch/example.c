// SPDX-License-Identifier: GPL-2.0
/*
 * An example of a livepatch: refuse pool names that end with a dot, and count the
 * folios that vpool zeroes. The livepatch test loads it.
 */
#include <linux/atomic.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "livepatch.h"

#include "folio.h"
#include "spec.h"

/* A static variable of vpool, the number of pools: declare it as if it were global. */
extern atomic_t vpool_live;

/* A replacement can have variables; this one is /sys/module/NAME/parameters/zeroed. */
static unsigned long zeroed;
module_param(zeroed, ulong, 0444);
MODULE_PARM_DESC(zeroed, "folios that vpool has zeroed");

static int fixed_check_name(const char *name, struct vpool_extack *extack)
{
	size_t len = strnlen(name, VPOOL_NAME_SIZE);

	if (len && len <= VPOOL_NAME_MAX && name[len - 1] != '.')
		return 0;
	return vpool_err(extack, -EINVAL, VPOOL_CODE_NAME_INVALID,
			 "a name must not end with a dot; there are %d pools",
			 atomic_read(&vpool_live));
}

static bool fixed_folio_zero(struct folio *folio)
{
	long i, nr = folio_nr_pages(folio);
	bool good = true;

	for (i = 0; i < nr; i++) {
		struct page *page = folio_page(folio, i);

		if (PageHWPoison(page))
			good = false;
		else
			clear_highpage(page);
		if (IS_ALIGNED(i + 1, PMD_SIZE / PAGE_SIZE))
			cond_resched();
	}
	WRITE_ONCE(zeroed, zeroed + 1);
	return good;
}

VPOOL_LIVEPATCH(VPOOL_REPLACE(vpool_folio_zero, fixed_folio_zero),
		VPOOL_REPLACE(vpool_spec_check_name, fixed_check_name));
