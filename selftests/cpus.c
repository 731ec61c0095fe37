// SPDX-License-Identifier: GPL-2.0
/* Assignment of CPUs to pools by number, and changes of it while members run. */
#include <linux/vpool.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "cpus-pool"
#define OTHER "cpus-other"

FIXTURE(cpus)
{
	int ctl;
	int fd;
};

FIXTURE_SETUP(cpus)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	self->fd = -1;
}

FIXTURE_TEARDOWN(cpus)
{
	if (self->fd >= 0)
		close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static bool assigned_are(const char *pool, const char *want)
{
	return vp_sysfs_is(pool, "cpus/assigned", want);
}

/* In the test VM, CPUs 0-1 are on NUMA node 0 and CPUs 2-3 on node 1. */
static bool on_two_nodes(void)
{
	return vp_has_node(1) &&
		!access("/sys/devices/system/node/node0/cpu1", F_OK) &&
		!access("/sys/devices/system/node/node1/cpu2", F_OK);
}

TEST_F(cpus, by_number)
{
	/* Any CPU except those of the boot CPU's core. */
	EXPECT_EQ(0, vp_create_nr(self->ctl, POOL, 2, VPOOL_ANY_NODE, -1, 0));
	EXPECT_TRUE(assigned_are(POOL, "1-2"));
	EXPECT_EQ(-EBUSY,
		  vp_create_nr(self->ctl, OTHER, 2, VPOOL_ANY_NODE, -1, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "1 available"));
	EXPECT_FALSE(vp_exists(OTHER));
	EXPECT_EQ(0, vp_create_nr(self->ctl, OTHER, 1, VPOOL_ANY_NODE, -1, 0));
	EXPECT_TRUE(assigned_are(OTHER, "3"));
}

TEST_F(cpus, by_number_on_a_node)
{
	if (!on_two_nodes())
		SKIP(return, "needs CPUs 0-1 and 2-3 on a node each");
	EXPECT_EQ(0, vp_create_nr(self->ctl, POOL, 1, 1, -1, 0));
	EXPECT_TRUE(assigned_are(POOL, "2"));
	EXPECT_EQ(-EBUSY, vp_create_nr(self->ctl, OTHER, 2, 1, -1, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "node 1"));
	EXPECT_EQ(-ENODEV, vp_create_nr(self->ctl, OTHER, 1, 77, -1, 0));
	EXPECT_EQ(-ENODEV, vp_create_nr(self->ctl, OTHER, 1, -2, -1, 0));
}

TEST_F(cpus, by_number_near_the_memory)
{
	if (!on_two_nodes())
		SKIP(return, "needs CPUs 0-1 and 2-3 on a node each");
	EXPECT_EQ(0, vp_create_nr(self->ctl, POOL, 1, VPOOL_ANY_NODE, 1, 0));
	EXPECT_TRUE(assigned_are(POOL, "2"));
	/* The nearest CPUs come first. */
	EXPECT_EQ(0, vp_create_nr(self->ctl, OTHER, 2, VPOOL_ANY_NODE, 1, 0));
	EXPECT_TRUE(assigned_are(OTHER, "1,3"));
}

TEST_F(cpus, by_number_is_exclusive_with_a_list)
{
	struct vp_request req;

	vp_request_init(&req, POOL);
	vp_request_cpus(&req, "2");
	req.create.nr_cpus = 1;
	EXPECT_EQ(-EINVAL, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, "not both"));
	EXPECT_EQ(-EBUSY,
		  vp_create_nr(self->ctl, POOL, ~0U, VPOOL_ANY_NODE, -1, 0));
	EXPECT_FALSE(vp_exists(POOL));
}

static pid_t start(int fd, void (*fn)(void))
{
	pid_t pid = fork();
	int pidfd;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			fn();
	}
	pidfd = vp_pidfd(pid);
	if (vp_attach_task(fd, pidfd, 0, VPOOL_ATTACH_PROCESS, NULL))
		pid = -1;
	close(pidfd);
	return pid;
}

