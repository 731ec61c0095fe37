// SPDX-License-Identifier: GPL-2.0
/*
 * The inodes of vpool's filesystem: directories, files, and those of devices' regions.
 *
 * The inode of a file owns its region, with a reference to the pool. Both last until the
 * inode is evicted: the file then has no name, no descriptor and no mapping. The inode of a
 * device's region only holds the mapping. The last descriptor ends the region (chardev.c).
 *
 * Directories are the kernel's: their entries are dentries that stay in memory.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "budget.h"
#include "compat.h"
#include "file.h"
#include "inode.h"
#include "pool.h"
#include "pool_region.h"
#include "region.h"
#include "store.h"

static const struct address_space_operations vpool_inode_aops = {
	.dirty_folio = noop_dirty_folio,
};

/**
 * vpool_inode_create_device - create the inode of a device's region
 * @sb: superblock that the caller has pinned
 *
 * Context: sleeps.
 * Return: the inode with a reference, for iput(), or an ERR_PTR.
 */
struct inode *vpool_inode_create_device(struct super_block *sb)
{
	struct inode *inode = alloc_anon_inode(sb);

	if (!IS_ERR(inode))
		inode->i_flags |= VPOOL_INODE_FLAGS;
	return inode;
}

static int vpool_inode_add_region(struct inode *inode, struct vpool_pool *pool)
{
	struct vpool_region *region;
	int err;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return -ENOMEM;
	vpool_region_init(region, &pool->store, inode);
	err = vpool_pool_add_region(pool, region);
	if (err) {
		vpool_region_exit(region);
		kfree(region);
		return err;
	}
	vpool_pool_get(pool);
	inode->i_private = region;
	return 0;
}

static void vpool_inode_init(struct inode *inode, struct inode *dir, umode_t mode)
{
	inode->i_ino = get_next_ino();
	inode_init_owner(vpool_idmap, inode, dir, mode);
	vpool_inode_init_times(inode);
}

/**
 * vpool_inode_create_file - create the inode of an empty file
 * @sb: superblock that the caller has pinned
 * @dir: directory of the file, or NULL for one that gets no name
 * @mode: type and permission bits
 * @pool: pool that the file's memory will come from
 *
 * Context: sleeps; takes the lock of @pool.
 * Return: the inode with a reference, for iput(), or an ERR_PTR: -ENOMEM, -ENXIO if the
 * pool is not active, -ENOSPC if it has max_regions regions, -EDQUOT if current's user has
 * as many as the pool allows.
 */
struct inode *vpool_inode_create_file(struct super_block *sb, struct inode *dir,
				      umode_t mode, struct vpool_pool *pool)
{
	struct inode *inode = new_inode(sb);
	int err;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	vpool_inode_init(inode, dir, mode);
	inode->i_op = &vpool_file_iops;
	inode->i_fop = &vpool_file_fops;
	inode->i_mapping->a_ops = &vpool_inode_aops;
	/* Only entries larger than a PMD need S_DAX. It denies a file long-term pins. */
	if (vpool_store_page_size(&pool->store) > PMD_SIZE)
		inode->i_flags |= VPOOL_INODE_FLAGS;
	/* khugepaged and MADV_COLLAPSE leave a file alone that is open for writing. */
	atomic_inc(&inode->i_writecount);
	err = vpool_inode_add_region(inode, pool);
	if (err) {
		iput(inode);
		return ERR_PTR(err);
	}
	return inode;
}

static struct inode *vpool_inode_create_dir(struct super_block *sb,
					    struct inode *dir, umode_t mode);

/*
 * The pool of a directory's filesystem has no more directories than it may have regions.
 * For the limits of a user, a directory counts as a region. Its i_private is that user.
 */
static struct inode *vpool_inode_create(struct inode *dir, umode_t mode)
{
	struct vpool_mount *mount = dir->i_sb->s_fs_info;
	struct inode *inode;

	if (S_ISDIR(mode))
		inode = vpool_inode_create_dir(dir->i_sb, dir, mode);
	else
		inode = vpool_inode_create_file(dir->i_sb, dir, mode,
						mount->pool);
	return inode == ERR_PTR(-ENXIO) ? ERR_PTR(-EIO) : inode;
}

static int vpool_inode_add(struct inode *dir, struct dentry *dentry,
			   umode_t mode)
{
	struct inode *inode = vpool_inode_create(dir, mode);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	vpool_d_make_persistent(dentry, inode);
	vpool_inode_changed(dir);
	return 0;
}

