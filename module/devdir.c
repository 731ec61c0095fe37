// SPDX-License-Identifier: GPL-2.0
/*
 * The directory /dev/vpool.
 *
 * It looks like a mount of hugetlbfs to a program that is told to put its memory
 * there, and root may create files in it: those would be on devtmpfs, in ordinary
 * memory that belongs to no pool. So the directory is immutable, but for the moments
 * in which devtmpfs itself adds a device or removes one.
 *
 * Where /dev is something else than devtmpfs, nothing is done.
 */
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/namei.h>
#include <linux/string.h>

#include "devdir.h"

/* The directory, or NULL. Its filesystem lasts as long as the kernel runs. */
static struct inode *vpool_devdir;
/* Held while a device is added or removed; guards the flag of the directory. */
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
 * vpool_devdir_unlock - let devtmpfs change the directory
 *
 * Context: sleeps; holds a mutex until vpool_devdir_lock().
 */
void vpool_devdir_unlock(void)
{
	mutex_lock(&vpool_devdir_mutex);
	vpool_devdir_set(false);
}

/**
 * vpool_devdir_lock - let nothing be created in the directory again
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
 * Context: sleeps; the control device is there.
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
 * vpool_devdir_stop - leave the directory alone, so that devtmpfs can remove it
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
