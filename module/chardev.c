// SPDX-License-Identifier: GPL-2.0
/*
 * The devices: /dev/vpool/control, and /dev/vpool/NAME for each pool.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/path.h>
#include <linux/slab.h>

#include "area.h"
#include "chardev.h"
#include "compat.h"
#include "destroy.h"
#include "devdir.h"
#include "handle.h"
#include "ioctl.h"
#include "mmap.h"
#include "pool.h"
#include "pool_region.h"
#include "region.h"
#include "super.h"

static long vpool_dev_ioctl(struct file *filp, unsigned int num, unsigned long arg)
{
	return vpool_handle_ioctl(filp->private_data, num, arg);
}

static int vpool_control_open(struct inode *inode, struct file *filp)
{
	filp->private_data = vpool_handle_alloc();
	return filp->private_data ? 0 : -ENOMEM;
}

static int vpool_control_release(struct inode *inode, struct file *filp)
{
	struct vpool_handle *handle = filp->private_data;

	if (handle->has_ephemeral)
		vpool_pools_orphan(handle);
	kfree(handle);
	return 0;
}

static const struct file_operations vpool_control_fops = {
	.owner = THIS_MODULE,
	.open = vpool_control_open,
	.release = vpool_control_release,
	.unlocked_ioctl = vpool_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/*
 * If the driver core has no memory for @nodename, it uses @name with "!" replaced by
 * a slash. A plain name would create a file where the directory /dev/vpool must be.
 */
static struct miscdevice vpool_control = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vpool!control",
	.nodename = "vpool/control",
	.fops = &vpool_control_fops,
	.mode = 0600,
};

/*
 * A region can be opened again by its path in /proc (/proc/PID/fd, map_files). If that
 * were the path of the device, vpool_dev_open() could not tell it from a first open,
 * and would create another region. So each descriptor of a region has a path to the
 * region's own inode instead, which looks like the device: opening it opens the same
 * region again.
 *
 * The last descriptor of a region may be closed while its path is being opened. The
 * path keeps the inode alive. This lock guards i_private of these inodes, which is the
 * region or NULL, and vpool_region.users.
 */
static DEFINE_MUTEX(vpool_reopen_lock);

static const struct file_operations vpool_dev_fops;

/* Operations of the file from vpool_super_path(), of which only the path is used. */
static const struct file_operations vpool_path_fops = {
	.owner = THIS_MODULE,
};

static int vpool_dev_set_path(struct file *filp, struct vpool_pool *pool,
			      struct vpool_region *region)
{
	struct inode *dev = file_inode(filp), *inode = region->inode;
	struct path *old = kmalloc(sizeof(*old), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!old)
		return -ENOMEM;
	inode->i_mode = dev->i_mode;
	inode->i_uid = dev->i_uid;
	inode->i_gid = dev->i_gid;
	inode->i_rdev = dev->i_rdev;
	inode->i_fop = &vpool_dev_fops;
	inode->i_private = region;
	/* fput() may free the file after this descriptor is closed. */
	__module_get(THIS_MODULE);
	file = vpool_super_path(inode, pool->name, &vpool_path_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		kfree(old);
		return PTR_ERR(file);
	}
	/* The VFS uses the inode of the device as long as @filp is open: keep it. */
	*old = filp->f_path;
	file_dentry(file)->d_fsdata = old;
	path_get(&file->f_path);
	vpool_file_set_path(filp, &file->f_path);
	fput(file);
	return 0;
}

/* Return false if this was the last descriptor of @region. */
static bool vpool_dev_unshare(struct vpool_region *region)
{
	bool shared;

	mutex_lock(&vpool_reopen_lock);
	shared = --region->users;
	if (!shared)
		region->inode->i_private = NULL;
	mutex_unlock(&vpool_reopen_lock);
	return shared;
}

