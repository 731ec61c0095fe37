// SPDX-License-Identifier: GPL-2.0
/*
 * The pseudo filesystem whose inodes hold the mappings of regions.
 *
 * It is mounted only while there are regions: a permanent mount would pin the module.
 * Each reference to an inode therefore comes with one to the mount.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include "inode.h"

#define VPOOL_FS_MAGIC 0x76706f6f

/* /proc shows the path of the device by which a region was opened. */
static char *vpool_inode_dname(struct dentry *dentry, char *buffer, int size)
{
	char text[64];
	int len = scnprintf(text, sizeof(text), "/dev/vpool/%s%s",
			    dentry->d_name.name,
			    d_inode(dentry)->i_nlink ? "" : " (deleted)") + 1;

	if (len > size)
		return ERR_PTR(-ENAMETOOLONG);
	return memcpy(buffer + size - len, text, len);
}

/* Drop the path of the device, which open has stored in d_fsdata. */
static void vpool_inode_drelease(struct dentry *dentry)
{
	struct path *path = dentry->d_fsdata;

	if (!path)
		return;
	path_put(path);
	kfree(path);
}

static const struct dentry_operations vpool_fs_dops = {
	.d_delete = always_delete_dentry,
	.d_dname = vpool_inode_dname,
	.d_release = vpool_inode_drelease,
};

static int vpool_fs_init_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, VPOOL_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->dops = &vpool_fs_dops;
	/* Since 6.17 devices on a pseudo filesystem cannot be opened. A region's can. */
	fc->s_iflags &= ~SB_I_NODEV;
	return 0;
}

static struct file_system_type vpool_fs = {
	.name = "vpool",
	.owner = THIS_MODULE,
	.init_fs_context = vpool_fs_init_context,
	.kill_sb = kill_anon_super,
};

/* simple_pin_fs() guards both. */
static struct vfsmount *vpool_mnt;
static int vpool_mnt_count;

/**
 * vpool_inode_is_ours - tell whether an inode belongs to a region
 * @inode: inode of any filesystem
 *
 * Context: any.
 * Return: true if vpool_inode_create() has created it.
 */
bool vpool_inode_is_ours(const struct inode *inode)
{
	return inode->i_sb->s_type == &vpool_fs;
}

/**
 * vpool_inode_create - create an inode
 *
 * Context: sleeps.
 * Return: the inode with a reference, for vpool_inode_put(), or an ERR_PTR.
 */
struct inode *vpool_inode_create(void)
{
	struct inode *inode;
	int err;

	err = simple_pin_fs(&vpool_fs, &vpool_mnt, &vpool_mnt_count);
	if (err)
		return ERR_PTR(err);
	inode = alloc_anon_inode(vpool_mnt->mnt_sb);
	if (IS_ERR(inode))
		simple_release_fs(&vpool_mnt, &vpool_mnt_count);
	return inode;
}

/**
 * vpool_inode_get - take another reference to an inode
 * @inode: inode that the caller has a reference to
 *
 * Context: sleeps.
 * Return: @inode, for vpool_inode_put(), or NULL if the mount cannot be pinned.
 */
struct inode *vpool_inode_get(struct inode *inode)
{
	if (simple_pin_fs(&vpool_fs, &vpool_mnt, &vpool_mnt_count))
		return NULL;
	ihold(inode);
	return inode;
}

/**
 * vpool_inode_put - drop a reference to an inode
 * @inode: inode from vpool_inode_create() or vpool_inode_get()
 *
 * Context: sleeps.
 */
void vpool_inode_put(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&vpool_mnt, &vpool_mnt_count);
}

/**
 * vpool_inode_file - create a file whose path leads to an inode
 * @inode: inode that the caller has a reference to
 * @name: name of the pool, NUL-terminated
 * @fops: operations of the file
 *
 * Context: sleeps.
 * Return: the file, for fput(), or an ERR_PTR.
 */
struct file *vpool_inode_file(struct inode *inode, const char *name,
			      const struct file_operations *fops)
{
	struct file *file;

	ihold(inode);
	file = alloc_file_pseudo(inode, vpool_mnt, name, O_RDWR, fops);
	if (IS_ERR(file))
		iput(inode);
	return file;
}
