// SPDX-License-Identifier: GPL-2.0
/*
 * Reserving much memory, for which the module starts helpers: kernel threads that gather
 * memory together with the calling task. They run where they may, and a call with them
 * has the same result as one without.
 */
#include <fcntl.h>
#include <linux/vpool.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "reserve-pool"
#define OTHER "reserve-other"
#define TRACING "/sys/kernel/tracing"
#define INSTANCE TRACING "/instances/vpool-reserve"
#define CGROUPS "/sys/fs/cgroup"
#define CPUSET CGROUPS "/vpool-reserve"
#define HELPER "vpool_help/"
/* Enough for helpers, with pages of 4 KiB also on a kernel that does not zero them. */
#define LARGE (192 * MIB)
/* So much that a signal arrives before it is reserved. */
#define HUGE (768 * MIB)

FIXTURE(reserve)
{
	int ctl;
	char text[1 << 20];
	cpu_set_t ran;
};

/* Record on which CPUs the helpers run from now on. */
static int trace_helpers(bool on)
{
	int err = vp_write_file(INSTANCE "/events/sched/sched_switch/filter",
				"next_comm ~ \"" HELPER "*\"");

	if (on && !err)
		err = vp_write_file(INSTANCE "/trace", "");
	return err ?: vp_write_file(INSTANCE "/events/sched/sched_switch/enable",
				    on ? "1" : "0");
}

FIXTURE_SETUP(reserve)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	if (access(TRACING "/events/sched/sched_switch", F_OK) ||
	    (mkdir(INSTANCE, 0700) && errno != EEXIST))
		SKIP(return, "no events of the scheduler in " TRACING);
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, trace_helpers(true));
}

FIXTURE_TEARDOWN(reserve)
{
	vp_set_online(3, true);
	trace_helpers(false);
	rmdir(INSTANCE);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

/* Set @ran to the CPUs on which helpers have run. Return their number, or -1. */
static int helpers_ran(struct _test_data_reserve *self)
{
	char *line = self->text;
	int cpu;

	CPU_ZERO(&self->ran);
	if (trace_helpers(false) ||
	    vp_read_file(INSTANCE "/trace", self->text, sizeof(self->text)))
		return -1;
	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strstr(line, "next_comm=" HELPER) &&
		    sscanf(line, " %*[^[][%d]", &cpu) == 1)
			CPU_SET(cpu, &self->ran);
	}
	return CPU_COUNT(&self->ran);
}

static int create_on_both_nodes(int ctl, __u64 bytes, const char *cpus)
{
	bool two = vp_has_node(1);
	struct vp_request req;

	vp_request_init(&req, POOL);
	req.create.page_size = BASE;
	vp_request_mem(&req, two ? bytes / 2 : bytes, 0);
	if (two)
		vp_request_mem(&req, bytes / 2, 1);
	if (cpus)
		vp_request_cpus(&req, cpus);
	return vp_request_send(ctl, &req);
}

static bool has_all(int ctl, const char *pool, __u64 bytes)
{
	return vp_sysfs_u64(pool, "memory/total_bytes") == bytes &&
		vp_accounting_ok(ctl, pool);
}

TEST_F(reserve, helpers_use_all_free_cpus)
{
	ASSERT_EQ(0, create_on_both_nodes(self->ctl, LARGE, NULL));
	EXPECT_TRUE(has_all(self->ctl, POOL, LARGE));
	EXPECT_LE(2, helpers_ran(self));
}

TEST_F(reserve, helpers_use_the_cpus_of_the_pool)
{
	ASSERT_EQ(0, create_on_both_nodes(self->ctl, LARGE, "1-3"));
	EXPECT_TRUE(has_all(self->ctl, POOL, LARGE));
	EXPECT_LE(2, helpers_ran(self));
}

TEST_F(reserve, small_requests_have_no_helpers)
{
	ASSERT_EQ(0, create_on_both_nodes(self->ctl, 16 * MIB, NULL));
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 8 * HUGE_SIZE, 0, NULL));
	EXPECT_EQ(0, helpers_ran(self));
}

TEST_F(reserve, helpers_leave_other_pools_alone)
{
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "2-3"));
	ASSERT_EQ(0, create_on_both_nodes(self->ctl, LARGE, NULL));
	EXPECT_TRUE(has_all(self->ctl, POOL, LARGE));
	EXPECT_LE(1, helpers_ran(self));
	EXPECT_FALSE(CPU_ISSET(2, &self->ran));
	EXPECT_FALSE(CPU_ISSET(3, &self->ran));
}

TEST_F(reserve, helpers_leave_isolated_cpus_alone)
{
	struct vp_request req;

	vp_request_init(&req, POOL);
	req.create.page_size = BASE;
	req.create.flags = VPOOL_CREATE_ISOLATED;
	vp_request_mem(&req, LARGE, VPOOL_ANY_NODE);
	vp_request_cpus(&req, "2-3");
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(has_all(self->ctl, POOL, LARGE));
	EXPECT_LE(1, helpers_ran(self));
	EXPECT_FALSE(CPU_ISSET(2, &self->ran));
	EXPECT_FALSE(CPU_ISSET(3, &self->ran));
}

