// SPDX-License-Identifier: GPL-2.0
/*
 * A program that knows nothing of pools. It asks the kernel for huge pages in the ways
 * that vpoolctl run --heap serves, and checks that the memory behaves as it must.
 *
 * usage: heap_user TEST [ARGUMENT]
 *
 * Prints what failed and exits with 1, or prints nothing and exits with 0. A test that
 * begins with "hold" prints "ready" and sleeps, so that the caller can look at the pool.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#define MIB 1048576UL
#define HUGE (2 * MIB)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB)
#define RW (PROT_READ | PROT_WRITE)

#ifndef MFD_HUGE_1GB
#define MFD_HUGE_1GB (30U << 26)
#endif

#define CHECK(condition) do { \
	if (!(condition)) { \
		printf("line %d: %s: %s\n", __LINE__, #condition, strerror(errno)); \
		exit(1); \
	} \
} while (0)

static char *map(size_t bytes, int flags)
{
	char *addr = mmap(NULL, bytes, RW, flags, -1, 0);

	CHECK(addr != MAP_FAILED);
	return addr;
}

/* Return whether all bytes have the value. */
static int has(const char *addr, size_t bytes, char value)
{
	size_t i;

	for (i = 0; i < bytes; i += 512)
		if (addr[i] != value)
			return 0;
	return addr[bytes - 1] == value;
}

