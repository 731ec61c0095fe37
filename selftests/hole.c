// SPDX-License-Identifier: GPL-2.0
/*
 * Holes in files of pools: what fallocate(2), MADV_REMOVE and a fault take from the pool
 * and give back, the NUMA node that it comes from, and pages that are pinned or poisoned
 * when they are punched.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/mempolicy.h>
#include <linux/vpool.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/numa.h"
#include "lib/poison.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "hole-pool"
/* Pattern of old data: memory that is not zeroed shows it. */
#define SECRET 0x5ec2e7

static __u64 used(void)
{
	return vp_sysfs_u64(POOL, "memory/used_bytes");
}

FIXTURE(hole)
{
	int ctl;
	int fd;
	__u64 page;
	__u64 pool;
	char *addr;
};

FIXTURE_VARIANT(hole)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(hole, huge)
{
	.huge = true,
	.pages = 8,
};

FIXTURE_VARIANT_ADD(hole, base)
{
	.pages = 64,
};

/* Map an empty file, as far as the pool has memory. */
FIXTURE_SETUP(hole)
{
	self->page = vp_page_size(variant->huge);
	self->pool = self->page * variant->pages;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page, NULL));
	ASSERT_EQ(0, vp_leave_pattern(POOL, self->pool, SECRET));
	ASSERT_TRUE(vp_wait_idle(POOL));
	self->fd = vp_open_file(POOL);
	ASSERT_LE(0, self->fd);
	self->addr = vp_map(self->fd, self->pool, 0);
	ASSERT_NE(MAP_FAILED, self->addr);
}

FIXTURE_TEARDOWN(hole)
{
	if (vp_exists(POOL)) {
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
		munmap(self->addr, self->pool);
		close(self->fd);
		EXPECT_TRUE(vp_wait_idle(POOL));
	}
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

/* Take all memory of the pool but @rest. Return the descriptor to close. */
static int leave_free(__u64 rest)
{
	int fd = vp_open_file(POOL);
	__u64 free = vp_sysfs_u64(POOL, "memory/free_bytes");

	if (fd >= 0 && vp_truncate(fd, free - rest)) {
		close(fd);
		return -ENOSPC;
	}
	return fd;
}

static long seek(int fd, __u64 from, int whence)
{
	off_t at = lseek(fd, from, whence);

	return at < 0 ? -errno : at;
}

/* fallocate(2). */

TEST_F(hole, allocate_a_range)
{
	ASSERT_EQ(0, vp_allocate(self->fd, 0, 2 * self->page, 2 * self->page));
	EXPECT_EQ(4 * self->page, vp_file_size(self->fd));
	EXPECT_EQ(2 * self->page, used());
	EXPECT_EQ(2 * self->page, vp_file_bytes(self->fd));
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, 4 * self->page));
	EXPECT_EQ(2 * self->page, used());
	/* Parts of pages. */
	ASSERT_EQ(0, vp_allocate(self->fd, 0, self->page / 2, 1));
	EXPECT_EQ(3 * self->page, used());
	ASSERT_EQ(0, vp_allocate(self->fd, 0, 5 * self->page - 1, 2));
	EXPECT_EQ(5 * self->page, used());
	EXPECT_EQ(5 * self->page + 1, vp_file_size(self->fd));
	/* The pages of the file are not taken again, and keep their contents. */
	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	ASSERT_EQ(0, vp_allocate(self->fd, 0, 0, 6 * self->page));
	EXPECT_EQ(6 * self->page, used());
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	EXPECT_TRUE(vp_file_is_zero(self->fd, self->page, 5 * self->page));
}

TEST_F(hole, allocate_beyond_the_end)
{
	__u64 bytes = 3 * self->page;
	char byte;

	ASSERT_EQ(0, vp_allocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, bytes));
	EXPECT_EQ(0, vp_file_size(self->fd));
	EXPECT_EQ(bytes, used());
	EXPECT_EQ(bytes, vp_file_bytes(self->fd));
	EXPECT_EQ(0, vp_pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(SIGBUS, vp_touch(self->addr, false));
	/* The file gets this memory when it grows. */
	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	EXPECT_EQ(bytes, used());
	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	EXPECT_EQ(bytes, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, self->page, bytes - self->page));
	/* A hole beyond the end gives it back. */
	ASSERT_EQ(0, vp_allocate(self->fd, FALLOC_FL_KEEP_SIZE, bytes, bytes));
	EXPECT_EQ(2 * bytes, used());
	ASSERT_EQ(0, vp_punch(self->fd, bytes, bytes));
	EXPECT_EQ(bytes, used());
	EXPECT_EQ(bytes, vp_file_size(self->fd));
}

