// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that breaks: whoever touches it gets the kernel's own SIGBUS, nobody
 * gets it again, and the books say so.
 *
 * Each test costs the machine what it breaks, until it boots again.
 */
#include <fcntl.h>
#include <linux/vpool.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "poison-pool"
#define BASE 4096
#define INJECT "/sys/kernel/debug/hwpoison/corrupt-pfn"

FIXTURE(poison)
{
	int ctl;
	int fd;
	__u64 pool;
	__u64 bytes;
	char *addr;
};

FIXTURE_VARIANT(poison)
{
	__u64 page;
};

FIXTURE_VARIANT_ADD(poison, huge)
{
	.page = HUGE_SIZE,
};

FIXTURE_VARIANT_ADD(poison, base)
{
	.page = BASE,
};

/* Half of the pool is a region, filled. */
FIXTURE_SETUP(poison)
{
	self->pool = 8 * variant->page;
	self->bytes = 4 * variant->page;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, variant->page,
			       NULL));
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
	vp_fill(self->addr, self->bytes, 3);
}

FIXTURE_TEARDOWN(poison)
{
	munmap(self->addr, self->bytes);
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static __u64 pfn_of(const void *addr)
{
	__u64 entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	pread(fd, &entry, sizeof(entry), (uintptr_t)addr / BASE * 8);
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/* Whether the kernel can be told that memory is broken. */
static bool can_inject(void)
{
	if (access(INJECT, W_OK))
		system("modprobe -q hwpoison-inject");
	return !access(INJECT, W_OK);
}

static int inject(__u64 pfn)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)pfn);
	return vp_write_file(INJECT, text);
}

static sigjmp_buf out;
static int code;
static char *where;

static void on_bus(int sig, siginfo_t *info, void *context)
{
	code = info->si_code;
	where = info->si_addr;
	siglongjmp(out, 1);
}

/* The code of the SIGBUS that reading a byte gives, 0 for none. */
static int bus_code(const char *addr)
{
	struct sigaction act = {
		.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO,
	}, old;

	code = 0;
	sigaction(SIGBUS, &act, &old);
	if (!sigsetjmp(out, 1))
		__atomic_load_n(addr, __ATOMIC_RELAXED);
	sigaction(SIGBUS, &old, NULL);
	return code;
}

/* Without kprobes the kernel tells of it by a work item. */
static int bus_code_soon(const char *addr)
{
	int i;

	for (i = 0; i < 3000 && !bus_code(addr); i++)
		vp_sleep_ms(20);
	return bus_code(addr);
}

TEST_F(poison, in_use)
{
	__u64 good = self->bytes - variant->page, broken;
	char *copy = malloc(good);

	if (!can_inject())
		SKIP(return, "this kernel has no hwpoison-inject");
	memcpy(copy, self->addr + variant->page, good);
	inject(pfn_of(self->addr + BASE * (variant->page > BASE)));
	EXPECT_EQ(BUS_MCEERR_AR,
		  bus_code_soon(self->addr + BASE * (variant->page > BASE)));
	/* The others, of the same huge page too, are as they were. */
	EXPECT_EQ(0, memcmp(copy, self->addr + variant->page, good));
	free(copy);
	if (variant->page > BASE)
		EXPECT_EQ(0, bus_code(self->addr));
	/* In use until it is given back; then it is nobody's. */
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
	EXPECT_EQ(self->bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				     variant->page));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	broken = self->pool - variant->page;
	EXPECT_EQ(broken, vp_sysfs_u64(POOL, "memory/free_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));

	self->fd = vp_open(POOL);
	EXPECT_EQ(-ENOMEM, vp_commit(self->fd, &self->pool));
	EXPECT_EQ(0, vp_commit(self->fd, &broken));
	self->addr = vp_map(self->fd, broken, 0);
	ASSERT_NE(MAP_FAILED, self->addr);
	self->bytes = broken;
	EXPECT_TRUE(vp_is_zero(self->addr, broken));
}

static int early_code;
static char *early_where;

static void on_early(int sig, siginfo_t *info, void *context)
{
	early_code = info->si_code;
	early_where = info->si_addr;
}

/* The kernel calls it recovered, and a touch tells which page it was. */
TEST_F(poison, is_recovered)
{
	char *broken = self->addr + variant->page;

	if (!can_inject())
		SKIP(return, "this kernel has no hwpoison-inject");
	EXPECT_EQ(0, inject(pfn_of(broken)));
	EXPECT_EQ(BUS_MCEERR_AR, bus_code(broken + 8));
	EXPECT_EQ(broken, where - (uintptr_t)where % BASE);
	/* Once more is nothing new. */
	EXPECT_EQ(BUS_MCEERR_AR, bus_code(broken));
	EXPECT_EQ(0, bus_code(self->addr));
}

/* A task that wants to know before it touches the page is told, with the address. */
TEST_F(poison, early_notice)
{
	struct sigaction act = {
		.sa_sigaction = on_early, .sa_flags = SA_SIGINFO,
	}, old;
	char *broken = self->addr + variant->page + (variant->page - BASE);
	__u64 pfn = pfn_of(broken);

	if (!can_inject())
		SKIP(return, "this kernel has no hwpoison-inject");
	sigaction(SIGBUS, &act, &old);
	ASSERT_EQ(0, prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0,
			   0));
	inject(pfn);
	EXPECT_EQ(BUS_MCEERR_AO, early_code);
	EXPECT_EQ(broken, early_where);
	/* Of a page that it does not map it is told nothing. */
	early_code = 0;
	munmap(self->addr, variant->page);
	inject(pfn_of(self->addr + variant->page) - variant->page / BASE);
	EXPECT_EQ(0, early_code);
	prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
	sigaction(SIGBUS, &old, NULL);
}

