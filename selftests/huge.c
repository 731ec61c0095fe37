// SPDX-License-Identifier: GPL-2.0
/*
 * Huge faults: one fault maps a huge page without a page table, and its neighbours. The
 * kernel must be able to unmap, protect, move and split such entries, and to keep them
 * apart from poisoned memory.
 */
#include <fcntl.h>
#include <linux/vpool.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "huge-pool"
#define PAGES 8

FIXTURE(huge)
{
	int ctl;
	int fd;
	__u64 bytes;
	char *addr;
	char around[32];
};

/* Map a region whose memory is zeroed and not touched. */
FIXTURE_SETUP(huge)
{
	self->addr = MAP_FAILED;
	self->fd = -1;
	self->bytes = PAGES * HUGE_SIZE;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	if (!vp_has_fault_around())
		SKIP(return, "the module inserts no huge entries on this kernel");
	ASSERT_EQ(0, vp_read_file(VP_FAULT_AROUND, self->around,
				  sizeof(self->around)));
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->bytes, 0, NULL));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vp_commit(self->fd, &self->bytes));
	/* One table of PMD entries has all of the mapping. */
	self->addr = mmap((void *)(1UL << 44), self->bytes,
			  PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_EQ((void *)(1UL << 44), self->addr);
}

FIXTURE_TEARDOWN(huge)
{
	if (self->addr != MAP_FAILED)
		munmap(self->addr, self->bytes);
	if (self->fd >= 0) {
		close(self->fd);
		vp_write_file(VP_FAULT_AROUND, self->around);
		vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	}
	close(self->ctl);
}

static __u64 mapped(const char *addr, const char *field)
{
	__u64 bytes = 0;

	return vp_smaps(addr, field, &bytes) ? VP_NONE : bytes;
}

TEST_F(huge, one_fault_maps_the_neighbours)
{
	ASSERT_EQ(0, vp_touch(self->addr + 3 * HUGE_SIZE, true));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/faults_huge"));
	EXPECT_EQ(PAGES - 1, vp_sysfs_u64(POOL, "stat/mapped_around"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "stat/faults_base"));
	EXPECT_EQ(self->bytes, mapped(self->addr, "Rss"));
	EXPECT_EQ(self->bytes, mapped(self->addr, "FilePmdMapped"));
	vp_fill(self->addr, self->bytes, 1);
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/faults_huge"));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 1));
}

TEST_F(huge, the_parameter_limits_them)
{
	ASSERT_EQ(0, vp_write_file(VP_FAULT_AROUND, "1"));
	ASSERT_EQ(0, vp_touch(self->addr, false));
	EXPECT_EQ(HUGE_SIZE, mapped(self->addr, "Rss"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "stat/mapped_around"));
	/* Windows of two pages. */
	ASSERT_EQ(0, vp_write_file(VP_FAULT_AROUND, "2"));
	ASSERT_EQ(0, vp_touch(self->addr + 5 * HUGE_SIZE, true));
	EXPECT_EQ(3 * HUGE_SIZE, mapped(self->addr, "Rss"));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/mapped_around"));
	ASSERT_EQ(0, vp_touch(self->addr + 4 * HUGE_SIZE, true));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "stat/faults_huge"));
	/* An entry that exists is left alone. */
	ASSERT_EQ(0, vp_touch(self->addr + HUGE_SIZE, true));
	EXPECT_EQ(4 * HUGE_SIZE, mapped(self->addr, "FilePmdMapped"));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/mapped_around"));
}

TEST_F(huge, the_parameter_has_bounds)
{
	char text[32];

	EXPECT_GT(0, vp_write_file(VP_FAULT_AROUND, "0"));
	EXPECT_GT(0, vp_write_file(VP_FAULT_AROUND, "1000000"));
	EXPECT_GT(0, vp_write_file(VP_FAULT_AROUND, "-1"));
	EXPECT_GT(0, vp_write_file(VP_FAULT_AROUND, "many"));
	EXPECT_EQ(0, vp_read_file(VP_FAULT_AROUND, text, sizeof(text)));
	EXPECT_STREQ(self->around, text);
}

