// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: each open gets a private region, setting its size commits its memory, and no
 * region shows bytes of another region or of an earlier use.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <linux/vpool.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/share.h"
#include "lib/task.h"

#define POOL "region-pool"
#define PAGES 8
#define SECRET 0x5ec2e7

FIXTURE(region)
{
	int ctl;
	int fd;
	__u64 page;
	__u64 pool;
};

FIXTURE_VARIANT(region)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(region, huge)
{
	.huge = true,
	.pages = PAGES,
};

FIXTURE_VARIANT_ADD(region, base)
{
	.pages = 256,
};

FIXTURE_SETUP(region)
{
	self->page = vp_page_size(variant->huge);
	self->pool = self->page * variant->pages;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page,
			       NULL));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(region)
{
	if (vp_exists(POOL))
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

/* State that a test shares with its child. */
struct shared {
	char *addr;
	__u64 bytes;
	int socket;
	int fd;
};

/* Size and commitment. */

TEST_F(region, commit_sets_the_size)
{
	__u64 bytes = self->page + 1;

	EXPECT_EQ(0, vp_commit(self->fd, &bytes));
	EXPECT_EQ(2 * self->page, bytes);
	EXPECT_EQ(2 * self->page, lseek(self->fd, 0, SEEK_END));
	/* Committed memory counts as used before it is touched. */
	EXPECT_EQ(2 * self->page, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

TEST_F(region, size_cannot_change)
{
	__u64 bytes = self->page;

	EXPECT_EQ(0, vp_commit(self->fd, &bytes));
	bytes = 2 * self->page;
	EXPECT_EQ(-EBUSY, vp_commit(self->fd, &bytes));
	EXPECT_TRUE(vp_reason_has(self->fd, "size"));
	EXPECT_EQ(self->page, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(self->page, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_NE(0, ftruncate(self->fd, 2 * self->page));
}

TEST_F(region, first_mmap_sets_the_size)
{
	char *addr = vp_map(self->fd, self->page, 2 * self->page);
	__u64 bytes = self->page;

	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(3 * self->page, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(3 * self->page, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(-EBUSY, vp_commit(self->fd, &bytes));
	EXPECT_EQ(0, vp_touch(addr, true));
}

TEST_F(region, first_mmap_is_rounded_up)
{
	char *addr = vp_map(self->fd, BASE, 0);

	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(self->page, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, vp_touch(addr + BASE - 1, true));
}

TEST_F(region, seek_end_is_free_bytes_before)
{
	int second = vp_open(POOL);
	__u64 bytes = self->page;

	EXPECT_EQ(self->pool, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, vp_commit(second, &bytes));
	EXPECT_EQ(self->pool - self->page, lseek(self->fd, 0, SEEK_END));
	close(second);
}

TEST_F(region, invalid_sizes)
{
	static const __u64 bad[] = { 0, ~0ULL, 1ULL << 63 };
	__u64 bytes;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bytes = bad[i];
		EXPECT_EQ(-EINVAL, vp_commit(self->fd, &bytes));
		EXPECT_TRUE(vp_reason_has(self->fd, "size"));
	}
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

TEST_F(region, all_or_nothing)
{
	__u64 bytes[] = { self->pool + 1, self->pool * 2, 1ULL << 40,
			  1ULL << 61 };
	__u64 one = self->page, all = self->pool;
	int second = vp_open(POOL), i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		EXPECT_EQ(-ENOMEM, vp_commit(self->fd, &bytes[i]));
		EXPECT_TRUE(vp_reason_has(self->fd, POOL));
		EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	}
	EXPECT_EQ(MAP_FAILED, vp_map(self->fd, self->pool + BASE, 0));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(self->pool, lseek(self->fd, 0, SEEK_END));

	EXPECT_EQ(0, vp_commit(self->fd, &all));
	EXPECT_EQ(-ENOMEM, vp_commit(second, &one));
	close(second);
}

/* Mapping. */

TEST_F(region, private_mapping_is_refused)
{
	void *addr = mmap(NULL, self->page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE, self->fd, 0);

	EXPECT_EQ(MAP_FAILED, addr);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(vp_reason_has(self->fd, "MAP_PRIVATE"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

TEST_F(region, mapping_past_the_size_is_refused)
{
	__u64 size = 2 * self->page;
	const struct {
		__u64 bytes, offset;
	} row[] = {
		{ 3 * self->page, 0 },
		{ size + BASE, 0 },
		{ self->page, size },
		{ 2 * self->page, self->page },
		{ BASE, 1ULL << 40 },
	};
	int i;

	ASSERT_EQ(0, vp_commit(self->fd, &size));
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		EXPECT_EQ(MAP_FAILED,
			  vp_map(self->fd, row[i].bytes, row[i].offset));
		EXPECT_EQ(ENXIO, errno) TH_LOG("row %d", i);
		EXPECT_TRUE(vp_reason_has(self->fd, "mapping"));
	}
	EXPECT_EQ(size, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

TEST_F(region, mappings_at_any_offset_share_memory)
{
	__u64 size = 2 * self->page, at;
	char *whole, *part;

	whole = vp_map(self->fd, size, 0);
	ASSERT_NE(MAP_FAILED, whole);
	vp_fill(whole, size, 1);
	for (at = 0; at < size; at += self->page / 4 / BASE * BASE ?: BASE) {
		part = vp_map(self->fd, BASE, at);
		ASSERT_NE(MAP_FAILED, part);
		EXPECT_EQ(0, memcmp(part, whole + at, BASE));
		munmap(part, BASE);
	}
}

TEST_F(region, read_only_descriptor)
{
	int fd = vp_open_flags(POOL, O_RDONLY);
	char *addr;

	EXPECT_EQ(MAP_FAILED, vp_map(fd, self->page, 0));
	EXPECT_EQ(EACCES, errno);
	addr = mmap(NULL, self->page, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_zero(addr, self->page));
	EXPECT_NE(0, mprotect(addr, self->page, PROT_READ | PROT_WRITE));
	munmap(addr, self->page);
	close(fd);
}

TEST_F(region, pages_are_of_the_pools_size)
{
	__u64 huge = VP_NONE, bytes = 4 * self->page;
	__u64 want = self->page <= vp_mapping_size() && self->page > BASE ?
		     bytes : 0;
	char *addr = vp_map(self->fd, bytes, 0);
	int err = 0, i;

	ASSERT_NE(MAP_FAILED, addr);
	/* Linux 6.1 does not count a huge page that NUMA balancing has marked. */
	for (i = 0; i < 20 && !err && huge != want; i++) {
		vp_fill(addr, bytes, 1);
		err = vp_smaps(addr, "FilePmdMapped", &huge);
	}
	if (err)
		SKIP(return, "no FilePmdMapped in smaps: %s", strerror(-err));
	EXPECT_EQ(want, huge);
	EXPECT_EQ(0, vp_smaps(addr, "Rss", &huge));
	EXPECT_EQ(bytes, huge);
}

/* Unmap a hole, and check the remaining parts of the huge pages around it. */
TEST_F(region, partial_munmap)
{
	__u64 bytes = self->pool / 4, hole = bytes / 4;
	char *addr = vp_map(self->fd, bytes, 0), *again;

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, bytes, 1);
	ASSERT_EQ(0, munmap(addr + hole, BASE));
	again = vp_map(self->fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, again);
	EXPECT_TRUE(vp_is_filled(again, bytes, 1));
	EXPECT_EQ(0, memcmp(addr, again, hole));
	EXPECT_EQ(0, memcmp(addr + hole + BASE, again + hole + BASE,
			    bytes - hole - BASE));
	EXPECT_EQ(SIGSEGV, vp_touch(addr + hole, false));
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

TEST_F(region, mprotect_of_a_part)
{
	__u64 bytes = 2 * self->page;
	char *addr = vp_map(self->fd, bytes, 0), *part;

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, bytes, 1);
	part = addr + bytes / 2 / BASE * BASE;
	ASSERT_EQ(0, mprotect(part, BASE, PROT_READ));
	EXPECT_EQ(0, vp_touch(part, false));
	EXPECT_EQ(SIGSEGV, vp_touch(part, true));
	EXPECT_EQ(0, vp_touch(addr, true));
	ASSERT_EQ(0, mprotect(part, BASE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, vp_touch(part, true));
	EXPECT_TRUE(vp_is_filled(addr, bytes, 1));
}

TEST_F(region, mremap_moves_and_shrinks)
{
	__u64 bytes = 2 * self->page;
	char *addr = vp_map(self->fd, bytes, 0), *target, *moved;

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, bytes, 1);
	target = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	ASSERT_NE(MAP_FAILED, target);
	moved = mremap(addr, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		       target);
	ASSERT_EQ(target, moved);
	EXPECT_TRUE(vp_is_filled(moved, bytes, 1));
	EXPECT_EQ(moved, mremap(moved, bytes, self->page, 0));
	EXPECT_TRUE(vp_is_filled(moved, self->page, 1));
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

/*
 * As with a memfd, a mapping may extend past the region's end, where it has no
 * memory.
 */
TEST_F(region, mremap_grows)
{
	__u64 bytes = 4 * self->page;
	char *whole = vp_map(self->fd, bytes, 0), *part;

	ASSERT_NE(MAP_FAILED, whole);
	vp_fill(whole, bytes, 1);
	part = vp_map(self->fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, part);
	part = mremap(part, self->page, bytes, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, part);
	EXPECT_TRUE(vp_is_filled(part, bytes, 1));
	part = mremap(part, bytes, bytes + self->page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, part);
	EXPECT_TRUE(vp_is_filled(part, bytes, 1));
	EXPECT_EQ(SIGBUS, vp_touch(part + bytes, false));
	EXPECT_EQ(SIGBUS, vp_touch(part + bytes + self->page - 1, true));
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

TEST_F(region, mremap_without_unmapping)
{
	__u64 bytes = 2 * self->page;
	char *addr = vp_map(self->fd, bytes, 0), *copy;

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, bytes, 1);
	copy = mremap(addr, 0, bytes, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, copy);
	EXPECT_TRUE(vp_is_filled(copy, bytes, 1));
	vp_fill(copy, bytes, 2);
	EXPECT_TRUE(vp_is_filled(addr, bytes, 2));
	munmap(copy, bytes);
	copy = mremap(addr, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	ASSERT_NE(MAP_FAILED, copy);
	EXPECT_TRUE(vp_is_filled(copy, bytes, 2));
	EXPECT_TRUE(vp_is_filled(addr, bytes, 2));
}

static bool has_flag(const void *addr, const char *flag)
{
	char line[512];
	bool here = false, has = false;
	unsigned long start, end;
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)addr &&
			       (uintptr_t)addr < end;
		if (here && !strncmp(line, "VmFlags:", 8))
			has = strstr(line, flag);
	}
	if (file)
		fclose(file);
	return has;
}

#ifndef STATX_ATTR_DAX
#define STATX_ATTR_DAX 0x00200000
#endif

/* True if the kernel takes a region for memory of a DAX device. */
static bool is_dax(int fd)
{
	struct statx stx = {};

	return !statx(fd, "", AT_EMPTY_PATH, 0, &stx) &&
	       stx.stx_attributes & STATX_ATTR_DAX;
}

/*
 * Unmapping returns locked memory as well. If a region is DAX memory, the kernel populates
 * the mapping and does not mark it, as for hugetlbfs.
 */
TEST_F(region, mlock)
{
	__u64 locked = VP_NONE, bytes = 4 * self->page;
	char *addr = vp_map(self->fd, bytes, 0);

	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, mlock(addr, bytes));
	if (is_dax(self->fd))
		EXPECT_TRUE(vp_has_fault_around());
	EXPECT_EQ(!is_dax(self->fd), has_flag(addr, " lo"));
	EXPECT_EQ(0, vp_smaps(addr, "Locked", &locked));
	EXPECT_EQ(is_dax(self->fd) ? 0 : bytes, locked);
	EXPECT_EQ(0, vp_smaps(addr, "Rss", &locked));
	EXPECT_EQ(bytes, locked);
	ASSERT_EQ(0, munlock(addr, bytes / 2));
	munmap(addr, bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	self->fd = -1;
}

TEST_F(region, core_dump_flags)
{
	char *addr = vp_map(self->fd, self->page, 0);

	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(0, madvise(addr, self->page, MADV_DONTDUMP));
	EXPECT_TRUE(has_flag(addr, " dd"));
	EXPECT_EQ(0, madvise(addr, self->page, MADV_DODUMP));
	EXPECT_FALSE(has_flag(addr, " dd"));
}

#ifndef __NR_mseal
#define __NR_mseal 462
#endif

static bool kernel_is_before(int major, int minor)
{
	struct utsname name;
	int has_major, has_minor;

	uname(&name);
	return sscanf(name.release, "%d.%d", &has_major, &has_minor) == 2 &&
	       (has_major < major ||
		(has_major == major && has_minor < minor));
}

static int seal(void *arg)
{
	struct shared *shared = arg;
	char *addr = shared->addr;

	if (syscall(__NR_mseal, addr, shared->bytes, 0))
		return errno;
	if (!munmap(addr, shared->bytes) || errno != EPERM)
		return 99;
	return vp_touch(addr, true);
}

TEST_F(region, mseal)
{
	struct shared shared = { .bytes = self->page };
	int err;

	shared.addr = vp_map(self->fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, shared.addr);
	err = vp_in_child(seal, &shared);
	if (err && kernel_is_before(6, 10))
		SKIP(return, "this kernel has no mseal(2)");
	EXPECT_EQ(0, err);
}

/* From Linux 6.7, which may be newer than the installed headers. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC 0x8000
#endif

TEST_F(region, write_tracking)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC,
	};
	struct uffdio_register track = { .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect protect = {
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	char *addr = vp_map(self->fd, 2 * self->page, 0);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	ASSERT_NE(MAP_FAILED, addr);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		SKIP(return, "no userfaultfd with write tracking: %s",
		     strerror(errno));
	vp_fill(addr, 2 * self->page, 1);
	track.range.start = (uintptr_t)addr;
	track.range.len = 2 * self->page;
	ASSERT_EQ(0, ioctl(fd, UFFDIO_REGISTER, &track));
	protect.range = track.range;
	ASSERT_EQ(0, ioctl(fd, UFFDIO_WRITEPROTECT, &protect));
	EXPECT_TRUE(vp_is_filled(addr, 2 * self->page, 1));
	EXPECT_EQ(0, vp_touch(addr, true));
	close(fd);
}

TEST_F(region, madvise_keeps_contents)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_REMOVE, MADV_COLD, MADV_PAGEOUT,
		MADV_NOHUGEPAGE, MADV_HUGEPAGE, MADV_WILLNEED,
	};
	__u64 bytes = 2 * self->page;
	char *addr = vp_map(self->fd, bytes, 0);
	int i;

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, bytes, 1);
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		madvise(addr, bytes, advice[i]);
		EXPECT_TRUE(vp_is_filled(addr, bytes, 1))
			TH_LOG("advice %d", advice[i]);
		/* Advice for a part of a huge page could make the kernel split it. */
		madvise(addr + bytes / 2 - BASE, BASE, advice[i]);
		EXPECT_TRUE(vp_is_filled(addr, bytes, 1))
			TH_LOG("advice %d for a part", advice[i]);
	}
	EXPECT_EQ(0, madvise(addr, bytes, MADV_DONTNEED));
	EXPECT_EQ(0, mlock(addr, bytes));
	EXPECT_EQ(0, munlock(addr, bytes));
}

TEST_F(region, read_and_write_are_refused)
{
	char byte = 1;

	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(-1, write(self->fd, &byte, 1));
}

/* Memory has no backing store: it is always in sync. */
TEST_F(region, sync_calls_succeed)
{
	char *addr = vp_map(self->fd, 2 * self->page, 0);

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, 2 * self->page, 1);
	EXPECT_EQ(0, msync(addr, 2 * self->page, MS_SYNC));
	EXPECT_EQ(0, msync(addr, BASE, MS_ASYNC | MS_INVALIDATE));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
	EXPECT_TRUE(vp_is_filled(addr, 2 * self->page, 1));
}

/* The whole region is data, followed by the implicit hole at the end of every file. */
TEST_F(region, seek_data_and_hole)
{
	__u64 bytes = 3 * self->page;

	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	ASSERT_EQ(0, vp_commit(self->fd, &bytes));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(bytes, lseek(self->fd, 0, SEEK_HOLE));
	EXPECT_EQ(BASE + 1, lseek(self->fd, BASE + 1, SEEK_DATA));
	EXPECT_EQ(bytes, lseek(self->fd, bytes - 1, SEEK_HOLE));
	EXPECT_EQ(-1, lseek(self->fd, bytes, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(self->fd, bytes, SEEK_HOLE));
	EXPECT_EQ(ENXIO, errno);
}

static int map_without_thp(void *arg)
{
	struct shared *shared = arg;
	__u64 huge = 0;
	char *addr;

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	addr = vp_map(shared->fd, shared->bytes, 0);
	if (addr == MAP_FAILED)
		return 1;
	vp_fill(addr, shared->bytes, 1);
	vp_smaps(addr, "FilePmdMapped", &huge);
	if (huge == shared->bytes)
		return 0;
	/*
	 * If the kernel refuses huge mappings in this case, the message and the counter
	 * must show it.
	 */
	if (!vp_reason_has(shared->fd, "PR_SET_THP_DISABLE"))
		return 2;
	return vp_mapped_huge(POOL) ? 3 : 0;
}

TEST_F(region, transparent_huge_pages_off)
{
	struct shared shared = { .fd = self->fd, .bytes = 2 * self->page };

	if (self->page != HUGE_SIZE)
		SKIP(return, "base pages are never mapped huge");
	if (vp_mapping_size() < HUGE_SIZE)
		SKIP(return, "this kernel has no transparent huge pages");
	EXPECT_EQ(0, vp_in_child(map_without_thp, &shared));
}

/* Pools ignore the host's policy for transparent huge pages. */
TEST_F(region, transparent_huge_pages_never)
{
	static const char enabled[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	char before[64], *old;
	__u64 huge = 0;
	char *addr;

	if (self->page != HUGE_SIZE || vp_read_file(enabled, before,
						    sizeof(before)))
		SKIP(return, "no transparent huge pages here");
	ASSERT_EQ(0, vp_write_file(enabled, "never"));
	addr = vp_map(self->fd, 2 * self->page, 0);
	if (addr != MAP_FAILED) {
		vp_fill(addr, 2 * self->page, 1);
		vp_smaps(addr, "FilePmdMapped", &huge);
	}
	old = strchr(before, '[') + 1;
	*strchr(old, ']') = '\0';
	EXPECT_EQ(0, vp_write_file(enabled, old));
	EXPECT_EQ(2 * self->page, huge);
	EXPECT_EQ(2, vp_mapped_huge(POOL));
}

/* Sharing. */

TEST_F(region, two_opens_never_share)
{
	__u64 bytes = self->pool / 2;
	int fd;
	char *a = vp_map(self->fd, bytes, 0);
	char *b = vp_open_map(POOL, bytes, &fd);

	ASSERT_NE(MAP_FAILED, a);
	ASSERT_NE(MAP_FAILED, b);
	vp_fill(a, bytes, 1);
	EXPECT_TRUE(vp_is_zero(b, bytes));
	vp_fill(b, bytes, 2);
	EXPECT_TRUE(vp_is_filled(a, bytes, 1));
	EXPECT_TRUE(vp_is_filled(b, bytes, 2));
	close(fd);
}

TEST_F(region, dup_shares)
{
	int copy = dup(self->fd);
	__u64 bytes = self->page;
	char *a = vp_map(self->fd, bytes, 0), *b = vp_map(copy, bytes, 0);

	ASSERT_NE(MAP_FAILED, a);
	ASSERT_NE(MAP_FAILED, b);
	vp_fill(a, bytes, 1);
	EXPECT_TRUE(vp_is_filled(b, bytes, 1));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "memory/regions"));
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	close(copy);
}

static int fill_in_child(void *arg)
{
	struct shared *shared = arg;

	if (!vp_is_filled(shared->addr, shared->bytes, 1))
		return 1;
	vp_fill(shared->addr, shared->bytes, 2);
	return 0;
}

TEST_F(region, fork_shares)
{
	struct shared shared = { .bytes = 2 * self->page };

	shared.addr = vp_map(self->fd, shared.bytes, 0);
	ASSERT_NE(MAP_FAILED, shared.addr);
	vp_fill(shared.addr, shared.bytes, 1);
	EXPECT_EQ(0, vp_in_child(fill_in_child, &shared));
	EXPECT_TRUE(vp_is_filled(shared.addr, shared.bytes, 2));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "memory/regions"));
}

static int wait_for_futex(void *arg)
{
	struct shared *shared = arg;
	int *word = (int *)shared->addr;

	word[1] = 1;
	return vp_futex(word, FUTEX_WAIT, 0, 20000) ? errno : 0;
}

/* Process-shared futexes in two mappings of one region. */
TEST_F(region, futexes_are_shared)
{
	struct shared shared = { .bytes = 2 * self->page };
	char *addr = vp_map(self->fd, shared.bytes, 0);
	int *word = (int *)(addr + self->page + BASE / 2);
	int i, woken = 0;
	pid_t pid;

	shared.addr = vp_map(self->fd, shared.bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_NE(MAP_FAILED, shared.addr);
	shared.addr += self->page + BASE / 2;
	EXPECT_EQ(-1, vp_futex(word, FUTEX_WAIT, 1, 100));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, vp_futex(word, FUTEX_WAIT, 0, 10));
	EXPECT_EQ(ETIMEDOUT, errno);
	EXPECT_EQ(0, vp_futex(word, FUTEX_WAKE, 1, 0));
	pid = fork();
	if (!pid)
		_exit(wait_for_futex(&shared));
	for (i = 0; i < 10000 && woken != 1; i++) {
		woken = vp_futex(word, FUTEX_WAKE, 1, 0);
		vp_sleep_ms(1);
	}
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, vp_wait_status(pid));
}

static int lock_and_count(void *arg)
{
	struct shared *shared = arg;
	pthread_mutex_t *mutex = (void *)shared->addr;
	int *count = (void *)(shared->addr + sizeof(*mutex)), i;

	for (i = 0; i < 20000; i++) {
		if (pthread_mutex_lock(mutex))
			return 1;
		++*count;
		if (pthread_mutex_unlock(mutex))
			return 1;
	}
	return 0;
}

/* Process-shared mutexes, which programs such as PostgreSQL keep in shared memory. */
TEST_F(region, mutexes_are_shared)
{
	struct shared shared = {
		.addr = vp_map(self->fd, self->page, 0), .bytes = self->page,
	};
	pthread_mutex_t *mutex = (void *)shared.addr;
	pthread_mutexattr_t attr;
	pid_t pid[3];
	int i;

	ASSERT_NE(MAP_FAILED, shared.addr);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	ASSERT_EQ(0, pthread_mutex_init(mutex, &attr));
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(lock_and_count(&shared));
	}
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		EXPECT_EQ(0, vp_wait_status(pid[i]));
	EXPECT_EQ(20000 * i, *(int *)(shared.addr + sizeof(*mutex)));
}

static int map_received(void *arg)
{
	struct shared *shared = arg;
	int fd = vp_receive_fd(shared->socket);

	shared->addr = vp_map(fd, shared->bytes, 0);
	if (shared->addr == MAP_FAILED)
		return 2;
	return fill_in_child(shared);
}

TEST_F(region, scm_rights_shares)
{
	struct shared shared = { .bytes = 2 * self->page };
	char *addr = vp_map(self->fd, shared.bytes, 0);
	int pair[2];

	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	vp_fill(addr, shared.bytes, 1);
	EXPECT_EQ(0, vp_send_fd(pair[0], self->fd));
	shared.socket = pair[1];
	EXPECT_EQ(0, vp_in_child(map_received, &shared));
	EXPECT_TRUE(vp_is_filled(addr, shared.bytes, 2));
}

/* Check whether the path in /proc opens the same region. */
static bool is_same(const char *path, __u64 bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool same = false;
	char *addr;

	if (fd < 0)
		return false;
	addr = vp_map(fd, bytes, 0);
	if (addr != MAP_FAILED) {
		same = vp_is_filled(addr, bytes, 1);
		munmap(addr, bytes);
	}
	same = same && lseek(fd, 0, SEEK_END) == bytes;
	close(fd);
	return same;
}

TEST_F(region, reopen_through_proc)
{
	__u64 bytes = 2 * self->page;
	char path[128], link[64];
	struct stat node, own;
	char *addr;

	addr = vp_map(self->fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, bytes, 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	EXPECT_TRUE(is_same(path, bytes));
	memset(link, 0, sizeof(link));
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("/dev/vpool/" POOL, link);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)addr, (unsigned long)(addr + bytes));
	EXPECT_TRUE(is_same(path, bytes));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "memory/regions"));
	ASSERT_EQ(0, fstat(self->fd, &own));
	ASSERT_EQ(0, stat("/dev/vpool/" POOL, &node));
	EXPECT_EQ(node.st_mode, own.st_mode);
	EXPECT_EQ(node.st_rdev, own.st_rdev);
	EXPECT_EQ(node.st_uid, own.st_uid);
}

