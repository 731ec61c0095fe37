// SPDX-License-Identifier: GPL-2.0
/* Whole cores, on a host whose cores have two threads each. */
#include <linux/vpool.h>
#include <sched.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/pool.h"

#define POOL "cores-pool"
#define OTHER "cores-other"

FIXTURE(cores)
{
	int ctl;
};

/* CPUs 0-1, 2-3, 4-5 and 6-7 must be one core each, and each core a NUMA node. */
static bool has_expected_topology(void)
{
	cpu_set_t core, want;
	char list[8];
	int cpu;

	for (cpu = 0; cpu < 8; cpu += 2) {
		snprintf(list, sizeof(list), "%d-%d", cpu, cpu + 1);
		vp_parse_cpus(list, &want);
		if (!vp_core_of(cpu, &core) || !CPU_EQUAL(&core, &want) ||
		    !vp_has_node(cpu / 2))
			return false;
	}
	return vp_online_cpus() == 8;
}

FIXTURE_SETUP(cores)
{
	if (!has_expected_topology())
		SKIP(return, "needs four nodes with a core of two threads each");
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
}

FIXTURE_TEARDOWN(cores)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static int create_list(int ctl, const char *cpus, __u32 flags)
{
	struct vp_request req;

	vp_request_init(&req, POOL);
	vp_request_cpus(&req, cpus);
	req.create.flags = flags;
	return vp_request_send(ctl, &req);
}

/* A list with one thread of a core needs VPOOL_CREATE_SPLIT_CORES. */
TEST_F(cores, part_of_a_core_is_refused)
{
	EXPECT_EQ(-EBUSY, create_list(self->ctl, "2", 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "cpu 2 shares its core with cpu 3"));
	EXPECT_EQ(-EBUSY, create_list(self->ctl, "2-4", 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "cpu 4 shares its core with cpu 5"));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_EQ(0, create_list(self->ctl, "2", VPOOL_CREATE_SPLIT_CORES));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "2"));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(0, create_list(self->ctl, "2-5", 0));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "2-5"));
}

/* Both threads of the boot CPU's core stay with the host. */
TEST_F(cores, boot_core_stays_with_the_host)
{
	EXPECT_EQ(-EBUSY, create_list(self->ctl, "1", VPOOL_CREATE_SPLIT_CORES));
	EXPECT_TRUE(vp_reason_has(self->ctl, "booted"));
	EXPECT_EQ(0, create_list(self->ctl, "0-1", VPOOL_CREATE_BOOT_CORE));
}

/* A request by number gets whole cores, the nearest to the memory first. */
TEST_F(cores, by_number)
{
	EXPECT_EQ(-EBUSY,
		  vp_create_nr(self->ctl, POOL, 3, VPOOL_ANY_NODE, -1, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "in whole cores"));
	EXPECT_EQ(0, vp_create_nr(self->ctl, POOL, 2, VPOOL_ANY_NODE, 2, 0));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "4-5"));
	EXPECT_EQ(0, vp_create_nr(self->ctl, OTHER, 3, VPOOL_ANY_NODE, -1,
				  VPOOL_CREATE_SPLIT_CORES));
	EXPECT_TRUE(vp_sysfs_is(OTHER, "cpus/assigned", "2-3,6"));
}

/* A core is not whole if another pool owns one of its threads. */
TEST_F(cores, shared_core_is_not_used)
{
	ASSERT_EQ(0, create_list(self->ctl, "2", VPOOL_CREATE_SPLIT_CORES));
	EXPECT_EQ(-EBUSY,
		  vp_create_nr(self->ctl, OTHER, 6, VPOOL_ANY_NODE, -1, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "4 available in whole cores"));
	EXPECT_EQ(0, vp_create_nr(self->ctl, OTHER, 4, VPOOL_ANY_NODE, -1, 0));
	EXPECT_TRUE(vp_sysfs_is(OTHER, "cpus/assigned", "4-7"));
}

TEST_F(cores, resize_keeps_whole_cores)
{
	ASSERT_EQ(0, create_list(self->ctl, "2-3", 0));
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, POOL, "2-4", 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "cpu 4 shares its core with cpu 5"));
	/* A resize must not leave a part of a core in the pool either. */
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, POOL, "3-5", 0));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "2-3"));
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, POOL, "3-5",
				    VPOOL_RESIZE_SPLIT_CORES));
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, POOL, "4-7", 0));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "4-7"));
}

TEST_HARNESS_MAIN
