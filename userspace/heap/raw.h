/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VPOOL_HEAP_RAW_H
#define VPOOL_HEAP_RAW_H

#include <stddef.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The system calls that this library replaces. It cannot look up the functions of libc:
 * dlsym(3) may call malloc(3), and a malloc in a preloaded library calls mmap(2).
 */

static inline void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd,
			     off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

static inline void *raw_mremap(void *addr, size_t len, size_t new_len, int flags,
			       void *new_addr)
{
	return (void *)syscall(SYS_mremap, addr, len, new_len, flags, new_addr);
}

static inline int raw_munmap(void *addr, size_t len)
{
	return syscall(SYS_munmap, addr, len);
}

static inline int raw_madvise(void *addr, size_t len, int advice)
{
	return syscall(SYS_madvise, addr, len, advice);
}

static inline int raw_memfd_create(const char *name, unsigned int flags)
{
	return syscall(SYS_memfd_create, name, flags);
}

static inline int raw_shmget(key_t key, size_t size, int flags)
{
	return syscall(SYS_shmget, key, size, flags);
}

static inline void *raw_shmat(int id, const void *addr, int flags)
{
	return (void *)syscall(SYS_shmat, id, addr, flags);
}

static inline int raw_shmdt(const void *addr)
{
	return syscall(SYS_shmdt, addr);
}

static inline int raw_shmctl(int id, int cmd, struct shmid_ds *buf)
{
	return syscall(SYS_shmctl, id, cmd, buf);
}

#endif /* VPOOL_HEAP_RAW_H */
