// SPDX-License-Identifier: GPL-2.0
/*
 * VPOOL_COMMIT_POPULATE: a mapping of the region has complete page tables, so that
 * no touch faults.
 */
#include <linux/vpool.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"

#define POOL "populate-pool"

FIXTURE(populate)
{
	int ctl;
	int fd;
	__u64 page;
	__u64 bytes;
	__u64 mapping;
};

FIXTURE_VARIANT(populate)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(populate, huge)
{
	.huge = true,
	.pages = 8,
};

FIXTURE_VARIANT_ADD(populate, base)
{
	.pages = 512,
};

FIXTURE_SETUP(populate)
{
	self->page = vp_page_size(variant->huge);
	self->bytes = self->page * variant->pages;
	self->mapping = vp_mapping_size() < self->page ? vp_mapping_size() :
			self->page;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->bytes, self->page,
			       NULL));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(populate)
{
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static int commit(int fd, __u64 bytes, __u32 flags)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd), .flags = flags, .bytes = bytes,
	};

	return vp_ioctl(fd, VPOOL_COMMIT, &cmd);
}

/* Number of the pool's pages that have been mapped, in one fault or in several. */
static __u64 mapped_pages(__u64 page)
{
	return page == BASE ? vp_sysfs_u64(POOL, "stat/faults_base") :
			      vp_mapped_huge(POOL);
}

static void touch_all(char *addr, __u64 bytes)
{
	__u64 i;

	for (i = 0; i < bytes; i += BASE)
		__atomic_add_fetch(addr + i, 1, __ATOMIC_RELAXED);
}

static bool is_resident(char *addr, __u64 bytes)
{
	__u64 rss = 0;

	return !vp_smaps(addr, "Rss", &rss) && rss == bytes;
}

