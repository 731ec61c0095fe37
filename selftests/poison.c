// SPDX-License-Identifier: GPL-2.0
/*
 * Poisoned memory: an access gets the SIGBUS of the kernel's memory failure handling,
 * the pool never reuses the page, and the accounting shows it.
 *
 * Each test costs the machine the memory that it poisons, until the next boot.
 */
#include <fcntl.h>
#include <linux/vpool.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/poison.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "poison-pool"

FIXTURE(poison)
{
	int ctl;
	int fd;
	__u64 pool;
	__u64 page;
	__u64 bytes;
	char *addr;
};

FIXTURE_VARIANT(poison)
{
	bool huge;
};

FIXTURE_VARIANT_ADD(poison, huge)
{
	.huge = true,
};

FIXTURE_VARIANT_ADD(poison, base)
{
};

/* Fill a region of half of the pool. */
FIXTURE_SETUP(poison)
{
	self->page = vp_page_size(variant->huge);
	self->pool = 8 * self->page;
	self->bytes = 4 * self->page;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page,
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

/* Without kprobes vpool notices the error in a work item. */
static int wait_bus_code(char *addr)
{
	int i;

	for (i = 0; i < 3000 && !vp_bus_code(addr, NULL); i++)
		vp_sleep_ms(20);
	return vp_bus_code(addr, NULL);
}

TEST_F(poison, used_page)
{
	__u64 good = self->bytes - self->page, remaining;
	char *copy = malloc(good);

	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	memcpy(copy, self->addr + self->page, good);
	vp_poison(vp_pfn(self->addr + BASE * (self->page > BASE)));
	EXPECT_EQ(BUS_MCEERR_AR,
		  wait_bus_code(self->addr + BASE * (self->page > BASE)));
	/* The other pages did not change, nor did those of the same huge page. */
	EXPECT_EQ(0, memcmp(copy, self->addr + self->page, good));
	free(copy);
	if (self->page > BASE)
		EXPECT_EQ(0, vp_bus_code(self->addr, NULL));
	/* The page is used until the region is closed, then it is set aside. */
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
	EXPECT_EQ(self->bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				  self->page));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	remaining = self->pool - self->page;
	EXPECT_EQ(remaining, vp_sysfs_u64(POOL, "memory/free_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));

	self->fd = vp_open(POOL);
	EXPECT_EQ(-ENOMEM, vp_commit(self->fd, &self->pool));
	EXPECT_EQ(0, vp_commit(self->fd, &remaining));
	self->addr = vp_map(self->fd, remaining, 0);
	ASSERT_NE(MAP_FAILED, self->addr);
	self->bytes = remaining;
	EXPECT_TRUE(vp_is_zero(self->addr, remaining));
}

static int early_code;
static char *early_where;

static void on_early(int sig, siginfo_t *info, void *context)
{
	early_code = info->si_code;
	early_where = info->si_addr;
}

/*
 * The kernel counts the page as recovered, and the SIGBUS has the address of the page.
 */
TEST_F(poison, recovered_with_the_address)
{
	char *poisoned = self->addr + self->page, *where = NULL;

	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	EXPECT_EQ(0, vp_poison(vp_pfn(poisoned)));
	EXPECT_EQ(BUS_MCEERR_AR, vp_bus_code(poisoned + 8, &where));
	EXPECT_EQ(poisoned, where - (uintptr_t)where % BASE);
	/* A second error in the same page changes nothing. */
	EXPECT_EQ(BUS_MCEERR_AR, vp_bus_code(poisoned, NULL));
	EXPECT_EQ(0, vp_bus_code(self->addr, NULL));
}

/*
 * A task that requests an early signal (PR_MCE_KILL_EARLY) gets the address before it
 * touches the page.
 */
TEST_F(poison, early_signal)
{
	struct sigaction act = {
		.sa_sigaction = on_early, .sa_flags = SA_SIGINFO,
	}, old;
	char *poisoned = self->addr + self->page + (self->page - BASE);
	__u64 pfn = vp_pfn(poisoned);

	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	sigaction(SIGBUS, &act, &old);
	ASSERT_EQ(0, prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0,
			   0));
	vp_poison(pfn);
	EXPECT_EQ(BUS_MCEERR_AO, early_code);
	EXPECT_EQ(poisoned, early_where);
	/* A task gets no signal about a page that it does not map. */
	early_code = 0;
	munmap(self->addr, self->page);
	vp_poison(vp_pfn(self->addr + self->page) - self->page / BASE);
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

/* hwpoison-inject cannot unpoison a page that a pool uses or has set aside. */
TEST_F(poison, unpoison_is_refused)
{
	__u64 used, free;

	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	used = vp_pfn(self->addr);
	free = vp_pfn(self->addr + self->page);
	vp_poison(used);
	EXPECT_EQ(BUS_MCEERR_AR, wait_bus_code(self->addr));
	EXPECT_GT(0, unpoison(used));
	EXPECT_EQ(BUS_MCEERR_AR, vp_bus_code(self->addr, NULL));
	munmap(self->addr, self->bytes);
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				  self->page));
	EXPECT_GT(0, unpoison(used));
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/scrubbing_bytes", 0));
	vp_poison(free);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				  2 * self->page));
	EXPECT_GT(0, unpoison(free));
	EXPECT_GT(0, unpoison(used));
	EXPECT_EQ(2 * self->page, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	self->bytes = self->page;
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
}

