/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of pools, filesystems of pools, and system calls on any file. A function that can
 * fail returns a negative errno.
 */
#ifndef VP_FS_H
#define VP_FS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* Types of filesystems, as statfs(2) reports them. */
#define VP_FS_MAGIC 0x76706f6f
#define VP_HUGETLBFS_MAGIC 0x958458f6

/* Files. */
int vp_file(int pool, __u32 flags);
int vp_open_file(const char *name);
int vp_leave_pattern(const char *pool, __u64 bytes, __u64 seed);
int vp_truncate(int fd, __u64 bytes);
int vp_allocate(int fd, int mode, __u64 from, __u64 bytes);
int vp_punch(int fd, __u64 from, __u64 bytes);
__u64 vp_file_size(int fd);
__u64 vp_file_bytes(int fd);

/* Contents, by read(2) and write(2). */
ssize_t vp_pread(int fd, void *to, size_t bytes, __u64 from);
ssize_t vp_pwrite(int fd, const void *from, size_t bytes, __u64 to);
int vp_file_fill(int fd, __u64 from, size_t bytes, __u64 seed);
bool vp_file_is_filled(int fd, __u64 from, size_t bytes, __u64 seed);
bool vp_file_is_zero(int fd, __u64 from, size_t bytes);

/* Filesystems. */
int vp_mount_options(const char *dir, unsigned long flags, const char *options);
int vp_mount(const char *dir, const char *pool, const char *more);
int vp_umount(const char *dir, int flags);
int vp_create_at(const char *dir, const char *name);

#endif /* VP_FS_H */
