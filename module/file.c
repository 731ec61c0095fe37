// SPDX-License-Identifier: GPL-2.0
/*
 * Regular files whose memory comes from a pool.
 *
 * A file behaves as one of tmpfs does, except that memory is committed when the file
 * grows, in whole folios, and that it cannot be mapped MAP_PRIVATE: the copies of a
 * private mapping would be memory of the host. extent.c has the locks and races.
 */
#include <linux/blk_types.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/stat.h>
#include <linux/uio.h>

#include "area.h"
#include "compat.h"
#include "extent.h"
#include "file.h"
#include "handle.h"
#include "ioctl.h"
#include "mmap.h"
#include "pool.h"
#include "region.h"
#include "store.h"

/*
 * A file can be this many times as large as its pool, with holes. It bounds the kernel
 * memory for the array of its folios.
 */
#define VPOOL_FILE_MAX_POOLS 16

static struct vpool_region *vpool_file_region(const struct file *filp)
{
	const struct vpool_handle *handle = filp->private_data;

	return handle->region;
}

/**
 * vpool_file_open - open a file
 * @inode: inode of the file
 * @filp: new descriptor
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_file_open(struct inode *inode, struct file *filp)
{
	struct vpool_region *region = inode->i_private;
	struct vpool_handle *handle = vpool_handle_alloc();

	if (!handle)
		return -ENOMEM;
	handle->is_file = true;
	handle->region = region;
	handle->pool = container_of(region->store, struct vpool_pool, store);
	/* The inode has a reference to the pool as well, and outlives the descriptor. */
	filp->private_data = handle;
	filp->f_mode |= FMODE_CAN_ODIRECT;
	return 0;
}

static int vpool_file_release(struct inode *inode, struct file *filp)
{
	kfree(filp->private_data);
	return 0;
}

static long vpool_file_ioctl(struct file *filp, unsigned int num,
			     unsigned long arg)
{
	return vpool_handle_ioctl(filp->private_data, num, arg);
}

static int vpool_file_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct vpool_handle *handle = filp->private_data;
	int err = vpool_mmap_file(handle->region, vma, &handle->extack);

	if (!err)
		file_accessed(filp);
	return err;
}

static u64 vpool_file_max_size(struct vpool_region *region)
{
	struct vpool_usage usage;

	vpool_store_usage(region->store, &usage);
	return min_t(u64, usage.total * VPOOL_FILE_MAX_POOLS, MAX_LFS_FILESIZE);
}

static int vpool_file_check_size(struct vpool_region *region, loff_t size,
				 struct vpool_extack *extack)
{
	u64 max = vpool_file_max_size(region);

	if (size <= max)
		return 0;
	/* The store of a pool that has been destroyed has no memory. */
	if (READ_ONCE(region->revoked)) {
		vpool_region_err_revoked(extack);
		return -EIO;
	}
	return vpool_err(extack, -EFBIG, VPOOL_CODE_FILE_TOO_LARGE,
			 "a file of pool '%s' can have at most %s, %u times the pool's memory, but %s requested",
			 region->store->name, vpool_size(max).s,
			 VPOOL_FILE_MAX_POOLS, vpool_size(size).s);
}

/* True if the core must not read or write @len bytes of @folio from @from on. */
static bool vpool_file_is_poisoned(struct folio *folio, size_t from, size_t len)
{
	size_t i;

	if (!vpool_folio_poisoned(folio))
		return false;
	for (i = from >> PAGE_SHIFT; i <= (from + len - 1) >> PAGE_SHIFT; i++)
		if (PageHWPoison(folio_page(folio, i)))
			return true;
	return false;
}

/* Bytes of one step: in one folio, and not so many that a step takes long. */
static size_t vpool_file_step(const struct vpool_region *region, loff_t pos,
			      size_t len)
{
	loff_t size = min_t(loff_t, PMD_SIZE,
			    vpool_store_page_size(region->store));

	return min_t(loff_t, len, size - (pos & (size - 1)));
}

/*
 * Copy at most @len bytes at @pos, all in one folio, to or from @iter. Return the number
 * of bytes copied, which is less than @len if user memory cannot be accessed.
 */
static ssize_t vpool_file_copy(struct folio *folio, loff_t pos, size_t len,
			       struct iov_iter *iter, bool write)
{
	size_t from = offset_in_folio(folio, pos);
	void *addr;

