// SPDX-License-Identifier: GPL-2.0
/*
 * The directory /dev/vpool.
 *
 * A program that is told to create its memory files in /dev/vpool, as in a mount of
 * hugetlbfs, would succeed as root. The files would be on devtmpfs, in memory that
 * belongs to no pool. Therefore the directory is immutable, except while devtmpfs
 * adds or removes a device.
 *
 * If /dev is not devtmpfs, the directory is left alone.
 */
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/namei.h>
#include <linux/string.h>

#include "devdir.h"

/* The directory, or NULL. Its filesystem is never unmounted. */
static struct inode *vpool_devdir;
/* Guards the immutable flag; held while a device is added or removed. */
static DEFINE_MUTEX(vpool_devdir_mutex);

static void vpool_devdir_set(bool immutable)
{
	lockdep_assert_held(&vpool_devdir_mutex);
	if (!vpool_devdir)
		return;
	inode_lock(vpool_devdir);
	inode_set_flags(vpool_devdir, immutable ? S_IMMUTABLE : 0, S_IMMUTABLE);
	inode_unlock(vpool_devdir);
}

/**
 * vpool_devdir_unlock - make the directory mutable, for devtmpfs
 *
 * Context: sleeps; holds a mutex until vpool_devdir_lock().
 */
void vpool_devdir_unlock(void)
{
	mutex_lock(&vpool_devdir_mutex);
	vpool_devdir_set(false);
}

/**
 * vpool_devdir_lock - make the directory immutable again
 *
 * Context: sleeps; after vpool_devdir_unlock().
 */
void vpool_devdir_lock(void)
{
	vpool_devdir_set(true);
	mutex_unlock(&vpool_devdir_mutex);
}

/**
 * vpool_devdir_start - find the directory and make it immutable
 *
 * Context: sleeps; the control device exists.
 */
void vpool_devdir_start(void)
{
	struct path path;

	if (kern_path("/dev/vpool", LOOKUP_DIRECTORY, &path))
		return;
	vpool_devdir_unlock();
	if (!strcmp(path.dentry->d_sb->s_type->name, "devtmpfs")) {
		vpool_devdir = d_inode(path.dentry);
		ihold(vpool_devdir);
	}
	vpool_devdir_lock();
	path_put(&path);
}

/**
 * vpool_devdir_stop - make the directory mutable, so that devtmpfs can remove it
 *
 * Context: sleeps; no pool has a device.
 */
void vpool_devdir_stop(void)
{
	struct inode *dir;

	vpool_devdir_unlock();
	dir = vpool_devdir;
	vpool_devdir = NULL;
	vpool_devdir_lock();
	iput(dir);
}
