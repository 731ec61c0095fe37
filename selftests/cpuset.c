// SPDX-License-Identifier: GPL-2.0
/*
 * Members and cpusets: vpool never makes a task run outside its cpuset, and a member
 * stays on its pool's CPUs when cpusets change.
 */
#include <linux/vpool.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "cpuset-pool"
#define CGROUPS "/sys/fs/cgroup"
#define CPUSET CGROUPS "/vpool-cpuset"
#define PARTITION CGROUPS "/vpool-partition"

FIXTURE(cpuset)
{
	int ctl;
	int fd;
	struct vp_worker worker;
};

static int move_to(const char *group, pid_t pid)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(text, sizeof(text), "%d", pid);
	return vp_write_file(path, text);
}

/* Check whether the kernel has the cpuset controller of cgroup v2. */
static bool has_cpusets(void)
{
	return !vp_write_file(CGROUPS "/cgroup.subtree_control", "+cpuset") &&
	       (!mkdir(CPUSET, 0755) || !access(CPUSET, F_OK)) &&
	       !access(CPUSET "/cpuset.cpus", W_OK);
}

FIXTURE_SETUP(cpuset)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	if (!has_cpusets())
		SKIP(return, "no cgroup2 with a cpuset controller here");
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
	self->worker = vp_worker_start(vp_pause);
	ASSERT_LT(0, self->worker.pid);
}

FIXTURE_TEARDOWN(cpuset)
{
	vp_worker_stop(&self->worker);
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
	rmdir(CPUSET);
	rmdir(PARTITION);
	vp_write_file(CGROUPS "/cgroup.subtree_control", "-cpuset");
}

static int attach(struct _test_data_cpuset *self)
{
	return vp_attach_task(self->fd, self->worker.pidfd, 0, 0, NULL);
}

static int detach(struct _test_data_cpuset *self)
{
	return vp_detach_task(self->fd, self->worker.pidfd, 0, 0);
}

TEST_F(cpuset, attach_outside_the_cpuset_is_refused)
{
	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "2-3"));
	ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
	EXPECT_EQ(-EINVAL, attach(self));
	EXPECT_TRUE(vp_reason_has(self->fd, "cpuset"));
	EXPECT_TRUE(vp_reason_has(self->fd, "2-3"));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "2-3"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
}

TEST_F(cpuset, attach_is_limited_to_the_cpuset)
{
	ASSERT_EQ(0, vp_resize_cpus(self->ctl, POOL, "1-2", 0));
	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "2-3"));
	ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
	ASSERT_EQ(0, attach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "2"));
	/*
	 * When the cpuset grows, the member gets the CPUs of the pool that it now
	 * allows.
	 */
	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "0-3"));
	EXPECT_TRUE(vp_wait_may_run_on(self->worker.pid, "1-2"));
	ASSERT_EQ(0, detach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "0-3"));
}

/* Each attach sees the CPUs that the cpuset has at that time. */
TEST_F(cpuset, attach_follows_the_cpuset)
{
	int i;

	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "2-3"));
	ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "2-3"));
		EXPECT_EQ(-EINVAL, attach(self));
		ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "1-3"));
		EXPECT_EQ(0, attach(self));
		EXPECT_TRUE(vp_may_run_on(self->worker.pid, "1"));
		EXPECT_EQ(0, detach(self));
	}
}

/* A cgroup that is removed and created again has another cpuset at the same path. */
TEST_F(cpuset, attach_finds_a_new_cgroup)
{
	int i;

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus",
					   i % 2 ? "1-2" : "2-3"));
		ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
		EXPECT_EQ(i % 2 ? 0 : -EINVAL, attach(self));
		EXPECT_EQ(i % 2 ? 0 : -ESRCH, detach(self));
		ASSERT_EQ(0, move_to(CGROUPS, self->worker.pid));
		ASSERT_EQ(0, rmdir(CPUSET));
		ASSERT_EQ(0, mkdir(CPUSET, 0755));
	}
}