struct fault_race {
	char *addr;
	__u64 until;
};

/* Unmap and fault in until the access fails. Return 0 if it fails in time. */
static int fault_on(void *arg)
{
	struct fault_race *fault_race = arg;

	while (vp_now_ms() < fault_race->until) {
		madvise(fault_race->addr, BASE, MADV_DONTNEED);
		if (vp_bus_code(fault_race->addr, NULL) == BUS_MCEERR_AR)
			return 0;
	}
	return 1;
}

/* A page is poisoned between its fault and the update of the page table. */
TEST_F(poison, poisoned_during_a_fault)
{
	struct fault_race fault_race = { .addr = self->addr };
	__u64 pfn = vp_pfn(self->addr);
	pid_t pid[3];
	int i;

	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	fault_race.until = vp_now_ms() + 20000;
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(fault_on(&fault_race));
	}
	vp_sleep_ms(50);
	vp_poison(pfn);
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		EXPECT_EQ(0, vp_wait_status(pid[i]));
	EXPECT_EQ(0, vp_bus_code(self->addr + self->page, NULL));
}

TEST_F(poison, free)
{
	__u64 pfn = vp_pfn(self->addr);

	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	munmap(self->addr, self->bytes);
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
	vp_poison(pfn);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				  self->page));
	EXPECT_EQ(self->pool - self->page,
		  vp_sysfs_u64(POOL, "memory/free_bytes"));
	self->bytes = self->pool - self->page;
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
	EXPECT_TRUE(vp_is_zero(self->addr, self->bytes));
}

TEST_F(poison, by_madvise)
{
	if (madvise(self->addr, BASE, MADV_HWPOISON) && errno == EINVAL)
		SKIP(return, "this kernel has no MADV_HWPOISON");
	EXPECT_EQ(BUS_MCEERR_AR, wait_bus_code(self->addr));
	EXPECT_EQ(0, vp_bus_code(self->addr + self->page, NULL));
	munmap(self->addr, self->bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes",
				  self->page));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	self->bytes = self->page;
	self->addr = vp_open_map(POOL, self->bytes, &self->fd);
	EXPECT_NE(MAP_FAILED, self->addr);
}

/* A page that is poisoned during the destruction of its pool is never reused. */
TEST_F(poison, survives_destroy)
{
	__u64 pfn = vp_pfn(self->addr);
	int ctl = self->ctl;

	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	vp_poison(pfn);
	wait_bus_code(self->addr);
	EXPECT_EQ(0, vp_destroy(ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_LT(0, vp_bus_code(self->addr, NULL));
	ASSERT_EQ(0, vp_create(ctl, POOL, self->pool, self->page, NULL));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/poisoned_bytes"));
}

TEST_HARNESS_MAIN