TEST_F(hole, allocation_is_complete_or_fails)
{
	int other;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	ASSERT_EQ(0, vp_file_fill(self->fd, 2 * self->page, self->page, 2));
	other = leave_free(3 * self->page);
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOSPC, vp_allocate(self->fd, 0, 0, 6 * self->page));
	EXPECT_EQ(VPOOL_CODE_POOL_SHORT, vp_code(self->fd));
	EXPECT_EQ(-ENOSPC, vp_allocate(self->fd, FALLOC_FL_KEEP_SIZE, 0,
				       6 * self->page));
	EXPECT_EQ(self->pool - 3 * self->page, used());
	EXPECT_EQ(2 * self->page, vp_file_bytes(self->fd));
	EXPECT_EQ(3 * self->page, vp_file_size(self->fd));
	EXPECT_EQ(self->page, seek(self->fd, 0, SEEK_HOLE));
	/* The pages that are there need no memory. */
	EXPECT_EQ(0, vp_allocate(self->fd, 0, 0, 5 * self->page));
	EXPECT_EQ(self->pool, used());
	EXPECT_EQ(-ENOSPC, vp_allocate(self->fd, 0, 0, 5 * self->page + 1));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	EXPECT_TRUE(vp_file_is_zero(self->fd, self->page, self->page));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 2 * self->page, self->page, 2));
	close(other);
}

TEST_F(hole, modes_that_are_not_supported)
{
	static const int modes[] = {
		FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_INSERT_RANGE,
		FALLOC_FL_UNSHARE_RANGE, FALLOC_FL_NO_HIDE_STALE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, 1 << 20,
	};
	int i;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, 2 * self->page, 1));
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		EXPECT_EQ(-EOPNOTSUPP,
			  vp_allocate(self->fd, modes[i], 0, self->page));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, 2 * self->page, 1));
	EXPECT_EQ(2 * self->page, used());
}

TEST_F(hole, punch_whole_pages)
{
	__u64 bytes = 6 * self->page;

	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	vp_fill(self->addr, bytes, 1);
	ASSERT_EQ(0, vp_punch(self->fd, self->page, 3 * self->page));
	EXPECT_EQ(bytes, vp_file_size(self->fd));
	EXPECT_EQ(3 * self->page, used());
	EXPECT_EQ(3 * self->page, vp_file_bytes(self->fd));
	EXPECT_TRUE(vp_file_is_zero(self->fd, self->page, 3 * self->page));
	EXPECT_EQ(3 * self->page, used());
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	/* Punching a hole changes nothing. */
	ASSERT_EQ(0, vp_punch(self->fd, self->page, 3 * self->page));
	ASSERT_EQ(0, vp_punch(self->fd, bytes, bytes));
	EXPECT_EQ(3 * self->page, used());
	/* The mapping shows zeros, and commits what it shows. */
	EXPECT_TRUE(vp_is_zero(self->addr + self->page, 3 * self->page));
	EXPECT_EQ(bytes, used());
	EXPECT_TRUE(vp_is_filled(self->addr, self->page, 1));
	ASSERT_EQ(0, vp_punch(self->fd, 0, bytes));
	EXPECT_EQ(0, used());
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
}

/* Parts of pages are zeroed, and stay in the file. */
TEST_F(hole, punch_parts_of_pages)
{
	const struct {
		__u64 from, bytes, freed;
	} row[] = {
		{ 1, 1, 0 },
		{ self->page - 3, 6, 0 },
		{ self->page / 2, self->page, 0 },
		{ self->page - 8, self->page + 16, self->page },
		{ 3, 3 * self->page, 2 * self->page },
		{ self->page, 2 * self->page + BASE / 2, 2 * self->page },
		{ 3 * self->page + 5, 9 * self->page, 0 },
		{ 3 * self->page, self->page - 1, 0 },
	};
	__u64 bytes = 4 * self->page, end;
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_EQ(0, vp_truncate(self->fd, bytes));
		memset(self->addr, 'x', bytes);
		ASSERT_EQ(0, vp_punch(self->fd, row[i].from, row[i].bytes));
		EXPECT_EQ(bytes - row[i].freed, used());
		end = row[i].from + row[i].bytes;
		if (end > bytes)
			end = bytes;
		EXPECT_TRUE(vp_file_is_zero(self->fd, row[i].from,
					    end - row[i].from))
			TH_LOG("row %d", i);
		EXPECT_EQ(bytes - row[i].freed, used());
		EXPECT_EQ('x', row[i].from ? self->addr[row[i].from - 1] : 'x');
		EXPECT_EQ('x', end < bytes ? self->addr[end] : 'x');
		EXPECT_EQ(0, self->addr[row[i].from]);
		EXPECT_EQ(0, self->addr[end - 1]);
	}
}

/* The part of the last page behind the end of the file is not part of the hole's range. */
TEST_F(hole, punch_up_to_an_odd_end)
{
	__u64 size = 2 * self->page + 100;

	ASSERT_EQ(0, vp_truncate(self->fd, size));
	memset(self->addr, 'x', size);
	ASSERT_EQ(0, vp_punch(self->fd, 2 * self->page, 100));
	EXPECT_EQ(size, vp_file_size(self->fd));
	EXPECT_TRUE(vp_file_is_zero(self->fd, 2 * self->page, 100));
	EXPECT_EQ('x', self->addr[2 * self->page - 1]);
	ASSERT_EQ(0, vp_truncate(self->fd, 3 * self->page));
	EXPECT_EQ(3 * self->page, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, 2 * self->page, self->page));
}

