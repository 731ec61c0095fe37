/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of the vpool ABI and a pool's files in sysfs. A function that can fail
 * returns 0 or a negative errno, so that a test states what it expects in one line.
 */
#ifndef VP_POOL_H
#define VP_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/vpool.h>

/**
 * struct vp_request - VPOOL_CREATE together with its arrays
 * @create: the argument of the call
 * @mem: memory per NUMA node, used if create.mem_uptr is 0
 * @cpus: CPU mask, used if create.cpus_uptr is 0
 */
struct vp_request {
	struct vpool_create create;
	struct vpool_mem mem[4];
	__u64 cpus[16];
};

/* Descriptors. */
int vp_ioctl(int fd, unsigned long cmd, void *arg);
int vp_control(void);
int vp_open(const char *name);
int vp_open_flags(const char *name, int flags);
void vp_dev_path(const char *name, char *path, size_t size);

/* Create, resize and destroy. */
void vp_name(char field[VPOOL_NAME_SIZE], const char *name);
void vp_request_init(struct vp_request *req, const char *name);
void vp_request_mem(struct vp_request *req, __u64 bytes, int node);
void vp_request_cpus(struct vp_request *req, const char *list);
int vp_request_send(int ctl, struct vp_request *req);
int vp_create(int ctl, const char *name, __u64 bytes, __u64 page_size,
	      const char *cpus);
int vp_create_nr(int ctl, const char *name, __u32 nr, int node, int mem_node,
		 __u32 flags);
int vp_destroy(int ctl, const char *name, __u32 flags);
int vp_destroy_wait(int ctl, const char *name);
int vp_resize(int ctl, const char *name, __u64 *bytes, int node);
int vp_resize_nodes(int ctl, const char *name, struct vpool_mem *mem,
		    __u32 nr);
int vp_resize_cpus(int ctl, const char *name, const char *cpus, __u32 flags);

/* Query. */
const char *vp_reason(int fd);
__u32 vp_code(int fd);
bool vp_reason_has(int fd, const char *word);
int vp_query(int fd, const char *name, struct vpool_query *query);
int vp_regions(int fd, const char *name, struct vpool_region_info *info,
	       __u32 *nr);
int vp_list(int ctl, struct vpool_list_entry *entries, __u32 *nr);
bool vp_exists(const char *name);
bool vp_accounting_ok(int fd, const char *name);

/* Regions. */
int vp_commit(int fd, __u64 *bytes);
void *vp_map(int fd, __u64 bytes, __u64 offset);
void *vp_open_map(const char *name, __u64 bytes, int *fd);

/* A pool's attributes in sysfs. */
int vp_sysfs(const char *pool, const char *attr, char *text, size_t size);
__u64 vp_mapping_size(void);
__u64 vp_sysfs_u64(const char *pool, const char *attr);
__u64 vp_mapped_huge(const char *pool);
bool vp_has_fault_around(void);
__u64 vp_node_bytes(const char *pool, int node, const char *what);
bool vp_sysfs_is(const char *pool, const char *attr, const char *want);
bool vp_sysfs_wait(const char *pool, const char *attr, __u64 want);
bool vp_wait_idle(const char *pool);

#endif /* VP_POOL_H */
