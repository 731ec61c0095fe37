// SPDX-License-Identifier: GPL-2.0
/*
 * Every kernel interface that pins user pages can pin pool memory. Pinned memory is not
 * free, even after its region is closed.
 */
#include <fcntl.h>
#include <liburing.h>
#include <linux/vpool.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "pin-pool"
/* Bytes that fit in a pipe, in pages of BASE bytes. */
#define PIPE_BYTES (8 * BASE)
#define RAM_DISK "/dev/ram0"

FIXTURE(pin)
{
	int ctl;
	int fd;
	__u64 page;
	__u64 pool;
	__u64 bytes;
	char *addr;
	char *heap;
};

FIXTURE_VARIANT(pin)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(pin, huge)
{
	.huge = true,
	.pages = 4,
};

FIXTURE_VARIANT_ADD(pin, base)
{
	.pages = 256,
};

/* Fill a region of half of the pool. The heap is an empty buffer of the same size. */
FIXTURE_SETUP(pin)
{
	self->page = vp_page_size(variant->huge);
	self->pool = self->page * variant->pages;
	self->bytes = self->pool / 2;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page, NULL));
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
	vp_fill(self->addr, self->bytes, 1);
	ASSERT_EQ(0, posix_memalign((void **)&self->heap, BASE, self->bytes));
	memset(self->heap, 0, self->bytes);
}

FIXTURE_TEARDOWN(pin)
{
	if (vp_exists(POOL)) {
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
		vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	}
	close(self->ctl);
}

/*
 * Open a disk of 8 huge pages that does direct I/O to user pages. Return a negative
 * errno if there is none.
 */
static int open_disk(void)
{
	char command[64];
	int fd;

	snprintf(command, sizeof(command),
		 "modprobe -q brd rd_nr=1 rd_size=%llu 2>/dev/null",
		 8 * HUGE_SIZE / KIB);
	if (access(RAM_DISK, F_OK) && system(command))
		return -ENODEV;
	fd = open(RAM_DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

TEST_F(pin, direct_write_and_read)
{
	int disk = open_disk();

	if (disk < 0)
		SKIP(return, "no " RAM_DISK " to open with O_DIRECT: %s",
		     strerror(-disk));
	/* Write from the pool to the disk, and read it back into the heap. */
	ASSERT_EQ(self->bytes, pwrite(disk, self->addr, self->bytes, 0));
	ASSERT_EQ(self->bytes, pread(disk, self->heap, self->bytes, 0));
	EXPECT_TRUE(vp_is_filled(self->heap, self->bytes, 1));
	/* Write from the heap to the disk, and read it into the pool. */
	vp_fill(self->heap, self->bytes, 2);
	ASSERT_EQ(self->bytes, pwrite(disk, self->heap, self->bytes, 0));
	ASSERT_EQ(self->bytes, pread(disk, self->addr, self->bytes, 0));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 2));
	close(disk);
}

TEST_F(pin, direct_read_of_unaligned_parts)
{
	int disk = open_disk();
	const size_t part = 3 * 512;

	if (disk < 0)
		SKIP(return, "no " RAM_DISK " to open with O_DIRECT: %s",
		     strerror(-disk));
	vp_fill(self->heap, part + 512, 3);
	ASSERT_EQ(part + 512, pwrite(disk, self->heap, part + 512, 0));
	ASSERT_EQ(part, pread(disk, self->addr + BASE - 512, part, 0));
	EXPECT_TRUE(vp_is_filled(self->addr + BASE - 512, part, 3));
	/* The bytes around the read did not change. */
	EXPECT_TRUE(vp_is_filled(self->addr, BASE - 512, 1));
	close(disk);
}

/* Direct I/O from the root file system, if it supports that. */
TEST_F(pin, direct_read_of_a_file)
{
	int file = open("/proc/self/exe", O_RDONLY | O_DIRECT);
	int plain = open("/proc/self/exe", O_RDONLY);
	ssize_t len;

	if (file < 0)
		SKIP(return, "no O_DIRECT on this file system: %s",
		     strerror(errno));
	len = pread(file, self->addr, 64 * KIB, 0);
	EXPECT_LT(0, len);
	ASSERT_EQ(len, pread(plain, self->heap, len, 0));
	EXPECT_EQ(0, memcmp(self->addr, self->heap, len));
	close(plain);
	close(file);
}

