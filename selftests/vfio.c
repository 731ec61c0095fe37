// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI device reaches pool memory through VFIO. The IOMMU maps the memory with huge
 * entries, and memory that VFIO has pinned belongs to the device until VFIO unmaps it,
 * even if its region is closed or its pool is destroyed.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/vpool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "lib/edu.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "vfio-pool"
#define TRACING "/sys/kernel/tracing"
#define INSTANCE TRACING "/instances/vpool-vfio"
#define SUPERPAGE (2 * MIB)
/*
 * Where the region and other memory are in the device's address space. The device reaches
 * the first 256 MiB.
 */
#define IOVA (32 * MIB)
#define OTHER_IOVA (16 * MIB)
/* Bytes of one transfer of the device, and of the buffer at OTHER_IOVA. */
#define PART VP_EDU_BYTES

/* Map new memory of the pool: of a region, or of a file. */
static char *map_pool(bool file, __u64 bytes, int *fd)
{
	if (!file)
		return vp_open_map(POOL, bytes, fd);
	*fd = vp_open_file(POOL);
	return vp_truncate(*fd, bytes) ? MAP_FAILED : vp_map(*fd, bytes, 0);
}

FIXTURE(vfio)
{
	int ctl;
	int fd;
	__u64 pool;
	__u64 bytes;
	char *addr;
	char *other;
	char address[64];
	struct vp_edu edu;
	bool file;
};

FIXTURE_VARIANT(vfio)
{
	bool file;
};

FIXTURE_VARIANT_ADD(vfio, region)
{
};

FIXTURE_VARIANT_ADD(vfio, file)
{
	.file = true,
};

/* Fill a region or a file of half of the pool. The buffer "other" is memory of the host. */
FIXTURE_SETUP(vfio)
{
	const char *lacks = vp_edu_find(self->address, sizeof(self->address));

	if (lacks)
		SKIP(return, "%s", lacks);
	self->file = variant->file;
	self->bytes = 8 * HUGE_SIZE;
	self->pool = 2 * self->bytes;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, 0, NULL));
	self->addr = map_pool(self->file, self->bytes, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
	vp_fill(self->addr, self->bytes, 1);
	ASSERT_EQ(0, vp_edu_open(self->address, &self->edu));
	ASSERT_EQ(0, posix_memalign((void **)&self->other, BASE, PART));
	memset(self->other, 0, PART);
}

FIXTURE_TEARDOWN(vfio)
{
	vp_edu_close(&self->edu);
	if (vp_exists(POOL)) {
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
		vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	}
	close(self->ctl);
}

/* Copy parts of the region to other parts, at offsets that cross page boundaries. */
TEST_F(vfio, dma_in_and_out)
{
	const __u64 huge = HUGE_SIZE;
	const __u64 from[] = { 0, BASE / 2, huge - PART / 2, self->bytes - PART };
	const __u64 to[] = { huge, 3 * huge - PART, 4 * huge - PART / 2,
			     5 * huge + BASE - 8 };
	char *copy = malloc(self->bytes);
	int i;

	ASSERT_EQ(0, vp_dma_map(&self->edu, self->addr, self->bytes, IOVA));
	ASSERT_NE(NULL, copy);
	memcpy(copy, self->addr, self->bytes);
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		memcpy(copy + to[i], copy + from[i], PART);
		ASSERT_EQ(0, vp_edu_copy(&self->edu, IOVA + to[i], IOVA + from[i],
					 PART));
	}
	/* The bytes around each copy did not change. */
	EXPECT_EQ(0, memcmp(copy, self->addr, self->bytes));
	EXPECT_EQ(0, vp_dma_unmap(&self->edu, self->bytes, IOVA));
	free(copy);
	printf("# cases: %zu of a transfer of a device to pool memory\n",
	       ARRAY_SIZE(from));
}

/* Each range that VFIO gives to the IOMMU consists of whole huge pages. */
static bool is_huge_range(const char *line, __u64 *bytes)
{
	unsigned long long iova, paddr, size;
	const char *at = strstr(line, "map: IOMMU: iova=");

	if (!at || sscanf(at, "map: IOMMU: iova=0x%llx - 0x%*x paddr=0x%llx size=%llu",
			  &iova, &paddr, &size) != 3)
		return true;
	*bytes += size;
	if (!((iova | paddr | size) % SUPERPAGE))
		return true;
	fprintf(stderr, "# %s\n", at);
	return false;
}

/* Check all lines of the trace, and add up the mapped bytes. */
static bool are_huge_ranges(__u64 *bytes)
{
	FILE *file = fopen(INSTANCE "/trace", "re");
	char line[512];
	bool huge = true;

	*bytes = 0;
	while (file && fgets(line, sizeof(line), file))
		huge &= is_huge_range(line, bytes);
	if (file)
		fclose(file);
	return huge;
}

