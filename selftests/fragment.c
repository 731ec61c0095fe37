// SPDX-License-Identifier: GPL-2.0
/*
 * A pool on a fragmented host gets at least as much memory as hugetlbfs, and at least
 * nine tenths of the blocks that hold no unmovable page.
 *
 * All tests use one NUMA node. A second pool, the ballast, takes most of the node. The
 * remaining memory of the node is the arena.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mempolicy.h>
#include <linux/vpool.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "fragment"
#define BALLAST "fragment-ballast"
#define BLOCK (HUGE_SIZE / BASE)
#define FLOOR "/sys/module/vpool/parameters/host_mem_floor"
#define MIN_FREE "/proc/sys/vm/min_free_kbytes"
#define PIPES 320
/* Memory that the kernel may have allocated during a test. */
#define SLACK (64 * MIB)
/* Keep one page of each 12. */
#define KEEP 12
#define MAX_NODES 8
/* The CPU that fragments the memory. */
#define FRAGMENTING_CPU "1"

/* Bits of /proc/kpageflags. */
#define KPF_LRU 5
#define KPF_BUDDY 10
#define KPF_HUGE 17
#define PFN_MASK ((1ULL << 55) - 1)

/* How the arena is fragmented. */
enum fragmentation {
	CACHE,
	SPARSE,
	UNMOVABLE,
};

FIXTURE(fragment)
{
	int ctl;
	int node;
	int pipe[PIPES][2];
	int nr_pipes;
	int disk;
	/* Free bytes in whole blocks, and in total. */
	__u64 blocks;
	__u64 arena;
	__u64 killed;
	char floor[32];
	char min_free[32];
	char *anon;
	size_t bytes;
};

FIXTURE_VARIANT(fragment)
{
	enum fragmentation fragmentation;
};

FIXTURE_VARIANT_ADD(fragment, cache)
{
	.fragmentation = CACHE,
};

FIXTURE_VARIANT_ADD(fragment, sparse)
{
	.fragmentation = SPARSE,
};

FIXTURE_VARIANT_ADD(fragment, unmovable)
{
	.fragmentation = UNMOVABLE,
};

static int last_node(void)
{
	int node = MAX_NODES;

	while (--node > 0 && !vp_has_node(node))
		;
	return node;
}

static __u64 vm_counter(const char *field)
{
	unsigned long long value, found = VP_NONE;
	char name[64];
	FILE *file = fopen("/proc/vmstat", "re");

	while (file && fscanf(file, "%63s %llu", name, &value) == 2)
		if (!strcmp(name, field))
			found = value;
	if (file)
		fclose(file);
	return found;
}

static __u64 min(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static __u64 max(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

static __u64 round_down(__u64 bytes)
{
	return bytes - bytes % HUGE_SIZE;
}

static int create_on(int ctl, const char *name, __u64 bytes, int node,
		     __u32 timeout_ms)
{
	struct vp_request req;

	vp_request_init(&req, name);
	req.create.timeout_ms = timeout_ms;
	vp_request_mem(&req, bytes, node);
	return vp_request_send(ctl, &req);
}

/* Check whether pages may move, by their entries of /proc/kpageflags. */
static bool pages_may_move(int fd, __u64 pfn, size_t nr)
{
	__u64 flags[BLOCK];
	size_t i;

	if (pread(fd, flags, nr * sizeof(*flags), pfn * sizeof(*flags)) !=
	    (ssize_t)(nr * sizeof(*flags)))
		return false;
	for (i = 0; i < nr; i++)
		if (!(flags[i] & (1ULL << KPF_LRU | 1ULL << KPF_BUDDY)) ||
		    flags[i] & 1ULL << KPF_HUGE)
			return false;
	return true;
}

/* The kernel takes long for each entry, and the first one tells it for most blocks. */
static bool block_may_move(int fd, __u64 pfn)
{
	return pages_may_move(fd, pfn, 1) && pages_may_move(fd, pfn, BLOCK);
}

/*
 * Return the bytes a node could free if all movable pages moved, from its zones'
 * spans.
 */
static __u64 movable_limit(int node)
{
	unsigned long long spanned = 0, start, pfn, bytes = 0;
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC), at = -1;
	FILE *file = fopen("/proc/zoneinfo", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone", &at) == 1 ||
		    sscanf(line, " spanned %llu", &spanned) == 1 ||
		    sscanf(line, " start_pfn: %llu", &start) != 1 ||
		    at != node)
			continue;
		for (pfn = (start + BLOCK - 1) / BLOCK * BLOCK;
		     pfn + BLOCK <= start + spanned; pfn += BLOCK)
			if (block_may_move(fd, pfn))
				bytes += HUGE_SIZE;
	}
	if (file)
		fclose(file);
	close(fd);
	return bytes;
}