TEST_F(populate, no_touch_faults)
{
	__u64 mapped;
	char *addr;

	ASSERT_EQ(0, commit(self->fd, self->bytes, VPOOL_COMMIT_POPULATE));
	addr = vp_map(self->fd, self->bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(is_resident(addr, self->bytes));
	mapped = mapped_pages(self->mapping);
	EXPECT_EQ(self->bytes / self->mapping, mapped);
	touch_all(addr, self->bytes);
	EXPECT_EQ(mapped, mapped_pages(self->mapping));
	munmap(addr, self->bytes);
}

/*
 * Mappings at any address and offset, of any length. Where no huge page fits, base
 * pages are mapped.
 */
TEST_F(populate, any_address_and_length)
{
	const struct {
		__u64 shift, bytes, offset;
	} row[] = {
		{ 0, BASE, 0 },
		{ 0, HUGE_SIZE / 2 + BASE, BASE },
		{ BASE, self->bytes, 0 },
		{ 0, self->bytes - BASE, BASE },
		{ 5 * BASE, self->bytes - 3 * BASE, 3 * BASE },
		{ 0, self->bytes - 7 * BASE, 0 },
	};
	__u64 before, bytes;
	char *room, *addr;
	int i;

	ASSERT_EQ(0, commit(self->fd, self->bytes, VPOOL_COMMIT_POPULATE));
	room = mmap(NULL, self->bytes + 4 * HUGE_SIZE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	room += HUGE_SIZE - (uintptr_t)room % HUGE_SIZE;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		bytes = row[i].bytes;
		if (bytes > self->bytes - row[i].offset)
			bytes = self->bytes - row[i].offset;
		addr = mmap(room + row[i].shift, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, self->fd, row[i].offset);
		ASSERT_NE(MAP_FAILED, addr);
		EXPECT_TRUE(is_resident(addr, bytes)) TH_LOG("row %d", i);
		before = vp_sysfs_u64(POOL, "stat/faults_huge") +
			 vp_sysfs_u64(POOL, "stat/faults_base");
		touch_all(addr, bytes);
		EXPECT_EQ(before, vp_sysfs_u64(POOL, "stat/faults_huge") +
				  vp_sysfs_u64(POOL, "stat/faults_base"))
			TH_LOG("row %d", i);
		ASSERT_EQ(0, munmap(addr, bytes));
	}
}

/* Return the number of pages that NUMA balancing has marked since boot. */
static __u64 marked_pages(void)
{
	char text[32768], *at;

	if (vp_read_file("/proc/vmstat", text, sizeof(text)))
		return VP_NONE;
	at = strstr(text, "numa_pte_updates ");
	return at ? strtoull(at + strlen("numa_pte_updates "), NULL, 10) :
		VP_NONE;
}

/*
 * Touch the memory repeatedly. Return the number of pages marked in that time,
 * including a few pages of the program.
 */
static __u64 marked_while_touching(char *addr, __u64 bytes)
{
	__u64 before = marked_pages(), end = vp_now_ms() + 1500;

	while (vp_now_ms() < end)
		touch_all(addr, bytes);
	return marked_pages() - before;
}

/*
 * NUMA balancing cannot migrate pool memory, so it must not mark it to find its users.
 */
TEST_F(populate, numa_balancing_does_not_mark_it)
{
	static const char * const pace[] = { "scan_delay_ms", "scan_period_min_ms" };
	char path[128], *addr, *other;
	__u64 marked;
	int i;

	if (!vp_has_node(1) || marked_pages() == VP_NONE ||
	    vp_write_file("/proc/sys/kernel/numa_balancing", "1"))
		SKIP(return, "no NUMA balancing here");
	for (i = 0; i < ARRAY_SIZE(pace); i++) {
		snprintf(path, sizeof(path),
			 "/sys/kernel/debug/sched/numa_balancing/%s", pace[i]);
		if (vp_write_file(path, "20"))
			SKIP(return, "cannot set the speed of NUMA balancing");
	}
	ASSERT_EQ(0, commit(self->fd, self->bytes, VPOOL_COMMIT_POPULATE));
	addr = vp_map(self->fd, self->bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	other = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, other);
	marked = marked_while_touching(other, self->bytes);
	munmap(other, self->bytes);
	if (marked < self->bytes / BASE)
		SKIP(return, "NUMA balancing is too slow here: %llu pages",
		     marked);
	marked = marked_while_touching(addr, self->bytes);
	TH_LOG("%llu pages marked", marked);
	EXPECT_GT(self->bytes / BASE, marked);
	munmap(addr, self->bytes);
}

/* Each mapping is populated, and only the range that was mapped. */
TEST_F(populate, each_mapping_is_populated)
{
	__u64 part = self->bytes / 2;
	char *one, *two;

	ASSERT_EQ(0, commit(self->fd, self->bytes, VPOOL_COMMIT_POPULATE));
	one = vp_map(self->fd, part, 0);
	two = vp_map(self->fd, part, part);
	ASSERT_NE(MAP_FAILED, one);
	ASSERT_NE(MAP_FAILED, two);
	EXPECT_TRUE(is_resident(one, part) || one + part == two ||
		    two + part == one);
	EXPECT_EQ(self->bytes / self->mapping, mapped_pages(self->mapping));
	munmap(one, part);
	munmap(two, part);
}

TEST_F(populate, read_only_mapping)
{
	char *addr;

	ASSERT_EQ(0, commit(self->fd, self->bytes, VPOOL_COMMIT_POPULATE));
	addr = mmap(NULL, self->bytes, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(is_resident(addr, self->bytes));
	munmap(addr, self->bytes);
}

/* A mapping without access is not populated. */
TEST_F(populate, prot_none_is_not_populated)
{
	char *addr;

	ASSERT_EQ(0, commit(self->fd, self->bytes, VPOOL_COMMIT_POPULATE));
	addr = mmap(NULL, self->bytes, PROT_NONE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(0, mapped_pages(self->mapping));
	munmap(addr, self->bytes);
}

TEST_F(populate, needs_the_flag)
{
	char *addr;

	ASSERT_EQ(0, commit(self->fd, self->bytes, 0));
	addr = vp_map(self->fd, self->bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(0, mapped_pages(self->mapping));
	munmap(addr, self->bytes);
}

TEST_HARNESS_MAIN