/* A larger size commits the part that is added. It does not fill holes before it. */
TEST_F(hole, growth_leaves_holes)
{
	ASSERT_EQ(0, vp_allocate(self->fd, 0, 2 * self->page, self->page));
	EXPECT_EQ(self->page, used());
	ASSERT_EQ(0, vp_truncate(self->fd, 3 * self->page));
	EXPECT_EQ(self->page, used());
	ASSERT_EQ(0, vp_truncate(self->fd, 4 * self->page));
	EXPECT_EQ(2 * self->page, used());
	EXPECT_EQ(0, seek(self->fd, 0, SEEK_HOLE));
	/* A size inside a hole takes nothing, and gives what is behind it back. */
	ASSERT_EQ(0, vp_truncate(self->fd, self->page + 1));
	EXPECT_EQ(0, used());
	EXPECT_EQ(self->page + 1, vp_file_size(self->fd));
	ASSERT_EQ(0, vp_truncate(self->fd, 3 * self->page));
	EXPECT_EQ(self->page, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, 3 * self->page));
}

/* Bytes that a mapping has written behind the end do not appear when the file grows. */
TEST_F(hole, bytes_behind_the_end_are_lost)
{
	ASSERT_EQ(0, vp_truncate(self->fd, 10));
	memset(self->addr, 'x', self->page);
	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	EXPECT_EQ('x', self->addr[9]);
	EXPECT_TRUE(vp_file_is_zero(self->fd, 10, self->page - 10));
	/* A write behind the end makes it grow, too. */
	ASSERT_EQ(0, vp_truncate(self->fd, 10));
	memset(self->addr, 'x', self->page);
	ASSERT_EQ(1, vp_pwrite(self->fd, "y", 1, 100));
	EXPECT_TRUE(vp_file_is_zero(self->fd, 10, 90));
	ASSERT_EQ(0, vp_allocate(self->fd, 0, 0, self->page));
	EXPECT_TRUE(vp_file_is_zero(self->fd, 101, self->page - 101));
}

/* madvise(2). */

TEST_F(hole, madvise_remove)
{
	__u64 bytes = 4 * self->page;

	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	vp_fill(self->addr, bytes, 1);
	ASSERT_EQ(0, madvise(self->addr + self->page, self->page, MADV_REMOVE));
	EXPECT_EQ(bytes - self->page, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, self->page, self->page));
	EXPECT_TRUE(vp_is_filled(self->addr, self->page, 1));
	EXPECT_TRUE(vp_is_zero(self->addr + self->page, self->page));
	EXPECT_EQ(bytes, used());
	/* A part of a page. */
	memset(self->addr, 'x', bytes);
	ASSERT_EQ(0, madvise(self->addr + 2 * self->page - BASE, BASE,
			     MADV_REMOVE));
	EXPECT_EQ(self->page == BASE ? bytes - BASE : bytes, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, 2 * self->page - BASE, BASE));
	EXPECT_EQ('x', self->addr[2 * self->page - BASE - 1]);
	EXPECT_EQ('x', self->addr[2 * self->page]);
	/* A mapping that starts in the middle of the file. */
	ASSERT_EQ(0, munmap(self->addr, self->page));
	ASSERT_EQ(0, madvise(self->addr + self->page, 3 * self->page,
			     MADV_REMOVE));
	EXPECT_EQ(self->page, used());
	EXPECT_EQ(bytes, vp_file_size(self->fd));
}

/* MADV_DONTNEED drops page table entries only. */
TEST_F(hole, madvise_dontneed_keeps_the_contents)
{
	__u64 bytes = 2 * self->page;

	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	vp_fill(self->addr, bytes, 1);
	ASSERT_EQ(0, madvise(self->addr, bytes, MADV_DONTNEED));
	EXPECT_EQ(bytes, used());
	EXPECT_TRUE(vp_is_filled(self->addr, bytes, 1));
}

/* lseek(2). */