static void spin(void)
{
	sched_getcpu();
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

TEST_F(cpus, resize_moves_members)
{
	pid_t spinner, sleeper;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "2"));
	self->fd = vp_open(POOL);
	spinner = start(self->fd, spin);
	sleeper = start(self->fd, (void (*)(void))pause);
	ASSERT_LT(0, spinner);
	ASSERT_EQ(0, vp_resize_cpus(self->ctl, POOL, "1-3", 0));
	EXPECT_TRUE(assigned_are(POOL, "1-3"));
	EXPECT_TRUE(vp_may_run_on(spinner, "1-3"));
	EXPECT_TRUE(vp_may_run_on(sleeper, "1-3"));
	ASSERT_EQ(0, vp_resize_cpus(self->ctl, POOL, "1", 0));
	EXPECT_TRUE(vp_may_run_on(spinner, "1"));
	EXPECT_TRUE(vp_may_run_on(sleeper, "1"));
	/* The old and the new set of CPUs are disjoint. */
	ASSERT_EQ(0, vp_resize_cpus(self->ctl, POOL, "2-3", 0));
	EXPECT_TRUE(vp_may_run_on(spinner, "2-3"));
	/* The CPUs that the pool released are available. */
	EXPECT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, POOL, "2-3", 0));
	stop(spinner);
	stop(sleeper);
}

TEST_F(cpus, resize_is_all_or_nothing)
{
	int cpu = 2;
	pid_t pid;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "2"));
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "3"));
	self->fd = vp_open(POOL);
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, POOL, "1-3", 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, OTHER));
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, POOL, "0-2", 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "booted"));
	EXPECT_EQ(-EINVAL, vp_resize_cpus(self->ctl, POOL, "", 0));
	EXPECT_EQ(-ENODEV, vp_resize_cpus(self->ctl, POOL, "2,900", 0));
	EXPECT_EQ(-ENOENT, vp_resize_cpus(self->ctl, "cpus-none", "2", 0));
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, POOL, "0-2",
					 VPOOL_RESIZE_BOOT_CORE));
	EXPECT_TRUE(vp_reason_has(self->ctl, "host_cpus_floor"));
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, POOL, "1-2", VPOOL_RESIZE_DRY_RUN));
	EXPECT_TRUE(assigned_are(POOL, "2"));
	/* The failed resize did not take CPU 1. */
	vp_destroy(self->ctl, OTHER, 0);
	EXPECT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1,3"));
	vp_destroy(self->ctl, OTHER, 0);
	/* A dedicated CPU stays in the pool. */
	pid = start(self->fd, (void (*)(void))pause);
	ASSERT_EQ(0, vp_resize_cpus(self->ctl, POOL, "1-3", 0));
	ASSERT_EQ(0, vp_attach_task(self->fd, VPOOL_SELF, 0, 0, &cpu));
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, POOL, "1,3", 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "dedicated"));
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, POOL, "2", 0));
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, POOL, "2-3", 0));
	EXPECT_TRUE(vp_may_run_on(getpid(), "2"));
	EXPECT_TRUE(vp_may_run_on(pid, "3"));
	stop(pid);
}

/* Resize CPUs and memory in one call: if one fails, neither changes. */
TEST_F(cpus, resize_with_memory)
{
	struct vpool_mem mem = { .bytes = 1ULL << 50, .node = VPOOL_ANY_NODE };
	struct vpool_resize cmd = { .size = sizeof(cmd), .nr_mem = 1 };
	cpu_set_t set;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, 2 * HUGE_SIZE, 0, "2"));
	vp_name(cmd.name, POOL);
	vp_parse_cpus("2-3", &set);
	cmd.cpus_uptr = (unsigned long)&set;
	cmd.cpus_bytes = sizeof(set);
	cmd.mem_uptr = (unsigned long)&mem;
	EXPECT_EQ(-ENOMEM, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	EXPECT_TRUE(assigned_are(POOL, "2"));
	EXPECT_EQ(2 * HUGE_SIZE, vp_sysfs_u64(POOL, "memory/total_bytes"));
	mem.bytes = HUGE_SIZE;
	EXPECT_EQ(0, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	EXPECT_TRUE(assigned_are(POOL, "2-3"));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/total_bytes", HUGE_SIZE));
}

TEST_HARNESS_MAIN
