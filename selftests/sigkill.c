// SPDX-License-Identifier: GPL-2.0
/*
 * A SIGKILL at any moment leaks nothing.
 *
 * The victim opens, maps, touches, attaches and forks in a loop until it is killed
 * with its children at a random moment.
 */
#include <linux/vpool.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "kill-pool"
#define ITERATIONS 1000
/* The longest time until the victim is killed. */
#define MAX_LIFE_US 6000

FIXTURE(sigkill)
{
	int ctl;
	__u64 page;
	__u64 pool;
	unsigned int seed;
};

FIXTURE_VARIANT(sigkill)
{
	bool huge;
	__u64 pages;
};

/* The variants share the iterations. */
FIXTURE_VARIANT_ADD(sigkill, huge)
{
	.huge = true,
	.pages = 8,
};

FIXTURE_VARIANT_ADD(sigkill, base)
{
	.pages = 512,
};

FIXTURE_SETUP(sigkill)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->seed = vp_env_number("VPOOL_SEED", time(NULL));
	TH_LOG("VPOOL_SEED=%u", self->seed);
	self->page = vp_page_size(variant->huge);
	self->pool = self->page * variant->pages;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page,
			       "2-3"));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
}

FIXTURE_TEARDOWN(sigkill)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static void *touch_pages(void *arg)
{
	vp_fill(arg, BASE, 1);
	return NULL;
}

static void with_a_thread(char *addr)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, touch_pages, addr))
		pthread_join(thread, NULL);
}

/*
 * Make each call of a typical user once. Every call may fail, because other tasks make
 * the same calls.
 */
static void use_pool(__u64 page, unsigned int *seed)
{
	__u64 bytes = page * (1 + rand_r(seed) % 3);
	int fd;
	char *addr = vp_open_map(POOL, bytes, &fd);

	if (rand_r(seed) % 2)
		vp_attach(fd, rand_r(seed) % 2 ? VPOOL_ATTACH_PROCESS : 0);
	if (addr != MAP_FAILED) {
		vp_fill(addr, bytes, *seed);
		with_a_thread(addr);
	}
	if (rand_r(seed) % 4 == 0)
		fork();
	if (rand_r(seed) % 4 == 0)
		vp_detach(fd, 0);
	if (addr != MAP_FAILED && rand_r(seed) % 2)
		munmap(addr, bytes);
	close(fd);
}

static void victim(__u64 page, unsigned int seed)
{
	setpgid(0, 0);
	for (;;) {
		use_pool(page, &seed);
		/* Only fork one level of children, to bound their number. */
		if (getpid() != getpgid(0))
			pause();
	}
}

static void reap_all(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void run_and_kill(__u64 page, unsigned int *seed)
{
	unsigned int its_seed = rand_r(seed);
	pid_t pid = fork();

	if (!pid)
		victim(page, its_seed);
	setpgid(pid, pid);
	usleep(rand_r(seed) % MAX_LIFE_US);
	kill(-pid, SIGKILL);
	reap_all();
}

TEST_F(sigkill, at_random_moments)
{
	int i, iterations = vp_scale(ITERATIONS) / 2;

	TH_LOG("%d iterations", iterations);
	for (i = 0; i < iterations; i++) {
		run_and_kill(self->page, &self->seed);
		ASSERT_TRUE(vp_accounting_ok(self->ctl, POOL)) TH_LOG("iteration %d", i);
	}
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/regions"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

/* Kill a process while it creates a pool: the pool exists completely or not at all. */
static void creator(unsigned int seed)
{
	int ctl = vp_control();

	for (;;) {
		vp_create(ctl, "kill-new", 8 * HUGE_SIZE, rand_r(&seed) % 2 ?
			  BASE : HUGE_SIZE, "1");
		vp_destroy(ctl, "kill-new", 0);
	}
}

TEST_F(sigkill, while_creating)
{
	int i, iterations = vp_scale(100) / 2;
	pid_t pid;

	for (i = 0; i < iterations; i++) {
		pid = fork();
		if (!pid)
			creator(i);
		usleep(rand_r(&self->seed) % (10 * MAX_LIFE_US));
		kill(pid, SIGKILL);
		reap_all();
		if (vp_exists("kill-new")) {
			EXPECT_EQ(8 * HUGE_SIZE,
				  vp_sysfs_u64("kill-new", "memory/total_bytes"));
			EXPECT_EQ(0, vp_destroy_wait(self->ctl, "kill-new"));
		}
		EXPECT_FALSE(vp_exists("kill-new"));
	}
	EXPECT_EQ(0, vp_create(self->ctl, "kill-new", 0, 0, "1"));
	EXPECT_EQ(0, vp_destroy(self->ctl, "kill-new", 0));
}

TEST_HARNESS_MAIN
