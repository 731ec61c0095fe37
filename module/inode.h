/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pseudo filesystem whose inodes hold the mappings of regions.
 */
#ifndef VPOOL_INODE_H
#define VPOOL_INODE_H

#include <linux/fs.h>

bool vpool_inode_is_ours(const struct inode *inode);
struct inode *vpool_inode_create(void);
struct inode *vpool_inode_get(struct inode *inode);
void vpool_inode_put(struct inode *inode);
struct file *vpool_inode_file(struct inode *inode, const char *name,
			      const struct file_operations *fops);

#endif /* VPOOL_INODE_H */
