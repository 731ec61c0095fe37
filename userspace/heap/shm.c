// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * System V shared memory with SHM_HUGETLB, for the processes of one user.
 *
 * A segment of the kernel stands for each one of a pool. It gives the id, the permissions,
 * the count of attachments and the time stamps, so IPC_STAT, IPC_SET and ipcs(1) work as
 * always. Its memory is never touched, except a header on its first page. The header says
 * where the descriptor of the file with the contents is: in the process that made the
 * segment. Other processes open it through /proc.
 *
 * So the memory lasts until that process ends or notices that the segment was removed,
 * and then until the last one detaches. A killed process leaves a segment of one touched
 * page, if it has not removed it, but no memory of the pool.
 *
 * A key would let processes find the segment that do not have this library, and which
 * would see a segment without contents. Such requests are not served.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/types.h>

#include "heap/count.h"
#include "heap/pool.h"
#include "heap/raw.h"
#include "heap/settings.h"

#define MAGIC "vpool-heap: segment of a pool 1"

/**
 * struct header - the first bytes of the segment of the kernel
 * @magic: MAGIC
 * @pid: process that made the segment
 * @fd: its descriptor of the file
 * @dev: device of the file
 * @ino: inode number of the file
 * @bytes: length of the file, in bytes
 * @page: alignment of its mappings, in bytes
 */
struct header {
	char magic[32];
	__s32 pid;
	__s32 fd;
	__u64 dev;
	__u64 ino;
	__u64 bytes;
	__u64 page;
};

/**
 * struct made - a segment that this process has made
 * @id: its id
 * @header: its header, with the descriptor of its file
 */
struct made {
	int id;
	struct header header;
};

/**
 * struct attached - an attachment of this process
 * @addr: address of the file
 * @bytes: length of its mapping
 * @anchor: address of the first page of the segment of the kernel
 */
struct attached {
	void *addr;
	size_t bytes;
	void *anchor;
};

#define MAX_SEGMENTS 1024

static struct made made[MAX_SEGMENTS];
static size_t nr_made;
static struct attached attached[MAX_SEGMENTS];
static size_t nr_attached;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Tell whether a descriptor is still that of the file: the program may have closed it. */
static bool is_same_file(int fd, const struct header *header)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev == header->dev && st.st_ino == header->ino;
}

static bool write_header(int id, const struct header *header)
{
	struct header *at = raw_shmat(id, NULL, 0);

	if (at == MAP_FAILED)
		return false;
	*at = *header;
	raw_shmdt(at);
	return true;
}

/* Close the file of an entry. The caller holds the lock. */
static void forget(size_t i)
{
	if (is_same_file(made[i].header.fd, &made[i].header))
		close(made[i].header.fd);
	made[i] = made[--nr_made];
}

/* Drop the files of segments that another process has removed. */
static void forget_removed(void)
{
	struct shmid_ds ds;
	size_t i = 0;

	while (i < nr_made) {
		if (raw_shmctl(made[i].id, IPC_STAT, &ds) || ds.shm_perm.mode & SHM_DEST)
			forget(i);
		else
			i++;
	}
}

/* Make the segment of the kernel. The memory of the pool was committed before. */
static enum heap_reason make(const struct heap_file *file, size_t size, size_t bytes,
			     int flags, int *id)
{
	struct header header = {
		.magic = MAGIC, .pid = getpid(), .fd = file->fd, .bytes = bytes,
		.page = file->page,
	};
	struct stat st;

	if (nr_made == MAX_SEGMENTS || fstat(file->fd, &st))
		return HEAP_OTHER;
	header.dev = st.st_dev;
	header.ino = st.st_ino;
	*id = raw_shmget(IPC_PRIVATE, size, IPC_CREAT | SHM_NORESERVE | (flags & 0777));
	if (*id < 0)
		return HEAP_OTHER;
	if (write_header(*id, &header)) {
		made[nr_made++] = (struct made) { .id = *id, .header = header };
		return HEAP_SERVED;
	}
	raw_shmctl(*id, IPC_RMID, NULL);
	return HEAP_OTHER;
}

static enum heap_reason serve(key_t key, size_t size, int flags, int *id, size_t *bytes)
{
	struct heap_file file;
	enum heap_reason reason;

	/* The header is written through an attachment, which needs these permissions. */
	if (key != IPC_PRIVATE || (flags & 0600) != 0600)
		return HEAP_KEY;
	reason = heap_file_create(flags, &file);
	if (reason)
		return reason;
	*bytes = heap_round_up(size, file.page);
	if (!*bytes) {
		close(file.fd);
		return HEAP_OTHER;
	}
	reason = heap_file_commit(&file, *bytes);
	if (reason)
		return reason;
	pthread_mutex_lock(&lock);
	forget_removed();
	reason = make(&file, size, *bytes, flags, id);
	pthread_mutex_unlock(&lock);
	if (reason)
		close(file.fd);
	return reason;
}

int shmget(key_t key, size_t size, int flags)
{
	enum heap_reason reason;
	int err = errno, id = -1;
	size_t bytes = size;

	if (!(flags & SHM_HUGETLB) || !size || !*heap_settings()->pool)
		return raw_shmget(key, size, flags);
	reason = serve(key, size, flags, &id, &bytes);
	heap_count(HEAP_SHM, reason, bytes);
	if (!reason) {
		errno = err;
		return id;
	}
	if (heap_settings()->fallback)
		return raw_shmget(key, size, flags);
	errno = ENOMEM;
	return -1;
}

