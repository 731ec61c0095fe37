/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regular files whose memory comes from a pool.
 */
#ifndef VPOOL_FILE_H
#define VPOOL_FILE_H

#include <linux/fs.h>

extern const struct file_operations vpool_file_fops;
extern const struct inode_operations vpool_file_iops;

int vpool_file_open(struct inode *inode, struct file *filp);

#endif /* VPOOL_FILE_H */