#define UNPOISON "/sys/kernel/debug/hwpoison/unpoison-pfn"

static int unpoison(__u64 pfn)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)pfn);
	return vp_write_file(UNPOISON, text);
}

/* What is set aside cannot be freed behind the pool's back, nor what is in use. */
TEST_F(poison, unpoison_is_refused)
{
	__u64 used, free;

	if (!can_inject())
		SKIP(return, "this kernel has no hwpoison-inject");
	used = pfn_of(self->addr);
	free = pfn_of(self->addr + variant->page);
	inject(used);
	EXPECT_EQ(BUS_MCEERR_AR, bus_code_soon(self->addr));
	EXPECT_GT(0, unpoison(used));
	EXPECT_EQ(BUS_MCEERR_AR, bus_code(self->addr));
	munmap(self->addr, self->bytes);
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				     variant->page));
	EXPECT_GT(0, unpoison(used));
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/scrubbing_bytes", 0));
	inject(free);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				     2 * variant->page));
	EXPECT_GT(0, unpoison(free));
	EXPECT_GT(0, unpoison(used));
	EXPECT_EQ(2 * variant->page, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	self->bytes = variant->page;
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
}

struct breaking {
	char *addr;
	__u64 until;
};

/* Unmaps and faults in until the page is seen to be broken; 0 if it is. */
static int fault_on(void *arg)
{
	struct breaking *breaking = arg;

	while (vp_now_ms() < breaking->until) {
		madvise(breaking->addr, BASE, MADV_DONTNEED);
		if (bus_code(breaking->addr) == BUS_MCEERR_AR)
			return 0;
	}
	return 1;
}

/* A page that breaks between its fault and the page table. */
TEST_F(poison, while_it_faults)
{
	struct breaking breaking = { .addr = self->addr };
	__u64 pfn = pfn_of(self->addr);
	pid_t pid[3];
	int i;

	if (!can_inject())
		SKIP(return, "this kernel has no hwpoison-inject");
	breaking.until = vp_now_ms() + 20000;
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(fault_on(&breaking));
	}
	vp_sleep_ms(50);
	inject(pfn);
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		EXPECT_EQ(0, vp_wait_status(pid[i]));
	EXPECT_EQ(0, bus_code(self->addr + variant->page));
}

TEST_F(poison, free)
{
	__u64 pfn = pfn_of(self->addr);

	if (!can_inject())
		SKIP(return, "this kernel has no hwpoison-inject");
	munmap(self->addr, self->bytes);
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
	inject(pfn);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				     variant->page));
	EXPECT_EQ(self->pool - variant->page,
		  vp_sysfs_u64(POOL, "memory/free_bytes"));
	self->bytes = self->pool - variant->page;
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
	EXPECT_TRUE(vp_is_zero(self->addr, self->bytes));
}

TEST_F(poison, by_madvise)
{
	if (madvise(self->addr, BASE, MADV_HWPOISON) && errno == EINVAL)
		SKIP(return, "this kernel has no MADV_HWPOISON");
	EXPECT_EQ(BUS_MCEERR_AR, bus_code_soon(self->addr));
	EXPECT_EQ(0, bus_code(self->addr + variant->page));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				     variant->page));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	self->bytes = variant->page;
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	EXPECT_NE(MAP_FAILED, self->addr);
}

/* What breaks while nobody knows of it by name stays away from others too. */
TEST_F(poison, survives_destroy)
{
	__u64 pfn = pfn_of(self->addr);
	int ctl = self->ctl;

	if (!can_inject())
		SKIP(return, "this kernel has no hwpoison-inject");
	inject(pfn);
	bus_code_soon(self->addr);
	EXPECT_EQ(0, vp_destroy(ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_NE(0, bus_code(self->addr));
	ASSERT_EQ(0, vp_create(ctl, POOL, self->pool, variant->page, NULL));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
}

TEST_HARNESS_MAIN