TEST_F(pin, vmsplice)
{
	struct iovec iov = {
		.iov_base = self->addr,
		.iov_len = PIPE_BYTES,
	};
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(PIPE_BYTES, vmsplice(pipes[1], &iov, 1, 0));
	ASSERT_EQ(PIPE_BYTES, read(pipes[0], self->heap, PIPE_BYTES));
	EXPECT_TRUE(vp_is_filled(self->heap, PIPE_BYTES, 1));
	/* The other direction: from a pipe into the pool. */
	vp_fill(self->heap, PIPE_BYTES, 2);
	ASSERT_EQ(PIPE_BYTES, write(pipes[1], self->heap, PIPE_BYTES));
	ASSERT_EQ(PIPE_BYTES, vmsplice(pipes[0], &iov, 1, 0));
	EXPECT_TRUE(vp_is_filled(self->addr, PIPE_BYTES, 2));
	close(pipes[0]);
	close(pipes[1]);
}

static void wait_for_signal(void)
{
	for (;;)
		pause();
}

TEST_F(pin, process_vm_readv_and_writev)
{
	struct iovec heap = {
		.iov_base = self->heap,
		.iov_len = self->bytes,
	};
	struct iovec pool = {
		.iov_base = self->addr,
		.iov_len = self->bytes,
	};
	pid_t pid;

	/*
	 * A call for no bytes of this process succeeds if the kernel has the system
	 * call.
	 */
	if (process_vm_readv(getpid(), NULL, 0, NULL, 0, 0))
		SKIP(return, "no process_vm_readv here: %s", strerror(errno));
	pid = fork();
	if (!pid)
		wait_for_signal();
	EXPECT_EQ(self->bytes, process_vm_readv(pid, &heap, 1, &pool, 1, 0));
	EXPECT_TRUE(vp_is_filled(self->heap, self->bytes, 1));
	vp_fill(self->heap, self->bytes, 2);
	EXPECT_EQ(self->bytes, process_vm_writev(pid, &heap, 1, &pool, 1, 0));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 2));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

/* Do one read or write with a registered buffer, and wait for it. */
static int fixed_io(struct io_uring *ring, bool write, int file, char *addr,
		    unsigned int bytes)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int res;

	if (write)
		io_uring_prep_write_fixed(sqe, file, addr, bytes, 0, 0);
	else
		io_uring_prep_read_fixed(sqe, file, addr, bytes, 0, 0);
	io_uring_submit(ring);
	res = io_uring_wait_cqe(ring, &cqe);
	if (res)
		return res;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static int register_memory(struct io_uring *ring, void *addr, size_t bytes)
{
	struct iovec iov = { .iov_base = addr, .iov_len = bytes };

	return io_uring_register_buffers(ring, &iov, 1);
}

/*
 * Before Linux 6.5, io_uring registers no file memory but that of tmpfs and
 * hugetlbfs.
 */
static bool registers_files(struct io_uring *ring)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), err;
	void *addr = mmap(NULL, BASE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  file, 0);

	err = register_memory(ring, addr, BASE);
	if (!err)
		io_uring_unregister_buffers(ring);
	munmap(addr, BASE);
	close(file);
	return err != -EOPNOTSUPP;
}

TEST_F(pin, io_uring_registered_buffers)
{
	int file = memfd_create("pin", MFD_CLOEXEC);
	struct io_uring ring;
	int err = io_uring_queue_init(4, &ring, 0);

	if (err)
		SKIP(return, "no io_uring here: %s", strerror(-err));
	if (!registers_files(&ring))
		SKIP(return, "io_uring registers no file memory on this kernel");
	ASSERT_EQ(0, register_memory(&ring, self->addr, self->bytes));
	ASSERT_LE(0, file);
	EXPECT_EQ(self->bytes,
		  fixed_io(&ring, true, file, self->addr, self->bytes));
	ASSERT_EQ(self->bytes, pread(file, self->heap, self->bytes, 0));
	EXPECT_TRUE(vp_is_filled(self->heap, self->bytes, 1));
	vp_fill(self->heap, self->bytes, 2);
	ASSERT_EQ(self->bytes, pwrite(file, self->heap, self->bytes, 0));
	EXPECT_EQ(self->bytes,
		  fixed_io(&ring, false, file, self->addr, self->bytes));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 2));
	io_uring_queue_exit(&ring);
	close(file);
}