TEST_F(hole, seek)
{
	__u64 size = 6 * self->page + 5;

	EXPECT_EQ(-ENXIO, seek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(-ENXIO, seek(self->fd, 0, SEEK_HOLE));
	/* Data in pages 1, 2 and 6, whose end is not that of a page. */
	ASSERT_EQ(0, vp_file_fill(self->fd, self->page, 2 * self->page, 1));
	ASSERT_EQ(5, vp_pwrite(self->fd, "data", 5, 6 * self->page));
	EXPECT_EQ(self->page, seek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(0, seek(self->fd, 0, SEEK_HOLE));
	EXPECT_EQ(7, seek(self->fd, 7, SEEK_HOLE));
	EXPECT_EQ(self->page + 9, seek(self->fd, self->page + 9, SEEK_DATA));
	EXPECT_EQ(3 * self->page, seek(self->fd, self->page, SEEK_HOLE));
	EXPECT_EQ(3 * self->page, seek(self->fd, 2 * self->page + 1, SEEK_HOLE));
	EXPECT_EQ(6 * self->page, seek(self->fd, 3 * self->page, SEEK_DATA));
	EXPECT_EQ(size, seek(self->fd, 6 * self->page, SEEK_HOLE));
	EXPECT_EQ(size - 1, seek(self->fd, size - 1, SEEK_DATA));
	EXPECT_EQ(-ENXIO, seek(self->fd, size, SEEK_DATA));
	EXPECT_EQ(-ENXIO, seek(self->fd, size, SEEK_HOLE));
	EXPECT_EQ(size, seek(self->fd, 0, SEEK_END));
	/* A hole to the end of the file has no data behind it. */
	ASSERT_EQ(0, vp_punch(self->fd, 6 * self->page, self->page));
	EXPECT_EQ(-ENXIO, seek(self->fd, 3 * self->page, SEEK_DATA));
	EXPECT_EQ(4 * self->page, seek(self->fd, 4 * self->page, SEEK_HOLE));
	EXPECT_EQ(-EINVAL, seek(self->fd, 0, 9));
}

/* Faults. */

TEST_F(hole, touch_commits_a_page)
{
	ASSERT_EQ(0, vp_allocate(self->fd, 0, 7 * self->page, self->page));
	ASSERT_EQ(0, vp_touch(self->addr + self->page, false));
	EXPECT_EQ(2 * self->page, used());
	ASSERT_EQ(0, vp_touch(self->addr + 4 * self->page - 1, true));
	EXPECT_EQ(3 * self->page, used());
	EXPECT_EQ(3 * self->page, vp_file_bytes(self->fd));
	EXPECT_TRUE(vp_is_zero(self->addr + self->page, self->page));
	EXPECT_TRUE(vp_is_zero(self->addr + 3 * self->page, self->page));
	EXPECT_EQ(3 * self->page, used());
	EXPECT_TRUE(vp_is_zero(self->addr, 8 * self->page));
	EXPECT_EQ(8 * self->page, used());
}

TEST_F(hole, touch_with_an_empty_pool)
{
	siginfo_t info = { };
	int other;

	ASSERT_EQ(0, vp_allocate(self->fd, 0, 3 * self->page, self->page));
	vp_fill(self->addr + 3 * self->page, self->page, 1);
	other = leave_free(0);
	ASSERT_LE(0, other);
	EXPECT_EQ(SIGBUS, vp_touch_info(self->addr + BASE / 2, true, &info));
	EXPECT_EQ(BUS_ADRERR, info.si_code);
	EXPECT_EQ(self->addr + BASE / 2, info.si_addr);
	EXPECT_EQ(SIGBUS, vp_touch(self->addr + self->page, false));
	EXPECT_EQ(self->pool, used());
	/* A hole can be read, and committed pages can be touched. */
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, 3 * self->page));
	EXPECT_TRUE(vp_is_filled(self->addr + 3 * self->page, self->page, 1));
	EXPECT_EQ(0, vp_file_fill(self->fd, 3 * self->page, self->page, 2));
	EXPECT_EQ(-ENOSPC, vp_pwrite(self->fd, "x", 1, 0));
	/* One page is enough for one touch. */
	ASSERT_EQ(0, vp_punch(other, 0, self->page));
	EXPECT_EQ(0, vp_touch(self->addr + self->page, false));
	EXPECT_EQ(SIGBUS, vp_touch(self->addr, false));
	EXPECT_TRUE(vp_is_zero(self->addr + self->page, self->page));
	close(other);
}

/* A file that is committed never fails because memory is short. */
TEST_F(hole, committed_pages_need_no_memory)
{
	__u64 bytes = 5 * self->page;
	int other;

	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	other = leave_free(0);
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, bytes + 1));
	EXPECT_TRUE(vp_is_zero(self->addr, bytes));
	vp_fill(self->addr, bytes, 1);
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, bytes, 1));
	EXPECT_EQ(self->pool, used());
	close(other);
}

TEST_F(hole, populate)
{
	char *addr;
	int other;

	ASSERT_EQ(0, vp_allocate(self->fd, 0, 6 * self->page, self->page));
	ASSERT_EQ(0, madvise(self->addr, self->page, MADV_POPULATE_READ));
	EXPECT_EQ(2 * self->page, used());
	ASSERT_EQ(0, madvise(self->addr + self->page, self->page,
			     MADV_POPULATE_WRITE));
	EXPECT_EQ(3 * self->page, used());
	addr = mmap(NULL, self->page, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, self->fd, 2 * self->page);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(4 * self->page, used());
	EXPECT_TRUE(vp_is_zero(addr, self->page));
	munmap(addr, self->page);
	ASSERT_EQ(0, mlock(self->addr + 3 * self->page, self->page));
	EXPECT_EQ(5 * self->page, used());
	/* A locked page can be punched. */
	ASSERT_EQ(0, vp_punch(self->fd, 3 * self->page, self->page));
	EXPECT_EQ(4 * self->page, used());
	ASSERT_EQ(0, munlock(self->addr + 3 * self->page, self->page));
	other = leave_free(0);
	ASSERT_LE(0, other);
	EXPECT_EQ(-1, madvise(self->addr + 4 * self->page, self->page,
			      MADV_POPULATE_WRITE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(self->pool, used());
	close(other);
}

static int expect_zero_and_fill(void *arg)
{
	char *addr = arg;

	if (!vp_is_zero(addr, BASE))
		return 1;
	vp_fill(addr, BASE, 2);
	return 0;
}

/* A hole is punched in all mappings, of all processes. */
TEST_F(hole, all_mappings_lose_the_page)
{
	char *second;
	int ready[2], go[2];
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->page));
	second = vp_map(self->fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, second);
	vp_fill(self->addr, 2 * self->page, 1);
	EXPECT_TRUE(vp_is_filled(second, self->page, 1));
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		byte = vp_is_filled(self->addr, self->page, 1);
		write(ready[1], &byte, 1);
		read(go[0], &byte, 1);
		_exit(expect_zero_and_fill(self->addr));
	}
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(1, byte);
	ASSERT_EQ(0, vp_punch(self->fd, 0, self->page));
	EXPECT_EQ(self->page, used());
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(0, vp_wait_status(pid));
	EXPECT_TRUE(vp_is_filled(second, BASE, 2));
	EXPECT_TRUE(vp_is_filled(self->addr, BASE, 2));
	EXPECT_EQ(2 * self->page, used());
	munmap(second, self->page);
}

