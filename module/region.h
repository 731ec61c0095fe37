/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region: one memory object of a pool.
 */
#ifndef VPOOL_REGION_H
#define VPOOL_REGION_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "extack.h"

struct folio;
struct page;
struct pid;
struct vm_area_struct;
struct vpool_store;

/**
 * struct vpool_region - what one open of a pool's node owns
 * @link: in the pool's list, under the pool's lock
 * @id: unique within the pool; set when it is listed
 * @users: descriptors of it; under a lock of chardev.c
 * @store: where its folios come from and go to
 * @inode: one of our own file system, whose mapping finds all page tables that
 *	map the region, and whose size lets the core use huge ones
 * @sem: held for writing to commit and to revoke, for reading to fault and map
 * @revoked: its folios are gone; under @sem
 * @populate: whoever maps it wants all page tables filled; under @sem
 * @nr: how many folios it has, 0 until it is committed; under @sem
 * @folios: in the order of their offsets; under @sem
 * @touched: a bit for each folio that a task has faulted in: it may hold data.
 *Set with @sem held for reading, read and cleared with it held for writing
 * @extack: of the descriptor; for what fails on a mapping
 * @pid: the process that opened it
 * @uid: the user who did
 * @comm: that process's name then
 */
struct vpool_region {
	struct list_head link;
	u64 id;
	unsigned int users;
	struct vpool_store *store;
	struct inode *inode;
	struct rw_semaphore sem;
	bool revoked;
	bool populate;
	unsigned long nr;
	struct folio **folios;
	unsigned long *touched;
	struct vpool_extack *extack;
	struct pid *pid;
	kuid_t uid;
	char comm[TASK_COMM_LEN];
};

int vpool_region_init(struct vpool_region *region, struct vpool_store *store);
struct file *vpool_region_file(struct vpool_region *region, const char *name,
			       const struct file_operations *fops);
void vpool_region_empty(struct vpool_region *region);
void vpool_region_exit(struct vpool_region *region);
int vpool_region_commit(struct vpool_region *region, int nid, u64 *bytes,
			bool populate, struct vpool_extack *extack);
int vpool_region_mmap(struct vpool_region *region, struct vm_area_struct *vma,
		      struct vpool_extack *extack);
void vpool_region_revoke(struct vpool_region *region);
bool vpool_region_maps(const struct vm_area_struct *vma);
struct inode *vpool_region_poisoned(struct vpool_region *region,
				    struct page *page, pgoff_t *pgoff);
void vpool_inode_put(struct inode *inode);
u64 vpool_region_bytes(struct vpool_region *region);
pid_t vpool_region_pid(struct vpool_region *region);

#endif /* VPOOL_REGION_H */