/* The second descriptor keeps the region after the first is closed. */
TEST_F(region, reopened_descriptor_outlives_the_first)
{
	__u64 bytes = self->page;
	char path[64], *addr;
	int fd;

	ASSERT_EQ(0, vp_commit(self->fd, &bytes));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	close(self->fd);
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	addr = vp_map(fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_zero(addr, bytes));
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_EQ(SIGBUS, vp_touch(addr, false));
	munmap(addr, bytes);
	self->fd = fd;
}

/* A descriptor in a socket's queue keeps the region until the socket is closed. */
TEST_F(region, descriptor_in_flight_keeps_the_region)
{
	__u64 bytes = self->page;
	int pair[2], fd = vp_open(POOL);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, vp_commit(fd, &bytes));
	ASSERT_EQ(0, vp_send_fd(pair[0], fd));
	close(fd);
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	close(pair[0]);
	close(pair[1]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
}

/* Zeroed memory. */

TEST_F(region, zero_on_first_touch)
{
	char *addr = vp_map(self->fd, self->pool, 0);

	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_zero(addr, self->pool));
}

/* Reuse memory as soon as it is free, mostly before the scrubber has reached it. */
TEST_F(region, zero_when_reused)
{
	int i, iterations = vp_scale(40);
	int fd;
	char *addr;

	for (i = 0; i < iterations; i++) {
		addr = vp_open_map(POOL, self->pool, &fd);
		ASSERT_NE(MAP_FAILED, addr) TH_LOG("%s", vp_reason(fd));
		ASSERT_TRUE(vp_is_zero(addr, self->pool));
		vp_fill(addr, self->pool, SECRET + i);
		munmap(addr, self->pool);
		close(fd);
		ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
		ASSERT_TRUE(vp_accounting_ok(self->ctl, POOL));
	}
}