/* A CPU dedicated to a member is not free when its pool grows. */
TEST_F(reserve, helpers_leave_dedicated_cpus_alone)
{
	__u64 bytes = LARGE;
	int fd, cpu = 2;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, BASE, BASE, "2-3"));
	fd = vp_open(POOL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_attach_task(fd, VPOOL_SELF, 0, VPOOL_ATTACH_DEDICATED,
				    &cpu));
	ASSERT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_TRUE(has_all(self->ctl, POOL, LARGE));
	EXPECT_LE(1, helpers_ran(self));
	EXPECT_FALSE(CPU_ISSET(cpu, &self->ran));
	EXPECT_EQ(0, vp_detach(fd, 0));
	close(fd);
}

/* Memory of any node comes in equal shares from near each CPU of the pool. */
TEST_F(reserve, each_cpu_gets_an_equal_share)
{
	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	ASSERT_EQ(0, vp_create(self->ctl, POOL, LARGE, BASE, "1-3"));
	EXPECT_EQ(LARGE / 3, vp_node_bytes(POOL, 0, "total"));
	EXPECT_EQ(LARGE / 3 * 2, vp_node_bytes(POOL, 1, "total"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
}

/* The helpers are not in the cpuset of the task, but must keep to its memory nodes. */
static int create_in_cpuset(void *arg)
{
	int ctl = *(int *)arg, err;
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	err = vp_write_file(CPUSET "/cgroup.procs", pid);
	return err ?: vp_create(ctl, POOL, LARGE, BASE, "1-3");
}

TEST_F(reserve, helpers_keep_to_the_cpuset_of_the_task)
{
	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	if (vp_write_file(CGROUPS "/cgroup.subtree_control", "+cpuset") ||
	    (mkdir(CPUSET, 0755) && errno != EEXIST) ||
	    vp_write_file(CPUSET "/cpuset.mems", "1"))
		SKIP(return, "no cgroup2 with a cpuset controller here");
	EXPECT_EQ(0, vp_in_child(create_in_cpuset, &self->ctl));
	EXPECT_EQ(0, vp_node_bytes(POOL, 0, "total"));
	EXPECT_EQ(LARGE, vp_node_bytes(POOL, 1, "total"));
	EXPECT_LE(1, helpers_ran(self));
	EXPECT_EQ(0, rmdir(CPUSET));
	vp_write_file(CGROUPS "/cgroup.subtree_control", "-cpuset");
}

static int create_huge(void *arg)
{
	return create_on_both_nodes(*(int *)arg, HUGE, NULL);
}

static bool gathers(const char *pool)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS, bytes;

	do {
		bytes = vp_sysfs_u64(pool, "memory/gathered_bytes");
	} while ((bytes == VP_NONE || !bytes) && vp_now_ms() < end);
	return bytes && bytes != VP_NONE;
}

TEST_F(reserve, sigkill_ends_it)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(create_huge(&self->ctl));
	ASSERT_TRUE(gathers(POOL));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_LE(1, helpers_ran(self));
	/* The host has its memory back, and the next call is not disturbed. */
	EXPECT_EQ(0, create_huge(&self->ctl));
	EXPECT_TRUE(has_all(self->ctl, POOL, HUGE));
}

static int grow_huge(void *arg)
{
	__u64 bytes = HUGE;

	return -vp_resize(*(int *)arg, POOL, &bytes, VPOOL_ANY_NODE);
}

TEST_F(reserve, destroy_ends_a_resize)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, BASE, BASE, NULL));
	pid = fork();
	if (!pid)
		_exit(grow_huge(&self->ctl));
	ASSERT_TRUE(gathers(POOL));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(ENXIO, WEXITSTATUS(status));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_LE(1, helpers_ran(self));
}

static int create_other(void *arg)
{
	return vp_create(*(int *)arg, OTHER, LARGE, BASE, NULL);
}

TEST_F(reserve, two_calls_at_a_time)
{
	pid_t pid = fork();

	if (!pid)
		_exit(create_other(&self->ctl));
	EXPECT_EQ(0, create_on_both_nodes(self->ctl, LARGE, NULL));
	EXPECT_EQ(0, vp_wait_status(pid));
	EXPECT_TRUE(has_all(self->ctl, POOL, LARGE));
	EXPECT_TRUE(has_all(self->ctl, OTHER, LARGE));
}

/* Helpers lose a CPU of theirs, and all CPUs but one. */
TEST_F(reserve, cpus_go_offline)
{
	int i, cpu, err = 0;
	pid_t pid = fork();

	if (!pid) {
		for (i = 0; !err && i < 5; i++)
			err = create_on_both_nodes(self->ctl, LARGE, NULL) ?:
			      vp_destroy(self->ctl, POOL, 0);
		_exit(-err);
	}
	for (i = 0; !waitpid(pid, &err, WNOHANG); i++)
		for (cpu = 1; cpu < 4; cpu++)
			EXPECT_EQ(0, vp_set_online(cpu, i % 2));
	EXPECT_EQ(0, err);
	for (cpu = 1; cpu < 4; cpu++)
		EXPECT_EQ(0, vp_set_online(cpu, true));
	EXPECT_LE(1, helpers_ran(self));
}

TEST_HARNESS_MAIN