/* A mapping ends in the middle of a huge page, and starts behind the first one. */
TEST_F(huge, only_the_mapping_is_mapped)
{
	char *addr;

	ASSERT_EQ(0, munmap(self->addr, HUGE_SIZE));
	ASSERT_EQ(0, munmap(self->addr + 6 * HUGE_SIZE - BASE,
			    2 * HUGE_SIZE + BASE));
	addr = self->addr + HUGE_SIZE;
	ASSERT_EQ(0, vp_touch(addr + HUGE_SIZE, true));
	EXPECT_EQ(4 * HUGE_SIZE, mapped(addr, "Rss"));
	/* The last, partial one is mapped by base pages. */
	ASSERT_EQ(0, vp_touch(addr + 4 * HUGE_SIZE, true));
	EXPECT_EQ(4 * HUGE_SIZE + BASE, mapped(addr, "Rss"));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/faults_base"));
	EXPECT_NE(0, vp_touch(addr + 5 * HUGE_SIZE - BASE, false));
}

TEST_F(huge, munmap_in_the_middle)
{
	__u64 at = 2 * HUGE_SIZE + 5 * BASE;

	vp_fill(self->addr, self->bytes, 1);
	ASSERT_EQ(0, munmap(self->addr + at, BASE));
	EXPECT_NE(0, vp_touch(self->addr + at, false));
	ASSERT_EQ(self->addr + at,
		  mmap(self->addr + at, BASE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, self->fd, at));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 1));
}

TEST_F(huge, mprotect_in_the_middle)
{
	__u64 at = 2 * HUGE_SIZE + 5 * BASE;

	vp_fill(self->addr, self->bytes, 1);
	ASSERT_EQ(0, mprotect(self->addr + at, BASE, PROT_READ));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 1));
	EXPECT_NE(0, vp_touch(self->addr + at, true));
	EXPECT_EQ(0, vp_touch(self->addr + at + BASE, true));
	ASSERT_EQ(0, mprotect(self->addr + at, BASE, PROT_READ | PROT_WRITE));
	vp_fill(self->addr, self->bytes, 2);
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 2));
}

/* A write finds the entry read-only, which the kernel offers to the module. */
TEST_F(huge, writable_again)
{
	vp_fill(self->addr, self->bytes, 1);
	ASSERT_EQ(0, mprotect(self->addr, self->bytes, PROT_READ));
	EXPECT_NE(0, vp_touch(self->addr, true));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 1));
	ASSERT_EQ(0, mprotect(self->addr, self->bytes, PROT_READ | PROT_WRITE));
	vp_fill(self->addr, self->bytes, 2);
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 2));
	EXPECT_EQ(self->bytes, mapped(self->addr, "FilePmdMapped"));
}

TEST_F(huge, mremap)
{
	char *to = self->addr + 64 * HUGE_SIZE, *moved;

	vp_fill(self->addr, self->bytes, 1);
	moved = mremap(self->addr, self->bytes, self->bytes,
		       MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, moved);
	self->addr = moved;
	EXPECT_EQ(self->bytes, mapped(moved, "FilePmdMapped"));
	EXPECT_TRUE(vp_is_filled(moved, self->bytes, 1));
	/* Where no huge entry fits. */
	moved = mremap(moved, self->bytes, self->bytes,
		       MREMAP_MAYMOVE | MREMAP_FIXED, to + 64 * HUGE_SIZE + BASE);
	ASSERT_NE(MAP_FAILED, moved);
	self->addr = moved;
	EXPECT_TRUE(vp_is_filled(moved, self->bytes, 1));
}

TEST_F(huge, madvise_no_huge_page)
{
	ASSERT_EQ(0, madvise(self->addr, self->bytes, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, vp_touch(self->addr, true));
	EXPECT_EQ(BASE, mapped(self->addr, "Rss"));
	EXPECT_EQ(0, vp_mapped_huge(POOL));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/faults_base"));
}

static int touch_in_child(void *arg)
{
	char *addr = arg;

	return vp_is_filled(addr, PAGES * HUGE_SIZE, 1) ? 0 : 1;
}

TEST_F(huge, fork)
{
	vp_fill(self->addr, self->bytes, 1);
	EXPECT_EQ(0, vp_in_child(touch_in_child, self->addr));
	EXPECT_EQ(self->bytes, mapped(self->addr, "FilePmdMapped"));
	EXPECT_TRUE(vp_is_filled(self->addr, self->bytes, 1));
}

/* Neighbours do not count as resident, however often they are mapped. */
TEST_F(huge, resident_size)
{
	__u64 before = vp_resident();
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, vp_touch(self->addr + i * HUGE_SIZE, true));
		EXPECT_GT(before + HUGE_SIZE, vp_resident());
		ASSERT_EQ(0, munmap(self->addr, self->bytes));
		EXPECT_GT(before + HUGE_SIZE, vp_resident());
		EXPECT_LT(before / 2, vp_resident());
		ASSERT_EQ(self->addr,
			  mmap(self->addr, self->bytes, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, self->fd, 0));
	}
}