TEST_F(hole, refilled_holes_are_mapped_huge)
{
	__u64 huge = 0, bytes = 4 * self->page;

	if (self->page == BASE)
		SKIP(return, "the pages of this pool are small");
	if (vp_mapping_size() < self->page)
		SKIP(return, "this kernel maps pool memory by small pages");
	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	vp_fill(self->addr, bytes, 1);
	ASSERT_EQ(0, vp_punch(self->fd, self->page, self->page));
	ASSERT_EQ(0, vp_smaps(self->addr, "FilePmdMapped", &huge));
	EXPECT_EQ(bytes - self->page, huge);
	EXPECT_EQ(0, vp_touch(self->addr + self->page, true));
	ASSERT_EQ(0, vp_smaps(self->addr, "FilePmdMapped", &huge));
	EXPECT_EQ(bytes, huge);
	/* A part of a page that is punched leaves its entry alone. */
	ASSERT_EQ(0, vp_punch(self->fd, 2 * self->page, BASE));
	EXPECT_TRUE(vp_is_zero(self->addr + 2 * self->page, BASE));
	EXPECT_EQ(bytes, used());
}

/* Memory that other files have used comes back zeroed, mostly before it is scrubbed. */
TEST_F(hole, zero_when_refilled)
{
	int i, iterations = vp_scale(40), other = vp_open_file(POOL);
	__u64 half = self->pool / 2;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, vp_truncate(self->fd, half));
	for (i = 0; i < iterations; i++) {
		ASSERT_EQ(0, vp_file_fill(other, 0, half, SECRET + i));
		ASSERT_EQ(0, vp_punch(self->fd, 0, half));
		ASSERT_EQ(half, used());
		ASSERT_EQ(0, vp_punch(other, 0, half));
		/* A part of each page is written, the rest of it must be zero. */
		ASSERT_EQ(8, vp_pwrite(self->fd, "1234567", 8, self->page / 2));
		ASSERT_EQ(0, vp_touch(self->addr + self->page, i % 2));
		ASSERT_EQ(0, vp_allocate(self->fd, 0, 0, half));
		ASSERT_TRUE(vp_file_is_zero(self->fd, 0, self->page / 2));
		ASSERT_TRUE(vp_file_is_zero(self->fd, self->page / 2 + 8,
					    half - self->page / 2 - 8));
		ASSERT_TRUE(vp_is_zero(self->addr + self->page,
				       half - self->page));
		ASSERT_EQ(half, used());
		vp_fill(self->addr, half, SECRET);
	}
	close(other);
	ASSERT_EQ(0, vp_truncate(self->fd, 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
}

/*
 * The steps of virtio-mem in QEMU: a file of the largest size is emptied, blocks are
 * plugged and unplugged.
 */
TEST_F(hole, steps_of_virtio_mem)
{
	__u64 block = 2 * self->page;
	int other;

	ASSERT_EQ(0, vp_truncate(self->fd, self->pool));
	ASSERT_EQ(0, vp_punch(self->fd, 0, self->pool));
	EXPECT_EQ(0, used());
	ASSERT_EQ(0, madvise(self->addr + block, block, MADV_POPULATE_WRITE));
	EXPECT_EQ(block, used());
	vp_fill(self->addr + block, block, 1);
	/* Another guest takes the rest of the pool. */
	other = leave_free(0);
	ASSERT_LE(0, other);
	EXPECT_NE(0, madvise(self->addr, block, MADV_POPULATE_WRITE));
	EXPECT_TRUE(vp_is_filled(self->addr + block, block, 1));
	EXPECT_EQ(self->pool, used());
	/* It gives some of it back, and this one can have that. */
	ASSERT_EQ(0, vp_punch(other, 0, block));
	EXPECT_EQ(0, madvise(self->addr, block, MADV_POPULATE_WRITE));
	EXPECT_TRUE(vp_is_zero(self->addr, block));
	EXPECT_TRUE(vp_is_filled(self->addr + block, block, 1));
	EXPECT_EQ(self->pool, used());
	close(other);
}

/* Pinned pages. */

/* Put the first base page of a mapping into a pipe. */
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

	return read(pipes[0], page, BASE) == BASE && vp_is_filled(page, BASE, 1);
}