TEST_F(vfio, ranges_of_whole_huge_pages)
{
	__u64 bytes;

	if (HUGE_SIZE % SUPERPAGE)
		SKIP(return, "a huge page here is smaller than a page of the IOMMU");
	if (access(TRACING "/events/iommu/map", F_OK))
		SKIP(return, "no tracepoint iommu:map in " TRACING);
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		SKIP(return, "cannot create a trace instance: %s",
		     strerror(errno));
	EXPECT_EQ(0, vp_write_file(INSTANCE "/events/iommu/map/enable", "1"));
	EXPECT_EQ(0, vp_dma_map(&self->edu, self->addr, self->bytes, IOVA));
	EXPECT_EQ(0, vp_write_file(INSTANCE "/events/iommu/map/enable", "0"));
	EXPECT_TRUE(are_huge_ranges(&bytes));
	EXPECT_EQ(self->bytes, bytes);
	rmdir(INSTANCE);
}

/* Return the number of pages in the page tables of all IOMMUs, or VP_NONE. */
static __u64 iommu_tables(void)
{
	FILE *file;
	unsigned long long nr = VP_NONE;
	char line[128];

	/* Each CPU counts for itself: add all counts up. */
	vp_write_file("/proc/sys/vm/stat_refresh", "1");
	file = fopen("/proc/vmstat", "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "nr_iommu_pages %llu", &nr) == 1)
			break;
	if (file)
		fclose(file);
	return nr;
}

/* Map memory of the host page by page, in an order that no huge page has. */
static int map_by_base_pages(const struct vp_edu *edu, char *addr, __u64 bytes)
{
	__u64 i, nr = bytes / BASE;
	int err = 0;

	for (i = 0; !err && i < nr; i++)
		err = vp_dma_map(edu, addr + (i ^ 1) * BASE, BASE,
				 IOVA + i * BASE);
	return err;
}

/*
 * An entry for a huge page stands in a table that exists for each GiB. Entries for base
 * pages need one more table for each huge page.
 */
TEST_F(vfio, the_iommu_uses_huge_entries)
{
	__u64 before = iommu_tables(), huge, base, large = self->bytes / SUPERPAGE;
	char *host;

	if (before == VP_NONE)
		SKIP(return, "this kernel does not count the pages of the IOMMU");
	ASSERT_EQ(0, vp_dma_map(&self->edu, self->addr, self->bytes, IOVA));
	huge = iommu_tables() - before;
	ASSERT_EQ(0, vp_dma_unmap(&self->edu, self->bytes, IOVA));
	host = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, host);
	before = iommu_tables();
	ASSERT_EQ(0, map_by_base_pages(&self->edu, host, self->bytes));
	base = iommu_tables() - before;
	printf("# %llu MiB: %llu new page tables for the pool, %llu for base pages\n",
	       self->bytes / MIB, huge, base);
	EXPECT_LT(huge, large / 2);
	EXPECT_LE(large, base);
	munmap(host, self->bytes);
}

/* Half of the region unmapped from the process: VFIO must not pin the other half. */
TEST_F(vfio, a_failed_mapping_leaves_no_pin)
{
	__u64 half = self->bytes / 2;

	munmap(self->addr + half, half);
	EXPECT_NE(0, vp_dma_map(&self->edu, self->addr, self->bytes, IOVA));
	munmap(self->addr, half);
	close(self->fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
}

static int map_with_a_low_limit(void *arg)
{
	struct _test_data_vfio *self = arg;
	struct rlimit limit = { self->bytes / 2, self->bytes / 2 };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || vp_drop_cap(CAP_IPC_LOCK))
		return 1;
	return -vp_dma_map(&self->edu, self->addr, self->bytes, IOVA);
}

/* The memlock limit of a user counts pool memory that VFIO pins. */
TEST_F(vfio, the_memlock_limit_counts)
{
	EXPECT_EQ(ENOMEM, vp_in_child(map_with_a_low_limit, self));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
}

/* Read memory of the device's address space into "other", through the device. */
static bool device_sees(struct _test_data_vfio *self, __u64 iova, __u64 seed)
{
	memset(self->other, 0, PART);
	return !vp_edu_copy(&self->edu, OTHER_IOVA, iova, PART) &&
	       vp_is_filled(self->other, PART, seed);
}

/* Write a pattern to memory of the device's address space, through the device. */
static int device_writes(struct _test_data_vfio *self, __u64 iova, __u64 seed)
{
	vp_fill(self->other, PART, seed);
	return vp_edu_copy(&self->edu, iova, OTHER_IOVA, PART);
}

