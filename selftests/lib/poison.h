/* SPDX-License-Identifier: GPL-2.0 */
/* Memory errors that the kernel injects. */
#ifndef VP_POISON_H
#define VP_POISON_H

#include <stdbool.h>

#include <linux/types.h>

bool vp_can_poison(void);
int vp_poison(__u64 pfn);
__u64 vp_pfn(const void *addr);
int vp_bus_code(void *addr, char **where);

#endif /* VP_POISON_H */
