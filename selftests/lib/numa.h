/* SPDX-License-Identifier: GPL-2.0 */
/* NUMA nodes: memory policies, and where tasks and pages are. */
#ifndef VP_NUMA_H
#define VP_NUMA_H

#include <linux/types.h>

int vp_cpu_of(int node);
int vp_run_on_node(int node);
int vp_task_policy(int mode, unsigned long nodes);
int vp_mapping_policy(void *addr, __u64 bytes, int mode, unsigned long nodes);
int vp_node_of(void *addr);
long vp_numa_maps(const void *addr, int node);

#endif /* VP_NUMA_H */