/* Memory that mmap(2) has taken is not zeroed yet: only its own fault may map it. */
TEST_F(huge, memory_that_is_not_zeroed)
{
	char *addr;
	int fd;

	vp_fill(self->addr, self->bytes, 7);
	ASSERT_EQ(0, munmap(self->addr, self->bytes));
	self->addr = MAP_FAILED;
	close(self->fd);
	addr = vp_open_map(POOL, self->bytes, &fd);
	self->fd = fd;
	ASSERT_NE(MAP_FAILED, addr);
	self->addr = addr;
	ASSERT_EQ(0, vp_touch(addr + HUGE_SIZE, true));
	EXPECT_TRUE(vp_is_zero(addr, HUGE_SIZE));
	EXPECT_TRUE(vp_is_zero(addr + 2 * HUGE_SIZE, 6 * HUGE_SIZE));
}

/* The rest of a folio with a poisoned page is mapped by base pages, and no more. */
TEST_F(huge, poisoned_neighbour)
{
	char *bad = self->addr + 2 * HUGE_SIZE + BASE;

	vp_fill(self->addr, self->bytes, 1);
	if (madvise(bad, BASE, MADV_HWPOISON))
		SKIP(return, "this kernel has no MADV_HWPOISON");
	ASSERT_EQ(0, munmap(self->addr, self->bytes));
	ASSERT_EQ(self->addr, mmap(self->addr, self->bytes, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, self->fd, 0));
	ASSERT_EQ(0, vp_touch(self->addr, true));
	EXPECT_EQ(self->bytes - HUGE_SIZE, mapped(self->addr, "FilePmdMapped"));
	EXPECT_NE(0, vp_touch(bad, false));
	EXPECT_EQ(0, vp_touch(bad + BASE, false));
	EXPECT_EQ(self->bytes - HUGE_SIZE + BASE, mapped(self->addr, "Rss"));
}

struct race {
	char *addr;
	__u64 bytes;
	__u64 until;
};

static void *touch_all(void *arg)
{
	struct race *race = arg;
	unsigned int seed = (uintptr_t)&seed;

	while (vp_now_ms() < race->until)
		__atomic_add_fetch(race->addr +
				   rand_r(&seed) % PAGES * HUGE_SIZE, 1,
				   __ATOMIC_RELAXED);
	return NULL;
}

static void *drop_all(void *arg)
{
	struct race *race = arg;
	unsigned int seed = (uintptr_t)&seed;

	while (vp_now_ms() < race->until) {
		char *at = race->addr + rand_r(&seed) % PAGES * HUGE_SIZE;

		madvise(at, HUGE_SIZE, MADV_DONTNEED);
		mprotect(at + BASE, BASE, PROT_READ);
		mprotect(at, HUGE_SIZE, PROT_READ | PROT_WRITE);
		madvise(race->addr, race->bytes, MADV_DONTNEED);
	}
	return NULL;
}

/* Faults of several threads fill, and other calls empty, the same entries. */
static int race_with_faults(void *arg)
{
	struct race *race = arg;
	pthread_t thread[4];
	int i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&thread[i], NULL, i ? touch_all : drop_all,
				   race))
			return 1;
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

TEST_F(huge, faults_race_with_unmapping)
{
	struct race race = {
		.addr = self->addr, .bytes = self->bytes,
		.until = vp_now_ms() + 2000,
	};

	EXPECT_EQ(0, vp_in_child(race_with_faults, &race));
	EXPECT_EQ(0, vp_in_child(race_with_faults, &race));
}

/* The last accesses fail with SIGBUS, which ends the child. */
TEST_F(huge, faults_race_with_a_revoke)
{
	struct race race = { .addr = self->addr, .bytes = self->bytes };
	pid_t pid;
	int status;

	race.until = vp_now_ms() + 60000;
	pid = fork();
	if (!pid)
		_exit(race_with_faults(&race));
	vp_sleep_ms(300);
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	EXPECT_NE(0, vp_touch(self->addr, true));
}

TEST_HARNESS_MAIN