/*
 * Read the header of a segment of this user. A header of another user could name a file
 * that this process must not open.
 */
static bool read_header(int id, struct header *header)
{
	struct shmid_ds ds;
	void *addr;

	if (raw_shmctl(id, IPC_STAT, &ds) || ds.shm_perm.__key != IPC_PRIVATE ||
	    ds.shm_perm.cuid != geteuid() || ds.shm_segsz < sizeof(*header))
		return false;
	addr = raw_shmat(id, NULL, SHM_RDONLY);
	if (addr == MAP_FAILED)
		return false;
	memcpy(header, addr, sizeof(*header));
	raw_shmdt(addr);
	return !memcmp(header->magic, MAGIC, sizeof(MAGIC));
}

/* Return a descriptor of the file of a segment, or -1 if there is none any more. */
static int open_file(const struct header *header, bool *borrowed)
{
	char path[64];
	struct stat st;
	int fd;

	*borrowed = header->pid == getpid();
	if (*borrowed)
		return is_same_file(header->fd, header) ? header->fd : -1;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", header->pid, header->fd);
	if (stat(path, &st) || st.st_dev != header->dev || st.st_ino != header->ino)
		return -1;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && !is_same_file(fd, header)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int prot_of(int flags)
{
	return PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
	       (flags & SHM_EXEC ? PROT_EXEC : 0);
}

static void *map_file(int fd, const struct header *header, const void *addr, int flags)
{
	struct heap_file file = { .fd = fd, .page = header->page };
	uintptr_t at = (uintptr_t)addr;
	int map_flags = MAP_SHARED;
	void *mapped;

	if (at && flags & SHM_RND)
		at &= ~(header->page - 1);
	if (at & (header->page - 1)) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (at)
		map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	mapped = heap_file_map(&file, (void *)at, header->bytes, prot_of(flags), map_flags);
	if (mapped == MAP_FAILED && errno == EEXIST)
		errno = EINVAL;
	return mapped;
}

/*
 * Attach the segment of the kernel, which checks the permissions and counts. Keep only its
 * first page: it counts as long as any of it is mapped.
 */
static void *attach_anchor(int id, int flags)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct shmid_ds ds;
	char *anchor;

	anchor = raw_shmat(id, NULL, flags & SHM_RDONLY);
	if (anchor == MAP_FAILED || raw_shmctl(id, IPC_STAT, &ds) || ds.shm_segsz <= page)
		return anchor;
	raw_munmap(anchor + page, heap_round_up(ds.shm_segsz, page) - page);
	return anchor;
}

/* Attach a segment of a pool. The caller holds the lock. */
static void *attach(int id, const struct header *header, const void *addr, int flags)
{
	void *anchor, *mapped = MAP_FAILED;
	bool borrowed;
	int fd;

	if (nr_attached == MAX_SEGMENTS) {
		errno = EMFILE;
		return MAP_FAILED;
	}
	anchor = attach_anchor(id, flags);
	if (anchor == MAP_FAILED)
		return anchor;
	fd = open_file(header, &borrowed);
	if (fd < 0)
		errno = EIDRM;
	else
		mapped = map_file(fd, header, addr, flags);
	if (fd >= 0 && !borrowed)
		close(fd);
	if (mapped == MAP_FAILED)
		raw_shmdt(anchor);
	else
		attached[nr_attached++] = (struct attached) {
			.addr = mapped, .bytes = header->bytes, .anchor = anchor,
		};
	return mapped;
}

void *shmat(int id, const void *addr, int flags)
{
	struct header header;
	int err = errno;
	void *mapped;

	if (!*heap_settings()->pool || !read_header(id, &header)) {
		errno = err;
		return raw_shmat(id, addr, flags);
	}
	pthread_mutex_lock(&lock);
	mapped = attach(id, &header, addr, flags);
	pthread_mutex_unlock(&lock);
	if (mapped != MAP_FAILED)
		errno = err;
	return mapped;
}

/* Detach what is attached at @addr. Return false if it is not a segment of a pool. */
static bool detach(const void *addr)
{
	size_t i;

	for (i = 0; i < nr_attached; i++) {
		if (attached[i].addr != addr)
			continue;
		raw_munmap(attached[i].addr, attached[i].bytes);
		raw_shmdt(attached[i].anchor);
		attached[i] = attached[--nr_attached];
		return true;
	}
	return false;
}

int shmdt(const void *addr)
{
	bool found;

	pthread_mutex_lock(&lock);
	found = detach(addr);
	forget_removed();
	pthread_mutex_unlock(&lock);
	return found ? 0 : raw_shmdt(addr);
}

int shmctl(int id, int cmd, struct shmid_ds *buf)
{
	int err = raw_shmctl(id, cmd, buf);

	if (err || cmd != IPC_RMID)
		return err;
	pthread_mutex_lock(&lock);
	forget_removed();
	pthread_mutex_unlock(&lock);
	return 0;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/* The parent has made the segments: the child must not keep their memory. */
static void after_in_child(void)
{
	pthread_mutex_init(&lock, NULL);
	while (nr_made)
		forget(0);
}

__attribute__((constructor))
static void shm_init(void)
{
	if (*heap_settings()->pool)
		pthread_atfork(before_fork, after_in_parent, after_in_child);
}