/* The next pool sees no bytes of the previous one, nor does the host. */
TEST_F(region, zero_in_the_next_pool)
{
	char *addr = vp_map(self->fd, self->pool, 0);
	int fd, i;

	ASSERT_NE(MAP_FAILED, addr);
	for (i = 0; i < 4; i++) {
		vp_fill(addr, self->pool, SECRET);
		ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
		munmap(addr, self->pool);
		ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool,
				       self->page, NULL));
		addr = vp_open_map(POOL, self->pool, &fd);
		ASSERT_NE(MAP_FAILED, addr);
		EXPECT_TRUE(vp_is_zero(addr, self->pool));
		close(fd);
	}
}

/* Release of memory. */

TEST_F(region, last_close_or_munmap_releases_memory)
{
	int fd;
	char *addr = vp_open_map(POOL, 3 * self->page, &fd);

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, 3 * self->page, 1);
	close(fd);
	EXPECT_EQ(3 * self->page, vp_sysfs_u64(POOL, "memory/used_bytes"));
	munmap(addr, self->page);
	EXPECT_EQ(3 * self->page, vp_sysfs_u64(POOL, "memory/used_bytes"));
	munmap(addr + self->page, 2 * self->page);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));

	addr = vp_open_map(POOL, self->page, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	munmap(addr, self->page);
	EXPECT_EQ(self->page, vp_sysfs_u64(POOL, "memory/used_bytes"));
	close(fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_EQ(3 * self->page, vp_sysfs_u64(POOL, "memory/peak_bytes"));
}

TEST_F(region, forced_destroy_revokes)
{
	__u64 bytes = 2 * self->page;
	char *addr = vp_map(self->fd, bytes, 0);
	struct vpool_query q = {};
	int second = vp_open(POOL);

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, bytes, 1);
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_EQ(SIGBUS, vp_touch(addr, false));
	EXPECT_EQ(SIGBUS, vp_touch(addr + bytes - 1, true));
	EXPECT_EQ(-ENXIO, vp_commit(second, &bytes));
	EXPECT_TRUE(vp_reason_has(second, "destroyed"));
	EXPECT_EQ(-ENXIO, vp_query(second, NULL, &q));
	EXPECT_EQ(-ENXIO, vp_attach(second, 0));
	EXPECT_EQ(MAP_FAILED, vp_map(self->fd, bytes, 0));
	EXPECT_EQ(ENXIO, errno);
	close(second);
}