/*
 * Return the bytes of huge pages that hugetlbfs can allocate on a node. Free them
 * again.
 */
static __u64 hugetlb_gets(int node, __u64 bytes)
{
	char path[128], text[32] = "0";

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages",
		 node);
	snprintf(text, sizeof(text), "%llu", bytes / HUGE_SIZE);
	vp_write_file(path, text);
	vp_read_file(path, text, sizeof(text));
	vp_write_file(path, "0");
	return strtoull(text, NULL, 10) * HUGE_SIZE;
}

/*
 * Prefer a node instead of binding to it, so that the rest comes from other nodes
 * instead of the OOM killer.
 */
static void prefer(int node)
{
	unsigned long mask = 1UL << node;

	syscall(SYS_set_mempolicy, node < 0 ? MPOL_DEFAULT : MPOL_PREFERRED,
		node < 0 ? NULL : &mask, node < 0 ? 0 : sizeof(mask) * 8);
}

/* Open a disk of @bytes that needs no memory: a loop device over one large hole. */
static int disk_open(__u64 bytes)
{
	int ctl, hole, nr, disk = -1;
	char path[32];

	if (access("/dev/loop-control", R_OK) && system("modprobe -q loop"))
		return -1;
	ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	nr = ioctl(ctl, LOOP_CTL_GET_FREE);
	snprintf(path, sizeof(path), "/dev/loop%d", nr);
	hole = memfd_create("hole", MFD_CLOEXEC);
	if (nr >= 0 && !ftruncate(hole, bytes))
		disk = open(path, O_RDWR | O_CLOEXEC);
	if (disk >= 0 && ioctl(disk, LOOP_SET_FD, hole)) {
		close(disk);
		disk = -1;
	}
	close(hole);
	close(ctl);
	return disk;
}

/* Read the disk until the page cache fills the arena. */
static bool fill_cache(int disk, int node, __u64 bytes)
{
	static char buffer[1 << 20];

	lseek(disk, 0, SEEK_SET);
	prefer(node);
	while (bytes >= sizeof(buffer) &&
	       read(disk, buffer, sizeof(buffer)) == sizeof(buffer))
		bytes -= sizeof(buffer);
	prefer(-1);
	return bytes < sizeof(buffer);
}

/*
 * Fill the node with pages of pipes, which cannot move. Then keep one in @keep
 * mebibytes, together with the pages that were allocated between them.
 */
static void fill_pipes(struct _test_data_fragment *self, int keep)
{
	static char buffer[MIB];
	int i;

	prefer(self->node);
	while (self->nr_pipes < PIPES &&
	       vp_node_meminfo(self->node, "MemFree") > 8 * MIB) {
		int *ends = self->pipe[self->nr_pipes];

		if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
			break;
		self->nr_pipes++;
		if (fcntl(ends[1], F_SETPIPE_SZ, sizeof(buffer)) < 0 ||
		    write(ends[1], buffer, sizeof(buffer)) != sizeof(buffer))
			break;
	}
	prefer(-1);
	for (i = 0; i < self->nr_pipes; i++) {
		if (i % keep == 0)
			continue;
		close(self->pipe[i][0]);
		close(self->pipe[i][1]);
		self->pipe[i][0] = -1;
		self->pipe[i][1] = -1;
	}
}

