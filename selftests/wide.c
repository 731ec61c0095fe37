// SPDX-License-Identifier: GPL-2.0
/* CPUs 64 and above: every CPU mask has more than one word. */
#include <linux/vpool.h>
#include <sched.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "wide-pool"
#define OTHER "wide-other"
#define MOST_CPUS 1024

FIXTURE(wide)
{
	int ctl;
	int fd;
};

FIXTURE_SETUP(wide)
{
	if (vp_online_cpus() < 72)
		SKIP(return, "needs 72 CPUs, %d are online", vp_online_cpus());
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "3,60-67,71"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(wide)
{
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

TEST_F(wide, query_reports_all_cpus)
{
	__u64 mask[MOST_CPUS / 64] = {};
	struct vpool_query query = {
		.cpus_uptr = (uintptr_t)mask,
		.cpus_bytes = sizeof(mask),
	};

	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "3,60-67,71"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/effective", "3,60-67,71"));
	ASSERT_EQ(0, vp_query(self->fd, NULL, &query));
	EXPECT_EQ(1ULL << 3 | 0xfULL << 60, mask[0]);
	EXPECT_EQ(0xf | 1 << 7, mask[1]);
	/* A buffer of one word is too small. */
	query.cpus_bytes = sizeof(mask[0]);
	EXPECT_EQ(-EMSGSIZE, vp_query(self->fd, NULL, &query));
	EXPECT_LE(16, query.cpus_bytes);
}

TEST_F(wide, members_and_their_children)
{
	pid_t pid;

	ASSERT_EQ(0, vp_attach(self->fd, VPOOL_ATTACH_PROCESS));
	EXPECT_TRUE(vp_may_run_on(0, "3,60-67,71"));
	pid = fork();
	if (!pid)
		_exit(!vp_may_run_on(0, "3,60-67,71"));
	EXPECT_EQ(0, vp_wait_status(pid));
	ASSERT_EQ(0, vp_resize_cpus(self->ctl, POOL, "66-71", 0));
	EXPECT_TRUE(vp_may_run_on(0, "66-71"));
	EXPECT_LE(66, sched_getcpu());
	EXPECT_EQ(0, vp_detach(self->fd, VPOOL_ATTACH_PROCESS));
	EXPECT_FALSE(vp_may_run_on(0, "66-71"));
}

TEST_F(wide, dedicated_cpu)
{
	int cpu = 71;

	ASSERT_EQ(0, vp_attach_task(self->fd, VPOOL_SELF, 0, 0, &cpu));
	EXPECT_EQ(71, cpu);
	EXPECT_TRUE(vp_may_run_on(0, "71"));
	EXPECT_EQ(71, sched_getcpu());
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/dedicated", "71"));
	EXPECT_EQ(0, vp_detach(self->fd, 0));
}

TEST_F(wide, by_number_across_words)
{
	struct vp_request req;

	vp_request_init(&req, OTHER);
	req.create.nr_cpus = 58;
	req.create.cpus_node = VPOOL_ANY_NODE;
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_sysfs_is(OTHER, "cpus/assigned", "1-2,4-59"));
	EXPECT_EQ(-EBUSY, vp_resize_cpus(self->ctl, OTHER, "1-2,4-59,71", 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, POOL));
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, OTHER, "68-70", 0));
	EXPECT_TRUE(vp_sysfs_is(OTHER, "cpus/assigned", "68-70"));
}

TEST_HARNESS_MAIN