/* As in sched_setaffinity(2), the affinity of the parent does not matter. */
TEST_F(cpuset, attach_widens_the_affinity)
{
	ASSERT_EQ(0, vp_set_affinity(self->worker.pid, "0"));
	ASSERT_EQ(0, attach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "1"));
	ASSERT_EQ(0, detach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "0"));
}

TEST_F(cpuset, detach_stays_within_the_cpuset)
{
	ASSERT_EQ(0, attach(self));
	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "2"));
	ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
	ASSERT_TRUE(vp_wait_may_run_on(self->worker.pid, "2"));
	ASSERT_EQ(0, detach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "2"));
}

/*
 * The member's affinity does not show that the cpuset changed: its CPUs are the
 * pool's.
 */
TEST_F(cpuset, detach_after_the_cpuset_shrank_to_the_pool)
{
	ASSERT_EQ(0, attach(self));
	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "1"));
	ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
	ASSERT_EQ(0, detach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "1"));
	/* The task gets its whole cpuset back. */
	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "0-3"));
	EXPECT_TRUE(vp_wait_may_run_on(self->worker.pid, "0-3"));
}

TEST_F(cpuset, destroy_stays_within_the_cpuset)
{
	ASSERT_EQ(0, attach(self));
	ASSERT_EQ(0, vp_write_file(CPUSET "/cpuset.cpus", "1-2"));
	ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
	EXPECT_TRUE(vp_wait_may_run_on(self->worker.pid, "1"));
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "1-2"));
}

/* Detach must not replace an affinity that was set after attach. */
TEST_F(cpuset, detach_keeps_a_newer_affinity)
{
	ASSERT_EQ(0, attach(self));
	ASSERT_EQ(0, vp_set_affinity(self->worker.pid, "2"));
	ASSERT_EQ(0, detach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "2"));
}

/* Neither a partition elsewhere nor its end moves a member off its CPUs. */
TEST_F(cpuset, members_stay_when_other_cpusets_change)
{
	int i;

	ASSERT_EQ(0, move_to(CPUSET, self->worker.pid));
	ASSERT_EQ(0, attach(self));
	for (i = 0; i < 2; i++) {
		if ((mkdir(PARTITION, 0755) && access(PARTITION, F_OK)) ||
		    vp_write_file(PARTITION "/cpuset.cpus", "3") ||
		    vp_write_file(PARTITION "/cpuset.cpus.partition", "root"))
			SKIP(return, "no cpuset partitions here");
		EXPECT_TRUE(vp_wait_may_run_on(self->worker.pid, "1"));
		ASSERT_EQ(0, vp_write_file(PARTITION "/cpuset.cpus.partition",
					   "member"));
		ASSERT_EQ(0, rmdir(PARTITION));
		EXPECT_TRUE(vp_wait_may_run_on(self->worker.pid, "1"));
	}
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "stat/escapes"));
	ASSERT_EQ(0, detach(self));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "0-3"));
}

/* struct sched_attr of the kernel, which the C library does not define. */
struct deadline {
	__u32 size;
	__u32 policy;
	__u64 flags;
	__s32 nice;
	__u32 priority;
	__u64 runtime;
	__u64 deadline;
	__u64 period;
};

TEST_F(cpuset, deadline_tasks_are_refused)
{
	struct deadline attr = {
		.size = sizeof(attr),
		.policy = 6,	/* SCHED_DEADLINE */
		.runtime = 1000000,
		.deadline = 100000000,
		.period = 100000000,
	};

	if (syscall(SYS_sched_setattr, self->worker.pid, &attr, 0))
		SKIP(return, "no SCHED_DEADLINE here");
	ASSERT_EQ(-EBUSY, vp_set_affinity(self->worker.pid, "1"));
	EXPECT_EQ(-EBUSY, attach(self));
	EXPECT_TRUE(vp_reason_has(self->fd, "SCHED_DEADLINE"));
	EXPECT_TRUE(vp_may_run_on(self->worker.pid, "0-3"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
}

TEST_HARNESS_MAIN