/* Free all pages but one of each block. */
static void free_all_but_one(char *addr, size_t bytes)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry[BLOCK];
	size_t at, i, end;

	for (at = 0; at < bytes; at += HUGE_SIZE) {
		if (pread(fd, entry, sizeof(entry), ((uintptr_t)addr + at) /
			  BASE * sizeof(*entry)) != sizeof(entry))
			break;
		for (i = 0; i < BLOCK; i = end + 1) {
			for (end = i; end < BLOCK && (entry[end] & PFN_MASK) % BLOCK != 137;)
				end++;
			madvise(addr + at + i * BASE, (end - i) * BASE, MADV_DONTNEED);
		}
	}
	close(fd);
}

static bool fill_anon(struct _test_data_fragment *self, enum fragmentation fragmentation)
{
	size_t i;

	if (fragmentation == UNMOVABLE)
		fill_pipes(self, KEEP);
	self->bytes = self->arena;
	self->anon = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (self->anon == MAP_FAILED)
		return false;
	madvise(self->anon, self->bytes, MADV_NOHUGEPAGE);
	prefer(self->node);
	for (i = 0; i < self->bytes; i += BASE)
		self->anon[i] = 1;
	prefer(-1);
	free_all_but_one(self->anon, self->bytes);
	return true;
}

static void clear_fragmentation(struct _test_data_fragment *self)
{
	while (self->nr_pipes) {
		int *ends = self->pipe[--self->nr_pipes];

		close(ends[0]);
		close(ends[1]);
	}
	if (self->anon && self->anon != MAP_FAILED)
		munmap(self->anon, self->bytes);
	self->anon = NULL;
	vp_write_file("/proc/sys/vm/drop_caches", "1");
}

/*
 * Empty the per-CPU page lists by taking each CPU offline. A page on such a list cannot
 * be told from a page that a driver uses, and a few hundred of them can touch every
 * block of a small arena. The boot CPU cannot go offline, so the tests never fragment
 * memory on it.
 */
static bool drain_cpus(void)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_CONF);

	if (vp_set_affinity(0, "0"))
		return false;
	for (cpu = 1; cpu < nr; cpu++)
		if (vp_set_online(cpu, false) || vp_set_online(cpu, true))
			return false;
	return !vp_set_affinity(0, FRAGMENTING_CPU);
}

static bool make_fragmentation(struct _test_data_fragment *self, enum fragmentation fragmentation)
{
	if (vp_set_affinity(0, FRAGMENTING_CPU))
		return false;
	clear_fragmentation(self);
	if (fragmentation == CACHE)
		return fill_cache(self->disk, self->node, self->arena);
	return fill_anon(self, fragmentation);
}

FIXTURE_SETUP(fragment)
{
	__u64 limit;

	if (vp_is_debug() && variant->fragmentation != UNMOVABLE)
		SKIP(return, "the debug kernel has time for the hardest case only");
	self->node = last_node();
	if (self->node == 0)
		SKIP(return, "the host would be left without memory: one node");
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	self->killed = vm_counter("oom_kill");
	ASSERT_LE(0, vp_read_file(FLOOR, self->floor, sizeof(self->floor)));
	ASSERT_LE(0, vp_read_file(MIN_FREE, self->min_free,
				  sizeof(self->min_free)));
	/* hugetlbfs leaves the host no memory, either. */
	vp_write_file(FLOOR, "0");
	/* Otherwise the kernel's reserve would be a tenth of such a small arena. */
	vp_write_file(MIN_FREE, "4096");
	vp_write_file("/proc/sys/vm/drop_caches", "3");

	self->blocks = (vp_is_debug() ? 64 : 128) * MIB;
	limit = movable_limit(self->node);
	if (limit < self->blocks + 16 * MIB)
		SKIP(return, "node %d has too little memory", self->node);
	ASSERT_EQ(0, create_on(self->ctl, BALLAST, limit - self->blocks,
			       self->node, 120000))
		TH_LOG("%s", vp_reason(self->ctl));
	self->arena = round_down(vp_node_meminfo(self->node, "MemFree"));
	self->disk = -1;
	if (variant->fragmentation != CACHE)
		return;
	self->disk = disk_open(self->arena);
	if (self->disk < 0)
		SKIP(return, "no loop device to fill the page cache from");
}

