/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Notifying tasks of a memory error before they touch the page.
 */
#ifndef VPOOL_MCE_H
#define VPOOL_MCE_H

#include <linux/types.h>

struct address_space;

void vpool_mce_notify(struct address_space *mapping, pgoff_t pgoff);

#endif /* VPOOL_MCE_H */