/* The caller's reference to @pool passes to @handle. */
static void vpool_dev_bind(struct vpool_handle *handle, struct vpool_pool *pool,
			   struct vpool_region *region, struct file *filp)
{
	handle->pool = pool;
	handle->region = region;
	filp->private_data = handle;
	/* The core looks up the size and the mappings of the memory here. */
	filp->f_mapping = region->inode->i_mapping;
	filp->f_wb_err = filemap_sample_wb_err(filp->f_mapping);
}

static int vpool_dev_open_new(struct inode *inode, struct file *filp)
{
	struct vpool_pool *pool =
		container_of(inode->i_cdev, struct vpool_pool, cdev);
	struct vpool_handle *handle = vpool_handle_alloc();
	struct vpool_region *region;
	struct inode *memory;
	int err = -ENOMEM;

	if (!handle)
		return -ENOMEM;
	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		goto free_handle;
	memory = vpool_super_get_inode();
	if (IS_ERR(memory)) {
		err = PTR_ERR(memory);
		goto free_region;
	}
	vpool_region_init(region, &pool->store, memory);
	err = vpool_pool_add_region(pool, region);
	if (err)
		goto exit_region;
	err = vpool_dev_set_path(filp, pool, region);
	if (err)
		goto close_region;
	vpool_pool_get(pool);
	vpool_dev_bind(handle, pool, region, filp);
	return 0;

close_region:
	vpool_pool_remove_region(pool, region);
	goto put_inode;
exit_region:
	vpool_region_exit(region);
put_inode:
	vpool_super_put_inode(memory);
free_region:
	kfree(region);
free_handle:
	kfree(handle);
	return err;
}

static int vpool_dev_open_again(struct inode *inode, struct file *filp)
{
	struct vpool_handle *handle = vpool_handle_alloc();
	struct vpool_region *region;
	struct vpool_pool *pool = NULL;

	if (!handle)
		return -ENOMEM;
	mutex_lock(&vpool_reopen_lock);
	region = inode->i_private;
	if (region) {
		region->users++;
		pool = container_of(region->store, struct vpool_pool, store);
		/* Another user may drop its reference once the lock is dropped. */
		vpool_pool_get(pool);
	}
	mutex_unlock(&vpool_reopen_lock);
	if (!region) {
		kfree(handle);
		return -ENXIO;
	}
	vpool_dev_bind(handle, pool, region, filp);
	return 0;
}

/* The inode of the device has i_cdev. The inode of a region does not. */
static int vpool_dev_open(struct inode *inode, struct file *filp)
{
	return inode->i_cdev ? vpool_dev_open_new(inode, filp) :
		vpool_dev_open_again(inode, filp);
}

static int vpool_dev_release(struct inode *inode, struct file *filp)
{
	struct vpool_handle *handle = filp->private_data;
	struct inode *memory = handle->region->inode;

	if (!vpool_dev_unshare(handle->region)) {
		vpool_pool_remove_region(handle->pool, handle->region);
		kfree(handle->region);
		vpool_super_put_inode(memory);
	}
	vpool_pool_put(handle->pool);
	kfree(handle);
	return 0;
}

static int vpool_dev_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct vpool_handle *handle = filp->private_data;

	return vpool_mmap_region(handle->region, vma, &handle->extack);
}

static loff_t vpool_dev_llseek(struct file *filp, loff_t offset, int whence)
{
	struct vpool_handle *handle = filp->private_data;
	u64 size = vpool_region_bytes(handle->region);
	struct vpool_usage usage;

	/* A region has no holes, except the implicit one at the end of each file. */
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (offset < 0 || offset >= size)
			return -ENXIO;
		return vfs_setpos(filp, whence == SEEK_DATA ? offset : size,
				  MAX_LFS_FILESIZE);
	}
	if (!size) {
		vpool_store_usage(&handle->pool->store, &usage);
		size = usage.free;
	}
	return fixed_size_llseek(filp, offset, whence, size);
}

static const struct file_operations vpool_dev_fops = {
	.owner = THIS_MODULE,
	.open = vpool_dev_open,
	.release = vpool_dev_release,
	.unlocked_ioctl = vpool_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vpool_dev_mmap,
	.get_unmapped_area = vpool_get_area,
	.llseek = vpool_dev_llseek,
	/* There is no backing storage to write to. */
	.fsync = noop_fsync,
};