FIXTURE_TEARDOWN(fragment)
{
	if (!self->node)
		return;
	clear_fragmentation(self);
	if (self->disk >= 0) {
		ioctl(self->disk, LOOP_CLR_FD);
		close(self->disk);
	}
	vp_destroy(self->ctl, POOL, 0);
	vp_destroy(self->ctl, BALLAST, 0);
	vp_write_file(FLOOR, self->floor);
	vp_write_file(MIN_FREE, self->min_free);
	close(self->ctl);
}

TEST_F_TIMEOUT(fragment, pool_gets_movable_memory, 900)
{
	__u64 got, hugetlb_bytes, hugetlb_limit, limit, want, begin;
	int err, tries;

	ASSERT_TRUE(make_fragmentation(self, variant->fragmentation));
	ASSERT_TRUE(drain_cpus());
	hugetlb_limit = movable_limit(self->node);
	got = hugetlb_gets(self->node, self->arena);
	hugetlb_bytes = got;

	/* Pages that are just being moved or freed make their block look unmovable. */
	for (tries = 0; tries < 3; tries++) {
		ASSERT_TRUE(make_fragmentation(self, variant->fragmentation));
		ASSERT_TRUE(drain_cpus());
		limit = movable_limit(self->node);
		if (limit >= self->blocks / 16)
			break;
	}
	/*
	 * The second fragmentation may have left less movable memory than the first, on
	 * which hugetlbfs allocated.
	 */
	if (limit < hugetlb_limit)
		hugetlb_bytes -= min(hugetlb_bytes, hugetlb_limit - limit);
	want = round_down(limit / 10 * 9 + HUGE_SIZE - 1);
	want = min(max(want, hugetlb_bytes), limit);
	begin = vp_now_ms();
	err = create_on(self->ctl, POOL, limit, self->node, 5000);
	TH_LOG("MiB: arena %llu, %llu in blocks, limit %llu; hugetlbfs %llu of %llu; all: %s",
	       self->arena / MIB, self->blocks / MIB, limit / MIB,
	       got / MIB, hugetlb_limit / MIB,
	       err ? vp_reason(self->ctl) : "succeeded");
	if (err) {
		/* Memory that the kernel allocated during the test is not available. */
		want = min(want, movable_limit(self->node));
		want = min(want, round_down(vp_node_meminfo(self->node, "MemFree") +
					    vp_node_meminfo(self->node, "FilePages")));
		err = create_on(self->ctl, POOL, want, self->node,
				vp_is_debug() ? 240000 : 120000);
	}
	ASSERT_EQ(0, err)
		TH_LOG("%s", vp_reason(self->ctl));
	TH_LOG("%llu ms", vp_now_ms() - begin);
	/* The test is only meaningful if the arena has movable memory. */
	EXPECT_LE(self->blocks / 16, want);
	EXPECT_EQ(self->killed, vm_counter("oom_kill"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
}

/*
 * Requests below the free memory of a node, but above the memory of the blocks that can
 * be emptied. The node cannot satisfy them.
 */
FIXTURE(unmeetable)
{
	struct _test_data_fragment fragmentation;
	int ctl;
	int node;
	__u64 bytes;
	__u64 free;
};

FIXTURE_SETUP(unmeetable)
{
	struct _test_data_fragment *fragmentation = &self->fragmentation;

	self->node = last_node();
	if (self->node == 0)
		SKIP(return, "the host would be left without memory: one node");
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	ASSERT_LE(0, vp_read_file(FLOOR, fragmentation->floor, sizeof(fragmentation->floor)));
	ASSERT_LE(0, vp_read_file(MIN_FREE, fragmentation->min_free,
				  sizeof(fragmentation->min_free)));
	vp_write_file(FLOOR, "0");
	vp_write_file(MIN_FREE, "4096");
	fragmentation->node = self->node;
	vp_write_file("/proc/sys/vm/drop_caches", "3");
	/* Many blocks are half free, but no block is completely free. */
	fill_pipes(fragmentation, 2);
	/* Other tasks of the host can take some memory before the create asks for it. */
	self->bytes = round_down(vp_node_meminfo(self->node, "MemFree") -
				 32 * MIB);
	self->free = vp_host_free();
}

FIXTURE_TEARDOWN(unmeetable)
{
	if (!self->node)
		return;
	clear_fragmentation(&self->fragmentation);
	vp_write_file(FLOOR, self->fragmentation.floor);
	vp_write_file(MIN_FREE, self->fragmentation.min_free);
	close(self->ctl);
}

/*
 * Return the number of bytes in unmovable blocks that the message reports, as in ";
 * 1.3G is in blocks".
 */
static __u64 reported_unmovable(int ctl)
{
	const char *at = strstr(vp_reason(ctl), "; ");
	char unit = '\0';
	double size;

	if (!at || sscanf(at, "; %lf %c", &size, &unit) != 2)
		return 0;
	return size * (unit == 'G' ? GIB : MIB);
}

TEST_F(unmeetable, ends_at_the_timeout)
{
	__u64 begin = vp_now_ms();

	ASSERT_EQ(-ETIME, create_on(self->ctl, POOL, self->bytes, self->node,
				    1000))
		TH_LOG("%s", vp_reason(self->ctl));
	EXPECT_LE(1000, vp_now_ms() - begin);
	EXPECT_TRUE(vp_reason_has(self->ctl, "out of time"));
	EXPECT_GE(self->bytes, reported_unmovable(self->ctl))
		TH_LOG("%s", vp_reason(self->ctl));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_TRUE(vp_wait_host_free(self->free - SLACK));
}

static void interrupted(int sig)
{
}

TEST_F(unmeetable, ends_with_any_signal)
{
	struct sigaction action = { .sa_handler = interrupted };
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int err;

		sigaction(SIGUSR1, &action, NULL);
		err = create_on(self->ctl, POOL, self->bytes, self->node,
				60000);
		if (err != -EINTR)
			TH_LOG("%d: %s", err, vp_reason(self->ctl));
		_exit(err == -EINTR &&
		      vp_reason_has(self->ctl, "interrupted") ? 0 : 1);
	}
	/* Send the signal when the call has taken a large part of the node: about half. */
	while (vp_node_meminfo(self->node, "MemFree") > self->bytes / 2 &&
	       !waitpid(pid, &status, WNOHANG))
		vp_sleep_ms(5);
	ASSERT_EQ(0, kill(pid, SIGUSR1));
	EXPECT_EQ(0, vp_wait_status(pid));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_TRUE(vp_wait_host_free(self->free - SLACK));
}

TEST_F(unmeetable, releases_the_other_node)
{
	struct vp_request req;
	char node[16];

	vp_request_init(&req, POOL);
	req.create.timeout_ms = 0;
	vp_request_mem(&req, 64 * MIB, 0);
	vp_request_mem(&req, self->bytes, self->node);
	snprintf(node, sizeof(node), "node %d", self->node);
	EXPECT_EQ(-ENOMEM, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, node))
		TH_LOG("%s", vp_reason(self->ctl));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_TRUE(vp_wait_host_free(self->free - SLACK));
}

TEST_HARNESS_MAIN
