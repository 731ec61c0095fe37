/* SPDX-License-Identifier: GPL-2.0 */
/* Contents of mapped memory, and the memory figures of the host. */
#ifndef VP_MEMORY_H
#define VP_MEMORY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* The page sizes of this kernel: a pool's default, and the base page. */
#define HUGE_SIZE vp_page_size(true)
#define BASE vp_page_size(false)

/* The value of a number that cannot be read. */
#define VP_NONE (~0ULL)

__u64 vp_page_size(bool huge);
void vp_fill(void *addr, size_t bytes, __u64 seed);
bool vp_is_filled(const void *addr, size_t bytes, __u64 seed);
bool vp_is_zero(const void *addr, size_t bytes);
int vp_touch(void *addr, bool write);
int vp_touch_info(void *addr, bool write, siginfo_t *info);
__u64 vp_resident(void);
int vp_smaps(const void *addr, const char *field, __u64 *bytes);

__u64 vp_meminfo(const char *field);
__u64 vp_node_meminfo(int node, const char *field);
__u64 vp_host_free(void);
bool vp_wait_host_free(__u64 bytes);

#endif /* VP_MEMORY_H */
