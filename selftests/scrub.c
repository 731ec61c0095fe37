// SPDX-License-Identifier: GPL-2.0
/*
 * No bytes of a region become visible in another region or to the host. Allocated
 * memory is zero, regardless of how its last user released it.
 */
#include <fcntl.h>
#include <linux/vpool.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "scrub-pool"

FIXTURE(scrub)
{
	int ctl;
	__u64 page;
	__u64 bytes;
};

FIXTURE_VARIANT(scrub)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(scrub, huge)
{
	.huge = true,
	.pages = 8,
};

FIXTURE_VARIANT_ADD(scrub, base)
{
	.pages = 1024,
};

FIXTURE_SETUP(scrub)
{
	self->page = vp_page_size(variant->huge);
	self->bytes = self->page * variant->pages;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->bytes, self->page,
			       NULL));
}

FIXTURE_TEARDOWN(scrub)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

/* Map the whole pool and write a secret to it. */
static char *secret(__u64 bytes, int *fd)
{
	char *addr = vp_open_map(POOL, bytes, fd);

	if (addr != MAP_FAILED)
		vp_fill(addr, bytes, 0x5ec3e7);
	return addr;
}

static bool pool_is_zero(__u64 bytes)
{
	int fd;
	char *addr = vp_open_map(POOL, bytes, &fd);
	bool zero = addr != MAP_FAILED && vp_is_zero(addr, bytes);

	if (addr != MAP_FAILED)
		munmap(addr, bytes);
	close(fd);
	return zero;
}

static void give_back(char *addr, __u64 bytes, int fd)
{
	munmap(addr, bytes);
	close(fd);
}

TEST_F(scrub, in_the_background)
{
	char *addr;
	int fd;

	addr = secret(self->bytes, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	give_back(addr, self->bytes, fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->bytes));
	EXPECT_TRUE(pool_is_zero(self->bytes));
}

/* Take the memory before the scrubber reaches it, so that the call must zero it. */
TEST_F(scrub, by_the_next_commit)
{
	int i, fd;
	char *addr;

	for (i = 0; i < vp_scale(30); i++) {
		addr = secret(self->bytes, &fd);
		ASSERT_NE(MAP_FAILED, addr);
		give_back(addr, self->bytes, fd);
		ASSERT_TRUE(pool_is_zero(self->bytes));
	}
}

static int die_with_secret(void *arg)
{
	int fd;

	secret(*(__u64 *)arg, &fd);
	kill(getpid(), SIGKILL);
	return 0;
}

TEST_F(scrub, after_sigkill)
{
	EXPECT_NE(0, vp_in_child(die_with_secret, &self->bytes));
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_TRUE(pool_is_zero(self->bytes));
}

/* Move memory from a shrinking pool through the host to another pool. */
TEST_F(scrub, across_a_resize)
{
	__u64 half = self->bytes / 2, all = self->bytes;
	char *addr;
	int fd;

	addr = secret(self->bytes, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	give_back(addr, self->bytes, fd);
	ASSERT_EQ(0, vp_resize(self->ctl, POOL, &half, VPOOL_ANY_NODE));
	EXPECT_TRUE(pool_is_zero(half));
	ASSERT_EQ(0, vp_resize(self->ctl, POOL, &all, VPOOL_ANY_NODE));
	EXPECT_TRUE(pool_is_zero(all));
}

TEST_F(scrub, across_a_destroy)
{
	char *addr;
	int fd;

	addr = secret(self->bytes, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	give_back(addr, self->bytes, fd);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->bytes, self->page,
			       NULL));
	EXPECT_TRUE(pool_is_zero(self->bytes));
}

/*
 * A page that a pipe holds is neither scrubbed nor allocated until the pipe drops it.
 */
TEST_F(scrub, not_while_it_is_pinned)
{
	__u64 remaining = self->bytes - self->page;
	char *addr, page[BASE], want[BASE];
	struct iovec iov = { .iov_len = BASE };
	int fd, pipes[2];

	addr = secret(self->bytes, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	memcpy(want, addr, BASE);
	ASSERT_EQ(0, pipe(pipes));
	iov.iov_base = addr;
	ASSERT_EQ(BASE, vmsplice(pipes[1], &iov, 1, 0));
	give_back(addr, self->bytes, fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", remaining));
	EXPECT_EQ(self->page, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_FALSE(pool_is_zero(self->bytes));
	EXPECT_TRUE(pool_is_zero(remaining));
	EXPECT_EQ(BASE, read(pipes[0], page, BASE));
	EXPECT_EQ(0, memcmp(page, want, BASE));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->bytes));
	EXPECT_TRUE(pool_is_zero(self->bytes));
}

/* The accounting of scrubbing is correct: free memory is either clean or scrubbing. */
TEST_F(scrub, is_accounted)
{
	__u64 before = vp_sysfs_u64(POOL, "stat/scrubbed_bytes");
	char *addr;
	int fd;

	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->bytes));
	before = vp_sysfs_u64(POOL, "stat/scrubbed_bytes");
	addr = secret(self->bytes, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	give_back(addr, self->bytes, fd);
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/scrubbing_bytes", 0));
	EXPECT_EQ(before + self->bytes,
		  vp_sysfs_u64(POOL, "stat/scrubbed_bytes"));
}

#define SLOW "scrub-slow"
#define SLOW_BYTES (256 * MIB)

static int commit_all(void *arg)
{
	__u64 bytes = SLOW_BYTES;
	int fd = vp_open(SLOW);

	return vp_commit(fd, &bytes);
}

/* Kill a task during a commit. Return whether SIGKILL ended the commit early. */
static bool sigkill_during_commit(int ctl)
{
	pid_t pid = fork();
	bool early;

	if (!pid)
		_exit(commit_all(NULL));
	while (vp_sysfs_u64(SLOW, "stat/scrubbed_bytes") < 4 * MIB &&
	       vp_sysfs_u64(SLOW, "memory/scrubbing_bytes"))
		vp_sleep_ms(0);
	kill(pid, SIGKILL);
	vp_wait_status(pid);
	early = !vp_sysfs_u64(SLOW, "stat/allocs");
	return early && vp_sysfs_wait(SLOW, "memory/used_bytes", 0) &&
		vp_accounting_ok(ctl, SLOW);
}

/* SIGKILL ends a commit that is zeroing memory, and the pool keeps the memory. */
TEST(sigkill_ends_a_zeroing_commit)
{
	int ctl = vp_control(), i, early = 0;

	ASSERT_LE(0, ctl);
	for (i = 0; i < 10 && !early; i++) {
		vp_destroy(ctl, SLOW, VPOOL_DESTROY_FORCE);
		ASSERT_EQ(0, vp_create(ctl, SLOW, SLOW_BYTES, 0, NULL));
		early = sigkill_during_commit(ctl);
	}
	EXPECT_LT(0, early);
	EXPECT_TRUE(vp_sysfs_wait(SLOW, "memory/free_bytes", SLOW_BYTES));
	EXPECT_EQ(0, vp_destroy(ctl, SLOW, 0));
	close(ctl);
}

TEST_HARNESS_MAIN