static int vpool_dir_create(VPOOL_CREATE_ARGS)
{
	return vpool_inode_add(dir, dentry, mode | S_IFREG);
}

static VPOOL_MKDIR_TYPE vpool_dir_mkdir(VPOOL_IDMAP_ARG, struct inode *dir,
					struct dentry *dentry, umode_t mode)
{
	int err = vpool_inode_add(dir, dentry, mode | S_IFDIR);

	if (!err)
		inc_nlink(dir);
	return VPOOL_MKDIR_RESULT(err);
}

static int vpool_dir_tmpfile(VPOOL_IDMAP_ARG, struct inode *dir,
			     struct file *file, umode_t mode)
{
	struct inode *inode = vpool_inode_create(dir, mode);

	if (IS_ERR(inode))
		return finish_open_simple(file, PTR_ERR(inode));
	d_tmpfile(file, inode);
	return finish_open_simple(file, 0);
}

static const struct inode_operations vpool_dir_iops = {
	.create = vpool_dir_create,
	.link = simple_link,
	.lookup = simple_lookup,
	.mkdir = vpool_dir_mkdir,
	.rename = simple_rename,
	.rmdir = simple_rmdir,
	.tmpfile = vpool_dir_tmpfile,
	.unlink = simple_unlink,
};

static struct inode *vpool_inode_create_dir(struct super_block *sb,
					    struct inode *dir, umode_t mode)
{
	struct vpool_mount *mount = sb->s_fs_info;
	struct vpool_user *user;
	struct inode *inode;

	if (vpool_pool_state(mount->pool) == VPOOL_STATE_DESTROYING)
		return ERR_PTR(-EIO);
	if (atomic_read(&mount->dirs) >= vpool_pool_max_regions())
		return ERR_PTR(-ENOSPC);
	user = vpool_budget_add_region(&mount->pool->budget,
				       vpool_budget_uid(current));
	if (IS_ERR(user))
		return ERR_CAST(user);
	inode = new_inode(sb);
	if (!inode) {
		vpool_budget_remove_region(user);
		return ERR_PTR(-ENOMEM);
	}
	inode->i_private = user;
	atomic_inc(&mount->dirs);
	vpool_inode_init(inode, dir, mode);
	inode->i_op = &vpool_dir_iops;
	inode->i_fop = &simple_dir_operations;
	/* For the entry "." */
	inc_nlink(inode);
	return inode;
}

/**
 * vpool_inode_create_root - create the inode of the root directory
 * @sb: superblock of a filesystem of a pool
 *
 * Context: sleeps.
 * Return: the inode with a reference, for iput(), or an ERR_PTR.
 */
struct inode *vpool_inode_create_root(struct super_block *sb)
{
	struct vpool_mount *mount = sb->s_fs_info;
	struct inode *inode;

	inode = vpool_inode_create_dir(sb, NULL, S_IFDIR | mount->mode);
	if (IS_ERR(inode))
		return inode;
	inode->i_uid = mount->uid;
	inode->i_gid = mount->gid;
	return inode;
}

/**
 * vpool_inode_pool - find the pool of an inode
 * @inode: inode of vpool's filesystem with a reference
 *
 * Return: pool, which the inode keeps, or NULL for the inode of a device's region.
 */
struct vpool_pool *vpool_inode_pool(struct inode *inode)
{
	struct vpool_mount *mount = inode->i_sb->s_fs_info;
	struct vpool_region *region = inode->i_private;

	if (mount)
		return mount->pool;
	if (!S_ISREG(inode->i_mode))
		return NULL;
	return container_of(region->store, struct vpool_pool, store);
}

static void vpool_inode_end_file(struct vpool_region *region)
{
	struct vpool_pool *pool =
		container_of(region->store, struct vpool_pool, store);

	vpool_pool_remove_region(pool, region);
	kfree(region);
	vpool_pool_put(pool);
}

/**
 * vpool_inode_evict - end an inode that has neither a name nor a user
 * @inode: inode of vpool's filesystem
 *
 * Context: sleeps; takes the lock of the pool of a file.
 */
void vpool_inode_evict(struct inode *inode)
{
	struct vpool_mount *mount = inode->i_sb->s_fs_info;

	if (S_ISREG(inode->i_mode) && inode->i_private)
		vpool_inode_end_file(inode->i_private);
	if (S_ISDIR(inode->i_mode) && mount) {
		vpool_budget_remove_region(inode->i_private);
		atomic_dec(&mount->dirs);
	}
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
}