/* A closed region: its memory is in use until VFIO unmaps it, and not a moment longer. */
TEST_F(vfio, pinned_memory_outlives_its_region)
{
	__u64 rest = self->pool - self->bytes, all = self->pool;
	int fd = vp_open(POOL);
	char *addr;

	ASSERT_EQ(0, vp_dma_map(&self->edu, self->other, PART, OTHER_IOVA));
	ASSERT_EQ(0, vp_dma_map(&self->edu, self->addr, self->bytes, IOVA));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 1));
	EXPECT_EQ(self->bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));

	/* Another region gets other memory. */
	EXPECT_EQ(-ENOMEM, vp_commit(fd, &all));
	ASSERT_EQ(0, vp_commit(fd, &rest));
	addr = vp_map(fd, rest, 0);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, rest, 2);
	EXPECT_TRUE(device_sees(self, IOVA, 1));
	EXPECT_EQ(0, device_writes(self, IOVA + HUGE_SIZE, 3));
	EXPECT_TRUE(device_sees(self, IOVA + HUGE_SIZE, 3));
	EXPECT_TRUE(vp_is_filled(addr, rest, 2));

	EXPECT_EQ(0, vp_dma_unmap(&self->edu, self->bytes, IOVA));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", rest));
	munmap(addr, rest);
	close(fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
}

/* A hole in a file: the device keeps the old page until VFIO unmaps it. */
TEST_F(vfio, pinned_memory_outlives_its_place_in_a_file)
{
	if (!variant->file)
		SKIP(return, "a region has no holes");
	ASSERT_EQ(0, vp_dma_map(&self->edu, self->other, PART, OTHER_IOVA));
	ASSERT_EQ(0, vp_dma_map(&self->edu, self->addr, self->bytes, IOVA));
	ASSERT_EQ(0, vp_punch(self->fd, 0, HUGE_SIZE));
	EXPECT_EQ(self->bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	/* The file gets a new page, which the device does not reach. */
	EXPECT_TRUE(vp_is_zero(self->addr, HUGE_SIZE));
	EXPECT_EQ(self->bytes + HUGE_SIZE, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_TRUE(device_sees(self, IOVA, 1));
	EXPECT_EQ(0, device_writes(self, IOVA, 3));
	EXPECT_TRUE(vp_is_zero(self->addr, HUGE_SIZE));
	EXPECT_EQ(0, vp_dma_unmap(&self->edu, self->bytes, IOVA));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", self->bytes));
	EXPECT_TRUE(vp_is_zero(self->addr, HUGE_SIZE));
}

/* Create a pool of this name again, and fill all of it. */
static char *fill_new_pool(struct _test_data_vfio *self, int *fd)
{
	char *addr = MAP_FAILED;

	if (!vp_create(self->ctl, POOL, self->pool, 0, NULL))
		addr = vp_open_map(POOL, self->pool, fd);
	if (addr != MAP_FAILED)
		vp_fill(addr, self->pool, 2);
	return addr;
}

/* A destroyed pool: the pages belong to the device until VFIO unmaps them. */
TEST_F(vfio, pinned_memory_outlives_a_forced_destroy)
{
	__u64 free = vp_host_free(), i;
	char *addr;
	int fd;

	ASSERT_EQ(0, vp_dma_map(&self->edu, self->other, PART, OTHER_IOVA));
	ASSERT_EQ(0, vp_dma_map(&self->edu, self->addr, self->bytes, IOVA));
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_EQ(SIGBUS, vp_touch(self->addr, false));
	EXPECT_FALSE(vp_exists(POOL));
	/* The host has the free memory of the pool again, but not the pinned pages. */
	EXPECT_TRUE(vp_wait_host_free(free + self->bytes / 2));
	EXPECT_GT(free + self->pool - self->bytes / 2, vp_host_free());

	addr = fill_new_pool(self, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(device_sees(self, IOVA, 1));
	for (i = 0; i < self->bytes; i += HUGE_SIZE)
		EXPECT_EQ(0, device_writes(self, IOVA + i, 3 + i));
	for (i = 0; i < self->bytes; i += HUGE_SIZE)
		EXPECT_TRUE(device_sees(self, IOVA + i, 3 + i));
	EXPECT_TRUE(vp_is_filled(addr, self->pool, 2));
	munmap(addr, self->pool);
	close(fd);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));

	EXPECT_EQ(0, vp_dma_unmap(&self->edu, self->bytes, IOVA));
	EXPECT_TRUE(vp_wait_host_free(free + self->pool - self->bytes / 4));
	munmap(self->addr, self->bytes);
	close(self->fd);
}

static int map_and_die(void *arg)
{
	struct _test_data_vfio *self = arg;
	struct vp_edu edu;
	char *addr;
	int fd;

	addr = map_pool(self->file, self->bytes, &fd);
	if (addr == MAP_FAILED || vp_edu_open(self->address, &edu) ||
	    vp_dma_map(&edu, addr, self->bytes, IOVA))
		return 1;
	raise(SIGKILL);
	return 1;
}

/* A process that dies while a device has its memory, as a QEMU does. */
TEST_F(vfio, a_killed_process_leaves_nothing)
{
	__u64 total = vp_meminfo("MemTotal");
	int i;

	vp_edu_close(&self->edu);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(128 + SIGKILL, vp_in_child(map_and_die, self));
		EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes",
					  self->bytes));
	}
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
	EXPECT_EQ(total + self->pool, vp_meminfo("MemTotal"));
}

TEST_HARNESS_MAIN