/* Give page 0 back while a pipe holds it, by a punch or a truncation. */
static void give_back_while_pinned(struct __test_metadata *_metadata,
				   int fd, char *addr, __u64 page,
				   bool truncate)
{
	__u64 others = truncate ? 0 : page;
	int pipes[2];

	ASSERT_EQ(0, vp_truncate(fd, 2 * page));
	vp_fill(addr, page, 1);
	ASSERT_EQ(0, pin_in_pipe(addr, pipes));
	ASSERT_EQ(0, truncate ? vp_truncate(fd, 0) : vp_punch(fd, 0, page));
	/* The page is not free, but it is not the file's any more. */
	EXPECT_EQ(others + page, used());
	EXPECT_EQ(others, vp_file_bytes(fd));
	EXPECT_TRUE(vp_accounting_ok(fd, NULL));
	ASSERT_EQ(0, vp_truncate(fd, 2 * page));
	ASSERT_EQ(0, vp_allocate(fd, 0, 0, 2 * page));
	EXPECT_EQ(3 * page, used());
	EXPECT_TRUE(vp_is_zero(addr, 2 * page));
	vp_fill(addr, 2 * page, 2);
	EXPECT_TRUE(pipe_has_pattern(pipes));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 2 * page));
	EXPECT_TRUE(vp_is_filled(addr, 2 * page, 2));
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(hole, punch_of_a_pinned_page)
{
	give_back_while_pinned(_metadata, self->fd, self->addr, self->page,
			       false);
}

TEST_F(hole, truncation_of_a_pinned_page)
{
	give_back_while_pinned(_metadata, self->fd, self->addr, self->page,
			       true);
}

TEST_F(hole, pinned_page_cannot_be_taken)
{
	int pipes[2], other = vp_open_file(POOL);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, vp_truncate(self->fd, self->pool));
	vp_fill(self->addr, self->page, 1);
	ASSERT_EQ(0, pin_in_pipe(self->addr, pipes));
	ASSERT_EQ(0, vp_punch(self->fd, 0, self->pool));
	EXPECT_EQ(-ENOSPC, vp_truncate(other, self->pool));
	EXPECT_EQ(self->page, used());
	ASSERT_EQ(0, vp_truncate(other, self->pool - self->page));
	ASSERT_EQ(0, vp_file_fill(other, 0, self->pool - self->page, 2));
	EXPECT_EQ(SIGBUS, vp_touch(self->addr, true));
	EXPECT_TRUE(pipe_has_pattern(pipes));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes",
				  self->pool - self->page));
	EXPECT_EQ(0, vp_touch(self->addr, true));
	EXPECT_TRUE(vp_is_zero(self->addr, self->page));
	close(other);
}

/* Pages that splice(2) has put into a pipe keep their contents. */
TEST_F(hole, punch_of_a_spliced_page)
{
	loff_t at = 0;
	int pipes[2];

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(BASE, splice(self->fd, &at, pipes[1], NULL, BASE, 0));
	ASSERT_EQ(0, vp_truncate(self->fd, 0));
	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->pool - self->page, 2));
	EXPECT_TRUE(pipe_has_pattern(pipes));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes",
				  self->pool - self->page));
}

TEST_F(hole, punched_pin_outlives_the_pool)
{
	int pipes[2];

	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->page));
	vp_fill(self->addr, self->page, 1);
	ASSERT_EQ(0, pin_in_pipe(self->addr, pipes));
	ASSERT_EQ(0, vp_punch(self->fd, 0, self->page));
	munmap(self->addr, self->pool);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(VPOOL_CODE_POOL_PINNED, vp_code(self->ctl));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_TRUE(pipe_has_pattern(pipes));
	close(pipes[0]);
	close(pipes[1]);
}

/* NUMA. */

#define EACH 4

FIXTURE(hole_numa)
{
	int ctl;
	int fd;
	__u64 page;
	__u64 bytes;
	char *addr;
};

FIXTURE_VARIANT(hole_numa)
{
	bool huge;
};

FIXTURE_VARIANT_ADD(hole_numa, huge)
{
	.huge = true,
};

FIXTURE_VARIANT_ADD(hole_numa, base)
{
};

/* A pool of EACH pages on each of two nodes, and a task on node 0. */
FIXTURE_SETUP(hole_numa)
{
	struct vp_request req;

	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	self->page = vp_page_size(variant->huge);
	self->bytes = EACH * self->page;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_request_init(&req, POOL);
	req.create.page_size = self->page;
	vp_request_mem(&req, self->bytes, 0);
	vp_request_mem(&req, self->bytes, 1);
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", 2 * self->bytes));
	ASSERT_EQ(0, vp_run_on_node(0));
	self->fd = vp_open_file(POOL);
	ASSERT_LE(0, self->fd);
	self->addr = vp_map(self->fd, 2 * self->bytes, 0);
	ASSERT_NE(MAP_FAILED, self->addr);
}