	/* Read what is before a poisoned page. */
	if (len > PAGE_SIZE && vpool_file_is_poisoned(folio, from, len))
		len = PAGE_SIZE - offset_in_page(from);
	if (vpool_file_is_poisoned(folio, from, len))
		return -EIO;
	addr = folio_address(folio) + from;
	return write ? copy_from_iter(addr, len, iter) :
		       copy_to_iter(addr, len, iter);
}

static ssize_t vpool_file_read_step(struct vpool_region *region, loff_t pos,
				    struct iov_iter *to)
{
	size_t len = min_t(loff_t, iov_iter_count(to),
			   i_size_read(region->inode) - pos);
	struct folio *folio;
	ssize_t ret;

	len = vpool_file_step(region, pos, len);
	folio = vpool_extent_get_folio(region,
				       pos >> vpool_store_page_shift(region->store),
				       false);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	if (!folio)
		return iov_iter_zero(len, to);
	ret = vpool_file_copy(folio, pos, len, to, false);
	folio_put(folio);
	return ret;
}

static ssize_t vpool_file_read(struct vpool_region *region, loff_t *pos,
			       struct iov_iter *to)
{
	ssize_t done = 0, n;

	while (iov_iter_count(to) && *pos < i_size_read(region->inode)) {
		n = vpool_file_read_step(region, *pos, to);
		if (!n)
			n = -EFAULT;
		if (n < 0)
			return done ?: n;
		*pos += n;
		done += n;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

/* The inode lock keeps a truncation from changing the size between two folios. */
static ssize_t vpool_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vpool_region *region = vpool_file_region(iocb->ki_filp);
	ssize_t ret;

	inode_lock_shared(region->inode);
	if (READ_ONCE(region->revoked))
		ret = -EIO;
	else
		ret = vpool_file_read(region, &iocb->ki_pos, to);
	inode_unlock_shared(region->inode);
	file_accessed(iocb->ki_filp);
	return ret;
}

/*
 * Find the folio at @pos, and commit it first if there is a hole. If the data can then not
 * be copied, the folio stays, beyond the size perhaps, as one of fallocate(2) does.
 */
static struct folio *vpool_file_write_begin(struct vpool_region *region,
					    loff_t pos,
					    struct vpool_extack *extack)
{
	unsigned long i = pos >> vpool_store_page_shift(region->store);
	struct folio *folio;
	int err = 0;

	if (pos > i_size_read(region->inode))
		err = vpool_extent_zero_tail(region, pos);
	if (err)
		return ERR_PTR(err);
	folio = vpool_extent_get_folio(region, i, true);
	if (folio)
		return folio;
	err = vpool_extent_commit(region, i, i + 1, extack);
	return err ? ERR_PTR(err) : vpool_extent_get_folio(region, i, true);
}

static ssize_t vpool_file_write_step(struct vpool_region *region, loff_t pos,
				     struct iov_iter *from,
				     struct vpool_extack *extack)
{
	size_t len = vpool_file_step(region, pos, iov_iter_count(from));
	struct folio *folio;
	ssize_t ret;
	int err;

	folio = vpool_file_write_begin(region, pos, extack);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	ret = vpool_file_copy(folio, pos, len, from, true);
	folio_put(folio);
	if (ret <= 0 || pos + ret <= i_size_read(region->inode))
		return ret;
	err = vpool_extent_set_size(region, pos + ret);
	return err ?: ret;
}

static ssize_t vpool_file_write(struct vpool_region *region, loff_t *pos,
				struct iov_iter *from,
				struct vpool_extack *extack)
{
	ssize_t done = 0, n = 0;

	while (iov_iter_count(from) && !fatal_signal_pending(current)) {
		n = vpool_file_write_step(region, *pos, from, extack);
		if (!n)
			n = -EFAULT;
		if (n < 0)
			break;
		*pos += n;
		done += n;
		cond_resched();
	}
	return done ?: n;
}

static ssize_t vpool_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vpool_handle *handle = iocb->ki_filp->private_data;
	struct vpool_region *region = handle->region;
	ssize_t ret;
	u64 max;

	inode_lock(region->inode);
	ret = generic_write_checks(iocb, from);
	if (ret <= 0)
		goto unlock;
	max = vpool_file_max_size(region);
	if (iocb->ki_pos >= max)
		ret = vpool_file_check_size(region, iocb->ki_pos + 1,
					    &handle->extack);
	else
		ret = file_modified(iocb->ki_filp);
	if (ret)
		goto unlock;
	iov_iter_truncate(from, max - iocb->ki_pos);
	ret = vpool_file_write(region, &iocb->ki_pos, from, &handle->extack);
unlock:
	inode_unlock(region->inode);
	return ret;
}