/* Return the exit status of a child, or 256 plus the signal that killed it. */
static int wait_for(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void test_shared(void)
{
	char *addr = map(3 * MIB, SHARED);
	pid_t pid;

	/* The kernel rounds up the length, and so must the pool. */
	CHECK(!((uintptr_t)addr % HUGE));
	CHECK(has(addr, 2 * HUGE, 0));
	memset(addr, 1, 2 * HUGE);
	pid = fork();
	if (!pid) {
		memset(addr, 2, HUGE);
		_exit(!has(addr + HUGE, HUGE, 1));
	}
	CHECK(!wait_for(pid));
	CHECK(has(addr, HUGE, 2));
	CHECK(has(addr + HUGE, HUGE, 1));
	CHECK(!munmap(addr, HUGE));
	CHECK(has(addr + HUGE, HUGE, 1));
	CHECK(!munmap(addr + HUGE, HUGE));
}

static void test_private(void)
{
	char *addr = map(2 * HUGE, PRIVATE);
	pid_t pid;

	CHECK(has(addr, 2 * HUGE, 0));
	memset(addr, 1, 2 * HUGE);
	pid = fork();
	if (!pid) {
		CHECK(has(addr, 2 * HUGE, 1));
		memset(addr, 2, 2 * HUGE);
		/* A grandchild has a copy of the memory of the child. */
		pid = fork();
		if (!pid)
			_exit(!has(addr, 2 * HUGE, 2));
		CHECK(!wait_for(pid));
		CHECK(has(addr, 2 * HUGE, 2));
		exit(0);
	}
	CHECK(!wait_for(pid));
	CHECK(has(addr, 2 * HUGE, 1));
	CHECK(!munmap(addr, 2 * HUGE));
}

/* Memory that a child gets although the parent may not read it. */
static void test_protected(void)
{
	char *addr = map(2 * HUGE, PRIVATE);
	pid_t pid;

	memset(addr, 1, 2 * HUGE);
	CHECK(!mprotect(addr, HUGE, PROT_NONE));
	CHECK(!mprotect(addr + HUGE, HUGE, PROT_READ));
	pid = fork();
	if (!pid) {
		CHECK(has(addr + HUGE, HUGE, 1));
		CHECK(!mprotect(addr, HUGE, PROT_READ));
		CHECK(has(addr, HUGE, 1));
		/* The child must not write where its parent may not. */
		addr[HUGE] = 1;
		exit(0);
	}
	CHECK(wait_for(pid) == 256 + SIGSEGV);
	CHECK(!munmap(addr, 2 * HUGE));
}

/* A fork must copy what is mapped then, wherever it is. */
static void test_moved(void)
{
	char *addr = map(3 * HUGE, PRIVATE), *moved;
	pid_t pid;

	memset(addr, 1, 3 * HUGE);
	CHECK(!munmap(addr + HUGE, HUGE));
	moved = mremap(addr, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, addr + HUGE);
	CHECK(moved == addr + HUGE);
	CHECK(mmap(addr, HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == addr);
	memset(addr, 3, HUGE);
	pid = fork();
	if (!pid) {
		CHECK(has(addr, HUGE, 3));
		CHECK(has(moved, 2 * HUGE, 1));
		memset(moved, 4, 2 * HUGE);
		exit(0);
	}
	CHECK(!wait_for(pid));
	CHECK(has(moved, 2 * HUGE, 1));
	CHECK(mremap(moved, HUGE, 2 * HUGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(errno == EINVAL);
}

static void test_discard(void)
{
	char *addr = map(2 * HUGE, PRIVATE);

	memset(addr, 1, 2 * HUGE);
	CHECK(!madvise(addr, HUGE, MADV_DONTNEED));
	CHECK(has(addr, HUGE, 0));
	CHECK(has(addr + HUGE, HUGE, 1));
}

/* clone(2) calls no handler: the child must not share the memory of its parent. */
static void test_raw_fork(void)
{
	char *addr = map(HUGE, PRIVATE);
	pid_t pid;

	memset(addr, 1, HUGE);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		*addr = 2;
		_exit(0);
	}
	CHECK(wait_for(pid) == 256 + SIGSEGV);
	CHECK(has(addr, HUGE, 1));
}

static void test_fixed(void)
{
	char *area = mmap(NULL, 4 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *addr = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));

	CHECK(area != MAP_FAILED);
	CHECK(mmap(addr, HUGE, RW, PRIVATE | MAP_FIXED, -1, 0) == addr);
	memset(addr, 1, HUGE);
	CHECK(mmap(addr, HUGE, RW, SHARED | MAP_FIXED, -1, 0) == addr);
	CHECK(has(addr, HUGE, 0));
}

static void test_memfd(void)
{
	struct statfs fs;
	struct stat st;
	char *addr;
	int fd;

	fd = memfd_create("heap", MFD_HUGETLB | MFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(!fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC && fs.f_bsize == HUGE);
	CHECK(!ftruncate(fd, 2 * HUGE));
	CHECK(!fstat(fd, &st) && st.st_size == 2 * HUGE);
	addr = mmap(NULL, 2 * HUGE, RW, MAP_SHARED, fd, 0);
	CHECK(addr != MAP_FAILED);
	memset(addr, 1, 2 * HUGE);
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE));
	CHECK(has(addr, HUGE, 0) && has(addr + HUGE, HUGE, 1));
	CHECK(!close(fd));
	fd = memfd_create("heap", MFD_HUGETLB);
	CHECK(fd >= 0 && !fcntl(fd, F_GETFD));
}

/* Attach in this process, in its child, and after an exec. */
static void test_shm(void)
{
	int id = shmget(IPC_PRIVATE, 3 * MIB, SHM_HUGETLB | IPC_CREAT | 0600);
	struct shmid_ds ds;
	char *addr, *other, text[16];
	pid_t pid;

	CHECK(id >= 0);
	CHECK(!shmctl(id, IPC_STAT, &ds));
	CHECK(ds.shm_segsz == 3 * MIB && ds.shm_nattch == 0 && ds.shm_cpid == getpid());
	addr = shmat(id, NULL, 0);
	CHECK(addr != MAP_FAILED && !((uintptr_t)addr % HUGE));
	CHECK(has(addr, 3 * MIB, 0));
	memset(addr, 1, 3 * MIB);
	pid = fork();
	if (!pid) {
		other = shmat(id, NULL, SHM_RDONLY);
		CHECK(other != MAP_FAILED && other != addr && has(other, 3 * MIB, 1));
		CHECK(!shmctl(id, IPC_STAT, &ds) && ds.shm_nattch == 3);
		CHECK(!shmdt(other));
		*addr = 2;
		sprintf(text, "%d", id);
		execl("/proc/self/exe", "heap_user", "attach", text, NULL);
		exit(1);
	}
	CHECK(!wait_for(pid));
	CHECK(*addr == 2 && addr[1] == 1 && addr[MIB] == 3);
	CHECK(!shmctl(id, IPC_STAT, &ds) && ds.shm_nattch == 1);
	CHECK(!shmctl(id, IPC_RMID, NULL));
	CHECK(has(addr + MIB + 1, MIB, 1));
	CHECK(!shmdt(addr));
	CHECK(shmat(id, NULL, 0) == MAP_FAILED && errno == EINVAL);
}

static void test_attach(const char *id)
{
	char *addr = shmat(atoi(id), NULL, 0);

	CHECK(addr != MAP_FAILED && *addr == 2);
	addr[MIB] = 3;
}

/* The segments of other kinds are the kernel's, as always. */
static void test_other_shm(void)
{
	int id = shmget(IPC_PRIVATE, 3 * MIB, IPC_CREAT | 0600);
	char *addr = shmat(id, NULL, 0);

	CHECK(addr != MAP_FAILED);
	memset(addr, 1, 3 * MIB);
	CHECK(!shmctl(id, IPC_RMID, NULL));
	CHECK(!shmdt(addr));
	CHECK(shmdt(addr) == -1 && errno == EINVAL);
}

static void *write_memory(void *addr)
{
	int i;

	for (i = 0; i < 100; i++)
		memset(addr, i, HUGE);
	return NULL;
}

static void test_threads(void)
{
	char *addr = map(HUGE, PRIVATE);
	pthread_t thread;
	int i;

	CHECK(!pthread_create(&thread, NULL, write_memory, addr));
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(addr[HUGE - 1] < 0 || addr[HUGE - 1] >= 100);
		CHECK(!wait_for(pid));
	}
	CHECK(!pthread_join(thread, NULL));
	CHECK(has(addr, HUGE, 99));
}

