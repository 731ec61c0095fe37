/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page sizes that pools of this kernel can have.
 */
#ifndef VPOOL_PAGE_SIZE_H
#define VPOOL_PAGE_SIZE_H

#include <linux/pgtable.h>
#include <linux/types.h>

#include "extack.h"

/* The default: the smallest huge page, 2 MiB with base pages of 4 KiB. */
#define VPOOL_DEFAULT_PAGE_SIZE PMD_SIZE

/**
 * struct vpool_page_size_list - page sizes as text
 * @s: sizes in bytes, in ascending order, separated by blanks, NUL-terminated
 */
struct vpool_page_size_list {
	char s[64];
};

int vpool_page_size_check(u64 page_size, struct vpool_extack *extack);
struct vpool_page_size_list vpool_page_size_list(void);

#endif /* VPOOL_PAGE_SIZE_H */