/* Extend a file whose new part is committed or stays a hole. */
static int vpool_file_grow(struct vpool_region *region, loff_t size)
{
	int err = vpool_extent_zero_tail(region, size);

	return err ?: vpool_extent_set_size(region, size);
}

static int vpool_file_allocate(struct vpool_handle *handle, loff_t start,
			       loff_t end, bool keep_size)
{
	struct vpool_region *region = handle->region;
	struct vpool_store *store = region->store;
	bool grow = !keep_size && end > i_size_read(region->inode);
	int err = grow ? inode_newsize_ok(region->inode, end) : 0;

	if (!err)
		err = vpool_file_check_size(region, end, &handle->extack);
	if (!err)
		err = vpool_extent_commit(region,
					  start >> vpool_store_page_shift(store),
					  vpool_store_folios(store, end),
					  &handle->extack);
	return !err && grow ? vpool_file_grow(region, end) : err;
}

static long vpool_file_fallocate(struct file *filp, int mode, loff_t start,
				 loff_t len)
{
	struct vpool_handle *handle = filp->private_data;
	struct vpool_region *region = handle->region;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	inode_lock(region->inode);
	err = file_modified(filp);
	if (!err && mode & FALLOC_FL_PUNCH_HOLE)
		err = vpool_extent_punch(region, start, start + len);
	else if (!err)
		err = vpool_file_allocate(handle, start, start + len,
					  mode & FALLOC_FL_KEEP_SIZE);
	inode_unlock(region->inode);
	return err;
}

/* Change the size; ftruncate(2) commits the memory of the part that is added. */
static int vpool_file_truncate(struct vpool_region *region, loff_t size,
			       struct vpool_extack *extack)
{
	int err;

	if (size <= i_size_read(region->inode))
		return vpool_extent_set_size(region, size);
	err = vpool_file_check_size(region, size, extack);
	if (!err)
		err = vpool_extent_commit(region, region->nr,
					  vpool_store_folios(region->store, size),
					  extack);
	return err ?: vpool_file_grow(region, size);
}

static int vpool_file_setattr(VPOOL_IDMAP_ARG, struct dentry *dentry,
			      struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	struct vpool_handle *handle = NULL;
	int err = setattr_prepare(vpool_idmap, dentry, attr);

	if (attr->ia_valid & ATTR_FILE)
		handle = attr->ia_file->private_data;
	if (!err && attr->ia_valid & ATTR_SIZE)
		err = vpool_file_truncate(inode->i_private, attr->ia_size,
					  handle ? &handle->extack : NULL);
	if (!err)
		setattr_copy(vpool_idmap, inode, attr);
	return err;
}

static int vpool_file_getattr(VPOOL_IDMAP_ARG, const struct path *path,
			      struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct vpool_region *region = inode->i_private;

	vpool_fillattr(mask, inode, stat);
	stat->blksize = vpool_store_page_size(region->store);
	stat->blocks = vpool_region_bytes(region) >> SECTOR_SHIFT;
	return 0;
}

static loff_t vpool_file_llseek(struct file *filp, loff_t offset, int whence)
{
	struct vpool_region *region = vpool_file_region(filp);

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(filp, offset, whence);
	inode_lock_shared(region->inode);
	if (offset < 0 || offset >= i_size_read(region->inode))
		offset = -ENXIO;
	else
		offset = vpool_extent_seek(region, offset, whence == SEEK_DATA);
	if (offset >= 0)
		offset = vfs_setpos(filp, offset, MAX_LFS_FILESIZE);
	inode_unlock_shared(region->inode);
	return offset;
}

const struct file_operations vpool_file_fops = {
	.owner = THIS_MODULE,
	.open = vpool_file_open,
	.release = vpool_file_release,
	.unlocked_ioctl = vpool_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vpool_file_mmap,
	.get_unmapped_area = vpool_get_area,
	.llseek = vpool_file_llseek,
	.read_iter = vpool_file_read_iter,
	.write_iter = vpool_file_write_iter,
	.splice_read = vpool_splice_read,
	.splice_write = iter_file_splice_write,
	.fallocate = vpool_file_fallocate,
	/* There is no backing storage to write to. */
	.fsync = noop_fsync,
};

const struct inode_operations vpool_file_iops = {
	.getattr = vpool_file_getattr,
	.setattr = vpool_file_setattr,
};
