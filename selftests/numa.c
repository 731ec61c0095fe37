// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of one node, of another, of any: what a pool has where, and from where a
 * region gets it.
 */
#include <linux/vpool.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "vpool_util.h"

#define POOL "numa-pool"
#define EACH (4 * HUGE_SIZE)
#define MAX_NODES 4

FIXTURE(numa)
{
	int ctl;
	int nodes;
};

FIXTURE_SETUP(numa)
{
	struct vp_request req;
	int i;

	while (self->nodes < MAX_NODES && vp_has_node(self->nodes))
		self->nodes++;
	if (self->nodes < 2)
		SKIP(return, "needs two NUMA nodes");
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_request_init(&req, POOL);
	for (i = 0; i < self->nodes; i++)
		vp_request_mem(&req, EACH, i);
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
}

FIXTURE_TEARDOWN(numa)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static __u64 node_bytes(int node, const char *what)
{
	char attr[64];

	snprintf(attr, sizeof(attr), "memory/node%d/%s_bytes", node, what);
	return vp_sysfs_u64(POOL, attr);
}

static int commit_on(int fd, __u64 bytes, int node)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd),
		.flags = VPOOL_COMMIT_NODE,
		.bytes = bytes,
		.node = node,
	};

	return vp_ioctl(fd, VPOOL_COMMIT, &cmd);
}

/* A CPU of the node; -1 if it has none. */
static int cpu_of(int node)
{
	char path[64], list[256];
	int cpu = -1;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
		 node);
	if (!vp_read_file(path, list, sizeof(list)))
		sscanf(list, "%d", &cpu);
	return cpu;
}

static int go_to(int node)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu_of(node), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

TEST_F(numa, each_node_has_what_was_asked)
{
	int i;

	for (i = 0; i < self->nodes; i++) {
		EXPECT_EQ(EACH, node_bytes(i, "total"));
		EXPECT_EQ(EACH, node_bytes(i, "free"));
		EXPECT_EQ(0, node_bytes(i, "used"));
	}
}

TEST_F(numa, a_region_may_choose)
{
	int i, fd;

	for (i = 0; i < self->nodes; i++) {
		fd = vp_open(POOL);
		ASSERT_EQ(0, commit_on(fd, EACH - HUGE_SIZE, i));
		EXPECT_EQ(EACH - HUGE_SIZE, node_bytes(i, "used"));
		EXPECT_EQ(EACH - HUGE_SIZE,
			  vp_sysfs_u64(POOL, "memory/used_bytes"));
		close(fd);
		EXPECT_TRUE(vp_sysfs_becomes(POOL, "memory/used_bytes", 0));
	}
}

/* Others have plenty, but this was not asked. */
TEST_F(numa, a_choice_is_strict)
{
	int fd = vp_open(POOL);

	EXPECT_EQ(-ENOMEM, commit_on(fd, EACH + HUGE_SIZE, 1));
	EXPECT_TRUE(vp_reason_has(fd, "on node 1"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(-ENODEV, commit_on(fd, HUGE_SIZE, 63));
	EXPECT_EQ(-ENODEV, commit_on(fd, HUGE_SIZE, -5));
	EXPECT_EQ(0, commit_on(fd, EACH, 1));
	close(fd);
}

/* What is being scrubbed is not waited for, and would come from farther away. */
static bool all_clean(int nodes)
{
	return vp_sysfs_becomes(POOL, "memory/clean_bytes", nodes * EACH);
}

TEST_F(numa, near_before_far)
{
	int i, fd;

	for (i = 0; i < self->nodes; i++) {
		__u64 bytes = EACH;

		if (cpu_of(i) < 0)
			continue;
		ASSERT_EQ(0, go_to(i));
		ASSERT_TRUE(all_clean(self->nodes));
		fd = vp_open(POOL);
		ASSERT_EQ(0, vp_commit(fd, &bytes));
		EXPECT_EQ(EACH, node_bytes(i, "used"));
		close(fd);
	}
}

/* What is near does not suffice, so the rest comes from farther away. */
TEST_F(numa, far_where_near_is_short)
{
	__u64 bytes = EACH + HUGE_SIZE;
	int fd = vp_open(POOL);

	ASSERT_EQ(0, go_to(0));
	ASSERT_TRUE(all_clean(self->nodes));
	ASSERT_EQ(0, vp_commit(fd, &bytes));
	EXPECT_EQ(EACH, node_bytes(0, "used"));
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	close(fd);
}

/* What one taker was promised on a node, another does not get. */
TEST_F(numa, choosers_do_not_starve_each_other)
{
	int one = vp_open(POOL), two = vp_open(POOL), i;

	for (i = 0; i < vp_scale(100); i++) {
		ASSERT_EQ(0, commit_on(one, EACH, 0));
		ASSERT_EQ(0, commit_on(two, EACH, 1));
		close(one);
		close(two);
		one = vp_open(POOL);
		two = vp_open(POOL);
	}
	close(one);
	close(two);
	EXPECT_TRUE(vp_books_ok(self->ctl, POOL));
}

/* One node of a request cannot give it: nothing is kept of the other. */
TEST_F(numa, all_nodes_or_none)
{
	const __u64 slack = 32 * MIB;
	__u64 before = vp_host_free();
	struct vp_request req;

	vp_request_init(&req, "numa-other");
	vp_request_mem(&req, 64 * MIB, 0);
	vp_request_mem(&req, vp_meminfo("MemTotal") / 4 * 3, 1);
	req.create.timeout_ms = 0;
	EXPECT_EQ(-ENOMEM, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, "node 1"));
	EXPECT_FALSE(vp_exists("numa-other"));
	EXPECT_TRUE(vp_host_has(before - slack));
}

#define TAKEN (24 * MIB)
#define SMALL (32 * MIB)
#define LARGE (64 * MIB)

/* Always to be had: what the pool gives back leaves as much. */
static void take_of_node_0(void)
{
	int fd = vp_open(POOL);

	if (commit_on(fd, TAKEN, 0))
		_exit(1);
	close(fd);
}

/* What was promised to who takes it is not given back to the host. */
TEST_F(numa, a_choice_holds_while_the_node_shrinks)
{
	struct vp_worker taker;
	int i, rounds = vp_scale(100);
	struct vp_request req;
	__u64 bytes;

	/* Small pages, so that taking them takes a while. */
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_request_init(&req, POOL);
	req.create.page_size = 4096;
	vp_request_mem(&req, LARGE, 0);
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	taker = vp_worker_start(take_of_node_0);
	for (i = 0; i < rounds; i++) {
		bytes = i % 2 ? LARGE : SMALL;
		ASSERT_EQ(0, vp_resize(self->ctl, POOL, &bytes, 0));
		ASSERT_EQ(i % 2 ? LARGE : SMALL, node_bytes(0, "total"));
	}
	EXPECT_EQ(0, waitpid(taker.pid, NULL, WNOHANG));
	vp_worker_stop(&taker);
	EXPECT_TRUE(vp_idle(POOL));
	EXPECT_TRUE(vp_books_ok(self->ctl, POOL));
}

TEST_HARNESS_MAIN