/* Without huge pages of the pool or of the host, these calls fail. */
static void test_refused(void)
{
	CHECK(mmap(NULL, HUGE, RW, SHARED, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(mmap(NULL, HUGE, RW, PRIVATE, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(shmget(IPC_PRIVATE, HUGE, SHM_HUGETLB | IPC_CREAT | 0600) < 0 &&
	      errno == ENOMEM);
}

/* Seals, keys and another size of pages: a pool has none of them. */
static void test_never(void)
{
	CHECK(memfd_create("heap", MFD_HUGETLB | MFD_ALLOW_SEALING) < 0 && errno == ENOMEM);
	CHECK(memfd_create("heap", MFD_HUGETLB | MFD_HUGE_1GB) < 0 && errno == ENOMEM);
	CHECK(shmget(4711, HUGE, SHM_HUGETLB | IPC_CREAT | 0600) < 0 && errno == ENOMEM);
	CHECK(mmap(NULL, 1UL << 30, RW, SHARED | 30 << MAP_HUGE_SHIFT, -1, 0) == MAP_FAILED &&
	      errno == ENOMEM);
}

static void hold(void)
{
	puts("ready");
	fflush(stdout);
	pause();
}

static void test_hold(void)
{
	int id = shmget(IPC_PRIVATE, HUGE, SHM_HUGETLB | IPC_CREAT | 0600);
	int fd = memfd_create("heap", MFD_HUGETLB);

	CHECK(id >= 0 && fd >= 0 && !ftruncate(fd, HUGE));
	CHECK(shmat(id, NULL, 0) != MAP_FAILED);
	CHECK(!shmctl(id, IPC_RMID, NULL));
	map(HUGE, SHARED);
	/* The part that is unmapped goes back to the pool. */
	CHECK(!munmap(map(2 * HUGE, PRIVATE), HUGE));
	if (!fork())
		hold();
	hold();
}

/* Most of the pool: there is no memory for a copy. Return the child's exit status. */
static int fork_without_room(void)
{
	char *addr = map(4 * HUGE, PRIVATE);
	pid_t pid;

	memset(addr, 1, 4 * HUGE);
	pid = fork();
	if (!pid) {
		if (!has(addr, 4 * HUGE, 1))
			_exit(1);
		memset(addr, 2, 4 * HUGE);
		_exit(0);
	}
	CHECK(wait_for(pid) != 1);
	CHECK(has(addr, 4 * HUGE, 1));
	pid = fork();
	if (!pid)
		_exit(0);
	return wait_for(pid);
}

static void test_no_copy(void)
{
	CHECK(fork_without_room() == 127);
}

static void test_host_copy(void)
{
	CHECK(!fork_without_room());
}

static void test_dontfork(void)
{
	char *addr = map(HUGE, PRIVATE);
	pid_t pid = fork();

	if (!pid) {
		*addr = 1;
		_exit(0);
	}
	CHECK(wait_for(pid) == 256 + SIGSEGV);
}

/* All of the pool, and then no more. */
static void test_full(void)
{
	char *addr;

	do {
		addr = mmap(NULL, HUGE, RW, SHARED, -1, 0);
		if (addr != MAP_FAILED)
			memset(addr, 1, HUGE);
	} while (addr != MAP_FAILED);
	CHECK(errno == ENOMEM);
	CHECK(shmget(IPC_PRIVATE, HUGE, SHM_HUGETLB | IPC_CREAT | 0600) < 0 &&
	      errno == ENOMEM);
}

static void test_malloc(void)
{
	char *parts[64];
	int i;

	for (i = 0; i < 64; i++) {
		parts[i] = malloc(256 << 10);
		CHECK(parts[i]);
		memset(parts[i], i, 256 << 10);
	}
	for (i = 0; i < 64; i++) {
		pid_t pid;

		CHECK(has(parts[i], 256 << 10, i));
		if (i % 16)
			continue;
		pid = fork();
		if (!pid) {
			CHECK(has(parts[i], 256 << 10, i));
			free(parts[i]);
			parts[i] = calloc(1, 1 << 20);
			CHECK(parts[i] && has(parts[i], 1 << 20, 0));
			memset(parts[63], 0, 256 << 10);
			exit(0);
		}
		CHECK(!wait_for(pid));
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "discard", test_discard },
	{ "dontfork", test_dontfork },
	{ "fixed", test_fixed },
	{ "full", test_full },
	{ "hold", test_hold },
	{ "host-copy", test_host_copy },
	{ "malloc", test_malloc },
	{ "memfd", test_memfd },
	{ "moved", test_moved },
	{ "never", test_never },
	{ "no-copy", test_no_copy },
	{ "other-shm", test_other_shm },
	{ "private", test_private },
	{ "protected", test_protected },
	{ "raw-fork", test_raw_fork },
	{ "refused", test_refused },
	{ "shared", test_shared },
	{ "shm", test_shm },
	{ "threads", test_threads },
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc > 2 && !strcmp(argv[1], "attach")) {
		test_attach(argv[2]);
		return 0;
	}
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		if (argc > 1 && !strcmp(argv[1], tests[i].name)) {
			tests[i].run();
			return 0;
		}
	}
	printf("no test of this name\n");
	return 1;
}