FIXTURE_TEARDOWN(hole_numa)
{
	vp_task_policy(MPOL_DEFAULT, 0);
	if (!vp_has_node(1))
		return;
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	munmap(self->addr, 2 * self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static __u64 node_used(int node)
{
	return vp_node_bytes(POOL, node, "used");
}

TEST_F(hole_numa, task_policy_decides_a_growth)
{
	ASSERT_EQ(0, vp_task_policy(MPOL_BIND, 1 << 1));
	ASSERT_EQ(0, vp_truncate(self->fd, self->bytes));
	EXPECT_EQ(self->bytes, node_used(1));
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, self->bytes + 1));
	EXPECT_EQ(VPOOL_CODE_POOL_POLICY_SHORT, vp_code(self->fd));
	EXPECT_TRUE(vp_reason_has(self->fd, "node 1, which the memory policy"));
	EXPECT_EQ(-ENOSPC, vp_allocate(self->fd, 0, self->bytes, self->page));
	EXPECT_EQ(-ENOSPC, vp_pwrite(self->fd, "x", 1, self->bytes));
	EXPECT_EQ(self->bytes, used());
	ASSERT_EQ(0, vp_truncate(self->fd, 0));
	ASSERT_EQ(0, vp_task_policy(MPOL_INTERLEAVE, 3));
	ASSERT_EQ(0, vp_truncate(self->fd, self->bytes));
	EXPECT_EQ(self->bytes / 2, node_used(0));
	EXPECT_EQ(self->bytes / 2, node_used(1));
	ASSERT_EQ(0, vp_truncate(self->fd, 0));
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", 2 * self->bytes));
	ASSERT_EQ(0, vp_task_policy(MPOL_PREFERRED, 1 << 1));
	ASSERT_EQ(0, vp_truncate(self->fd, self->bytes + self->page));
	EXPECT_EQ(self->bytes, node_used(1));
	EXPECT_EQ(self->page, node_used(0));
}

TEST_F(hole_numa, task_policy_decides_a_write_and_an_allocation)
{
	ASSERT_EQ(0, vp_task_policy(MPOL_BIND, 1 << 1));
	ASSERT_EQ(1, vp_pwrite(self->fd, "x", 1, 0));
	ASSERT_EQ(0, vp_allocate(self->fd, 0, self->page, self->page));
	EXPECT_EQ(2 * self->page, node_used(1));
	ASSERT_EQ(0, vp_task_policy(MPOL_DEFAULT, 0));
	ASSERT_EQ(1, vp_pwrite(self->fd, "x", 1, 2 * self->page));
	ASSERT_EQ(0, vp_allocate(self->fd, 0, 3 * self->page, self->page));
	EXPECT_EQ(2 * self->page, node_used(0));
}

TEST_F(hole_numa, task_policy_decides_a_touch)
{
	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->bytes));
	ASSERT_EQ(0, vp_punch(self->fd, 0, 2 * self->bytes));
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", 2 * self->bytes));
	ASSERT_EQ(0, vp_task_policy(MPOL_BIND, 1 << 1));
	ASSERT_EQ(0, vp_touch(self->addr, true));
	EXPECT_EQ(self->page, node_used(1));
	EXPECT_EQ(1, vp_node_of(self->addr));
	ASSERT_EQ(0, vp_task_policy(MPOL_DEFAULT, 0));
	ASSERT_EQ(0, vp_touch(self->addr + self->page, false));
	EXPECT_EQ(self->page, node_used(0));
	EXPECT_EQ(0, vp_node_of(self->addr + self->page));
}

/* The steps of QEMU with host-nodes=1,policy=bind: a mapping of holes, mbind, touch. */
TEST_F(hole_numa, mbind_of_holes)
{
	__u64 at;

	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->bytes));
	ASSERT_EQ(0, vp_punch(self->fd, 0, 2 * self->bytes));
	ASSERT_EQ(0, vp_mapping_policy(self->addr, self->bytes, MPOL_BIND,
				       1 << 1));
	EXPECT_EQ(0, used());
	for (at = 0; at < self->bytes; at += self->page) {
		ASSERT_EQ(0, vp_touch(self->addr + at, true));
		EXPECT_EQ(1, vp_node_of(self->addr + at));
	}
	EXPECT_EQ(self->bytes, node_used(1));
	EXPECT_LT(0, vp_numa_maps(self->addr, 1));
	EXPECT_EQ(0, vp_numa_maps(self->addr, 0));
	/* The policy stays with the mapping, and does not extend behind its range. */
	ASSERT_EQ(0, vp_punch(self->fd, 0, self->page));
	ASSERT_EQ(0, vp_touch(self->addr, true));
	EXPECT_EQ(1, vp_node_of(self->addr));
	ASSERT_EQ(0, vp_touch(self->addr + self->bytes, true));
	EXPECT_EQ(0, vp_node_of(self->addr + self->bytes));
	EXPECT_EQ(self->page, node_used(0));
}

TEST_F(hole_numa, strict_policy_of_a_hole)
{
	int other = vp_open_file(POOL);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	ASSERT_EQ(0, vp_punch(self->fd, 0, self->page));
	ASSERT_EQ(0, vp_mapping_policy(self->addr, self->page, MPOL_BIND,
				       1 << 1));
	ASSERT_EQ(0, vp_task_policy(MPOL_BIND, 1 << 1));
	ASSERT_EQ(0, vp_truncate(other, self->bytes));
	ASSERT_EQ(0, vp_task_policy(MPOL_DEFAULT, 0));
	/* Node 0 has memory, but the policy does not allow it. */
	EXPECT_EQ(SIGBUS, vp_touch(self->addr, true));
	EXPECT_EQ(0, node_used(0));
	ASSERT_EQ(0, vp_truncate(other, self->bytes - self->page));
	EXPECT_EQ(0, vp_touch(self->addr, true));
	EXPECT_EQ(1, vp_node_of(self->addr));
	close(other);
}