TEST_F(pin, io_uring_pins_outlive_the_region)
{
	struct io_uring ring;
	int err = io_uring_queue_init(4, &ring, 0);

	if (err)
		SKIP(return, "no io_uring here: %s", strerror(-err));
	if (!registers_files(&ring))
		SKIP(return, "io_uring registers no file memory on this kernel");
	ASSERT_EQ(0, register_memory(&ring, self->addr, self->bytes));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(self->bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
}

/*
 * Give the pages of a file back while they are registered: the ring still reads and
 * writes them, and no other file gets them.
 */
TEST_F(pin, io_uring_pins_outlive_a_hole)
{
	int memory = memfd_create("pin", MFD_CLOEXEC), file = vp_open_file(POOL);
	struct io_uring ring;
	int err = io_uring_queue_init(4, &ring, 0);
	char *addr;

	if (err)
		SKIP(return, "no io_uring here: %s", strerror(-err));
	if (!registers_files(&ring))
		SKIP(return, "io_uring registers no file memory on this kernel");
	ASSERT_LE(0, file);
	ASSERT_EQ(0, vp_truncate(file, self->page));
	addr = vp_map(file, self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, self->page, 2);
	ASSERT_EQ(0, register_memory(&ring, addr, self->page));
	ASSERT_EQ(0, vp_punch(file, 0, self->page));
	EXPECT_EQ(self->bytes + self->page,
		  vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_TRUE(vp_is_zero(addr, self->page));
	EXPECT_EQ(self->bytes + 2 * self->page,
		  vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(self->page, fixed_io(&ring, true, memory, addr, self->page));
	ASSERT_EQ(self->page, pread(memory, self->heap, self->page, 0));
	EXPECT_TRUE(vp_is_filled(self->heap, self->page, 2));
	EXPECT_EQ(self->page, fixed_io(&ring, false, memory, addr, self->page));
	EXPECT_TRUE(vp_is_zero(addr, self->page));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes",
				  self->bytes + self->page));
	munmap(addr, self->page);
	close(file);
	close(memory);
}

/* Put the first page of a region into a pipe. */
static int pin_in_pipe(char *addr, int pipes[2])
{
	struct iovec iov = { .iov_base = addr, .iov_len = BASE };

	if (pipe(pipes) || vmsplice(pipes[1], &iov, 1, 0) != BASE)
		return -errno;
	return 0;
}

static bool pipe_has_pattern(const int pipes[2])
{
	__u64 page[BASE / sizeof(__u64)];

	return read(pipes[0], page, BASE) == BASE &&
	       vp_is_filled(page, BASE, 1);
}

TEST_F(pin, pinned_memory_is_not_free)
{
	__u64 all = self->pool, remaining = self->pool - self->page;
	int pipes[2], fd = vp_open(POOL);
	char *addr;

	ASSERT_EQ(0, pin_in_pipe(self->addr, pipes));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", self->page));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	EXPECT_EQ(-ENOMEM, vp_commit(fd, &all));
	ASSERT_EQ(0, vp_commit(fd, &remaining));
	addr = vp_map(fd, remaining, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_zero(addr, remaining));
	vp_fill(addr, remaining, 2);
	EXPECT_EQ(self->pool, vp_sysfs_u64(POOL, "memory/used_bytes"));

	EXPECT_TRUE(pipe_has_pattern(pipes));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", remaining));
	EXPECT_TRUE(vp_is_filled(addr, remaining, 2));
	munmap(addr, remaining);
	close(fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
}

/* A folio whose pin outlived its region is zero in the next region. */
TEST_F(pin, pinned_memory_is_zero_when_reused)
{
	int pipes[2], fd;
	char *addr;

	ASSERT_EQ(0, pin_in_pipe(self->addr, pipes));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(pipe_has_pattern(pipes));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	addr = vp_open_map(POOL, self->pool, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_zero(addr, self->pool));
	munmap(addr, self->pool);
	close(fd);
}

TEST_F(pin, pin_outlives_a_forced_destroy)
{
	int pipes[2];

	ASSERT_EQ(0, pin_in_pipe(self->addr, pipes));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page, NULL));
	EXPECT_TRUE(pipe_has_pattern(pipes));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_EQ(self->pool, vp_sysfs_u64(POOL, "memory/free_bytes"));
}

/* Revoke a region while a page is pinned: only the pin can still read the bytes. */
TEST_F(pin, revoked_while_pinned)
{
	int pipes[2];

	ASSERT_EQ(0, pin_in_pipe(self->addr, pipes));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_EQ(SIGBUS, vp_touch(self->addr, false));
	EXPECT_TRUE(pipe_has_pattern(pipes));
	close(self->fd);
}

TEST_HARNESS_MAIN
