/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inodes of vpool's filesystem: directories, files, and those of devices' regions.
 */
#ifndef VPOOL_INODE_H
#define VPOOL_INODE_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct vpool_pool;

/**
 * struct vpool_mount - a filesystem of a pool
 * @pool: pool with a reference, or NULL if it has not been found yet
 * @uid: owner of the root directory
 * @gid: group of the root directory
 * @mode: permission bits of the root directory
 * @magic: number of the filesystem type that statfs(2) returns
 * @dirs: number of directories
 */
struct vpool_mount {
	struct vpool_pool *pool;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	unsigned long magic;
	atomic_t dirs;
};

struct inode *vpool_inode_create_device(struct super_block *sb);
struct inode *vpool_inode_create_file(struct super_block *sb, struct inode *dir,
				      umode_t mode, struct vpool_pool *pool);
struct inode *vpool_inode_create_root(struct super_block *sb);
struct vpool_pool *vpool_inode_pool(struct inode *inode);
void vpool_inode_evict(struct inode *inode);

#endif /* VPOOL_INODE_H */