TEST_F(hole_numa, mbind_moves_untouched_pages)
{
	ASSERT_EQ(0, vp_truncate(self->fd, self->bytes));
	EXPECT_EQ(self->bytes, node_used(0));
	/* A write reaches one page. */
	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	ASSERT_EQ(0, vp_mapping_policy(self->addr, self->bytes, MPOL_BIND,
				       1 << 1));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/node0/used_bytes", self->page));
	EXPECT_EQ(self->bytes - self->page, node_used(1));
	EXPECT_TRUE(vp_is_filled(self->addr, self->page, 1));
	EXPECT_TRUE(vp_is_zero(self->addr + self->page,
			       self->bytes - self->page));
	EXPECT_EQ(self->bytes, used());
}

TEST_F(hole_numa, mbind_without_enough_memory)
{
	int other = vp_open_file(POOL);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, vp_truncate(self->fd, self->bytes));
	ASSERT_EQ(0, vp_truncate(other, self->bytes));
	EXPECT_EQ(self->bytes, node_used(1));
	EXPECT_EQ(-ENOMEM, vp_mapping_policy(self->addr, self->bytes, MPOL_BIND,
					     1 << 1));
	EXPECT_TRUE(vp_reason_has(self->fd, "node 1, which the memory policy"));
	EXPECT_TRUE(vp_is_zero(self->addr, self->bytes));
	EXPECT_EQ(2 * self->bytes, used());
	close(other);
}

/* Memory errors. Each test costs the machine the page that it poisons. */

FIXTURE(hole_poison)
{
	int ctl;
	int fd;
	__u64 page;
	__u64 bytes;
	__u64 bad;
	char *addr;
};

FIXTURE_VARIANT(hole_poison)
{
	bool huge;
};

FIXTURE_VARIANT_ADD(hole_poison, huge)
{
	.huge = true,
};

FIXTURE_VARIANT_ADD(hole_poison, base)
{
};

/* A file that fills half of its pool, with a poisoned base page at @bad. */
FIXTURE_SETUP(hole_poison)
{
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	self->page = vp_page_size(variant->huge);
	self->bytes = 4 * self->page;
	self->bad = 2 * self->page - BASE;
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 2 * self->bytes, self->page,
			       NULL));
	self->fd = vp_open_file(POOL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vp_truncate(self->fd, self->bytes));
	self->addr = vp_map(self->fd, self->bytes, 0);
	ASSERT_NE(MAP_FAILED, self->addr);
	vp_fill(self->addr, self->bytes, 1);
	ASSERT_EQ(0, vp_poison(vp_pfn(self->addr + self->bad)));
}

FIXTURE_TEARDOWN(hole_poison)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

TEST_F(hole_poison, accesses_fail)
{
	char *at = self->addr + self->bad, *where = NULL, byte;
	ssize_t len;

	EXPECT_EQ(BUS_MCEERR_AR, vp_bus_code(at + 8, &where));
	EXPECT_EQ(at, where - (uintptr_t)where % BASE);
	EXPECT_EQ(-EIO, vp_pread(self->fd, &byte, 1, self->bad));
	EXPECT_EQ(-EIO, vp_pread(self->fd, &byte, 1, self->bad + BASE - 1));
	EXPECT_EQ(-EIO, vp_pwrite(self->fd, &byte, 1, self->bad + 5));
	/* A read that reaches the page ends before it. */
	len = vp_pread(self->fd, self->addr + 3 * self->page, 2 * BASE,
		       self->bad - BASE);
	EXPECT_EQ(BASE, len);
	/* The other pages are intact. */
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	EXPECT_EQ(0, vp_bus_code(self->addr + 2 * self->page, NULL));
	EXPECT_EQ(0, vp_file_fill(self->fd, 0, self->page, 2));
	EXPECT_TRUE(vp_is_filled(self->addr, self->page, 2));
	EXPECT_EQ(self->bytes, used());
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
}

/* A punch sets the page aside, and the hole gets a good one. */
TEST_F(hole_poison, punch_replaces_the_page)
{
	ASSERT_EQ(0, vp_punch(self->fd, self->page, self->page));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes", self->page));
	EXPECT_EQ(self->bytes - self->page, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, self->page, self->page));
	EXPECT_EQ(0, vp_bus_code(self->addr + self->bad, NULL));
	EXPECT_TRUE(vp_is_zero(self->addr + self->page, self->page));
	vp_fill(self->addr, self->bytes, 3);
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->bytes, 3));
	EXPECT_EQ(self->bytes, used());
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	/* The pool has one page less. */
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, 2 * self->bytes));
	EXPECT_EQ(0, vp_truncate(self->fd, 2 * self->bytes - self->page));
}

TEST_F(hole_poison, truncation_sets_it_aside)
{
	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes", self->page));
	EXPECT_EQ(self->page, used());
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	close(self->fd);
	munmap(self->addr, self->bytes);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_EQ(self->page, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
}

/* Zeroing a part of the page must not touch the poisoned memory. */
TEST_F(hole_poison, punch_of_a_part)
{
	if (self->page == BASE)
		SKIP(return, "a base page has no parts to punch");
	EXPECT_EQ(0, vp_punch(self->fd, self->page, BASE));
	EXPECT_TRUE(vp_file_is_zero(self->fd, self->page, BASE));
	EXPECT_EQ(BUS_MCEERR_AR, vp_bus_code(self->addr + self->bad, NULL));
	EXPECT_EQ(self->bytes, used());
}

TEST_HARNESS_MAIN