/*
 * The name is free immediately, and a user of the old pool gets no access to the new
 * one.
 */
TEST_F(region, forced_destroy_frees_the_name)
{
	char *old = vp_map(self->fd, self->page, 0), *addr;
	int fd;

	ASSERT_NE(MAP_FAILED, old);
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page, NULL));
	addr = vp_open_map(POOL, self->page, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, self->page, 1);
	EXPECT_EQ(SIGBUS, vp_touch(old, false));
	EXPECT_EQ(MAP_FAILED, vp_map(self->fd, self->page, 0));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "memory/regions"));
	munmap(addr, self->page);
	close(fd);
}

static int touch_until_revoked(void *arg)
{
	struct shared *shared = arg;
	__u64 end = vp_now_ms() + 20000, at = 0;

	while (vp_now_ms() < end) {
		if (vp_touch(shared->addr + at, true) == SIGBUS)
			return 0;
		at = (at + BASE) % shared->bytes;
	}
	return 1;
}

/* Revoke a region while other tasks fault and write. */
TEST_F(region, forced_destroy_while_touched)
{
	struct shared shared = { .bytes = self->pool };
	pid_t pid[3];
	int i;

	shared.addr = vp_map(self->fd, shared.bytes, 0);
	ASSERT_NE(MAP_FAILED, shared.addr);
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(touch_until_revoked(&shared));
	}
	vp_sleep_ms(50);
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		EXPECT_EQ(0, vp_wait_status(pid[i]));
}