static dev_t vpool_devt;

static char *vpool_dev_devnode(VPOOL_DEVNODE_CONST struct device *dev,
			       umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	const struct vpool_pool *pool =
		container_of(dev, struct vpool_pool, dev);

	/* The driver core asks for the path only when it removes the file. */
	if (mode)
		*mode = pool->mode;
	if (uid)
		*uid = pool->uid;
	if (gid)
		*gid = pool->gid;
	/*
	 * If this returned NULL, the driver core would use the bare name: it would
	 * create the file in the wrong directory, or fail to remove it.
	 */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "vpool/%s", pool->name);
}

static void vpool_dev_free(struct device *dev)
{
	vpool_pool_put(container_of(dev, struct vpool_pool, dev));
}

static const struct device_type vpool_device_type = {
	.name = "vpool",
	.devnode = vpool_dev_devnode,
	.release = vpool_dev_free,
};

/*
 * Allocated and not static, because its last reference may be dropped after the
 * module is unloaded.
 */
static struct class *vpool_class;

/**
 * vpool_dev_add - create the device of a pool
 * @pool: pool that is ready to be opened, apart from its state
 *
 * Context: sleeps; takes vpool_devdir_mutex.
 * Return: 0 or a negative errno with nothing left behind.
 */
int vpool_dev_add(struct vpool_pool *pool)
{
	int err;

	device_initialize(&pool->dev);
	vpool_pool_get(pool);
	pool->dev.class = vpool_class;
	pool->dev.type = &vpool_device_type;
	pool->dev.devt = vpool_devt + pool->id;
	err = dev_set_name(&pool->dev, "%s", pool->name);
	if (err)
		goto put_dev;
	cdev_init(&pool->cdev, &vpool_dev_fops);
	pool->cdev.owner = THIS_MODULE;
	vpool_devdir_unlock();
	err = cdev_device_add(&pool->cdev, &pool->dev);
	vpool_devdir_lock();
	if (err)
		goto put_dev;
	return 0;

put_dev:
	put_device(&pool->dev);
	return err;
}

/**
 * vpool_dev_del - remove the device of a pool
 * @pool: pool whose device was created by vpool_dev_add(); it may still be open
 *
 * Context: sleeps; takes vpool_devdir_mutex.
 */
void vpool_dev_del(struct vpool_pool *pool)
{
	vpool_devdir_unlock();
	cdev_device_del(&pool->cdev, &pool->dev);
	vpool_devdir_lock();
	put_device(&pool->dev);
}

/**
 * vpool_dev_start - allocate the numbers and the class of the devices
 *
 * Return: 0 or a negative errno.
 */
int vpool_dev_start(void)
{
	int err;

	err = alloc_chrdev_region(&vpool_devt, 0, MINORMASK + 1, "vpool");
	if (err)
		return err;
	vpool_class = vpool_class_create("vpool");
	if (IS_ERR(vpool_class)) {
		unregister_chrdev_region(vpool_devt, MINORMASK + 1);
		return PTR_ERR(vpool_class);
	}
	return 0;
}

/**
 * vpool_dev_stop - free the numbers and the class of the devices
 *
 * Context: no pool exists.
 */
void vpool_dev_stop(void)
{
	class_destroy(vpool_class);
	unregister_chrdev_region(vpool_devt, MINORMASK + 1);
}

/**
 * vpool_control_start - create /dev/vpool/control
 *
 * Calls may arrive before this function returns.
 *
 * Return: 0 or a negative errno.
 */
int vpool_control_start(void)
{
	int err = misc_register(&vpool_control);

	if (!err)
		vpool_devdir_start();
	return err;
}

/**
 * vpool_control_stop - remove /dev/vpool/control
 *
 * Context: no descriptor of it is open.
 */
void vpool_control_stop(void)
{
	vpool_devdir_stop();
	misc_deregister(&vpool_control);
}
