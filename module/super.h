/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vpool's filesystem: mounts of pools, and the pseudo filesystem of devices' regions.
 */
#ifndef VPOOL_SUPER_H
#define VPOOL_SUPER_H

#include <linux/fs.h>
#include <linux/types.h>

struct vpool_pool;

int vpool_super_start(void);
void vpool_super_stop(void);
bool vpool_super_has_inode(const struct inode *inode);
struct inode *vpool_super_get_inode(void);
void vpool_super_put_inode(struct inode *inode);
struct file *vpool_super_path(struct inode *inode, const char *name,
			      const struct file_operations *fops);
struct file *vpool_super_create_file(struct vpool_pool *pool);

#endif /* VPOOL_SUPER_H */