/* Ask the kernel for the NUMA node of a page. */
static int node_of(void *addr)
{
	int node = -1;

	if (syscall(SYS_get_mempolicy, &node, NULL, 0, addr,
		    MPOL_F_NODE | MPOL_F_ADDR))
		return -errno;
	return node;
}

TEST_F(region, memory_is_on_the_pools_node)
{
	struct vp_request req;
	char *addr;
	__u64 at;
	int fd;

	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	vp_request_init(&req, POOL);
	req.create.page_size = self->page;
	vp_request_mem(&req, self->pool, 1);
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	addr = vp_open_map(POOL, self->pool, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	for (at = 0; at < self->pool; at += self->page) {
		ASSERT_EQ(0, vp_touch(addr + at, true));
		ASSERT_EQ(1, node_of(addr + at));
	}
	EXPECT_EQ(self->pool, vp_sysfs_u64(POOL, "memory/node1/used_bytes"));
	munmap(addr, self->pool);
	close(fd);
}

/*
 * Creating a file in /dev/vpool fails. Otherwise a program that mistakes it for a mount
 * of hugetlbfs would get ordinary memory.
 */
TEST_F(region, no_file_can_be_created_in_dev_vpool)
{
	struct stat dev, folder;

	if (stat("/dev", &dev) || stat("/dev/vpool", &folder) ||
	    dev.st_dev != folder.st_dev)
		SKIP(return, "/dev/vpool is not a directory of devtmpfs here");
	EXPECT_EQ(-1, open("/dev/vpool/heap", O_CREAT | O_RDWR, 0600));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, open("/dev/vpool", O_TMPFILE | O_RDWR, 0600));
	EXPECT_EQ(-1, mkdir("/dev/vpool/heap", 0755));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, unlink("/dev/vpool/control"));
	EXPECT_EQ(EPERM, errno);
	/* Devices of pools still appear and disappear in it. */
	ASSERT_EQ(0, vp_create(self->ctl, "region-folder", 0, 0, "1"));
	EXPECT_EQ(0, access("/dev/vpool/region-folder", F_OK));
	EXPECT_EQ(0, vp_destroy(self->ctl, "region-folder", 0));
	EXPECT_EQ(-1, access("/dev/vpool/region-folder", F_OK));
}

TEST_HARNESS_MAIN
